// SPDX-License-Identifier: GPL-2.0-or-later
//! The rhythm of a program that sends pictures itself.

use lk_media::{FrameRate, Timestamp};
use std::time::Duration;

/// How much of a new distance between two pictures goes into the mean.
const WEIGHT: f64 = 0.2;

pub(super) struct Sending {
    rate: FrameRate,
    count: u64,
    last: Option<Timestamp>,
    due: Option<Timestamp>,
    /// Seconds from picture to picture.
    between: Option<f64>,
}

impl Sending {
    pub fn new(rate: FrameRate) -> Self {
        Self { rate, count: 0, last: None, due: None, between: None }
    }

    /// A picture is sent.
    pub fn sent(&mut self, now: Timestamp) {
        self.count += 1;
        if let Some(last) = self.last.replace(now) {
            let now = now.nanos_since(last) as f64 / 1e9;
            self.between = Some(self.between.map_or(now, |mean| mean + (now - mean) * WEIGHT));
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn rate(&self) -> f64 {
        self.between.filter(|b| *b > 0.0).map_or(self.rate.as_f64(), |b| 1.0 / b)
    }

    /// See [`VirtualCamera::until_next`](super::VirtualCamera::until_next).
    pub fn until_next(&mut self, now: Timestamp) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        let period = self.rate.period();
        // who comes late starts anew
        let due = self.due.map(|due| due + period).filter(|due| *due > now - period && *due <= now + period);
        let due = due.unwrap_or(last + period);
        self.due = Some(due);
        Duration::from_nanos(due.nanos_since(now).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_keeps_the_rate_and_forgets_a_pause() {
        let mut sending = Sending::new(FrameRate::new(25, 1).unwrap());
        let mut now = Timestamp::from_nanos(5_000_000_000);
        assert_eq!((sending.until_next(now), sending.rate()), (Duration::ZERO, 25.0));
        let begin = now;
        for n in 0..1000u64 {
            sending.sent(now);
            // making a picture takes between 0 and 20 ms, waking up late a little more
            now = now + Duration::from_micros(n * 7919 % 20_000);
            now = now + sending.until_next(now) + Duration::from_micros(n * 31 % 900);
        }
        let seconds = now.nanos_since(begin) as f64 / 1e9;
        assert!((seconds - 40.0).abs() < 0.002, "{seconds}");
        assert!((sending.rate() - 25.0).abs() < 0.5, "{}", sending.rate());
        now = now + Duration::from_secs(3);
        sending.sent(now);
        assert_eq!(sending.until_next(now), Duration::from_millis(40));
        assert_eq!(sending.count(), 1001);
    }
}
