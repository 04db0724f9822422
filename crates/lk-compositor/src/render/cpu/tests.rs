// SPDX-License-Identifier: GPL-2.0-or-later
//! The whole renderer: what must be exact, what must not depend on threads, and what may not break it.

use super::CpuRenderer;
use crate::render::{OutputRequest, RenderJob, Renderer, Sampled};
use crate::scene::{Blend, Color, Crop, Flip, Layer, Placement, Scene, SourceId};
use lk_media::{AlphaKind, ColorSpace, ErrorKind, Frame, FramePool, FrameSpec, PixelFormat, Size, Timestamp};

fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

pub(super) fn picture(format: PixelFormat, width: u32, height: u32, seed: u32) -> Frame {
    let size = Size::new(width, height);
    Frame::from_packed(FrameSpec::of(format, size), &noise(seed, format.packed_len(size)), Timestamp::ZERO)
        .unwrap()
}

/// What a source gives.
#[derive(Clone)]
pub(super) struct Input {
    pub source: SourceId,
    pub frame: Option<Frame>,
}

/// A scene, its sources' frames, and how layers are added to it.
pub(super) struct Stage {
    pub scene: Scene,
    pub inputs: Vec<Input>,
}

impl Stage {
    pub fn new(width: u32, height: u32) -> Self {
        Self { scene: Scene::new(Size::new(width, height)).unwrap(), inputs: Vec::new() }
    }

    pub fn add(&mut self, frame: &Frame, placement: Placement) -> &mut Layer {
        let source = SourceId::unique();
        self.inputs.push(Input { source, frame: Some(frame.clone()) });
        let slot = self.scene.top_slot();
        self.scene.layers.insert(slot, Layer { placement, ..Layer::new(source) });
        self.scene.layers.get_mut(&slot).unwrap()
    }

    /// What each layer shows: its source's frame, else its fallback's.
    fn sampled(&self) -> Vec<Sampled> {
        let of = |source| self.inputs.iter().find(|i| i.source == source)?.frame.clone();
        let shown = |l: &Layer| of(l.source).or_else(|| of(l.fallback?));
        self.scene.layers.values().map(|l| Sampled { layer: l.id, frame: shown(l) }).collect()
    }

    pub fn render(
        &self,
        renderer: &mut CpuRenderer,
        outputs: Vec<OutputRequest>,
    ) -> lk_media::Result<Vec<Frame>> {
        let time = Timestamp::from_nanos(7);
        let (scene, inputs, outputs) = (&self.scene, &self.sampled(), outputs.into());
        renderer.submit(RenderJob { index: 3, time, scene, inputs, outputs })?;
        let rendered = renderer.poll().unwrap();
        assert_eq!((rendered.index, rendered.time), (3, time));
        assert!(rendered.frames.iter().all(|f| f.timestamp() == time));
        Ok(rendered.frames.into_vec())
    }

    fn packed(&self, renderer: &mut CpuRenderer, spec: FrameSpec) -> Vec<u8> {
        let frames = self.render(renderer, vec![OutputRequest { spec, buffer: None }]).unwrap();
        frames[0].map_native().to_packed()
    }

    fn once(&self, format: PixelFormat) -> Vec<u8> {
        self.packed(&mut CpuRenderer::new(1).unwrap(), FrameSpec::of(format, self.scene.size))
    }

    /// Many kinds of layers.
    fn crowd(width: u32, height: u32) -> Self {
        let mut stage = Self::new(width, height);
        stage.scene.background = Color { r: 10, g: 200, b: 70, a: 128 };
        stage.add(&picture(PixelFormat::I420, 64, 36, 1), Placement::STRETCH);
        let a = stage.add(&picture(PixelFormat::Rgba, 50, 40, 2), Placement::moved(10.0, 5.0));
        a.rotation = 30.0;
        let a =
            stage.add(&picture(PixelFormat::Bgra, 31, 33, 3), Placement::rectangle(20.5, -3.25, 60.0, 41.5));
        (a.opacity, a.flip.horizontal) = (0.6, true);
        let a = stage.add(&picture(PixelFormat::Nv12, 40, 22, 4), Placement::moved(-7.0, 3.0));
        (a.rotation, a.opacity) = (90.0, 0.5);
        let a = stage.add(&picture(PixelFormat::Bgr, 20, 20, 5), Placement::rectangle(5.0, 5.0, 90.0, 20.0));
        (a.blend, a.opacity) = (Blend::Additive, 0.4);
        let a = stage.add(&picture(PixelFormat::Yuy2, 30, 30, 6), Placement::rectangle(3.0, 20.0, 9.0, 70.0));
        (a.blend, a.rotation) = (Blend::Additive, -12.5);
        stage
    }
}

/// Layers as wide as the canvas, whose rows lie without gaps, are what they are on a wider one, whose rows do not.
#[test]
fn rows_without_gaps_are_rows() {
    let spec = |stage: &Stage, format| FrameSpec::of(format, stage.scene.size);
    let outputs = [PixelFormat::Rgba, PixelFormat::Bgr, PixelFormat::I420, PixelFormat::Yuy2];
    for (source, output) in PixelFormat::ALL.iter().flat_map(|s| outputs.map(|o| (*s, o))) {
        for (blend, opaque) in
            [Blend::Normal, Blend::Additive].into_iter().flat_map(|b| [(b, true), (b, false)])
        {
            if blend == Blend::Additive && output.is_yuv() {
                // reads around each sample, also to the right
                continue;
            }
            let mut stages = [64, 128].map(|width| {
                let mut stage = Stage::new(width, 48);
                stage.scene.background = Color { r: 90, g: 10, b: 200, a: if opaque { 255 } else { 70 } };
                for (seed, format) in [(1, source), (2, PixelFormat::Bgra), (3, source)] {
                    let layer = stage.add(&picture(format, 64, 48, seed), Placement::moved(0.0, 0.0));
                    (layer.blend, layer.opacity) = (blend, 0.7);
                }
                (stage, CpuRenderer::new(1).unwrap())
            });
            // the third time pictures are kept
            for opacity in [1.0, 0.3, 0.9] {
                let made = stages.each_mut().map(|(stage, renderer)| {
                    stage.scene.layers.values_mut().for_each(|layer| layer.opacity = opacity);
                    let request = OutputRequest { spec: spec(stage, output), buffer: None };
                    stage.render(renderer, vec![request]).unwrap().remove(0)
                });
                let [narrow, wide] = made.each_ref().map(Frame::map_native);
                for plane in 0..output.planes() {
                    let (narrow, wide) = (narrow.plane(plane), wide.plane(plane));
                    for y in 0..narrow.rows {
                        let same = narrow.row(y) == &wide.row(y)[..narrow.width];
                        assert!(
                            same,
                            "{source} to {output}, {blend:?} {opaque} {opacity}: row {y} of plane {plane}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn opaque_copies_are_exact() {
    for format in PixelFormat::ALL {
        let source = picture(format, 6, 4, 9);
        let mut stage = Stage::new(12, 10);
        stage.scene.background = Color::rgb(40, 50, 60);
        let opaque = FrameSpec::of(format, source.size()).with_alpha(AlphaKind::Opaque);
        let mut bytes = source.map_native().to_packed();
        if format.has_alpha() {
            bytes.chunks_exact_mut(4).for_each(|p| p[3] = 255);
        }
        let source = Frame::from_packed(opaque, &bytes, Timestamp::ZERO).unwrap();
        let without = stage.once(format);
        stage.add(&source, Placement::moved(2.0, 4.0));
        let got = stage.once(format);
        let spec = FrameSpec::of(format, stage.scene.size);
        let (canvas, without, source) = (
            Frame::from_packed(spec, &got, Timestamp::ZERO).unwrap().map_native(),
            Frame::from_packed(spec, &without, Timestamp::ZERO).unwrap().map_native(),
            source.map_native(),
        );
        for plane in 0..format.planes() {
            let (to, before, from) = (canvas.plane(plane), without.plane(plane), source.plane(plane));
            let (step_y, step_x) = (10 / to.rows, 12.0 / to.width as f64);
            let (top, left) = (4 / step_y, (2.0 / step_x) as usize);
            for y in 0..to.rows {
                let mut expected = before.row(y).to_vec();
                if (top..top + from.rows).contains(&y) {
                    expected[left..left + from.width].copy_from_slice(from.row(y - top));
                }
                assert_eq!(to.row(y), expected, "{format} plane {plane} row {y}");
            }
        }
    }
}

#[test]
fn odd_positions_move_chroma_by_half_a_sample_and_luma_never() {
    let source = picture(PixelFormat::I420, 8, 8, 11);
    let mut stage = Stage::new(8, 8);
    stage.add(&source, Placement::moved(1.0, 0.0));
    let got = stage.once(PixelFormat::I420);
    let bytes = source.map_native().to_packed();
    for y in 0..8 {
        assert_eq!(got[y * 8 + 1..y * 8 + 8], bytes[y * 8..y * 8 + 7]);
    }
    let (u, from) = (&got[64..80], &bytes[64..80]);
    for y in 0..4 {
        for x in 1..4 {
            let mean = (u16::from(from[y * 4 + x - 1]) + u16::from(from[y * 4 + x])).div_ceil(2);
            assert_eq!(u16::from(u[y * 4 + x]), mean);
        }
    }
}

#[test]
fn flips_quarter_turns_and_crops_move_whole_pixels() {
    let source = picture(PixelFormat::Rgb, 4, 2, 5);
    let bytes = source.map_native().to_packed();
    let at = |x: usize, y: usize| &bytes[(y * 4 + x) * 3..(y * 4 + x) * 3 + 3];
    let shown = |edit: &dyn Fn(&mut Layer), x: u32, y: u32| {
        let mut stage = Stage::new(6, 6);
        edit(stage.add(&source, Placement::moved(0.0, 0.0)));
        let got = stage.once(PixelFormat::Rgb);
        let i = ((y * 6 + x) * 3) as usize;
        got[i..i + 3].to_vec()
    };
    let flip = |horizontal, vertical| Flip { horizontal, vertical };
    assert_eq!(shown(&|l| l.flip = flip(true, false), 0, 0), at(3, 0));
    assert_eq!(shown(&|l| l.flip = flip(false, true), 1, 0), at(1, 1));
    assert_eq!(shown(&|l| l.rotation = 180.0, 0, 0), at(3, 1));
    // turned around (2, 1): a picture of 2 by 4 from (1, -1)
    assert_eq!(shown(&|l| l.rotation = 90.0, 1, 0), at(1, 1));
    assert_eq!(shown(&|l| l.rotation = 90.0, 2, 2), at(3, 0));
    assert_eq!(shown(&|l| l.rotation = 270.0, 1, 0), at(2, 0));
    assert_eq!(shown(&|l| (l.rotation, l.flip) = (-90.0, flip(true, false)), 1, 0), at(1, 0));
    assert_eq!(shown(&|l| l.crop = Crop { left: 2, top: 1, ..Crop::default() }, 0, 0), at(2, 1));
}

#[test]
fn opacity_and_alpha_are_exact() {
    let spec = FrameSpec::of(PixelFormat::Rgba, Size::new(1, 1));
    let shown = |pixel: [u8; 4], opacity: f64, blend| {
        let mut stage = Stage::new(1, 1);
        stage.scene.background = Color::rgb(100, 0, 255);
        let frame = Frame::from_packed(spec, &pixel, Timestamp::ZERO).unwrap();
        let layer = stage.add(&frame, Placement::moved(0.0, 0.0));
        (layer.opacity, layer.blend) = (opacity, blend);
        stage.once(PixelFormat::Rgb)
    };
    assert_eq!(shown([200, 200, 200, 255], 0.5, Blend::Normal), [150, 100, 228]);
    assert_eq!(shown([255, 0, 0, 51], 1.0, Blend::Normal), [131, 0, 204]);
    assert_eq!(shown([200, 200, 200, 255], 0.0, Blend::Normal), [100, 0, 255]);
    assert_eq!(shown([200, 20, 5, 255], 1.0, Blend::Additive), [255, 20, 255]);
    assert_eq!(shown([200, 20, 5, 255], 0.25, Blend::Additive), [150, 5, 255]);
}

#[test]
fn transparent_backgrounds_keep_their_alpha_or_lie_over_black() {
    let mut stage = Stage::new(2, 2);
    stage.scene.background = Color { r: 200, g: 100, b: 50, a: 128 };
    let spec = FrameSpec::of(PixelFormat::Rgba, Size::new(2, 2));
    let mut renderer = CpuRenderer::new(1).unwrap();
    let mut get = |spec| stage.packed(&mut renderer, spec)[..4].to_vec();
    assert_eq!(get(spec), [199, 100, 50, 128]);
    assert_eq!(get(spec.with_alpha(AlphaKind::Premultiplied)), [100, 50, 25, 128]);
    assert_eq!(get(spec.with_alpha(AlphaKind::Opaque)), [100, 50, 25, 255]);
    assert_eq!(stage.once(PixelFormat::Bgr)[..3], [25, 50, 100]);
    stage.scene.background = Color::TRANSPARENT;
    assert_eq!(stage.once(PixelFormat::I420), [16, 16, 16, 16, 128, 128]);
}

#[test]
fn threads_and_repetition_change_nothing() {
    for (width, height) in [(101, 75), (100, 76), (600, 900)] {
        let stage = Stage::crowd(width, height);
        for format in PixelFormat::ALL {
            let spec = FrameSpec::of(format, stage.scene.size);
            if format.check_even(spec.size).is_err() {
                continue;
            }
            let expected = stage.once(format);
            for threads in [1, 2, 3] {
                let mut renderer = CpuRenderer::new(threads).unwrap();
                // so small that all threads are woken
                renderer.band_pixels = 1 << 10;
                for run in 0..3 {
                    // the whole picture is made again, from kept layers
                    renderer.last = None;
                    assert!(
                        stage.packed(&mut renderer, spec) == expected,
                        "{format} {threads} threads, run {run}"
                    );
                }
            }
        }
    }
}

#[test]
fn kernels_for_every_processor_agree() {
    let mut stage = Stage::crowd(600, 404);
    stage.add(&picture(PixelFormat::I420, 1200, 808, 8), Placement::rectangle(10.0, 10.0, 600.0, 404.0));
    stage.add(&picture(PixelFormat::Rgba, 100, 90, 9), Placement::moved(77.0, 51.0));
    for format in PixelFormat::ALL {
        let native = stage.once(format);
        lk_media::kernel::portable_only(true);
        let portable = stage.once(format);
        lk_media::kernel::portable_only(false);
        assert!(native == portable, "{format}");
    }
}

#[test]
fn bands_have_no_seams() {
    let mut stage = Stage::crowd(120, 160);
    for layer in stage.scene.layers.values_mut() {
        layer.placement.height = layer.placement.height.map(|h| h * 2.0);
    }
    let mut renderers = [1 << 10, 1 << 16].map(|pixels| {
        let mut renderer = CpuRenderer::new(1).unwrap();
        renderer.band_pixels = pixels;
        renderer
    });
    for format in [PixelFormat::Bgra, PixelFormat::I420, PixelFormat::Yuy2] {
        let spec = FrameSpec::of(format, stage.scene.size);
        let [small, large] = renderers.each_mut().map(|r| stage.packed(r, spec));
        assert!(small == large, "{format}");
    }
}

#[test]
fn what_is_kept_is_never_stale() {
    let mut stage = Stage::new(40, 30);
    stage.add(&picture(PixelFormat::Rgba, 16, 16, 1), Placement::rectangle(1.0, 2.0, 30.0, 25.0));
    let mut renderer = CpuRenderer::new(2).unwrap();
    let spec = FrameSpec::of(PixelFormat::Rgb, stage.scene.size);
    for step in 0..12u32 {
        match step {
            3 => stage.inputs[0].frame = Some(picture(PixelFormat::Rgba, 16, 16, 2)),
            5 => {
                stage.inputs[0].frame =
                    stage.inputs[0].frame.as_ref().map(|f| f.at(Timestamp::from_nanos(99)))
            }
            7 => stage.scene.layers.get_mut(&0).unwrap().flip.vertical = true,
            8 => stage.scene.layers.get_mut(&0).unwrap().crop.left = 1,
            9 => stage.scene.layers.get_mut(&0).unwrap().opacity = 0.3,
            10 => stage.scene.layers.get_mut(&0).unwrap().rotation = 1.0,
            _ => {}
        }
        assert!(stage.packed(&mut renderer, spec) == stage.once(PixelFormat::Rgb), "step {step}");
    }
}

/// Whether a renderer that just made the frames of one stage hands them out again for another.
fn repeats(before: &Stage, after: &Stage, specs: [FrameSpec; 2]) -> bool {
    let mut renderer = CpuRenderer::new(1).unwrap();
    let mut get = |stage: &Stage, spec| {
        stage.render(&mut renderer, vec![OutputRequest { spec, buffer: None }]).unwrap()[0].clone()
    };
    let (first, second) = (get(before, specs[0]), get(after, specs[1]));
    let fresh = after.packed(&mut CpuRenderer::new(1).unwrap(), specs[1]);
    assert!(second.map_native().to_packed() == fresh, "stale");
    first.id() == second.id()
}

#[test]
fn frames_are_handed_out_again_only_while_nothing_changes() {
    let mut base = Stage::new(40, 30);
    base.add(&picture(PixelFormat::Bgr, 16, 16, 1), Placement::STRETCH);
    base.add(&picture(PixelFormat::Rgba, 16, 16, 2), Placement::moved(3.0, 4.0));
    base.add(&picture(PixelFormat::Rgba, 16, 16, 3), Placement::moved(20.0, 4.0)).visible = false;
    let edited = |edit: &dyn Fn(&mut Stage)| {
        let mut stage = Stage { scene: base.scene.clone(), inputs: base.inputs.clone() };
        edit(&mut stage);
        stage
    };
    let spec = FrameSpec::of(PixelFormat::Rgb, base.scene.size);
    let again = |edit: &dyn Fn(&mut Stage)| repeats(&base, &edited(edit), [spec; 2]);
    let other = || Some(picture(PixelFormat::Rgba, 16, 16, 7));

    assert!(again(&|_| {}));
    let later = |frame: &Frame| frame.at(Timestamp::from_nanos(99));
    assert!(again(&|s| s.inputs[1].frame = s.inputs[1].frame.as_ref().map(later)), "another time");
    assert!(again(&|s| s.inputs[2].frame = other()), "a frame nobody sees");
    assert!(again(&|s| s.inputs.push(Input { source: SourceId::unique(), frame: other() })));

    assert!(!again(&|s| s.inputs[1].frame = other()), "another frame");
    assert!(!again(&|s| s.inputs[1].frame = None), "no frame");
    assert!(!again(&|s| s.scene.background = Color::rgb(1, 2, 3)));
    assert!(!again(&|s| s.scene.layers.get_mut(&1).unwrap().opacity = 0.5));
    assert!(!again(&|s| s.scene.layers.get_mut(&2).unwrap().visible = true));
    assert!(!again(&|s| s.scene.layers.clear()), "no layers");
    let swap = |s: &mut Stage| {
        let (a, b) = (s.scene.layers[&0].source, s.scene.layers[&1].source);
        s.scene.layers.get_mut(&0).unwrap().source = b;
        s.scene.layers.get_mut(&1).unwrap().source = a;
    };
    assert!(!again(&swap), "sources exchanged");
    assert!(!repeats(&base, &base, [spec, FrameSpec::of(PixelFormat::Bgr, spec.size)]));
    assert!(!repeats(&base, &base, [spec, FrameSpec::of(PixelFormat::I420, spec.size)]));
    let small = edited(&|s| s.scene.size = Size::new(38, 30));
    assert!(!repeats(&base, &small, [spec, FrameSpec::of(PixelFormat::Rgb, small.scene.size)]), "resized");
}

#[test]
fn a_fallback_is_never_stale() {
    let mut stage = Stage::new(16, 16);
    let shown = stage.add(&picture(PixelFormat::Rgb, 16, 16, 1), Placement::STRETCH).source;
    stage.inputs.push(Input { source: SourceId::unique(), frame: None });
    stage.scene.layers.get_mut(&0).unwrap().fallback = Some(shown);
    let missing = stage.inputs[1].source;
    stage.scene.layers.get_mut(&0).unwrap().source = missing;
    let mut renderer = CpuRenderer::new(1).unwrap();
    let spec = FrameSpec::of(PixelFormat::Rgb, stage.scene.size);
    for step in 0..8 {
        match step {
            2 => stage.inputs[0].frame = Some(picture(PixelFormat::Rgb, 16, 16, 2)),
            4 => stage.inputs[1].frame = Some(picture(PixelFormat::Rgb, 16, 16, 3)),
            5 => stage.inputs[0].frame = None,
            6 => stage.inputs[1].frame = None,
            _ => {}
        }
        assert!(stage.packed(&mut renderer, spec) == stage.once(PixelFormat::Rgb), "step {step}");
    }
}

#[test]
fn memory_that_is_brought_is_always_written_and_never_handed_out_again() {
    let stage = Stage::crowd(64, 36);
    let spec = FrameSpec::of(PixelFormat::Bgra, stage.scene.size);
    let mut renderer = CpuRenderer::new(1).unwrap();
    let expected = stage.once(PixelFormat::Bgra);
    let mut seen = Vec::new();
    for step in 0..6 {
        let buffer = (step % 3 == 1).then(|| FramePool::shared().frame(spec).unwrap());
        let address = buffer.as_ref().map(|b| b.plane(0).data.as_ptr());
        let brings = OutputRequest { spec, buffer };
        let frames = stage.render(&mut renderer, vec![brings, OutputRequest { spec, buffer: None }]).unwrap();
        for frame in &frames {
            assert!(frame.map_native().to_packed() == expected, "step {step}");
        }
        assert!(address.is_none_or(|a| a == frames[0].map_native().plane(0).data.as_ptr()));
        seen.push(frames[0].clone());
    }
    let same = |a: usize, b: usize| seen[a].id() == seen[b].id();
    assert!(!same(0, 1) && !same(1, 2) && same(2, 3) && !same(3, 4) && !same(4, 5));
}

#[test]
fn a_failed_job_leaves_nothing_wrong_behind() {
    let mut stage = Stage::new(16, 16);
    stage.add(&picture(PixelFormat::Rgb, 16, 16, 1), Placement::STRETCH);
    let mut renderer = CpuRenderer::new(1).unwrap();
    let spec = FrameSpec::of(PixelFormat::Rgb, stage.scene.size);
    let before = stage.packed(&mut renderer, spec);
    stage.scene.layers.get_mut(&0).unwrap().opacity = f64::NAN;
    for _ in 0..2 {
        assert!(stage.render(&mut renderer, vec![OutputRequest { spec, buffer: None }]).is_err());
    }
    stage.scene.layers.get_mut(&0).unwrap().opacity = 1.0;
    assert!(stage.packed(&mut renderer, spec) == before);
}

/// What covers everything is written without a canvas, and canvases are used again without being cleared.
#[test]
fn nothing_shines_through_what_covers() {
    let below = picture(PixelFormat::Bgra, 60, 40, 1);
    for format in PixelFormat::ALL {
        let top = picture(format, 60, 40, 2);
        let opaque = FrameSpec { alpha: AlphaKind::Opaque, ..top.spec() };
        let top = Frame::from_packed(opaque, &top.map_native().to_packed(), Timestamp::ZERO).unwrap();
        for output in PixelFormat::ALL {
            for placement in [Placement::moved(0.0, 0.0), Placement::rectangle(-3.0, -2.0, 66.5, 45.0)] {
                let mut hidden = Stage::new(60, 40);
                hidden.scene.background = Color { r: 200, g: 100, b: 50, a: 90 };
                hidden.add(&below, Placement::rectangle(5.0, 6.0, 30.0, 20.5));
                hidden.add(&top, placement);
                let mut alone = Stage::new(60, 40);
                alone.add(&top, placement);
                let alone_twice = [alone.once(output), hidden.once(output)];
                // the same through a canvas: something above that shows nothing
                let clear = Frame::from_packed(below.spec(), &[0; 60 * 40 * 4], Timestamp::ZERO).unwrap();
                hidden.add(&clear, Placement::STRETCH);
                let through_canvas = hidden.once(output);
                assert!(alone_twice.iter().all(|p| *p == through_canvas), "{format} to {output}");
            }
        }
    }
}

#[test]
fn outputs_share_frames_or_use_the_memory_they_bring() {
    let stage = Stage::crowd(64, 36);
    let spec = |format| FrameSpec::of(format, stage.scene.size);
    let brought = FramePool::shared().frame(spec(PixelFormat::Bgra)).unwrap();
    let address = brought.plane(0).data.as_ptr();
    let request = |format, buffer| OutputRequest { spec: spec(format), buffer };
    let outputs = vec![
        request(PixelFormat::Bgra, None),
        request(PixelFormat::Nv12, None),
        request(PixelFormat::Bgra, Some(brought)),
        request(PixelFormat::I420, None),
        request(PixelFormat::Bgra, None),
        OutputRequest { spec: spec(PixelFormat::I420).with_color(ColorSpace::JPEG), buffer: None },
    ];
    let frames = stage.render(&mut CpuRenderer::new(2).unwrap(), outputs).unwrap();
    assert_eq!(frames.len(), 6);
    assert_eq!(frames[0].id(), frames[4].id());
    assert_ne!(frames[0].id(), frames[2].id());
    assert_eq!(frames[2].map_native().plane(0).data.as_ptr(), address);
    let packed = |i: usize| frames[i].map_native().to_packed();
    assert!(packed(0) == packed(2) && packed(0) == stage.once(PixelFormat::Bgra));
    assert!(packed(1) == stage.once(PixelFormat::Nv12) && packed(3) == stage.once(PixelFormat::I420));
    let luma = 64 * 36;
    assert!(packed(1)[..luma] == packed(3)[..luma] && packed(3) != packed(5));
}

#[test]
fn nothing_to_show_draws_nothing_and_fallbacks_step_in() {
    let mut stage = Stage::new(8, 8);
    let frame = picture(PixelFormat::Rgb, 8, 8, 1);
    stage.add(&frame, Placement::STRETCH).visible = false;
    stage.add(&frame, Placement::moved(8.0, 0.0));
    stage.add(&frame, Placement::STRETCH).crop.left = 8;
    let missing = stage.add(&frame, Placement::STRETCH).source;
    stage.inputs.iter_mut().filter(|i| i.source == missing).for_each(|i| i.frame = None);
    stage.add(&frame, Placement::STRETCH).source = SourceId::unique();
    assert_eq!(stage.once(PixelFormat::Rgb), [0; 192]);
    let shown = stage.scene.layers[&0].source;
    stage.scene.layers.get_mut(&3).unwrap().fallback = Some(shown);
    assert_eq!(stage.once(PixelFormat::Rgb), frame.map_native().to_packed());
}

#[test]
fn wrong_requests_are_errors() {
    let stage = Stage::new(7, 5);
    let mut renderer = CpuRenderer::new(1).unwrap();
    let spec = FrameSpec::of(PixelFormat::Bgra, stage.scene.size);
    let mut kind = |spec, buffer| {
        stage.render(&mut renderer, vec![OutputRequest { spec, buffer }]).err().map(|e| e.kind())
    };
    assert_eq!(kind(spec, None), None);
    assert_eq!(kind(FrameSpec::of(PixelFormat::I420, spec.size), None), Some(ErrorKind::Format));
    assert_eq!(kind(FrameSpec { size: Size::new(8, 5), ..spec }, None), Some(ErrorKind::Format));
    let other = FramePool::shared().frame(FrameSpec::of(PixelFormat::Rgba, spec.size)).unwrap();
    assert_eq!(kind(spec, Some(other)), Some(ErrorKind::Format));
    let mut broken = Stage::new(7, 5);
    broken.add(&picture(PixelFormat::Rgb, 1, 1, 1), Placement::STRETCH).opacity = f64::NAN;
    assert!(broken.render(&mut renderer, Vec::new()).is_err());
}

#[test]
fn extreme_sizes_and_places_do_not_break_it() {
    let sides = [0.3, 1.0, 7.5, 1e6, 1e-5, 3e-7];
    let frames = [
        picture(PixelFormat::Rgba, 1, 1, 1),
        picture(PixelFormat::I420, 3, 5, 2),
        picture(PixelFormat::Yuy2, 16384, 1, 3),
        picture(PixelFormat::Bgr, 1, 16384, 4),
        picture(PixelFormat::Nv12, 500, 300, 5),
    ];
    let mut renderer = CpuRenderer::new(1).unwrap();
    for (n, frame) in frames.iter().enumerate() {
        for width in sides {
            for height in sides {
                for (m, at) in [-1e6, -3.7, 0.0, 5.5].into_iter().enumerate() {
                    let mut stage = Stage::new(16, 12);
                    let layer = stage.add(frame, Placement::rectangle(at, at, width, height));
                    layer.rotation = [0.0, 90.0, 33.3, 1e9 + 0.1][(n + m) % 4];
                    layer.opacity = 0.7;
                    layer.blend = if m == 2 { Blend::Additive } else { Blend::Normal };
                    for format in [PixelFormat::Bgra, PixelFormat::I420] {
                        stage.packed(&mut renderer, FrameSpec::of(format, stage.scene.size));
                    }
                }
            }
        }
    }
}

#[test]
fn a_thousand_layers_give_a_picture() {
    let mut stage = Stage::new(640, 400);
    let place = |n: usize| (n % 40 * 16, n / 40 * 16);
    for n in 0..1000 {
        let (x, y) = place(n);
        let spec = FrameSpec::of(PixelFormat::Rgb, Size::new(16, 16));
        let color = [(n % 251) as u8, (n / 251 * 60) as u8, 7].repeat(256);
        let tile = Frame::from_packed(spec, &color, Timestamp::ZERO).unwrap();
        stage.add(&tile, Placement::moved(x as f64, y as f64));
    }
    // glass over all of it
    let glass = FrameSpec::of(PixelFormat::Rgba, stage.scene.size);
    let glass = Frame::from_packed(glass, &[0; 640 * 400 * 4], Timestamp::ZERO).unwrap();
    stage.add(&glass, Placement::moved(0.0, 0.0));
    for threads in [1, 2] {
        let mut renderer = CpuRenderer::new(threads).unwrap();
        for format in [PixelFormat::Rgb, PixelFormat::I420] {
            let spec = FrameSpec::of(format, stage.scene.size);
            let first = stage.packed(&mut renderer, spec);
            assert!(first == stage.packed(&mut renderer, spec), "another picture the second time");
            for n in (0..1000).filter(|_| format == PixelFormat::Rgb) {
                let (x, y) = place(n);
                let pixel = &first[(y + 5) * 640 * 3 + (x + 9) * 3..][..3];
                assert_eq!(pixel, [(n % 251) as u8, (n / 251 * 60) as u8, 7], "layer {n}");
            }
        }
    }
}
