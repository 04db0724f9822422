// SPDX-License-Identifier: GPL-2.0-or-later
//! A test pattern: pictures that say which frame they are, and sound that says when it is.

mod digits;
mod picture;
mod tone;

use lk_media::{
    ClockId, Error, Exactness, Frame, FrameRate, LeaseGuard, Origin, Result, Sample, Sampling, Size,
    Timestamp, VideoSource,
};
use parking_lot::Mutex;
use picture::Painter;
use std::sync::Arc;
pub use tone::TestTone;

/// Colour bars, a grey ramp, a line that crosses the picture once a second, and the frame's number, as digits and
/// as a row of 32 blocks along the bottom (the highest bit on the left, white is 1). A square at the top right is
/// white for the first tenth of each second and dark grey otherwise; [`TestTone`] beeps with it.
///
/// Frame n begins n / rate after the run that shows it began, to the nanosecond; it never ends.
pub struct TestPattern {
    rate: FrameRate,
    painter: Painter,
    /// The last frame made, with its number.
    newest: Mutex<Option<(u64, Frame)>>,
    tone: Arc<TestTone>,
    origin: Origin,
}

/// What the times of two frames may differ by from that between them: each is rounded to the nanosecond.
const ROUNDING: i64 = 2;

impl TestPattern {
    /// The smallest pattern whose parts can be told apart.
    pub const MIN_SIZE: Size = Size::new(64, 48);

    /// A pattern of `size`, `rate` new pictures a second.
    pub fn new(size: Size, rate: FrameRate) -> Result<Self> {
        let size = Size::checked(size.width, size.height)?;
        if size.width < Self::MIN_SIZE.width || size.height < Self::MIN_SIZE.height {
            return Err(Error::format(format!("a test pattern cannot be {size}"))
                .with_hint(format!("it needs at least {}", Self::MIN_SIZE)));
        }
        Ok(Self {
            rate,
            painter: Painter::new(size),
            newest: Mutex::default(),
            tone: Arc::new(TestTone::new()),
            origin: Origin::default(),
        })
    }

    /// Its pictures a second.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// The beeps.
    pub fn sound(&self) -> Arc<TestTone> {
        self.tone.clone()
    }

    /// Picture number `index`, due when it begins.
    pub fn frame(&self, index: u64) -> Result<Frame> {
        let mut newest = self.newest.lock();
        if let Some((made, frame)) = &*newest
            && *made == index
        {
            return Ok(frame.clone());
        }
        let frame = self.painter.paint(index, self.rate)?.publish(self.rate.time_of(index));
        *newest = Some((index, frame.clone()));
        Ok(frame)
    }
}

impl VideoSource for TestPattern {
    fn name(&self) -> String {
        "the test pattern".to_owned()
    }

    /// Times before 0 show the first picture. There is no tolerance: frames are made for the nanosecond they begin.
    fn sample(&self, at: Timestamp, _sampling: Sampling) -> Result<Sample> {
        let start = self.origin.start();
        if start == Timestamp::ZERO {
            return self.frame(self.rate.index_at(at)).map(Sample::Frame);
        }
        let index = self.rate.index_at(self.origin.since(at).offset(ROUNDING));
        let begins = start.offset(self.rate.time_of(index).as_nanos());
        self.frame(index).map(|frame| Sample::Frame(frame.at(begins)))
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.origin.take(clock, start, "the test pattern").map(Some)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn size(&self) -> Option<Size> {
        Some(self.painter.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{AudioSource, CHANNELS, ErrorKind, audio_port};

    fn pattern(num: u32, den: u32) -> TestPattern {
        TestPattern::new(Size::new(320, 180), FrameRate::new(num, den).unwrap()).unwrap()
    }

    fn shown(pattern: &TestPattern, at: Timestamp) -> Frame {
        match pattern.sample(at, Sampling::Exact).expect("a pattern can be read") {
            Sample::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    fn blue(frame: &Frame, x: usize, y: usize) -> u8 {
        frame.map_native().plane(0).row(y)[3 * x]
    }

    /// The number in the row of blocks.
    fn number(frame: &Frame) -> u64 {
        let size = frame.size();
        let width = size.width as usize;
        let bit = |i: usize| u64::from(blue(frame, (2 * i + 1) * width / 64, size.height as usize - 1) > 127);
        (0..32).fold(0, |n, i| n * 2 + bit(i))
    }

    fn flashes(frame: &Frame) -> bool {
        let (x, y) = (frame.size().width as usize * 15 / 16, frame.size().height as usize / 16);
        blue(frame, x, y) == 255
    }

    #[test]
    fn every_time_has_its_frame_and_equal_frames_are_one_picture() {
        for pattern in [pattern(30, 1), pattern(30_000, 1001), pattern(1000, 1), pattern(7, 3)] {
            let rate = pattern.rate();
            for n in (0..5000).step_by(97).chain([(1 << 32) - 1]) {
                let first = shown(&pattern, rate.time_of(n));
                let last = shown(&pattern, rate.time_of(n + 1).offset(-1));
                assert_eq!((number(&first), first.id()), (n, last.id()), "frame {n} at {rate}");
                assert_eq!(first.timestamp(), rate.time_of(n));
            }
        }
        let pattern = pattern(30, 1);
        assert_eq!(number(&shown(&pattern, Timestamp::from_nanos(-5))), 0);
        // past 32 bits only the digits say all of it
        let late = Timestamp::from_secs_f64(9e9);
        assert_eq!(number(&shown(&pattern, late)), (9_000_000_000 * 30) & 0xffff_ffff);
    }

    #[test]
    fn it_begins_with_the_run_that_shows_it() {
        let pattern = pattern(60, 1);
        let k = 1_000_000_007;
        let at = |n| pattern.rate().time_of(k + n);
        let guards = (
            pattern.claim(ClockId::unique(), at(0)).unwrap(),
            pattern.sound().claim(ClockId::unique(), at(0)).unwrap(),
        );
        for n in 0..200 {
            let frame = shown(&pattern, at(n));
            assert_eq!(number(&frame), n);
            assert!(frame.timestamp().is_due(at(n)));
        }
        let mut beep = [0.0; 2 * CHANNELS];
        pattern.sound().read(audio_port::sample_at(at(0)) + 12, &mut beep, Sampling::Live).unwrap();
        assert_eq!(beep[0], 0.25);
        drop(guards);
        assert_eq!(number(&shown(&pattern, at(0))), k);
    }

    #[test]
    fn two_patterns_paint_the_same() {
        let (a, b) = (pattern(25, 1), pattern(25, 1));
        b.frame(7).unwrap();
        let bytes = |p: &TestPattern| p.frame(33).unwrap().map_native().to_packed();
        assert_eq!(bytes(&a), bytes(&b));
        assert_ne!(bytes(&a), a.frame(34).unwrap().map_native().to_packed());
    }

    #[test]
    fn it_flashes_for_the_first_tenth_of_each_second() {
        let fast = pattern(30, 1);
        for n in 0..90 {
            assert_eq!(flashes(&fast.frame(n).unwrap()), n % 30 < 3, "frame {n}");
        }
        // the first frame of a second flashes however long it is
        let slow = pattern(30_000, 1001);
        let flash: Vec<u64> = (0..95).filter(|n| flashes(&slow.frame(*n).unwrap())).collect();
        assert_eq!(flash, [0, 1, 2, 30, 31, 32, 60, 61, 62, 90, 91, 92]);
        assert!((0..8).all(|n| flashes(&pattern(1, 2).frame(n).unwrap())));
    }

    #[test]
    fn the_line_crosses_once_a_second() {
        let pattern = pattern(10, 1);
        let middle = |n| {
            let frame = pattern.frame(n).unwrap();
            let y = frame.size().height as usize * 5 / 8 + 2;
            let row: Vec<u8> = (0..320).map(|x| blue(&frame, x, y)).collect();
            row
        };
        for n in 0..25u64 {
            let x = (n % 10 * 32) as usize;
            assert_eq!(middle(n)[x], 255, "frame {n}");
            assert_ne!(middle(n)[(x + 160) % 320 + 5], 255, "frame {n}");
        }
    }

    #[test]
    fn impossible_sizes_are_errors_and_extreme_ones_are_painted() {
        let rate = FrameRate::new(30, 1).unwrap();
        for size in [Size::new(0, 0), Size::new(63, 48), Size::new(64, 47), Size::new(20_000, 48)] {
            assert_eq!(
                TestPattern::new(size, rate).err().map(|e| e.kind()),
                Some(ErrorKind::Format),
                "{size}"
            );
        }
        for size in [TestPattern::MIN_SIZE, Size::new(65, 49), Size::new(16384, 48), Size::new(64, 4096)] {
            let pattern = TestPattern::new(size, rate).unwrap();
            assert_eq!(number(&pattern.frame(0xdead_beef).unwrap()), 0xdead_beef, "{size}");
        }
    }
}
