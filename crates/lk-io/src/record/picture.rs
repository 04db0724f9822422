// SPDX-License-Identifier: GPL-2.0-or-later
//! The thread that encodes pictures: one a frame, and none missing.

use super::Shared;
use crate::encode::queue::Reader;
use crate::encode::{Packet, VideoEncoder};
use crate::mux::Muxer;
use lk_media::clock::Stopwatch;
use lk_media::{Frame, Result};
use std::sync::atomic::Ordering;

/// A frame and its index in the file.
pub(super) type Indexed = (u64, Frame);

/// A container takes its length from decoding times, which are those of up to so many frames earlier.
const LAST: u64 = 4;

/// Encodes frames at their indices. Where some are missing, the frame before is encoded again for each, if they
/// are a second at most and the encoder keeps up; otherwise it stays on the screen by lasting longer, which
/// costs nothing. Either way every frame stands at its own time.
pub(super) struct Pictures<'a> {
    shared: &'a Shared,
    muxer: &'a Muxer,
    encoder: VideoEncoder,
    last: Option<Frame>,
    /// The index after the last one encoded or held.
    next: u64,
    /// The longest hole that is filled: a second.
    most: u64,
}

impl<'a> Pictures<'a> {
    pub(super) fn new(shared: &'a Shared, muxer: &'a Muxer, encoder: VideoEncoder) -> Self {
        let most = shared.rate.as_f64().ceil() as u64;
        Self { shared, muxer, encoder, last: None, next: 0, most }
    }

    /// Encodes what comes until the queue is closed, and the last frame again up to the end of the recording.
    pub(super) fn run(mut self) -> Result<()> {
        let reader = Reader(&self.shared.frames);
        while let Some((index, frame)) = reader.0.pop() {
            let load = reader.0.load();
            let limit = reader.0.limit();
            self.shared.wakes.ring();
            let watch = Stopwatch::start();
            if index > self.next {
                let keeps_up = load.units * 2 <= limit.units && load.bytes * 2 <= limit.bytes;
                self.fill(index, keeps_up, false)?;
            }
            self.encode(&frame, index)?;
            self.shared.count.frames.fetch_add(1, Ordering::Relaxed);
            self.last = Some(frame);
            self.took(watch);
        }
        let watch = Stopwatch::start();
        let end = self.shared.timeline.lock().frames();
        if end > self.next {
            self.fill(end, true, true)?;
        }
        let muxer = self.muxer;
        let done = self.encoder.finish(&mut |packet| self.shared.write(muxer, 0, packet));
        self.took(watch);
        done
    }

    /// Repeats the last frame for the indices before `end`. The last few of a recording are always encoded, so
    /// that the file has its length.
    fn fill(&mut self, end: u64, keeps_up: bool, is_last: bool) -> Result<()> {
        let Some(frame) = self.last.clone() else { return Ok(()) };
        let hole = end - self.next;
        self.shared.count.repeated.fetch_add(hole, Ordering::Relaxed);
        let first = match (hole <= self.most && keeps_up, is_last) {
            (true, _) => self.next,
            (false, true) => end.saturating_sub(LAST).max(self.next),
            (false, false) => end,
        };
        self.shared.count.held.fetch_add(first - self.next, Ordering::Relaxed);
        for index in first..end {
            self.encode(&frame, index)?;
        }
        self.next = end;
        Ok(())
    }

    fn encode(&mut self, frame: &Frame, index: u64) -> Result<()> {
        let (shared, muxer) = (self.shared, self.muxer);
        self.encoder.encode(frame, index, &mut |packet: Packet| shared.write(muxer, 0, packet))?;
        self.next = index + 1;
        Ok(())
    }

    fn took(&self, watch: Stopwatch) {
        let nanos = watch.elapsed().as_nanos() as u64;
        self.shared.count.encoding_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}
