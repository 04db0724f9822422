// SPDX-License-Identifier: GPL-2.0-or-later
//! Video sources: things frames can be read from.

use crate::wake::Wake;
use crate::{ClockId, Error, Frame, LeaseGuard, Result, Size, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a source is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// At once, with the newest frame due.
    Live,
    /// With the frame that belongs to the time asked for, however long that takes (offline runs).
    Exact,
}

/// The answer of [`VideoSource::sample`].
#[derive(Clone, Debug)]
pub enum Sample {
    /// The frame to show at the time asked for.
    Frame(Frame),
    /// The source is over; this was its last frame, if it had one.
    Ended(Option<Frame>),
    /// Exact sampling only: not yet; the wake-up will ring.
    Pending,
    /// Nothing to show (yet).
    Empty,
}

/// Whether a source can answer [`Sampling::Exact`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Every time has its frame, and it is the same on every run.
    Exact,
    /// It cannot, and this is why ("a camera shows what is in front of it").
    LiveOnly(&'static str),
}

/// Where a source stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SourceState {
    /// No frame yet.
    Starting,
    /// Frames come.
    Live,
    /// Frames should come and do not.
    Stalled,
    /// It was lost and is being looked for.
    Reconnecting,
    /// It is over.
    Ended,
    /// It cannot go on.
    Failed(Error),
}

/// Something frames can be read from.
///
/// A source that keeps a place in time (a clip) is on one clock at a time: see [`VideoSource::claim`].
pub trait VideoSource: Send + Sync {
    /// What people call it, for messages ("clip.mp4").
    fn name(&self) -> String;

    /// The frame for session time `at`.
    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample>;

    /// Whether [`Sampling::Exact`] is possible.
    fn exactness(&self) -> Exactness;

    /// The size of its pictures, if known before the first.
    fn size(&self) -> Option<Size> {
        None
    }

    /// Rings `wake` whenever an answer of Pending or Empty may have changed.
    fn wake_on_ready(&self, _wake: &Wake) {}

    /// How long an exact reader waits for one frame before it gives up.
    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// The length in session time, if the source ends by itself.
    fn duration(&self) -> Option<Duration> {
        None
    }

    /// Where it stands.
    fn state(&self) -> SourceState {
        SourceState::Live
    }

    /// The file it goes on reading, if it does: nobody should write there meanwhile.
    fn file(&self) -> Option<PathBuf> {
        None
    }

    /// The source this one reads from, if it is only a link in a chain.
    fn upstream(&self) -> Option<Arc<dyn VideoSource>> {
        None
    }

    /// Puts the source on the clock of a run until the guard is dropped; Busy if it is on another. Its place,
    /// where it has one, belongs to session time `start`. None for sources that any number of runs may read.
    fn claim(&self, _clock: ClockId, _start: Timestamp) -> Result<Option<LeaseGuard>> {
        Ok(None)
    }

    /// Whether a reading may decode, read a file or run user code on the thread that asks. A live run never
    /// asks such a source on its tick: it has a thread read ahead.
    fn may_block(&self) -> bool {
        false
    }
}

/// A picture that never changes, as a source.
pub struct Still {
    name: String,
    frame: Frame,
}

impl Still {
    /// Shows `frame` at every time; `name` is for messages.
    pub fn new(name: impl Into<String>, frame: Frame) -> Self {
        Self { name: name.into(), frame }
    }
}

impl VideoSource for Still {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn sample(&self, at: Timestamp, _sampling: Sampling) -> Result<Sample> {
        Ok(Sample::Frame(self.frame.at(at)))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn size(&self) -> Option<Size> {
        Some(self.frame.size())
    }
}
