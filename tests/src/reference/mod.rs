// SPDX-License-Identifier: GPL-2.0-or-later
//! Two slow renderers in floating point, one for each family of truth, written straight from
//! `docs/rendering.md`. They are what the fast renderers are compared with, so they are kept as plain as
//! possible: no tricks, no integers, every layer in full.

pub mod geometry;
pub mod picture;
pub mod plane;
pub mod rgb;
pub mod sampling;
pub mod yuv;

use geometry::Geometry;
use lk_compositor::{Layer, Sampled, Scene};
use lk_media::{Frame, FrameSpec};

/// What `spec` must be for a scene, by the family that its format belongs to.
pub fn render(scene: &Scene, inputs: &[Sampled], spec: FrameSpec) -> Frame {
    if spec.format.is_yuv() { yuv::render(scene, inputs, spec) } else { rgb::render(scene, inputs, spec) }
}

/// A layer that shows something.
struct Shown<'a> {
    layer: &'a Layer,
    frame: &'a Frame,
    geometry: Geometry,
}

/// The layers that show something, the lowest first.
fn shown<'a>(scene: &'a Scene, inputs: &'a [Sampled]) -> impl Iterator<Item = Shown<'a>> {
    scene.layers.values().filter(|layer| layer.visible).filter_map(move |layer| {
        let frame = inputs.iter().find(|s| s.layer == layer.id)?.frame.as_ref()?;
        let geometry = Geometry::of(layer, scene.size, frame.size())?;
        Some(Shown { layer, frame, geometry })
    })
}

/// To the nearest byte.
fn to_byte(v: f64) -> f64 {
    v.round().clamp(0.0, 255.0)
}

/// An alpha of 0 to 1, to the nearest of 256 steps.
fn to_alpha_byte(a: f64) -> f64 {
    to_byte(a * 255.0) / 255.0
}
