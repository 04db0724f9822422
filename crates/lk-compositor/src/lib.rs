// SPDX-License-Identifier: GPL-2.0-or-later
//! What a composition looks and sounds like, as a function of values: no clock, no threads of its own beyond
//! the render pool, no I/O.
//!
//! [`scene`] holds the plain value that describes a composition, [`render`] turns it and the sampled frames
//! into output frames, [`mix`] turns sampled sound into mixed sound. What the pixels must be is written in
//! `docs/rendering.md`.

pub mod mix;
pub mod render;
pub mod scene;

pub use mix::{Level, Levels, MixId, MixSettings, Mixer, MixerInput, MixerSettings, Mixes, Monitor};
pub use render::{CpuRenderer, RenderJob, RenderStatistics, Rendered, Renderer, Sampled};
pub use scene::{
    Anchor, Blend, Color, Crop, Fit, Flip, Layer, LayerId, OfflinePolicy, Placed, Placement, Point, RectF,
    Scene, SourceId,
};
