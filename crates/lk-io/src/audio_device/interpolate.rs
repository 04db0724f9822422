// SPDX-License-Identifier: GPL-2.0-or-later
//! Samples between samples: a windowed sinc, for rates that differ by next to nothing.

use lk_media::CHANNELS;
use std::f64::consts::PI;
use std::sync::OnceLock;

/// Samples that make one: half of them before the place and half after it.
pub(super) const TAPS: usize = 32;
/// Samples before the one at or before the place, and from the one after it on.
pub(super) const BEFORE: i64 = TAPS as i64 / 2 - 1;
pub(super) const AFTER: i64 = TAPS as i64 / 2;
/// Places between two samples that are computed; between them it is linear.
const PHASES: usize = 256;

/// Weights for places between two samples.
pub(super) struct Interpolator(Box<[[f32; TAPS]]>);

impl Interpolator {
    /// The one that all share.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Interpolator> = OnceLock::new();
        SHARED.get_or_init(|| Self((0..=PHASES).map(|phase| weights(phase as f64 / PHASES as f64)).collect()))
    }

    /// The frame `part` (0 to 1) after frame [`BEFORE`] of `frames`, which are [`TAPS`] interleaved.
    pub(super) fn at(&self, frames: &[f32], part: f64) -> [f32; CHANNELS] {
        let x = part * PHASES as f64;
        let phase = (x as usize).min(PHASES - 1);
        let rest = (x - phase as f64) as f32;
        let mut sums = [[0.0f32; CHANNELS]; 2];
        let weights = self.0[phase].iter().zip(&self.0[phase + 1]);
        for (frame, (a, b)) in frames.chunks_exact(CHANNELS).zip(weights) {
            for c in 0..CHANNELS {
                sums[0][c] += frame[c] * a;
                sums[1][c] += frame[c] * b;
            }
        }
        std::array::from_fn(|c| sums[0][c] + (sums[1][c] - sums[0][c]) * rest)
    }
}

/// The weights for the place `part` after the sample in the middle; their sum is 1.
fn weights(part: f64) -> [f32; TAPS] {
    let exact: [f64; TAPS] = std::array::from_fn(|n| {
        let x = n as f64 - BEFORE as f64 - part;
        let sinc = if x.abs() < 1e-12 { 1.0 } else { (PI * x).sin() / (PI * x) };
        // Blackman-Harris
        let w = 2.0 * PI * (x / TAPS as f64 + 0.5);
        let window = 0.35875 - 0.48829 * w.cos() + 0.14128 * (2.0 * w).cos() - 0.01168 * (3.0 * w).cos();
        if x.abs() >= TAPS as f64 / 2.0 { 0.0 } else { sinc * window }
    });
    let sum: f64 = exact.iter().sum();
    exact.map(|w| (w / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_between_its_samples() {
        for (hz, most) in [(50.0, -95.0), (1000.0, -95.0), (10_000.0, -85.0), (18_000.0, -60.0)] {
            let tone = |t: f64| (2.0 * PI * hz * t / 48_000.0).sin() as f32;
            let mut error = 0.0f32;
            for n in 0..1000 {
                let part = f64::from(n) / 1000.0 * 0.999;
                let frames: Vec<f32> = (0..TAPS).flat_map(|k| [tone((n * 7) as f64 + k as f64); 2]).collect();
                let [left, right] = Interpolator::shared().at(&frames, part);
                assert_eq!(left, right);
                error = error.max((left - tone((n * 7) as f64 + BEFORE as f64 + part)).abs());
            }
            let db = 20.0 * error.log10();
            println!("{hz} Hz: {db:.1} dB");
            assert!(db < most, "{hz} Hz: {db:.1} dB");
        }
    }

    #[test]
    fn samples_themselves_are_left_alone() {
        let frames: Vec<f32> = (0..TAPS).flat_map(|k| [k as f32, -(k as f32)]).collect();
        let [left, right] = Interpolator::shared().at(&frames, 0.0);
        assert!((left - BEFORE as f32).abs() < 1e-5 && (right + BEFORE as f32).abs() < 1e-5);
    }
}
