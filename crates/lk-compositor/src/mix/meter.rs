// SPDX-License-Identifier: GPL-2.0-or-later
//! How loud it is.

use lk_media::{CHANNELS, SAMPLE_RATE};
use serde::Serialize;
use std::collections::BTreeMap;

use super::MixId;

/// Samples measured together: 10 ms.
const SLOT: u64 = SAMPLE_RATE as u64 / 100;
/// Slots that a level looks back: 300 ms.
const WINDOW: usize = 30;
/// How long the highest peak is held, in slots: 2 s.
const HOLD: u64 = 200;

/// How loud it was, left and right; 1.0 is full scale (0 dBFS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Level {
    /// The highest absolute sample of the last 300 ms.
    pub peak: [f32; CHANNELS],
    /// The root of the mean of the squares of the last 300 ms.
    pub rms: [f32; CHANNELS],
    /// The highest peak; one that is not reached again for 2 s gives way to the present one.
    pub hold: [f32; CHANNELS],
    /// Samples beyond full scale since the run began or meters were reset, both sides together.
    pub clips: u64,
}

/// The levels of a mixer, behind all gains.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Of the mixes, behind their limiters.
    pub mixes: BTreeMap<MixId, Level>,
    /// Of each sound by number, behind its gain, mute and balance.
    pub inputs: BTreeMap<u64, Level>,
}

impl Levels {
    /// That of the main mix.
    pub fn main(&self) -> Level {
        self.mixes.get(&MixId::MAIN).copied().unwrap_or_default()
    }
}

/// The highest absolute sample.
pub(super) fn peak(samples: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let parts = samples.chunks_exact(lanes.len());
    let rest = parts.remainder().iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    for part in parts {
        lanes.iter_mut().zip(part).for_each(|(peak, s)| *peak = peak.max(s.abs()));
    }
    lanes.into_iter().fold(rest, f32::max)
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which one it is, counted from the first sample; it is told by its number that another has taken its place.
    number: u64,
    peak: [f32; CHANNELS],
    squares: [f64; CHANNELS],
    count: u64,
}

impl Slot {
    fn add(&mut self, samples: &[f32]) -> u64 {
        // four samples of either side at a time
        let (mut peaks, mut squares, mut clips) = ([0.0_f32; 8], [0.0_f32; 8], [0_u32; 8]);
        let mut add = |samples: &[f32]| {
            for (lane, sample) in samples.iter().enumerate() {
                peaks[lane] = peaks[lane].max(sample.abs());
                squares[lane] += sample * sample;
                clips[lane] += u32::from(sample.abs() > 1.0);
            }
        };
        let parts = samples.chunks_exact(8);
        let rest = parts.remainder();
        parts.for_each(&mut add);
        add(rest);
        for lane in 0..8 {
            let side = lane % CHANNELS;
            self.peak[side] = self.peak[side].max(peaks[lane]);
            self.squares[side] += f64::from(squares[lane]);
        }
        self.count += (samples.len() / CHANNELS) as u64;
        clips.iter().map(|n| u64::from(*n)).sum()
    }
}

/// Measures one sound. Memory is taken once.
pub(super) struct Meter {
    slots: [Slot; WINDOW],
    hold: [(f32, u64); CHANNELS],
    clips: u64,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { slots: [Slot::default(); WINDOW], hold: [(0.0, 0); CHANNELS], clips: 0 }
    }

    /// Adds samples, the first of which has place `first`.
    pub(super) fn add(&mut self, first: u64, samples: &[f32]) {
        let (mut place, mut rest) = (first, samples);
        while !rest.is_empty() {
            let here = ((SLOT - place % SLOT) as usize * CHANNELS).min(rest.len());
            let (part, later) = rest.split_at(here);
            self.add_slot(place / SLOT, part);
            (place, rest) = (place + (here / CHANNELS) as u64, later);
        }
    }

    fn add_slot(&mut self, number: u64, samples: &[f32]) {
        let slot = &mut self.slots[(number % WINDOW as u64) as usize];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        self.clips += slot.add(samples);
        let peak = slot.peak;
        for (side, peak) in peak.into_iter().enumerate() {
            let (held, since) = self.hold[side];
            if peak >= held {
                self.hold[side] = (peak, number);
            } else if number.saturating_sub(since) >= HOLD {
                self.hold[side] = (self.level(number).peak[side], number);
            }
        }
    }

    fn level(&self, newest: u64) -> Level {
        let mut level = Level { clips: self.clips, ..Level::default() };
        let (mut squares, mut count) = ([0.0_f64; CHANNELS], 0);
        for slot in self.slots.iter().filter(|s| s.number + WINDOW as u64 > newest) {
            count += slot.count;
            for (side, sum) in squares.iter_mut().enumerate() {
                level.peak[side] = level.peak[side].max(slot.peak[side]);
                *sum += slot.squares[side];
            }
        }
        level.rms = squares.map(|sum| (sum / count.max(1) as f64).sqrt() as f32);
        level.hold = self.hold.map(|(peak, _)| peak);
        level
    }

    /// The levels now, where the last samples were added.
    pub(super) fn read(&self) -> Level {
        self.level(self.slots.iter().map(|s| s.number).max().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db(value: f32) -> f64 {
        20.0 * f64::from(value).log10()
    }

    fn measured(first: u64, seconds: f64, block: usize, sound: impl Fn(u64) -> [f32; 2]) -> Level {
        let mut meter = Meter::new();
        feed(&mut meter, first, seconds, block, sound);
        meter.read()
    }

    fn feed(meter: &mut Meter, first: u64, seconds: f64, block: usize, sound: impl Fn(u64) -> [f32; 2]) {
        let samples: Vec<f32> = (first..first + (seconds * 48_000.0) as u64).flat_map(sound).collect();
        let mut at = first;
        for part in samples.chunks(block * CHANNELS) {
            meter.add(at, part);
            at += (part.len() / CHANNELS) as u64;
        }
    }

    #[test]
    fn levels_of_known_sounds() {
        // full-scale sine at 997 Hz: peak 0, rms -3.01; square: both alike; whatever the blocks
        for (first, block) in [(0, 480), (1_000_000_007, 160), (5, 1), (123, 700)] {
            let sine = |n: u64| (n as f64 * 997.0 / 48_000.0 * std::f64::consts::TAU).sin() as f32;
            let level = measured(first, 1.0, block, |n| [sine(n), 0.1 * sine(n)]);
            for (value, expected) in [
                (level.peak[0], 0.0),
                (level.rms[0], -3.0103),
                (level.hold[0], 0.0),
                (level.peak[1], -20.0),
                (level.rms[1], -23.0103),
            ] {
                assert!((db(value) - expected).abs() < 0.05, "{level:?}");
            }
            assert_eq!(level.clips, 0);
        }
        let square = measured(0, 0.5, 480, |n| [if n / 24 % 2 == 0 { 0.5 } else { -0.5 }, 0.0]);
        assert!((db(square.rms[0]) + 6.0206).abs() < 0.01 && square.rms[1] == 0.0);
    }

    #[test]
    fn a_peak_leaves_the_window_is_held_and_clips_are_counted() {
        let mut meter = Meter::new();
        feed(&mut meter, 0, 0.1, 480, |n| if n == 100 { [1.5, -1.25] } else { [0.25, 0.0] });
        let level = meter.read();
        assert_eq!((level.peak, level.hold, level.clips), ([1.5, 1.25], [1.5, 1.25], 2));
        feed(&mut meter, 4800, 0.3, 480, |_| [0.25, 0.0]);
        let level = meter.read();
        assert_eq!((level.peak, level.hold, level.clips), ([0.25, 0.0], [1.5, 1.25], 2));
        assert!((level.rms[0] - 0.25).abs() < 1e-6);
        feed(&mut meter, 19_200, 1.5, 480, |_| [0.25, 0.0]);
        assert_eq!(meter.read().hold, [1.5, 1.25]);
        feed(&mut meter, 91_200, 0.2, 480, |_| [0.25, 0.0]);
        assert_eq!((meter.read().hold, meter.read().clips), ([0.25, 0.0], 2));
    }
}
