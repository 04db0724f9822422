// SPDX-License-Identifier: GPL-2.0-or-later
//! When a picture goes out: one in each period of the camera's rate, a new one as soon as it comes, else the last one
//! again at the period's end.

use lk_media::{FrameRate, Timestamp};
use std::time::Duration;

/// Repeats after which the next new picture says anew where periods begin.
const QUIET: u64 = 15;

/// The periods of a camera. A new picture goes out at once if its period has none yet, and at the beginning of the next
/// one otherwise; so no picture waits longer than a period, and as many go out as there are periods.
pub(super) struct Pace {
    rate: FrameRate,
    /// When period 0 begins.
    base: Timestamp,
    /// The first period without a picture.
    next: u64,
    /// Repeats since the last new picture.
    repeats: u64,
}

impl Pace {
    /// Period 0 begins `now`.
    pub fn new(rate: FrameRate, now: Timestamp) -> Self {
        Self { rate, base: now, next: 0, repeats: QUIET }
    }

    fn begin(&self, period: u64) -> Timestamp {
        self.base.offset(self.rate.time_of(period).as_nanos())
    }

    /// When a new picture may go out.
    pub fn opens(&self) -> Timestamp {
        // after a while without any there is no rhythm to keep
        if self.repeats >= QUIET { Timestamp::ZERO } else { self.begin(self.next) }
    }

    /// When the last picture goes out again if no new one has come.
    pub fn closes(&self) -> Timestamp {
        self.begin(self.next + 1)
    }

    /// A new picture goes out. Gives the number of periods that had none since the last one.
    pub fn show(&mut self, now: Timestamp) -> u64 {
        if self.repeats >= QUIET {
            // in the middle of its period, pictures of the same rate may come half a period early or late
            let half = Duration::from_nanos(self.rate.period().as_nanos() as u64 / 2);
            (self.base, self.next) = (now - half, 0);
        }
        self.repeats = 0;
        self.went(now)
    }

    /// The last picture goes out again. Gives the number of periods that had none since the last one.
    pub fn repeat(&mut self, now: Timestamp) -> u64 {
        self.repeats = self.repeats.saturating_add(1);
        self.went(now)
    }

    fn went(&mut self, now: Timestamp) -> u64 {
        let current = self.rate.index_at(Timestamp::from_nanos(now.nanos_since(self.base)));
        let missed = current.saturating_sub(self.next + 1);
        self.next += 1 + missed;
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a camera does with pictures that come at these times, until `end`: when each goes out, and which (None: the
    /// last one again). All in milliseconds.
    fn played(rate: u32, came: impl IntoIterator<Item = f64>, end: f64) -> Vec<(f64, Option<usize>)> {
        let at = |ms: f64| Timestamp::from_nanos((ms * 1e6) as i64 + 1_000_000_000_000);
        let mut pace = Pace::new(FrameRate::new(rate, 1).unwrap(), at(0.0));
        let came: Vec<Timestamp> = came.into_iter().map(at).collect();
        let (mut waiting, mut index, mut out) = (None, 0, Vec::new());
        let (mut now, end) = (at(0.0), at(end));
        loop {
            while index < came.len() && came[index] <= now {
                waiting = Some(index);
                index += 1;
            }
            if waiting.is_some() && pace.opens() <= now {
                pace.show(now);
                out.push((now.nanos_since(at(0.0)) as f64 / 1e6, waiting.take()));
            } else if pace.closes() <= now {
                pace.repeat(now);
                out.push((now.nanos_since(at(0.0)) as f64 / 1e6, None));
            }
            let mut then = if waiting.is_some() { pace.opens() } else { pace.closes() };
            if let Some(next) = came.get(index) {
                then = then.min(*next);
            }
            if then > end {
                return out;
            }
            now = then.max(now);
        }
    }

    #[test]
    fn pictures_of_the_same_rate_go_out_at_once_also_when_they_jitter() {
        let jitter = [0.0, 9.0, -8.0, 3.0, -12.0, 14.0, -2.0];
        let came: Vec<f64> = (0..700).map(|n| 40.0 + n as f64 * 1e3 / 30.0 + jitter[n % 7]).collect();
        let out = played(30, came.iter().copied(), 40.0 + 699.0 * 1e3 / 30.0 + 5.0);
        let new: Vec<usize> = out.iter().filter_map(|(_, index)| *index).collect();
        assert_eq!(new, (0..700).collect::<Vec<_>>(), "none is left out");
        let first = out.iter().position(|(_, index)| index.is_some()).unwrap();
        assert!(out[first..].iter().all(|(_, index)| index.is_some()), "none is shown twice");
        let late = |(at, index): &(f64, Option<usize>)| at - came[index.unwrap()];
        assert!(out[first..].iter().all(|o| late(o).abs() < 1e-3));
    }

    #[test]
    fn the_rate_is_kept_whatever_comes() {
        for between in [7.0, 16.7, 20.0, 33.4, 41.7, 50.0, 100.0, 1e9] {
            let out =
                played(30, (0..).map(|n| 5.0 + n as f64 * between).take_while(|t| *t < 10_000.0), 10_000.0);
            assert!((299..=301).contains(&out.len()), "{} pictures for one every {between} ms", out.len());
            let gaps = out.windows(2).map(|w| w[1].0 - w[0].0);
            assert!(gaps.fold(0.0, f64::max) < 67.0, "{between}");
            let new = out.iter().filter(|(_, index)| index.is_some()).count() as f64;
            let possible = (10_000.0 / between.max(1e3 / 30.0)).clamp(1.0, 301.0);
            assert!((new - possible).abs() <= 2.0, "{new} of {possible} at {between}");
        }
    }

    #[test]
    fn no_picture_waits_longer_than_a_period() {
        let came: Vec<f64> = (0..3000).map(|n| n as f64 * 3.3 + (n * 7919 % 13) as f64).collect();
        let mut sorted = came.clone();
        sorted.sort_by(f64::total_cmp);
        for (at, index) in played(30, sorted.iter().copied(), 9_000.0) {
            let late = index.map_or(0.0, |index| at - sorted[index]);
            assert!(late < 33.34, "{late}");
        }
    }

    #[test]
    fn periods_that_nobody_served_are_counted_and_left_out() {
        let at = |ms: i64| Timestamp::from_nanos(ms * 1_000_000);
        let mut pace = Pace::new(FrameRate::new(50, 1).unwrap(), at(1000));
        assert_eq!(pace.show(at(1000)), 0);
        // stopped for two seconds: periods last from 990 + 20 n
        assert_eq!(pace.repeat(at(3001)), 98);
        assert_eq!(pace.closes(), at(3010));
    }
}
