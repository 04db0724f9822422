// SPDX-License-Identifier: GPL-2.0-or-later
//! A player as a source of pictures and of sound: live from what its threads made, exact from a pulled reader.

use super::Inner;
use super::timeline::to_samples;
use crate::media_file::{FileAudio, LazyPlayer};
use lk_media::{
    AudioRead, AudioSource, CHANNELS, ClockId, Error, ErrorKind, Exactness, LeaseGuard, Result, Sample,
    Sampling, Size, SourceState, Timestamp, VideoSource, Wake,
};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// The readers that answer exactly, opened when somebody first asks.
#[derive(Default)]
pub(super) struct Pulled {
    video: OnceLock<Arc<LazyPlayer>>,
    sound: OnceLock<Arc<FileAudio>>,
    opening: Mutex<()>,
}

/// What pulled readers have in common.
trait Reader {
    fn put(&self, position: Timestamp, still: bool);
}

impl Reader for LazyPlayer {
    fn put(&self, position: Timestamp, still: bool) {
        self.set_position(position);
        if still { self.stop() } else { self.start() }
    }
}

impl Reader for FileAudio {
    fn put(&self, position: Timestamp, still: bool) {
        self.set_position(position);
        if still { self.stop() } else { self.start() }
    }
}

impl Inner {
    fn exactness(&self) -> Exactness {
        if self.live { Exactness::LiveOnly("a pipe or a stream plays as it comes") } else { Exactness::Exact }
    }

    fn check_exact(&self) -> Result<()> {
        match self.exactness() {
            Exactness::Exact => Ok(()),
            Exactness::LiveOnly(why) => {
                let message = format!("{} has no exact times: {why}", self.shared.name);
                Err(Error::new(ErrorKind::LiveSource, message)
                    .with_hint("give the layer offline=\"freeze\" or \"skip\", or use a file"))
            }
        }
    }

    /// The reader in `slot`, opened now if it has to be.
    fn pulled<T>(&self, slot: &OnceLock<Arc<T>>, open: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        self.check_exact()?;
        if let Some(reader) = slot.get() {
            return Ok(reader.clone());
        }
        let _one_at_a_time = self.pulled.opening.lock();
        match slot.get() {
            Some(reader) => Ok(reader.clone()),
            None => {
                let reader = Arc::new(open()?);
                Ok(slot.get_or_init(|| reader).clone())
            }
        }
    }

    fn exact_video(&self) -> Result<Arc<LazyPlayer>> {
        let options = self.exact_options();
        self.pulled(&self.pulled.video, || {
            LazyPlayer::open_on(&self.opened_as, &options, self.shared.clock.clone())
        })
    }

    fn exact_sound(&self) -> Result<Arc<FileAudio>> {
        let options = self.exact_options();
        self.pulled(&self.pulled.sound, || {
            FileAudio::open_on(&self.opened_as, &options, self.shared.clock.clone())
        })
    }

    /// Puts a pulled reader where the player stands, unless a run has it.
    fn put(&self, reader: &dyn Reader) {
        let (position, still) = {
            let timeline = self.shared.timeline.lock();
            (timeline.position(self.shared.now()), timeline.is_touched() && !timeline.is_wanted())
        };
        reader.put(position, still);
    }

    /// A claim by a live run: what nobody has started or stopped yet plays with it.
    fn play_along(&self, start: Timestamp) {
        if !self.shared.timeline.lock().is_touched() {
            self.start_at(Some(start));
        }
    }

    fn duration(&self) -> Option<Duration> {
        let end = self.info.duration()?;
        let timeline = self.shared.timeline.lock();
        let playing = timeline.is_playing() || !timeline.is_touched();
        if timeline.is_looping() || !playing {
            return None;
        }
        let map = timeline.map();
        let left = end.nanos_since(timeline.position(self.shared.now())).max(0);
        Some(Duration::from_nanos((left as f64 / map.rate).round() as u64))
    }
}

/// The pictures of a player.
pub(super) struct Video(pub(super) Arc<Inner>);

impl VideoSource for Video {
    fn name(&self) -> String {
        self.0.shared.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if sampling == Sampling::Exact {
            return self.0.exact_video()?.sample(at, sampling);
        }
        let frame = self.0.shared.port.at(at);
        Ok(match (frame, self.0.shared.timeline.lock().is_ended()) {
            (frame, true) => Sample::Ended(frame),
            (Some(frame), false) => Sample::Frame(frame),
            (None, false) => Sample::Empty,
        })
    }

    fn exactness(&self) -> Exactness {
        self.0.exactness()
    }

    fn size(&self) -> Option<Size> {
        self.0.shared.port.newest().map(|f| f.size()).or_else(|| self.0.info.video_size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.0.shared.port.wake_on_ready(wake);
    }

    fn deadline(&self) -> Duration {
        self.0.options.timeout
    }

    fn duration(&self) -> Option<Duration> {
        self.0.duration()
    }

    fn state(&self) -> SourceState {
        self.0.shared.state()
    }

    fn file(&self) -> Option<PathBuf> {
        self.0.file.clone()
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        if start != Timestamp::ZERO {
            self.0.play_along(start);
            return Ok(None);
        }
        if self.0.live {
            return Ok(None);
        }
        let reader = self.0.exact_video()?;
        self.0.put(&*reader);
        reader.claim(clock, start)
    }
}

/// The sound of a player.
pub(super) struct Sound(pub(super) Arc<Inner>);

impl AudioSource for Sound {
    fn name(&self) -> String {
        self.0.shared.name.clone()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        let inner = &self.0;
        let answer = if sampling == Sampling::Exact {
            inner.exact_sound()?.read(first, out, sampling)?
        } else {
            let (map, rendered, ended) = {
                let timeline = inner.shared.timeline.lock();
                (timeline.map(), timeline.rendered, timeline.is_ended())
            };
            inner.shared.sound.read(first, out, sampling)?;
            let end = first.saturating_add((out.len() / CHANNELS) as i64);
            let from = first.max(rendered).max(to_samples(map.anchor.as_nanos()));
            match end - from {
                late if map.moving && late > 0 => {
                    inner.shared.counts.late_samples.fetch_add(late.unsigned_abs(), Ordering::Relaxed);
                    AudioRead::Late(late as usize)
                }
                _ if ended && first >= map.from => AudioRead::Ended,
                _ => AudioRead::Filled,
            }
        };
        match sampling {
            Sampling::Exact => inner.loudness.apply_exactly(first, out),
            Sampling::Live => inner.loudness.apply(first, out),
        }
        Ok(answer)
    }

    fn exactness(&self) -> Exactness {
        self.0.exactness()
    }

    fn deadline(&self) -> Duration {
        self.0.options.timeout
    }

    fn duration(&self) -> Option<Duration> {
        self.0.duration()
    }

    fn file(&self) -> Option<PathBuf> {
        self.0.file.clone()
    }

    fn state(&self) -> SourceState {
        self.0.shared.state()
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        if start != Timestamp::ZERO {
            self.0.play_along(start);
            return Ok(None);
        }
        if self.0.live {
            return Ok(None);
        }
        let reader = self.0.exact_sound()?;
        self.0.put(&*reader);
        reader.claim(clock, start)
    }
}

/// What a target knows its player by: does not keep it alive.
pub(super) struct Link {
    pub(super) player: Weak<Inner>,
    pub(super) name: String,
}

impl Link {
    fn video(&self) -> Option<Video> {
        self.player.upgrade().map(Video)
    }
}

impl VideoSource for Link {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        match self.video() {
            Some(video) => video.sample(at, sampling),
            None => Err(Error::new(ErrorKind::Closed, format!("{}: the player is gone", self.name))
                .with_hint("keep the player for as long as its pictures are wanted")),
        }
    }

    fn exactness(&self) -> Exactness {
        self.video().map_or(Exactness::LiveOnly("its player is gone"), |v| v.exactness())
    }

    fn size(&self) -> Option<Size> {
        self.video().and_then(|v| v.size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        if let Some(video) = self.video() {
            video.wake_on_ready(wake);
        }
    }

    fn deadline(&self) -> Duration {
        self.video().map_or(Duration::ZERO, |v| v.deadline())
    }

    fn duration(&self) -> Option<Duration> {
        self.video().and_then(|v| v.duration())
    }

    fn state(&self) -> SourceState {
        self.video().map_or(SourceState::Ended, |v| v.state())
    }

    fn file(&self) -> Option<PathBuf> {
        self.video().and_then(|v| v.file())
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.video().map_or(Ok(None), |v| v.claim(clock, start))
    }
}
