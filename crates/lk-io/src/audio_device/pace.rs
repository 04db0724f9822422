// SPDX-License-Identifier: GPL-2.0-or-later
//! Follows a device's clock: which place of the session belongs to which frame of its stream.
//!
//! The two are joined by a straight line. Each message of the device says that a frame belongs to a moment, a
//! little late and by chance; the least late one of a second tells how far the line is off, and the line's slope is
//! turned a little so that it comes back: a device that is too fast or too slow is resampled by as much, at most
//! 500 millionths. Only where the line is off by more than could be caught up with does it jump.

use lk_media::{SAMPLE_RATE, Timestamp};

/// The most the slope is away from 1.
pub(super) const MOST: f64 = 500e-6;
/// Frames looked at before the slope is turned: 1 s.
const WINDOW: i64 = SAMPLE_RATE as i64;
/// Frames looked at before the line is drawn, and redrawn: a device that has just begun is not steady.
const EARLY: [i64; 3] = [15 * WINDOW / 100, 15 * WINDOW / 100, 30 * WINDOW / 100];
/// What the line may be off by without being redrawn then: 2 ms.
const EARLY_JUMP: f64 = 0.002 * SAMPLE_RATE as f64;
/// Messages a window has at least.
const LEAST: u32 = 5;
/// What is not caught up with but jumped over: 10 ms. A device whose line moves by as much has stopped for a moment,
/// which was heard anyway; speaker and microphone may both be off by it and still keep to a video frame.
const JUMP: f64 = 0.01 * SAMPLE_RATE as f64;
/// How much the slope follows the error, and the sum of errors: 0.1 rad/s, critically damped.
const NOW: f64 = 0.2 / SAMPLE_RATE as f64;
const SUM: f64 = 0.01 / SAMPLE_RATE as f64;

#[derive(Clone, Copy)]
pub(super) struct Pace {
    line: Option<Line>,
    /// Windows that are over, those of the beginning.
    early: usize,
    sum: f64,
    best: f64,
    since: i64,
    seen: u32,
    jumps: u64,
}

/// Frame `frame` lies at `place + part`, and the following ones `slope` places after one another.
#[derive(Clone, Copy)]
struct Line {
    frame: i64,
    place: i64,
    part: f64,
    slope: f64,
}

impl Line {
    fn place_of(&self, frame: i64) -> (i64, f64) {
        let x = self.part + (frame - self.frame) as f64 * (self.slope - 1.0);
        let whole = x.floor();
        (self.place + (frame - self.frame) + whole as i64, x - whole)
    }

    fn frame_of(&self, place: i64) -> (i64, f64) {
        let x = ((place - self.place) as f64 - self.part) / self.slope;
        let whole = x.floor();
        (self.frame + whole as i64, x - whole)
    }

    fn at(&self, frame: i64) -> Self {
        let (place, part) = self.place_of(frame);
        Self { frame, place, part, slope: self.slope }
    }

    fn moved(&self, by: f64) -> Self {
        let x = self.part + by;
        Self { place: self.place + x.floor() as i64, part: x - x.floor(), ..*self }
    }
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { line: None, early: 0, sum: 0.0, best: f64::MAX, since: 0, seen: 0, jumps: 0 }
    }

    /// Whether the line is drawn.
    pub(super) fn is_settled(&self) -> bool {
        self.early > 0
    }

    /// How often the line has jumped since it was drawn.
    pub(super) fn jumps(&self) -> u64 {
        self.jumps
    }

    /// How far the device is from 48 kHz by our clock, in millionths: positive if it is slow.
    pub(super) fn drift(&self) -> f64 {
        self.line.map_or(0.0, |l| (l.slope - 1.0) * 1e6)
    }

    /// The place of a frame, whole and part.
    pub(super) fn place_of(&self, frame: i64) -> Option<(i64, f64)> {
        self.line.filter(|_| self.is_settled()).map(|l| l.place_of(frame))
    }

    /// The frame of a place, whole and part.
    pub(super) fn frame_of(&self, place: i64) -> Option<(i64, f64)> {
        self.line.filter(|_| self.is_settled()).map(|l| l.frame_of(place))
    }

    /// Frame `frame` belongs to `time`, or a little earlier. The line is turned about frame `hinge`, the first one
    /// that is not used yet. True if the line is new or has jumped.
    pub(super) fn observe(&mut self, frame: i64, time: Timestamp, hinge: i64) -> bool {
        let scaled = i128::from(time.as_nanos()) * i128::from(SAMPLE_RATE);
        let place = scaled.div_euclid(1_000_000_000) as i64;
        let part = scaled.rem_euclid(1_000_000_000) as f64 / 1e9;
        let Some(line) = self.line else {
            self.line = Some(Line { frame, place, part, slope: 1.0 });
            (self.since, self.best, self.seen) = (frame, 0.0, 1);
            return false;
        };
        let (there, rest) = line.place_of(frame);
        self.best = self.best.min((place - there) as f64 + part - rest);
        self.seen += 1;
        let (window, jump) = EARLY.get(self.early).map_or((WINDOW, JUMP), |window| (*window, EARLY_JUMP));
        if frame - self.since < window || self.seen < LEAST {
            return false;
        }
        let error = self.best;
        (self.since, self.best, self.seen) = (frame, f64::MAX, 0);
        let begun = self.is_settled();
        self.early += usize::from(self.early < EARLY.len());
        if !begun || error.abs() > jump {
            self.jumps += u64::from(jump == JUMP);
            self.line = Some(line.at(hinge).moved(error));
            return true;
        }
        self.sum = (self.sum + SUM * error).clamp(-MOST, MOST);
        let slope = 1.0 + (self.sum + NOW * error).clamp(-MOST, MOST);
        self.line = Some(Line { slope, ..line.at(hinge) });
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Repeatable noise from 0 to 1.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// A device that is off by `ppm` and sends 10 ms at a time for `hours`, its messages up to 4 ms late and now
    /// and then half a second: how far (in ms) the line was off at most after the first minute, and its jumps.
    fn simulate(ppm: f64, hours: f64) -> (f64, u64) {
        let (mut pace, mut noise) = (Pace::new(), Noise(3));
        let rate = f64::from(SAMPLE_RATE) * (1.0 + ppm * 1e-6);
        let (mut worst, mut blocked) = (0.0f64, 0.0);
        for n in 0..(hours * 360_000.0) as i64 {
            let frame = (n + 1) * 480;
            let truth = 1e6 + frame as f64 / rate;
            if noise.next() < 1e-4 {
                blocked = truth + 0.5 * noise.next();
            }
            let seen = (truth + 0.004 * noise.next().powi(2)).max(blocked);
            let before = pace.place_of(frame - 480);
            pace.observe(frame, Timestamp::from_secs_f64(seen), frame - 480);
            let after = pace.place_of(frame - 480);
            if let (Some((a, x)), Some((b, y))) = (before, after) {
                let step = (b - a) as f64 + y - x;
                assert!(pace.jumps() > 0 || step.abs() < 1e-3, "the line is broken by {step} samples");
            }
            if n > 6000 {
                let (place, part) = pace.place_of(frame).unwrap();
                let place = (place - 48_000_000_000) as f64 + part;
                worst = worst.max((place / 48_000.0 - (truth - 1e6)).abs());
            }
            assert!(pace.drift().abs() <= 500.000_001);
        }
        (worst * 1e3, pace.jumps())
    }

    #[test]
    fn an_hour_of_a_device_that_is_off_by_200_ppm() {
        for ppm in [-200.0, 0.0, 35.0, 200.0] {
            let (worst, jumps) = simulate(ppm, 1.0);
            println!("{ppm} ppm: {worst:.3} ms off at most, {jumps} jumps");
            assert!(worst < 2.0 && jumps == 0, "{ppm} ppm: {worst} ms, {jumps} jumps");
        }
    }

    #[test]
    #[ignore = "one of the long proofs: a minute"]
    fn a_day_of_a_device_that_is_off_by_200_ppm() {
        for ppm in [-200.0, 200.0] {
            let (worst, jumps) = simulate(ppm, 24.0);
            println!("24 h at {ppm} ppm: {worst:.3} ms off at most, {jumps} jumps");
            assert!(worst < 33.0 && jumps == 0, "{ppm} ppm: {worst} ms, {jumps} jumps");
        }
    }

    #[test]
    fn what_cannot_be_caught_up_with_is_jumped_over() {
        let mut pace = Pace::new();
        let mut jumps = 0;
        for n in 0..1000i64 {
            // the device stands still for 100 ms after 5 s
            let late = if n > 500 { 0.1 } else { 0.0 };
            let time = Timestamp::from_secs_f64(50.0 + n as f64 / 100.0 + late);
            jumps += i64::from(pace.observe(n * 480, time, n * 480) && n > 100);
        }
        assert_eq!((jumps, pace.jumps()), (1, 1));
        let (place, _) = pace.place_of(999 * 480).unwrap();
        assert!((place - ((50.0 + 9.99 + 0.1) * 48_000.0) as i64).abs() < 48);
        let (frame, part) = pace.frame_of(place).unwrap();
        assert!((frame - 999 * 480).abs() <= 1 && (0.0..1.0).contains(&part));
    }
}
