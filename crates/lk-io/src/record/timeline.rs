// SPDX-License-Identifier: GPL-2.0-or-later
//! Which frames and samples of the session are recorded, and where in the file they belong.

use lk_media::{FrameRate, SAMPLE_RATE, Timestamp};
use std::time::Duration;

/// A frame may come this much before its time and still be its own.
const EARLY: Duration = Duration::from_millis(1);

/// What a recording does with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not started.
    Ready,
    /// Started or resumed: the next frame is recorded.
    Waiting,
    Running,
    Paused,
    /// Nothing more is recorded.
    Closed,
}

/// Frames of the session recorded without a pause: `first..end`, from the file's frame `file` on.
#[derive(Clone, Copy, Debug)]
struct Segment {
    first: u64,
    end: Option<u64>,
    file: u64,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FramePlace {
    /// To this index of the file.
    File(u64),
    /// Its index has gone by.
    Past,
    /// Nowhere: nothing is recorded now.
    Unwanted,
}

/// Where samples go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SoundPlace {
    /// So many of them to this sample of the file.
    File { first: u64, count: u64 },
    /// So many of them nowhere.
    Unwanted(u64),
    /// Not known before another frame comes or the recording ends.
    Unknown,
}

/// Maps the session's frame indices and samples to the file's. Frame n of the file and its first sample always
/// stand at the same place, however often the recording was paused.
pub(super) struct Timeline {
    rate: FrameRate,
    phase: Phase,
    segments: Vec<Segment>,
    /// The index after the newest frame seen.
    next: Option<u64>,
}

impl Timeline {
    pub(super) fn new(rate: FrameRate) -> Self {
        Self { rate, phase: Phase::Ready, segments: Vec::new(), next: None }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// From now on frames are recorded. Whether that is new.
    pub(super) fn start(&mut self) -> bool {
        let new = matches!(self.phase, Phase::Ready | Phase::Paused);
        if new {
            self.phase = Phase::Waiting;
        }
        new
    }

    /// Cuts after the newest frame. Whether something was being recorded.
    pub(super) fn pause(&mut self) -> bool {
        let new = matches!(self.phase, Phase::Waiting | Phase::Running);
        if new {
            self.cut();
            self.phase = Phase::Paused;
        }
        new
    }

    /// Ends the recording after the newest frame.
    pub(super) fn close(&mut self) {
        self.cut();
        self.phase = Phase::Closed;
    }

    fn cut(&mut self) {
        let next = self.next;
        if let Some(segment) = self.segments.last_mut().filter(|s| s.end.is_none()) {
            segment.end = next;
        }
    }

    /// The index of a frame due at `t`.
    pub(super) fn index_of(&self, t: Timestamp) -> u64 {
        self.rate.index_at(t + EARLY.min(self.rate.period() / 4))
    }

    /// The index of the frame that sample `first` of the session belongs to.
    pub(super) fn index_of_sample(&self, first: u64) -> u64 {
        let parts = u128::from(first) * u128::from(self.rate.num());
        (parts / (u128::from(self.rate.den()) * u128::from(SAMPLE_RATE))) as u64
    }

    /// Takes note of the session's frame `index`.
    pub(super) fn frame(&mut self, index: u64) -> FramePlace {
        if self.next.is_some_and(|next| index < next) {
            return if self.phase == Phase::Running { FramePlace::Past } else { FramePlace::Unwanted };
        }
        match self.phase {
            Phase::Closed => return FramePlace::Unwanted,
            Phase::Waiting => {
                let file = self.frames();
                self.segments.push(Segment { first: index, end: None, file });
                self.phase = Phase::Running;
            }
            Phase::Ready | Phase::Paused | Phase::Running => {}
        }
        self.next = Some(index + 1);
        match self.segments.last() {
            Some(s) if self.phase == Phase::Running => FramePlace::File(s.file + index - s.first),
            _ => FramePlace::Unwanted,
        }
    }

    /// What a frame of `index` would be given, without taking note of it.
    pub(super) fn would_record(&self, index: u64) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Running) && self.next.is_none_or(|next| index >= next)
    }

    /// Lets time go on to session sample `sample` without frames.
    pub(super) fn reach(&mut self, sample: u64) {
        if let Some(next) = &mut self.next
            && self.phase != Phase::Closed
        {
            while self.rate.sample_of(*next, SAMPLE_RATE) < sample {
                // the index that begins at or before the sample, then one by one
                let seconds = sample / u64::from(SAMPLE_RATE);
                let near = self.rate.index_at(Timestamp::ZERO + Duration::from_secs(seconds));
                *next = near.max(*next + 1);
            }
        }
    }

    /// Frames of the file so far.
    pub(super) fn frames(&self) -> u64 {
        self.segments
            .last()
            .map_or(0, |s| s.file + s.end.or(self.next).map_or(0, |end| end.saturating_sub(s.first)))
    }

    /// The first session sample after everything seen.
    pub(super) fn end_sample(&self) -> Option<u64> {
        self.next.map(|next| self.sample(next))
    }

    /// The file's sample after its newest frame.
    pub(super) fn file_samples(&self) -> u64 {
        self.sample(self.frames())
    }

    fn sample(&self, index: u64) -> u64 {
        self.rate.sample_of(index, SAMPLE_RATE)
    }

    /// Where `count` samples from session sample `first` on go: the answer is for the first of them.
    pub(super) fn place(&self, first: u64, count: u64) -> SoundPlace {
        let end_of = |s: &Segment| s.end.or(self.next).unwrap_or(s.first);
        let after = |s: &Segment| s.end.is_some_and(|end| self.sample(end) <= first);
        let found = self.segments.partition_point(after);
        if let Some(s) = self.segments.get(found) {
            let start = self.sample(s.first);
            if first < start {
                return SoundPlace::Unwanted(count.min(start - first));
            }
            let end = end_of(s);
            // a segment may be a sample longer in the session than in the file
            let room = self.sample(end).saturating_sub(first);
            let file = self.sample(s.file) + (first - start);
            let file_room = self.sample(s.file + (end - s.first)).saturating_sub(file);
            return match (room, file_room.min(room).min(count), s.end) {
                (0, ..) => SoundPlace::Unknown,
                (_, 0, None) => SoundPlace::Unknown,
                (room, 0, Some(_)) => SoundPlace::Unwanted(room.min(count)),
                (_, count, _) => SoundPlace::File { first: file, count },
            };
        }
        let seen = self.next.map_or(0, |next| self.sample(next));
        match self.phase {
            Phase::Closed => SoundPlace::Unwanted(count),
            _ if first < seen => SoundPlace::Unwanted(count.min(seen - first)),
            _ => SoundPlace::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SoundPlace::{File, Unknown, Unwanted};

    const FIRST: u64 = 10_000_000_019;

    #[test]
    fn time_is_cut_out_of_picture_and_sound_alike() {
        for rate in [(30, 1), (30_000, 1001), (60_000, 1001), (24, 1)] {
            let rate = FrameRate::new(rate.0, rate.1).unwrap();
            let at = |n: u64| rate.sample_of(n, SAMPLE_RATE);
            let mut t = Timeline::new(rate);
            assert_eq!(t.frame(FIRST - 1), FramePlace::Unwanted);
            assert!(t.start() && !t.start());
            assert_eq!(t.place(at(FIRST - 1), 480), Unwanted(480));
            assert_eq!(t.place(at(FIRST), 480), Unknown);
            assert_eq!(t.frame(FIRST), FramePlace::File(0));
            assert_eq!(t.frame(FIRST), FramePlace::Past);
            assert_eq!(t.frame(FIRST + 6), FramePlace::File(6));
            assert_eq!(t.place(at(FIRST) - 100, 480), Unwanted(100));
            assert_eq!(t.place(at(FIRST), 480), File { first: 0, count: 480 });
            assert!(t.pause() && !t.pause());
            assert_eq!(t.frame(FIRST + 50), FramePlace::Unwanted);
            assert_eq!(t.place(at(FIRST + 7) + 5, 480), Unwanted(480));
            assert_eq!(t.place(at(FIRST + 51), 480), Unknown);
            assert!(t.start());
            let resumed = FIRST + 100;
            assert_eq!(t.frame(resumed), FramePlace::File(7));
            assert_eq!(t.place(at(resumed), 100), File { first: at(7), count: 100 });
            // the last samples before the cut, at most one of which has no place
            match t.place(at(FIRST + 7) - 3, 480) {
                File { first, count } => assert!(first + count <= at(7) && count >= 2),
                other => panic!("{other:?}"),
            }
            t.close();
            assert_eq!((t.frames(), t.place(at(resumed + 1), 9)), (8, Unwanted(9)));
            assert_eq!(t.frame(resumed + 9), FramePlace::Unwanted);
        }
    }

    #[test]
    fn time_goes_on_without_frames() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let mut t = Timeline::new(rate);
        t.start();
        t.frame(FIRST);
        let far = rate.sample_of(FIRST + 100, SAMPLE_RATE);
        assert_eq!(t.place(far - 480, 480), Unknown);
        t.reach(far);
        assert_eq!(t.frames(), 100);
        assert!(matches!(t.place(far - 480, 480), File { .. }));
        assert_eq!(t.frame(FIRST + 99), FramePlace::Past);
        assert_eq!(t.frame(FIRST + 100), FramePlace::File(100));
    }

    #[test]
    fn frames_have_the_index_of_their_time() {
        for rate in [(30, 1), (60, 1), (30_000, 1001), (1000, 1)] {
            let rate = FrameRate::new(rate.0, rate.1).unwrap();
            let t = Timeline::new(rate);
            for n in FIRST..FIRST + 1000 {
                assert_eq!(t.index_of(rate.time_of(n)), n);
                assert_eq!(t.index_of(rate.time_of(n).offset(-200_000)), n);
                assert_eq!(t.index_of(rate.time_of(n).offset(200_000)), n);
            }
        }
    }
}
