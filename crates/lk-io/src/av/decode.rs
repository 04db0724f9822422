// SPDX-License-Identifier: GPL-2.0-or-later
//! A decoder: packets in, pictures or sound out.

use super::input::{Input, Medium, static_name};
use ffmpeg_next::{Packet, ffi};
use lk_media::thread::Process;
use lk_media::{Error, ErrorKind, Result};
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pictures larger than 16K video are refused: a damaged header must not ask for gigabytes.
const MOST_PIXELS: i64 = 15_360 * 8_640;
/// Failures in a row, while draining, after which the stream counts as over.
const MOST_FAILURES: u32 = 64;

/// Video decoders alive in this process; they share the thread budget.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// What came out.
pub(crate) enum Received {
    /// A picture or a piece of sound is in the frame given.
    Frame,
    /// It wants a packet first.
    Hungry,
    /// It was told that no more packets come, and has given everything.
    End,
}

/// An open decoder of one stream.
pub(crate) struct Decoder {
    context: NonNull<ffi::AVCodecContext>,
    is_video: bool,
    label: String,
    damaged: u64,
    failures: u32,
    draining: bool,
    process: Process,
}

// SAFETY: a codec context may be used from any thread, one at a time; `&mut self` sees to that.
#[allow(unsafe_code)]
unsafe impl Send for Decoder {}

impl Decoder {
    /// Opens the decoder for `stream`; a Media error naming the codec if this FFmpeg has none.
    #[allow(unsafe_code)]
    pub(crate) fn open(input: &Input, stream: usize) -> Result<Self> {
        let is_video = input.medium(stream) == Some(Medium::Video);
        let raw = input.stream_ptr(stream);
        // SAFETY: a valid stream and its parameters, which outlive the calls; the context is owned by `decoder`
        // from its allocation on, which frees it on every path.
        unsafe {
            let parameters = (*raw).codecpar;
            let codec_name = codec_name(parameters);
            let id = (*parameters).codec_id;
            let wanted = input.options().decoder.as_deref().filter(|_| is_video);
            let codec = match wanted {
                Some(name) => named(id, name).ok_or_else(|| no_such_decoder(input, name, id))?,
                None => ffi::avcodec_find_decoder(id),
            };
            if codec.is_null() {
                return Err(Error::new(
                    ErrorKind::Media,
                    format!("{}: no decoder for {codec_name}", input.label()),
                )
                .with_hint("this FFmpeg was built without it; convert the file, or install a full FFmpeg"));
            }
            let Some(context) = NonNull::new(ffi::avcodec_alloc_context3(codec)) else {
                return Err(Error::new(ErrorKind::Memory, "no memory for a decoder"));
            };
            let label = input.short_name();
            let others = if is_video { OPEN.fetch_add(1, Ordering::Relaxed) } else { 0 };
            let decoder = Self {
                context,
                is_video,
                label,
                damaged: 0,
                failures: 0,
                draining: false,
                process: Process::here(),
            };
            let c = context.as_ptr();
            let code = ffi::avcodec_parameters_to_context(c, parameters);
            if code < 0 {
                return Err(input.error(code, format!("its {codec_name} stream is not understood")));
            }
            (*c).pkt_timebase = (*raw).time_base;
            (*c).max_pixels = MOST_PIXELS;
            let share = (lk_media::thread::budget() / (others + 1)).clamp(1, 4);
            (*c).thread_count =
                if is_video { input.options().threads.unwrap_or(share).min(64) as c_int } else { 1 };
            let code = ffi::avcodec_open2(c, codec, std::ptr::null_mut());
            if code < 0 {
                let with = wanted.map(|name| format!(" by {name}")).unwrap_or_default();
                let error = input.error(code, format!("its {codec_name} stream cannot be decoded{with}"));
                return Err(match wanted {
                    Some(_) => {
                        error.with_hint("this machine may lack the hardware or its driver; leave decoder out")
                    }
                    None => error,
                });
            }
            Ok(decoder)
        }
    }

    /// Opens the decoder of JPEGs that come one by one, for what messages call `label`.
    #[allow(unsafe_code)]
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pub(crate) fn for_jpegs(label: &str) -> Result<Self> {
        super::init();
        // SAFETY: codecs are static; the context is owned by `decoder` from its allocation on, which frees it on every
        // path.
        unsafe {
            let codec = ffi::avcodec_find_decoder(ffi::AVCodecID::AV_CODEC_ID_MJPEG);
            let context = NonNull::new(ffi::avcodec_alloc_context3(codec));
            let (false, Some(context)) = (codec.is_null(), context) else {
                return Err(Error::new(ErrorKind::Media, format!("{label}: no decoder for JPEGs"))
                    .with_hint(
                        "this FFmpeg was built without it; choose another format, or install a full FFmpeg",
                    ));
            };
            OPEN.fetch_add(1, Ordering::Relaxed);
            let decoder = Self {
                context,
                is_video: true,
                label: label.to_owned(),
                damaged: 0,
                failures: 0,
                draining: false,
                process: Process::here(),
            };
            let c = context.as_ptr();
            (*c).max_pixels = MOST_PIXELS;
            // more would hold pictures back
            (*c).thread_count = 1;
            let code = ffi::avcodec_open2(c, codec, std::ptr::null_mut());
            if code < 0 {
                let why = ffmpeg_next::Error::from(code);
                return Err(Error::new(ErrorKind::Media, format!("{label}: JPEGs cannot be decoded: {why}")));
            }
            Ok(decoder)
        }
    }

    /// Gives it a packet; None: no more come. Take everything it has before giving it the next.
    #[allow(unsafe_code)]
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<()> {
        use ffmpeg_next::packet::Ref;
        self.draining |= packet.is_none();
        // SAFETY: an open context; FFmpeg takes its own reference to the packet's bytes.
        let code = unsafe {
            ffi::avcodec_send_packet(self.context.as_ptr(), packet.map_or(std::ptr::null(), |p| p.as_ptr()))
        };
        if code < 0 && code != ffi::AVERROR_EOF { self.note(code) } else { Ok(()) }
    }

    /// Takes the next picture or piece of sound into `frame`. Damaged ones are skipped and counted.
    #[allow(unsafe_code)]
    pub(crate) fn receive(&mut self, frame: &mut ffmpeg_next::Frame) -> Result<Received> {
        loop {
            // SAFETY: an open context and an allocated frame, whose old content FFmpeg releases.
            let code = unsafe { ffi::avcodec_receive_frame(self.context.as_ptr(), frame.as_mut_ptr()) };
            if code >= 0 {
                self.failures = 0;
                return Ok(Received::Frame);
            }
            match ffmpeg_next::Error::from(code) {
                ffmpeg_next::Error::Eof => return Ok(Received::End),
                ffmpeg_next::Error::Other { errno: ffmpeg_next::error::EAGAIN } => {
                    return Ok(Received::Hungry);
                }
                _ => {
                    self.note(code)?;
                    self.failures += 1;
                    if self.failures > MOST_FAILURES {
                        self.failures = 0;
                        return Ok(if self.draining { Received::End } else { Received::Hungry });
                    }
                }
            }
        }
    }

    /// Forgets everything: packets from another place follow.
    #[allow(unsafe_code)]
    pub(crate) fn flush(&mut self) {
        self.draining = false;
        self.failures = 0;
        // SAFETY: an open context.
        unsafe { ffi::avcodec_flush_buffers(self.context.as_ptr()) };
    }

    /// Packets that could not be decoded.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Samples a piece of sound has, where the codec always gives as many.
    #[allow(unsafe_code)]
    pub(crate) fn frame_samples(&self) -> Option<i64> {
        // SAFETY: a plain field.
        let samples = unsafe { (*self.context.as_ptr()).frame_size };
        (samples > 0).then_some(i64::from(samples))
    }

    fn note(&mut self, code: c_int) -> Result<()> {
        let error = ffmpeg_next::Error::from(code);
        if error == (ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM }) {
            return Err(Error::new(ErrorKind::Memory, format!("{}: no memory to decode it", self.label)));
        }
        if self.damaged == 0 {
            tracing::warn!("{}: damaged data is skipped ({error})", self.label);
        }
        self.damaged += 1;
        Ok(())
    }
}

impl Drop for Decoder {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if !self.process.is_this() {
            return; // its threads are not here; freeing it would wait for them
        }
        if self.is_video {
            OPEN.fetch_sub(1, Ordering::Relaxed);
        }
        let mut context = self.context.as_ptr();
        // SAFETY: allocated by `avcodec_alloc_context3` and freed nowhere else.
        unsafe { ffi::avcodec_free_context(&mut context) };
    }
}

/// The decoders this FFmpeg has for a codec.
#[allow(unsafe_code)]
fn decoders(id: ffi::AVCodecID) -> impl Iterator<Item = *const ffi::AVCodec> {
    let mut state = std::ptr::null_mut();
    // SAFETY: FFmpeg's own state of the iteration; codecs are static.
    let all = std::iter::from_fn(move || unsafe {
        let codec = ffi::av_codec_iterate(&raw mut state);
        (!codec.is_null()).then_some(codec)
    });
    // SAFETY: as above.
    all.filter(move |codec| unsafe { (**codec).id == id && ffi::av_codec_is_decoder(*codec) != 0 })
}

#[allow(unsafe_code)]
fn name_of(codec: *const ffi::AVCodec) -> String {
    // SAFETY: a codec of FFmpeg's own list; its name is a static string.
    unsafe { static_name((*codec).name) }
}

fn named(id: ffi::AVCodecID, name: &str) -> Option<*const ffi::AVCodec> {
    decoders(id).find(|codec| name_of(*codec) == name)
}

fn no_such_decoder(input: &Input, name: &str, id: ffi::AVCodecID) -> Error {
    let known: Vec<String> = decoders(id).map(name_of).collect();
    let message = format!("{}: this FFmpeg has no decoder {name:?} for its pictures", input.label());
    Error::new(ErrorKind::Media, message).with_hint(match known.is_empty() {
        true => "it has none at all for this codec".to_owned(),
        false => format!("it has {}", known.join(", ")),
    })
}

/// The name of a stream's codec; its four characters if FFmpeg does not know it.
#[allow(unsafe_code)]
pub(crate) fn codec_name(parameters: *const ffi::AVCodecParameters) -> String {
    // SAFETY: valid parameters; the name is a static string.
    let (name, tag) =
        unsafe { (static_name(ffi::avcodec_get_name((*parameters).codec_id)), (*parameters).codec_tag) };
    match name.as_str() {
        "none" | "unknown_codec" if tag != 0 => {
            let tag: String = tag.to_le_bytes().iter().map(|b| char::from(*b)).map(printable).collect();
            format!("the unknown codec {tag:?}")
        }
        _ => name,
    }
}

fn printable(c: char) -> char {
    if c.is_ascii_graphic() { c } else { '?' }
}
