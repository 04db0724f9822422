// SPDX-License-Identifier: GPL-2.0-or-later
//! The pictures of one stream, in the order they are shown, from any place.

use super::decode::Decoder;
use super::filter::Orientation;
use super::input::{Input, Medium};
use super::picture_decoder::PictureDecoder;
use crate::media_file::OpenOptions;
use ffmpeg_next::{ffi, packet};
use lk_media::{Frame, Result, Timestamp};
use std::ffi::c_int;

pub(crate) use super::picture_decoder::{Picture, Step};

/// Reads pictures.
pub(crate) struct VideoReader {
    input: Input,
    stream: usize,
    pictures: PictureDecoder,
}

impl VideoReader {
    /// Opens the pictures of `name`; Media if there are none that can be decoded.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        let mut input = Input::open(name, options)?;
        let Some(stream) = input.choose(Medium::Video)? else {
            return Err(input
                .media_error("no video in it")
                .with_hint("it may be a sound file: look with MediaInfo"));
        };
        input.read_only(&[stream]);
        let pictures = PictureDecoder::open(&input, stream)?;
        let mut reader = Self { input, stream, pictures };
        let Some(first) = reader.next()? else {
            return Err(reader.input.media_error("no picture in it can be decoded"));
        };
        reader.pictures.begin_with(first);
        Ok(reader)
    }

    /// The file, for names and lengths.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The time of the first picture.
    pub(crate) fn first(&self) -> Timestamp {
        self.pictures.first()
    }

    /// Where the pictures end, by what the container says.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.input.stream_end(self.stream).map(Timestamp::from_nanos).or_else(|| self.input.duration())
    }

    /// Damaged packets so far.
    pub(crate) fn damaged(&self) -> u64 {
        self.pictures.damaged()
    }

    /// How far before a picture decoding must begin for it to be the same as in one go.
    pub(crate) fn lead_nanos(&self) -> i64 {
        self.pictures.lead_nanos()
    }

    /// The next picture, None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Picture>> {
        loop {
            match self.pictures.next()? {
                Step::Got(picture) => return Ok(Some(picture)),
                Step::Over => return Ok(None),
                Step::Hungry => match self.input.read()? {
                    Some(packet) if packet.stream() == self.stream => self.pictures.feed(Some(&packet))?,
                    Some(_) => {}
                    None => self.pictures.feed(None)?,
                },
            }
        }
    }

    /// Goes to the key frame at or before `to`; false if the container cannot. What comes next may still be
    /// later than `to`: then go further back, or rewind.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<bool> {
        let to = to.offset(self.pictures.late_nanos());
        if self.pictures.is_untimed() || !self.input.seek(self.stream, to)? {
            return Ok(false);
        }
        self.pictures.restart(true);
        Ok(true)
    }

    /// Goes to the first picture, by opening the file again if it must.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        let first = self.first();
        if self.seek(first)?
            && let Some(picture) = self.next()?
            && picture.pts <= first
        {
            self.pictures.give_back(picture);
            return Ok(());
        }
        self.input.reopen()?;
        self.input.check_stream(self.stream, Medium::Video)?;
        self.input.read_only(&[self.stream]);
        self.pictures.replace(Decoder::open(&self.input, self.stream)?);
        self.pictures.restart(false);
        Ok(())
    }

    /// Whether seeking to `to` saves work over decoding on from `from`.
    pub(crate) fn seek_pays(&mut self, from: Timestamp, to: Timestamp) -> bool {
        let to = to.offset(self.pictures.late_nanos());
        !self.pictures.is_untimed()
            && self.input.indexed_key_before(self.stream, to).is_none_or(|key| key > from)
    }

    /// The picture as a frame: upright, with square pixels, due at its media time.
    pub(crate) fn frame(&mut self, picture: &Picture) -> Result<Frame> {
        self.pictures.frame(picture)
    }
}

/// The display matrix of a stream.
pub(crate) fn orientation(input: &Input, stream: usize) -> Orientation {
    let Some(stream) = input.stream(stream) else { return Orientation::default() };
    let matrix = stream.side_data().find(|d| d.kind() == packet::side_data::Type::DisplayMatrix);
    let Some(bytes) = matrix.as_ref().map(|m| m.data()).filter(|d| d.len() >= 36) else {
        return Orientation::default();
    };
    let mut numbers = [0; 9];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Orientation::from_matrix(&numbers)
}

/// Frames a second as a fraction, as far as FFmpeg can guess.
#[allow(unsafe_code)]
pub(crate) fn frame_rate(input: &Input, stream: usize) -> Option<(c_int, c_int)> {
    // SAFETY: an open context and one of its streams.
    let rate = unsafe {
        ffi::av_guess_frame_rate(input.context_ptr(), input.stream_ptr(stream), std::ptr::null_mut())
    };
    (rate.num > 0 && rate.den > 0).then_some((rate.num, rate.den))
}

/// The usual length of a picture, if the frame rate makes sense.
pub(crate) fn frame_nanos(input: &Input, stream: usize) -> Option<i64> {
    let (num, den) = frame_rate(input, stream)?;
    let nanos = i64::from(den).saturating_mul(1_000_000_000) / i64::from(num);
    (1_000_000..=10_000_000_000).contains(&nanos).then_some(nanos)
}
