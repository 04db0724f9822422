// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures on their way to the camera's thread: the newest that is due wins.

use lk_media::{Frame, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Pictures that may wait; then the oldest goes.
const WAITING: usize = 8;
/// Writers may be early, but not by more than this: what claims to be is on another clock, and due at once.
const EARLY: Duration = Duration::from_millis(500);

/// At most [`WAITING`] pictures.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Frame>);

impl Queue {
    /// Adds a picture; whether another had to go.
    pub fn push(&mut self, frame: Frame) -> bool {
        self.0.push_back(frame);
        let full = self.0.len() > WAITING;
        if full {
            self.0.pop_front();
        }
        full
    }

    /// The newest picture that is due at `now`, and how many older ones go with it.
    pub fn take(&mut self, now: Timestamp) -> Option<(Frame, u64)> {
        let due = |frame: &Frame| when(frame, now).is_none();
        let last = self.0.iter().rposition(due)?;
        let frame = self.0.drain(..=last).next_back()?;
        Some((frame, last as u64))
    }

    /// When there will be something to take: now, later, or nothing waits.
    pub fn ready(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|frame| when(frame, now).unwrap_or(now)).min()
    }

    /// Forgets pictures that are not due at `from`; how many.
    pub fn retract(&mut self, from: Timestamp) -> u64 {
        let before = self.0.len();
        self.0.retain(|frame| when(frame, from).is_none());
        (before - self.0.len()) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// When a picture will be due; None if it is.
fn when(frame: &Frame, now: Timestamp) -> Option<Timestamp> {
    let at = frame.timestamp();
    (!at.is_due(now) && at <= now + EARLY).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameSpec, PixelFormat, Size};

    fn frame(ms: i64) -> Frame {
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(1, 1));
        Frame::from_packed(spec, &[0; 3], Timestamp::from_nanos(ms * 1_000_000)).unwrap()
    }

    #[test]
    fn the_newest_that_is_due_wins() {
        let at = |ms: i64| Timestamp::from_nanos(ms * 1_000_000);
        let mut queue = Queue::default();
        assert!(queue.take(at(0)).is_none() && queue.ready(at(0)).is_none());
        for ms in [10, 40, 70, 100] {
            assert!(!queue.push(frame(ms)));
        }
        assert_eq!(queue.ready(at(0)), Some(at(10)));
        let (taken, skipped) = queue.take(at(75)).unwrap();
        assert_eq!((taken.timestamp(), skipped), (at(70), 2));
        assert!(queue.take(at(75)).is_none());
        assert_eq!(queue.retract(at(80)), 1);
        assert!(queue.is_empty());
        // of another clock
        queue.push(frame(3_600_000));
        assert_eq!(queue.ready(at(75)), Some(at(75)));
        assert!(queue.take(at(75)).is_some());
    }

    #[test]
    fn nine_are_too_many() {
        let mut queue = Queue::default();
        assert!((0..8).all(|n| !queue.push(frame(n))));
        assert!(queue.push(frame(8)));
        let (taken, skipped) = queue.take(Timestamp::from_nanos(1_000_000_000)).unwrap();
        assert_eq!((taken.timestamp().as_nanos(), skipped), (8_000_000, 7));
    }
}
