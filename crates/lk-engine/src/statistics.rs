// SPDX-License-Identifier: GPL-2.0-or-later
//! What a run did, in numbers.

use lk_compositor::RenderStatistics;
use serde::Serialize;
use std::fmt;
use std::ops::AddAssign;
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
    /// CPU time of the thread that steps the run, without reading sources (which may decode), mixing and targets.
    pub tick_cpu: Duration,
    /// Where the real time went.
    pub parts: Parts,
    /// What the renderer did.
    pub render: RenderStatistics,
}

impl RunStatistics {
    /// CPU time of compositing, by the clocks of the threads that do it: the tick and the render threads.
    pub fn compositing(&self) -> Duration {
        self.tick_cpu + self.render.pool_cpu
    }
}

/// Real time of a run by what it was spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Waiting for the pictures of sources (offline: decoding included; live they are read ahead).
    pub sampling: Duration,
    /// Rendering.
    pub rendering: Duration,
    /// Handing frames and sound to targets and waiting for those that are busy.
    pub delivering: Duration,
    /// Reading sounds and mixing them.
    pub mixing: Duration,
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.sampling += other.sampling;
        self.rendering += other.rendering;
        self.delivering += other.delivering;
        self.mixing += other.mixing;
    }
}

/// Why a run is as slow as it is, in lines for people.
pub(crate) fn explain(
    f: &mut fmt::Formatter<'_>,
    frames: u64,
    compositing: Duration,
    parts: &Parts,
    render: &RenderStatistics,
) -> fmt::Result {
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / frames.max(1) as f64;
    let drawn = (render.jobs - render.repeated).max(1) as f64;
    writeln!(f, "{frames} frames, {:.3} ms of CPU time each for compositing", each(compositing))?;
    writeln!(
        f,
        "real time of a frame: sampling {:.3} ms, rendering {:.3} ms, delivering {:.3} ms, mixing {:.3} ms",
        each(parts.sampling),
        each(parts.rendering),
        each(parts.delivering),
        each(parts.mixing),
    )?;
    writeln!(
        f,
        "{:.1} % of the canvas drawn; {} frames repeated whole",
        render.damaged() * 100.0,
        render.repeated,
    )?;
    write!(
        f,
        "of {:.1} layers {:.1} hidden and {:.1} at hand; {:.1} MB of finished pictures kept",
        render.layers as f64 / drawn,
        render.culled as f64 / drawn,
        render.kept_layers as f64 / drawn,
        render.kept_bytes as f64 / 1e6,
    )
}

impl fmt::Display for RunStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        explain(f, self.frames, self.compositing(), &self.parts, &self.render)
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// Frames done.
    pub done: u64,
    /// Frames to do.
    pub total: u64,
}
