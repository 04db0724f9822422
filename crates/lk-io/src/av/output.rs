// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's muxers: which there are, what they hold, packets in, bytes out.

use super::encoder::options::Object;
use super::encoder::text;
use super::error::{self, Doing};
use super::log::mask;
use crate::encode::refusal;
use crate::mux::FormatInfo;
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::packet::{Mut, Ref};
use ffmpeg_next::{Rational, ffi};
use lk_media::{Error, ErrorKind, Result};
use std::collections::VecDeque;
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

/// Packets the interleaver may hold while it waits for a stream that is behind.
const WAITING_BYTES: usize = 64 << 20;

/// An output that was opened and whose header is written.
pub(crate) struct Container {
    output: Output,
    name: String,
    /// The encoder's and the container's unit of time, and what is added to times in the first.
    time_bases: Vec<(Rational, Rational, i64)>,
    /// What the interleaver holds: end of each packet in nanoseconds, and its bytes.
    waiting: Vec<VecDeque<(i64, usize)>>,
    reached: Vec<i64>,
}

impl Container {
    /// Opens `url` and writes the header. `name` is for messages.
    #[allow(unsafe_code)]
    pub(crate) fn open(
        format: Format,
        name: &str,
        url: &str,
        streams: &[StreamInfo],
        options: &[(String, String)],
    ) -> Result<Self> {
        super::init();
        let label = mask(name);
        let c_url = CString::new(url).map_err(|_| {
            Error::new(ErrorKind::Output, format!("{label:?} holds a zero byte: no file has such a name"))
        })?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: FFmpeg fills `raw` or leaves it null; the text is copied.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&mut raw, format.0, std::ptr::null(), c_url.as_ptr())
        };
        if code < 0 || raw.is_null() {
            return Err(error::from_code(code.min(-1), Doing::Writing, &label));
        }
        // SAFETY: the context is ours alone from here on, and the wrapper frees it.
        let mut output = unsafe { Output::wrap(raw) };
        // SAFETY: the context is ours and its header not yet written.
        unsafe {
            (*raw).flags |= ffi::AVFMT_FLAG_BITEXACT as c_int;
            // by decoding time alone, however far the streams are apart: see `Container::write`
            (*raw).max_interleave_delta = 0;
            let what = &format.info().name;
            let mut object = Object::new(raw.cast(), what);
            for (option, value) in options {
                object.set(option, value)?;
            }
        }
        for stream in streams {
            add_stream(&mut output, stream).map_err(|e| error::convert(e, Doing::Writing, &label))?;
        }
        if !format.opens_itself() {
            // SAFETY: the context is ours; the text is copied; FFmpeg fills `pb` or leaves it null.
            let code = unsafe {
                ffi::avio_open2(
                    &mut (*raw).pb,
                    c_url.as_ptr(),
                    ffi::AVIO_FLAG_WRITE,
                    &(*raw).interrupt_callback,
                    std::ptr::null_mut(),
                )
            };
            if code < 0 {
                return Err(error::from_code(code, Doing::Writing, &label));
            }
        }
        let (header, said) = refusal::listen(|| output.write_header());
        header.map_err(|e| {
            let e = error::convert(e, Doing::Writing, &label);
            match e.kind() {
                ErrorKind::Encoder if !said.is_empty() => Error::new(
                    ErrorKind::Encoder,
                    format!("{label}: the container {} refuses its streams: {said}", format.info().name),
                )
                .with_hint("choose other codecs, another container or other options"),
                _ => e,
            }
        })?;
        refusal::pass_on(&said);
        let mut time_bases = Vec::new();
        for (index, stream) in streams.iter().enumerate() {
            let actual = output.stream(index).map_or(stream.time_base, |s| s.time_base());
            time_bases.push((stream.time_base, actual, correction(format, stream)));
        }
        let waiting = vec![VecDeque::new(); streams.len()];
        Ok(Self { output, name: label, time_bases, waiting, reached: vec![i64::MIN; streams.len()] })
    }

    /// Writes a packet of stream `index`. Packets go out by decoding time, so those of one stream wait in memory
    /// until the others have come as far; past 64 MB all that wait are written as they are.
    #[allow(unsafe_code)]
    pub(crate) fn write(&mut self, index: usize, packet: &Packet) -> Result<()> {
        let Some(&(from, to, moved)) = self.time_bases.get(index) else {
            return Err(Error::internal("a packet for a stream that is not there"));
        };
        let mut raw = ffmpeg_next::Packet::empty();
        // SAFETY: both packets are whole; the new reference is ours, and writing takes it.
        let code = unsafe { ffi::av_packet_ref(raw.as_mut_ptr(), packet.raw.as_ptr()) };
        if code < 0 {
            return Err(error::from_code(code, Doing::Writing, &self.name));
        }
        raw.set_stream(index);
        raw.set_pts(raw.pts().map(|t| t + moved));
        raw.set_dts(raw.dts().map(|t| t + moved));
        raw.rescale_ts(from, to);
        raw.set_position(-1);
        // SAFETY: the context and the packet are ours; the muxer takes the reference and leaves the packet empty.
        let code = unsafe { ffi::av_interleaved_write_frame(self.output.as_mut_ptr(), raw.as_mut_ptr()) };
        if code < 0 {
            return Err(error::from_code(code, Doing::Writing, &self.name));
        }
        self.note(index, packet);
        if self.waiting.iter().flatten().map(|(_, bytes)| bytes).sum::<usize>() > WAITING_BYTES {
            self.waiting.iter_mut().for_each(VecDeque::clear);
            // SAFETY: as above; null asks to write what waits.
            let code =
                unsafe { ffi::av_interleaved_write_frame(self.output.as_mut_ptr(), std::ptr::null_mut()) };
            if code < 0 {
                return Err(error::from_code(code, Doing::Writing, &self.name));
            }
        }
        Ok(())
    }

    /// Keeps account of what the interleaver holds.
    fn note(&mut self, index: usize, packet: &Packet) {
        let Some(dts) = packet.dts_nanos() else { return };
        self.reached[index] = dts;
        if self.reached.len() > 1 {
            self.waiting[index].push_back((dts, packet.len()));
            let slowest = self.reached.iter().copied().min().unwrap_or(i64::MIN);
            for queue in &mut self.waiting {
                while queue.front().is_some_and(|(at, _)| *at <= slowest) {
                    queue.pop_front();
                }
            }
        }
    }

    /// Writes what waits and the end of the file, and closes it.
    pub(crate) fn finish(mut self) -> Result<()> {
        let (done, said) = refusal::listen(|| self.output.write_trailer());
        done.map_err(|e| {
            let e = error::convert(e, Doing::Writing, &self.name);
            if said.is_empty() { e } else { e.context(&said) }
        })?;
        refusal::pass_on(&said);
        Ok(())
    }
}

/// Samples by which packets are late in the file. FFmpeg before 6 tells players of Opus in Matroska to take the
/// codec's delay off all times, and takes it off itself: sound would come 7 ms early.
#[allow(unsafe_code)]
fn correction(format: Format, stream: &StreamInfo) -> i64 {
    // SAFETY: the version is a number, and the parameters live as long as the lock is held.
    let (version, delay) =
        unsafe { (ffi::avformat_version() >> 16, (*stream.parameters.lock().as_ptr()).initial_padding) };
    let matroska = matches!(format.info().name.as_str(), "matroska" | "webm");
    if version < 60 && matroska && stream.codec() == "opus" { i64::from(delay) } else { 0 }
}

/// Adds a stream described by `info`.
#[allow(unsafe_code)]
fn add_stream(output: &mut Output, info: &StreamInfo) -> std::result::Result<(), ffmpeg_next::Error> {
    // SAFETY: the context is ours; the stream belongs to it; the parameters are read under their lock.
    unsafe {
        let stream = ffi::avformat_new_stream(output.as_mut_ptr(), std::ptr::null());
        if stream.is_null() {
            return Err(ffmpeg_next::Error::from(-ffmpeg_next::error::ENOMEM));
        }
        let code = ffi::avcodec_parameters_copy((*stream).codecpar, info.parameters.lock().as_ptr());
        if code < 0 {
            return Err(ffmpeg_next::Error::from(code));
        }
        // what some encoders say with it (which raw format, which ProRes) stays if the container has such a tag
        let parameters = (*stream).codecpar;
        let tags = (*(*output.as_ptr()).oformat).codec_tag;
        if !tags.is_null() && ffi::av_codec_get_id(tags, (*parameters).codec_tag) != (*parameters).codec_id {
            (*parameters).codec_tag = 0;
        }
        (*stream).time_base = info.time_base.into();
        if let Some(rate) = info.rate {
            (*stream).avg_frame_rate = rate.into();
            (*stream).r_frame_rate = rate.into();
            (*stream).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
        }
    }
    Ok(())
}
