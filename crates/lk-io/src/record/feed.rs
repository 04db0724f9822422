// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording sources without a scene: frames and samples are asked for on the recorder's own grid.

use super::Shared;
use super::timeline::Phase;
use super::track::TrackTarget;
use crate::av::resize::Resizer;
use lk_media::audio_port::sample_at;
use lk_media::thread::{self, Thread};
use lk_media::{
    AudioBlock, AudioRead, AudioSource, AudioTarget, CHANNELS, Cancel, Clock, ClockId, Delivery, Error,
    Frame, FrameId, LeaseGuard, Result, SAMPLE_RATE, Sample, Sampling, VideoSource, Wake,
};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

/// Samples asked for at a time.
const BLOCK: u64 = 480;
/// How far behind the clock sound is asked for, in samples: 100 ms. Mixed sound is there 60 ms behind.
const SOUND_BEHIND: u64 = 4800;
/// The longest pictures are asked for behind the clock.
const MOST_BEHIND: Duration = Duration::from_millis(500);
/// After standing still for longer than this, sound goes on at the present.
const LOST: u64 = 5 * SAMPLE_RATE as u64;
/// How much earlier than pictures that come by themselves sound is asked for: their first may be one of the past.
const LEAD: u64 = SAMPLE_RATE as u64 / 10;
/// A clock may be anybody's: how often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What the threads that ask sources have in common.
pub(super) struct Feed {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    id: ClockId,
    /// The index of the grid after the moment at which sources were taken: they begin there if the recording does soon.
    expected: u64,
    /// The index of the grid at which sources begin.
    first: OnceLock<u64>,
    cancel: Cancel,
    wake: Wake,
    threads: Mutex<Vec<ThreadId>>,
}

impl Feed {
    pub(super) fn open(shared: &Arc<Shared>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            shared: shared.clone(),
            expected: shared.rate.index_at(clock.now()) + 1,
            clock,
            id: ClockId::unique(),
            first: OnceLock::new(),
            cancel: Cancel::new(),
            wake: Wake::new(),
            threads: Mutex::default(),
        })
    }

    /// Asks its threads to end.
    pub(super) fn cancel(&self) {
        self.cancel.cancel();
        self.wake.ring();
    }

    /// Whether one of its threads asks.
    pub(super) fn is_this_thread(&self) -> bool {
        self.threads.lock().contains(&std::thread::current().id())
    }

    /// Starts a thread for each source; sounds come with the tracks they are for.
    pub(super) fn threads(
        self: &Arc<Self>,
        source: Option<Arc<dyn VideoSource>>,
        sounds: Vec<(usize, Arc<dyn AudioSource>)>,
    ) -> Result<Vec<Thread>> {
        let there = self.shared.tracks.len();
        if there > 0 && sounds.iter().any(|(index, _)| *index >= there) {
            let message = format!("{} sounds for a recording of {there} tracks", sounds.len());
            return Err(Error::parameter(message).with_hint("add tracks to the recorder's settings"));
        }
        let lead = if source.is_none() && self.shared.has_video { LEAD } else { 0 };
        // now, so that whoever asks hears that a source is taken
        let start = self.shared.rate.time_of(self.expected);
        let pictures = match source.filter(|_| self.shared.has_video) {
            Some(source) => Some((source.claim(self.id, start)?, source)),
            None => None,
        };
        let mut claimed = Vec::new();
        for (index, sound) in sounds.into_iter().filter(|(index, _)| *index < there) {
            claimed.push((sound.claim(self.id, start)?, index, sound.clone()));
            sound.tell(&self.shared.events);
        }
        let mut threads = Vec::new();
        if let Some((lease, source)) = pictures {
            let feed = self.clone();
            threads.push(thread::spawn("lk-rec-feed", move || feed.pictures(&*source, lease))?);
        }
        for (lease, index, sound) in claimed {
            let feed = self.clone();
            let body = move || feed.sound(&*sound, lease, index, lead);
            threads.push(thread::spawn("lk-rec-feed-snd", body).inspect_err(|_| self.cancel())?);
        }
        Ok(threads)
    }

    /// Waits for the recording to start; the grid's first index. None if it ends before.
    fn begin(&self) -> Option<u64> {
        self.threads.lock().push(std::thread::current().id());
        loop {
            if self.cancel.is_cancelled() {
                return None;
            }
            match self.shared.timeline.lock().phase() {
                Phase::Closed => return None,
                Phase::Ready => {}
                _ => break,
            }
            self.pause(LOOK);
        }
        Some(self.first())
    }

    /// The recording has begun.
    pub(super) fn begun(&self) {
        self.first();
        self.wake.ring();
    }

    /// The grid's first index, decided when this is asked first. Sources that begin when they are taken have their first
    /// picture at the expected one, and what is that little late is still asked for in time.
    fn first(&self) -> u64 {
        let (rate, now) = (self.shared.rate, self.clock.now());
        let late = now.nanos_since(rate.time_of(self.expected));
        let soon = late <= self.behind().as_nanos() as i64;
        *self.first.get_or_init(|| if soon { self.expected } else { rate.index_at(now) + 1 })
    }

    /// How long after their time pictures are asked for.
    fn behind(&self) -> Duration {
        (self.shared.rate.period() * 2).min(MOST_BEHIND)
    }

    fn pause(&self, limit: Duration) {
        // a ring wakes one of the threads; the others look by themselves
        self.wake.wait(limit.clamp(Duration::from_millis(1), LOOK));
    }

    fn pictures(&self, source: &dyn VideoSource, lease: Option<LeaseGuard>) {
        let Some(spec) = self.shared.spec else { return };
        let Some(first) = self.begin() else { return };
        let rate = self.shared.rate;
        // the source's place belongs to the first frame, not to when it was attached
        drop(lease);
        let _lease = match source.claim(self.id, rate.time_of(first)) {
            Ok(lease) => lease,
            Err(e) => return self.shared.fail(e),
        };
        let behind = self.behind();
        let second = (rate.as_f64().ceil() as u64).max(1);
        let (mut resizer, mut shown, mut failing) = (Resizer::default(), None::<(FrameId, Frame)>, false);
        let mut next = first;
        while !self.cancel.is_cancelled() {
            let now = self.clock.now() - behind;
            let due = rate.time_of(next);
            if now < due {
                self.pause(Duration::from_nanos(due.nanos_since(now).unsigned_abs()));
                continue;
            }
            let newest = rate.index_at(now);
            if newest - next > second {
                next = newest;
            }
            let at = rate.time_of(next);
            next += 1;
            let sampled = source.sample(at, Sampling::Live).and_then(|sample| match sample {
                Sample::Frame(f) | Sample::Ended(Some(f)) => match &shown {
                    Some((id, _)) if *id == f.id() => Ok(()),
                    _ => {
                        shown = Some((f.id(), resizer.resize(&f, spec.size)?));
                        Ok(())
                    }
                },
                Sample::Ended(None) | Sample::Pending | Sample::Empty => Ok(()),
            });
            match sampled {
                Ok(()) => failing = false,
                Err(e) if !failing => {
                    failing = true;
                    tracing::warn!("{}: {}: {e}", self.shared.name, source.name());
                }
                Err(_) => {}
            }
            // what there is no new picture for shows the one before
            if let Some((_, frame)) = &shown
                && self.shared.offer(&frame.at(at), Delivery::Live).is_err()
            {
                return;
            }
        }
    }

    fn sound(&self, source: &dyn AudioSource, lease: Option<LeaseGuard>, index: usize, lead: u64) {
        let Some(first) = self.begin() else { return };
        drop(lease);
        let start = self.shared.rate.time_of(first);
        let _lease = match source.claim(self.id, start) {
            Ok(lease) => lease,
            Err(e) => return self.shared.fail(e),
        };
        let target = TrackTarget { shared: self.shared.clone(), index };
        let mut next = self.shared.rate.sample_of(first, SAMPLE_RATE).saturating_sub(lead);
        let (mut out, mut failing) = ([0.0; BLOCK as usize * CHANNELS], false);
        while !self.cancel.is_cancelled() {
            let now = u64::try_from(sample_at(self.clock.now())).unwrap_or(0).saturating_sub(SOUND_BEHIND);
            let end = next + BLOCK;
            if now < end {
                self.pause(nanos_of(end - now));
                continue;
            }
            if now - end > LOST {
                next += (now - end) / BLOCK * BLOCK;
            }
            match source.read(next as i64, &mut out, Sampling::Live) {
                Ok(answer) => {
                    failing = false;
                    if let AudioRead::Late(count) = answer {
                        self.shared.tracks[index].late(count as u64);
                    }
                    let block = AudioBlock { position: next, samples: out.as_slice().into() };
                    if target.offer_audio(&block, Delivery::Live).is_err() {
                        return;
                    }
                }
                Err(e) if !failing => {
                    failing = true;
                    tracing::warn!("{}: {}: {e}", self.shared.name, source.name());
                }
                Err(_) => {}
            }
            next += BLOCK;
        }
    }
}

fn nanos_of(samples: u64) -> Duration {
    Duration::from_nanos(samples * 1_000_000_000 / u64::from(SAMPLE_RATE))
}
