// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets of an open container into another, as they are.

use super::encoder::options::Object;
use super::error::{self, Doing};
use super::input::{Input, JUMP_NANOS, Medium, static_name, ticks_to_nanos};
use super::interrupt::Interrupt;
use super::log::mask;
use super::output::Format;
use crate::encode::refusal;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::packet::Mut;
use ffmpeg_next::{Packet, ffi};
use lk_media::{Error, ErrorKind, Result, Timestamp};
use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::sync::Arc;

const NONE: i64 = ffi::AV_NOPTS_VALUE;
const NANOS: ffi::AVRational = ffi::AVRational { num: 1, den: 1_000_000_000 };
/// Containers whose index is written last, and how much of a file on a full disk is given up for it.
const INDEX_AT_END: [&str; 7] = ["mp4", "mov", "ipod", "psp", "3gp", "3g2", "f4v"];
const ROOM: u64 = 1 << 20;
const ROOM_PER_PACKET: u64 = 32;
/// Tags that describe the file they were in.
const OWN_TAGS: [&CStr; 6] =
    [c"major_brand", c"minor_version", c"compatible_brands", c"encoder", c"creation_time", c"duration"];

/// What kind of stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Video,
    Audio,
    Subtitle,
    Attachment,
    /// Timecodes, programme information and what FFmpeg does not know.
    Data,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitles",
            Self::Attachment => "attachment",
            Self::Data => "data",
        }
    }
}

/// The kind of a stream, and its codec's name ("h264").
#[allow(unsafe_code)]
pub(crate) fn describe(input: &Input, stream: usize) -> (Kind, String) {
    // SAFETY: plain fields of a valid stream, the kind read as the number it is; names live as long as the process.
    let (kind, codec) = unsafe {
        let parameters = (*input.stream_ptr(stream)).codecpar;
        let kind = (&raw const (*parameters).codec_type).cast::<c_int>().read();
        (kind, static_name(ffi::avcodec_get_name((*parameters).codec_id)))
    };
    let is = |medium: ffi::AVMediaType| kind == medium as c_int;
    let kind = if is(ffi::AVMediaType::AVMEDIA_TYPE_VIDEO) {
        Kind::Video
    } else if is(ffi::AVMediaType::AVMEDIA_TYPE_AUDIO) {
        Kind::Audio
    } else if is(ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE) {
        Kind::Subtitle
    } else if is(ffi::AVMediaType::AVMEDIA_TYPE_ATTACHMENT) {
        Kind::Attachment
    } else {
        Kind::Data
    };
    (kind, codec)
}

/// Whether the container uses the stream itself and shows it otherwise, such as the titles of chapters.
#[allow(unsafe_code)]
pub(crate) fn is_hidden(input: &Input, stream: usize) -> bool {
    // SAFETY: a plain field of a valid stream, read as the number it is.
    let discard = unsafe { (&raw const (*input.stream_ptr(stream)).discard).cast::<c_int>().read() };
    discard == ffi::AVDiscard::AVDISCARD_ALL as c_int
}

/// How far reading has come in the bytes of the input, if its size is known.
#[allow(unsafe_code)]
pub(crate) fn bytes_read(input: &Input) -> Option<f64> {
    // SAFETY: an open context; the reader is there as long as it is, or null.
    let (at, size) = unsafe {
        let reader = (*input.context_ptr()).pb;
        if reader.is_null() {
            return None;
        }
        (ffi::avio_seek(reader, 0, 1), ffi::avio_size(reader))
    };
    (at >= 0 && size > 0).then(|| (at as f64 / size as f64).min(1.0))
}

/// A stream that is copied.
struct Track {
    /// Its place in the output.
    index: usize,
    from: ffi::AVRational,
    to: ffi::AVRational,
    /// Where the input's time 0 lies, in its own unit.
    zero: i64,
    is_sparse: bool,
    /// What a packet lasts that does not say so, in the input's unit.
    period: i64,
    /// The decoding time the next packet is expected at, in the input's unit.
    next: Option<i64>,
    /// The last decoding time written, in the output's unit.
    last: Option<i64>,
}

/// A packet that was written.
pub(crate) struct Written {
    pub(crate) bytes: u64,
    /// Where it ends, from the input's start.
    pub(crate) end: Timestamp,
}

/// An output whose header is written.
pub(crate) struct Remux {
    // declared before `interrupt`: closing still asks it
    output: Output,
    interrupt: Arc<Interrupt>,
    name: String,
    tracks: Vec<Option<Track>>,
    /// Whether times of the input may jump, and by how much they have, in nanoseconds.
    may_jump: bool,
    jumped: i64,
    allows_equal: bool,
}

impl Remux {
    /// Opens `url` for the streams `chosen` of `input`, with what the input says of them and of itself. `name` is
    /// for messages.
    #[allow(unsafe_code)]
    pub(crate) fn open(
        input: &Input,
        chosen: &[usize],
        format: Format,
        (name, url): (&str, &str),
        interrupt: Arc<Interrupt>,
        options: &[(String, String)],
    ) -> Result<Self> {
        let label = mask(name);
        let failed = |code: c_int| error::from_code_or(code.min(-1), &interrupt, Doing::Writing, &label);
        let c_url = CString::new(url).map_err(|_| {
            Error::new(ErrorKind::Output, format!("{label:?} holds a zero byte: no file has such a name"))
        })?;
        let own = CString::new(format.info().name.as_str()).map_err(|_| Error::internal("a muxer's name"))?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: FFmpeg fills `raw` or leaves it null; the texts are copied or only read.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&mut raw, std::ptr::null(), own.as_ptr(), c_url.as_ptr())
        };
        if code < 0 || raw.is_null() {
            return Err(failed(code));
        }
        // SAFETY: the context is ours alone from here on, and the wrapper frees it.
        let output = unsafe { Output::wrap(raw) };
        let source = input.context_ptr();
        // SAFETY: both contexts are open, and the output's header not yet written; the interrupt is kept longer
        // than the context.
        unsafe {
            (*raw).interrupt_callback = interrupt.callback();
            (*raw).flags |= ffi::AVFMT_FLAG_BITEXACT as c_int;
            // packets without a time are given one by what follows them
            (*source).flags |= ffi::AVFMT_FLAG_GENPTS as c_int;
            copy_tags((*source).metadata, &mut (*raw).metadata);
            let mut object = Object::new(raw.cast(), &format.info().name);
            for (option, value) in options {
                object.set(option, value)?;
            }
        }
        for stream in chosen {
            add_stream(raw, input, *stream).map_err(failed)?;
        }
        add_chapters(raw, input).map_err(failed)?;
        interrupt.arm();
        if !format.opens_itself() {
            // SAFETY: the context is ours; the text is copied; FFmpeg fills `pb` or leaves it null.
            let code = unsafe {
                let callback = &(*raw).interrupt_callback;
                let (write, none) = (ffi::AVIO_FLAG_WRITE, std::ptr::null_mut());
                ffi::avio_open2(&mut (*raw).pb, c_url.as_ptr(), write, callback, none)
            };
            if code < 0 {
                return Err(failed(code));
            }
        }
        let mut output = output;
        let (header, said) = refusal::listen(|| output.write_header());
        header.map_err(|e| match error::convert(e, Doing::Writing, &label) {
            e if e.kind() == ErrorKind::Encoder && !said.is_empty() => {
                let container = &format.info().name;
                let message = format!("{label}: the container {container} refuses its streams: {said}");
                Error::new(ErrorKind::Encoder, message)
                    .with_hint("use another container, such as mkv, or skip what it cannot hold")
            }
            e => interrupt.error().map_or(e, |given_up| given_up.context(&label)),
        })?;
        refusal::pass_on(&said);
        let mut tracks: Vec<Option<Track>> = Vec::new();
        tracks.resize_with(input.stream_count(), || None);
        for (index, stream) in chosen.iter().enumerate() {
            // SAFETY: the streams were made for the chosen ones, in this order.
            let to = unsafe { (*(*(*raw).streams.add(index))).time_base };
            tracks[*stream] = Some(Track::new(input, *stream, index, to));
        }
        // SAFETY: plain fields of constants the contexts point to.
        let (may_jump, allows_equal) = unsafe {
            let jumps = (*(*source).iformat).flags & ffi::AVFMT_TS_DISCONT != 0;
            (jumps, (*(*raw).oformat).flags & ffi::AVFMT_TS_NONSTRICT != 0)
        };
        Ok(Self { output, interrupt, name: label, tracks, may_jump, jumped: 0, allows_equal })
    }

    /// Writes a packet of the input; None for one of a stream that is not copied.
    #[allow(unsafe_code)]
    pub(crate) fn write(&mut self, mut packet: Packet) -> Result<Option<Written>> {
        let stream = packet.stream();
        let Some(track) = self.tracks.get_mut(stream).and_then(Option::as_mut) else { return Ok(None) };
        let bytes = packet.size() as u64;
        track.correct(&mut packet, self.may_jump.then_some(&mut self.jumped));
        let end = packet.pts().unwrap_or(0).saturating_add(packet.duration());
        let end = Timestamp::from_nanos(ticks_to_nanos(end, track.from));
        packet.rescale_ts(track.from, track.to);
        track.order(&mut packet, self.allows_equal);
        packet.set_stream(track.index);
        packet.set_position(-1);
        self.interrupt.arm();
        let raw = packet.as_mut_ptr();
        // SAFETY: the context and the packet are ours; the muxer takes the bytes and leaves the packet empty.
        let code = unsafe { ffi::av_interleaved_write_frame(self.output.as_mut_ptr(), raw) };
        let code = if code < 0 { code } else { self.written() };
        if code < 0 {
            return Err(error::from_code_or(code, &self.interrupt, Doing::Writing, &self.name));
        }
        Ok(Some(Written { bytes, end }))
    }

    /// What the writer has met that it did not say yet: a full disk shows when its buffer is written.
    #[allow(unsafe_code)]
    fn written(&self) -> c_int {
        // SAFETY: a plain field of the writer, which is there as long as the context, or null.
        unsafe { (*self.output.as_ptr()).pb.as_ref().map_or(0, |writer| writer.error) }
    }

    /// After a full disk: gives up the last part of `file` where the container has its index at the end, since
    /// without that index nothing of the file can be played.
    #[allow(unsafe_code)]
    pub(crate) fn make_room(&mut self, file: &Path, packets: u64) {
        let full = self.written() == -ffmpeg_next::error::ENOSPC;
        if !full || !INDEX_AT_END.contains(&self.output.format().name()) {
            return;
        }
        let shortened = std::fs::OpenOptions::new().write(true).open(file).and_then(|open| {
            let length = open.metadata()?.len();
            open.set_len(length - (ROOM + packets * ROOM_PER_PACKET).min(length / 2))
        });
        match shortened {
            // SAFETY: the writer, which met the error, is there as long as the context.
            Ok(()) => unsafe { (*(*self.output.as_mut_ptr()).pb).error = 0 },
            Err(e) => tracing::warn!("{}: no room for its index: {e}", self.name),
        }
    }

    /// Writes what waits and the end of the file, and closes it.
    #[allow(unsafe_code)]
    pub(crate) fn finish(mut self) -> Result<()> {
        self.interrupt.arm();
        let (done, said) = refusal::listen(|| self.output.write_trailer());
        // SAFETY: the writer is there as long as the context, or null.
        unsafe {
            let writer = (*self.output.as_ptr()).pb;
            if !writer.is_null() {
                ffi::avio_flush(writer);
            }
        }
        let code = done.err().map_or_else(|| self.written(), c_int::from);
        if code < 0 {
            let e = error::from_code_or(code, &self.interrupt, Doing::Writing, &self.name);
            return Err(if said.is_empty() { e } else { e.context(&said) });
        }
        refusal::pass_on(&said);
        Ok(())
    }
}

impl Track {
    #[allow(unsafe_code)]
    fn new(input: &Input, stream: usize, index: usize, to: ffi::AVRational) -> Self {
        let from = input.time_base(stream);
        // SAFETY: plain fields of a valid stream; the second only computes.
        let (zero, period) = unsafe {
            let rate = (*input.stream_ptr(stream)).avg_frame_rate;
            let zero = ffi::av_rescale_q(-input.media_time(stream, 0).as_nanos(), NANOS, from);
            let one = ffi::AVRational { num: rate.den, den: rate.num };
            (zero, if rate.num > 0 && rate.den > 0 { ffi::av_rescale_q(1, one, from) } else { 1 })
        };
        let is_sparse = !matches!(input.medium(stream), Some(Medium::Video | Medium::Audio));
        Self { index, from, to, zero, is_sparse, period: period.max(1), next: None, last: None }
    }

    /// Times from the input's start on, without jumps; each packet has one.
    fn correct(&mut self, packet: &mut Packet, jumped: Option<&mut i64>) {
        let mut moved = -self.zero;
        if let Some(jumped) = jumped {
            moved -= self.ticks(*jumped);
            if let (Some(next), Some(dts), false) = (self.next, packet.dts().or(packet.pts()), self.is_sparse)
            {
                let jump = ticks_to_nanos(dts.saturating_add(moved).saturating_sub(next), self.from);
                if jump.abs() > JUMP_NANOS {
                    *jumped = jumped.saturating_add(jump);
                    moved -= self.ticks(jump);
                }
            }
        }
        packet.set_pts(packet.pts().map(|t| t.saturating_add(moved)));
        packet.set_dts(packet.dts().map(|t| t.saturating_add(moved)));
        if packet.pts().is_none() {
            let dts = packet.dts().unwrap_or(self.next.unwrap_or(0));
            packet.set_dts(Some(dts));
            packet.set_pts(Some(dts));
        }
        let lasts = if packet.duration() > 0 { packet.duration() } else { self.period };
        self.next = packet.dts().or(self.next).map(|t| t.saturating_add(lasts));
    }

    #[allow(unsafe_code)]
    fn ticks(&self, nanos: i64) -> i64 {
        // SAFETY: only computes.
        unsafe { ffi::av_rescale_q(nanos, NANOS, self.from) }
    }

    /// Decoding times rise, in the output's unit, and nothing is shown before it is decoded.
    fn order(&mut self, packet: &mut Packet, allows_equal: bool) {
        let Some(mut dts) = packet.dts() else { return };
        if let Some(pts) = packet.pts().filter(|pts| *pts < dts) {
            dts = pts;
        }
        let least = self.last.map_or(i64::MIN, |last| last + i64::from(!(allows_equal || self.is_sparse)));
        dts = dts.max(least);
        packet.set_dts(Some(dts));
        packet.set_pts(packet.pts().map(|pts| pts.max(dts)));
        self.last = Some(dts);
    }
}

/// Adds a stream like stream `index` of the input.
#[allow(unsafe_code)]
fn add_stream(
    output: *mut ffi::AVFormatContext,
    input: &Input,
    index: usize,
) -> std::result::Result<(), c_int> {
    // SAFETY: the output's context is open and its header not written; the input's stream is only read; what is
    // copied belongs to the new stream.
    unsafe {
        let (from, to) = (input.stream_ptr(index), ffi::avformat_new_stream(output, std::ptr::null()));
        if to.is_null() {
            return Err(-ffmpeg_next::error::ENOMEM);
        }
        let code = ffi::avcodec_parameters_copy((*to).codecpar, (*from).codecpar);
        if code < 0 {
            return Err(code);
        }
        let parameters = (*to).codecpar;
        // the input's tag stays if it means the same in the output, or if that has no other
        let (tags, mut other) = ((*(*output).oformat).codec_tag, 0);
        let same =
            tags.is_null() || ffi::av_codec_get_id(tags, (*parameters).codec_tag) == (*parameters).codec_id;
        if !same && ffi::av_codec_get_tag2(tags, (*parameters).codec_id, &mut other) != 0 {
            (*parameters).codec_tag = 0;
        }
        // some containers write the size of a packet here, which is not what others understand
        let small = matches!((*parameters).block_align, 1 | 576 | 1152);
        if (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_MP3 && small
            || (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_AC3
        {
            (*parameters).block_align = 0;
        }
        (*to).id = (*from).id;
        (*to).time_base = (*from).time_base;
        (*to).avg_frame_rate = (*from).avg_frame_rate;
        (*to).r_frame_rate = (*from).r_frame_rate;
        (*to).sample_aspect_ratio = (*from).sample_aspect_ratio;
        (*to).disposition = (*from).disposition;
        copy_tags((*from).metadata, &mut (*to).metadata);
        copy_side_data(from, to)
    }
}

/// # Safety
/// Both streams must be valid.
#[cfg(stream_side_data)]
#[allow(unsafe_code)]
unsafe fn copy_side_data(from: *mut ffi::AVStream, to: *mut ffi::AVStream) -> std::result::Result<(), c_int> {
    // SAFETY: the arrays are as long as they say; the new memory is as long as the old and belongs to `to`.
    unsafe {
        for index in 0..usize::try_from((*from).nb_side_data).unwrap_or(0) {
            let data = (*from).side_data.add(index);
            let copy = ffi::av_stream_new_side_data(to, (*data).type_, (*data).size);
            if copy.is_null() {
                return Err(-ffmpeg_next::error::ENOMEM);
            }
            std::ptr::copy_nonoverlapping((*data).data, copy, (*data).size);
        }
    }
    Ok(())
}

/// # Safety
/// None: the parameters carried it.
#[cfg(not(stream_side_data))]
#[allow(unsafe_code)]
unsafe fn copy_side_data(_: *mut ffi::AVStream, _: *mut ffi::AVStream) -> std::result::Result<(), c_int> {
    Ok(())
}

/// Copies all tags but those that describe the file they were in.
///
/// # Safety
/// Both must be dictionaries of FFmpeg or null.
#[allow(unsafe_code)]
unsafe fn copy_tags(from: *const ffi::AVDictionary, to: *mut *mut ffi::AVDictionary) {
    // SAFETY: as the caller promises; keys and values are copied.
    unsafe {
        ffi::av_dict_copy(to, from, 0);
        for tag in OWN_TAGS {
            ffi::av_dict_set(to, tag.as_ptr(), std::ptr::null(), 0);
        }
    }
}

/// Adds the chapters of the input, from its start on.
#[allow(unsafe_code)]
fn add_chapters(output: *mut ffi::AVFormatContext, input: &Input) -> std::result::Result<(), c_int> {
    let source = input.context_ptr();
    // SAFETY: both contexts are open; the input's chapters are only read. The new ones come from FFmpeg's
    // allocator and belong to the output, which frees them with itself.
    unsafe {
        for index in 0..(*source).nb_chapters as usize {
            let from = *(*source).chapters.add(index);
            let to = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
            if to.is_null() {
                return Err(-ffmpeg_next::error::ENOMEM);
            }
            let zero = ffi::av_rescale_q(-input.media_time(0, 0).as_nanos(), NANOS, (*from).time_base);
            (*to).id = (*from).id;
            (*to).time_base = (*from).time_base;
            (*to).start = ((*from).start - zero).max(0);
            (*to).end = if (*from).end == NONE { NONE } else { ((*from).end - zero).max(0) };
            copy_tags((*from).metadata, &mut (*to).metadata);
            let mut count = c_int::try_from((*output).nb_chapters).unwrap_or(c_int::MAX);
            ffi::av_dynarray_add((&raw mut (*output).chapters).cast(), &mut count, to.cast());
            (*output).nb_chapters = count.unsigned_abs();
        }
    }
    Ok(())
}
