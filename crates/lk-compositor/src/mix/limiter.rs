// SPDX-License-Identifier: GPL-2.0-or-later
//! A look-ahead limiter of sample peaks.
//!
//! Each sample asks for the gain that brings it to the ceiling. The lowest gain asked for within the look-ahead is
//! held, released slowly, and averaged over the look-ahead. So a sample's gain is a mean of values none of which is
//! above what it asked for: nothing exceeds the ceiling, and no gain changes by a step. Gains are whole numbers, which
//! makes the running mean exact: samples that need no limiting pass bit by bit.

use lk_media::{CHANNELS, RAMP, SAMPLE_RATE};
use std::collections::VecDeque;

/// How far it looks ahead, in samples: 5 ms.
pub const LOOK_AHEAD: usize = SAMPLE_RATE as usize / 200;
/// In so many samples what is missing from full gain falls to 1/e: 50 ms.
const RELEASE: u32 = SAMPLE_RATE / 20;
/// The gain of 1.
const ONE: u32 = 1 << 24;
/// Keeps rounded products below the ceiling.
const BELOW: f64 = 1.0 - 4.0 / ONE as f64;

/// Holds one mix under its ceiling. It looks at samples up to [`LOOK_AHEAD`] after those that it puts out.
pub(super) struct Limiter {
    ceiling: Option<f32>,
    /// The gains of samples looked at that are not out yet, and their sum.
    gains: VecDeque<u32>,
    sum: u64,
    /// What was asked for within the look-ahead that nothing lower follows, with its place.
    lowest: VecDeque<(u64, u32)>,
    /// The last gain held and released.
    released: u32,
    place: u64,
}

impl Limiter {
    pub(super) fn new() -> Self {
        Self {
            ceiling: None,
            gains: VecDeque::with_capacity(LOOK_AHEAD + 1),
            sum: 0,
            lowest: VecDeque::with_capacity(LOOK_AHEAD + 2),
            released: ONE,
            place: 0,
        }
    }

    /// Says what it holds under from now on. Nothing is above the ceiling from the look-ahead on, or from the first
    /// sample where sound begins; without a ceiling it lets go within 15 ms.
    pub(super) fn set(&mut self, ceiling: Option<f32>, sound_begins: bool) {
        if ceiling.is_some() && !self.is_on() && !sound_begins {
            self.pass(LOOK_AHEAD);
        }
        self.ceiling = ceiling;
    }

    /// Whether it has to see samples ahead.
    pub(super) fn is_on(&self) -> bool {
        self.ceiling.is_some() || !self.gains.is_empty()
    }

    /// Fills `out` from the beginning of `samples`, of which there are [`LOOK_AHEAD`] more while it is on.
    pub(super) fn process(&mut self, samples: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&samples[..out.len()]);
        if !self.is_on() {
            return;
        }
        let new = &samples[self.gains.len() * CHANNELS..];
        if self.is_idle() && self.ceiling.is_none_or(|ceiling| super::meter::peak(new) <= ceiling) {
            self.rest(new.len() / CHANNELS);
            return;
        }
        let mut new = new.chunks_exact(CHANNELS);
        while self.gains.len() < LOOK_AHEAD
            && let Some(frame) = new.next()
        {
            self.look_at(frame);
        }
        for frame in out.chunks_exact_mut(CHANNELS) {
            new.next().into_iter().for_each(|ahead| self.look_at(ahead));
            let full = self.gains.len() as u64 * u64::from(ONE);
            if self.sum != full {
                let gain = (self.sum as f64 / full as f64) as f32;
                frame.iter_mut().for_each(|s| *s *= gain);
            }
            self.sum -= self.gains.pop_front().map_or(0, u64::from);
        }
    }

    /// Whether nothing it has seen matters any more.
    fn is_idle(&self) -> bool {
        let full = self.gains.len() as u64 * u64::from(ONE);
        self.released == ONE && self.sum == full && self.lowest.iter().all(|(_, gain)| *gain == ONE)
    }

    /// Lets `count` samples that ask for nothing go by.
    fn rest(&mut self, count: usize) {
        self.place += count as u64;
        self.lowest.clear();
        if self.ceiling.is_some() {
            self.pass(LOOK_AHEAD - self.gains.len());
        } else {
            self.gains.clear();
            self.sum = 0;
        }
    }

    fn pass(&mut self, count: usize) {
        self.gains.extend(std::iter::repeat_n(ONE, count));
        self.sum += count as u64 * u64::from(ONE);
    }

    fn look_at(&mut self, frame: &[f32]) {
        let asked = self.ceiling.map_or(ONE, |ceiling| asked(frame, ceiling));
        while self.lowest.back().is_some_and(|(_, gain)| *gain >= asked) {
            self.lowest.pop_back();
        }
        while self.lowest.front().is_some_and(|(place, _)| place + (LOOK_AHEAD as u64) < self.place) {
            self.lowest.pop_front();
        }
        self.lowest.push_back((self.place, asked));
        self.place += 1;
        let held = self.lowest.front().map_or(ONE, |(_, gain)| *gain);
        let step = match self.ceiling {
            Some(_) => (ONE - self.released) / RELEASE + 1,
            None => ONE / RAMP as u32,
        };
        self.released = held.min(self.released + step);
        self.gains.push_back(self.released);
        self.sum += u64::from(self.released);
    }
}

/// The gain that brings the louder side to the ceiling.
fn asked(frame: &[f32], ceiling: f32) -> u32 {
    let peak = frame.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    if peak <= ceiling {
        return ONE;
    }
    (f64::from(ceiling) * BELOW / f64::from(peak) * f64::from(ONE)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const C: f32 = 0.891_250_9;

    /// Runs `samples` through it in blocks of that length.
    fn limited(limiter: &mut Limiter, samples: &[f32], block: usize) -> Vec<f32> {
        let mut padded = samples.to_vec();
        padded.resize(samples.len() + LOOK_AHEAD * CHANNELS, 0.0);
        let mut out = vec![9.0; samples.len()];
        for at in (0..samples.len()).step_by(block * CHANNELS) {
            let end = (at + block * CHANNELS).min(samples.len());
            let seen = if limiter.is_on() { end + LOOK_AHEAD * CHANNELS } else { end };
            limiter.process(&padded[at..seen], &mut out[at..end]);
        }
        out
    }

    fn on(ceiling: f32) -> Limiter {
        let mut limiter = Limiter::new();
        limiter.set(Some(ceiling), true);
        limiter
    }

    fn tone(loud: impl Fn(usize) -> f32, count: usize) -> Vec<f32> {
        (0..count)
            .flat_map(|n| [loud(n) * (n as f32 * 0.13).sin(), loud(n) * (n as f32 * 0.17).cos()])
            .collect()
    }

    #[test]
    fn below_the_ceiling_every_bit_passes() {
        let quiet = tone(|_| 0.89, 10_000);
        assert_eq!(limited(&mut on(C), &quiet, 480), quiet);
        // so it does again once a peak is long over
        let burst = tone(|n| if (100..200).contains(&n) { 3.0 } else { 0.8 }, 60_000);
        let out = limited(&mut on(C), &burst, 480);
        assert!(out[..2] != [9.0; 2] && out[250..450] != burst[250..450]);
        assert_eq!(out[30_000 * CHANNELS..], burst[30_000 * CHANNELS..]);
    }

    #[test]
    fn gains_have_no_steps_and_both_sides_the_same() {
        // a constant shows the gain itself
        let sound: Vec<f32> = (0..20_000)
            .flat_map(|n| if (5000..=9000).contains(&n) { [2.0, 1.0] } else { [0.5, 0.25] })
            .collect();
        let out = limited(&mut on(1.0), &sound, 480);
        let gain: Vec<f32> = out.iter().zip(&sound).map(|(o, s)| o / s).collect();
        assert!(gain.chunks(2).all(|g| g[0] == g[1]));
        let steepest =
            gain.chunks(2).zip(gain[2..].chunks(2)).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
        assert!(steepest <= 0.5 / LOOK_AHEAD as f32 * 1.01, "{steepest}");
        assert!((gain[6000 * 2] - 0.5).abs() < 1e-5 && gain[4700 * 2] == 1.0 && gain[4990 * 2] < 0.6);
        // 50 ms later 1/e of what was missing is left
        assert!((1.0 - gain[(9000 + 2400) * 2] - 0.5 / std::f32::consts::E).abs() < 0.02);
    }

    #[test]
    fn turned_on_and_off_on_the_way_it_makes_no_step() {
        let sound = vec![2.0; 4800 * CHANNELS];
        let mut limiter = Limiter::new();
        let before = limited(&mut limiter, &sound, 480);
        limiter.set(Some(1.0), false);
        let during = limited(&mut limiter, &sound, 480);
        limiter.set(None, false);
        let after = limited(&mut limiter, &sound, 480);
        assert!(!limiter.is_on());
        let all: Vec<f32> =
            [before, during.clone(), after.clone()].concat().iter().step_by(2).copied().collect();
        // the last of `during` were looked at with silence behind them
        let steps = all.windows(2).map(|w| (w[0] - w[1]).abs()).fold(0.0, f32::max);
        assert!(steps < 2.0 * 1.05 / LOOK_AHEAD as f32, "{steps}");
        assert!(during[LOOK_AHEAD * CHANNELS..].iter().all(|s| *s <= 1.0));
        assert_eq!(after[2000], 2.0);
    }

    proptest! {
        #[test]
        fn nothing_exceeds_the_ceiling_however_it_is_cut(
            sound in prop::collection::vec(prop_oneof![-1.0f32..1.0, -9.0f32..9.0, Just(0.0)], 2..3000),
            db in -20.0f64..=0.0,
            block in 1usize..700,
        ) {
            let even = &sound[..sound.len() / 2 * 2];
            let ceiling = 10f64.powf(db / 20.0) as f32;
            let out = limited(&mut on(ceiling), even, block);
            prop_assert!(out.iter().all(|s| s.abs() <= ceiling));
            prop_assert_eq!(limited(&mut on(ceiling), even, 480), out);
        }
    }
}
