// SPDX-License-Identifier: GPL-2.0-or-later
//! The index of one track, grown while its fragments are written. It is kept as the tables of the finished file:
//! about 13 bytes for a picture and 5 for a packet of sound, 4 MB for an hour of 60 fps with sound, 100 MB a day.

use super::fragment::Run;
use super::moov::Header;
use std::collections::VecDeque;

/// How often a value comes, and the value.
type Repeated<T> = Vec<(u32, T)>;

fn add<T: PartialEq>(list: &mut Repeated<T>, count: u32, value: T) {
    match list.last_mut() {
        Some((n, last)) if *last == value => *n = n.saturating_add(count),
        _ => list.push((count, value)),
    }
}

/// A track as far as it is written. Times are in its own unit, from its first decoding time on.
#[derive(Default)]
pub(super) struct Track {
    /// Bytes of a sample of the finished file, where one packet holds many: raw sound.
    unit: Option<u32>,
    /// Decoding and presentation time of the first packet, on the recording's clock.
    pub(super) first: Option<(i64, i64)>,
    /// Of packets given to the muxer and not yet seen in a fragment: the decoding time, and whether nothing refers
    /// to them.
    expected: VecDeque<(i64, bool)>,
    pub(super) samples: u64,
    pub(super) bytes: u64,
    pub(super) durations: Repeated<u32>,
    pub(super) shifts: Repeated<i32>,
    pub(super) sizes: Vec<u32>,
    /// Numbers of the samples at which decoding can start, from 1.
    pub(super) keys: Vec<u32>,
    /// What depends on what, a byte a sample, once a sample is disposable.
    pub(super) dependencies: Vec<u8>,
    /// Where samples lie side by side: the place of the first, and how many.
    pub(super) chunks: Vec<(u64, u32)>,
    /// The last sample's time and stated duration; the next one's time says how long it really lasts.
    last: Option<(u64, u32, u32)>,
    /// The latest end of any sample shown.
    shown_until: u64,
}

const DEPENDS: u8 = 1 << 4;
const DEPENDS_NOT: u8 = 2 << 4;
const DISPOSABLE: u8 = 2 << 2;

impl Track {
    pub(super) fn new(unit: Option<u32>) -> Self {
        Self { unit: unit.filter(|u| *u > 0), ..Self::default() }
    }

    /// Notes a packet that goes to the muxer.
    pub(super) fn expect(&mut self, dts: i64, pts: i64, disposable: bool) {
        self.first.get_or_insert((dts, pts));
        self.expected.push_back((dts, disposable));
    }

    /// The time of the first sample of a fragment that comes after `samples` that are not noted yet. FFmpeg counts
    /// on from the end of the fragment before, and does not know how long its last sample lasts where the next one
    /// had not come.
    pub(super) fn time_after(&self, samples: usize) -> Option<u64> {
        let (dts, _) = self.expected.get(samples)?;
        u64::try_from(dts.checked_sub(self.first?.0)?).ok()
    }

    /// Notes the samples of a fragment.
    pub(super) fn add(&mut self, run: &Run) {
        let mut time = run.time;
        let mut held = 0;
        for sample in &run.samples {
            self.end_last(time);
            let disposable = self.expected.pop_front().is_some_and(|(_, disposable)| disposable);
            let count = self.unit.map_or(1, |unit| (sample.size / unit).max(1));
            self.last = Some((time, sample.duration, count));
            self.samples += u64::from(count);
            self.bytes += u64::from(sample.size);
            held += count;
            if self.unit.is_none() {
                self.sizes.push(sample.size);
                add(&mut self.shifts, 1, sample.shift);
                self.note_kind(sample.key, disposable);
            }
            let shown = time.saturating_add_signed(i64::from(sample.shift)) + u64::from(sample.duration);
            self.shown_until = self.shown_until.max(shown);
            time += u64::from(sample.duration);
        }
        if held > 0 {
            self.chunks.push((run.offset, held));
        }
    }

    fn note_kind(&mut self, key: bool, disposable: bool) {
        if key {
            self.keys.push(self.samples as u32);
        }
        if disposable && self.dependencies.is_empty() {
            self.dependencies = vec![DEPENDS; self.sizes.len() - 1];
            for key in &self.keys {
                if let Some(byte) = self.dependencies.get_mut(*key as usize - 1) {
                    *byte = DEPENDS_NOT;
                }
            }
        }
        if disposable || !self.dependencies.is_empty() {
            let depends = if key { DEPENDS_NOT } else { DEPENDS };
            self.dependencies.push(depends | if disposable { DISPOSABLE } else { 0 });
        }
    }

    fn end_last(&mut self, next: u64) {
        if let Some((time, stated, count)) = self.last.take() {
            let real = u32::try_from(next.saturating_sub(time)).unwrap_or(stated);
            self.lasts(real, count);
        }
    }

    fn lasts(&mut self, duration: u32, count: u32) {
        add(&mut self.durations, count, duration / count.max(1));
    }

    /// Closes the tables.
    pub(super) fn close(&mut self) {
        if let Some((_, stated, count)) = self.last.take() {
            self.lasts(stated, count);
        }
    }

    /// The end of what is written, in decoding time.
    pub(super) fn end(&self) -> u64 {
        self.last.map_or(0, |(time, stated, _)| time + u64::from(stated))
    }

    /// Whether decoding can start anywhere: no table of keys is needed.
    pub(super) fn all_keys(&self) -> bool {
        self.keys.len() == self.sizes.len()
    }

    /// The size all samples have, if they have one.
    pub(super) fn one_size(&self) -> Option<u32> {
        if self.unit.is_some() {
            return self.unit;
        }
        let first = *self.sizes.first()?;
        self.sizes.iter().all(|s| *s == first).then_some(first)
    }

    /// How long it is shown.
    fn shown(&self) -> u64 {
        self.shown_until.saturating_add_signed(-self.first_shift())
    }

    /// Presentation minus decoding time of the first.
    fn first_shift(&self) -> i64 {
        self.first.map_or(0, |(dts, pts)| pts - dts)
    }

    /// Where it ends in the film, in the film's units.
    pub(super) fn film_end(&self, header: &Header) -> u64 {
        let (_, pts) = self.first.unwrap_or_default();
        let end = i128::from(self.shown()) + i128::from(pts);
        rounded_up(end.max(0), header) as u64
    }

    /// The edits that put its first picture or sound where it belongs: (duration in units of the film, time in
    /// the track or -1 for nothing).
    pub(super) fn edits(&self, header: &Header) -> Vec<(u64, i64)> {
        let (dts, pts) = self.first.unwrap_or_default();
        let length = rounded_up(i128::from(self.shown()), header);
        let delay = (i128::from(pts) * i128::from(header.film)).div_euclid(i128::from(header.own.max(1)));
        if delay > 0 {
            vec![(delay as u64, -1), (length as u64, pts - dts)]
        } else {
            vec![((length + delay).max(0) as u64, -dts.min(0))]
        }
    }
}

/// A time of the track in units of the film.
fn rounded_up(time: i128, header: &Header) -> i128 {
    let own = i128::from(header.own.max(1));
    (time * i128::from(header.film) + own - 1).div_euclid(own)
}
