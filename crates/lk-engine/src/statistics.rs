// SPDX-License-Identifier: GPL-2.0-or-later
//! What a run did, in numbers.

use serde::Serialize;
use std::time::Duration;

/// Counts of one offline run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunStatistics {
    /// Frames made.
    pub frames: u64,
    /// Sound samples mixed, per channel.
    pub samples: u64,
    /// Real time since the run began.
    pub elapsed: Duration,
    /// CPU time of the whole process since the run began.
    pub cpu: Duration,
    /// Real time spent waiting for sources to give their frames and sound (decoding included).
    pub sampling: Duration,
    /// Real time spent rendering.
    pub rendering: Duration,
    /// Real time spent waiting for targets.
    pub delivering: Duration,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// Frames done.
    pub done: u64,
    /// Frames to do.
    pub total: u64,
}
