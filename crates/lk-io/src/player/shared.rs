// SPDX-License-Identifier: GPL-2.0-or-later
//! What the threads of a player share.

use super::options::PlayerStatistics;
use super::packets::{Packets, Place};
use super::timeline::{Mapping, Standing, Timeline};
use crate::av::input::Medium;
use lk_media::clock::Deadline;
use lk_media::{
    AudioPort, AudioRead, AudioSource, CHANNELS, Cancel, Clock, Delivery, Error, Event, EventKind, Events,
    Frame, RAMP, Ramp, SAMPLE_RATE, Sampling, SourceState, Timestamp, VideoPort, VideoTarget, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Looking at a clock that is not the real one.
const POLL: Duration = Duration::from_millis(2);
/// Looking whether everything is there, should a ring be lost to another who waits.
const READY: Duration = Duration::from_millis(20);

/// Counters.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) decoded: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) dropped_late: AtomicU64,
    pub(super) damaged: [AtomicU64; 2],
    pub(super) late_samples: AtomicU64,
    pub(super) stalls: AtomicU64,
    pub(super) laps: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What was to be heard before the line changed, and fades.
#[derive(Clone, Default)]
pub(super) struct Fading {
    pub(super) from: i64,
    pub(super) samples: Arc<[f32]>,
}

/// Everything but the threads.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: Cancel,
    pub(super) timeline: Mutex<Timeline>,
    pub(super) packets: Packets,
    pub(super) port: VideoPort,
    pub(super) sound: AudioPort,
    pub(super) fading: Mutex<Fading>,
    pub(super) targets: Mutex<Vec<Arc<dyn VideoTarget>>>,
    pub(super) events: Events,
    pub(super) counts: Counts,
    /// Rung when something missing has come.
    settled: Wake,
    real: bool,
}

impl Shared {
    pub(super) fn new(
        name: String,
        clock: Arc<dyn Clock>,
        cancel: Cancel,
        timeline: Timeline,
        packets: Packets,
    ) -> Self {
        let real = Arc::ptr_eq(&clock, &<dyn Clock>::live());
        Self {
            sound: AudioPort::named(name.clone()),
            name,
            clock,
            cancel,
            timeline: Mutex::new(timeline),
            packets,
            port: VideoPort::new(),
            fading: Mutex::default(),
            targets: Mutex::default(),
            events: Events::new(),
            counts: Counts::default(),
            settled: Wake::new(),
            real,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn map(&self) -> Mapping {
        self.timeline.lock().map()
    }

    /// The line in force, and the earliest moment that frames published ahead were taken back from since this was
    /// asked last.
    pub(super) fn take_map(&self) -> (Mapping, Option<Timestamp>) {
        let mut timeline = self.timeline.lock();
        (timeline.map(), timeline.take_retracted())
    }

    /// Changes the timeline, and sees to what follows from that: sound and pictures written ahead on the old line
    /// are taken back, everybody concerned is woken, changes of state are told.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Timeline, Timestamp) -> T) -> T {
        let mut timeline = self.timeline.lock();
        let now = self.now();
        let (old, revision) = (word(&timeline), timeline.map().revision);
        let answer = change(&mut timeline, now);
        let (new, map, standing) = (word(&timeline), timeline.map(), timeline.standing());
        let changed = map.revision != revision;
        if changed {
            *self.fading.lock() = self.silence(map.from, timeline.rendered);
            timeline.rendered = timeline.rendered.min(map.from);
            // before anybody can publish on the new line
            self.retract(now);
            timeline.note_retracted(now);
        }
        drop(timeline);
        if changed {
            self.packets.ring();
        }
        if old != new {
            let mut event = Event::now(EventKind::SourceState, self.name.clone(), old, new);
            event.time = now;
            if let Standing::Failed(error) = &standing {
                event = event.because(error);
            }
            self.events.emit(event);
        }
        answer
    }

    /// Has the sound from sample `from` on, of which as much as `end` is written already, fade within 10 ms: what
    /// of it is left. It may be what an earlier change of the line left; and where no more was written, the last
    /// sample stands for what would have come.
    fn silence(&self, from: i64, end: i64) -> Fading {
        let count = end.saturating_sub(from).clamp(RAMP as i64, i64::from(SAMPLE_RATE)) as usize;
        let mut rest = vec![0.0; count * CHANNELS];
        // with the sample before
        let mut heard = [0.0; (RAMP + 1) * CHANNELS];
        let missing = match self.sound.read(from - 1, &mut heard, Sampling::Live) {
            Ok(AudioRead::Filled) => 0,
            Ok(AudioRead::Late(missing)) => missing,
            _ => RAMP + 1,
        };
        if let Some(last) = RAMP.checked_sub(missing) {
            for n in last + 1..=RAMP {
                heard.copy_within(last * CHANNELS..(last + 1) * CHANNELS, n * CHANNELS);
            }
        }
        let fading = &mut heard[CHANNELS..];
        let mut ramp = Ramp::new([1.0]);
        ramp.go_to([0.0], from);
        ramp.scale(from, fading);
        rest[..fading.len()].copy_from_slice(fading);
        self.sound.write(from, &rest);
        Fading { from, samples: (&*fading).into() }
    }

    /// Sends everybody to media time `media`.
    pub(super) fn go_to(&self, media: i64) {
        let serial = self.update(|timeline, now| timeline.seek(now, media));
        self.packets.go_to(Place { serial, to: media.max(0), attempt: 0 });
    }

    /// Has the search for the place of `serial` begin again further back.
    pub(super) fn retry(&self, serial: u64) {
        let again = self.update(|timeline, now| {
            let serial = timeline.retry(serial, now)?;
            let map = timeline.map();
            Some(Place { serial, to: map.target, attempt: map.attempt })
        });
        if let Some(place) = again {
            self.packets.go_to(place);
        }
    }

    /// Says that `medium` has what it needs at the place of `serial`.
    pub(super) fn ready(&self, medium: Medium, serial: u64) {
        self.update(|timeline, now| timeline.ready(medium, serial, now));
        self.settled.ring();
    }

    /// Waits until nothing is missing any more, or nothing comes.
    pub(super) fn wait_ready(&self, deadline: Deadline) {
        while !self.timeline.lock().is_settled() && !deadline.has_passed() {
            self.settled.wait(deadline.left(READY));
        }
    }

    /// It cannot go on.
    pub(super) fn fail(&self, error: Error) {
        tracing::error!("{error}");
        self.update(|timeline, now| timeline.fail(now, error));
        self.settled.ring();
    }

    /// Gives `frame` to everybody.
    pub(super) fn publish(&self, frame: &Frame) {
        count(&self.counts.published);
        self.port.publish(frame.clone());
        let targets = self.targets.lock().clone();
        for target in targets {
            if let Err(error) = target.offer(frame, Delivery::Live) {
                self.give_up(&target, &error);
            }
        }
    }

    /// Forgets a target that has failed.
    fn give_up(&self, target: &Arc<dyn VideoTarget>, error: &Error) {
        tracing::error!("{}: {error}", target.name());
        self.targets.lock().retain(|t| !is_same(t, target));
        let event = Event::now(EventKind::TargetState, target.name(), "live", "failed").because(error);
        self.events.emit(event);
    }

    /// Takes back what was published ahead of `from`.
    pub(super) fn retract(&self, from: Timestamp) {
        self.port.retract(from);
        let targets = self.targets.lock().clone();
        targets.iter().for_each(|t| t.retract(from));
    }

    /// Waits for a ring, at most `limit`; with another clock than the real one, not for long.
    pub(super) fn wait(&self, wake: &Wake, limit: Duration) {
        wake.wait(if self.real { limit } else { limit.min(POLL) });
    }

    /// Where it stands.
    pub(super) fn state(&self) -> SourceState {
        match self.timeline.lock().standing() {
            Standing::Starting => SourceState::Starting,
            Standing::Live => SourceState::Live,
            Standing::Stalled => SourceState::Stalled,
            Standing::Ended => SourceState::Ended,
            Standing::Failed(error) => SourceState::Failed(error),
        }
    }

    pub(super) fn statistics(&self) -> PlayerStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (queued_bytes, queued_packets) = self.packets.fill();
        PlayerStatistics {
            decoded: get(&self.counts.decoded),
            published: get(&self.counts.published),
            late: get(&self.counts.late),
            dropped_late: get(&self.counts.dropped_late),
            damaged: self.counts.damaged.iter().map(get).sum(),
            late_samples: get(&self.counts.late_samples),
            stalls: get(&self.counts.stalls),
            laps: get(&self.counts.laps),
            queued_bytes,
            queued_packets,
        }
    }
}

pub(super) fn is_same(a: &Arc<dyn VideoTarget>, b: &Arc<dyn VideoTarget>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

fn word(timeline: &Timeline) -> &'static str {
    match timeline.standing() {
        Standing::Starting => "starting",
        Standing::Live => "live",
        Standing::Stalled => "stalled",
        Standing::Ended => "ended",
        Standing::Failed(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Facts;
    use super::*;
    use lk_media::ManualClock;

    /// A player's shared part that has written a level of 0.5 up to sample `end` and plays at sample 48,000.
    fn playing(end: i64) -> (Shared, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        clock.set(Timestamp::from_secs_f64(1.0));
        let facts = Facts { video: false, sound: true, live: false, rate: None, first: 0, period: None };
        let mut timeline = Timeline::new(facts, false, 1.0, Timestamp::ZERO);
        timeline.start(Timestamp::ZERO, None);
        timeline.ready(Medium::Audio, 1, Timestamp::ZERO);
        timeline.rendered = end;
        let packets = Packets::new(false, true);
        let shared = Shared::new("a tone".into(), clock.clone(), Cancel::new(), timeline, packets);
        shared.sound.write(40_000, &vec![0.5; (end - 40_000) as usize * CHANNELS]);
        (shared, clock)
    }

    /// Whether there is no jump in it, of several fades over one another, and silence after them.
    fn is_smooth_and_over(shared: &Shared) -> bool {
        let mut samples = vec![0.0; 2_000 * CHANNELS];
        shared.sound.read(47_500, &mut samples, Sampling::Live).unwrap();
        let smooth = samples.windows(1 + CHANNELS).all(|s| (s[0] - s[CHANNELS]).abs() < 0.004);
        smooth && samples[0] == 0.5 && samples[1_000 * CHANNELS..].iter().all(|s| *s == 0.0)
    }

    #[test]
    fn what_is_heard_fades_however_little_is_written() {
        for ahead in [0, 1, 100, 479, 480, 5_000] {
            let (shared, _clock) = playing(48_000 + ahead);
            shared.go_to(0);
            assert!(is_smooth_and_over(&shared), "{ahead}");
            let fading = shared.fading.lock().clone();
            assert!(fading.from == 48_000 && fading.samples.len() == RAMP * CHANNELS, "{ahead}");
            assert!(fading.samples[0] > 0.49, "{ahead}");
        }
    }

    #[test]
    fn a_fade_goes_on_when_the_line_changes_again() {
        for later in [0, 1, 200, 470] {
            let (shared, clock) = playing(60_000);
            shared.go_to(0);
            clock.set(Timestamp::from_nanos((48_000 + later) * 1_000_000_000 / 48_000));
            let mut left = vec![0.0; CHANNELS];
            shared.sound.read(48_000 + later, &mut left, Sampling::Live).unwrap();
            assert!(left[0] > 0.0);
            shared.ready(Medium::Audio, 2);
            let fading = shared.fading.lock().clone();
            assert_eq!(fading.from, 48_000 + later);
            assert!((fading.samples[0] - left[0]).abs() < 0.004, "what is left of it: {later}");
            // and when the place is looked for once more, without a change to what was heard before
            shared.retry(2);
            assert!(is_smooth_and_over(&shared), "{later}");
        }
    }

    #[test]
    fn what_was_never_heard_leaves_nothing() {
        let (shared, clock) = playing(48_000);
        clock.set(Timestamp::from_secs_f64(2.0));
        shared.go_to(0);
        assert!(shared.fading.lock().samples.iter().all(|s| *s == 0.0));
    }
}
