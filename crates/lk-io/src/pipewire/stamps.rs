// SPDX-License-Identifier: GPL-2.0-or-later
//! The times that producers give their pictures, on the live clock.

use lk_media::Timestamp;

/// Times this near to the moment a picture came are of the live clock itself.
const NEAR: i64 = 1_000_000_000;
/// A line is given up when a picture lies this far from it.
const FAR: i64 = 500_000_000;
/// A line may fall behind by this part of the time that passes: clocks differ by less.
const DRIFT: i64 = 1000;

/// Finds the line from a producer's times to ours. A picture cannot come before it was taken, so the line goes through
/// those that were underway for the shortest time.
#[derive(Default)]
pub(super) struct Stamps {
    /// What is added, and the time of the picture before.
    line: Option<(i64, i64)>,
}

impl Stamps {
    /// When the picture was taken that came at `now` with the producer's time `pts`, if it has one.
    pub fn place(&mut self, pts: Option<i64>, now: Timestamp) -> Timestamp {
        let Some(pts) = pts.filter(|pts| *pts >= 0) else {
            self.line = None;
            return now;
        };
        let lag = now.nanos_since(Timestamp::from_nanos(pts));
        if (0..NEAR).contains(&lag) {
            self.line = None;
            return Timestamp::from_nanos(pts);
        }
        let offset = match self.line {
            Some((offset, before)) if pts > before && lag.saturating_sub(offset).abs() < FAR => {
                let later = offset.saturating_add(pts.saturating_sub(before) / DRIFT);
                later.min(lag)
            }
            _ => lag,
        };
        self.line = Some((offset, pts));
        Timestamp::from_nanos(pts.saturating_add(offset))
    }

    /// What comes next has nothing to do with what came.
    pub fn forget(&mut self) {
        self.line = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn times_of_the_live_clock_are_kept() {
        let mut stamps = Stamps::default();
        let now = Timestamp::from_nanos(100_000 * MS);
        assert_eq!(stamps.place(Some(99_960 * MS), now).as_nanos(), 99_960 * MS);
        assert_eq!(stamps.place(None, now), now);
        assert_eq!(stamps.place(Some(-1), now), now);
    }

    #[test]
    fn times_of_another_clock_lie_on_a_line_without_the_jitter() {
        let mut stamps = Stamps::default();
        let jitter = [9, 3, 0, 12, 5, 30];
        let placed: Vec<i64> = (0..60)
            .map(|n| {
                let now = Timestamp::from_nanos(50_000 * MS + n * 33 * MS + jitter[n as usize % 6] * MS);
                stamps.place(Some(n * 33 * MS), now).as_nanos()
            })
            .collect();
        for pair in placed[3..].windows(2) {
            assert!((pair[1] - pair[0] - 33 * MS).abs() < MS, "{}", (pair[1] - pair[0]) / 1000);
        }
        // it began anew
        let now = Timestamp::from_nanos(90_000 * MS);
        assert_eq!(stamps.place(Some(5), now).as_nanos(), now.as_nanos());
        assert_eq!(stamps.place(Some(i64::MAX), now).as_nanos(), now.as_nanos());
    }
}
