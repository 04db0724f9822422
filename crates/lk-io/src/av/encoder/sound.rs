// SPDX-License-Identifier: GPL-2.0-or-later
//! Encoding sound: 48 kHz stereo floats to whatever rate, channels, sample format and frame size a codec wants.

use super::{Draft, Running, Sink, fix_flags, refused};
use crate::av::error::{self, Doing};
use crate::av::output::{StreamInfo, StreamKind};
use crate::encode::refusal;
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::software::resampling::Context as Resampler;
use ffmpeg_next::{ChannelLayout, Rational, codec, frame};
use lk_media::{CHANNELS, Error, ErrorKind, Result, SAMPLE_RATE};

const OURS: Sample = Sample::F32(Type::Packed);
/// For codecs that take any number of samples at a time.
const FREE_FRAME: usize = 1024;

/// A sound encoder with its converter.
pub(crate) struct SoundEncoder {
    running: Running,
    /// None when the codec takes our samples as they are.
    resampler: Option<Resampler>,
    format: Sample,
    mono: bool,
    rate: u32,
    frame_size: usize,
    /// Converted samples not yet encoded; one queue a plane.
    waiting: Vec<Vec<u8>>,
    /// Samples encoded, per channel: the next frame's time.
    position: i64,
}

/// Newer FFmpeg's layouts hold pointers, which threads may not share: they are made where they are needed.
fn layout_of(mono: bool) -> ChannelLayout {
    if mono { ChannelLayout::MONO } else { ChannelLayout::STEREO }
}

impl Draft {
    /// Opens the encoder for sound at the rate nearest to `rate` (48 kHz if not said) that it can.
    #[allow(unsafe_code)]
    pub(crate) fn open_audio(self, rate: Option<u32>, global_header: bool) -> Result<SoundEncoder> {
        let wanted = rate.unwrap_or(SAMPLE_RATE);
        let list = self.codec.audio().map_err(|e| error::convert(e, Doing::Writing, &self.label))?;
        let rates: Vec<u32> = list.rates().map(|l| l.map(i32::unsigned_abs).collect()).unwrap_or_default();
        let nearest = rates.iter().copied().min_by_key(|r| r.abs_diff(wanted)).unwrap_or(wanted);
        if rate.is_some() && nearest != wanted {
            let rates: Vec<String> = rates.iter().map(u32::to_string).collect();
            let message = format!("the encoder {} cannot encode {wanted} samples a second", self.label);
            return Err(
                Error::new(ErrorKind::Encoder, message).with_hint(format!("it can {}", rates.join(", ")))
            );
        }
        let formats: Vec<Sample> = list.formats().map(Iterator::collect).unwrap_or_default();
        let format = choose_format(&formats);
        let layouts: Vec<ChannelLayout> = list.channel_layouts().map(Iterator::collect).unwrap_or_default();
        let mono = !layouts.is_empty() && !layouts.iter().any(|l| l.channels() == CHANNELS as i32);
        let layout = layout_of(mono);

        let (mut audio, label) = self.into_sound()?;
        audio.set_rate(nearest as i32);
        audio.set_format(format);
        audio.set_channel_layout(layout);
        let time_base = Rational(1, nearest as i32);
        audio.set_time_base(time_base);
        // SAFETY: the context is ours and not yet open.
        unsafe { fix_flags(audio.as_mut_ptr(), global_header) };
        let (opened, said) = refusal::listen(|| audio.open());
        let opened = opened.map_err(|e| refused(&label, e, &said))?;
        refusal::pass_on(&said);
        let frame_size = match opened.frame_size() as usize {
            0 => FREE_FRAME,
            size => size,
        };
        let info = StreamInfo::new(StreamKind::Audio, codec::Parameters::from(&opened.0), time_base, None);
        let resampler = if (format, layout, nearest) == (OURS, ChannelLayout::STEREO, SAMPLE_RATE) {
            None
        } else {
            let made = Resampler::get(OURS, ChannelLayout::STEREO, SAMPLE_RATE, format, layout, nearest);
            Some(made.map_err(|e| error::convert(e, Doing::Writing, &label))?)
        };
        let planes = if format.is_planar() { layout.channels() as usize } else { 1 };
        let running = Running { context: opened.0.0, label, info, default_duration: frame_size as i64 };
        let waiting = vec![Vec::new(); planes];
        Ok(SoundEncoder { running, resampler, format, mono, rate: nearest, frame_size, waiting, position: 0 })
    }
}

impl SoundEncoder {
    /// The encoder.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Encodes interleaved stereo samples.
    pub(crate) fn encode(&mut self, samples: &[f32], sink: Sink<'_>) -> Result<()> {
        // a second at most at a time, so that a long block takes little memory
        for part in samples.chunks(SAMPLE_RATE as usize * CHANNELS) {
            let count = part.len() / CHANNELS;
            let mut input = frame::Audio::new(OURS, count, ChannelLayout::STEREO);
            input.set_rate(SAMPLE_RATE);
            let bytes = count * CHANNELS * size_of::<f32>();
            let target = input
                .data_mut(0)
                .get_mut(..bytes)
                .ok_or_else(|| Error::new(ErrorKind::Memory, "no memory for sound to encode"))?;
            for (to, from) in target.chunks_exact_mut(size_of::<f32>()).zip(part) {
                to.copy_from_slice(&from.to_ne_bytes());
            }
            match &mut self.resampler {
                None => self.keep(&input),
                Some(resampler) => {
                    let mut output = frame::Audio::empty();
                    let room = count as u64 * u64::from(self.rate) / u64::from(SAMPLE_RATE) + 64;
                    output = allocated(output, self.format, room as usize, layout_of(self.mono));
                    let done = resampler.run(&input, &mut output);
                    done.map_err(|e| error::convert(e, Doing::Writing, &self.running.label))?;
                    self.keep(&output);
                }
            }
            self.drain(false, sink)?;
        }
        Ok(())
    }

    /// Encodes what is left and ends the stream.
    pub(crate) fn finish(&mut self, sink: Sink<'_>) -> Result<()> {
        while let Some(resampler) = self.resampler.as_mut().filter(|r| r.delay().is_some()) {
            let mut output = allocated(frame::Audio::empty(), self.format, FREE_FRAME, layout_of(self.mono));
            resampler
                .flush(&mut output)
                .map_err(|e| error::convert(e, Doing::Writing, &self.running.label))?;
            if output.samples() == 0 {
                break;
            }
            self.keep(&output);
        }
        self.drain(true, sink)?;
        self.running.send(None, sink)
    }

    /// Bytes of one sample in one plane.
    fn step(&self) -> usize {
        self.format.bytes()
            * if self.format.is_planar() { 1 } else { layout_of(self.mono).channels() as usize }
    }

    fn keep(&mut self, frame: &frame::Audio) {
        let bytes = frame.samples() * self.step();
        for (plane, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.extend_from_slice(&frame_plane(frame, plane)[..bytes]);
        }
    }

    fn drain(&mut self, all: bool, sink: Sink<'_>) -> Result<()> {
        let step = self.step();
        let mut at = 0;
        loop {
            let left = self.waiting[0].len() / step - at;
            let count = left.min(self.frame_size);
            if count == 0 || (count < self.frame_size && !all) {
                break;
            }
            let mut frame = frame::Audio::new(self.format, count, layout_of(self.mono));
            frame.set_rate(self.rate);
            frame.set_pts(Some(self.position));
            for (plane, waiting) in self.waiting.iter().enumerate() {
                let bytes = &waiting[at * step..(at + count) * step];
                frame_plane_mut(&mut frame, plane)
                    .get_mut(..bytes.len())
                    .ok_or_else(|| Error::new(ErrorKind::Memory, "no memory for sound to encode"))?
                    .copy_from_slice(bytes);
            }
            self.running.send(Some(&frame), sink)?;
            self.position += count as i64;
            at += count;
        }
        for waiting in &mut self.waiting {
            waiting.drain(..at * step);
        }
        Ok(())
    }
}

#[allow(unsafe_code)]
fn allocated(mut frame: frame::Audio, format: Sample, samples: usize, layout: ChannelLayout) -> frame::Audio {
    // SAFETY: the frame is empty and ours; a failed allocation leaves it without data, which is looked at.
    unsafe { frame.alloc(format, samples, layout) };
    frame
}

/// The bytes of a plane. FFmpeg says the size of the first only; all are of that size.
#[allow(unsafe_code)]
fn frame_plane(frame: &frame::Audio, plane: usize) -> &[u8] {
    // SAFETY: a frame with data has `linesize[0]` bytes in each of its planes; ours have at most two.
    unsafe {
        let raw = &*frame.as_ptr();
        if plane >= 2 || raw.data[plane].is_null() {
            return &[];
        }
        std::slice::from_raw_parts(raw.data[plane], raw.linesize[0].max(0) as usize)
    }
}

#[allow(unsafe_code)]
fn frame_plane_mut(frame: &mut frame::Audio, plane: usize) -> &mut [u8] {
    // SAFETY: as in `frame_plane`; the frame was just allocated and is shared with nobody.
    unsafe {
        let raw = &*frame.as_ptr();
        if plane >= 2 || raw.data[plane].is_null() {
            return &mut [];
        }
        std::slice::from_raw_parts_mut(raw.data[plane], raw.linesize[0].max(0) as usize)
    }
}

/// The format that keeps most of our floats.
fn choose_format(formats: &[Sample]) -> Sample {
    use Sample::{F32, F64, I16, I32};
    let order = [
        F32(Type::Planar),
        OURS,
        I32(Type::Planar),
        I32(Type::Packed),
        F64(Type::Planar),
        F64(Type::Packed),
        I16(Type::Planar),
        I16(Type::Packed),
    ];
    if formats.is_empty() {
        return OURS;
    }
    order.into_iter().find(|f| formats.contains(f)).unwrap_or(formats[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_that_keeps_most_is_chosen() {
        let short = Sample::I16(Type::Planar);
        assert!(choose_format(&[short, Sample::F32(Type::Planar)]) == Sample::F32(Type::Planar));
        assert!(choose_format(&[Sample::U8(Type::Packed), short]) == short);
        assert!(choose_format(&[]) == OURS);
    }
}
