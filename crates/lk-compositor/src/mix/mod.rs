// SPDX-License-Identifier: GPL-2.0-or-later
//! The mixer: which sounds are heard, how loud and when; and the arithmetic that adds them.

use lk_media::{CHANNELS, Error, Result, SAMPLE_RATE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The loudest gain accepted, in dB.
pub const MAX_GAIN_DB: f64 = 60.0;

/// How one sound is heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixerInput {
    /// Gain in dB; negative infinity is silence.
    pub gain_db: f64,
    /// Whether it is left out.
    pub mute: bool,
    /// Seconds by which it is heard later (negative: earlier) than its source says.
    pub sync_offset: f64,
}

impl Default for MixerInput {
    fn default() -> Self {
        Self { gain_db: 0.0, mute: false, sync_offset: 0.0 }
    }
}

impl MixerInput {
    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_gain(self.gain_db)?;
        if !self.sync_offset.is_finite() || self.sync_offset.abs() > 3600.0 {
            return Err(Error::parameter(format!(
                "sync offset {} s is not within an hour",
                self.sync_offset
            )));
        }
        Ok(())
    }

    /// The factor its samples are multiplied with.
    pub fn factor(&self) -> f32 {
        if self.mute { 0.0 } else { factor(self.gain_db) }
    }

    /// The sync offset in samples.
    pub fn offset_samples(&self) -> i64 {
        (self.sync_offset * f64::from(SAMPLE_RATE)).round() as i64
    }
}

/// The mixer's settings in a scene. Inputs are summed in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixerSettings {
    /// Gain of the sum in dB.
    pub gain_db: f64,
    /// Whether everything is silent.
    pub mute: bool,
    /// The sounds by number.
    pub inputs: BTreeMap<u64, MixerInput>,
}

impl Default for MixerSettings {
    fn default() -> Self {
        Self { gain_db: 0.0, mute: false, inputs: BTreeMap::new() }
    }
}

impl MixerSettings {
    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_gain(self.gain_db)?;
        self.inputs.values().try_for_each(MixerInput::validate)
    }
}

fn check_gain(db: f64) -> Result<()> {
    if db.is_nan() || db > MAX_GAIN_DB {
        return Err(Error::parameter(format!("gain {db} dB is not possible"))
            .with_hint(format!("gains are in dB: 0 is unchanged, -6 half as loud, at most {MAX_GAIN_DB}")));
    }
    Ok(())
}

fn factor(db: f64) -> f32 {
    10f64.powf(db / 20.0) as f32
}

/// The samples of one input for the range being mixed.
pub struct Sound<'a> {
    /// How it is heard.
    pub input: MixerInput,
    /// Interleaved samples, as many as are mixed.
    pub samples: &'a [f32],
}

/// Adds sounds. Gains change from one block to the next by a ramp over the block, so that nothing clicks.
#[derive(Default)]
pub struct Mixer {
    master: Option<f32>,
    gains: BTreeMap<u64, f32>,
}

impl Mixer {
    /// A mixer that has mixed nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mixes `sounds` (by input number, summed in that order) into `out`, which is overwritten. The result may
    /// exceed 1.0; nothing is clipped here.
    pub fn mix(&mut self, settings: &MixerSettings, sounds: &BTreeMap<u64, Sound<'_>>, out: &mut [f32]) {
        out.fill(0.0);
        for (id, sound) in sounds {
            let to = sound.input.factor();
            let from = self.gains.insert(*id, to).unwrap_or(to);
            add(out, sound.samples, from, to);
        }
        self.gains.retain(|id, _| sounds.contains_key(id));
        let to = if settings.mute { 0.0 } else { factor(settings.gain_db) };
        let from = self.master.replace(to).unwrap_or(to);
        if from != 1.0 || to != 1.0 {
            scale(out, from, to);
        }
    }
}

fn add(out: &mut [f32], samples: &[f32], from: f32, to: f32) {
    if from == to {
        if to != 0.0 {
            out.iter_mut().zip(samples).for_each(|(o, s)| *o += s * to);
        }
        return;
    }
    let step = ramp_step(out.len(), from, to);
    for (n, (o, s)) in out.chunks_exact_mut(CHANNELS).zip(samples.chunks_exact(CHANNELS)).enumerate() {
        let gain = from + step * (n + 1) as f32;
        o.iter_mut().zip(s).for_each(|(o, s)| *o += s * gain);
    }
}

fn scale(out: &mut [f32], from: f32, to: f32) {
    if from == to {
        return out.iter_mut().for_each(|o| *o *= to);
    }
    let step = ramp_step(out.len(), from, to);
    for (n, o) in out.chunks_exact_mut(CHANNELS).enumerate() {
        let gain = from + step * (n + 1) as f32;
        o.iter_mut().for_each(|o| *o *= gain);
    }
}

fn ramp_step(len: usize, from: f32, to: f32) -> f32 {
    (to - from) / (len / CHANNELS).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(mixer: &mut Mixer, inputs: &[(u64, MixerInput, &[f32])]) -> Vec<f32> {
        let sounds =
            inputs.iter().map(|(id, input, samples)| (*id, Sound { input: *input, samples })).collect();
        let mut out = vec![9.0; 4];
        mixer.mix(&MixerSettings::default(), &sounds, &mut out);
        out
    }

    #[test]
    fn the_sum_of_the_inputs() {
        let half = MixerInput { gain_db: 20.0 * 0.5f64.log10(), ..MixerInput::default() };
        let mute = MixerInput { mute: true, ..MixerInput::default() };
        let out = mix(
            &mut Mixer::new(),
            &[(1, MixerInput::default(), &[0.1, 0.2, 0.3, 0.4]), (2, half, &[1.0; 4]), (3, mute, &[1.0; 4])],
        );
        assert!(out.iter().zip([0.6, 0.7, 0.8, 0.9]).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn a_changed_gain_is_a_ramp() {
        let mut mixer = Mixer::new();
        mix(&mut mixer, &[(1, MixerInput::default(), &[1.0; 4])]);
        let mute = MixerInput { mute: true, ..MixerInput::default() };
        assert_eq!(mix(&mut mixer, &[(1, mute, &[1.0; 4])]), [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(mix(&mut mixer, &[(1, mute, &[1.0; 4])]), [0.0; 4]);
    }

    #[test]
    fn values_out_of_range_are_errors() {
        assert!(MixerInput { gain_db: f64::NAN, ..MixerInput::default() }.validate().is_err());
        assert!(MixerInput { gain_db: f64::NEG_INFINITY, ..MixerInput::default() }.validate().is_ok());
        assert!(MixerInput { sync_offset: 1e9, ..MixerInput::default() }.validate().is_err());
    }
}
