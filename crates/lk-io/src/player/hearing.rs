// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound's thread: decodes ahead, and writes samples at their places on the clock's time line.

use super::packets::{Item, Popped, Start};
use super::pictures::STALL;
use super::shared::{Fading, Shared, count};
use super::timeline::{Mapping, to_samples};
use crate::av::input::Medium;
use crate::av::picture_decoder::Step;
use crate::av::sound_decoder::{Piece, SoundDecoder};
use crate::media_file::cubic;
use lk_media::audio_port::sample_at;
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, RAMP, Ramp, Result, SAMPLE_RATE, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SECOND: i64 = SAMPLE_RATE as i64;
/// Samples are written so far ahead of the clock.
const AHEAD: i64 = 3 * SECOND / 10;
/// Samples decoded ahead of the place that plays, and kept behind it.
const DECODED: i64 = SECOND;
const KEPT: i64 = SECOND;
/// After a seek, decoders are right again after this much.
const SETTLE: i64 = SECOND / 10;
/// What has to be there before time moves.
const READY: i64 = SECOND / 5;
/// So often a search that began too late is begun again: sound may have gaps.
const TRIES: usize = 2;
/// The most written at a time.
const BLOCK: i64 = 4800;
/// Samples interpolation looks at before and after its range.
const MARGIN: i64 = 2;
const LOOK: Duration = Duration::from_millis(40);
const IDLE: Duration = Duration::from_millis(500);

pub(super) struct Hearing {
    shared: Arc<Shared>,
    decoder: SoundDecoder,
    map: Mapping,
    /// What was heard on the line before, and fades.
    fading: Fading,
    /// Samples of the media, laid end to end like the timeline's places; the first one's place.
    samples: VecDeque<f32>,
    start: i64,
    /// The next sample of the clock to be written.
    next: i64,
    lap: i64,
    begun: bool,
    over: bool,
    /// The place being looked for, and whether going further back is possible.
    search: Option<(i64, bool)>,
    any: bool,
    hungry: Option<Stopwatch>,
    stalled: bool,
    /// Whether there are no pictures: then a lack of sound stops time.
    alone: bool,
}

impl Hearing {
    pub(super) fn new(shared: Arc<Shared>, decoder: SoundDecoder, alone: bool) -> Self {
        let map = Mapping { serial: 0, revision: 0, ..shared.map() };
        Self {
            shared,
            decoder,
            map,
            fading: Fading::default(),
            samples: VecDeque::new(),
            start: 0,
            next: 0,
            lap: 0,
            begun: false,
            over: false,
            search: None,
            any: false,
            hungry: None,
            stalled: false,
            alone,
        }
    }

    /// Plays until told to stop.
    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        let wake = shared.packets.wake(Medium::Audio);
        while !shared.cancel.is_cancelled() {
            let now = shared.now();
            self.follow(shared.map());
            match self.step(now) {
                Ok(None) => {}
                Ok(Some(limit)) => shared.wait(wake, limit),
                Err(error) => {
                    shared.fail(error);
                    return;
                }
            }
        }
    }

    fn end(&self) -> i64 {
        self.start + (self.samples.len() / CHANNELS) as i64
    }

    fn follow(&mut self, map: Mapping) {
        if map.serial != self.map.serial {
            self.samples.clear();
            (self.begun, self.over, self.stalled, self.hungry) = (false, false, false, None);
            self.search = Some((to_samples(map.target), false));
            self.start = to_samples(map.target);
        }
        if map.revision != self.map.revision {
            self.next = map.from;
            self.fading = self.shared.fading.lock().clone();
        }
        self.map = map;
    }

    fn step(&mut self, now: Timestamp) -> Result<Option<Duration>> {
        let shared = self.shared.clone();
        if self.map.moving {
            if self.write(now) {
                return Ok(None);
            }
            if self.over || self.map.limit.is_some() {
                shared.update(|timeline, now| timeline.check_end(now));
            }
        }
        let here = to_samples(self.map.place_at(now));
        if self.search.is_none() && self.end() >= here + (DECODED as f64 * self.map.rate.max(1.0)) as i64 {
            return Ok(Some(if self.map.moving { LOOK } else { IDLE }));
        }
        if self.decode(here)? {
            self.hungry = None;
            return Ok(None);
        }
        self.note_hunger(here);
        Ok(Some(if self.map.moving { LOOK } else { IDLE }))
    }

    /// Writes the next samples, if it is time and they are there.
    fn write(&mut self, now: Timestamp) -> bool {
        let present = sample_at(now);
        self.next = self.next.max(present - SECOND);
        let until = (present + AHEAD).min(self.next + BLOCK);
        let origin = (to_samples(self.map.anchor.as_nanos()), to_samples(self.map.place));
        // at the end of a lap the next one follows
        let count = if self.over && !self.map.looping {
            until - self.next
        } else {
            let there = (self.end() - origin.1) as f64 / self.map.rate;
            (origin.0 + there.floor() as i64 - self.margin() - self.next).min(until - self.next)
        };
        if count <= 0 {
            return false;
        }
        let mut out = vec![0.0; count as usize * CHANNELS];
        self.fill(origin, &mut out);
        self.soften(origin, &mut out);
        let mut timeline = self.shared.timeline.lock();
        if timeline.map().revision == self.map.revision {
            self.shared.sound.write(self.next, &out);
            self.next += count;
            timeline.rendered = self.next;
        }
        true
    }

    fn margin(&self) -> i64 {
        if self.map.rate == 1.0 { 0 } else { MARGIN + 1 }
    }

    /// Fills `out` with what belongs to the clock's samples from the next one on; silence before the anchor.
    fn fill(&self, (anchor, place): (i64, i64), out: &mut [f32]) {
        let limit = self.map.limit.map_or(i64::MAX, to_samples);
        let at = |place: i64, channel: usize| {
            let index = (place - self.start) * CHANNELS as i64 + channel as i64;
            let sample = usize::try_from(index).ok().and_then(|i| self.samples.get(i));
            sample.copied().filter(|_| place < limit).unwrap_or(0.0)
        };
        for (n, sample) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let elapsed = self.next + n as i64 - anchor;
            if elapsed < 0 {
                continue;
            }
            if self.map.rate == 1.0 {
                (0..CHANNELS).for_each(|c| sample[c] = at(place + elapsed, c));
                continue;
            }
            let x = place as f64 + elapsed as f64 * self.map.rate;
            let (whole, part) = (x.floor() as i64, (x - x.floor()) as f32);
            for (c, value) in sample.iter_mut().enumerate() {
                *value = cubic([-1, 0, 1, 2].map(|offset| at(whole + offset, c)), part);
            }
        }
    }

    /// Where one line follows another, what was heard fades and what comes in between beginning and end fades in.
    fn soften(&self, (anchor, place): (i64, i64), out: &mut [f32]) {
        let begin = self.map.from.max(anchor);
        if self.next < begin + RAMP as i64 && place + begin - anchor > 0 {
            let mut ramp = Ramp::new([0.0]);
            ramp.go_to([1.0], begin);
            ramp.scale(self.next, out);
        }
        let skip = (self.next - self.fading.from).max(0) as usize * CHANNELS;
        let old = self.fading.samples.get(skip..).unwrap_or_default();
        out.iter_mut().zip(old).for_each(|(new, old)| *new += old);
    }

    /// Decodes a step; false if there is nothing to decode.
    fn decode(&mut self, here: i64) -> Result<bool> {
        if self.begun {
            match self.decoder.next()? {
                Step::Got(piece) => {
                    self.shared.counts.damaged[1].store(self.decoder.damaged(), Ordering::Relaxed);
                    self.place(&piece, here);
                    return Ok(true);
                }
                Step::Hungry => {}
                Step::Over if !self.over => {
                    self.note_over();
                    return Ok(true);
                }
                Step::Over => {}
            }
        }
        let lap_start = self.map.lap_start(self.lap);
        match self.shared.packets.pop(self.map.serial, Medium::Audio, lap_start) {
            Popped::Item(Item::Begin { lap, start }) => self.begin(lap, start),
            Popped::Item(Item::Packet(packet)) if self.begun => self.decoder.feed(Some(packet.packet()))?,
            Popped::Item(Item::Packet(_)) => {}
            Popped::Item(Item::End) => self.decoder.feed(None)?,
            Popped::Empty => return Ok(false),
            Popped::Moved => {}
        }
        Ok(true)
    }

    fn begin(&mut self, lap: i64, start: Start) {
        (self.lap, self.begun, self.over, self.any) = (lap, true, false, false);
        let serial = self.map.serial;
        self.shared.update(|timeline, _| timeline.note_end(Medium::Audio, serial, None));
        let mut sought = None;
        match start {
            Start::Primed | Start::Opened(None) => {}
            Start::Sought(attempt) => {
                sought = Some(attempt);
                self.decoder.restart_sought();
            }
            Start::Opened(Some(decoder)) => self.decoder.restart_with(decoder),
        }
        if let Some((_, may_go_back)) = &mut self.search {
            *may_go_back = sought.is_some_and(|attempt| attempt < TRIES);
        }
        if lap > 0 {
            self.pad_to(to_samples(self.map.lap_start(lap)));
        }
    }

    /// Puts a piece in its place: silence where one is missing, what overlaps or lies beyond its lap is left out.
    fn place(&mut self, piece: &Piece, here: i64) {
        let at = to_samples(self.map.lap_start(self.lap)) + piece.at;
        let is_first = !std::mem::replace(&mut self.any, true);
        if let Some((target, may_go_back)) = self.search
            && is_first
        {
            if may_go_back && at > target - SETTLE && target > self.decoder.first() {
                self.begun = false;
                self.shared.retry(self.map.serial);
                return;
            }
            (self.start, _) = (at.min(target), self.samples.clear());
        }
        let lap_end = if self.map.looping { to_samples(self.map.lap_start(self.lap + 1)) } else { i64::MAX };
        self.pad_to(at.min(lap_end));
        let skip = (self.end() - at).max(0) as usize * CHANNELS;
        let room = (lap_end - self.end()).max(0) as usize * CHANNELS;
        self.samples.extend(piece.samples.iter().skip(skip).take(room));
        self.forget(here);
        match self.search {
            Some((target, _)) if self.end() < target + READY => {}
            Some(_) => {
                self.search = None;
                self.shared.ready(Medium::Audio, self.map.serial);
            }
            None if self.stalled => {
                self.stalled = false;
                self.shared.ready(Medium::Audio, self.map.serial);
            }
            None => {}
        }
    }

    /// Silence up to `place`; a long one is not stored.
    fn pad_to(&mut self, place: i64) {
        let silence = place - self.end();
        if silence > 10 * SECOND {
            self.samples.clear();
            self.start = place;
        } else if silence > 0 {
            self.samples.extend(std::iter::repeat_n(0.0, silence as usize * CHANNELS));
        }
    }

    fn forget(&mut self, here: i64) {
        let behind = (here - KEPT - self.start).clamp(0, self.end() - self.start);
        self.samples.drain(..behind as usize * CHANNELS);
        self.start += behind;
    }

    fn note_over(&mut self) {
        self.over = true;
        if self.search.take().is_some() || std::mem::take(&mut self.stalled) {
            self.shared.ready(Medium::Audio, self.map.serial);
        }
        let (serial, end) = (self.map.serial, self.end());
        let nanos = (i128::from(end) * 1_000_000_000 / i128::from(SAMPLE_RATE)) as i64;
        self.shared.update(|timeline, _| timeline.note_end(Medium::Audio, serial, Some(nanos)));
    }

    fn note_hunger(&mut self, here: i64) {
        if !self.map.moving || self.over || !self.alone || self.end() > here || self.search.is_some() {
            self.hungry = None;
            return;
        }
        if self.hungry.get_or_insert_with(Stopwatch::start).elapsed() < STALL {
            return;
        }
        let serial = self.map.serial;
        let place = (i128::from(self.end()) * 1_000_000_000 / i128::from(SAMPLE_RATE)) as i64;
        if self.shared.update(|timeline, now| timeline.stall(Medium::Audio, serial, place, now)) {
            count(&self.shared.counts.stalls);
            self.stalled = true;
        }
    }
}
