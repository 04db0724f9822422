// SPDX-License-Identifier: GPL-2.0-or-later
//! The pictures' thread: decodes ahead, and publishes every frame a little before it is due.

use super::packets::{Item, Popped, Start};
use super::shared::{Shared, count};
use super::timeline::Mapping;
use crate::av::input::Medium;
use crate::av::picture_decoder::{Picture, PictureDecoder, Step};
use lk_media::clock::Stopwatch;
use lk_media::{Frame, Result, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Decoded frames that wait to be published.
const AHEAD: usize = 3;
/// Frames are published so many of their lengths before they are due, but not more than so much time.
const EARLY_FRAMES: i64 = 3;
const EARLY_NANOS: i64 = 100_000_000;
/// However late, so often a frame is shown.
const SHOW_NANOS: i64 = 250_000_000;
/// The last millisecond of a lap belongs to the next.
const DUE_NANOS: i64 = 1_000_000;
/// Without packets for so long, playing stalls.
pub(super) const STALL: Duration = Duration::from_secs(1);
/// A live input later than this is played from now on; later than the second, it is left out.
const LIVE_NANOS: (i64, i64) = (100_000_000, 1_000_000_000);
/// How often it looks at the clock without being rung.
const LOOK: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_millis(500);

/// A frame with its place.
struct Shown {
    place: i64,
    nanos: i64,
    frame: Frame,
    /// The time it was published for.
    given: Timestamp,
}

/// What is being looked for after going somewhere.
struct Search {
    target: i64,
    /// The last picture due at the target so far.
    found: Option<(Picture, i64)>,
    /// Whether a picture came since the last begin.
    any: bool,
    /// Whether going further back is possible.
    sought: bool,
}

enum Done {
    /// Something; there may be more to do.
    Some,
    /// Nothing, for lack of packets.
    Hungry,
    /// Nothing; no more comes.
    Over,
}

pub(super) struct Pictures {
    shared: Arc<Shared>,
    decoder: PictureDecoder,
    map: Mapping,
    /// The frame shown, those published ahead, those that wait.
    window: VecDeque<Shown>,
    published: usize,
    lap: i64,
    lap_is_new: bool,
    begun: bool,
    over: bool,
    /// Where the last picture ends.
    end: i64,
    search: Option<Search>,
    hungry: Option<Stopwatch>,
    stalled: bool,
    /// When a frame was published last.
    last: Timestamp,
    remote: bool,
}

impl Pictures {
    pub(super) fn new(shared: Arc<Shared>, decoder: PictureDecoder, remote: bool) -> Self {
        let map = Mapping { serial: 0, ..shared.map() };
        Self {
            shared,
            decoder,
            map,
            window: VecDeque::new(),
            published: 0,
            lap: 0,
            lap_is_new: true,
            begun: false,
            over: false,
            end: 0,
            search: None,
            hungry: None,
            stalled: false,
            last: Timestamp::ZERO,
            remote,
        }
    }

    /// Plays until told to stop.
    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        let wake = shared.packets.wake(Medium::Video);
        while !shared.cancel.is_cancelled() {
            let now = shared.now();
            let (map, retracted) = shared.take_map();
            self.follow(map, retracted);
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

    /// Takes up a change of place or time.
    fn follow(&mut self, map: Mapping, retracted: Option<Timestamp>) {
        if map.serial != self.map.serial {
            self.window.clear();
            (self.published, self.begun, self.over, self.stalled) = (0, false, false, false);
            self.hungry = None;
            self.search = Some(Search { target: map.target, found: None, any: false, sought: false });
        }
        if let Some(from) = retracted {
            // once more, for what was on its way; all of it is published again on the new line
            self.shared.retract(from);
            let given = self.window.iter().take(self.published);
            self.published = given.take_while(|s| s.given.is_due(from)).count();
        }
        self.map = map;
    }

    /// Does one thing; how long to wait, if there was nothing to do.
    fn step(&mut self, now: Timestamp) -> Result<Option<Duration>> {
        if self.published == 0 && self.search.is_none() {
            // the frame of its place is always there, playing or not
            self.publish(now, now);
        }
        self.publish_due(now);
        while self.published > 1 && self.map.is_due(self.window[1].place, now) {
            self.window.pop_front();
            self.published -= 1;
        }
        let shared = self.shared.clone();
        if (self.over || self.map.limit.is_some()) && self.map.moving {
            shared.update(|timeline, now| timeline.check_end(now));
        }
        if self.search.is_none() && self.window.len() - self.published >= AHEAD {
            return Ok(Some(self.next_event(now)));
        }
        Ok(match self.decode(now)? {
            Done::Some => {
                self.hungry = None;
                None
            }
            Done::Over => Some(self.next_event(now)),
            Done::Hungry => {
                self.note_hunger(now);
                Some(self.next_event(now))
            }
        })
    }

    fn next_event(&self, now: Timestamp) -> Duration {
        let Some(next) = self.window.get(self.published).filter(|_| self.map.moving) else {
            return if self.map.moving { LOOK } else { IDLE };
        };
        let nanos = self.map.time_of(next.place).nanos_since(now) - self.early(next.nanos);
        Duration::from_nanos(nanos.clamp(0, LOOK.as_nanos() as i64).unsigned_abs())
    }

    fn early(&self, nanos: i64) -> i64 {
        ((EARLY_FRAMES * nanos) as f64 / self.map.rate).min(EARLY_NANOS as f64) as i64
    }

    fn publish_due(&mut self, now: Timestamp) {
        while let Some(next) = self.window.get(self.published).filter(|_| self.map.moving) {
            let time = self.map.time_of(next.place);
            let beyond = self.map.limit.is_some_and(|limit| next.place + DUE_NANOS >= limit);
            if beyond || time.nanos_since(now) > self.early(next.nanos) {
                return;
            }
            if now.nanos_since(time) > DUE_NANOS {
                count(&self.shared.counts.late);
            }
            self.publish(time, now);
        }
    }

    /// Publishes the next frame for `time`.
    fn publish(&mut self, time: Timestamp, now: Timestamp) {
        if let Some(next) = self.window.get_mut(self.published) {
            next.given = time;
            self.last = now;
            self.shared.publish(&next.frame.at(time));
            self.published += 1;
        }
    }

    fn decode(&mut self, now: Timestamp) -> Result<Done> {
        if self.begun {
            match self.decoder.next()? {
                Step::Got(picture) => {
                    count(&self.shared.counts.decoded);
                    self.shared.counts.damaged[0].store(self.decoder.damaged(), Ordering::Relaxed);
                    self.place(picture, now)?;
                    return Ok(Done::Some);
                }
                Step::Hungry => {}
                Step::Over if !self.over => {
                    self.over = true;
                    self.note_over(now)?;
                    return Ok(Done::Some);
                }
                Step::Over => {}
            }
        }
        let lap_start = self.map.lap_start(self.lap);
        match self.shared.packets.pop(self.map.serial, Medium::Video, lap_start) {
            Popped::Item(Item::Begin { lap, start }) => self.begin(lap, &start),
            Popped::Item(Item::Packet(packet)) if self.begun => self.decoder.feed(Some(packet.packet()))?,
            Popped::Item(Item::Packet(_)) => {}
            Popped::Item(Item::End) => self.decoder.feed(None)?,
            Popped::Empty if self.over => return Ok(Done::Over),
            Popped::Empty => return Ok(Done::Hungry),
            Popped::Moved => {}
        }
        Ok(Done::Some)
    }

    fn begin(&mut self, lap: i64, start: &Start) {
        (self.lap, self.lap_is_new, self.begun, self.over) = (lap, true, true, false);
        self.shared.update(|timeline, _| timeline.note_end(Medium::Video, self.map.serial, None));
        match start {
            Start::Primed => {}
            Start::Sought(_) => self.decoder.restart(true),
            Start::Opened(_) => self.decoder.restart(false),
        }
        if let Some(search) = &mut self.search {
            (search.any, search.sought) = (false, matches!(start, Start::Sought(_)));
        }
    }

    /// Finds a picture its place.
    fn place(&mut self, picture: Picture, now: Timestamp) -> Result<()> {
        let media = picture.pts.as_nanos();
        let lap_start = self.map.lap_start(self.lap);
        // every lap begins with its first picture, whenever that is due
        let first = std::mem::replace(&mut self.lap_is_new, false) && self.lap > 0;
        let place = if first { lap_start } else { lap_start.saturating_add(media) };
        if self.map.looping && self.map.period.is_some_and(|period| media >= period - DUE_NANOS) && !first {
            return Ok(());
        }
        self.end = place.saturating_add(picture.nanos);
        if self.search.is_some() {
            return self.look(picture, place, now);
        }
        let late = now.nanos_since(self.map.time_of(place));
        if self.map.moving && late > 0 && self.is_left_out(&picture, place, late, now) {
            return Ok(());
        }
        self.append(&picture, place)?;
        if std::mem::take(&mut self.stalled) {
            self.shared.ready(Medium::Video, self.map.serial);
        }
        Ok(())
    }

    /// Decides what becomes of a picture that comes `late`.
    fn is_left_out(&mut self, picture: &Picture, place: i64, late: i64, now: Timestamp) -> bool {
        let live = self.shared.timeline.lock().is_live_input();
        if live && late > LIVE_NANOS.0 {
            if self.remote && late > LIVE_NANOS.1 && self.shared.packets.nanos(Medium::Video) > LIVE_NANOS.1 {
                count(&self.shared.counts.dropped_late);
                return true;
            }
            let serial = self.map.serial;
            self.shared.update(|timeline, now| timeline.rebase(serial, place, now));
            return false;
        }
        let over = late as f64 * self.map.rate > (2 * picture.nanos) as f64;
        if over && now.nanos_since(self.last) < SHOW_NANOS {
            count(&self.shared.counts.dropped_late);
            return true;
        }
        false
    }

    fn append(&mut self, picture: &Picture, place: i64) -> Result<()> {
        let frame = self.decoder.frame(picture)?;
        self.window.push_back(Shown { place, nanos: picture.nanos, frame, given: Timestamp::ZERO });
        Ok(())
    }

    /// Looks for the picture of the place gone to: the last one due there, or the first of all.
    fn look(&mut self, picture: Picture, place: i64, now: Timestamp) -> Result<()> {
        let Some(search) = &mut self.search else { return Ok(()) };
        let is_first = !std::mem::replace(&mut search.any, true);
        if place <= search.target.saturating_add(DUE_NANOS) {
            search.found = Some((picture, place));
            return Ok(());
        }
        if is_first && search.sought {
            self.begun = false;
            self.shared.retry(self.map.serial);
            return Ok(());
        }
        self.finish_search()?;
        self.append(&picture, place)?;
        self.show_first(now);
        Ok(())
    }

    fn finish_search(&mut self) -> Result<()> {
        if let Some((picture, place)) = self.search.take().and_then(|search| search.found) {
            self.append(&picture, place)?;
        }
        Ok(())
    }

    /// Shows the picture of a new place at once.
    fn show_first(&mut self, now: Timestamp) {
        if self.published == 0 {
            self.publish(now, now);
        }
        self.shared.ready(Medium::Video, self.map.serial);
    }

    fn note_over(&mut self, now: Timestamp) -> Result<()> {
        if self.search.as_ref().is_some_and(|s| !s.any && s.sought) {
            self.begun = false;
            self.shared.retry(self.map.serial);
            return Ok(());
        }
        self.finish_search()?;
        self.stalled = false;
        self.show_first(now);
        let (serial, end) = (self.map.serial, self.end);
        self.shared.update(|timeline, _| timeline.note_end(Medium::Video, serial, Some(end)));
        Ok(())
    }

    fn note_hunger(&mut self, now: Timestamp) {
        let empty = self.published == self.window.len();
        if !self.map.moving || !empty || self.search.is_some() {
            self.hungry = None;
            return;
        }
        let place = self.window.back().map_or(self.map.place, |s| s.place.saturating_add(s.nanos));
        if !self.map.is_due(place, now) {
            return;
        }
        if self.hungry.get_or_insert_with(Stopwatch::start).elapsed() < STALL {
            return;
        }
        let serial = self.map.serial;
        if self.shared.update(|timeline, now| timeline.stall(Medium::Video, serial, place, now)) {
            count(&self.shared.counts.stalls);
            self.stalled = true;
        }
    }
}
