// SPDX-License-Identifier: GPL-2.0-or-later
//! Any sound as interleaved 48 kHz stereo floats (libswresample).
//!
//! Levels are libswresample's and those of `ffmpeg -ac 2`: mono goes to both sides at -3 dB; of surround, the
//! centre and the surround channels are added at -3 dB, so that loud mixes may exceed 1.0.

use ffmpeg_next::{Frame, ffi};
use lk_media::{CHANNELS, Error, ErrorKind, Result, SAMPLE_RATE};
use std::ffi::c_int;
use std::ptr::{self, NonNull};

/// What sound is, without its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SoundShape {
    pub(crate) rate: i64,
    format: c_int,
    channels: c_int,
    mask: u64,
}

impl SoundShape {
    /// The shape of a decoded piece; None if it makes no sense.
    #[allow(unsafe_code)]
    pub(crate) fn of(piece: &Frame) -> Option<Self> {
        // SAFETY: plain fields of an allocated frame; the mask is only read where the order says it is one, and
        // the order is read as the number it is.
        unsafe {
            let f = piece.as_ptr();
            let layout = &raw const (*f).ch_layout;
            let order = (&raw const (*layout).order).cast::<c_int>().read();
            let native = order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as c_int;
            let shape = Self {
                rate: i64::from((*f).sample_rate),
                format: (*f).format,
                channels: (*layout).nb_channels,
                mask: if native { (*layout).u.mask } else { 0 },
            };
            let format = 0..ffi::AVSampleFormat::AV_SAMPLE_FMT_NB as c_int;
            let sane = (1000..=1_000_000).contains(&shape.rate)
                && (1..=64).contains(&shape.channels)
                && format.contains(&shape.format);
            sane.then_some(shape)
        }
    }

    /// Input samples after which input and output samples meet again.
    pub(crate) fn cycle(&self) -> i64 {
        self.rate / gcd(self.rate, i64::from(SAMPLE_RATE))
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A running conversion.
pub(crate) struct Resampler {
    context: NonNull<ffi::SwrContext>,
    shape: SoundShape,
}

// SAFETY: a resampler may be used from any thread, one at a time; `&mut self` sees to that.
#[allow(unsafe_code)]
unsafe impl Send for Resampler {}

impl Resampler {
    /// For sound of `shape`; `silence` input samples go before the first.
    #[allow(unsafe_code)]
    pub(crate) fn new(shape: SoundShape, silence: i64) -> Result<Self> {
        // SAFETY: the layouts are plain values made here, the context is owned from its allocation on, and the
        // sample format was checked to be one of the enum's values, which has the C type's size.
        unsafe {
            let mut to: ffi::AVChannelLayout = std::mem::zeroed();
            let mut from: ffi::AVChannelLayout = std::mem::zeroed();
            ffi::av_channel_layout_default(&mut to, CHANNELS as c_int);
            if shape.mask == 0 || ffi::av_channel_layout_from_mask(&mut from, shape.mask) < 0 {
                ffi::av_channel_layout_default(&mut from, shape.channels);
            }
            let mut raw = ptr::null_mut();
            let code = ffi::swr_alloc_set_opts2(
                &mut raw,
                &mut to,
                ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT,
                SAMPLE_RATE as c_int,
                &mut from,
                std::mem::transmute::<c_int, ffi::AVSampleFormat>(shape.format),
                shape.rate as c_int,
                0,
                ptr::null_mut(),
            );
            let Some(context) = NonNull::new(raw).filter(|_| code >= 0) else {
                ffi::swr_free(&mut raw);
                return Err(failed(code));
            };
            let resampler = Self { context, shape };
            check(ffi::swr_init(context.as_ptr()))?;
            if silence > 0 {
                check(ffi::swr_inject_silence(context.as_ptr(), silence as c_int))?;
            }
            Ok(resampler)
        }
    }

    /// What it was made for.
    pub(crate) fn shape(&self) -> SoundShape {
        self.shape
    }

    /// Converts a piece; None: no more come. What comes out is appended to `out`.
    #[allow(unsafe_code)]
    pub(crate) fn convert(&mut self, piece: Option<&Frame>, out: &mut Vec<f32>) -> Result<()> {
        // SAFETY: the piece has the shape this was made for, so FFmpeg reads as many planes of as many samples as
        // it has; `out` gets room for the upper bound FFmpeg gives before it is written.
        unsafe {
            let (data, samples) = match piece {
                Some(piece) => ((*piece.as_ptr()).extended_data.cast(), (*piece.as_ptr()).nb_samples),
                None => (ptr::null_mut(), 0),
            };
            let most = ffi::swr_get_out_samples(self.context.as_ptr(), samples);
            check(most)?;
            let start = out.len();
            out.resize(start + (most as usize + 64) * CHANNELS, 0.0);
            let mut place = out[start..].as_mut_ptr().cast::<u8>();
            let written = ffi::swr_convert(self.context.as_ptr(), &mut place, most + 64, data, samples);
            out.truncate(start + written.max(0) as usize * CHANNELS);
            check(written)
        }
    }
}

impl Drop for Resampler {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: allocated by `new` and freed nowhere else.
        unsafe { ffi::swr_free(&mut context) };
    }
}

fn failed(code: c_int) -> Error {
    let error = ffmpeg_next::Error::from(code);
    Error::new(ErrorKind::Media, format!("its sound cannot be converted to 48 kHz stereo: {error}"))
}

fn check(code: c_int) -> Result<()> {
    if code >= 0 { Ok(()) } else { Err(failed(code)) }
}
