// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound of one stream as 48 kHz stereo, from any place.

use super::decode::Decoder;
use super::input::{Input, Medium};
use super::picture_decoder::Step;
use super::sound_decoder::SoundDecoder;
use crate::media_file::OpenOptions;
use lk_media::{Result, Timestamp};

pub(crate) use super::sound_decoder::Piece;

/// Reads sound.
pub(crate) struct SoundReader {
    input: Input,
    stream: usize,
    sound: SoundDecoder,
}

impl SoundReader {
    /// Opens the sound of `name`; Media if there is none that can be decoded.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        let mut input = Input::open(name, options)?;
        let Some(stream) = input.choose(Medium::Audio)? else {
            return Err(input.media_error("no sound in it").with_hint("MediaInfo tells what there is"));
        };
        input.read_only(&[stream]);
        let sound = SoundDecoder::open(&input, stream)?;
        let mut reader = Self { input, stream, sound };
        let Some(first) = reader.next()? else {
            return Err(reader.input.media_error("no sound in it can be decoded"));
        };
        reader.sound.begin_with(first);
        Ok(reader)
    }

    /// The file, for names and lengths.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The place of the first sample.
    pub(crate) fn first(&self) -> i64 {
        self.sound.first()
    }

    /// Where the sound ends, by what the container says.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.input.stream_end(self.stream).map(Timestamp::from_nanos).or_else(|| self.input.duration())
    }

    /// The next piece, None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            match self.sound.next()? {
                Step::Got(piece) => return Ok(Some(piece)),
                Step::Over => return Ok(None),
                Step::Hungry => match self.input.read()? {
                    Some(packet) if packet.stream() == self.stream => self.sound.feed(Some(&packet))?,
                    Some(_) => {}
                    None => self.sound.feed(None)?,
                },
            }
        }
    }

    /// Goes to somewhere at or before `to`; false if the container cannot. The decoder needs a moment until it
    /// is right again: go there early enough.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<bool> {
        if !self.input.seek(self.stream, to)? {
            return Ok(false);
        }
        self.sound.restart_sought();
        Ok(true)
    }

    /// Goes to the first sample, by opening the file again: priming is only skipped there.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        self.input.reopen()?;
        self.input.check_stream(self.stream, Medium::Audio)?;
        self.input.read_only(&[self.stream]);
        self.sound.restart_with(Decoder::open(&self.input, self.stream)?);
        Ok(())
    }
}
