// SPDX-License-Identifier: GPL-2.0-or-later
//! Which frames the targets of a run want, each kind made once.

use lk_compositor::render::{OutputRequest, Outputs};
use lk_compositor::{Color, Scene};
use lk_media::{AlphaKind, FrameSpec, PixelFormat, Size, VideoTarget};
use std::sync::Arc;

/// What a target is given: its wish, completed for the canvas.
pub fn wanted_spec(target: &dyn VideoTarget, canvas: Size, background: Color) -> FrameSpec {
    let wish = target.wish();
    let natural = if background.is_opaque() { PixelFormat::Bgr } else { PixelFormat::Bgra };
    let mut spec = FrameSpec::of(wish.format.unwrap_or(natural), canvas);
    if background.is_opaque() {
        spec = spec.with_alpha(AlphaKind::Opaque);
    }
    if let Some(color) = wish.color {
        spec = spec.with_color(color);
    }
    spec
}

/// The frames wanted, and the targets with the number of the frame each wants.
pub type Wanted = (Vec<FrameSpec>, Vec<(usize, Arc<dyn VideoTarget>)>);

/// What `targets` want of `scene`; equal wishes share a frame.
pub fn wanted(scene: &Scene, targets: Vec<Arc<dyn VideoTarget>>) -> Wanted {
    let mut specs: Vec<FrameSpec> = Vec::new();
    let mut videos = Vec::new();
    for target in targets {
        let spec = wanted_spec(&*target, scene.size, scene.background);
        let index = specs.iter().position(|s| *s == spec).unwrap_or_else(|| {
            specs.push(spec);
            specs.len() - 1
        });
        videos.push((index, target));
    }
    (specs, videos)
}

/// What to ask the renderer for: a frame that only one target wants is made in that target's own memory if it
/// offers some.
pub(crate) fn requests(specs: &[FrameSpec], videos: &[(usize, Arc<dyn VideoTarget>)]) -> Outputs {
    let sole = |number: usize| {
        let mut wanting = videos.iter().filter(|(n, _)| *n == number).map(|(_, target)| target);
        wanting.next().filter(|_| wanting.next().is_none())
    };
    let request = |(number, spec): (usize, &FrameSpec)| OutputRequest {
        spec: *spec,
        buffer: sole(number).and_then(|target| target.allocate(*spec)),
    };
    specs.iter().enumerate().map(request).collect()
}
