// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's encoders: which there are, how one is set up and opened, frames in, packets out.

pub(crate) mod options;
pub(crate) mod sound;

use super::error::{self, Doing};
use super::output::{Packet, StreamInfo, StreamKind};
use super::to_av::{Pixel, PixelInfo};
use crate::encode::{EncoderInfo, refusal};
use ffmpeg_next::codec::encoder::Encoder as Context;
use ffmpeg_next::{Codec, Rational, codec, color, ffi, media};
use lk_media::{Error, ErrorKind, FrameRate, Result, Size};
use options::Object;
use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

/// Where packets go.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Packet) -> Result<()>;

/// Text that FFmpeg keeps for as long as the process lives; empty for none.
///
/// # Safety
/// `text` is null or points to such text, ended by a zero.
#[allow(unsafe_code)]
pub(super) unsafe fn text(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")
}

/// Every encoder of pictures or sound there is.
#[allow(unsafe_code)]
pub(crate) fn all() -> &'static [EncoderInfo] {
    static ALL: OnceLock<Vec<EncoderInfo>> = OnceLock::new();
    ALL.get_or_init(|| {
        super::init();
        let mut found = Vec::new();
        let mut state = std::ptr::null_mut();
        loop {
            // SAFETY: FFmpeg keeps its place in `state`; what it returns lives as long as the process.
            let codec = unsafe { ffi::av_codec_iterate(&mut state) };
            if codec.is_null() {
                return found;
            }
            // SAFETY: as above, and the names are zero-terminated.
            unsafe {
                let kind = match (*codec).type_ {
                    ffi::AVMediaType::AVMEDIA_TYPE_VIDEO => StreamKind::Video,
                    ffi::AVMediaType::AVMEDIA_TYPE_AUDIO => StreamKind::Audio,
                    _ => continue,
                };
                if ffi::av_codec_is_encoder(codec) == 0 {
                    continue;
                }
                let name = text((*codec).name);
                let can = |flag: u32| (*codec).capabilities as u32 & flag != 0;
                let descriptor = ffi::avcodec_descriptor_get((*codec).id);
                let properties = if descriptor.is_null() { 0 } else { (*descriptor).props as u32 };
                let (lossy, lossless) = (
                    properties & ffi::AV_CODEC_PROP_LOSSY as u32,
                    properties & ffi::AV_CODEC_PROP_LOSSLESS as u32,
                );
                found.push(EncoderInfo {
                    name: name.to_owned(),
                    description: text((*codec).long_name).to_owned(),
                    codec: text(ffi::avcodec_get_name((*codec).id)).to_owned(),
                    kind,
                    hardware: can(ffi::AV_CODEC_CAP_HARDWARE)
                        || can(ffi::AV_CODEC_CAP_HYBRID)
                        || [
                            "_nvenc",
                            "_qsv",
                            "_vaapi",
                            "_amf",
                            "_mf",
                            "_omx",
                            "_v4l2m2m",
                            "_videotoolbox",
                            "_vulkan",
                        ]
                        .iter()
                        .any(|s| name.ends_with(s)),
                    experimental: can(ffi::AV_CODEC_CAP_EXPERIMENTAL),
                    lossless: lossless != 0 && lossy == 0,
                });
            }
        }
    })
}

/// An encoder being set up.
pub(crate) struct Draft {
    context: Context,
    codec: Codec,
    label: String,
}

/// What a picture encoder is given besides its options.
pub(crate) struct VideoSetup {
    pub(crate) size: Size,
    pub(crate) rate: FrameRate,
    pub(crate) pixel: Pixel,
    pub(crate) global_header: bool,
}

impl Draft {
    /// Prepares the encoder called `name`, which must be one of [`all`]. It may use `threads` threads.
    #[allow(unsafe_code)]
    pub(crate) fn new(name: &str, threads: u32) -> Result<Self> {
        super::init();
        let codec = codec::encoder::find_by_name(name)
            .ok_or_else(|| Error::internal(format!("the encoder {name} is listed and cannot be found")))?;
        let mut context = codec::Context::new_with_codec(codec);
        // SAFETY: only compares the pointer the context owns.
        if unsafe { context.as_mut_ptr().is_null() } {
            return Err(Error::new(ErrorKind::Memory, format!("{name}: no memory for the encoder")));
        }
        // SAFETY: the context is ours and not yet open.
        unsafe { (*context.as_mut_ptr()).thread_count = threads as c_int };
        Ok(Self { context: context.encoder(), codec, label: name.to_owned() })
    }

    /// What its options are set on.
    #[allow(unsafe_code)]
    pub(crate) fn object(&mut self) -> Object<'_> {
        // SAFETY: the context and its private data begin with their AVClass and live as long as `self`.
        unsafe { Object::new(self.context.as_mut_ptr().cast(), &self.label) }
    }

    /// The pixel formats it takes; empty if it does not say.
    pub(crate) fn pixels(&self) -> Vec<PixelInfo> {
        let formats = self.codec.video().ok().and_then(|v| v.formats());
        formats.map(|list| list.filter_map(|p| Pixel::from(p).info()).collect()).unwrap_or_default()
    }

    /// Opens it for pictures, tagged as `setup.pixel` says.
    #[allow(unsafe_code)]
    pub(crate) fn open_video(self, setup: &VideoSetup) -> Result<Running> {
        let time_base = Rational(setup.rate.den() as i32, setup.rate.num() as i32);
        let rate = Rational(setup.rate.num() as i32, setup.rate.den() as i32);
        let tags = setup.pixel.tags();
        let label = self.label;
        let mut video = self.context.video().map_err(|e| error::convert(e, Doing::Writing, &label))?;
        video.set_width(setup.size.width);
        video.set_height(setup.size.height);
        video.set_format(setup.pixel.0);
        video.set_time_base(time_base);
        video.set_frame_rate(Some(rate));
        video.set_aspect_ratio(Rational(1, 1));
        video.set_colorspace(tags.space);
        video.set_color_range(tags.range);
        video.set_color_primaries(color::Primaries::BT709);
        video.set_color_transfer_characteristic(tags.transfer);
        // SAFETY: the context is ours and not yet open.
        unsafe {
            (*video.as_mut_ptr()).chroma_sample_location = tags.location;
            fix_flags(video.as_mut_ptr(), setup.global_header);
        }
        let (opened, said) = refusal::listen(|| video.open());
        let opened = opened.map_err(|e| refused(&label, e, &said))?;
        refusal::pass_on(&said);
        let parameters = codec::Parameters::from(&opened.0);
        let info = StreamInfo::new(StreamKind::Video, parameters, time_base, Some(rate));
        Ok(Running { context: opened.0.0, label, info, default_duration: 1 })
    }
}

/// Makes output repeatable and, if wanted, puts headers beside the packets.
///
/// # Safety
/// `context` is a context that is not yet open.
#[allow(unsafe_code)]
unsafe fn fix_flags(context: *mut ffi::AVCodecContext, global_header: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        (*context).flags |= ffi::AV_CODEC_FLAG_BITEXACT as c_int;
        if global_header {
            (*context).flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        }
    }
}

/// The error of an encoder that would not open, with what it said.
fn refused(label: &str, error: ffmpeg_next::Error, said: &str) -> Error {
    if error == ffmpeg_next::Error::Experimental {
        return Error::new(ErrorKind::Encoder, format!("the encoder {label} is experimental"))
            .with_hint("give it the option strict=experimental if you want it all the same");
    }
    let why = if said.is_empty() { error.to_string() } else { said.to_owned() };
    // the encoder lists them in a part of the log that nobody reads
    let hint = if label.starts_with("libx26") && said.contains("preset") {
        "presets are ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow and placebo"
    } else {
        "change the option it names; `ffmpeg -h encoder=NAME` lists them all"
    };
    Error::new(ErrorKind::Encoder, format!("the encoder {label} refuses its settings: {why}"))
        .with_hint(hint)
        .with_source(error)
}

/// An open encoder.
pub(crate) struct Running {
    context: Context,
    label: String,
    info: StreamInfo,
    default_duration: i64,
}

impl Running {
    /// What a muxer has to know.
    pub(crate) fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// The name of the encoder.
    pub(crate) fn name(&self) -> &str {
        &self.label
    }

    /// Gives a frame the quality the encoder was set to: the MPEG-4 family looks for it there.
    #[allow(unsafe_code)]
    pub(crate) fn prepare(&self, frame: &mut ffmpeg_next::frame::Video) {
        // SAFETY: both are ours; a number is copied.
        unsafe { (*frame.as_mut_ptr()).quality = (*self.context.as_ptr()).global_quality };
    }

    /// Encodes a frame and hands on the packets that are ready; None ends the stream and hands on the rest.
    pub(crate) fn send(&mut self, frame: Option<&ffmpeg_next::Frame>, sink: Sink<'_>) -> Result<()> {
        let sent = match frame {
            Some(frame) => self.context.send_frame(frame),
            None => self.context.send_eof(),
        };
        match sent {
            // a second end is none
            Err(ffmpeg_next::Error::Eof) if frame.is_none() => return Ok(()),
            Err(e) => return Err(error::convert(e, Doing::Writing, &self.label)),
            Ok(()) => {}
        }
        loop {
            let mut packet = ffmpeg_next::Packet::empty();
            match self.context.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(
                    ffmpeg_next::Error::Eof | ffmpeg_next::Error::Other { errno: ffmpeg_next::error::EAGAIN },
                ) => {
                    return Ok(());
                }
                Err(e) => return Err(error::convert(e, Doing::Writing, &self.label)),
            }
            if packet.duration() <= 0 {
                packet.set_duration(self.default_duration);
            }
            sink(Packet::new(&self.info, packet))?;
        }
    }
}

impl Draft {
    fn into_sound(self) -> Result<(codec::encoder::audio::Audio, String)> {
        debug_assert!(self.codec.medium() == media::Type::Audio);
        let audio = self.context.audio().map_err(|e| error::convert(e, Doing::Writing, &self.label))?;
        Ok((audio, self.label))
    }
}
