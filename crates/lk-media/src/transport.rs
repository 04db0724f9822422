// SPDX-License-Identifier: GPL-2.0-or-later
//! Maps session time to media time: where in a file playback stands at a given moment.

use crate::Timestamp;

/// The state of playback of one file: position, rate, loop, playing or not. A plain value; whoever owns it
/// decides which clock its session times come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    anchor: Timestamp,
    position: Timestamp,
    rate: f64,
    looping: bool,
    playing: bool,
    duration: Option<Timestamp>,
}

impl Transport {
    /// Stands at media time 0, playing from session time 0 at rate 1.
    pub fn new() -> Self {
        Self {
            anchor: Timestamp::ZERO,
            position: Timestamp::ZERO,
            rate: 1.0,
            looping: false,
            playing: true,
            duration: None,
        }
    }

    /// Loops after `duration` when `looping`; a length of zero never loops.
    #[must_use]
    pub fn with_loop(mut self, looping: bool, duration: Option<Timestamp>) -> Self {
        self.looping = looping;
        self.duration = duration.filter(|d| *d > Timestamp::ZERO);
        self
    }

    /// Plays `rate` media seconds a second; the rate is positive.
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        self.rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
        self
    }

    /// The media time at session time `t`, wrapped when looping, never negative.
    pub fn position_at(&self, t: Timestamp) -> Timestamp {
        let linear = self.linear_at(t);
        match self.duration {
            Some(d) if self.looping => Timestamp::from_nanos(linear.as_nanos().rem_euclid(d.as_nanos())),
            _ => linear,
        }
    }

    /// How many times the media has been played through before `t` (0 unless looping).
    pub fn lap_at(&self, t: Timestamp) -> u64 {
        match self.duration {
            Some(d) if self.looping => (self.linear_at(t).as_nanos() / d.as_nanos()).unsigned_abs(),
            _ => 0,
        }
    }

    fn linear_at(&self, t: Timestamp) -> Timestamp {
        if !self.playing {
            return self.position;
        }
        let elapsed = t.nanos_since(self.anchor);
        let moved = if self.rate == 1.0 { elapsed } else { (elapsed as f64 * self.rate).round() as i64 };
        Timestamp::from_nanos(self.position.offset(moved).as_nanos().max(0))
    }

    /// Goes to media time `position` at session time `t`.
    pub fn seek(&mut self, t: Timestamp, position: Timestamp) {
        self.anchor = t;
        self.position = Timestamp::from_nanos(position.as_nanos().max(0));
    }

    /// Starts playing at session time `t` from where it stands.
    pub fn start(&mut self, t: Timestamp) {
        if !self.playing {
            self.anchor = t;
            self.playing = true;
        }
    }

    /// Stands still at session time `t`.
    pub fn stop(&mut self, t: Timestamp) {
        self.position = self.position_at(t);
        self.anchor = t;
        self.playing = false;
    }

    /// The same state, restarted so that session time `t` shows what it would show first.
    #[must_use]
    pub fn restarted_at(mut self, t: Timestamp) -> Self {
        self.anchor = t;
        self
    }

    /// Whether time moves.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Whether it starts again at the end.
    pub fn is_looping(&self) -> bool {
        self.looping && self.duration.is_some()
    }

    /// Media seconds per second.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn s(x: f64) -> Timestamp {
        Timestamp::from_secs_f64(x)
    }

    #[test]
    fn plays_seeks_stops_and_loops() {
        let mut t = Transport::new();
        assert_eq!(t.position_at(s(2.0)), s(2.0));
        t.seek(s(2.0), s(10.0));
        assert_eq!(t.position_at(s(3.0)), s(11.0));
        t.stop(s(3.0));
        assert_eq!(t.position_at(s(99.0)), s(11.0));
        t.start(s(100.0));
        assert_eq!(t.position_at(s(101.0)), s(12.0));

        let l = Transport::new().with_loop(true, Some(s(4.0))).with_rate(2.0);
        assert_eq!(l.position_at(s(2.5)), s(1.0));
        assert_eq!(l.lap_at(s(2.5)), 1);
        assert_eq!(Transport::new().position_at(s(-1.0)), s(0.0));
    }
}
