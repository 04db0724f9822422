// SPDX-License-Identifier: GPL-2.0-or-later
//! The pictures of one stream, in the order they are shown, from any place.

use super::decode::{Decoder, Received};
use super::filter::{Graph, Orientation, reference, upright};
use super::from_av::{Tags, color_of, to_frame};
use super::input::{Input, JUMP_NANOS, Medium, ticks_to_nanos};
use super::sws::Scaler;
use crate::media_file::{Deinterlace, OpenOptions};
use ffmpeg_next::{ffi, frame, packet};
use lk_media::{Frame, Result, Siting, Size, Timestamp};
use std::collections::VecDeque;
use std::ffi::c_int;

/// Packet lengths remembered until their picture comes out.
const KEEP_LENGTHS: usize = 64;
/// The length of a picture nothing is known about.
const GUESSED_NANOS: i64 = 40_000_000;

/// A decoded picture that nobody has converted yet; cheap to throw away.
pub(crate) struct Picture {
    raw: frame::Video,
    /// Media time.
    pub(crate) pts: Timestamp,
    /// How long it is shown, if another does not come first.
    pub(crate) nanos: i64,
}

/// Reads pictures.
pub(crate) struct VideoReader {
    input: Input,
    stream: usize,
    decoder: Decoder,
    orientation: Orientation,
    weave: bool,
    deinterlacer: Option<Graph>,
    interlaced: bool,
    upright: Option<Graph>,
    scaler: Scaler,
    ready: VecDeque<Picture>,
    last: Option<(frame::Video, i64)>,
    held: Option<(frame::Video, i64)>,
    lengths: VecDeque<(i64, i64)>,
    usual_nanos: i64,
    wants_key: bool,
    sought: bool,
    untimed: bool,
    latest: i64,
    state: State,
    first: Option<Timestamp>,
    /// What all timestamps are too late by.
    late: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Draining,
    Over,
}

impl VideoReader {
    /// Opens the pictures of `name`; Media if there are none that can be decoded.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        let mut input = Input::open(name, options)?;
        let Some(stream) = input.choose(Medium::Video)? else {
            return Err(input
                .media_error("no video in it")
                .with_hint("it may be a sound file: look with MediaInfo"));
        };
        input.read_only(stream);
        let decoder = Decoder::open(&input, stream)?;
        let usual_nanos = frame_nanos(&input, stream).unwrap_or(GUESSED_NANOS);
        let orientation = orientation(&input, stream);
        let latest = input.latest_believed();
        let mut reader = Self {
            input,
            stream,
            decoder,
            orientation,
            weave: options.deinterlace == Deinterlace::Off,
            deinterlacer: None,
            interlaced: false,
            upright: None,
            scaler: Scaler::default(),
            ready: VecDeque::new(),
            last: None,
            held: None,
            lengths: VecDeque::new(),
            usual_nanos,
            wants_key: false,
            sought: false,
            untimed: false,
            latest,
            state: State::Reading,
            first: None,
            late: 0,
        };
        let Some(mut first) = reader.next()? else {
            return Err(reader.input.media_error("no picture in it can be decoded"));
        };
        if reader.input.format_names() == "avi" {
            // AVI has decoding times only: with B-frames everything comes out late by the reordering
            reader.late = first.pts.as_nanos().clamp(0, 4 * usual_nanos);
            first.pts = first.pts.offset(-reader.late);
            reader.ready.iter_mut().for_each(|p| p.pts = p.pts.offset(-reader.late));
            reader.last.iter_mut().for_each(|(_, pts)| *pts -= reader.late);
        }
        reader.first = Some(first.pts);
        reader.ready.push_front(first);
        Ok(reader)
    }

    /// The file, for names and lengths.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The time of the first picture.
    pub(crate) fn first(&self) -> Timestamp {
        self.first.unwrap_or(Timestamp::ZERO)
    }

    /// Where the pictures end, by what the container says.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.input.stream_end(self.stream).map(Timestamp::from_nanos).or_else(|| self.input.duration())
    }

    /// Damaged packets so far.
    pub(crate) fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// How far before a picture decoding must begin for it to be the same as in one go.
    pub(crate) fn lead_nanos(&self) -> i64 {
        if self.interlaced { 3 * self.usual_nanos } else { 0 }
    }

    /// The next picture, None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Picture>> {
        loop {
            if let Some(picture) = self.ready.pop_front() {
                return Ok(Some(picture));
            }
            if self.state == State::Over {
                return Ok(None);
            }
            let mut raw = frame::Video::empty();
            match self.decoder.receive(&mut raw)? {
                Received::Frame => self.take(raw)?,
                Received::Hungry if self.state == State::Reading => self.feed()?,
                Received::Hungry | Received::End => self.finish()?,
            }
        }
    }

    /// Goes to the key frame at or before `to`; false if the container cannot. What comes next may still be
    /// later than `to`: then go further back, or rewind.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<bool> {
        if self.untimed || !self.input.seek(self.stream, to.offset(self.late))? {
            return Ok(false);
        }
        self.forget();
        (self.wants_key, self.sought) = (true, true);
        Ok(true)
    }

    /// Goes to the first picture, by opening the file again if it must.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        let first = self.first();
        if self.seek(first)?
            && let Some(picture) = self.next()?
            && picture.pts <= first
        {
            self.ready.push_front(picture);
            return Ok(());
        }
        self.input.reopen()?;
        if self.stream >= self.input.stream_count() || self.input.medium(self.stream) != Some(Medium::Video) {
            return Err(self.input.media_error("it has changed: its video is gone"));
        }
        self.input.read_only(self.stream);
        self.decoder = Decoder::open(&self.input, self.stream)?;
        self.forget();
        Ok(())
    }

    /// Whether seeking to `to` saves work over decoding on from `from`.
    pub(crate) fn seek_pays(&mut self, from: Timestamp, to: Timestamp) -> bool {
        !self.untimed
            && self.input.indexed_key_before(self.stream, to.offset(self.late)).is_none_or(|key| key > from)
    }

    /// The picture as a frame: upright, with square pixels, due at its media time.
    pub(crate) fn frame(&mut self, picture: &Picture) -> Result<Frame> {
        let size = Size::checked(picture.raw.width(), picture.raw.height())
            .map_err(|e| e.context(self.input.label()))?;
        let mut color = color_of(Tags::of(&picture.raw), size.height);
        let Some(filters) = upright(size, self.aspect(&picture.raw), self.orientation) else {
            return to_frame(&picture.raw, color, &mut self.scaler, picture.pts)
                .map_err(|e| e.context(self.input.label()));
        };
        if color.siting == Siting::Left && self.orientation != Orientation::default() {
            // turned or mirrored, left becomes a side we have no word for: half a pixel off is the nearest
            color.siting = Siting::Center;
        }
        if self.upright.as_ref().is_none_or(|g| !g.fits(&picture.raw)) {
            self.upright =
                Some(Graph::new(&filters, &picture.raw).map_err(|e| e.context(self.input.label()))?);
        }
        let Some(graph) = self.upright.as_mut() else { return Err(self.input.media_error("no filter")) };
        graph.push(&picture.raw, picture.pts.as_nanos())?;
        match graph.pull()? {
            Some((turned, _)) => to_frame(&turned, color, &mut self.scaler, picture.pts),
            None => Err(self.input.media_error("a picture could not be turned upright")),
        }
    }

    fn forget(&mut self) {
        self.decoder.flush();
        self.deinterlacer = None;
        self.ready.clear();
        (self.last, self.held) = (None, None);
        self.lengths.clear();
        (self.wants_key, self.sought) = (false, false);
        self.state = State::Reading;
    }

    fn feed(&mut self) -> Result<()> {
        let Some(packet) = self.input.read()? else {
            self.state = State::Draining;
            return self.decoder.send(None);
        };
        if packet.stream() != self.stream || self.wants_key && !packet.flags().contains(packet::Flags::KEY) {
            return Ok(());
        }
        self.wants_key = false;
        if let (Some(pts), true) = (packet.pts(), packet.duration() > 0) {
            let base = self.input.time_base(self.stream);
            self.lengths.push_back((pts, ticks_to_nanos(packet.duration(), base)));
            if self.lengths.len() > KEEP_LENGTHS {
                self.lengths.pop_front();
            }
        }
        self.decoder.send(Some(&packet))
    }

    fn take(&mut self, raw: frame::Video) -> Result<()> {
        let media_time = |ticks| self.input.media_time(self.stream, ticks).as_nanos();
        let stated = raw.timestamp().map(|ticks| media_time(ticks).saturating_sub(self.late));
        let stated = stated.filter(|s| *s <= self.latest);
        if let Some((held, at)) = self.held.take() {
            // time went on from there: the jump was real
            self.accept(held, stated.filter(|s| *s >= at).map(|_| at))?;
        }
        let before = self.last.as_ref().map(|(_, pts)| *pts).or(if self.sought { None } else { Some(0) });
        match (stated, before) {
            (Some(at), Some(before)) if at.saturating_sub(before) > JUMP_NANOS => self.held = Some((raw, at)),
            _ => self.accept(raw, stated)?,
        }
        Ok(())
    }

    fn accept(&mut self, raw: frame::Video, stated: Option<i64>) -> Result<()> {
        let ticks = raw.timestamp();
        let length =
            ticks.and_then(|t| self.lengths.iter().rev().find(|(pts, _)| *pts == t)).map(|(_, n)| *n);
        let nanos = length.unwrap_or(self.usual_nanos);
        let last = self.last.as_ref().map(|(_, pts)| *pts);
        self.untimed |= ticks.is_none() && self.first.is_none() && last.is_none();
        let pts = match (stated, last) {
            (Some(stated), Some(last)) if stated < last => last.saturating_add(self.usual_nanos),
            (Some(stated), _) => stated,
            (None, Some(last)) => last.saturating_add(self.usual_nanos),
            // after a seek, a picture without a time may be from anywhere: too late for every target
            (None, None) if self.sought => i64::MAX,
            (None, None) => 0,
        };
        if raw.is_interlaced() && !self.weave && self.deinterlacer.is_none() {
            self.interlaced = true;
        }
        if !self.interlaced {
            self.last = Some((reference(&raw)?, pts));
            self.ready.push_back(Picture { raw, pts: Timestamp::from_nanos(pts), nanos });
            return Ok(());
        }
        self.deinterlace(&raw, pts)?;
        self.last = Some((raw, pts));
        Ok(())
    }

    fn deinterlace(&mut self, raw: &frame::Video, pts: i64) -> Result<()> {
        if self.deinterlacer.as_ref().is_some_and(|g| !g.fits(raw)) {
            self.drain_deinterlacer()?;
            self.deinterlacer = None;
            self.last = None;
        }
        if self.deinterlacer.is_none() {
            let mut graph = Graph::new("bwdif=mode=send_frame:parity=auto:deint=interlaced", raw)?;
            // the picture before, already given out, so that this one has a neighbour
            if let Some((before, time)) = self.last.as_ref().filter(|(before, _)| graph.fits(before)) {
                graph.push(before, *time)?;
                graph.push(raw, pts)?;
                while let Some((picture, time)) = graph.pull()? {
                    if time >= pts {
                        self.ready.push_back(self.finished(picture, time));
                    }
                }
                self.deinterlacer = Some(graph);
                return Ok(());
            }
            self.deinterlacer = Some(graph);
        }
        if let Some(graph) = self.deinterlacer.as_mut() {
            graph.push(raw, pts)?;
        }
        self.take_deinterlaced()
    }

    fn take_deinterlaced(&mut self) -> Result<()> {
        while let Some((picture, pts)) = self.deinterlacer.as_mut().map_or(Ok(None), Graph::pull)? {
            self.ready.push_back(self.finished(picture, pts));
        }
        Ok(())
    }

    fn finished(&self, raw: frame::Video, pts: i64) -> Picture {
        Picture { raw, pts: Timestamp::from_nanos(pts), nanos: self.usual_nanos }
    }

    fn drain_deinterlacer(&mut self) -> Result<()> {
        if let Some(graph) = self.deinterlacer.as_mut() {
            graph.finish();
        }
        self.take_deinterlaced()
    }

    fn finish(&mut self) -> Result<()> {
        self.state = State::Over;
        if let Some((held, at)) = self.held.take() {
            let likely = self.end().is_none_or(|end| at <= end.as_nanos() + JUMP_NANOS);
            self.accept(held, likely.then_some(at))?;
        }
        self.drain_deinterlacer()
    }

    #[allow(unsafe_code)]
    fn aspect(&self, picture: &frame::Video) -> ffi::AVRational {
        // SAFETY: an open context, one of its streams, a frame that is only read.
        unsafe {
            ffi::av_guess_sample_aspect_ratio(
                self.input.context_ptr(),
                self.input.stream_ptr(self.stream),
                picture.as_ptr().cast_mut(),
            )
        }
    }
}

/// The display matrix of a stream.
pub(crate) fn orientation(input: &Input, stream: usize) -> Orientation {
    let Some(stream) = input.stream(stream) else { return Orientation::default() };
    let matrix = stream.side_data().find(|d| d.kind() == packet::side_data::Type::DisplayMatrix);
    let Some(bytes) = matrix.as_ref().map(|m| m.data()).filter(|d| d.len() >= 36) else {
        return Orientation::default();
    };
    let mut numbers = [0; 9];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Orientation::from_matrix(&numbers)
}

/// Frames a second as a fraction, as far as FFmpeg can guess.
#[allow(unsafe_code)]
pub(crate) fn frame_rate(input: &Input, stream: usize) -> Option<(c_int, c_int)> {
    // SAFETY: an open context and one of its streams.
    let rate = unsafe {
        ffi::av_guess_frame_rate(input.context_ptr(), input.stream_ptr(stream), std::ptr::null_mut())
    };
    (rate.num > 0 && rate.den > 0).then_some((rate.num, rate.den))
}

fn frame_nanos(input: &Input, stream: usize) -> Option<i64> {
    let (num, den) = frame_rate(input, stream)?;
    let nanos = i64::from(den).saturating_mul(1_000_000_000) / i64::from(num);
    (1_000_000..=10_000_000_000).contains(&nanos).then_some(nanos)
}
