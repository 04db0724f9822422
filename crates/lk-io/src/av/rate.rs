// SPDX-License-Identifier: GPL-2.0-or-later
//! Stereo floats from one rate to another (libswresample), for devices: what it needs it takes when it is made.

use ffmpeg_next::ffi;
use lk_media::{CHANNELS, Error, Result};
use std::ffi::c_int;
use std::ptr::{self, NonNull};

/// A running conversion.
pub(crate) struct RateConverter {
    context: NonNull<ffi::SwrContext>,
    from: u32,
    to: u32,
}

// SAFETY: a resampler may be used from any thread, one at a time; `&mut self` sees to that.
#[allow(unsafe_code)]
unsafe impl Send for RateConverter {}

impl RateConverter {
    /// From so many frames a second to so many, for at most `most` of them at a time.
    #[allow(unsafe_code)]
    pub(crate) fn new(from: u32, to: u32, most: usize) -> Result<Self> {
        // SAFETY: the layouts are plain values made here, and the context is owned from its allocation on.
        let context = unsafe {
            let mut layout: ffi::AVChannelLayout = std::mem::zeroed();
            ffi::av_channel_layout_default(&mut layout, CHANNELS as c_int);
            // `const` to some versions of the library and not to others
            let stereo = &raw mut layout;
            let mut raw = ptr::null_mut();
            let float = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT;
            let (from, to) = (from as c_int, to as c_int);
            let code = ffi::swr_alloc_set_opts2(
                &mut raw,
                stereo,
                float,
                to,
                stereo,
                float,
                from,
                0,
                ptr::null_mut(),
            );
            match NonNull::new(raw) {
                Some(context) if code >= 0 => context,
                _ => {
                    ffi::swr_free(&mut raw);
                    return Err(Error::internal("no resampler"));
                }
            }
        };
        let mut this = Self { context, from, to };
        // SAFETY: the context is whole and not yet in use.
        if unsafe { ffi::swr_init(this.context.as_ptr()) } < 0 {
            return Err(Error::internal(format!("no resampler from {from} to {to} Hz")));
        }
        // its memory is taken now, for the most there will be
        let (silence, mut out) = (vec![0.0; most * CHANNELS], vec![0.0; this.most_of(most) * CHANNELS]);
        for _ in 0..3 {
            this.convert(&silence, &mut out);
        }
        Ok(this)
    }

    /// At most so many frames come of `frames`.
    pub(crate) fn most_of(&self, frames: usize) -> usize {
        (frames as u64 * u64::from(self.to) / u64::from(self.from)) as usize + 64
    }

    /// Converts frames; how many there are in `out` now, which has room for [`Self::most_of`] them.
    #[allow(unsafe_code)]
    pub(crate) fn convert(&mut self, frames: &[f32], out: &mut [f32]) -> usize {
        let (count, room) = ((frames.len() / CHANNELS) as c_int, (out.len() / CHANNELS) as c_int);
        let (mut from, mut to) = (frames.as_ptr().cast::<u8>(), out.as_mut_ptr().cast::<u8>());
        // SAFETY: as many frames are read and at most as many written as the slices have.
        let made = unsafe { ffi::swr_convert(self.context.as_ptr(), &mut to, room, &mut from, count) };
        usize::try_from(made).unwrap_or(0)
    }

    /// Frames that went in and have not come out yet, counted at `rate`.
    #[allow(unsafe_code)]
    pub(crate) fn held(&self, rate: u32) -> i64 {
        // SAFETY: a context that is whole.
        unsafe { ffi::swr_get_delay(self.context.as_ptr(), i64::from(rate)) }
    }
}

impl Drop for RateConverter {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: allocated by `new` and freed nowhere else.
        unsafe { ffi::swr_free(&mut context) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn a_tone_keeps_its_level_and_its_place() {
        for (from, to) in
            [(48_000, 44_100), (44_100, 48_000), (48_000, 96_000), (96_000, 48_000), (8_000, 48_000)]
        {
            let mut converter = RateConverter::new(from, to, 480).unwrap();
            let tone = |n: f64, rate: u32| (0.1 * (TAU * 1000.0 * n / f64::from(rate)).sin()) as f32;
            let (mut went, mut came, mut error) = (0i64, 0i64, 0.0f32);
            let mut out = vec![0.0; converter.most_of(480) * CHANNELS];
            // what the silence at the beginning has left in it comes first
            let held = converter.held(to);
            for _ in 0..200 {
                let frames: Vec<f32> = (went..went + 480).flat_map(|n| [tone(n as f64, from); 2]).collect();
                went += 480;
                let made = converter.convert(&frames, &mut out);
                for n in 0..made as i64 {
                    let place = came + n - held;
                    if place > 4000 {
                        error = error.max((out[n as usize * CHANNELS] - tone(place as f64, to)).abs());
                    }
                }
                came += made as i64;
                let expected = went * i64::from(to) / i64::from(from) + held - converter.held(to);
                assert!((came - expected).abs() <= 1, "{came} frames, not {expected}");
            }
            println!("{from} to {to}: off by {error} at most, {held} held");
            // a fraction of a frame is not told
            assert!(error < 0.02, "{from} to {to}: off by {error}");
        }
    }
}
