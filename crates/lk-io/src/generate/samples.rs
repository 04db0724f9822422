// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound that is at hand whole.

use lk_media::{
    AudioRead, AudioSource, CHANNELS, ClockId, Error, Exactness, LeaseGuard, Origin, Result, SAMPLE_RATE,
    Sampling, Timestamp, audio_port,
};
use std::time::Duration;

const NAME: &str = "the samples of an array";

/// Samples from an array, from the start of the run that hears them on, once or again and again.
pub struct Samples {
    origin: Origin,
    /// Left and right in turns.
    samples: Box<[f32]>,
    looping: bool,
}

impl Samples {
    /// Interleaved stereo at 48 kHz. An error if there are none.
    pub fn new(samples: Vec<f32>, looping: bool) -> Result<Self> {
        if samples.is_empty() || !samples.len().is_multiple_of(CHANNELS) {
            return Err(Error::format(format!("{} values are no stereo samples", samples.len())));
        }
        Ok(Self { origin: Origin::default(), samples: samples.into(), looping })
    }

    fn count(&self) -> i64 {
        (self.samples.len() / CHANNELS) as i64
    }

    /// Fills as much of `out` as there is from sample `first` on, which is in the array; how many values that was.
    fn copy(&self, first: i64, out: &mut [f32]) -> usize {
        let from = &self.samples[first as usize * CHANNELS..];
        let count = from.len().min(out.len());
        out[..count].copy_from_slice(&from[..count]);
        count
    }
}

impl AudioSource for Samples {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn read(&self, first: i64, out: &mut [f32], _sampling: Sampling) -> Result<AudioRead> {
        if !out.len().is_multiple_of(CHANNELS) {
            return Err(Error::format(format!("{} values are no whole number of stereo samples", out.len())));
        }
        let mut at = first - audio_port::sample_at(self.origin.start());
        let silent = (at.saturating_neg().max(0) as usize).saturating_mul(CHANNELS).min(out.len());
        let (before, mut rest) = out.split_at_mut(silent);
        before.fill(0.0);
        at += (silent / CHANNELS) as i64;
        if self.looping {
            while !rest.is_empty() {
                let count = self.copy(at.rem_euclid(self.count()), rest);
                at += (count / CHANNELS) as i64;
                rest = &mut rest[count..];
            }
            return Ok(AudioRead::Filled);
        }
        let count = if at < self.count() { self.copy(at.max(0), rest) } else { 0 };
        rest[count..].fill(0.0);
        let over = at.saturating_add((rest.len() / CHANNELS) as i64) >= self.count();
        Ok(if over { AudioRead::Ended } else { AudioRead::Filled })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn duration(&self) -> Option<Duration> {
        (!self.looping).then(|| Duration::from_secs_f64(self.count() as f64 / f64::from(SAMPLE_RATE)))
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.origin.take(clock, start, NAME).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples 1, 2, 3 on the left, their negatives on the right.
    fn three(looping: bool) -> Samples {
        Samples::new(vec![1.0, -1.0, 2.0, -2.0, 3.0, -3.0], looping).unwrap()
    }

    fn left(sound: &Samples, first: i64, count: usize) -> (Vec<f32>, AudioRead) {
        let mut out = vec![9.0; count * CHANNELS];
        let read = sound.read(first, &mut out, Sampling::Exact).unwrap();
        assert!(out.chunks_exact(CHANNELS).all(|both| both[0] == -both[1]));
        (out.iter().step_by(CHANNELS).copied().collect(), read)
    }

    #[test]
    fn once_it_is_silent_before_and_after() {
        let sound = three(false);
        assert_eq!(left(&sound, -2, 7), (vec![0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0], AudioRead::Ended));
        assert_eq!(left(&sound, 1, 1), (vec![2.0], AudioRead::Filled));
        assert_eq!(left(&sound, 1, 2), (vec![2.0, 3.0], AudioRead::Ended));
        assert_eq!(left(&sound, -9, 2), (vec![0.0, 0.0], AudioRead::Filled));
        assert_eq!(left(&sound, i64::MAX - 9, 1), (vec![0.0], AudioRead::Ended));
        assert_eq!(left(&sound, i64::MIN, 1), (vec![0.0], AudioRead::Filled));
        assert_eq!(sound.duration(), Some(Duration::from_nanos(62_500)));
        assert!(sound.read(0, &mut [0.0; 3], Sampling::Exact).is_err());
    }

    #[test]
    fn again_and_again_it_never_ends() {
        let sound = three(true);
        let expected = vec![0.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0];
        assert_eq!(left(&sound, -1, 8), (expected, AudioRead::Filled));
        assert_eq!(left(&sound, 3_000_001, 2).0, [2.0, 3.0]);
        assert_eq!(sound.duration(), None);
    }

    #[test]
    fn it_begins_with_the_run_that_hears_it() {
        let sound = three(false);
        let lease = sound.claim(ClockId::unique(), Timestamp::from_nanos(1_000_000_000)).unwrap();
        assert_eq!(left(&sound, 47_999, 3).0, [0.0, 1.0, 2.0]);
        drop(lease);
        assert_eq!(left(&sound, 0, 2).0, [1.0, 2.0]);
    }

    #[test]
    fn nothing_is_no_sound() {
        assert!(Samples::new(Vec::new(), true).is_err());
        assert!(Samples::new(vec![0.0; 3], false).is_err());
    }
}
