// SPDX-License-Identifier: GPL-2.0-or-later
//! Blocks of mixed sound, one after the other, each sample position once.

use crate::draft::{Commit, SoundId};
use lk_compositor::{Levels, MixId, Mixer};
use lk_media::{AudioBlock, AudioSource, CHANNELS, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Samples mixed at a time: edits take effect at the same places in live and offline runs.
pub(crate) const BLOCK: u64 = 480;
/// Blocks in memory that is used again, once nobody has them any more.
const POOLED: usize = 128;
/// So many of them are made with the first: a target that is late for once holds more of them than before.
const READY: usize = 16;

/// Where a run's mixing stands.
pub(crate) struct Mixing {
    mixer: Mixer,
    revision: Option<u64>,
    /// What is heard, and what was taken away and fades.
    sources: BTreeMap<SoundId, Arc<dyn AudioSource>>,
    first: u64,
    blocks: Blocks,
}

impl Mixing {
    /// Begins at sample `first`.
    pub(crate) fn new(first: u64) -> Self {
        let blocks = Blocks { ring: Vec::with_capacity(POOLED), next: 0 };
        Self { mixer: Mixer::new(first), revision: None, sources: BTreeMap::new(), first, blocks }
    }

    /// The first sample of the next block.
    pub(crate) fn next(&self) -> u64 {
        self.mixer.next()
    }

    /// The first sample after the next block. Blocks end at multiples of their length.
    pub(crate) fn next_end(&self) -> u64 {
        let next = self.next();
        next + BLOCK - next % BLOCK
    }

    /// Mixes the next block; how many samples were late. `read` fills the samples of one sound from a place on, and
    /// says how many of them were not there in time.
    pub(crate) fn block(
        &mut self,
        commit: &Commit,
        mut read: impl FnMut(SoundId, &dyn AudioSource, i64, &mut [f32]) -> Result<usize>,
    ) -> Result<usize> {
        if self.revision.replace(commit.revision) != Some(commit.revision) {
            self.mixer.take_up(&commit.scene.mixer);
            self.sources.extend(commit.sounds.iter().map(|(id, source)| (*id, source.clone())));
        }
        self.first = self.next();
        let (frames, sources) = ((self.next_end() - self.first) as usize, &self.sources);
        let late = self.mixer.mix(frames, |id, place, out| match sources.get(&id) {
            Some(source) => read(id, &**source, place, out),
            None => {
                out.fill(0.0);
                Ok(0)
            }
        })?;
        let mixer = &self.mixer;
        self.sources.retain(|id, _| mixer.hears(*id));
        Ok(late)
    }

    /// Whether a sound is still read, be it only to fade.
    pub(crate) fn hears(&self, id: SoundId) -> bool {
        self.sources.contains_key(&id)
    }

    /// What the last block has of a mix.
    pub(crate) fn samples(&self, mix: MixId) -> Option<&[f32]> {
        self.mixer.output(mix)
    }

    /// The last block of a mix.
    pub(crate) fn last(&mut self, mix: MixId) -> Option<AudioBlock> {
        let samples = self.blocks.copy(self.mixer.output(mix)?);
        Some(AudioBlock { position: self.first, samples })
    }

    /// Whether sounds are read before their turn.
    pub(crate) fn looks_ahead(&self) -> bool {
        self.mixer.looks_ahead()
    }

    /// Writes how loud it is now into `levels`.
    pub(crate) fn read_levels(&self, levels: &mut Levels) {
        self.mixer.read_levels(levels);
    }

    /// Lets all meters begin again.
    pub(crate) fn reset_meters(&mut self) {
        self.mixer.reset_meters();
    }
}

/// Memory of blocks, used again where it can be.
struct Blocks {
    ring: Vec<Arc<[f32]>>,
    next: usize,
}

impl Blocks {
    fn copy(&mut self, samples: &[f32]) -> Arc<[f32]> {
        if samples.len() != BLOCK as usize * CHANNELS {
            return samples.into();
        }
        if self.ring.is_empty() {
            self.ring.extend((0..READY).map(|_| Arc::from(samples)));
        }
        for _ in 0..self.ring.len() {
            self.next = (self.next + 1) % self.ring.len();
            let block = &mut self.ring[self.next];
            if let Some(free) = Arc::get_mut(block) {
                free.copy_from_slice(samples);
                return block.clone();
            }
        }
        let block: Arc<[f32]> = samples.into();
        if self.ring.len() < POOLED {
            self.ring.push(block.clone());
        }
        block
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
