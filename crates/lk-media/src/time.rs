// SPDX-License-Identifier: GPL-2.0-or-later
//! Points in time and frame rates. The frame index is the truth; times are computed from it and never summed.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

const NANOS: i128 = 1_000_000_000;

/// A frame is due at `t` if its timestamp is at most `t` plus this: containers that count milliseconds
/// round 1/30 s up, and would lose every third frame otherwise.
pub const DUE_TOLERANCE: Duration = Duration::from_millis(1);

/// Nanoseconds on some clock. Live clocks count from the system's monotonic zero, offline clocks from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The clock's own zero.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From seconds; not-a-number becomes 0, the rest saturates.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as i64)
    }

    /// In nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// In microseconds, rounded to nearest.
    pub const fn as_micros(self) -> i64 {
        (self.0.saturating_add(500)).div_euclid(1000)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether a frame with this timestamp is due at `at`.
    pub fn is_due(self, at: Timestamp) -> bool {
        self.0 <= at.0.saturating_add(DUE_TOLERANCE.as_nanos() as i64)
    }

    /// The time from `earlier` to this, in nanoseconds; negative if this is the earlier one.
    pub const fn nanos_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time moved by `nanos`.
    #[must_use]
    pub const fn offset(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.as_secs_f64())
    }
}

/// Frames per second as an exact fraction, such as 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// Frames per second the engine accepts, at most.
    pub const MAX: u32 = 1000;

    /// `num / den` frames a second, reduced. Between 1/1000 and 1000.
    pub fn new(num: u32, den: u32) -> Result<Self> {
        let too_fast = u64::from(num) > u64::from(Self::MAX) * u64::from(den);
        let too_slow = u64::from(num) * u64::from(Self::MAX) < u64::from(den);
        if num == 0 || den == 0 || too_fast || too_slow {
            return Err(Error::parameter(format!("frame rate {num}/{den} is not between 1/1000 and 1000"))
                .with_hint("for example 25, 30, 60 or 30000/1001"));
        }
        let g = gcd(num, den);
        Ok(Self { num: num / g, den: den / g })
    }

    /// From frames per second. The broadcast rates (23.976, 29.97, 59.94, 119.88) are recognised as n/1001
    /// when within 0.001 of them; other values become the nearest fraction with a denominator up to 1001.
    pub fn from_f64(fps: f64) -> Result<Self> {
        if !fps.is_finite() || fps <= 0.0 || fps > f64::from(Self::MAX) {
            return Err(Error::parameter(format!("frame rate {fps} is not between 1/1000 and 1000"))
                .with_hint("for example 25, 30, 60, 29.97 or \"30000/1001\""));
        }
        if (fps - fps.round()).abs() < 1e-9 {
            return Self::new(fps.round() as u32, 1);
        }
        for base in [24_000u32, 30_000, 48_000, 60_000, 120_000] {
            if (fps - f64::from(base) / 1001.0).abs() < 1e-3 {
                return Self::new(base, 1001);
            }
        }
        let (mut best, mut error) = ((fps.round().max(1.0) as u32, 1u32), f64::MAX);
        for den in 1..=1001u32 {
            let num = (fps * f64::from(den)).round();
            let e = (num / f64::from(den) - fps).abs();
            if num >= 1.0 && e + 1e-12 < error {
                (best, error) = ((num as u32, den), e);
            }
        }
        Self::new(best.0, best.1)
    }

    /// The numerator of the reduced fraction.
    pub const fn num(self) -> u32 {
        self.num
    }

    /// The denominator of the reduced fraction.
    pub const fn den(self) -> u32 {
        self.den
    }

    /// Frames per second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The time of frame `index` after the epoch: round(index * den * 1e9 / num).
    pub fn time_of(self, index: u64) -> Timestamp {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        Timestamp::from_nanos(((i128::from(index) * den * NANOS * 2 + num) / (2 * num)) as i64)
    }

    /// The first sound sample of frame `index` at `sample_rate`: floor(index * den * sample_rate / num).
    pub fn sample_of(self, index: u64, sample_rate: u32) -> u64 {
        (u128::from(index) * u128::from(self.den) * u128::from(sample_rate) / u128::from(self.num)) as u64
    }

    /// The newest frame index whose time is at most `t` (0 for times before the epoch).
    pub fn index_at(self, t: Timestamp) -> u64 {
        let nanos = i128::from(t.as_nanos().max(0));
        let guess = (nanos * i128::from(self.num) / (i128::from(self.den) * NANOS)) as u64;
        // time_of rounds, so the neighbour above may already be at or before t
        if self.time_of(guess + 1) <= t { guess + 1 } else { guess }
    }

    /// The number of frames whose time lies in [0, `seconds`): `seconds * rate`, rounded to nearest.
    pub fn frames_in(self, seconds: f64) -> u64 {
        (seconds.max(0.0) * self.as_f64()).round() as u64
    }

    /// The time between two frames, rounded to the nanosecond.
    pub fn period(self) -> Duration {
        Duration::from_nanos(self.time_of(1).as_nanos().unsigned_abs())
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl std::str::FromStr for FrameRate {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let bad = || {
            Error::parameter(format!("{s:?} is not a frame rate")).with_hint("for example 30 or 30000/1001")
        };
        match s.split_once('/') {
            Some((n, d)) => {
                Self::new(n.trim().parse().map_err(|_| bad())?, d.trim().parse().map_err(|_| bad())?)
            }
            None => Self::from_f64(s.trim().parse().map_err(|_| bad())?),
        }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_from_the_index_and_do_not_drift() {
        let r = FrameRate::new(30000, 1001).unwrap();
        assert_eq!(r.time_of(30000).as_nanos(), 1001 * 1_000_000_000);
        assert_eq!(r.time_of(1).as_nanos(), 33_366_667);
        assert_eq!(r.sample_of(30000, 48000), 1001 * 48000);
        assert_eq!(r.sample_of(1, 48000), 1601);
    }

    #[test]
    fn index_at_inverts_time_of() {
        for r in [
            FrameRate::new(30000, 1001),
            FrameRate::new(24, 1),
            FrameRate::new(1000, 1),
            FrameRate::new(7, 3),
        ] {
            let r = r.unwrap();
            for n in (0..100_000).step_by(37) {
                assert_eq!(r.index_at(r.time_of(n)), n);
                assert_eq!(r.index_at(r.time_of(n + 1).offset(-1)), n);
            }
        }
    }

    #[test]
    fn broadcast_rates_are_recognised() {
        assert_eq!(FrameRate::from_f64(29.97).unwrap(), FrameRate::new(30000, 1001).unwrap());
        assert_eq!(FrameRate::from_f64(23.976).unwrap(), FrameRate::new(24000, 1001).unwrap());
        assert_eq!(FrameRate::from_f64(12.5).unwrap(), FrameRate::new(25, 2).unwrap());
        assert_eq!(
            "30000/1001".parse::<FrameRate>().unwrap(),
            FrameRate::from_f64(30000.0 / 1001.0).unwrap()
        );
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert!(FrameRate::from_f64(bad).is_err());
        }
    }
}
