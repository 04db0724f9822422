// SPDX-License-Identifier: GPL-2.0-or-later
//! One output: opened, packets in, ended.

use super::file::{File, Safe};
use super::{Format, Packet, StreamInfo};
use crate::av::encoder::options::Object;
use crate::av::error::{self, Doing};
use crate::av::log::mask;
use crate::encode::refusal;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::packet::{Mut, Ref};
use ffmpeg_next::{Rational, ffi};
use lk_media::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::ffi::{CString, c_int};

/// Packets the interleaver may hold while it waits for a stream that is behind.
const WAITING_BYTES: usize = 64 << 20;
/// The same in a live recording, as time: a stream that stands still must not keep the others from the disk.
const WAITING_MICROS: i64 = 500_000;

/// An output that was opened and whose header is written.
pub(crate) struct Container {
    output: Output,
    name: String,
    /// The encoder's and the container's unit of time, and what is added to times in the first.
    time_bases: Vec<(Rational, Rational, i64)>,
    /// What the interleaver holds: end of each packet in nanoseconds, and its bytes.
    waiting: Vec<VecDeque<(i64, usize)>>,
    reached: Vec<i64>,
    /// The file, where we write it and not FFmpeg.
    file: Option<File>,
    failed: bool,
}

impl Container {
    /// Opens `url`, or writes to the file of `safe`, and writes the header. `name` is for messages.
    #[allow(unsafe_code)]
    pub(crate) fn open(
        format: Format,
        name: &str,
        url: &str,
        streams: &[StreamInfo],
        options: &[(String, String)],
        safe: Option<Safe>,
    ) -> Result<Self> {
        crate::av::init();
        let label = mask(name);
        let c_url = CString::new(url).map_err(|_| {
            Error::new(ErrorKind::Output, format!("{label:?} holds a zero byte: no file has such a name"))
        })?;
        let live = safe.as_ref().is_some_and(|s| s.live);
        let opened = safe.map(|safe| File::open(safe, format, streams)).transpose();
        let (mut file, io) = opened.map_err(|e| error::convert(e, Doing::Writing, &label))?.unzip();
        let custom = io.is_some();
        let mut raw = std::ptr::null_mut();
        // SAFETY: FFmpeg fills `raw` or leaves it null; the text is copied.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&mut raw, format.0, std::ptr::null(), c_url.as_ptr())
        };
        if code < 0 || raw.is_null() {
            return Err(error::from_code(code.min(-1), Doing::Writing, &label));
        }
        // SAFETY: the context is ours alone from here on, and the wrapper frees it; where the bytes are taken by
        // `io`, that lives as long as the wrapper.
        let mut output = unsafe {
            match io {
                Some(mut io) => {
                    (*raw).pb = io.as_mut_ptr();
                    (*raw).flags |= ffi::AVFMT_FLAG_CUSTOM_IO as c_int;
                    // what is whole is handed over after each packet
                    (*raw).flush_packets = 1;
                    Output::wrap_with_custom_io(raw, io)
                }
                None => Output::wrap(raw),
            }
        };
        // SAFETY: the context is ours and its header not yet written.
        unsafe {
            (*raw).flags |= ffi::AVFMT_FLAG_BITEXACT as c_int;
            // by decoding time alone, however far the streams are apart: see `Container::write`
            (*raw).max_interleave_delta = if live { WAITING_MICROS } else { 0 };
            let what = &format.info().name;
            let mut object = Object::new(raw.cast(), what);
            let own = file.iter().flat_map(File::options);
            for (option, value) in own {
                object.set(option, &value)?;
            }
            for (option, value) in options {
                object.set(option, value)?;
            }
        }
        for stream in streams {
            add_stream(&mut output, stream).map_err(|e| error::convert(e, Doing::Writing, &label))?;
        }
        if !format.opens_itself() && !custom {
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
        if let Some(file) = &mut file {
            file.clear().map_err(|e| error::from_io(&e, &label))?;
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
        if let Some(file) = &mut file {
            file.begin(time_bases.iter().map(|(_, to, _)| *to).collect());
        }
        let waiting = vec![VecDeque::new(); streams.len()];
        let reached = vec![i64::MIN; streams.len()];
        Ok(Self { output, name: label, time_bases, waiting, reached, file, failed: false })
    }

    /// Writes a packet of stream `index`. Packets go out by decoding time, so those of one stream wait in memory
    /// until the others have come as far (in a live recording 500 ms at most); past 64 MB all that wait are written
    /// as they are.
    #[allow(unsafe_code)]
    pub(crate) fn write(&mut self, index: usize, packet: &Packet) -> Result<()> {
        let Some(&(from, to, moved)) = self.time_bases.get(index) else {
            return Err(Error::internal("a packet for a stream that is not there"));
        };
        let mut raw = ffmpeg_next::Packet::empty();
        // SAFETY: both packets are whole; the new reference is ours, and writing takes it.
        let code = unsafe { ffi::av_packet_ref(raw.as_mut_ptr(), packet.raw.as_ptr()) };
        self.check(code)?;
        raw.set_stream(index);
        raw.set_pts(raw.pts().map(|t| t + moved));
        raw.set_dts(raw.dts().map(|t| t + moved));
        raw.rescale_ts(from, to);
        raw.set_position(-1);
        if let Some(file) = &mut self.file {
            file.expect(index, &raw);
        }
        // SAFETY: the context and the packet are ours; the muxer takes the reference and leaves the packet empty.
        let code = unsafe { ffi::av_interleaved_write_frame(self.output.as_mut_ptr(), raw.as_mut_ptr()) };
        self.check(code)?;
        self.note(index, packet);
        let crowded = self.waiting.iter().flatten().map(|(_, bytes)| bytes).sum::<usize>() > WAITING_BYTES;
        if crowded {
            self.waiting.iter_mut().for_each(VecDeque::clear);
            // SAFETY: as above; null asks to write what waits.
            let code =
                unsafe { ffi::av_interleaved_write_frame(self.output.as_mut_ptr(), std::ptr::null_mut()) };
            self.check(code)?;
        }
        if self.file.as_ref().is_some_and(|f| f.waits_too_long(crowded)) {
            // a stream has not begun; once for the head of the file, once for what has come
            for _ in 0..2 {
                // SAFETY: as above; null asks to close the fragment.
                let code = unsafe { ffi::av_write_frame(self.output.as_mut_ptr(), std::ptr::null_mut()) };
                self.check(code)?;
            }
        }
        self.settle(false)
    }

    /// Fails if FFmpeg has.
    fn check(&mut self, code: c_int) -> Result<()> {
        if code < 0 {
            self.failed = true;
            return Err(error::from_code(code, Doing::Writing, &self.name));
        }
        Ok(())
    }

    /// Sees that what FFmpeg has given out reaches the file.
    fn settle(&mut self, all: bool) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let out = self.reached.iter().copied().min().unwrap_or(i64::MIN);
        let settled = file.settle(if all { i64::MAX } else { out });
        settled.map_err(|e| {
            self.failed = true;
            error::from_io(&e, &self.name)
        })
    }

    /// Bytes of the file, where we write it.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.file.as_ref().map(File::bytes)
    }

    /// Nanoseconds of the recording that are in the file and can be decoded.
    pub(crate) fn safe_until(&self) -> Option<i64> {
        self.file.as_ref().and_then(File::safe_until)
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

    /// Writes what waits and the end of the file, and closes it. After an error only what makes the file whole is
    /// written. The answer is what one should know of the file.
    pub(crate) fn finish(mut self) -> Result<Option<String>> {
        if !self.failed {
            let (done, said) = refusal::listen(|| self.output.write_trailer());
            if let Err(e) = done {
                let e = error::convert(e, Doing::Writing, &self.name);
                self.failed = true;
                self.end_file()?;
                return Err(if said.is_empty() { e } else { e.context(&said) });
            }
            refusal::pass_on(&said);
            if let Err(e) = self.settle(true) {
                self.end_file()?;
                return Err(e);
            }
        }
        self.end_file()
    }

    fn end_file(&mut self) -> Result<Option<String>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        file.finish(self.failed).map_err(|e| error::from_io(&e, &self.name))
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
