// SPDX-License-Identifier: GPL-2.0-or-later
//! Composed frames taken one after the other by a program.

use lk_media::clock::Deadline;
use lk_media::{
    Delivery, Frame, Offered, PixelFormat, Result, TargetStatistics, VideoTarget, VideoWish, Wake,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

/// Frames that wait; the oldest are dropped, and counted.
const KEEP: usize = 8;

/// A target that is read: each frame once, in order. Readers that are slower than the run lose the oldest frames.
pub struct LiveFrames {
    format: PixelFormat,
    state: Mutex<State>,
    wake: Wake,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    statistics: TargetStatistics,
    closed: bool,
}

impl LiveFrames {
    /// Frames in `format`.
    pub fn new(format: PixelFormat) -> Self {
        Self { format, state: Mutex::default(), wake: Wake::new() }
    }

    /// The next frame; waits for it at most `limit`.
    pub fn next(&self, limit: Duration) -> Option<Frame> {
        let deadline = Deadline::after(limit);
        loop {
            let mut state = self.state.lock();
            if let Some(frame) = state.frames.pop_front() {
                return Some(frame);
            }
            if state.closed || deadline.has_passed() {
                return None;
            }
            drop(state);
            self.wake.wait(deadline.left(limit));
        }
    }

    /// Ends it: readers get what is left.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.wake.ring();
    }

    /// Whether it was ended.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Rung when there is a frame.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }
}

impl VideoTarget for LiveFrames {
    fn name(&self) -> String {
        "a reader of frames".to_owned()
    }

    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(self.format), ..VideoWish::default() }
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        let mut state = self.state.lock();
        if state.closed {
            return Ok(Offered::Dropped);
        }
        let full = state.frames.len() >= KEEP;
        if full && delivery == Delivery::Lossless {
            return Ok(Offered::Busy);
        }
        let oldest = if full { state.frames.pop_front() } else { None };
        state.statistics.dropped += u64::from(full);
        state.statistics.frames += 1;
        state.frames.push_back(frame.clone());
        drop(state);
        drop(oldest);
        self.wake.ring();
        Ok(Offered::Taken)
    }

    fn statistics(&self) -> TargetStatistics {
        self.state.lock().statistics
    }
}
