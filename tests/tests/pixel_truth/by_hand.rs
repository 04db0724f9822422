// SPDX-License-Identifier: GPL-2.0-or-later
//! The reference renderers themselves, on cases small enough to work out by hand.

use lk_compositor::{Blend, Crop, Flip, Layer, Placement, Sampled, Scene, SourceId};
use lk_media::{
    AlphaKind, ColorSpace, Frame, FrameSpec, Matrix, PixelFormat, Range, Siting, Size, Timestamp,
};
use lk_tests::reference;

const FULL_LEFT: ColorSpace = ColorSpace { matrix: Matrix::Bt601, range: Range::Full, siting: Siting::Left };

fn frame(spec: FrameSpec, bytes: &[u8]) -> Frame {
    Frame::from_packed(spec, bytes, Timestamp::ZERO).expect("the test gives as many bytes as the picture has")
}

fn spec(format: PixelFormat, width: u32, height: u32) -> FrameSpec {
    FrameSpec::of(format, Size::new(width, height))
}

/// The packed bytes of a scene with one layer on black.
fn one_layer(out: FrameSpec, source: &Frame, edit: impl FnOnce(&mut Layer)) -> Vec<u8> {
    let mut scene = Scene::new(out.size).expect("a possible size");
    let mut layer = Layer::new(SourceId::unique());
    edit(&mut layer);
    let inputs = [Sampled { layer: layer.id, frame: Some(source.clone()) }];
    scene.layers.insert(0, layer);
    reference::render(&scene, &inputs, out).map_native().to_packed()
}

/// One row of grey, shown by one layer on a black row: its grey values.
fn grey_row(width: u32, row: &[u8], edit: impl FnOnce(&mut Layer)) -> Vec<u8> {
    let bytes: Vec<u8> = row.iter().flat_map(|v| [*v; 3]).collect();
    let source = frame(spec(PixelFormat::Rgb, row.len() as u32, 1), &bytes);
    one_layer(spec(PixelFormat::Rgb, width, 1), &source, edit).chunks(3).map(|p| p[0]).collect()
}

#[test]
fn normal_blending_of_straight_alpha() {
    // premultiplied and rounded: 100, 50, 25; half of it, as the opacity says; black below
    let source = frame(spec(PixelFormat::Rgba, 1, 1), &[200, 100, 50, 128]);
    let out = one_layer(spec(PixelFormat::Bgra, 1, 1), &source, |l| l.opacity = 0.5);
    assert_eq!(out, [13, 25, 50, 255]);
}

#[test]
fn a_transparent_canvas_keeps_alpha() {
    let mut scene = Scene::new(Size::new(1, 1)).expect("a possible size");
    scene.background = lk_compositor::Color::TRANSPARENT;
    let layer = Layer::new(SourceId::unique());
    let source = frame(spec(PixelFormat::Rgba, 1, 1), &[200, 100, 50, 128]);
    let inputs = [Sampled { layer: layer.id, frame: Some(source) }];
    scene.layers.insert(3, layer);
    let bytes = |alpha, format| {
        let out = spec(format, 1, 1).with_alpha(alpha);
        reference::render(&scene, &inputs, out).map_native().to_packed()
    };
    // the canvas holds 100, 50, 25, 128
    assert_eq!(bytes(AlphaKind::Premultiplied, PixelFormat::Rgba), [100, 50, 25, 128]);
    assert_eq!(bytes(AlphaKind::Straight, PixelFormat::Rgba), [199, 100, 50, 128]);
    assert_eq!(bytes(AlphaKind::Opaque, PixelFormat::Rgba), [100, 50, 25, 255]);
    assert_eq!(bytes(AlphaKind::Opaque, PixelFormat::Bgr), [25, 50, 100]);
    scene.layers.clear();
    let empty = reference::render(&scene, &[], spec(PixelFormat::Rgba, 1, 1));
    assert_eq!(empty.map_native().to_packed(), [0, 0, 0, 0]);
}

#[test]
fn additive_blending_stops_at_white() {
    let source = frame(spec(PixelFormat::Rgb, 1, 1), &[100, 50, 0]);
    let mut scene = Scene::new(Size::new(1, 1)).expect("a possible size");
    scene.background = lk_compositor::Color::rgb(200, 200, 200);
    let layer = Layer { blend: Blend::Additive, ..Layer::new(SourceId::unique()) };
    let inputs = [Sampled { layer: layer.id, frame: Some(source) }];
    scene.layers.insert(0, layer);
    let out = reference::render(&scene, &inputs, spec(PixelFormat::Rgb, 1, 1));
    assert_eq!(out.map_native().to_packed(), [255, 250, 200]);
}

#[test]
fn half_a_pixel_is_half_covered() {
    assert_eq!(grey_row(3, &[200], |l| l.placement = Placement::moved(0.5, 0.0)), [100, 100, 0]);
    assert_eq!(
        grey_row(3, &[200], |l| l.placement = Placement::rectangle(0.25, 0.0, 2.0, 0.5)),
        [75, 100, 25]
    );
}

#[test]
fn shrinking_averages_and_enlarging_interpolates() {
    assert_eq!(grey_row(2, &[0, 100, 200, 40], |_| ()), [50, 120]);
    assert_eq!(grey_row(2, &[30, 60, 90], |_| ()), [40, 80]);
    assert_eq!(grey_row(4, &[0, 100], |_| ()), [0, 25, 75, 100]);
}

#[test]
fn crops_flips_and_their_edges() {
    let crop = Crop { right: 2, ..Crop::default() };
    assert_eq!(grey_row(4, &[40, 40, 255, 255], |l| l.crop = crop), [40; 4]);
    let crop = Crop { left: 1, ..Crop::default() };
    let flip = Flip { horizontal: true, vertical: true };
    assert_eq!(
        grey_row(4, &[9, 10, 20], |l| (l.crop, l.flip, l.placement) =
            (crop, flip, Placement::moved(1.0, 0.0))),
        [0, 20, 10, 0]
    );
}

#[test]
fn quarter_turns_are_clockwise_and_exact() {
    let source = frame(spec(PixelFormat::Rgb, 3, 1), &[10, 10, 10, 20, 20, 20, 30, 30, 30]);
    let turned = |rotation| {
        let out = one_layer(spec(PixelFormat::Rgb, 3, 3), &source, |l| {
            (l.placement, l.rotation) = (Placement::moved(0.0, 1.0), rotation);
        });
        out.chunks(3).map(|p| p[0]).collect::<Vec<u8>>()
    };
    assert_eq!(turned(0.0), [0, 0, 0, 10, 20, 30, 0, 0, 0]);
    assert_eq!(turned(90.0), [0, 10, 0, 0, 20, 0, 0, 30, 0]);
    assert_eq!(turned(180.0), [0, 0, 0, 30, 20, 10, 0, 0, 0]);
    assert_eq!(turned(-90.0), [0, 30, 0, 0, 20, 0, 0, 10, 0]);
}

#[test]
fn other_turns_interpolate_a_shrunk_picture() {
    // 4x4 onto 2x2 between pixels, turned by 180 degrees: the shrunk columns are 0 and 200, the middle pixel
    // sees half of each, its neighbours one each and half covered
    let row: Vec<u8> = [0, 0, 200, 200].into_iter().flat_map(|v| [v; 3]).collect();
    let source = frame(spec(PixelFormat::Rgb, 4, 4), &row.repeat(4));
    let out = one_layer(spec(PixelFormat::Rgb, 3, 3), &source, |l| {
        (l.placement, l.rotation) = (Placement::rectangle(0.5, 0.5, 2.0, 2.0), 180.0);
    });
    let grey: Vec<u8> = out.chunks(3).map(|p| p[0]).collect();
    assert_eq!(grey, [50, 50, 0, 100, 100, 0, 50, 50, 0]);
}

#[test]
fn chroma_becomes_rgb_at_its_siting() {
    // V is 128 at x = 0.5 and 192 at x = 2.5; red is luma + 1.402 (V - 128)
    let source = frame(
        spec(PixelFormat::I420, 4, 2).with_color(FULL_LEFT),
        &[100, 100, 100, 100, 100, 100, 100, 100, 128, 128, 128, 192],
    );
    let out = one_layer(spec(PixelFormat::Rgb, 4, 2), &source, |_| ());
    let red: Vec<u8> = out.chunks(3).map(|p| p[0]).collect();
    assert_eq!(red[..4], [100, 145, 190, 190]);
    // between two pixels (JPEG) it is a quarter towards the neighbour
    let source = frame(
        spec(PixelFormat::I420, 4, 2).with_color(ColorSpace::JPEG),
        &[100, 100, 100, 100, 100, 100, 100, 100, 128, 128, 128, 192],
    );
    let out = one_layer(spec(PixelFormat::Rgb, 4, 2), &source, |_| ());
    let red: Vec<u8> = out.chunks(3).map(|p| p[0]).collect();
    assert_eq!(red[..4], [100, 122, 167, 190]);
}

#[test]
fn rgb_becomes_chroma_by_a_quarter_a_half_and_a_quarter() {
    // white, white, red, red; Cr of red is 240 in BT.601
    let row = [[255, 255, 255], [255, 255, 255], [255, 0, 0], [255, 0, 0]].concat();
    let source = frame(spec(PixelFormat::Rgb, 4, 2), &row.repeat(2));
    let out = one_layer(spec(PixelFormat::I420, 4, 2), &source, |_| ());
    assert_eq!(out, [235, 235, 81, 81, 235, 235, 81, 81, 128, 100, 128, 212]);
    // between the pixels it is their mean, in YUY2 as well
    let centre = ColorSpace { siting: Siting::Center, ..ColorSpace::BT601 };
    let out = one_layer(spec(PixelFormat::Yuy2, 4, 1).with_color(centre), &source, |_| ());
    assert_eq!(out, [235, 128, 235, 128, 81, 90, 81, 240]);
}

#[test]
fn odd_positions_move_chroma_by_half_a_sample() {
    let source = frame(spec(PixelFormat::I420, 4, 2), &[50, 60, 70, 80, 50, 60, 70, 80, 100, 200, 20, 40]);
    let out = one_layer(spec(PixelFormat::I420, 6, 2), &source, |l| l.placement = Placement::moved(1.0, 0.0));
    assert_eq!(out[..6], [16, 50, 60, 70, 80, 16]);
    // half covered blocks at both ends: (128 + 100) / 2, then (100 + 200) / 2, then (128 + 200) / 2
    assert_eq!(out[12..15], [114, 150, 164]);
    let out = one_layer(spec(PixelFormat::Nv12, 6, 2), &source, |l| l.placement = Placement::moved(2.0, 0.0));
    assert_eq!(out, [16, 16, 50, 60, 70, 80, 16, 16, 50, 60, 70, 80, 128, 128, 100, 20, 200, 40]);
}

#[test]
fn other_matrices_are_converted_in_between() {
    // red as BT.601 has it, rounded: R'G'B' 254.4, -0.5, -1.0, whose BT.709 luma is 62.1
    let source = frame(spec(PixelFormat::I420, 2, 2), &[81, 81, 81, 81, 90, 240]);
    let out = one_layer(spec(PixelFormat::Nv12, 2, 2).with_color(ColorSpace::BT709), &source, |_| ());
    assert_eq!(out, [62, 62, 62, 62, 102, 240]);
    let out = one_layer(spec(PixelFormat::Nv12, 2, 2).with_color(ColorSpace::JPEG), &source, |_| ());
    assert_eq!(out, [76, 76, 76, 76, 85, 255]);
}

#[test]
fn light_is_added_in_rgb_on_yuv_canvases() {
    let red = frame(spec(PixelFormat::Rgb, 1, 1), &[255, 0, 0]);
    let out = one_layer(spec(PixelFormat::I420, 2, 2), &red, |l| {
        (l.placement, l.blend) = (Placement::moved(0.0, 0.0), Blend::Additive);
    });
    // one of four pixels is red; left siting gives it 3/4 across (the edge repeats) and 1/2 down:
    // 128 - 37.8 * 3/8 and 128 + 112 * 3/8
    assert_eq!(out, [81, 16, 16, 16, 114, 170]);
    let white = frame(spec(PixelFormat::Rgb, 1, 1), &[255, 255, 255]);
    let out = one_layer(spec(PixelFormat::Yuy2, 2, 1), &white, |l| {
        (l.opacity, l.blend) = (0.5, Blend::Additive);
    });
    // 16 + 219 / 2
    assert_eq!(out, [126, 128, 126, 128]);
}

#[test]
fn premultiplied_luma_carries_its_offset() {
    // half transparent black over white: luma (16 + 235) / 2
    let source = frame(spec(PixelFormat::Bgra, 2, 2), &[0, 0, 0, 128].repeat(4));
    let mut scene = Scene::new(Size::new(2, 2)).expect("a possible size");
    scene.background = lk_compositor::Color::rgb(255, 255, 255);
    let layer = Layer::new(SourceId::unique());
    let inputs = [Sampled { layer: layer.id, frame: Some(source) }];
    scene.layers.insert(0, layer);
    let out = reference::render(&scene, &inputs, spec(PixelFormat::I420, 2, 2));
    assert_eq!(out.map_native().to_packed(), [125, 125, 125, 125, 128, 128]);
}

#[test]
fn silent_and_invisible_layers() {
    let mut scene = Scene::new(Size::new(1, 1)).expect("a possible size");
    let [grey, silent] = [(); 2].map(|()| Layer::new(SourceId::unique()));
    let inputs = [
        Sampled { layer: silent.id, frame: None },
        Sampled { layer: grey.id, frame: Some(frame(spec(PixelFormat::Rgb, 1, 1), &[7, 8, 9])) },
    ];
    scene.layers.insert(0, grey);
    scene.layers.insert(1, silent);
    let out = |scene: &Scene| {
        reference::render(scene, &inputs, spec(PixelFormat::Rgb, 1, 1)).map_native().to_packed()
    };
    assert_eq!(out(&scene), [7, 8, 9]);
    scene.layers.values_mut().for_each(|l| l.visible = false);
    assert_eq!(out(&scene), [0, 0, 0]);
}
