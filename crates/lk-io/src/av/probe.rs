// SPDX-License-Identifier: GPL-2.0-or-later
//! What a container says about its streams before anything is decoded.

use super::from_av::Tags;
use super::input::Input;
use ffmpeg_next::ffi;
use std::ffi::{CStr, c_int};

/// A video stream as stored.
pub(crate) struct VideoParameters {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) aspect: ffi::AVRational,
    pub(crate) tags: Tags,
    pub(crate) interlaced: bool,
}

/// The stream's parameters; valid while the input is.
#[allow(unsafe_code)]
pub(crate) fn parameters(input: &Input, stream: usize) -> *const ffi::AVCodecParameters {
    // SAFETY: a plain field of a valid stream.
    unsafe { (*input.stream_ptr(stream)).codecpar }
}

/// What is known of a video stream.
#[allow(unsafe_code)]
pub(crate) fn video(input: &Input, stream: usize) -> VideoParameters {
    let p = parameters(input, stream);
    // SAFETY: plain fields of valid parameters; enums are read as the numbers they are.
    unsafe {
        let aspect = ffi::av_guess_sample_aspect_ratio(
            input.context_ptr(),
            input.stream_ptr(stream),
            std::ptr::null_mut(),
        );
        let order = (&raw const (*p).field_order).cast::<c_int>().read();
        VideoParameters {
            width: u32::try_from((*p).width).unwrap_or(0),
            height: u32::try_from((*p).height).unwrap_or(0),
            aspect,
            tags: Tags {
                format: (*p).format,
                space: (&raw const (*p).color_space).cast::<c_int>().read(),
                range: (&raw const (*p).color_range).cast::<c_int>().read(),
                siting: (&raw const (*p).chroma_location).cast::<c_int>().read(),
            },
            interlaced: order > ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE as c_int,
        }
    }
}

/// Samples a second, channels and the name of their layout.
#[allow(unsafe_code)]
pub(crate) fn audio(input: &Input, stream: usize) -> (u32, u32, String) {
    let p = parameters(input, stream);
    let mut text = [0; 128];
    // SAFETY: plain fields of valid parameters; the text ends with zero within the size given.
    unsafe {
        let layout = &raw const (*p).ch_layout;
        let code = ffi::av_channel_layout_describe(layout, text.as_mut_ptr(), text.len());
        let name = if code > 0 {
            CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
        } else {
            String::new()
        };
        let (rate, channels) = ((*p).sample_rate, (*layout).nb_channels);
        (u32::try_from(rate).unwrap_or(0), u32::try_from(channels).unwrap_or(0), name)
    }
}

/// Bits a second of a stream: what the container says, or the tag Matroska files carry.
#[allow(unsafe_code)]
pub(crate) fn bit_rate(input: &Input, stream: usize) -> Option<u64> {
    // SAFETY: a plain field of valid parameters.
    let stated = u64::try_from(unsafe { (*parameters(input, stream)).bit_rate }).ok();
    let tagged = || {
        let stream = input.stream(stream)?;
        let tags = stream.metadata();
        tags.iter()
            .find(|(key, _)| *key == "BPS" || key.starts_with("BPS-"))
            .and_then(|(_, v)| v.parse().ok())
    };
    stated.filter(|r| *r > 0).or_else(tagged)
}
