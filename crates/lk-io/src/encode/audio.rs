// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound to packets.

use super::{AudioSettings, Packet, StreamInfo, StreamKind, choose};
use crate::av::encoder::Draft;
use crate::av::encoder::options::plain;
use crate::av::encoder::sound::SoundEncoder;
use lk_media::{AudioBlock, CHANNELS, Error, Result};

/// An encoder of sound. It starts no thread of ours and keeps no clock: times are counts of samples from the
/// first block on.
pub struct AudioEncoder {
    sound: SoundEncoder,
    /// The session's sample after the last one taken; None before the first.
    next: Option<u64>,
    samples: u64,
}

impl AudioEncoder {
    /// Opens the encoder; `global_header` as for pictures.
    pub fn open(settings: &AudioSettings, global_header: bool) -> Result<Self> {
        let asked = settings.codec.as_deref().unwrap_or("aac");
        let encoder = choose::encoder_for(asked, StreamKind::Audio, &settings.options)?;
        if settings.bitrate == Some(0) || settings.sample_rate == Some(0) {
            return Err(Error::parameter("bitrate and sample rate of sound must be more than 0"));
        }
        // sound encoders work on one thread
        let mut draft = Draft::new(&encoder.name, 1)?;
        let mut object = draft.object();
        let own_rate = |name: &str| matches!(plain(name), "b" | "q" | "global_quality" | "qscale" | "vbr");
        let said = settings.options.iter().any(|(name, _)| own_rate(name));
        let default = (!encoder.lossless && !said).then_some(AudioSettings::DEFAULT_BITRATE);
        if let Some(bitrate) = settings.bitrate.filter(|_| !encoder.lossless).or(default) {
            object.set("b", &bitrate.to_string())?;
        }
        for (name, value) in &settings.options {
            object.set(name, value)?;
        }
        let sound = draft.open_audio(settings.sample_rate, global_header)?;
        Ok(Self { sound, next: None, samples: 0 })
    }

    /// What a muxer has to know.
    pub fn stream(&self) -> StreamInfo {
        self.sound.running().info().clone()
    }

    /// The encoder's name: "aac".
    pub fn name(&self) -> &str {
        self.sound.running().name()
    }

    /// Samples taken, per channel.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Encodes a block. The first one's position is the start of the stream; what is missing before a later one
    /// is silence, and what was there already is left out, so that sound never moves against the picture.
    pub fn encode(&mut self, block: &AudioBlock, sink: &mut dyn FnMut(Packet) -> Result<()>) -> Result<()> {
        if !block.samples.len().is_multiple_of(CHANNELS) {
            return Err(Error::format(format!("{} samples are not whole pairs", block.samples.len())));
        }
        self.encode_at(block.position, &block.samples, sink).map(|_| ())
    }

    /// Encodes interleaved samples that belong to `position`; how much silence (per channel) was put before them.
    pub(crate) fn encode_at(
        &mut self,
        position: u64,
        samples: &[f32],
        sink: &mut dyn FnMut(Packet) -> Result<()>,
    ) -> Result<u64> {
        let silent = self.fill_until(position, sink)?;
        let next = self.next.unwrap_or(position);
        let count = (samples.len() / CHANNELS) as u64;
        let known = next.saturating_sub(position).min(count);
        self.sound.encode(&samples[known as usize * CHANNELS..], sink)?;
        self.samples += count - known;
        self.next = Some(next.max(position + count));
        Ok(silent)
    }

    /// Makes `position` the start of the stream, whatever the position of the first block.
    pub(crate) fn start_at(&mut self, position: u64) {
        self.next.get_or_insert(position);
    }

    /// Encodes silence up to `position`, or starts the stream there; how much (per channel).
    pub(crate) fn fill_until(
        &mut self,
        position: u64,
        sink: &mut dyn FnMut(Packet) -> Result<()>,
    ) -> Result<u64> {
        let next = *self.next.get_or_insert(position);
        let silence = [0.0; 4800 * CHANNELS];
        let missing = position.saturating_sub(next);
        let mut left = missing;
        while left > 0 {
            let part = left.min(4800);
            self.sound.encode(&silence[..part as usize * CHANNELS], sink)?;
            self.samples += part;
            left -= part;
            self.next = Some(position - left);
        }
        Ok(missing)
    }

    /// Ends the stream; `sink` is given the rest.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Packet) -> Result<()>) -> Result<()> {
        self.sound.finish(sink)
    }
}
