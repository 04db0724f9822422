// SPDX-License-Identifier: GPL-2.0-or-later
//! Which clock a file plays on: the live one, from the first pull on, or that of the run that has claimed it.
//!
//! The user's place (where `set_position` and `stop` put it) and the place of a run are two things: a run
//! begins at the user's place and does not move it, so that two renders of a scene give the same.

use lk_media::{
    Clock, ClockId, ClockLease, DUE_TOLERANCE, LeaseGuard, Result, Sampling, Timestamp, Transport,
};
use std::sync::Arc;

/// A transport with the two numbers that lead back from media time to session time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Track {
    transport: Transport,
    anchor: Timestamp,
    position: Timestamp,
    period: Option<Timestamp>,
}

impl Track {
    fn new(looping: bool, rate: f64, period: Option<Timestamp>) -> Self {
        let transport = Transport::new().with_loop(looping, period).with_rate(rate);
        let period = period.filter(|_| transport.is_looping());
        Self { transport, anchor: Timestamp::ZERO, position: Timestamp::ZERO, period }
    }

    fn restarted_at(mut self, t: Timestamp) -> Self {
        self.transport = self.transport.restarted_at(t);
        self.anchor = t;
        self
    }

    fn seek(&mut self, t: Timestamp, position: Timestamp) {
        self.transport.seek(t, position);
        self.anchor = t;
        self.position = Timestamp::from_nanos(position.as_nanos().max(0));
    }

    fn start(&mut self, t: Timestamp) {
        if !self.transport.is_playing() {
            self.anchor = t;
        }
        self.transport.start(t);
    }

    fn stop(&mut self, t: Timestamp) {
        self.position = self.transport.position_at(t);
        self.anchor = t;
        self.transport.stop(t);
    }

    /// The media time at session time `t`.
    pub(super) fn media_at(&self, t: Timestamp) -> Timestamp {
        self.transport.position_at(t)
    }

    /// The media time whose picture belongs to session time `t`, and how often the media was played through
    /// before. The first picture of a lap is due within the same tolerance as any other.
    pub(super) fn picture_at(&self, t: Timestamp) -> (Timestamp, u64) {
        if !self.transport.is_playing() {
            return (self.media_at(t), 0);
        }
        let (lap, soon) = (self.transport.lap_at(t), self.transport.lap_at(t + DUE_TOLERANCE));
        if soon > lap { (Timestamp::ZERO, soon) } else { (self.media_at(t), lap) }
    }

    /// The session time at which media time `media` of lap `lap` is reached.
    pub(super) fn session_of(&self, media: Timestamp, lap: u64) -> Timestamp {
        if !self.transport.is_playing() {
            return self.anchor;
        }
        let laps = self.period.map_or(0, |p| i128::from(p.as_nanos()) * i128::from(lap));
        let ahead = i128::from(media.as_nanos()) - i128::from(self.position.as_nanos()) + laps;
        let rate = self.transport.rate();
        let elapsed = if rate == 1.0 { ahead as i64 } else { (ahead as f64 / rate).round() as i64 };
        self.anchor.offset(elapsed)
    }

    /// Whether it starts again at the end.
    pub(super) fn is_looping(&self) -> bool {
        self.period.is_some()
    }

    /// Whether time moves.
    pub(super) fn is_playing(&self) -> bool {
        self.transport.is_playing()
    }

    /// Media seconds a second.
    pub(super) fn rate(&self) -> f64 {
        self.transport.rate()
    }

    /// The length of a lap.
    pub(super) fn period(&self) -> Option<Timestamp> {
        self.period
    }

    /// The session time from which, and the place at which, it plays.
    pub(super) fn origin(&self) -> (Timestamp, Timestamp) {
        (self.anchor, self.position)
    }
}

/// The two places of a file and who may move them.
pub(super) struct Play {
    user: Track,
    anchored: bool,
    run: Option<Track>,
    lease: ClockLease,
    clock: Arc<dyn Clock>,
    last: Timestamp,
    ended: bool,
}

impl Play {
    pub(super) fn new(looping: bool, rate: f64, period: Option<Timestamp>, clock: Arc<dyn Clock>) -> Self {
        let user = Track::new(looping, rate, period);
        let lease = ClockLease::default();
        Self { user, anchored: false, run: None, lease, clock, last: Timestamp::ZERO, ended: false }
    }

    /// Puts it on the clock of a run, from the user's place at session time `start`.
    pub(super) fn claim(&mut self, clock: ClockId, start: Timestamp, name: &str) -> Result<LeaseGuard> {
        let (guard, first) = self.lease.take(clock, name)?;
        if first {
            self.run = Some(self.user.restarted_at(start));
            self.last = start;
            self.ended = false;
        }
        Ok(guard)
    }

    /// The track to follow for a reading, and the session time on it. Unclaimed live readings start the user's
    /// clock; unclaimed exact readings take `at` as the time since the user's place.
    pub(super) fn at(&mut self, at: Timestamp, sampling: Sampling) -> (Track, Timestamp) {
        if let Some(run) = self.running() {
            self.last = at;
            return (run, at);
        }
        match sampling {
            Sampling::Exact => (self.user.restarted_at(Timestamp::ZERO), at),
            Sampling::Live => {
                let now = self.clock.now();
                self.anchor(now);
                (self.user, now)
            }
        }
    }

    /// Notes whether the last reading was past the end.
    pub(super) fn note_ended(&mut self, ended: bool) {
        self.ended = ended;
    }

    /// Goes to media time `position`.
    pub(super) fn set_position(&mut self, position: Timestamp) {
        let now = self.clock.now();
        self.user.seek(now, position);
        let last = self.last;
        self.running();
        if let Some(run) = &mut self.run {
            run.seek(last, position);
        }
        self.ended = false;
    }

    /// Plays on from where it stands, or from the beginning if it is at the end.
    pub(super) fn start(&mut self) {
        if self.ended {
            self.set_position(Timestamp::ZERO);
        }
        let now = self.clock.now();
        self.anchor(now);
        self.user.start(now);
        let last = self.last;
        self.running();
        if let Some(run) = &mut self.run {
            run.start(last);
        }
    }

    /// Stands still.
    pub(super) fn stop(&mut self) {
        let now = self.clock.now();
        self.anchor(now);
        let last = self.last;
        if let Some(run) = self.running() {
            // the user sees the run's picture: it is that place which is kept
            self.user.seek(now, run.media_at(last));
        }
        self.user.stop(now);
        if let Some(run) = &mut self.run {
            run.stop(last);
        }
    }

    /// The media time it stands at.
    pub(super) fn position(&mut self) -> Timestamp {
        match (self.running(), self.anchored) {
            (Some(run), _) => run.media_at(self.last),
            (None, true) => self.user.media_at(self.clock.now()),
            (None, false) => self.user.origin().1,
        }
    }

    pub(super) fn is_playing(&self) -> bool {
        !self.ended && self.run.filter(|_| self.lease.is_taken()).unwrap_or(self.user).is_playing()
    }

    pub(super) fn is_eof_reached(&self) -> bool {
        self.ended
    }

    /// The time it takes to play to `end` from the user's place; None when it never ends.
    pub(super) fn remaining(&self, end: Timestamp) -> Option<std::time::Duration> {
        if self.user.is_looping() || !self.user.is_playing() {
            return None;
        }
        let media = end.nanos_since(self.user.origin().1).max(0);
        Some(std::time::Duration::from_nanos((media as f64 / self.user.rate()).round() as u64))
    }

    fn anchor(&mut self, now: Timestamp) {
        if !self.anchored {
            self.anchored = true;
            self.user = self.user.restarted_at(now);
        }
    }

    /// The run's track, forgotten once nobody holds the lease.
    fn running(&mut self) -> Option<Track> {
        if !self.lease.is_taken() {
            self.run = None;
        }
        self.run
    }
}

/// What the user does with a file that is pulled, the same for pictures and sound.
macro_rules! transport_methods {
    ($reader:ty) => {
        impl $reader {
            /// Plays on from where it stands, or from the beginning if it had reached the end.
            pub fn start(&self) {
                self.state.lock().play.start();
            }

            /// Stands still where it is.
            pub fn stop(&self) {
                self.state.lock().play.stop();
            }

            /// Goes to media time `position`, playing or not.
            pub fn set_position(&self, position: Timestamp) {
                self.state.lock().play.set_position(position);
            }

            /// The media time it stands at.
            pub fn position(&self) -> Timestamp {
                self.state.lock().play.position()
            }

            /// Whether it plays: not stopped and not at the end.
            pub fn is_playing(&self) -> bool {
                self.state.lock().play.is_playing()
            }

            /// Whether the last reading was past the end.
            pub fn is_eof_reached(&self) -> bool {
                self.state.lock().play.is_eof_reached()
            }
        }
    };
}
pub(super) use transport_methods;

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::ManualClock;

    fn s(x: f64) -> Timestamp {
        Timestamp::from_secs_f64(x)
    }

    #[test]
    fn a_run_starts_at_the_users_place_and_leaves_it_alone() {
        let clock = Arc::new(ManualClock::new());
        clock.set(s(100.0));
        let mut play = Play::new(false, 1.0, Some(s(10.0)), clock.clone());
        play.set_position(s(2.0));
        for _ in 0..2 {
            let guard = play.claim(ClockId::unique(), s(0.0), "x").unwrap();
            assert!(play.claim(ClockId::unique(), s(0.0), "x").is_err());
            let (track, at) = play.at(s(3.0), Sampling::Exact);
            assert_eq!(track.media_at(at), s(5.0));
            assert_eq!(track.session_of(s(5.0), 0), s(3.0));
            assert_eq!(play.position(), s(5.0));
            drop(guard);
        }
        assert_eq!(play.position(), s(2.0));
        let (track, at) = play.at(s(0.0), Sampling::Live);
        assert_eq!(track.media_at(at), s(2.0));
        clock.set(s(101.0));
        assert_eq!(play.position(), s(3.0));
        play.stop();
        clock.set(s(150.0));
        assert_eq!(play.position(), s(3.0));
        play.start();
        clock.set(s(151.0));
        assert_eq!(play.position(), s(4.0));
    }

    #[test]
    fn session_times_lead_back() {
        let mut track = Track::new(true, 2.0, Some(s(4.0)));
        track.seek(s(1.0), s(3.0));
        for at in [1.0, 1.25, 1.5, 3.75, 9.0] {
            let (media, lap) = track.picture_at(s(at));
            assert_eq!(track.session_of(media, lap), s(at), "{at}");
        }
    }
}
