// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound of the test pattern.

use lk_media::{
    AudioRead, AudioSource, CHANNELS, ClockId, Error, Exactness, LeaseGuard, Origin, Result, SAMPLE_RATE,
    Sampling, Timestamp, audio_port,
};

/// Samples from one beep to the next: a second.
const EVERY: i64 = SAMPLE_RATE as i64;
/// Samples of a beep: a tenth of a second, a whole number of periods, so it ends where it began.
const LENGTH: i64 = SAMPLE_RATE as i64 / 10;
/// Samples of a period: 1 kHz.
const PERIOD: usize = SAMPLE_RATE as usize / 1000;
/// A quarter of full scale: -12 dB.
const LEVEL: f64 = 0.25;

/// A beep of 1 kHz at -12 dB for the first tenth of each second of the run that hears it, from sample 0 of that
/// second on.
pub struct TestTone {
    origin: Origin,
    period: [f32; PERIOD],
}

impl TestTone {
    pub(super) fn new() -> Self {
        let sine = |i: usize| (std::f64::consts::TAU * i as f64 / PERIOD as f64).sin();
        Self { origin: Origin::default(), period: std::array::from_fn(|i| (LEVEL * sine(i)) as f32) }
    }

    fn value(&self, sample: i64) -> f32 {
        let since = sample.rem_euclid(EVERY);
        if sample < 0 || since >= LENGTH { 0.0 } else { self.period[since as usize % PERIOD] }
    }
}

impl AudioSource for TestTone {
    fn name(&self) -> String {
        "the test pattern".to_owned()
    }

    fn read(&self, first: i64, out: &mut [f32], _sampling: Sampling) -> Result<AudioRead> {
        if !out.len().is_multiple_of(CHANNELS) {
            return Err(Error::format(format!("{} values are no whole number of stereo samples", out.len())));
        }
        let first = first - audio_port::sample_at(self.origin.start());
        for (sample, both) in (first..).zip(out.chunks_exact_mut(CHANNELS)) {
            both.fill(self.value(sample));
        }
        Ok(AudioRead::Filled)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.origin.take(clock, start, "the test pattern").map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beeps_with_each_second_however_it_is_read() {
        let tone = TestTone::new();
        let mut whole = vec![9.0; 3 * 48_000 * CHANNELS];
        assert_eq!(tone.read(-48_000, &mut whole, Sampling::Exact).unwrap(), AudioRead::Filled);
        let left: Vec<f32> = whole.chunks_exact(2).map(|s| s[0]).collect();
        assert!(whole.chunks_exact(2).all(|s| s[0] == s[1]));
        assert!(left[..48_000].iter().all(|s| *s == 0.0), "silence before 0");
        for second in [48_000, 96_000] {
            assert_eq!(left[second], 0.0, "a sine begins at 0");
            assert!(left[second + 1] > 0.03);
            assert_eq!(left[second + 12], 0.25);
            assert!(
                left[second + 4799] < -0.03 && left[second + 4800..second + 48_000].iter().all(|s| *s == 0.0)
            );
        }
        let mut pieces = Vec::new();
        for first in (-48_000..96_000).step_by(480) {
            let mut piece = [0.0; 480 * CHANNELS];
            tone.read(first, &mut piece, Sampling::Live).unwrap();
            pieces.extend_from_slice(&piece);
        }
        assert_eq!(pieces, whole);
        assert!(tone.read(0, &mut [0.0; 3], Sampling::Exact).is_err());
    }
}
