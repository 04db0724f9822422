// SPDX-License-Identifier: GPL-2.0-or-later
//! How loud it is.

use crate::draft::SoundId;
use lk_compositor::MixerSettings;
use lk_media::{AudioBlock, CHANNELS};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// Blocks a level looks back: 300 ms.
const WINDOW: usize = 30;

/// The level of the last 300 ms, left and right; 1.0 is full scale (0 dBFS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Level {
    /// The highest absolute sample.
    pub peak: [f32; CHANNELS],
    /// The root of the mean of the squares.
    pub rms: [f32; CHANNELS],
}

/// The levels of a mixer, behind all gains.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Of the sum.
    pub master: Level,
    /// Of each sound by number.
    pub inputs: BTreeMap<SoundId, Level>,
}

#[derive(Clone, Copy, Default)]
struct Part {
    peak: [f32; CHANNELS],
    squares: [f64; CHANNELS],
    count: usize,
}

impl Part {
    fn of(samples: &[f32], gain: f32) -> Self {
        let mut part = Self { count: samples.len() / CHANNELS, ..Self::default() };
        for frame in samples.chunks_exact(CHANNELS) {
            for (channel, sample) in frame.iter().enumerate() {
                let sample = sample * gain;
                part.peak[channel] = part.peak[channel].max(sample.abs());
                part.squares[channel] += f64::from(sample) * f64::from(sample);
            }
        }
        part
    }
}

/// Measures levels block by block.
#[derive(Default)]
pub(super) struct Meter {
    master: VecDeque<Part>,
    inputs: BTreeMap<SoundId, VecDeque<Part>>,
}

impl Meter {
    /// Adds a block; the levels with it.
    pub(super) fn add(
        &mut self,
        settings: &MixerSettings,
        block: &AudioBlock,
        heard: &[(SoundId, Vec<f32>)],
    ) -> Levels {
        push(&mut self.master, Part::of(&block.samples, 1.0));
        self.inputs.retain(|id, _| heard.iter().any(|(h, _)| h == id));
        for (id, samples) in heard {
            let gain = settings.inputs.get(id).map_or(0.0, lk_compositor::MixerInput::factor);
            push(self.inputs.entry(*id).or_default(), Part::of(samples, gain));
        }
        Levels {
            master: level(&self.master),
            inputs: self.inputs.iter().map(|(id, parts)| (*id, level(parts))).collect(),
        }
    }
}

fn push(parts: &mut VecDeque<Part>, part: Part) {
    if parts.len() == WINDOW {
        parts.pop_front();
    }
    parts.push_back(part);
}

fn level(parts: &VecDeque<Part>) -> Level {
    let mut level = Level::default();
    let count = parts.iter().map(|p| p.count).sum::<usize>().max(1) as f64;
    for channel in 0..CHANNELS {
        level.peak[channel] = parts.iter().fold(0.0, |peak, p| peak.max(p.peak[channel]));
        let squares: f64 = parts.iter().map(|p| p.squares[channel]).sum();
        level.rms[channel] = (squares / count).sqrt() as f32;
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_compositor::MixerInput;

    #[test]
    fn levels_of_a_tone_behind_its_gain() {
        let half = MixerInput { gain_db: -20.0, ..MixerInput::default() };
        let settings =
            MixerSettings { inputs: [(3, half)].into_iter().collect(), ..MixerSettings::default() };
        let mut meter = Meter::default();
        let mut levels = Levels::default();
        for n in 0..40u64 {
            let tone: Vec<f32> =
                (n * 480..(n + 1) * 480).flat_map(|k| [(k as f32 * 0.1).sin(), 0.0]).collect();
            let block = AudioBlock { position: n * 480, samples: tone.clone().into() };
            levels = meter.add(&settings, &block, &[(3, tone)]);
        }
        let near = |a: f32, b: f32| (a - b).abs() < 0.002;
        assert!(
            near(levels.master.peak[0], 1.0) && near(levels.master.rms[0], std::f32::consts::FRAC_1_SQRT_2),
            "{levels:?}"
        );
        assert!(near(levels.inputs[&3].peak[0], 0.1) && near(levels.inputs[&3].rms[0], 0.0707));
        assert_eq!((levels.master.peak[1], levels.master.rms[1]), (0.0, 0.0));
    }
}
