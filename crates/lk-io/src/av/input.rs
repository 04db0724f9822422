// SPDX-License-Identifier: GPL-2.0-or-later
//! A container being read: opening, packets, seeking, and what its streams say about themselves.

use super::error::{Doing, convert, from_code_or};
use super::interrupt::Interrupt;
use super::pipe::Pipe;
use crate::media_file::{Location, OpenOptions, locate};
use ffmpeg_next as av;
use ffmpeg_next::ffi;
use ffmpeg_next::{Dictionary, Packet};
use lk_media::{Error, ErrorKind, Result, Timestamp};
use std::ffi::{CStr, CString, c_int};
use std::path::PathBuf;
use std::sync::Arc;

/// Reads of broken data in a row before the file counts as over.
const MOST_BROKEN_READS: u32 = 1000;
/// A container that starts this little before zero starts at zero: what lies before is encoder priming.
const PRIMING_NANOS: i64 = 500_000_000;

/// A timestamp that jumps by more than this is believed only if the one after it agrees.
pub(crate) const JUMP_NANOS: i64 = 10_000_000_000;

/// The kind of stream wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    Video,
    Audio,
}

/// An open container.
pub(crate) struct Input {
    // declared before `interrupt`: closing still asks it
    context: av::format::context::Input,
    _pipe: Option<Pipe>,
    interrupt: Arc<Interrupt>,
    location: Location,
    options: OpenOptions,
    /// Reads wait for data without a deadline.
    patient: bool,
    zero: i64,
}

/// What is known of a stream apart from its packets.
#[derive(Clone)]
pub(crate) struct StreamFacts {
    /// What people are shown for the container.
    pub(crate) label: String,
    /// The unit of timestamps.
    pub(crate) time_base: ffi::AVRational,
    /// The container's start in nanoseconds of its own time.
    zero: i64,
    /// The last media time that a timestamp is believed to mean.
    pub(crate) latest: i64,
    /// Where the stream ends, if the container says so.
    pub(crate) end: Option<Timestamp>,
    /// Whether the container has decoding times only.
    pub(crate) is_avi: bool,
    /// The pixel aspect as the container and as the codec state it.
    pub(crate) aspects: [ffi::AVRational; 2],
}

impl StreamFacts {
    /// A timestamp as media time.
    pub(crate) fn media_time(&self, ticks: i64) -> Timestamp {
        Timestamp::from_nanos(ticks_to_nanos(ticks, self.time_base).saturating_sub(self.zero))
    }

    /// An error about the content.
    pub(crate) fn media_error(&self, what: impl std::fmt::Display) -> Error {
        media_error(&self.label, what)
    }
}

fn media_error(label: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Media, format!("{label}: {what}"))
        .with_hint("the file is damaged, cut short or of a kind this FFmpeg cannot read")
}

/// A fraction's worth of ticks in nanoseconds, rounded to nearest; saturates.
pub(crate) fn ticks_to_nanos(ticks: i64, base: ffi::AVRational) -> i64 {
    let den = i128::from(base.den.max(1));
    let nanos = i128::from(ticks) * i128::from(base.num.max(1)) * 1_000_000_000;
    let rounded = (2 * nanos + den).div_euclid(2 * den);
    rounded.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64
}

/// Nanoseconds in ticks, rounded down.
fn nanos_to_ticks(nanos: i64, base: ffi::AVRational) -> i64 {
    let num = i128::from(base.num.max(1)) * 1_000_000_000;
    let ticks = (i128::from(nanos) * i128::from(base.den.max(1))).div_euclid(num);
    ticks.clamp(i128::from(i64::MIN + 2), i128::from(i64::MAX)) as i64
}

impl Input {
    /// Opens `name` (a path or an address) and looks for its streams. A pipe is refused: what is pulled from any
    /// place cannot come from there.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        super::init();
        options.check()?;
        let location = locate(name)?;
        if location.is_pipe {
            return Err(Error::new(ErrorKind::Media, format!("{}: is not an ordinary file", location.label))
                .with_hint("pipes can only be played: open them with Player"));
        }
        Self::open_location(location, options)
    }

    /// The same with pipes.
    pub(crate) fn open_any(name: &str, options: &OpenOptions) -> Result<Self> {
        super::init();
        options.check()?;
        Self::open_location(locate(name)?, options)
    }

    fn open_location(location: Location, options: &OpenOptions) -> Result<Self> {
        let interrupt = Interrupt::new(options.cancel.clone(), options.timeout);
        interrupt.arm();
        let doing = if location.is_file { Doing::ReadingFile } else { Doing::ReadingUrl };
        let pipe = location.is_pipe.then(|| Pipe::open(&location.label, &interrupt)).transpose()?;
        let url = pipe.as_ref().map_or_else(|| location.url.clone(), Pipe::url);
        let mut context = open_context(&location, &url, options, &interrupt, doing)?;
        find_streams(&mut context, &location, &interrupt, doing)?;
        let options = options.clone();
        let mut input = Self { context, _pipe: pipe, interrupt, location, options, patient: false, zero: 0 };
        if input.stream_count() == 0 || matches!(input.format_names().as_str(), "tty" | "bintext") {
            return Err(input.media_error("neither video nor sound in it"));
        }
        input.zero = input.find_zero();
        Ok(input)
    }

    /// Opens the same once more, from its start; the options decide whether that is still wanted.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        let patient = self.patient;
        *self = Self::open_location(self.location.clone(), &self.options)?;
        self.patient = patient;
        Ok(())
    }

    /// Reads wait for data for as long as it takes from now on; only the caller's cancel ends them.
    pub(crate) fn be_patient(&mut self) {
        self.patient = true;
    }

    /// Whether it is a pipe, or an address without a length: it comes as it is made.
    pub(crate) fn is_live(&self) -> bool {
        self.location.is_pipe || self.is_remote()
    }

    /// Whether it is an address without a length.
    pub(crate) fn is_remote(&self) -> bool {
        !self.location.is_file && !self.location.is_pipe && self.duration().is_none()
    }

    /// What people are shown for it.
    pub(crate) fn label(&self) -> &str {
        &self.location.label
    }

    /// The file being read, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.location.is_file.then(|| PathBuf::from(&self.location.label))
    }

    /// Its file name without the folder.
    pub(crate) fn short_name(&self) -> String {
        let label = self.label();
        if !self.location.is_file {
            return label.to_owned();
        }
        std::path::Path::new(label)
            .file_name()
            .map_or_else(|| label.to_owned(), |n| n.to_string_lossy().into_owned())
    }

    /// What opened it.
    pub(crate) fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// An error about the content.
    pub(crate) fn media_error(&self, what: impl std::fmt::Display) -> Error {
        media_error(self.label(), what)
    }

    /// An error for an FFmpeg failure while reading.
    pub(crate) fn error(&self, code: c_int, what: impl std::fmt::Display) -> Error {
        let doing = if self.location.is_file { Doing::ReadingFile } else { Doing::ReadingUrl };
        from_code_or(code, &self.interrupt, doing, format!("{}: {what}", self.label()))
    }

    /// An error if the caller asked to give up.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if self.options.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, format!("{}: cancelled", self.label())));
        }
        Ok(())
    }

    /// The next packet, None at the end. Damaged parts are skipped; a file that breaks off ends.
    pub(crate) fn read(&mut self) -> Result<Option<Packet>> {
        if self.patient {
            self.interrupt.disarm();
        } else {
            self.interrupt.arm();
        }
        let mut broken = 0;
        loop {
            self.check_cancelled()?;
            let mut packet = Packet::empty();
            match packet.read(&mut self.context) {
                Ok(()) => return Ok(Some(packet)),
                Err(av::Error::Eof) => return Ok(None),
                Err(e @ (av::Error::InvalidData | av::Error::Other { errno: av::error::EAGAIN })) => {
                    broken += 1;
                    if self.interrupt.is_due() {
                        return Err(self.error(e.into(), "cannot be read"));
                    }
                    if broken > MOST_BROKEN_READS {
                        tracing::warn!("{}: too damaged to read on, ends here", self.label());
                        return Ok(None);
                    }
                }
                Err(e) if self.location.is_file && e != av::Error::Exit && !self.interrupt.is_due() => {
                    tracing::warn!("{}: {e}, ends here", self.label());
                    return Ok(None);
                }
                Err(e) => {
                    let error = self.error(e.into(), "cannot be read");
                    // the next read may try again
                    self.context.clear_interrupt();
                    return Err(error);
                }
            }
        }
    }

    /// Goes to the key frame of `stream` at or before media time `to`; whether the container could.
    #[allow(unsafe_code)]
    pub(crate) fn seek(&mut self, stream: usize, to: Timestamp) -> Result<bool> {
        self.check_cancelled()?;
        let ticks = nanos_to_ticks(to.as_nanos().saturating_add(self.zero), self.time_base(stream));
        self.interrupt.arm();
        self.context.clear_eof();
        // SAFETY: an open context; the index was valid when the stream was chosen and streams are never removed.
        let code = unsafe {
            ffi::av_seek_frame(self.context.as_mut_ptr(), stream as c_int, ticks, ffi::AVSEEK_FLAG_BACKWARD)
        };
        if code < 0 && (self.interrupt.is_due() || av::Error::from(code) == av::Error::Exit) {
            let error = self.error(code, "cannot seek");
            self.context.clear_interrupt();
            return Err(error);
        }
        Ok(code >= 0)
    }

    /// The time of the key frame at or before `to` that the container's index knows, if it has one.
    #[allow(unsafe_code)]
    pub(crate) fn indexed_key_before(&mut self, stream: usize, to: Timestamp) -> Option<Timestamp> {
        let base = self.time_base(stream);
        let ticks = nanos_to_ticks(to.as_nanos().saturating_add(self.zero), base);
        // SAFETY: a valid stream of an open context; the entry is read before anything else touches the index.
        let entry = unsafe {
            let stream = *(*self.context.as_ptr()).streams.add(stream);
            ffi::avformat_index_get_entry_from_timestamp(stream, ticks, ffi::AVSEEK_FLAG_BACKWARD)
                .as_ref()?
                .timestamp
        };
        Some(self.media_time(stream, entry))
    }

    /// A timestamp of `stream` as media time.
    pub(crate) fn media_time(&self, stream: usize, ticks: i64) -> Timestamp {
        let nanos = ticks_to_nanos(ticks, self.time_base(stream));
        Timestamp::from_nanos(nanos.saturating_sub(self.zero))
    }

    /// The length of the container from media time 0, if it is known. Pictures and sound loop at this period.
    #[allow(unsafe_code)]
    pub(crate) fn duration(&self) -> Option<Timestamp> {
        // SAFETY: plain fields of an open context.
        let (start, length) =
            unsafe { ((*self.context.as_ptr()).start_time, (*self.context.as_ptr()).duration) };
        if length <= 0 || length == ffi::AV_NOPTS_VALUE {
            return None;
        }
        let length = length.saturating_mul(1000);
        let mut end = match start {
            ffi::AV_NOPTS_VALUE => length,
            start => start.saturating_mul(1000).saturating_add(length).saturating_sub(self.zero),
        };
        if self.is_flv() && length > self.zero {
            // FLV files state their last timestamp, not their length
            end = length - self.zero;
        }
        let most =
            (0..self.stream_count()).filter(|s| self.medium(*s).is_some()).filter_map(|s| self.stream_end(s));
        if let Some(most) = most.max().filter(|most| self.length_is_guessed() && end - most > 60_000_000_000)
        {
            end = most;
        }
        Some(Timestamp::from_nanos(self.whole_pictures(end))).filter(|d| *d > Timestamp::ZERO)
    }

    /// `nanos` as a whole number of pictures if it is within a millisecond of one: many containers round.
    fn whole_pictures(&self, nanos: i64) -> i64 {
        let video = (0..self.stream_count()).find(|s| self.medium(*s) == Some(Medium::Video));
        let Some((num, den)) = video.and_then(|s| super::video::frame_rate(self, s)) else { return nanos };
        let (num, period) = (i128::from(num), i128::from(den) * 1_000_000_000);
        let pictures = (2 * i128::from(nanos) * num + period).div_euclid(2 * period);
        let whole = ((2 * pictures * period + num).div_euclid(2 * num)) as i64;
        if (whole - nanos).abs() <= 1_000_000 { whole } else { nanos }
    }

    fn is_flv(&self) -> bool {
        self.format_names() == "flv"
    }

    /// The last media time, in nanoseconds, that a timestamp is believed to mean.
    pub(crate) fn latest_believed(&self) -> i64 {
        self.duration().map_or(i64::MAX, |d| d.as_nanos().saturating_add(JUMP_NANOS))
    }

    /// Where `stream` ends in media time, if the container says so and nothing speaks against it.
    pub(crate) fn stream_end(&self, stream: usize) -> Option<i64> {
        let end = self.stated_end(stream)?;
        let others = (0..self.stream_count()).filter(|s| *s != stream && self.medium(*s).is_some());
        let most = others.filter_map(|s| self.stated_end(s)).max().unwrap_or(end);
        // where the length is only guessed from timestamps, one damaged timestamp makes it hours
        let absurd = self.length_is_guessed() && end - most > 60_000_000_000 + 3 * most.max(0);
        (!absurd).then_some(end)
    }

    fn stated_end(&self, stream: usize) -> Option<i64> {
        let s = self.context.stream(stream)?;
        let (start, length) = (s.start_time(), s.duration());
        let known = length > 0 && length != ffi::AV_NOPTS_VALUE && !self.is_flv();
        let start = if start == ffi::AV_NOPTS_VALUE { 0 } else { start };
        known.then(|| self.media_time(stream, start.saturating_add(length)).as_nanos())
    }

    #[allow(unsafe_code)]
    fn length_is_guessed(&self) -> bool {
        // SAFETY: a plain field of an open context, read as the number it is; 0 is AVFMT_DURATION_FROM_PTS.
        unsafe {
            (&raw const (*self.context.as_ptr()).duration_estimation_method).cast::<c_int>().read() == 0
        }
    }

    /// The container's start, exactly: the start of the stream that starts first.
    #[allow(unsafe_code)]
    fn find_zero(&self) -> i64 {
        // SAFETY: a plain field of an open context.
        let start = unsafe { (*self.context.as_ptr()).start_time };
        if start == ffi::AV_NOPTS_VALUE {
            return 0;
        }
        let start = start.saturating_mul(1000);
        if (-PRIMING_NANOS..0).contains(&start) {
            return 0;
        }
        let starts = self.context.streams().map(|s| (s.start_time(), s.time_base()));
        let exact = starts
            .filter(|(t, _)| *t != ffi::AV_NOPTS_VALUE)
            .map(|(t, base)| ticks_to_nanos(t, base.into()))
            .find(|t| (t - start).abs() < 1_000);
        exact.unwrap_or(start)
    }

    /// The container's names, such as "mov,mp4,m4a,3gp,3g2,mj2".
    pub(crate) fn format_names(&self) -> String {
        self.context.format().name().to_owned()
    }

    /// Bits a second of everything together, if known.
    #[allow(unsafe_code)]
    pub(crate) fn bit_rate(&self) -> Option<u64> {
        // SAFETY: a plain field of an open context.
        let rate = unsafe { (*self.context.as_ptr()).bit_rate };
        u64::try_from(rate).ok().filter(|r| *r > 0)
    }

    /// How many streams there are.
    pub(crate) fn stream_count(&self) -> usize {
        self.context.nb_streams() as usize
    }

    /// The stream's raw self, for the other files of this folder.
    #[allow(unsafe_code)]
    pub(crate) fn stream_ptr(&self, stream: usize) -> *mut ffi::AVStream {
        assert!(stream < self.stream_count(), "streams are chosen from those there are");
        // SAFETY: just checked.
        unsafe { *(*self.context.as_ptr()).streams.add(stream) }
    }

    /// The raw context, for the other files of this folder; valid while `self` is.
    #[allow(unsafe_code)]
    pub(crate) fn context_ptr(&self) -> *mut ffi::AVFormatContext {
        // SAFETY: only takes the pointer.
        unsafe { self.context.as_ptr().cast_mut() }
    }

    /// The description of one stream with its metadata and side data.
    pub(crate) fn stream(&self, stream: usize) -> Option<av::Stream<'_>> {
        self.context.stream(stream)
    }

    /// The unit of the stream's timestamps.
    #[allow(unsafe_code)]
    pub(crate) fn time_base(&self, stream: usize) -> ffi::AVRational {
        // SAFETY: a plain field of a valid stream.
        unsafe { (*self.stream_ptr(stream)).time_base }
    }

    /// What kind of stream it is; cover pictures of sound files are neither.
    #[allow(unsafe_code)]
    pub(crate) fn medium(&self, stream: usize) -> Option<Medium> {
        // SAFETY: plain fields of a valid stream; the kind is read as the number it is.
        let (kind, disposition) = unsafe {
            let stream = self.stream_ptr(stream);
            ((&raw const (*(*stream).codecpar).codec_type).cast::<c_int>().read(), (*stream).disposition)
        };
        if kind == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO as c_int
            && disposition & ffi::AV_DISPOSITION_ATTACHED_PIC as c_int == 0
        {
            Some(Medium::Video)
        } else if kind == ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int {
            Some(Medium::Audio)
        } else {
            None
        }
    }

    /// An error unless `stream` is still there and of its kind, after opening again.
    pub(crate) fn check_stream(&self, stream: usize, medium: Medium) -> Result<()> {
        if stream < self.stream_count() && self.medium(stream) == Some(medium) {
            return Ok(());
        }
        let what = if medium == Medium::Video { "video" } else { "sound" };
        Err(self.media_error(format!("it has changed: its {what} is gone")))
    }

    /// What a decoder of `stream` needs to know, also on another thread.
    #[allow(unsafe_code)]
    pub(crate) fn facts(&self, stream: usize) -> StreamFacts {
        // SAFETY: plain fields of a valid stream.
        let aspects = unsafe {
            let raw = self.stream_ptr(stream);
            [(*raw).sample_aspect_ratio, (*(*raw).codecpar).sample_aspect_ratio]
        };
        StreamFacts {
            label: self.label().to_owned(),
            time_base: self.time_base(stream),
            zero: self.zero,
            latest: self.latest_believed(),
            end: self.stream_end(stream).map(Timestamp::from_nanos).or_else(|| self.duration()),
            is_avi: self.format_names() == "avi",
            aspects,
        }
    }

    /// The best stream of a kind, or the one the options name. None: there is none.
    #[allow(unsafe_code)]
    pub(crate) fn choose(&mut self, medium: Medium) -> Result<Option<usize>> {
        if let Some(wanted) = self.options.stream {
            let found = (wanted < self.stream_count()).then(|| self.medium(wanted)).flatten();
            if found != Some(medium) {
                let message = format!("{}: stream {wanted} is no {medium:?} stream", self.label());
                return Err(
                    Error::parameter(message).with_hint(format!("it has {} streams", self.stream_count()))
                );
            }
            return Ok(Some(wanted));
        }
        let kind = match medium {
            Medium::Video => ffi::AVMediaType::AVMEDIA_TYPE_VIDEO,
            Medium::Audio => ffi::AVMediaType::AVMEDIA_TYPE_AUDIO,
        };
        // SAFETY: an open context; no decoder is asked for.
        let best = unsafe {
            ffi::av_find_best_stream(self.context.as_mut_ptr(), kind, -1, -1, std::ptr::null_mut(), 0)
        };
        let best = usize::try_from(best).ok().filter(|s| self.medium(*s) == Some(medium));
        Ok(best.or_else(|| (0..self.stream_count()).find(|s| self.medium(*s) == Some(medium))))
    }

    /// Reads only these streams from now on.
    #[allow(unsafe_code)]
    pub(crate) fn read_only(&mut self, streams: &[usize]) {
        for other in (0..self.stream_count()).filter(|s| !streams.contains(s)) {
            // SAFETY: a plain field of a valid stream, which the next read looks at.
            unsafe { (*self.stream_ptr(other)).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
}

#[allow(unsafe_code)]
fn open_context(
    location: &Location,
    url: &str,
    options: &OpenOptions,
    interrupt: &Arc<Interrupt>,
    doing: Doing,
) -> Result<av::format::context::Input> {
    let text = |s: &str| CString::new(s).map_err(|_| Error::parameter(format!("{s:?} contains a zero byte")));
    let url = text(url)?;
    let mut dictionary = Dictionary::new();
    for (key, value) in location.sequence.iter().flat_map(|s| s.options()) {
        dictionary.set(key, &value);
    }
    for (key, value) in &options.options {
        text(key)?;
        text(value)?;
        dictionary.set(key, value);
    }
    let format = options.format.as_deref().or(location.sequence.map(|_| "image2"));
    let format = format.map(text).transpose()?;
    // SAFETY: the strings outlive the calls; on failure FFmpeg frees the context itself; the dictionary comes
    // back and is owned again; the interrupt's owner keeps it longer than the context.
    unsafe {
        let format = match &format {
            None => std::ptr::null(),
            Some(name) => {
                let found = ffi::av_find_input_format(name.as_ptr());
                if found.is_null() {
                    return Err(Error::parameter(format!("this FFmpeg has no container format {name:?}")));
                }
                found
            }
        };
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Error::new(ErrorKind::Memory, "no memory for a container"));
        }
        (*context).interrupt_callback = interrupt.callback();
        let mut raw = dictionary.disown();
        let code = ffi::avformat_open_input(&mut context, url.as_ptr(), format, &mut raw);
        let left = Dictionary::own(raw);
        if code < 0 {
            return Err(from_code_or(code, interrupt, doing, &location.label));
        }
        let context = av::format::context::Input::wrap(context);
        if let Some((key, _)) = left.iter().next() {
            let message =
                format!("{}: neither its container nor its protocol has an option {key:?}", location.label);
            return Err(Error::parameter(message));
        }
        Ok(context)
    }
}

#[allow(unsafe_code)]
fn find_streams(
    context: &mut av::format::context::Input,
    location: &Location,
    interrupt: &Arc<Interrupt>,
    doing: Doing,
) -> Result<()> {
    // SAFETY: an open context; no options a stream.
    let code = unsafe { ffi::avformat_find_stream_info(context.as_mut_ptr(), std::ptr::null_mut()) };
    if let Some(error) = interrupt.error() {
        return Err(error.context(&location.label));
    }
    if code < 0 { Err(convert(code.into(), doing, &location.label)) } else { Ok(()) }
}

/// A C string of FFmpeg's that is never freed, such as a codec's name; "unknown" for none.
#[allow(unsafe_code)]
pub(crate) fn static_name(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: not null, ends with zero, lives as long as the process.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
