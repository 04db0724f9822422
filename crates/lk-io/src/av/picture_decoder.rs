// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets of one stream to pictures, in the order they are shown.

use super::decode::{Decoder, Received};
use super::filter::{Graph, Orientation, reference, upright};
use super::from_av::{Tags, color_of, to_frame};
use super::input::{Input, JUMP_NANOS, StreamFacts, ticks_to_nanos};
use super::sws::Scaler;
use super::video::{frame_nanos, orientation};
use crate::media_file::Deinterlace;
use ffmpeg_next::{Packet, ffi, frame, packet};
use lk_media::{Frame, Result, Siting, Size, Timestamp};
use std::collections::VecDeque;

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

/// What a decoder has to say.
pub(crate) enum Step<T> {
    /// The next picture or piece of sound.
    Got(T),
    /// It wants a packet first.
    Hungry,
    /// It was told that no more packets come, and has given everything.
    Over,
}

/// Decodes, deinterlaces and orders pictures, and turns them upright.
pub(crate) struct PictureDecoder {
    facts: StreamFacts,
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

impl PictureDecoder {
    /// For `stream` of an input at its start.
    pub(crate) fn open(input: &Input, stream: usize) -> Result<Self> {
        Ok(Self {
            facts: input.facts(stream),
            decoder: Decoder::open(input, stream)?,
            orientation: orientation(input, stream),
            weave: input.options().deinterlace == Deinterlace::Off,
            deinterlacer: None,
            interlaced: false,
            upright: None,
            scaler: Scaler::default(),
            ready: VecDeque::new(),
            last: None,
            held: None,
            lengths: VecDeque::new(),
            usual_nanos: frame_nanos(input, stream).unwrap_or(GUESSED_NANOS),
            wants_key: false,
            sought: false,
            untimed: false,
            state: State::Reading,
            first: None,
            late: 0,
        })
    }

    /// Takes note of the first picture of all, which goes back to be given out again.
    pub(crate) fn begin_with(&mut self, mut first: Picture) {
        if self.facts.is_avi {
            // AVI has decoding times only: with B-frames everything comes out late by the reordering
            self.late = first.pts.as_nanos().clamp(0, 4 * self.usual_nanos);
            first.pts = first.pts.offset(-self.late);
            self.ready.iter_mut().for_each(|p| p.pts = p.pts.offset(-self.late));
            self.last.iter_mut().for_each(|(_, pts)| *pts -= self.late);
        }
        self.first = Some(first.pts);
        self.give_back(first);
    }

    /// Has a picture given out again next.
    pub(crate) fn give_back(&mut self, picture: Picture) {
        self.ready.push_front(picture);
    }

    /// The time of the first picture.
    pub(crate) fn first(&self) -> Timestamp {
        self.first.unwrap_or(Timestamp::ZERO)
    }

    /// Damaged packets so far.
    pub(crate) fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// How far before a picture decoding must begin for it to be the same as in one go.
    pub(crate) fn lead_nanos(&self) -> i64 {
        if self.interlaced { 3 * self.usual_nanos } else { 0 }
    }

    /// What the container's times are too late by.
    pub(crate) fn late_nanos(&self) -> i64 {
        self.late
    }

    /// Whether its pictures carry no times: then seeking is of no use.
    pub(crate) fn is_untimed(&self) -> bool {
        self.untimed
    }

    /// The next picture, if the packets so far have one.
    pub(crate) fn next(&mut self) -> Result<Step<Picture>> {
        loop {
            if let Some(picture) = self.ready.pop_front() {
                return Ok(Step::Got(picture));
            }
            if self.state == State::Over {
                return Ok(Step::Over);
            }
            let mut raw = frame::Video::empty();
            match self.decoder.receive(&mut raw)? {
                Received::Frame => self.take(raw)?,
                Received::Hungry if self.state == State::Reading => return Ok(Step::Hungry),
                Received::Hungry | Received::End => self.finish()?,
            }
        }
    }

    /// Gives it the next packet of its stream, asked for by Hungry; None: no more come.
    pub(crate) fn feed(&mut self, packet: Option<&Packet>) -> Result<()> {
        let Some(packet) = packet else {
            if self.state != State::Reading {
                return Ok(());
            }
            self.state = State::Draining;
            return self.decoder.send(None);
        };
        if self.wants_key && !packet.flags().contains(packet::Flags::KEY) {
            return Ok(());
        }
        self.wants_key = false;
        if let (Some(pts), true) = (packet.pts(), packet.duration() > 0) {
            self.lengths.push_back((pts, ticks_to_nanos(packet.duration(), self.facts.time_base)));
            if self.lengths.len() > KEEP_LENGTHS {
                self.lengths.pop_front();
            }
        }
        self.decoder.send(Some(packet))
    }

    /// Forgets everything: packets from the start of the file follow, or, where it `sought`, from somewhere.
    pub(crate) fn restart(&mut self, sought: bool) {
        self.decoder.flush();
        self.deinterlacer = None;
        self.ready.clear();
        (self.last, self.held) = (None, None);
        self.lengths.clear();
        (self.wants_key, self.sought) = (sought, sought);
        self.state = State::Reading;
    }

    /// Decodes with another decoder from now on.
    pub(crate) fn replace(&mut self, decoder: Decoder) {
        self.decoder = decoder;
    }

    /// The picture as a frame: upright, with square pixels, due at its media time.
    pub(crate) fn frame(&mut self, picture: &Picture) -> Result<Frame> {
        let size = Size::checked(picture.raw.width(), picture.raw.height())
            .map_err(|e| e.context(&self.facts.label))?;
        let mut color = color_of(Tags::of(&picture.raw), size.height);
        let Some(filters) = upright(size, self.aspect(&picture.raw), self.orientation) else {
            return to_frame(&picture.raw, color, &mut self.scaler, picture.pts)
                .map_err(|e| e.context(&self.facts.label));
        };
        if color.siting == Siting::Left && self.orientation != Orientation::default() {
            // turned or mirrored, left becomes a side we have no word for: half a pixel off is the nearest
            color.siting = Siting::Center;
        }
        if self.upright.as_ref().is_none_or(|g| !g.fits(&picture.raw)) {
            self.upright =
                Some(Graph::new(&filters, &picture.raw).map_err(|e| e.context(&self.facts.label))?);
        }
        let Some(graph) = self.upright.as_mut() else { return Err(self.facts.media_error("no filter")) };
        graph.push(&picture.raw, picture.pts.as_nanos())?;
        match graph.pull()? {
            Some((turned, _)) => to_frame(&turned, color, &mut self.scaler, picture.pts),
            None => Err(self.facts.media_error("a picture could not be turned upright")),
        }
    }

    fn take(&mut self, raw: frame::Video) -> Result<()> {
        let media_time = |ticks| self.facts.media_time(ticks).as_nanos();
        let stated = raw.timestamp().map(|ticks| media_time(ticks).saturating_sub(self.late));
        let stated = stated.filter(|s| *s <= self.facts.latest);
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
            let likely = self.facts.end.is_none_or(|end| at <= end.as_nanos() + JUMP_NANOS);
            self.accept(held, likely.then_some(at))?;
        }
        self.drain_deinterlacer()
    }

    /// The pixel aspect: the container's, else the picture's, else the codec's.
    fn aspect(&self, picture: &frame::Video) -> ffi::AVRational {
        let [container, codec] = self.facts.aspects;
        let own: ffi::AVRational = picture.aspect_ratio().into();
        [container, own].into_iter().find(|a| a.num > 0 && a.den > 0).unwrap_or(codec)
    }
}
