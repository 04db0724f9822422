// SPDX-License-Identifier: GPL-2.0-or-later
//! Gains that change without a click: a straight line from the old value to the new one, sample by sample.

use crate::audio::{CHANNELS, SAMPLE_RATE};

/// Samples from one value to another: 10 ms.
pub const RAMP: usize = SAMPLE_RATE as usize / 100;

/// `N` gains. What they are at a sample depends on its place alone, and not on how sound is cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp<const N: usize> {
    from: [f32; N],
    to: [f32; N],
    start: i64,
}

impl<const N: usize> Ramp<N> {
    /// Values that have always been so.
    pub const fn new(values: [f32; N]) -> Self {
        Self { from: values, to: values, start: i64::MIN }
    }

    /// Goes to `values` from sample `at` on, from where it is; the new value is reached at the last of [`RAMP`]
    /// samples.
    pub fn go_to(&mut self, values: [f32; N], at: i64) {
        if self.to != values {
            *self = Self { from: self.at(at.saturating_sub(1)), to: values, start: at };
        }
    }

    /// What it goes to.
    pub fn target(&self) -> [f32; N] {
        self.to
    }

    /// The values of sample `place`.
    pub fn at(&self, place: i64) -> [f32; N] {
        let done = place.saturating_sub(self.start).saturating_add(1);
        if done >= RAMP as i64 {
            return self.to;
        }
        let part = done.max(0) as f32 / RAMP as f32;
        std::array::from_fn(|n| self.from[n] + (self.to[n] - self.from[n]) * part)
    }

    /// How many of the samples from `first` on come before it is where it goes to.
    pub fn moving(&self, first: i64) -> usize {
        if self.from == self.to {
            return 0;
        }
        (RAMP as i64 - 1).saturating_sub(first.saturating_sub(self.start)).clamp(0, i64::MAX) as usize
    }

    /// Whether it is where it goes to, from sample `first` on.
    pub fn is_steady(&self, first: i64) -> bool {
        self.moving(first) == 0
    }
}

impl Ramp<1> {
    /// Multiplies interleaved samples, the first of which has place `first`.
    pub fn scale(&self, first: i64, samples: &mut [f32]) {
        let (moving, rest) = self.split(first, samples);
        for (n, frame) in moving.chunks_exact_mut(CHANNELS).enumerate() {
            let [gain] = self.at(first + n as i64);
            frame.iter_mut().for_each(|s| *s *= gain);
        }
        let [gain] = self.to;
        if gain != 1.0 {
            rest.iter_mut().for_each(|s| *s *= gain);
        }
    }

    /// Adds `samples`, the first of which has place `first`, to `out`.
    pub fn add(&self, first: i64, samples: &[f32], out: &mut [f32]) {
        let (moving, rest) = self.split(first, out);
        let (changing, steady) = samples.split_at(moving.len());
        let frames = moving.chunks_exact_mut(CHANNELS).zip(changing.chunks_exact(CHANNELS));
        for (n, (out, samples)) in frames.enumerate() {
            let [gain] = self.at(first + n as i64);
            out.iter_mut().zip(samples).for_each(|(o, s)| *o += s * gain);
        }
        let [gain] = self.to;
        if gain == 1.0 {
            rest.iter_mut().zip(steady).for_each(|(o, s)| *o += s);
        } else if gain != 0.0 {
            rest.iter_mut().zip(steady).for_each(|(o, s)| *o += s * gain);
        }
    }

    fn split<'a>(&self, first: i64, samples: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        let moving = self.moving(first).min(samples.len() / CHANNELS);
        samples.split_at_mut(moving * CHANNELS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_that_begins_and_ends_at_given_samples() {
        let mut ramp = Ramp::new([1.0]);
        ramp.go_to([0.0], 1000);
        assert_eq!((ramp.at(999), ramp.at(1479), ramp.at(i64::MAX)), ([1.0], [0.0], [0.0]));
        assert_eq!((ramp.moving(1000), ramp.moving(1478), ramp.moving(1479)), (479, 1, 0));
        let values: Vec<f32> = (999..1480).map(|n| ramp.at(n)[0]).collect();
        assert!(values.windows(2).all(|w| (w[0] - w[1] - 1.0 / 480.0).abs() < 1e-6));
    }

    #[test]
    fn turning_round_on_the_way_begins_where_it_is() {
        let mut ramp = Ramp::new([0.0, 1.0]);
        ramp.go_to([1.0, 1.0], 0);
        let [half, one] = ramp.at(239);
        ramp.go_to([0.0, 0.5], 240);
        assert_eq!((half, one), (0.5, 1.0));
        let [next, other] = ramp.at(240);
        assert!((next - half * 479.0 / 480.0).abs() < 1e-6 && (1.0 - other - 0.5 / 480.0).abs() < 1e-6);
        // being told the same again changes nothing
        let before = ramp;
        ramp.go_to([0.0, 0.5], 500);
        assert_eq!(ramp, before);
    }

    #[test]
    fn blocks_of_any_length_give_the_same_samples() {
        let mut ramp = Ramp::new([0.25]);
        ramp.go_to([2.0], 33);
        let sound: Vec<f32> = (0..2000).map(|n| (n as f32 * 0.1).sin()).collect();
        let mut whole = sound.clone();
        ramp.scale(0, &mut whole);
        for block in [1, 7, 100, 480, 999] {
            let mut sum = vec![0.0; sound.len()];
            let mut scaled = sound.clone();
            for at in (0..1000).step_by(block) {
                let part = at * CHANNELS..((at + block) * CHANNELS).min(sound.len());
                ramp.scale(at as i64, &mut scaled[part.clone()]);
                ramp.add(at as i64, &sound[part.clone()], &mut sum[part]);
            }
            assert_eq!((&scaled, &sum), (&whole, &whole), "{block}");
        }
    }
}
