// SPDX-License-Identifier: GPL-2.0-or-later
//! Which picture of an animation is shown when.

use lk_media::{DUE_TOLERANCE, Timestamp, Transport};
use std::num::NonZeroU32;
use std::time::Duration;

/// Pictures that say "as fast as you can", up to this delay, ...
const TOO_FAST: Duration = Duration::from_millis(10);
/// ... are shown this long, as browsers do.
const SLOWED: Duration = Duration::from_millis(100);

/// When each picture begins and how often the whole is played.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Nanoseconds after the begin of a play, ascending; the first is 0.
    begins: Vec<i64>,
    total: i64,
    plays: Option<NonZeroU32>,
    transport: Transport,
}

/// What is shown at a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub index: usize,
    /// The session time it began at.
    pub since: Timestamp,
    /// The last play is over; the last picture stays.
    pub over: bool,
}

impl Timeline {
    /// Of pictures that are shown for `delays` each; `plays` None is for ever.
    pub fn new(delays: &[Duration], plays: Option<NonZeroU32>) -> Self {
        let mut total = 0i64;
        let mut begins = Vec::with_capacity(delays.len());
        for delay in delays {
            let delay = if *delay <= TOO_FAST { SLOWED } else { *delay };
            begins.push(total);
            total = total.saturating_add(i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX));
        }
        let transport = Transport::new().with_loop(true, Some(Timestamp::from_nanos(total)));
        Self { begins, total, plays, transport }
    }

    /// What is shown at session time `at`; before 0 it is the first picture.
    pub fn at(&self, at: Timestamp) -> Shown {
        let at = at + DUE_TOLERANCE;
        let lap = self.transport.lap_at(at);
        if let Some(plays) = self.plays.filter(|plays| lap >= u64::from(plays.get())) {
            let index = self.begins.len() - 1;
            return Shown { index, since: self.begin_of(u64::from(plays.get()) - 1, index), over: true };
        }
        let position = self.transport.position_at(at).as_nanos();
        let index = self.begins.partition_point(|begin| *begin <= position).saturating_sub(1);
        Shown { index, since: self.begin_of(lap, index), over: false }
    }

    fn begin_of(&self, lap: u64, index: usize) -> Timestamp {
        let lap = i64::try_from(lap).unwrap_or(i64::MAX);
        Timestamp::from_nanos(self.total.saturating_mul(lap).saturating_add(self.begins[index]))
    }

    /// The time until the last play is over, if it ever is.
    pub fn duration(&self) -> Option<Duration> {
        let total = Duration::from_nanos(self.total.unsigned_abs());
        self.plays.map(|plays| total.saturating_mul(plays.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(x: i64) -> Timestamp {
        Timestamp::from_nanos(x * 1_000_000)
    }

    #[test]
    fn pictures_follow_their_delays_and_the_plays_are_counted() {
        let delays = [50, 0, 30].map(Duration::from_millis); // 0 counts as 100
        let twice = Timeline::new(&delays, NonZeroU32::new(2));
        assert_eq!(twice.duration(), Some(Duration::from_millis(360)));
        for (at, index, since, over) in [
            (-5, 0, 0, false),
            (0, 0, 0, false),
            (48, 0, 0, false),
            (49, 1, 50, false), // due within a millisecond
            (148, 1, 50, false),
            (150, 2, 150, false),
            (180, 0, 180, false),
            (230, 1, 230, false),
            (358, 2, 330, false),
            (360, 2, 330, true),
            (99_999, 2, 330, true),
        ] {
            assert_eq!(twice.at(ms(at)), Shown { index, since: ms(since), over }, "at {at} ms");
        }
        let ever = Timeline::new(&delays, None);
        assert_eq!(ever.duration(), None);
        assert_eq!(ever.at(ms(180_000_000 + 60)), Shown { index: 1, since: ms(180_000_050), over: false });
    }
}
