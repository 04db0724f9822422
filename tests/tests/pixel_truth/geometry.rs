// SPDX-License-Identifier: GPL-2.0-or-later
//! Placements, crops, flips and rotations.

use lk_compositor::{Anchor, Crop, Fit, Flip, Layer, Placement, Point};
use lk_media::PixelFormat::{self, Bgra, I420, Nv12, Rgb, Yuy2};
use lk_media::{ColorSpace, FrameSpec, Size};
use lk_tests::harness::{Motif, Picture, Stage};

/// A premultiplied-to-be RGB picture and a YUV picture of odd size, so that both kinds take part everywhere.
fn pictures(width: u32, height: u32) -> [Picture; 2] {
    [
        Picture::new(Bgra, width, height, Motif::Noise(11)),
        Picture::new(Nv12, width, height, Motif::Noise(12)).color(ColorSpace::BT709),
    ]
}

/// Both pictures, each alone on an odd RGB canvas and an even YUV canvas.
fn check(name: &str, (width, height): (u32, u32), edit: impl Fn(&mut Layer)) {
    for picture in pictures(width, height) {
        let stage = |w, h| Stage::new(w, h).background([40, 80, 120, 255]).layer(picture, &edit);
        let rgb = stage(37, 29);
        rgb.check(name, &[FrameSpec::of(Bgra, rgb.scene.size)]);
        let yuv = stage(38, 30);
        yuv.check(name, &[I420, Yuy2].map(|f| FrameSpec::of(f, yuv.scene.size)));
    }
}

fn placed(name: &str, size: (u32, u32), placement: Placement) {
    check(name, size, |layer| layer.placement = placement);
}

#[test]
fn stretched_over_the_canvas() {
    for size in [(1, 1), (2, 2), (19, 15), (37, 29), (38, 30), (90, 71), (200, 3), (3, 200)] {
        placed("stretch", size, Placement::STRETCH);
    }
}

#[test]
fn stretched_within_a_margin() {
    for margin in [3.0, 4.5, -5.0, 14.0, 14.5, 400.0] {
        placed("margin", (21, 17), Placement { margin, ..Placement::STRETCH });
    }
}

#[test]
fn moved_to_whole_positions() {
    for (x, y) in
        [(0.0, 0.0), (2.0, 4.0), (3.0, 5.0), (-7.0, -3.0), (30.0, 24.0), (-100.0, 0.0), (0.0, 900.0)]
    {
        placed("moved", (16, 13), Placement::moved(x, y));
    }
}

#[test]
fn moved_to_fractional_positions() {
    for (x, y) in [(0.5, 0.0), (2.25, 4.75), (3.1, 5.9), (-7.4, -3.3), (30.99, 24.01), (1e-7, -1e-7)] {
        placed("fractional", (16, 13), Placement::moved(x, y));
    }
}

#[test]
fn stretched_over_rectangles() {
    for (x, y, w, h) in [
        (4.0, 2.0, 32.0, 26.0),
        (5.0, 3.0, 8.0, 6.0),
        (5.0, 3.0, 8.0, 26.0),
        (5.5, 3.25, 10.5, 7.75),
        (-8.0, -6.0, 60.0, 50.0),
        (10.3, 7.7, 3.3, 2.2),
    ] {
        placed("rectangle", (16, 13), Placement::rectangle(x, y, w, h));
    }
}

#[test]
fn tiny_and_huge_rectangles() {
    for (x, y, w, h) in [
        (10.0, 10.0, 0.01, 0.01),
        (10.5, 10.5, 0.9, 0.3),
        (10.0, 10.0, 0.4, 12.0),
        (-5000.0, -4000.0, 10_000.0, 8_000.0),
        (-500_000.0, -500_000.0, 1e6, 1e6),
        (-3.0, 4.0, 1e6, 3.0),
    ] {
        placed("tiny or huge", (16, 13), Placement::rectangle(x, y, w, h));
    }
}

#[test]
fn every_fit_with_every_anchor() {
    for fit in [Fit::Stretch, Fit::Contain, Fit::Cover, Fit::None] {
        for anchor in [None].into_iter().chain(Anchor::NAMES.map(|(_, anchor)| Some(anchor))) {
            let fit = Some(fit);
            placed("fit and anchor", (21, 9), Placement { fit, anchor, margin: 2.0, ..Placement::STRETCH });
            let boxed = Placement { fit, anchor, ..Placement::rectangle(18.5, 14.0, 11.0, 14.0) };
            placed("fit and anchor in a box", (21, 9), boxed);
        }
    }
}

#[test]
fn a_missing_side_follows_the_shape() {
    for (width, height) in [(Some(14.0), None), (None, Some(14.0)), (Some(50.5), None)] {
        placed("one side", (21, 9), Placement { width, height, ..Placement::moved(3.0, 3.0) });
    }
}

#[test]
fn crops() {
    let crops = [
        (1, 0, 0, 0),
        (0, 3, 5, 0),
        (4, 4, 4, 4),
        (10, 0, 10, 0),
        (0, 16, 0, 0),
        (21, 0, 0, 0),
        (99, 9, 9, 9),
    ];
    let placements = [
        Placement::STRETCH,
        Placement::moved(4.0, 6.0),
        Placement::rectangle(3.0, 3.0, 6.0, 5.0),
        Placement { fit: Some(Fit::Cover), ..Placement::STRETCH },
    ];
    for (left, top, right, bottom) in crops {
        for placement in placements {
            check("crop", (21, 17), |layer| {
                layer.crop = Crop { left, top, right, bottom };
                layer.placement = placement;
            });
        }
    }
}

#[test]
fn flips() {
    let placements = [
        Placement::moved(4.0, 6.0),
        Placement::moved(5.0, 7.0),
        Placement::moved(4.3, 6.6),
        Placement::rectangle(2.0, 2.0, 30.0, 25.0),
        Placement::rectangle(2.0, 2.0, 7.0, 8.5),
    ];
    for (horizontal, vertical) in [(true, false), (false, true), (true, true)] {
        for placement in placements {
            check("flip", (16, 13), |layer| {
                layer.flip = Flip { horizontal, vertical };
                layer.placement = placement;
                layer.crop = Crop { left: 1, ..Crop::default() };
            });
        }
    }
}

#[test]
fn rotations() {
    let placements = [
        // edges stay whole when turned, by 90 degrees too
        Placement::rectangle(8.0, 6.0, 16.0, 14.0),
        Placement::rectangle(8.0, 6.0, 9.0, 5.0),
        // whole only by 180 degrees
        Placement::rectangle(8.0, 6.0, 16.0, 13.0),
        Placement::rectangle(8.0, 6.0, 6.0, 5.0),
        Placement::rectangle(8.5, 6.3, 20.2, 14.6),
        Placement::rectangle(-20.0, -10.0, 80.0, 60.0),
        Placement { fit: Some(Fit::Cover), ..Placement::rectangle(5.0, 5.0, 20.0, 8.0) },
    ];
    for rotation in [90.0, 180.0, 270.0, -90.0, 360.0, 450.0, 45.0, 12.3, -7.0, 0.01, 89.99, 1234.5] {
        for placement in placements {
            check("rotation", (16, 13), |layer| (layer.placement, layer.rotation) = (placement, rotation));
        }
    }
}

#[test]
fn rotations_with_flips_and_crops() {
    for rotation in [90.0, 180.0, 270.0, 30.0, -100.0] {
        for (horizontal, vertical) in [(true, false), (false, true)] {
            check("rotation, flip and crop", (20, 18), |layer| {
                layer.flip = Flip { horizontal, vertical };
                layer.crop = Crop { left: 3, top: 0, right: 1, bottom: 5 };
                layer.placement = Placement { anchor: Some(Anchor::Center), ..Placement::moved(18.0, 14.0) };
                layer.rotation = rotation;
            });
        }
    }
}

#[test]
fn large_pictures_shrunk_a_lot() {
    for (format, color) in [(Rgb, ColorSpace::RGB), (I420, ColorSpace::BT601), (Yuy2, ColorSpace::JPEG)] {
        for motif in [Motif::Edges, Motif::Noise(3)] {
            let picture = Picture::new(format, 320, 180, motif).color(color);
            for (placement, rotation) in [
                (Placement::rectangle(3.0, 2.0, 32.0, 18.0), 0.0),
                (Placement::rectangle(3.3, 2.2, 31.7, 17.1), 0.0),
                (Placement::rectangle(3.0, 8.0, 32.0, 7.0), 20.0),
            ] {
                Stage::new(38, 30)
                    .layer(picture, |l| (l.placement, l.rotation) = (placement, rotation))
                    .check_both_families("large picture");
            }
        }
    }
}

#[test]
fn pictures_of_one_pixel() {
    for format in PixelFormat::ALL {
        let picture = Picture::new(format, 1, 1, Motif::Flat([200, 40, 90, 160]));
        for (placement, rotation) in [
            (Placement::STRETCH, 0.0),
            (Placement::moved(1.0, 1.0), 0.0),
            (Placement::moved(0.3, 0.6), 0.0),
            (Placement::rectangle(1.0, 0.0, 3.0, 3.0), 30.0),
            (Placement { fit: Some(Fit::Cover), ..Placement::STRETCH }, 90.0),
        ] {
            let stage =
                Stage::new(4, 2).layer(picture, |l| (l.placement, l.rotation) = (placement, rotation));
            stage.check_both_families("one pixel");
        }
    }
}

#[test]
fn canvases_of_few_pixels() {
    for picture in pictures(5, 4) {
        for placement in [Placement::STRETCH, Placement::moved(-1.0, -1.0), Placement::moved(0.5, 0.5)] {
            for rotation in [0.0, 90.0, 33.0] {
                let stage = |w, h| {
                    Stage::new(w, h).layer(picture, |l| (l.placement, l.rotation) = (placement, rotation))
                };
                for (w, h) in [(1, 1), (1, 3), (3, 1), (3, 3)] {
                    stage(w, h).check("few pixels", &[FrameSpec::of(Bgra, Size::new(w, h))]);
                }
                stage(2, 2).check_both_families("few pixels");
                stage(2, 1).check("few pixels", &[FrameSpec::of(Yuy2, Size::new(2, 1))]);
            }
        }
    }
}

#[test]
fn anchors_put_their_point_at_the_position() {
    for (_, anchor) in Anchor::NAMES {
        let at = Some(Point { x: 20.0, y: 13.0 });
        placed("anchor at", (15, 11), Placement { at, anchor: Some(anchor), ..Placement::STRETCH });
    }
}
