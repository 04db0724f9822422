// SPDX-License-Identifier: GPL-2.0-or-later
//! Which place of the media belongs to which moment of the clock. A plain value; time is an argument.
//!
//! Places are nanoseconds of media laid end to end: place `p` of lap `n` of a looping clip is at
//! `n * period + p`, so that everything between two seeks is one straight line.

use crate::av::input::Medium;
use lk_media::audio_port::sample_at;
use lk_media::{Error, FrameRate, SAMPLE_RATE, Timestamp};

/// How far ahead of the clock a live input is played, for packets that come unevenly.
const JITTER_NANOS: i64 = 200_000_000;
/// A grid point so little before a moment is that moment.
const SAME_NANOS: i64 = 1_000;
/// A place counts as reached this little before it, as everywhere.
const DUE_NANOS: i64 = 1_000_000;

/// `nanos` in samples, rounded to nearest.
pub(super) fn to_samples(nanos: i64) -> i64 {
    let samples = i128::from(nanos) * i128::from(SAMPLE_RATE);
    (2 * samples + 1_000_000_000).div_euclid(2_000_000_000) as i64
}

/// The straight line from moments to places that is in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mapping {
    /// Changes whenever the player goes to another place.
    pub(super) serial: u64,
    /// Changes whenever this line does.
    pub(super) revision: u64,
    /// Whether time moves; if not, every moment belongs to `place`.
    pub(super) moving: bool,
    /// The moment that belongs to `place`.
    pub(super) anchor: Timestamp,
    pub(super) place: i64,
    pub(super) rate: f64,
    /// The place asked for by the last going somewhere.
    pub(super) target: i64,
    /// How often its search began too late.
    pub(super) attempt: usize,
    /// The length of a lap, if it is known.
    pub(super) period: Option<i64>,
    /// Whether laps follow one another.
    pub(super) looping: bool,
    /// Where playing ends, if before the end of what comes.
    pub(super) limit: Option<i64>,
    /// From which sample of the clock on it holds.
    pub(super) from: i64,
}

impl Mapping {
    /// The place that belongs to `t`.
    pub(super) fn place_at(&self, t: Timestamp) -> i64 {
        if !self.moving {
            return self.place;
        }
        let elapsed = t.nanos_since(self.anchor).max(0);
        let moved = if self.rate == 1.0 { elapsed } else { (elapsed as f64 * self.rate).round() as i64 };
        self.place.saturating_add(moved)
    }

    /// The moment at which `place` is reached.
    pub(super) fn time_of(&self, place: i64) -> Timestamp {
        let ahead = place.saturating_sub(self.place);
        let elapsed = if self.rate == 1.0 { ahead } else { (ahead as f64 / self.rate).round() as i64 };
        self.anchor.offset(elapsed)
    }

    /// Whether a picture at `place` is due at `t`.
    pub(super) fn is_due(&self, place: i64, t: Timestamp) -> bool {
        place <= self.place_at(t).saturating_add(DUE_NANOS)
    }

    /// Where lap `lap` begins.
    pub(super) fn lap_start(&self, lap: i64) -> i64 {
        self.period.unwrap_or(0).saturating_mul(lap)
    }

    /// The lap that `place` lies in.
    fn lap_of(&self, place: i64) -> i64 {
        self.period.map_or(0, |p| place.div_euclid(p).max(0))
    }
}

/// What is known when a player is opened.
pub(super) struct Facts {
    pub(super) video: bool,
    pub(super) sound: bool,
    pub(super) live: bool,
    pub(super) rate: Option<FrameRate>,
    /// The time of the first picture.
    pub(super) first: i64,
    pub(super) period: Option<i64>,
}

/// The state of playing.
pub(super) struct Timeline {
    map: Mapping,
    facts: Facts,
    /// Whether it is to play.
    wanted: bool,
    /// Whether anybody ever said so, or the opposite.
    touched: bool,
    /// When it was asked to start, if that is not now.
    start_at: Option<Timestamp>,
    /// What has to be decoded before time moves.
    missing: [bool; 2],
    /// Where pictures and sound end, once that is known.
    ends: [Option<i64>; 2],
    ended: bool,
    shown: bool,
    stalled: bool,
    failed: Option<Error>,
    /// Samples of the clock that sound was written up to.
    pub(super) rendered: i64,
    /// From when on published frames were taken back, for the thread that has to publish them again.
    retracted: Option<Timestamp>,
}

/// Where a player stands, in short.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    Starting,
    Live,
    Stalled,
    Ended,
    Failed(Error),
}

impl Timeline {
    /// Standing at the start.
    pub(super) fn new(facts: Facts, looping: bool, rate: f64, now: Timestamp) -> Self {
        let map = Mapping {
            serial: 1,
            revision: 1,
            moving: false,
            anchor: now,
            place: 0,
            rate,
            target: 0,
            attempt: 0,
            period: facts.period,
            looping: looping && facts.period.is_some(),
            limit: None,
            from: sample_at(now),
        };
        let missing = [facts.video, facts.sound];
        Self {
            map,
            facts,
            wanted: false,
            touched: false,
            start_at: None,
            missing,
            ends: [None, None],
            ended: false,
            shown: false,
            stalled: false,
            failed: None,
            rendered: i64::MIN,
            retracted: None,
        }
    }

    /// The line in force.
    pub(super) fn map(&self) -> Mapping {
        self.map
    }

    /// Whether it plays, or will as soon as it can.
    pub(super) fn is_playing(&self) -> bool {
        self.wanted && !self.ended && self.failed.is_none()
    }

    /// Whether nothing is missing.
    pub(super) fn is_ready(&self) -> bool {
        !self.missing.contains(&true)
    }

    /// Whether nothing is missing, or never will come.
    pub(super) fn is_settled(&self) -> bool {
        self.is_ready() || self.failed.is_some()
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether it comes as it is made.
    pub(super) fn is_live_input(&self) -> bool {
        self.facts.live
    }

    pub(super) fn is_looping(&self) -> bool {
        self.map.looping
    }

    /// Media time at `now`, within its lap.
    pub(super) fn position(&self, now: Timestamp) -> Timestamp {
        let end = self.end().unwrap_or(i64::MAX);
        let place = self.map.place_at(now).clamp(0, end.max(0));
        let lap = self.map.lap_of(place);
        let last = self.ended && lap > 0 && place == self.map.lap_start(lap);
        let lap = if last { lap - 1 } else { lap };
        let lap = if self.map.looping || self.map.limit.is_some() { lap } else { 0 };
        Timestamp::from_nanos(place - self.map.lap_start(lap))
    }

    /// Where it stands, in short.
    pub(super) fn standing(&self) -> Standing {
        match &self.failed {
            Some(error) => Standing::Failed(error.clone()),
            None if self.ended => Standing::Ended,
            None if self.stalled => Standing::Stalled,
            None if !self.shown => Standing::Starting,
            None => Standing::Live,
        }
    }

    /// Plays from where it stands, as soon as it can; true if it must go to the beginning first.
    pub(super) fn start(&mut self, now: Timestamp, at: Option<Timestamp>) -> bool {
        self.touched = true;
        let again = self.ended;
        if self.wanted && !again {
            return false;
        }
        self.wanted = true;
        self.start_at = at;
        if !again {
            self.go(now);
        }
        again
    }

    /// Stands still.
    pub(super) fn stop(&mut self, now: Timestamp) {
        (self.touched, self.wanted) = (true, false);
        self.hold(now, None);
    }

    /// Goes to `media`: everything is missing there.
    pub(super) fn seek(&mut self, now: Timestamp, media: i64) -> u64 {
        self.map.serial += 1;
        (self.map.target, self.map.attempt) = (media.max(0), 0);
        self.map.limit = None;
        self.missing = [self.facts.video, self.facts.sound];
        self.ends = [None, None];
        (self.ended, self.stalled) = (false, false);
        self.hold(now, Some(media.max(0)));
        self.map.serial
    }

    /// Looks for the same place again, from further back. None if it is another by now.
    pub(super) fn retry(&mut self, serial: u64, now: Timestamp) -> Option<u64> {
        if self.map.serial != serial {
            return None;
        }
        self.map.serial += 1;
        self.map.attempt += 1;
        self.map.revision += 1;
        self.map.from = sample_at(now);
        self.missing = [self.facts.video, self.facts.sound];
        self.ends = [None, None];
        Some(self.map.serial)
    }

    /// What was missing of `medium` is there.
    pub(super) fn ready(&mut self, medium: Medium, serial: u64, now: Timestamp) {
        if self.map.serial != serial {
            return;
        }
        let missed = self.missing.contains(&true);
        self.missing[medium as usize] = false;
        if missed && !self.missing.contains(&true) {
            self.shown = true;
            self.stalled = false;
            self.go(now);
        }
    }

    /// Data of `medium` ran out at `place`: time stands until it comes again.
    pub(super) fn stall(&mut self, medium: Medium, serial: u64, place: i64, now: Timestamp) -> bool {
        if self.map.serial != serial || !self.map.moving {
            return false;
        }
        self.stalled = true;
        self.missing[medium as usize] = true;
        self.hold(now, Some(place));
        true
    }

    /// A live input is behind: `place` is played now.
    pub(super) fn rebase(&mut self, serial: u64, place: i64, now: Timestamp) {
        if self.map.serial == serial && self.map.moving {
            self.hold(now, Some(place));
            self.go(now);
        }
    }

    /// Nothing of `medium` comes after `end`; None: something does after all.
    pub(super) fn note_end(&mut self, medium: Medium, serial: u64, end: Option<i64>) {
        if self.map.serial == serial {
            self.ends[medium as usize] = end;
        }
    }

    /// Notes whether it is over by now; whether that is news.
    pub(super) fn check_end(&mut self, now: Timestamp) -> bool {
        let Some(end) = self.end() else { return false };
        if self.ended || !self.map.moving || !self.map.is_due(end, now) {
            return false;
        }
        self.ended = true;
        self.wanted = false;
        self.hold(now, Some(end));
        true
    }

    /// It cannot go on.
    pub(super) fn fail(&mut self, now: Timestamp, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
            self.hold(now, None);
        }
    }

    pub(super) fn set_rate(&mut self, now: Timestamp, rate: f64) {
        let place = self.map.place_at(now);
        if self.map.moving && now >= self.map.anchor {
            (self.map.place, self.map.anchor) = (place, now);
        }
        self.map.rate = rate;
        self.map.from = sample_at(now);
        self.map.revision += 1;
    }

    pub(super) fn set_looping(&mut self, now: Timestamp, looping: bool) {
        let looping = looping && self.map.period.is_some();
        if looping == self.map.looping {
            return;
        }
        self.map.looping = looping;
        let lap = self.map.lap_of(self.map.place_at(now));
        self.map.limit = (!looping).then(|| self.map.lap_start(lap + 1));
        self.map.revision += 1;
        self.map.from = sample_at(now);
    }

    /// Frames published for later than `from` were taken back.
    pub(super) fn note_retracted(&mut self, from: Timestamp) {
        self.retracted = Some(self.retracted.map_or(from, |earlier| earlier.min(from)));
    }

    /// The earliest moment noted since the last time.
    pub(super) fn take_retracted(&mut self) -> Option<Timestamp> {
        self.retracted.take()
    }

    fn end(&self) -> Option<i64> {
        if let Some(limit) = self.map.limit {
            return Some(limit);
        }
        if self.map.looping {
            return None;
        }
        let used = [self.facts.video, self.facts.sound];
        let ends = used.iter().zip(self.ends).filter(|(used, _)| **used).map(|(_, end)| end);
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Lets time move, if it may.
    fn go(&mut self, now: Timestamp) {
        if !self.wanted || self.failed.is_some() || self.missing.contains(&true) {
            return;
        }
        let anchor = match self.start_at.take() {
            Some(at) => at,
            None if self.facts.live => now.offset(JITTER_NANOS),
            None => self.on_grid(now),
        };
        self.map.anchor = anchor;
        self.map.moving = true;
        self.map.revision += 1;
        self.map.from = sample_at(now.min(anchor));
    }

    /// Stops time, at `place` or where it is.
    fn hold(&mut self, now: Timestamp, place: Option<i64>) {
        self.map.place = place.unwrap_or_else(|| self.map.place_at(now));
        self.map.moving = false;
        self.map.anchor = now;
        self.map.revision += 1;
        self.map.from = sample_at(now);
    }

    /// The first moment from `now` on from which the pictures of the clip fall on the grid of its own rate,
    /// counted from the clock's zero: shown at that rate, none is ever near the boundary between two ticks.
    fn on_grid(&self, now: Timestamp) -> Timestamp {
        let Some(rate) = self.facts.rate else { return now };
        let lap = self.map.lap_of(self.map.place);
        let ahead = self.map.lap_start(lap) + self.facts.first - self.map.place;
        let ahead = if self.map.rate == 1.0 { ahead } else { (ahead as f64 / self.map.rate) as i64 };
        let (num, period) = (i128::from(rate.num()), i128::from(rate.den()) * 1_000_000_000);
        let wanted = i128::from(now.as_nanos()) + i128::from(ahead) - i128::from(SAME_NANOS);
        let index = -((-wanted * num).div_euclid(period));
        let time = (2 * index * period + num).div_euclid(2 * num) as i64;
        Timestamp::from_nanos(time - ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(x: f64) -> Timestamp {
        Timestamp::from_secs_f64(x)
    }

    fn timeline(period: Option<f64>, looping: bool) -> Timeline {
        let facts = Facts {
            video: true,
            sound: false,
            live: false,
            rate: FrameRate::new(30, 1).ok(),
            first: 0,
            period: period.map(|p| s(p).as_nanos()),
        };
        let mut timeline = Timeline::new(facts, looping, 1.0, s(100.0));
        timeline.ready(Medium::Video, 1, s(100.0));
        timeline
    }

    #[test]
    fn pictures_fall_on_the_grid_wherever_it_starts() {
        let rate = FrameRate::new(30, 1).unwrap();
        for (now, position) in [(100.0, 0.0), (100.001, 0.0), (100.02, 1.234), (3.0, 7.77), (0.0, 2.0)] {
            let mut t = timeline(Some(10.0), false);
            let serial = t.seek(s(now), s(position).as_nanos());
            t.start(s(now), None);
            t.ready(Medium::Video, serial, s(now));
            let map = t.map();
            assert!(map.moving && map.anchor >= s(now).offset(-1000) && map.anchor <= s(now + 0.0334));
            let picture = map.time_of(rate.time_of(270).as_nanos());
            let index = rate.index_at(picture.offset(1000));
            assert!(picture.nanos_since(rate.time_of(index)).abs() <= 1, "{now} {position}: {picture}");
        }
        let mut t = timeline(Some(10.0), false);
        t.start(s(100.0), None);
        assert_eq!(t.map().anchor, s(100.0), "a grid point is itself");
    }

    #[test]
    fn stops_where_it_is_and_goes_on_there() {
        let mut t = timeline(Some(10.0), false);
        assert!(!t.start(s(100.0), None));
        assert_eq!(t.position(s(101.5)), s(1.5));
        t.stop(s(102.0));
        assert_eq!((t.position(s(150.0)), t.is_playing()), (s(2.0), false));
        t.start(s(200.0), Some(s(199.99)));
        assert_eq!(t.position(s(201.0)), s(3.01));
        t.note_end(Medium::Video, 1, Some(s(10.0).as_nanos()));
        assert!(!t.check_end(s(207.9)));
        assert!(t.check_end(s(208.0)) && t.is_ended() && !t.is_playing());
        assert_eq!(t.position(s(300.0)), s(10.0));
        assert!(t.start(s(300.0), None), "from the beginning");
    }

    #[test]
    fn laps_follow_without_a_gap_until_they_shall_not() {
        let mut t = timeline(Some(2.0), true);
        t.start(s(100.0), None);
        assert_eq!(t.position(s(105.5)), s(1.5));
        t.set_looping(s(105.5), false);
        assert!(!t.check_end(s(105.9)));
        assert!(t.check_end(s(106.0)));
        assert_eq!(t.position(s(110.0)), s(2.0));
    }

    #[test]
    fn after_ten_thousand_laps_picture_and_sound_are_where_they_were() {
        let mut t = timeline(Some(2.002), true);
        t.start(s(100.0), None);
        let map = t.map();
        for lap in [1, 777, 10_000, 1_000_000] {
            // the moment of the picture and the sample of the clock that belong to half a second into the lap
            let place = map.lap_start(lap) + 500_000_000;
            let picture = map.time_of(place);
            let sample = to_samples(map.anchor.as_nanos()) + to_samples(place) - to_samples(map.place);
            let apart = (i128::from(sample) * 1_000_000_000 / 48_000) as i64 - picture.as_nanos();
            assert!(apart.abs() < 21_000, "{apart} ns after {lap} laps");
            assert_eq!(map.place_at(picture), place);
        }
    }

    #[test]
    fn a_stall_stops_time_and_data_lets_it_go_on() {
        let mut t = timeline(None, false);
        t.start(s(100.0), None);
        assert!(t.stall(Medium::Video, 1, s(1.0).as_nanos(), s(102.5)));
        assert!(matches!(t.standing(), Standing::Stalled));
        assert_eq!(t.position(s(110.0)), s(1.0));
        t.ready(Medium::Video, 1, s(120.0));
        assert!(matches!(t.standing(), Standing::Live));
        assert_eq!(t.position(s(121.0)), s(2.0));
    }
}
