// SPDX-License-Identifier: GPL-2.0-or-later
//! Every format, colour space and kind of alpha, into every other; and colours that the standards name.

use lk_compositor::{Placement, SourceId};
use lk_media::PixelFormat::{self, Bgra, I420, Nv12, Rgb, Rgba, Yuy2};
use lk_media::{AlphaKind, ColorSpace, Frame, FrameSpec, Matrix, Range, Siting, Size, Timestamp};
use lk_tests::harness::picture::BARS;
use lk_tests::harness::{Motif, Picture, Stage, every_spec};
use lk_tests::{harness, reference};

#[test]
fn every_source_into_every_output_unscaled() {
    let size = Size::new(14, 10);
    for (i, spec) in every_spec(size).into_iter().enumerate() {
        for motif in [Motif::Noise(i as u64), Motif::Gradient] {
            let stage = Stage::new(14, 10).layer(Picture { spec, motif }, |_| ());
            stage.check("every format", &every_spec(size));
        }
    }
}

#[test]
fn every_source_into_every_output_scaled() {
    let size = Size::new(20, 14);
    for (i, spec) in every_spec(Size::new(13, 11)).into_iter().enumerate() {
        for (w, h) in [(7.0, 5.0), (18.5, 13.0)] {
            let stage = Stage::new(20, 14).background([250, 120, 0, 77]).layer(
                Picture { spec, motif: Motif::Noise(i as u64) },
                |l| {
                    l.placement = Placement::rectangle(1.0, 1.0, w, h);
                },
            );
            stage.check("every format scaled", &every_spec(size));
        }
    }
}

#[test]
fn every_source_into_every_output_turned() {
    let size = Size::new(20, 14);
    for (i, spec) in every_spec(Size::new(12, 9)).into_iter().enumerate() {
        for (rotation, opacity) in [(90.0, 1.0), (33.0, 0.6)] {
            let stage = Stage::new(20, 14).layer(Picture { spec, motif: Motif::Noise(i as u64) }, |l| {
                l.placement = Placement::rectangle(4.0, 2.0, 12.0, 8.0);
                (l.rotation, l.opacity) = (rotation, opacity);
            });
            stage.check("every format turned", &every_spec(size));
        }
    }
}

#[test]
fn layers_of_the_same_kind_are_copied_byte_for_byte() {
    for spec in every_spec(Size::new(12, 8)) {
        let picture = Picture { spec: spec.with_alpha(AlphaKind::Opaque), motif: Motif::Noise(9) };
        for (x, y) in [(0, 0), (2, 4), (10, 6)] {
            let stage = Stage::new(24, 16).layer(picture, |l| {
                l.placement = Placement::moved(x as f64, y as f64);
            });
            let out = FrameSpec { size: stage.scene.size, ..spec };
            let inputs = stage.inputs();
            let source = inputs[0].frame.clone().expect("every source has a picture");
            let rendered = render(&stage, &[out]).remove(0);
            let (from, to) = (source.map_native(), rendered.map_native());
            for index in 0..spec.format.planes() {
                let (from, to) = (from.plane(index), to.plane(index));
                // the place of the layer in this plane: bytes across, rows down
                let left = x * spec.format.plane_extent(Size::new(24, 16), index).0 / 24;
                let top = y * to.rows / 16;
                for row in 0..from.rows {
                    let mut expected = from.row(row).to_vec();
                    if spec.format.has_alpha() {
                        expected.iter_mut().skip(3).step_by(4).for_each(|a| *a = 255);
                    }
                    let actual = &to.row(top + row)[left..left + from.width];
                    assert_eq!(actual, expected, "plane {index} row {row} of\n{stage}");
                }
            }
        }
    }
}

/// Y', Cb, Cr of the bars as the standards give them, in the order of [`BARS`].
type Codes = [[u8; 3]; 8];

/// 100 % bars, ITU-R BT.601, limited range.
const BARS_601: Codes = [
    [235, 128, 128],
    [210, 16, 146],
    [170, 166, 16],
    [145, 54, 34],
    [106, 202, 222],
    [81, 90, 240],
    [41, 240, 110],
    [16, 128, 128],
];

/// 100 % bars, ITU-R BT.709, limited range.
const BARS_709: Codes = [
    [235, 128, 128],
    [219, 16, 138],
    [188, 154, 16],
    [173, 42, 26],
    [78, 214, 230],
    [63, 102, 240],
    [32, 240, 118],
    [16, 128, 128],
];

/// 100 % bars, JPEG (BT.601, full range).
const BARS_JPEG: Codes = [
    [255, 128, 128],
    [226, 0, 149],
    [179, 171, 0],
    [150, 44, 21],
    [105, 212, 235],
    [76, 85, 255],
    [29, 255, 107],
    [0, 128, 128],
];

/// 75 % bars, ITU-R BT.601, limited range.
const BARS_601_75: Codes = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];

/// 75 % bars, ITU-R BT.709, limited range.
const BARS_709_75: Codes = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [133, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
    [16, 128, 128],
];

/// Columns of a bar in the pictures below, and the picture's rows.
const BAR: usize = 8;
const ROWS: usize = 4;

fn bars_frame(format: PixelFormat, color: ColorSpace, codes: &Codes) -> Frame {
    let size = Size::new(8 * BAR as u32, ROWS as u32);
    let row = |channel: usize, step: usize| codes.iter().flat_map(move |c| vec![c[channel]; BAR / step]);
    let interleaved: Vec<u8> = row(1, 2).zip(row(2, 2)).flat_map(|(u, v)| [u, v]).collect();
    let y: Vec<u8> = row(0, 1).collect();
    let bytes: Vec<u8> = match format {
        I420 => {
            let chroma = |channel| row(channel, 2).collect::<Vec<u8>>().repeat(ROWS / 2);
            [y.repeat(ROWS), chroma(1), chroma(2)].concat()
        }
        Nv12 => [y.repeat(ROWS), interleaved.repeat(ROWS / 2)].concat(),
        Yuy2 => y.into_iter().zip(interleaved).flat_map(|(y, c)| [y, c]).collect::<Vec<u8>>().repeat(ROWS),
        _ => unreachable!("bars are YUV here"),
    };
    Frame::from_packed(FrameSpec::of(format, size).with_color(color), &bytes, Timestamp::ZERO)
        .expect("the bars fill the picture")
}

fn render(stage: &Stage, specs: &[FrameSpec]) -> Vec<Frame> {
    render_frames(stage, &stage.inputs(), specs)
}

fn render_frames(stage: &Stage, inputs: &[lk_compositor::Sampled], specs: &[FrameSpec]) -> Vec<Frame> {
    let mut renderer = lk_compositor::CpuRenderer::new(1).expect("a renderer with one thread");
    harness::render_with(&mut renderer, &stage.scene, inputs, specs).expect("the scene is in order")
}

/// The middle pixel of each bar.
fn middles(frame: &Frame) -> Vec<[u8; 3]> {
    let map = frame.map_native();
    let row = map.plane(0).row(1).to_vec();
    let len = if frame.format().has_alpha() { 4 } else { 3 };
    (0..8).map(|bar| (bar * BAR + BAR / 2) * len).map(|at| [row[at], row[at + 1], row[at + 2]]).collect()
}

fn one_source(frame: Frame, width: u32, height: u32) -> (Stage, [lk_compositor::Sampled; 1]) {
    let mut stage = Stage::new(width, height);
    let layer = lk_compositor::Layer::new(SourceId::unique());
    let inputs = [lk_compositor::Sampled { layer: layer.id, frame: Some(frame) }];
    stage.scene.layers.insert(0, layer);
    (stage, inputs)
}

#[test]
fn bars_come_out_as_the_right_rgb() {
    let bt709_full = ColorSpace { matrix: Matrix::Bt709, range: Range::Full, siting: Siting::Left };
    // as BARS_709, stretched from 219 and 224 steps to 255
    let full = BARS_709.map(|[y, u, v]| {
        let stretch = |c: u8, zero: f64, steps: f64| ((f64::from(c) - zero) * 255.0 / steps).round();
        let chroma = |c: u8| (128.0 + stretch(c, 128.0, 224.0)).clamp(0.0, 255.0) as u8;
        [stretch(y, 16.0, 219.0) as u8, chroma(u), chroma(v)]
    });
    for (color, codes, level) in [
        (ColorSpace::BT601, BARS_601, 255),
        (ColorSpace::BT709, BARS_709, 255),
        (ColorSpace::JPEG, BARS_JPEG, 255),
        (bt709_full, full, 255),
        (ColorSpace::BT601, BARS_601_75, 191),
        (ColorSpace::BT709, BARS_709_75, 191),
    ] {
        for format in [I420, Nv12, Yuy2] {
            // in its own size and enlarged to twice the height
            for height in [ROWS as u32, 2 * ROWS as u32] {
                let (stage, inputs) = one_source(bars_frame(format, color, &codes), 8 * BAR as u32, height);
                let spec = FrameSpec::of(Rgb, stage.scene.size);
                let by_reference = reference::render(&stage.scene, &inputs, spec);
                for frame in [render_frames(&stage, &inputs, &[spec]).remove(0), by_reference] {
                    for (bar, (actual, expected)) in middles(&frame).iter().zip(BARS).enumerate() {
                        let expected = expected.map(|c| c.min(level));
                        let close = actual.iter().zip(expected).all(|(a, e)| a.abs_diff(e) <= 2);
                        assert!(close, "{format} {color:?} bar {bar}: {actual:?}, expected {expected:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn rgb_bars_come_out_as_the_codes_of_the_standards() {
    let size = Size::new(8 * BAR as u32, ROWS as u32);
    let bars = Picture { spec: FrameSpec::of(Rgba, size), motif: Motif::Bars };
    let stage = Stage::new(size.width, size.height).layer(bars, |_| ());
    for (color, codes) in
        [(ColorSpace::BT601, BARS_601), (ColorSpace::BT709, BARS_709), (ColorSpace::JPEG, BARS_JPEG)]
    {
        for format in [I420, Nv12, Yuy2] {
            let spec = FrameSpec::of(format, size).with_color(color);
            let frame = render(&stage, &[spec]).remove(0);
            let [y, u, v] = reference::picture::stored_yuv(&frame);
            for (bar, expected) in codes.iter().enumerate() {
                let (x, step) = (bar * BAR + BAR / 2, 2);
                let actual = [y.at(x, 1), u.at(x / step, 1), v.at(x / step, 1)];
                let close = actual.iter().zip(expected).all(|(a, e)| (a - f64::from(*e)).abs() <= 1.0);
                assert!(close, "{format} {color:?} bar {bar}: {actual:?}, expected {expected:?}");
            }
        }
    }
}

#[test]
fn flat_areas_agree_between_the_families() {
    for color in [[255, 255, 255, 255], [200, 60, 20, 255], [10, 90, 180, 130], [128, 128, 128, 255]] {
        let stage = Stage::new(16, 16).background([30, 60, 90, 255]).layer(
            Picture::new(Bgra, 8, 8, Motif::Flat(color)),
            |l| {
                l.placement = Placement::rectangle(2.0, 2.0, 12.0, 12.0);
            },
        );
        let specs = [Rgb, I420].map(|f| FrameSpec::of(f, stage.scene.size));
        let frames = render(&stage, &specs);
        let rgb = frames[0].map_native().plane(0).row(8)[24..27].to_vec();
        let [y, u, v] = reference::picture::stored_yuv(&frames[1]);
        let back = specs[1].color.yuv_to_rgb([y.at(8, 8), u.at(4, 4), v.at(4, 4)]);
        let close = rgb.iter().zip(back).all(|(a, b)| (f64::from(*a) - b).abs() <= 4.0);
        assert!(close, "{color:?}: {rgb:?} {back:?}");
    }
}
