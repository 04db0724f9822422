// SPDX-License-Identifier: GPL-2.0-or-later
//! Values nobody should use. Nothing panics; what cannot be done is an error.

use lk_compositor::render::{OutputRequest, Outputs};
use lk_compositor::{
    Anchor, Blend, CpuRenderer, Crop, Fit, Layer, Placement, RenderJob, Renderer, Sampled, SourceId,
};
use lk_media::PixelFormat::{self, Bgra, I420, Nv12, Rgb, Yuy2};
use lk_media::{AlphaKind, ErrorKind, Frame, FrameMut, FramePool, FrameSpec, Result, Size, Timestamp};
use lk_tests::harness::{Motif, Picture, Stage, render_with};

fn renderer() -> CpuRenderer {
    CpuRenderer::new(2).expect("a renderer with two threads")
}

fn render(stage: &Stage, specs: &[FrameSpec]) -> Result<Vec<Frame>> {
    render_with(&mut renderer(), &stage.scene, &stage.inputs(), specs)
}

/// Both families, in the canvas' size.
fn both(stage: &Stage) -> [FrameSpec; 2] {
    [Bgra, I420].map(|f| FrameSpec::of(f, stage.scene.size))
}

#[test]
fn the_longest_sides_there_are() {
    let long = Size::MAX_SIDE;
    for (canvas, source) in [
        ((long, 2), (2, long)),
        ((2, long), (long, 2)),
        ((long, 2), (1, 1)),
        ((2, 2), (long, 1)),
        ((2, 2), (1, long)),
        ((2, 2), (long, 200)),
    ] {
        for format in [Bgra, Nv12, Yuy2] {
            for rotation in [0.0, 90.0, 12.0] {
                let stage = Stage::new(canvas.0, canvas.1)
                    .layer(Picture::new(format, source.0, source.1, Motif::Noise(1)), |l| {
                        l.rotation = rotation
                    });
                render(&stage, &both(&stage)).expect("long but possible");
            }
        }
    }
}

#[test]
fn the_smallest_canvases_and_pictures() {
    for size in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)] {
        for format in PixelFormat::ALL {
            let stage = Stage::new(size.0, size.1)
                .layer(Picture::new(format, 1, 1, Motif::Noise(2)), |_| ())
                .layer(Picture::new(format, 3, 1, Motif::Noise(3)), |l| l.rotation = 70.0)
                .layer(Picture::new(format, 2, 2, Motif::Noise(4)), |l| {
                    (l.blend, l.placement) = (Blend::Additive, Placement::moved(0.5, -0.5));
                });
            for out in PixelFormat::ALL {
                let spec = FrameSpec::of(out, stage.scene.size);
                let possible = out.check_even(stage.scene.size).is_ok();
                match render(&stage, &[spec]) {
                    Ok(_) => assert!(possible, "{out} {}", stage.scene.size),
                    Err(e) => {
                        assert!(!possible && e.kind() == ErrorKind::Format, "{out} {}: {e}", stage.scene.size)
                    }
                }
            }
        }
    }
}

#[test]
fn extreme_placements() {
    let far = [-1e6, -12_345.678, -0.01, 0.0, 1e-9, 31.999_999, 1e6];
    let sides = [0.01, 1e-9, 0.5, 1.0, 1e6];
    for format in [Bgra, I420, Yuy2] {
        let picture = Picture::new(format, 9, 7, Motif::Noise(5));
        for x in far {
            for side in sides {
                for (rotation, blend) in
                    [(0.0, Blend::Normal), (45.0, Blend::Normal), (1e18, Blend::Additive)]
                {
                    let stage = Stage::new(32, 18).layer(picture, |l| {
                        l.placement = Placement::rectangle(x, 3.0, side, 1e6 / side.max(1.0));
                        (l.rotation, l.blend) = (rotation, blend);
                    });
                    assert!(stage.scene.validate().is_ok());
                    render(&stage, &both(&stage)).expect("valid scenes render");
                }
            }
        }
    }
}

#[test]
fn extreme_fits() {
    let picture = Picture::new(Nv12, 500, 1, Motif::Noise(6));
    for fit in [Fit::Stretch, Fit::Contain, Fit::Cover, Fit::None] {
        for (_, anchor) in Anchor::NAMES {
            for (width, height) in [
                (None, None),
                (Some(0.01), None),
                (None, Some(1e6)),
                (Some(1e6), Some(0.01)),
                (Some(0.01), Some(1e6)),
            ] {
                for margin in [0.0, -1e6, 1e6, 7.9] {
                    for at in [None, Some(lk_compositor::Point { x: -1e6, y: 0.5 })] {
                        let placement =
                            Placement { at, width, height, fit: Some(fit), anchor: Some(anchor), margin };
                        let stage = Stage::new(16, 16).layer(picture, |l| {
                            l.placement = placement;
                            l.rotation = margin;
                        });
                        render(&stage, &both(&stage)).expect("valid scenes render");
                    }
                }
            }
        }
    }
}

#[test]
fn crops_larger_than_the_picture() {
    for crop in [[u32::MAX; 4], [9, 0, 0, 0], [0, 7, 0, 0], [u32::MAX, 0, 1, 0], [8, 6, 0, 0], [0, 0, 8, 6]] {
        for format in PixelFormat::ALL {
            let stage = Stage::new(12, 12).layer(Picture::new(format, 9, 7, Motif::Noise(7)), |l| {
                l.crop = Crop { left: crop[0], top: crop[1], right: crop[2], bottom: crop[3] };
                l.rotation = 3.0;
            });
            render(&stage, &both(&stage)).expect("nothing to show is not an error");
        }
    }
}

/// Scenes that `Scene::validate` refuses: the renderer may refuse them too, and must not panic.
#[test]
fn values_no_editor_lets_through() {
    let edits: [fn(&mut Layer); 9] = [
        |l| l.opacity = f64::NAN,
        |l| l.opacity = -3.0,
        |l| l.opacity = 1e300,
        |l| l.rotation = f64::INFINITY,
        |l| l.rotation = f64::NAN,
        |l| l.placement = Placement::rectangle(f64::NAN, 0.0, 4.0, 4.0),
        |l| l.placement = Placement::rectangle(0.0, 0.0, f64::INFINITY, 4.0),
        |l| l.placement = Placement::rectangle(1e300, 0.0, 1e300, 1e-300),
        |l| l.placement.margin = f64::NEG_INFINITY,
    ];
    for edit in edits {
        for format in [Bgra, I420] {
            let stage = Stage::new(12, 12).layer(Picture::new(format, 9, 7, Motif::Noise(8)), edit);
            assert!(stage.scene.validate().is_err());
            _ = render(&stage, &both(&stage));
        }
    }
}

#[test]
fn outputs_that_do_not_fit_the_scene_are_errors() {
    let stage = Stage::new(12, 12);
    for spec in [
        FrameSpec::of(Bgra, Size::new(12, 13)),
        FrameSpec::of(I420, Size::new(14, 12)),
        FrameSpec::of(Rgb, Size::new(0, 0)),
        FrameSpec::of(Rgb, Size::new(u32::MAX, u32::MAX)),
    ] {
        assert!(render(&stage, &[spec]).is_err(), "{spec:?}");
    }
    let odd = Stage::new(11, 12);
    let error = render(&odd, &[FrameSpec::of(I420, odd.scene.size)]).expect_err("odd sizes have no 4:2:0");
    assert_eq!(error.kind(), ErrorKind::Format);
    let none = render(&stage, &[]).expect("no outputs are no work");
    assert!(none.is_empty());
}

#[test]
fn memory_of_another_spec_is_an_error() {
    let stage = Stage::new(12, 12);
    let spec = FrameSpec::of(Bgra, stage.scene.size);
    for other in [
        FrameSpec::of(Rgb, stage.scene.size),
        FrameSpec::of(Bgra, Size::new(6, 6)),
        spec.with_alpha(AlphaKind::Premultiplied),
    ] {
        let buffer: FrameMut = FramePool::shared().frame(other).expect("memory");
        let outputs = Outputs::from_iter([OutputRequest { spec, buffer: Some(buffer) }]);
        let job = RenderJob { index: 0, time: Timestamp::ZERO, scene: &stage.scene, inputs: &[], outputs };
        let mut renderer = renderer();
        assert!(renderer.submit(job).is_err(), "{other:?}");
        assert!(renderer.poll().is_none());
        // and it goes on working
        render_with(&mut renderer, &stage.scene, &[], &[spec]).expect("the next job is in order");
    }
}

#[test]
fn a_canvas_too_large_for_memory_is_an_error() {
    let stage = Stage::new(Size::MAX_SIDE, Size::MAX_SIDE);
    // 1 GiB and the limit of all frames is as much
    let mut kept = Vec::new();
    let spec = FrameSpec::of(Bgra, Size::new(4096, 4096));
    kept.push(FramePool::shared().frame(spec).expect("64 MiB"));
    let error = render(&stage, &[FrameSpec::of(Bgra, stage.scene.size)]).expect_err("more than the limit");
    assert_eq!(error.kind(), ErrorKind::Memory);
}

#[test]
fn one_source_many_layers_and_layers_named_twice() {
    let picture = Picture::new(I420, 5, 5, Motif::Noise(9)).frame();
    let source = SourceId::unique();
    let mut stage = Stage::new(64, 36);
    for slot in 0..500 {
        let placement = Placement::moved(f64::from(slot % 64), f64::from(slot % 36));
        stage.scene.layers.insert(slot * 131, Layer { placement, ..Layer::new(source) });
    }
    let twice = stage.scene.layers.values().chain(stage.scene.layers.values());
    let inputs: Vec<_> = twice.map(|l| Sampled { layer: l.id, frame: Some(picture.clone()) }).collect();
    render_with(&mut renderer(), &stage.scene, &inputs, &both(&stage)).expect("many layers");
    render_with(&mut renderer(), &stage.scene, &[], &both(&stage)).expect("no sources");
}

#[test]
fn renderers_with_strange_numbers_of_threads() {
    for threads in [0, 1, 64, usize::MAX] {
        if let Ok(mut renderer) = CpuRenderer::new(threads) {
            let stage = Stage::new(9, 9).layer(Picture::new(Bgra, 3, 3, Motif::Noise(1)), |_| ());
            let spec = FrameSpec::of(Bgra, stage.scene.size);
            render_with(&mut renderer, &stage.scene, &stage.inputs(), &[spec]).expect("a small scene");
        }
    }
}
