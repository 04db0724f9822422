// SPDX-License-Identifier: GPL-2.0-or-later
//! The same scene gives the same bytes: with any number of threads, asked for twice, among other outputs,
//! after other scenes, and in memory the caller brought.

use lk_compositor::render::{OutputRequest, Outputs};
use lk_compositor::{Blend, CpuRenderer, Layer, LayerId, Placement, RenderJob, Renderer};
use lk_media::PixelFormat::{Bgra, I420, Nv12, Rgba, Yuy2};
use lk_media::{AlphaKind, Frame, FrameSpec, Size, Timestamp};
use lk_tests::harness::memory::padding_is_untouched;
use lk_tests::harness::{Motif, Picture, Stage, assert_close, compare, every_spec, padded, render_with};
use lk_tests::reference;

/// Something of everything, on a canvas that is not cut evenly by any number of threads.
fn busy() -> Stage {
    busy_on(150, 134)
}

/// The same on a canvas of another size.
fn busy_on(width: u32, height: u32) -> Stage {
    Stage::new(width, height)
        .background([10, 20, 30, 255])
        .layer(Picture::new(I420, 75, 67, Motif::Noise(1)), |_| ())
        .layer(Picture::new(I420, 40, 40, Motif::Noise(2)), |l| l.placement = Placement::moved(20.0, 40.0))
        .layer(Picture::new(Rgba, 90, 50, Motif::Noise(3)), |l| l.placement = Placement::moved(33.0, 47.0))
        .layer(Picture::new(Yuy2, 300, 200, Motif::Edges), |l| {
            l.placement = Placement::rectangle(60.5, 10.25, 70.0, 60.0);
            l.opacity = 0.75;
        })
        .layer(Picture::new(Bgra, 50, 60, Motif::Gradient), |l| {
            l.placement = Placement::rectangle(30.0, 60.0, 60.0, 50.0);
            l.rotation = 17.0;
        })
        .layer(Picture::new(Nv12, 50, 60, Motif::Gradient), |l| {
            l.placement = Placement::rectangle(90.0, 70.0, 30.0, 50.0);
            l.blend = Blend::Additive;
            l.opacity = 0.4;
        })
}

fn bytes(frames: &[Frame]) -> Vec<Vec<u8>> {
    frames.iter().map(|frame| frame.map_native().to_packed()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    // the tall and the wide ones are drawn in several pieces
    for (width, height) in [(150, 134), (100, 540), (2200, 70)] {
        let stage = busy_on(width, height);
        let inputs = stage.inputs();
        let specs = [Bgra, I420, Nv12, Yuy2].map(|f| FrameSpec::of(f, stage.scene.size));
        let with = |threads| {
            let mut renderer = CpuRenderer::new(threads).expect("a renderer");
            bytes(&render_with(&mut renderer, &stage.scene, &inputs, &specs).expect("the scene is in order"))
        };
        let one = with(1);
        for threads in [2, 3, 8] {
            assert!(with(threads) == one, "{threads} threads, {}", stage.scene.size);
        }
        stage.check("busy", &[specs[0], specs[1]]);
    }
}

/// Adding light in YUV looks at the canvas around each pixel, also where another thread draws it.
#[test]
fn light_is_added_across_the_pieces_of_large_canvases() {
    for (width, height) in [(40, 600), (2200, 66)] {
        let (w, h) = (f64::from(width), f64::from(height));
        let mut stage = Stage::new(width, height).layer(Picture::new(I420, 40, 200, Motif::Noise(1)), |_| ());
        for seed in 2..4 {
            stage = stage.layer(Picture::new(Rgba, 60, 60, Motif::Noise(seed)), |l| {
                let i = seed as f64;
                l.placement = Placement::rectangle(i * 3.5, i * 1.5, w * 0.8, h * 0.9);
                (l.blend, l.rotation) = (Blend::Additive, i - 3.0);
            });
        }
        let inputs = stage.inputs();
        let specs = [I420, Yuy2].map(|f| FrameSpec::of(f, stage.scene.size));
        stage.check("light across pieces", &specs);
        let with = |threads| {
            let mut renderer = CpuRenderer::new(threads).expect("a renderer");
            bytes(&render_with(&mut renderer, &stage.scene, &inputs, &specs).expect("the scene is in order"))
        };
        assert!(with(1) == with(3));
    }
}

#[test]
fn one_renderer_gives_the_same_bytes_whatever_it_did_before() {
    let stage = busy();
    let other = Stage::new(150, 134).layer(Picture::new(Rgba, 99, 98, Motif::Noise(8)), |_| ());
    let small = Stage::new(3, 5).layer(Picture::new(Rgba, 99, 98, Motif::Noise(8)), |_| ());
    let inputs = stage.inputs();
    let mut renderer = CpuRenderer::new(2).expect("a renderer");
    let specs = [Bgra, I420].map(|f| FrameSpec::of(f, stage.scene.size));
    let mut render = |stage: &Stage, inputs: &[_], specs: &[_]| {
        bytes(&render_with(&mut renderer, &stage.scene, inputs, specs).expect("the scene is in order"))
    };
    let first = render(&stage, &inputs, &specs);
    assert!(render(&stage, &inputs, &specs) == first, "at once again");
    render(&other, &other.inputs(), &specs[1..]);
    assert!(render(&stage, &inputs, &specs) == first, "after another scene");
    render(&small, &small.inputs(), &[FrameSpec::of(Bgra, small.scene.size)]);
    assert!(render(&stage, &inputs, &specs) == first, "after another canvas");
    assert!(render(&stage, &inputs, &specs[1..])[..] == first[1..], "for another set of outputs");
    assert!(render(&stage, &stage.inputs(), &specs) == first, "from equal frames of another identity");
}

#[test]
fn edits_between_frames_are_seen() {
    let mut stage = busy();
    let inputs = stage.inputs();
    let mut renderer = CpuRenderer::new(1).expect("a renderer");
    let specs = [Bgra, I420].map(|f| FrameSpec::of(f, stage.scene.size));
    for step in 0..6 {
        match step {
            0 => (),
            1 => stage.scene.layers.values_mut().for_each(|l| l.opacity *= 0.9),
            2 => stage.scene.layers.values_mut().for_each(|l| l.flip.horizontal ^= true),
            3 => stage.scene.layers.values_mut().for_each(|l| l.crop.left += 3),
            4 => stage.scene.background = lk_compositor::Color::rgb(200, 100, 0),
            _ => _ = stage.scene.layers.pop_first(),
        }
        let frames =
            render_with(&mut renderer, &stage.scene, &inputs, &specs).expect("the scene is in order");
        for (frame, spec) in frames.iter().zip(specs) {
            let expected = reference::render(&stage.scene, &inputs, spec);
            assert_close(&format!("edit {step}"), &stage, frame, &expected, 2);
        }
    }
}

#[test]
fn new_frames_of_a_source_are_seen() {
    let size = Size::new(20, 16);
    let mut stage = Stage::new(20, 16).layer(Picture::new(Yuy2, 10, 8, Motif::Noise(0)), |_| ());
    let mut renderer = CpuRenderer::new(1).expect("a renderer");
    for seed in 1..4 {
        stage.pictures[0].1.motif = Motif::Noise(seed);
        let inputs = stage.inputs();
        for spec in [Bgra, I420].map(|f| FrameSpec::of(f, size)) {
            let frames =
                render_with(&mut renderer, &stage.scene, &inputs, &[spec]).expect("the scene is in order");
            assert_close("new frame", &stage, &frames[0], &reference::render(&stage.scene, &inputs, spec), 2);
        }
    }
}

#[test]
fn many_outputs_at_once_are_what_each_is_alone() {
    let stage = busy();
    let inputs = stage.inputs();
    let specs = every_spec(stage.scene.size);
    let mut renderer = CpuRenderer::new(2).expect("a renderer");
    let together = render_with(&mut renderer, &stage.scene, &inputs, &specs).expect("the scene is in order");
    for (frame, spec) in together.iter().zip(&specs) {
        let alone =
            render_with(&mut renderer, &stage.scene, &inputs, &[*spec]).expect("the scene is in order");
        assert_eq!(compare(&alone[0], frame, 0), None, "{spec:?}");
        assert_eq!((frame.spec(), frame.timestamp()), (*spec, Timestamp::from_nanos(700)));
    }
}

#[test]
fn equal_outputs_share_a_frame_and_brought_memory_is_used() {
    let stage = busy();
    let inputs = stage.inputs();
    for spec in [I420, Nv12, Yuy2, Bgra, Rgba].map(|f| FrameSpec::of(f, stage.scene.size)) {
        let mut renderer = CpuRenderer::new(2).expect("a renderer");
        let buffer = padded(spec, 13);
        let address = buffer.plane(0).data.as_ptr();
        let outputs = Outputs::from_iter([
            OutputRequest { spec, buffer: None },
            OutputRequest { spec, buffer: Some(buffer) },
            OutputRequest { spec, buffer: None },
        ]);
        let job =
            RenderJob { index: 0, time: Timestamp::ZERO, scene: &stage.scene, inputs: &inputs, outputs };
        renderer.submit(job).expect("the scene is in order");
        let frames = renderer.poll().expect("done at once").frames;
        assert_eq!(frames[0].id(), frames[2].id());
        assert_eq!(frames[1].map_native().plane(0).data.as_ptr(), address);
        assert!(padding_is_untouched(&frames[1]), "{spec:?}");
        assert_eq!(compare(&frames[1], &frames[0], 0), None);
    }
}

#[test]
fn missing_frames_and_missing_entries() {
    let stage = Stage::new(12, 10)
        .layer(Picture::new(Rgba, 6, 5, Motif::Noise(1)), |_| ())
        .layer(Picture::new(I420, 6, 5, Motif::Noise(2)), |l| l.placement = Placement::moved(1.0, 1.0));
    let mut renderer = CpuRenderer::new(1).expect("a renderer");
    for missing in [vec![0], vec![1], vec![0, 1]] {
        for drop_entries in [false, true] {
            let mut inputs = stage.inputs();
            missing.iter().for_each(|i| inputs[*i].frame = None);
            if drop_entries {
                inputs.retain(|sampled| sampled.frame.is_some());
            }
            for spec in [FrameSpec::of(Bgra, stage.scene.size), FrameSpec::of(Yuy2, stage.scene.size)] {
                let frames = render_with(&mut renderer, &stage.scene, &inputs, &[spec]).expect("in order");
                let expected = reference::render(&stage.scene, &inputs, spec);
                assert_close("missing", &stage, &frames[0], &expected, 2);
            }
        }
    }
}

#[test]
fn sources_shared_by_layers_are_independent() {
    let mut stage = Stage::new(24, 20).layer(Picture::new(Rgba, 8, 8, Motif::Noise(4)), |_| ());
    for slot in 1..5 {
        let mut layer = Layer { id: LayerId::unique(), ..stage.scene.layers[&0].clone() };
        layer.placement = Placement::moved(f64::from(slot) * 3.0, f64::from(slot) * 2.5);
        layer.rotation = f64::from(slot % 2) * 30.0;
        stage.scene.layers.insert(slot, layer);
    }
    stage.check_both_families("shared source");
    let size = stage.scene.size;
    stage.check("shared source", &[FrameSpec::of(Rgba, size).with_alpha(AlphaKind::Premultiplied)]);
}
