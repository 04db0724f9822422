// SPDX-License-Identifier: GPL-2.0-or-later
//! Random scenes of up to 20 random layers. The same ones on every run; `LK_PROPTEST_CASES=n` tries n others.

use lk_compositor::{Anchor, Blend, CpuRenderer, Crop, Fit, Flip, Layer, Placement, Point, SourceId};
use lk_media::{AlphaKind, FrameSpec, PixelFormat, Size};
use lk_tests::harness::{COLOR_SPACES, Motif, Picture, Stage, compare, render_with};
use lk_tests::reference;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// Cases of a run that says nothing else.
const CASES: u32 = 1000;

fn format() -> impl Strategy<Value = PixelFormat> {
    select(PixelFormat::ALL.to_vec())
}

fn spec(format: PixelFormat, size: Size) -> impl Strategy<Value = FrameSpec> {
    let kinds = vec![AlphaKind::Straight, AlphaKind::Premultiplied, AlphaKind::Opaque];
    let spaces = prop_oneof![2 => Just(COLOR_SPACES[0]), 1 => select(COLOR_SPACES.to_vec())];
    (spaces, select(kinds))
        .prop_map(move |(color, alpha)| FrameSpec::of(format, size).with_color(color).with_alpha(alpha))
}

fn picture() -> impl Strategy<Value = Picture> {
    let motif = prop_oneof![
        3 => any::<u64>().prop_map(Motif::Noise),
        1 => any::<u64>().prop_map(Motif::Veil),
        1 => Just(Motif::Gradient),
        1 => Just(Motif::Edges),
        1 => any::<[u8; 4]>().prop_map(Motif::Flat),
    ];
    (format(), 1..=40u32, 1..=40u32, motif).prop_flat_map(|(format, w, h, motif)| {
        spec(format, Size::new(w, h)).prop_map(move |spec| Picture { spec, motif })
    })
}

/// Whole numbers as often as others.
fn coordinate(range: std::ops::Range<f64>) -> impl Strategy<Value = f64> {
    prop_oneof![range.clone().prop_map(f64::round), range]
}

fn placement() -> impl Strategy<Value = Placement> {
    let at = prop::option::weighted(
        0.7,
        (coordinate(-30.0..60.0), coordinate(-30.0..60.0)).prop_map(|(x, y)| Point { x, y }),
    );
    let side =
        || prop::option::of(prop_oneof![8 => coordinate(1.0..80.0), 1 => 0.01..3.0, 1 => 100.0..5000.0]);
    let fit = prop::option::of(select(vec![Fit::Stretch, Fit::Contain, Fit::Cover, Fit::None]));
    let anchor = prop::option::of(select(Anchor::NAMES.map(|(_, anchor)| anchor).to_vec()));
    let margin = prop_oneof![3 => Just(0.0), 1 => coordinate(-4.0..6.0)];
    (at, side(), side(), fit, anchor, margin).prop_map(|(at, width, height, fit, anchor, margin)| Placement {
        at,
        width,
        height,
        fit,
        anchor,
        margin,
    })
}

prop_compose! {
    fn layer()(
        placement in placement(),
        crop in prop_oneof![2 => Just([0; 4]), 1 => any::<[u8; 4]>().prop_map(|c| c.map(|v| u32::from(v) / 24))],
        flip in any::<(bool, bool)>(),
        rotation in prop_oneof![
            4 => Just(0.0),
            1 => select(vec![90.0, 180.0, 270.0, -90.0]),
            1 => -400.0..400.0,
        ],
        opacity in prop_oneof![2 => Just(1.0), 2 => 0.0..=1.0],
        additive in prop::bool::weighted(0.15),
        visible in prop::bool::weighted(0.95),
    ) -> Layer {
        let [left, top, right, bottom] = crop;
        Layer {
            placement,
            crop: Crop { left, top, right, bottom },
            flip: Flip { horizontal: flip.0, vertical: flip.1 },
            rotation,
            opacity,
            blend: if additive { Blend::Additive } else { Blend::Normal },
            visible,
            ..Layer::new(SourceId::unique())
        }
    }
}

/// A scene, and a spec to render it in.
fn case() -> impl Strategy<Value = (Stage, FrameSpec)> {
    // some are tall enough to be drawn in several pieces
    let height = prop_oneof![40 => 4..=32u32, 1 => 130..=400u32];
    let size = (4..=32u32, height).prop_map(|(w, h)| (2 * w, 2 * h));
    let background = prop_oneof![Just([0, 0, 0, 255]), any::<[u8; 4]>()];
    let layers = prop::collection::vec((picture(), layer()), 0..=20);
    (size, background, layers, format()).prop_flat_map(|((w, h), background, layers, format)| {
        let empty = Stage::new(w, h).background(background);
        let stage = layers.into_iter().fold(empty, |stage, (picture, layer)| {
            stage.layer(picture, |new| *new = Layer { source: new.source, ..layer })
        });
        spec(format, stage.scene.size).prop_map(move |spec| (stage.clone(), spec))
    })
}

#[test]
fn random_scenes_match_the_reference() {
    let wanted = std::env::var("LK_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: wanted.unwrap_or(CASES), failure_persistence: None, ..Config::default() };
    let mut runner = match wanted {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let outcome = runner.run(&case(), |(stage, spec)| {
        let inputs = stage.inputs();
        let mut renderer = CpuRenderer::new(1).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let frames = render_with(&mut renderer, &stage.scene, &inputs, &[spec])
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        let expected = reference::render(&stage.scene, &inputs, spec);
        match compare(&frames[0], &expected, stage.tolerance()) {
            None => Ok(()),
            Some(difference) => Err(TestCaseError::fail(difference.to_string())),
        }
    });
    match outcome {
        Ok(()) => (),
        Err(TestError::Fail(why, (stage, spec))) => {
            panic!("{why}\nwith tolerance {} as {spec:?}\n{stage}", stage.tolerance())
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
