// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's muxers: which there are, what they hold, packets in, bytes out.

mod container;
mod file;

pub(crate) use container::Container;
pub(crate) use file::{Safe, is_layout};

use super::encoder::text;
use crate::mux::FormatInfo;
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::packet::{Mut, Ref};
use ffmpeg_next::{Rational, ffi};
use lk_media::{Error, ErrorKind, Result};
use std::ffi::{CString, c_int};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// What a muxer has to know of a stream before its first packet. Clones are cheap.
#[derive(Clone)]
pub struct StreamInfo {
    kind: StreamKind,
    // a pointer that is only read from; the mutex is what makes it shareable between threads
    parameters: Arc<parking_lot::Mutex<Parameters>>,
    time_base: Rational,
    rate: Option<Rational>,
}

impl StreamInfo {
    pub(super) fn new(
        kind: StreamKind,
        parameters: Parameters,
        time_base: Rational,
        rate: Option<Rational>,
    ) -> Self {
        Self { kind, parameters: Arc::new(parking_lot::Mutex::new(parameters)), time_base, rate }
    }

    /// Pictures or sound.
    pub fn kind(&self) -> StreamKind {
        self.kind
    }

    /// The codec's name: "h264", "aac".
    #[allow(unsafe_code)]
    pub fn codec(&self) -> &'static str {
        // SAFETY: the parameters live as long as the lock is held; names live as long as the process.
        unsafe { text(ffi::avcodec_get_name((*self.parameters.lock().as_ptr()).codec_id)) }
    }
}

impl fmt::Debug for StreamInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamInfo({:?} {})", self.kind, self.codec())
    }
}

/// Encoded bytes: a picture, or a few samples. Clones share the bytes, so that one encoder can feed several
/// outputs.
#[derive(Clone)]
pub struct Packet {
    raw: Arc<ffmpeg_next::Packet>,
    kind: StreamKind,
    time_base: Rational,
}

impl Packet {
    pub(super) fn new(stream: &StreamInfo, raw: ffmpeg_next::Packet) -> Self {
        Self { raw: Arc::new(raw), kind: stream.kind, time_base: stream.time_base }
    }

    /// Pictures or sound.
    pub fn kind(&self) -> StreamKind {
        self.kind
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.raw.size()
    }

    /// Whether there are no bytes (an encoder's closing words may be without).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether decoding can start here.
    pub fn is_key(&self) -> bool {
        self.raw.is_key()
    }

    /// The time it lasts.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(nanos(self.raw.duration(), self.time_base).unsigned_abs())
    }

    /// The same bytes `by` later, rounded to the encoder's unit of time.
    #[allow(unsafe_code)]
    pub fn later(&self, by: Duration) -> Result<Self> {
        let mut raw = ffmpeg_next::Packet::empty();
        // SAFETY: both packets are whole; the new one is ours and refers to the same bytes.
        let code = unsafe { ffi::av_packet_ref(raw.as_mut_ptr(), self.raw.as_ptr()) };
        if code < 0 {
            return Err(Error::new(ErrorKind::Memory, "no memory for a packet"));
        }
        let (num, den) = (i128::from(self.time_base.0.max(1)), i128::from(self.time_base.1));
        let ticks = ((by.as_nanos() as i128 * den + num * 500_000_000) / (num * 1_000_000_000)) as i64;
        raw.set_pts(raw.pts().map(|t| t.saturating_add(ticks)));
        raw.set_dts(raw.dts().map(|t| t.saturating_add(ticks)));
        Ok(Self { raw: Arc::new(raw), ..self.clone() })
    }

    /// The time it is to be shown, in nanoseconds after the start of the recording; sound codecs start a few
    /// milliseconds below zero.
    pub fn pts_nanos(&self) -> Option<i64> {
        self.raw.pts().map(|t| nanos(t, self.time_base))
    }

    /// The time it is to be decoded, in the same measure; packets of a stream come in this order.
    pub fn dts_nanos(&self) -> Option<i64> {
        self.raw.dts().map(|t| nanos(t, self.time_base))
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({:?} {} bytes, dts {:?})", self.kind, self.len(), self.raw.dts())
    }
}

fn nanos(t: i64, base: Rational) -> i64 {
    (i128::from(t) * i128::from(base.0) * 1_000_000_000 / i128::from(base.1.max(1))) as i64
}

/// A muxer of FFmpeg; they live as long as the process.
#[derive(Clone, Copy)]
pub(crate) struct Format(*const ffi::AVOutputFormat);

#[allow(unsafe_code)]
// SAFETY: points to a constant table.
unsafe impl Send for Format {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Format {}

impl Format {
    /// Every muxer.
    #[allow(unsafe_code)]
    pub(crate) fn all() -> Vec<Self> {
        super::init();
        let mut state = std::ptr::null_mut();
        // SAFETY: FFmpeg keeps its place in `state`.
        std::iter::from_fn(|| Some(unsafe { ffi::av_muxer_iterate(&mut state) }).filter(|f| !f.is_null()))
            .map(Self)
            .collect()
    }

    /// By its name or its extension.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|f| f.info().name.split(',').any(|n| n.eq_ignore_ascii_case(name)))
    }

    /// By the extension of a file's name; pictures in a row ("a%03d.png") included.
    #[allow(unsafe_code)]
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        super::init();
        let name = CString::new(name).ok()?;
        // SAFETY: a zero-terminated text, only read.
        let found = unsafe { ffi::av_guess_format(std::ptr::null(), name.as_ptr(), std::ptr::null()) };
        (!found.is_null()).then_some(Self(found))
    }

    #[allow(unsafe_code)]
    fn raw(&self) -> &'static ffi::AVOutputFormat {
        // SAFETY: never null, and a constant of the library.
        unsafe { &*self.0 }
    }

    /// The class of the container's own options; null if it has none.
    pub(crate) fn options_class(&self) -> *const ffi::AVClass {
        self.raw().priv_class
    }

    #[allow(unsafe_code)]
    pub(crate) fn info(&self) -> &'static FormatInfo {
        static ALL: OnceLock<Vec<(usize, FormatInfo)>> = OnceLock::new();
        let all = ALL.get_or_init(|| Self::all().iter().map(|f| (f.0 as usize, f.describe())).collect());
        let found = all.iter().find(|(key, _)| *key == self.0 as usize);
        &found.expect("every muxer comes from the list of all muxers").1
    }

    #[allow(unsafe_code)]
    fn describe(&self) -> FormatInfo {
        let raw = self.raw();
        let codec = |id: ffi::AVCodecID| {
            // SAFETY: names live as long as the process.
            (id != ffi::AVCodecID::AV_CODEC_ID_NONE)
                .then(|| unsafe { text(ffi::avcodec_get_name(id)) }.to_owned())
        };
        // SAFETY: zero-terminated constants of the library.
        let (name, description, extensions) =
            unsafe { (text(raw.name), text(raw.long_name), text(raw.extensions)) };
        FormatInfo {
            name: name.to_owned(),
            description: description.to_owned(),
            extensions: extensions.split(',').filter(|e| !e.is_empty()).map(str::to_owned).collect(),
            video: codec(raw.video_codec),
            audio: codec(raw.audio_codec),
        }
    }

    /// Whether headers stand beside the packets.
    pub(crate) fn wants_global_header(&self) -> bool {
        self.raw().flags & ffi::AVFMT_GLOBALHEADER != 0
    }

    /// Whether it is of the family of MP4, which can be written in fragments.
    pub(crate) fn is_fragmented(&self) -> bool {
        matches!(self.info().name.as_str(), "mp4" | "mov" | "ipod" | "3gp" | "3g2" | "f4v")
    }

    /// Whether it opens its files itself (picture sequences, playlists).
    pub(crate) fn opens_itself(&self) -> bool {
        self.raw().flags & ffi::AVFMT_NOFILE != 0
    }

    /// Whether it can hold the codec of that name, with or without being `stretched` beyond what is usual; None if
    /// FFmpeg does not know.
    #[allow(unsafe_code)]
    pub(crate) fn holds(&self, codec: &str, stretched: bool) -> Option<bool> {
        let name = CString::new(codec).ok()?;
        // SAFETY: zero-terminated text, only read; the descriptor is a constant.
        let answer = unsafe {
            let descriptor = ffi::avcodec_descriptor_get_by_name(name.as_ptr());
            if descriptor.is_null() {
                return None;
            }
            let strict = if stretched { ffi::FF_COMPLIANCE_EXPERIMENTAL } else { ffi::FF_COMPLIANCE_NORMAL };
            ffi::avformat_query_codec(self.0, (*descriptor).id, strict as c_int)
        };
        (answer >= 0).then_some(answer > 0)
    }
}
