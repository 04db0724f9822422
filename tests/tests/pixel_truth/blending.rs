// SPDX-License-Identifier: GPL-2.0-or-later
//! Opacity, blend modes, backgrounds and stacks of layers.

use lk_compositor::{Blend, Layer, Placement};
use lk_media::PixelFormat::{Bgra, I420, Nv12, Rgb, Rgba, Yuy2};
use lk_media::{AlphaKind, ColorSpace, FrameSpec, Size};
use lk_tests::harness::{COLOR_SPACES, Motif, Picture, Stage};

const BACKGROUNDS: [[u8; 4]; 6] = [
    [0, 0, 0, 255],
    [255, 255, 255, 255],
    [40, 80, 120, 255],
    [200, 30, 60, 128],
    [90, 200, 10, 3],
    [0, 0, 0, 0],
];

/// RGB outputs in every kind of alpha, and YUV outputs of every step.
fn outputs(size: Size) -> Vec<FrameSpec> {
    let mut specs: Vec<FrameSpec> = [Rgb, I420, Nv12, Yuy2].map(|f| FrameSpec::of(f, size)).to_vec();
    for alpha in [AlphaKind::Straight, AlphaKind::Premultiplied, AlphaKind::Opaque] {
        specs.push(FrameSpec::of(Bgra, size).with_alpha(alpha));
    }
    specs
}

#[test]
fn backgrounds_alone() {
    for background in BACKGROUNDS {
        let stage = Stage::new(6, 4).background(background);
        stage.check("background", &outputs(stage.scene.size));
    }
}

#[test]
fn every_opacity_and_blend_on_every_background() {
    let pictures = [
        Picture::new(Rgba, 12, 10, Motif::Noise(1)),
        Picture::new(Rgba, 12, 10, Motif::Noise(2)).alpha(AlphaKind::Premultiplied),
        Picture::new(I420, 12, 10, Motif::Noise(3)),
    ];
    for background in BACKGROUNDS {
        for blend in [Blend::Normal, Blend::Additive] {
            for opacity in [0.0, 0.001, 0.3, 0.5, 0.999, 1.0] {
                for picture in pictures {
                    let stage = Stage::new(16, 12).background(background).layer(picture, |l| {
                        l.placement = Placement::moved(2.0, 1.0);
                        (l.blend, l.opacity) = (blend, opacity);
                    });
                    stage.check("opacity and blend", &outputs(stage.scene.size));
                }
            }
        }
    }
}

#[test]
fn additive_layers_in_every_geometry() {
    let edits: [fn(&mut Layer); 5] = [
        |l| l.placement = Placement::moved(3.0, 2.0),
        |l| l.placement = Placement::moved(2.4, 1.7),
        |l| l.placement = Placement::rectangle(1.0, 1.0, 5.0, 4.0),
        |l| l.placement = Placement::rectangle(-2.0, 1.0, 30.0, 9.0),
        |l| (l.placement, l.rotation) = (Placement::rectangle(4.0, 3.0, 9.0, 8.0), 25.0),
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        for picture in [
            Picture::new(Bgra, 10, 8, Motif::Noise(20 + i as u64)),
            Picture::new(Yuy2, 10, 8, Motif::Gradient).color(ColorSpace::BT709),
            Picture::new(Rgb, 10, 8, Motif::Edges),
        ] {
            let below = Picture::new(Nv12, 16, 12, Motif::Gradient);
            let stage = Stage::new(16, 12).layer(below, |_| ()).layer(picture, |l| {
                edit(l);
                (l.blend, l.opacity) = (Blend::Additive, 0.7);
            });
            for color in COLOR_SPACES {
                let specs = [I420, Yuy2].map(|f| FrameSpec::of(f, stage.scene.size).with_color(color));
                stage.check("additive", &specs);
            }
            stage.check("additive", &outputs(stage.scene.size));
        }
    }
}

#[test]
fn hard_edges_stay_hard() {
    let stage = Stage::new(24, 16)
        .layer(Picture::new(Rgba, 24, 16, Motif::Edges), |_| ())
        .layer(Picture::new(Rgba, 9, 7, Motif::Edges), |l| l.placement = Placement::moved(6.0, 4.0))
        .layer(Picture::new(I420, 8, 6, Motif::Edges), |l| l.placement = Placement::moved(11.0, 5.0));
    stage.check("hard edges", &outputs(stage.scene.size));
}

#[test]
fn the_order_of_slots_is_the_order_of_layers() {
    let flat = |color| Picture::new(Rgb, 4, 4, Motif::Flat(color));
    let mut stage = Stage::new(6, 4)
        .layer(flat([255, 0, 0, 255]), |l| l.placement = Placement::moved(0.0, 0.0))
        .layer(flat([0, 255, 0, 255]), |l| l.placement = Placement::moved(2.0, 0.0));
    stage.check_both_families("slots");
    let low = stage.scene.layers.remove(&0).expect("slot 0 was filled");
    stage.scene.layers.insert(65_535, low);
    stage.check_both_families("slots changed");
    stage.scene.layers.values_mut().next().expect("two layers").visible = false;
    stage.check_both_families("one invisible");
}

#[test]
fn stacks_of_layers() {
    let size = (30, 22);
    let stage = Stage::new(size.0, size.1)
        .background([10, 20, 30, 200])
        .layer(Picture::new(I420, 30, 22, Motif::Gradient), |l| l.opacity = 0.9)
        .layer(Picture::new(Rgba, 14, 9, Motif::Gradient), |l| l.placement = Placement::moved(3.0, 2.0))
        .layer(Picture::new(Yuy2, 60, 44, Motif::Noise(5)), |l| {
            l.placement = Placement::rectangle(10.0, 6.0, 18.0, 14.0);
            l.opacity = 0.5;
        })
        .layer(Picture::new(Bgra, 8, 8, Motif::Edges), |l| {
            l.placement = Placement::rectangle(12.0, 1.0, 12.0, 12.0);
            l.rotation = 45.0;
        })
        .layer(Picture::new(Rgb, 5, 5, Motif::Noise(6)), |l| {
            l.placement = Placement::moved(20.0, 15.0);
            l.blend = Blend::Additive;
        });
    stage.check("stack", &outputs(stage.scene.size));
}
