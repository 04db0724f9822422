// SPDX-License-Identifier: GPL-2.0-or-later
//! The running session: edits and commits of a composition, live and offline runs, statistics.
//!
//! A [`Compositor`] is a handle on a scene and the sources it shows. [`Compositor::start`] runs it on the live
//! clock; an [`OfflineRun`] turns it into frames and sound on a clock of its own, as fast as it goes and the same
//! every time.

mod compositor;
mod draft;
mod later;
mod live;
mod mixing;
mod offline;
mod outputs;
mod playing;
mod sampling;
mod sound;
mod statistics;

pub use compositor::{Batch, Compositor};
pub use draft::{Commit, SoundId, Where};
pub use live::{Lateness, LiveFrames, LiveOptions, LiveStatistics, Picture, Stepped};
pub use offline::{OfflineOptions, OfflineRun, Tick};
pub use outputs::{Wanted, wanted, wanted_spec};
pub use playing::Playing;
pub use sound::SoundTarget;
pub use statistics::{Parts, Progress, RunStatistics};
