// SPDX-License-Identifier: GPL-2.0-or-later
//! Video targets: things frames can be written to.

use crate::wake::Wake;
use crate::{
    ColorSpace, Error, Frame, FrameMut, FrameSpec, PixelFormat, Result, Size, Timestamp, VideoSource,
};
use serde::Serialize;
use std::sync::Arc;

/// What a target does when it is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Never block; drop by the target's stated policy and count it.
    Live,
    /// Lose nothing; answer Busy and the engine waits (offline runs).
    Lossless,
}

/// The answer of [`VideoTarget::offer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The target has it.
    Taken,
    /// Lossless only: offer it again after the wake-up.
    Busy,
    /// Live only: dropped and counted.
    Dropped,
}

/// What a target wants to be given. The engine renders in the family (RGB or YUV) of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoWish {
    /// The format; None takes any.
    pub format: Option<PixelFormat>,
    /// The colour space of YUV; None is the default for the size.
    pub color: Option<ColorSpace>,
    /// The size; None takes any.
    pub size: Option<Size>,
}

/// Counts of a target since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetStatistics {
    /// Frames taken.
    pub frames: u64,
    /// Frames dropped by the stated policy.
    pub dropped: u64,
}

/// Something frames can be written to.
pub trait VideoTarget: Send + Sync {
    /// What people call it, for messages ("show.mp4").
    fn name(&self) -> String;

    /// What it wants to be given.
    fn wish(&self) -> VideoWish;

    /// Offers a frame. An error means that the target has failed and takes no more.
    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered>;

    /// Memory of the target's own that a frame of `spec` may be rendered into, to be offered next.
    fn allocate(&self, _spec: FrameSpec) -> Option<FrameMut> {
        None
    }

    /// Frames offered before that are not due at `from` are not to be shown any more: their writer has gone
    /// elsewhere.
    fn retract(&self, _from: Timestamp) {}

    /// Says who writes frames into it from now on (None: nobody): what is asked for exact frames, where the
    /// target is a source as well.
    fn set_upstream(&self, _upstream: Option<Arc<dyn VideoSource>>) {}

    /// Rings `wake` when an answer of Busy may have changed.
    fn wake_on_ready(&self, _wake: &Wake) {}

    /// Why it takes no more, if it has failed.
    fn error(&self) -> Option<Error> {
        None
    }

    /// Counts since it was made.
    fn statistics(&self) -> TargetStatistics;
}
