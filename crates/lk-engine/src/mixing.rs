// SPDX-License-Identifier: GPL-2.0-or-later
//! Blocks of mixed sound, one after the other, each sample position once.

use crate::draft::{Commit, SoundId};
use lk_compositor::{Mixer, Sound};
use lk_media::{AudioBlock, AudioSource, CHANNELS, Result};
use std::collections::BTreeMap;

/// Samples mixed at a time: gain ramps are the same in live and offline runs.
pub(crate) const BLOCK: u64 = 480;

/// Where a run's mixing stands.
pub(crate) struct Mixing {
    mixer: Mixer,
    next: u64,
}

/// A mixed block and what each input brought to it, before its gain.
pub(crate) struct Mixed {
    pub(crate) block: AudioBlock,
    pub(crate) heard: Vec<(SoundId, Vec<f32>)>,
}

impl Mixing {
    /// Begins at sample `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self { mixer: Mixer::new(), next: first }
    }

    /// The first sample of the next block.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The first sample after the next block. Blocks end at multiples of their length.
    pub(crate) fn next_end(&self) -> u64 {
        self.next + BLOCK - self.next % BLOCK
    }

    /// Mixes the next block. `read` fills the samples of one sound from a place on.
    pub(crate) fn block(
        &mut self,
        commit: &Commit,
        mut read: impl FnMut(SoundId, &dyn AudioSource, i64, &mut [f32]) -> Result<()>,
    ) -> Result<Mixed> {
        let first = self.next;
        let frames = (self.next_end() - first) as usize;
        let mut heard: Vec<(SoundId, Vec<f32>)> = Vec::with_capacity(commit.sounds.len());
        for (id, source) in &commit.sounds {
            let Some(input) = commit.scene.mixer.inputs.get(id) else { continue };
            let mut samples = vec![0.0; frames * CHANNELS];
            read(*id, &**source, first as i64 - input.offset_samples(), &mut samples)?;
            heard.push((*id, samples));
        }
        let sounds: BTreeMap<SoundId, Sound<'_>> = heard
            .iter()
            .filter_map(|(id, samples)| {
                Some((*id, Sound { input: *commit.scene.mixer.inputs.get(id)?, samples }))
            })
            .collect();
        let mut out = vec![0.0; frames * CHANNELS];
        self.mixer.mix(&commit.scene.mixer, &sounds, &mut out);
        self.next += frames as u64;
        Ok(Mixed { block: AudioBlock { position: first, samples: out.into() }, heard })
    }
}

/// A block without what lies at sample `end` and after it.
pub(crate) fn cut(block: AudioBlock, end: u64) -> AudioBlock {
    let keep = end.saturating_sub(block.position).min(block.len() as u64) as usize;
    if keep == block.len() {
        return block;
    }
    AudioBlock { position: block.position, samples: block.samples[..keep * CHANNELS].into() }
}
