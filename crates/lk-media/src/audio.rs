// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound: 32-bit float stereo at 48 kHz everywhere inside; sources and targets convert at the edge.

use crate::source::{Exactness, Sampling, SourceState};
use crate::target::{Delivery, Offered};
use crate::wake::Wake;
use crate::{ClockId, Events, LeaseGuard, Result, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Samples a second and channel.
pub const SAMPLE_RATE: u32 = 48_000;
/// Channels of everything that is mixed: left and right, interleaved.
pub const CHANNELS: usize = 2;

/// A run of mixed sound at a known place on the session's time line.
#[derive(Clone, Debug)]
pub struct AudioBlock {
    /// The index of the first sample (per channel) since the session's epoch.
    pub position: u64,
    /// Interleaved left and right, -1.0 to 1.0 nominal.
    pub samples: Arc<[f32]>,
}

impl AudioBlock {
    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.samples.len() / CHANNELS
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// The answer of [`AudioSource::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioRead {
    /// The whole range is filled; gaps are silence.
    Filled,
    /// Live sampling only: the range is filled, but for so many samples (per channel) that were not there in
    /// time and are silent.
    Late(usize),
    /// Exact sampling only: not yet; the wake-up will ring.
    Pending,
    /// The range is filled, and everything after it is silence.
    Ended,
}

/// Something sound can be read from.
pub trait AudioSource: Send + Sync {
    /// What people call it, for messages.
    fn name(&self) -> String;

    /// Fills `out` (interleaved, [`CHANNELS`]) with the samples from session sample `first` on; what lies
    /// before the start or after the end is silence. Any place may be asked for; reading on is cheap.
    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead>;

    /// Whether offline runs can have exact samples.
    fn exactness(&self) -> Exactness;

    /// Rings `wake` when an answer of Pending may have changed.
    fn wake_on_ready(&self, _wake: &Wake) {}

    /// How long an exact reader waits before it gives up.
    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// The length of the sound in session time, if it ends by itself.
    fn duration(&self) -> Option<Duration> {
        None
    }

    /// The file it goes on reading, if it does: nobody should write there meanwhile.
    fn file(&self) -> Option<PathBuf> {
        None
    }

    /// Where it stands.
    fn state(&self) -> SourceState {
        SourceState::Live
    }

    /// Tells `events` too of its changes of state from now on, where it has events.
    fn tell(&self, _events: &Events) {}

    /// Puts the source on the clock of a run; Busy if it is on another. Its place, where it has one, belongs to
    /// session time `start`.
    fn claim(&self, _clock: ClockId, _start: Timestamp) -> Result<Option<LeaseGuard>> {
        Ok(None)
    }

    /// Whether a reading may decode or read a file on the thread that asks. A live run has a thread read ahead
    /// of such a source.
    fn may_block(&self) -> bool {
        false
    }
}

/// Something mixed sound can be written to.
pub trait AudioTarget: Send + Sync {
    /// What people call it, for messages.
    fn name(&self) -> String;

    /// Offers the next block; positions follow one another without a gap. An error means that the target has
    /// failed and takes no more.
    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered>;
}
