// SPDX-License-Identifier: GPL-2.0-or-later
//! The running session: edits and commits of a composition, offline runs, statistics.
//!
//! A [`Compositor`] is a handle on a scene and the sources it shows. An [`OfflineRun`] turns it into frames and
//! sound on a clock of its own, as fast as it goes and the same every time.

mod compositor;
mod offline;
mod statistics;

pub use compositor::{Batch, Commit, Compositor, SoundId, Where};
pub use offline::{OfflineOptions, OfflineRun, Tick};
pub use statistics::{Progress, RunStatistics};
