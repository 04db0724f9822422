// SPDX-License-Identifier: GPL-2.0-or-later
//! Sources that come into a scene later than its run begins.

use lk_media::{
    AudioRead, AudioSource, CHANNELS, ClockId, Events, Exactness, LeaseGuard, Result, SAMPLE_RATE, Sample,
    Sampling, Size, SourceState, Timestamp, VideoSource, Wake, audio_port,
};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// `source`, from `start` after the run on: as it is if that is no time at all.
pub(crate) fn pictures(source: Arc<dyn VideoSource>, start: Duration) -> Arc<dyn VideoSource> {
    if start.is_zero() { source } else { Arc::new(Later::new(source, start)) }
}

/// The same of sound.
pub(crate) fn sound(sound: Arc<dyn AudioSource>, start: Duration) -> Arc<dyn AudioSource> {
    if start.is_zero() { sound } else { Arc::new(Later::new(sound, start)) }
}

/// A source that is not there before its time. What can be exact is shown from its own beginning then: it is asked for
/// times that lie earlier by as much, so that any number of layers may begin the same clip at times of their own. What
/// shows what is now is only hidden until then.
struct Later<S: ?Sized> {
    delay: Duration,
    /// The session time at which it is there.
    begin: Mutex<Timestamp>,
    source: Arc<S>,
}

impl<S: ?Sized> Later<S> {
    fn new(source: Arc<S>, delay: Duration) -> Self {
        Self { delay, begin: Mutex::new(Timestamp::ZERO + delay), source }
    }

    fn begin(&self) -> Timestamp {
        *self.begin.lock()
    }

    fn begins_after(&self, start: Timestamp) {
        *self.begin.lock() = start + self.delay;
    }
}

impl VideoSource for Later<dyn VideoSource> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if !self.begin().is_due(at) {
            return Ok(Sample::Empty);
        }
        if self.source.exactness() != Exactness::Exact {
            return self.source.sample(at, sampling);
        }
        let shown = |frame: lk_media::Frame| frame.at(frame.timestamp() + self.delay);
        Ok(match self.source.sample(at - self.delay, sampling)? {
            Sample::Frame(frame) => Sample::Frame(shown(frame)),
            Sample::Ended(last) => Sample::Ended(last.map(shown)),
            other => other,
        })
    }

    fn exactness(&self) -> Exactness {
        self.source.exactness()
    }

    fn size(&self) -> Option<Size> {
        self.source.size()
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.source.wake_on_ready(wake);
    }

    fn deadline(&self) -> Duration {
        self.source.deadline()
    }

    fn duration(&self) -> Option<Duration> {
        self.source.duration().map(|d| d + self.delay)
    }

    fn state(&self) -> SourceState {
        self.source.state()
    }

    fn file(&self) -> Option<PathBuf> {
        self.source.file()
    }

    fn upstream(&self) -> Option<Arc<dyn VideoSource>> {
        Some(self.source.clone())
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        let guard = self.source.claim(clock, start)?;
        self.begins_after(start);
        Ok(guard)
    }

    fn may_block(&self) -> bool {
        self.source.may_block()
    }
}

impl AudioSource for Later<dyn AudioSource> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        let begin = audio_port::sample_at(self.begin());
        let silent = (begin - first).clamp(0, (out.len() / CHANNELS) as i64);
        let (silence, heard) = out.split_at_mut(silent as usize * CHANNELS);
        silence.fill(0.0);
        if heard.is_empty() {
            return Ok(AudioRead::Filled);
        }
        let exact = self.source.exactness() == Exactness::Exact;
        let delay = if exact { samples_in(self.delay) } else { 0 };
        self.source.read(first + silent - delay, heard, sampling)
    }

    fn exactness(&self) -> Exactness {
        self.source.exactness()
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.source.wake_on_ready(wake);
    }

    fn deadline(&self) -> Duration {
        self.source.deadline()
    }

    fn duration(&self) -> Option<Duration> {
        self.source.duration().map(|d| d + self.delay)
    }

    fn file(&self) -> Option<PathBuf> {
        self.source.file()
    }

    fn state(&self) -> SourceState {
        self.source.state()
    }

    fn tell(&self, events: &Events) {
        self.source.tell(events);
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        let guard = self.source.claim(clock, start)?;
        self.begins_after(start);
        Ok(guard)
    }

    fn may_block(&self) -> bool {
        self.source.may_block()
    }
}

/// A length in whole samples, the nearest.
fn samples_in(length: Duration) -> i64 {
    let samples = length.as_nanos() * u128::from(SAMPLE_RATE);
    i64::try_from((2 * samples + 1_000_000_000) / 2_000_000_000).unwrap_or(i64::MAX)
}
