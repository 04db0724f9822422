// SPDX-License-Identifier: GPL-2.0-or-later
//! The video port: a target and a source in one, where threads meet.

use crate::clock::{Clock, Deadline};
use crate::source::{Exactness, Sample, Sampling, SourceState, VideoSource};
use crate::target::{Delivery, Offered, TargetStatistics, VideoTarget, VideoWish};
use crate::wake::{Wake, Wakes};
use crate::{ClockId, Error, ErrorKind, Frame, LeaseGuard, Result, Size, Timestamp};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const KEEP_FRAMES: usize = 8;
const KEEP_TIME: Duration = Duration::from_millis(250);

/// Holds the last frames written to it: at most 8, back to the one that was shown 250 ms before the newest. It has three readings: [`VideoPort::latest`], [`VideoPort::at`] and [`VideoPort::next`].
///
/// Connected to an upstream source by [`VideoPort::set_source`], it passes readings on to it, so that a chain
/// through ports is as exact as its first link. A writer that has introduced itself by
/// [`VideoTarget::set_upstream`] is only asked by exact readings; live ones get what it wrote.
#[derive(Default)]
pub struct VideoPort {
    state: Mutex<State>,
    arrived: Condvar,
    wakes: Wakes,
}

#[derive(Default)]
struct State {
    frames: VecDeque<(u64, Frame)>,
    next_seq: u64,
    ended: bool,
    source: Option<Arc<dyn VideoSource>>,
    writer: Option<Arc<dyn VideoSource>>,
    statistics: TargetStatistics,
}

impl VideoPort {
    /// An empty port.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads from `source` from now on (None: from what is written). The chain must not lead back here: see
    /// [`VideoPort::reaches`].
    pub fn set_source(&self, source: Option<Arc<dyn VideoSource>>) {
        self.state.lock().source = source;
        self.wakes.ring();
    }

    /// The source it reads from, if connected.
    pub fn source(&self) -> Option<Arc<dyn VideoSource>> {
        self.state.lock().source.clone()
    }

    /// Who answers exact readings and knows how things stand: the source it reads from, else its writer.
    fn known(&self) -> Option<Arc<dyn VideoSource>> {
        let state = self.state.lock();
        state.source.clone().or_else(|| state.writer.clone())
    }

    /// Whether reading `source` leads to `port`: connecting the two would be a circle.
    pub fn reaches(source: &dyn VideoSource, port: &Arc<dyn VideoSource>) -> bool {
        let is_port = |s: &dyn VideoSource| std::ptr::addr_eq(s, Arc::as_ptr(port));
        if is_port(source) {
            return true;
        }
        let mut upstream = source.upstream();
        while let Some(next) = upstream {
            if is_port(&*next) {
                return true;
            }
            upstream = next.upstream();
        }
        false
    }

    /// Publishes a frame to all readers. Never blocks.
    pub fn publish(&self, frame: Frame) {
        let mut state = self.state.lock();
        let seq = state.next_seq;
        state.next_seq += 1;
        state.ended = false;
        let newest = frame.timestamp();
        state.frames.push_back((seq, frame));
        while state.frames.len() > KEEP_FRAMES
            || state.frames.get(1).is_some_and(|(_, f)| f.timestamp() < newest - KEEP_TIME)
        {
            state.frames.pop_front();
        }
        state.statistics.frames += 1;
        drop(state);
        self.arrived.notify_all();
        self.wakes.ring();
    }

    /// Says that no more frames come (until the next one does).
    pub fn end(&self) {
        self.state.lock().ended = true;
        self.arrived.notify_all();
        self.wakes.ring();
    }

    /// The newest frame due by the live clock; writers may be ahead of it. The oldest kept if none is due.
    pub fn latest(&self) -> Option<Frame> {
        self.at(<dyn Clock>::live().now())
    }

    /// The newest frame written, due or not.
    pub fn newest(&self) -> Option<Frame> {
        self.state.lock().frames.back().map(|(_, f)| f.clone())
    }

    /// The newest frame due at `t`; the oldest kept if none is due yet.
    pub fn at(&self, t: Timestamp) -> Option<Frame> {
        let state = self.state.lock();
        let due = state.frames.iter().rev().find(|(_, f)| f.timestamp().is_due(t));
        due.or_else(|| state.frames.front()).map(|(_, f)| f.clone())
    }

    /// The first frame with a sequence number of at least `seq` and its number; waits for it until
    /// `deadline`. None when the deadline passed or no more frames come. Each frame is seen once by
    /// asking next for the number after the one given.
    pub fn next(&self, seq: u64, deadline: Deadline) -> Option<(u64, Frame)> {
        let mut state = self.state.lock();
        loop {
            if let Some(found) = state.frames.iter().find(|(s, _)| *s >= seq) {
                return Some(found.clone());
            }
            if state.ended || deadline.has_passed() {
                return None;
            }
            self.arrived.wait_for(&mut state, deadline.left(Duration::from_secs(1)));
        }
    }
}

impl VideoSource for VideoPort {
    fn name(&self) -> String {
        self.known().map_or_else(|| "a video port".to_owned(), |s| s.name())
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if let Some(source) = self.source() {
            let sample = source.sample(at, sampling)?;
            if let Sample::Frame(frame) = &sample
                && self.newest().is_none_or(|f| f.id() != frame.id() || f.timestamp() != frame.timestamp())
            {
                self.publish(frame.clone());
            }
            return Ok(sample);
        }
        if sampling == Sampling::Exact {
            if let Some(writer) = self.known() {
                return writer.sample(at, sampling);
            }
            return Err(Error::new(
                ErrorKind::LiveSource,
                "frames pushed into a video port have no exact times",
            )
            .with_hint("give the layer offline=\"freeze\" or \"skip\", or use a FunctionSource"));
        }
        let ended = self.state.lock().ended;
        Ok(match self.at(at) {
            frame if ended => Sample::Ended(frame),
            Some(frame) => Sample::Frame(frame),
            None => Sample::Empty,
        })
    }

    fn exactness(&self) -> Exactness {
        self.known()
            .map_or(Exactness::LiveOnly("frames pushed into it have no exact times"), |s| s.exactness())
    }

    fn size(&self) -> Option<Size> {
        let written = || self.latest().map(|f| f.size());
        match self.source() {
            Some(source) => source.size(),
            None => written().or_else(|| self.known().and_then(|s| s.size())),
        }
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.wakes.add(wake);
        if let Some(source) = self.source() {
            source.wake_on_ready(wake);
        }
    }

    fn deadline(&self) -> Duration {
        self.known().map_or(Duration::from_secs(10), |s| s.deadline())
    }

    fn duration(&self) -> Option<Duration> {
        self.known().and_then(|s| s.duration())
    }

    fn state(&self) -> SourceState {
        if let Some(source) = self.known() {
            return source.state();
        }
        let state = self.state.lock();
        match (state.ended, state.frames.is_empty()) {
            (true, _) => SourceState::Ended,
            (false, true) => SourceState::Starting,
            (false, false) => SourceState::Live,
        }
    }

    fn file(&self) -> Option<PathBuf> {
        self.known().and_then(|s| s.file())
    }

    fn upstream(&self) -> Option<Arc<dyn VideoSource>> {
        self.known()
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        // a writer plays when its owner says so; only runs of its own clock are its business
        let writer = || self.known().filter(|_| start == Timestamp::ZERO);
        self.source().or_else(writer).map_or(Ok(None), |s| s.claim(clock, start))
    }

    fn may_block(&self) -> bool {
        self.source().is_some_and(|s| s.may_block())
    }
}

impl VideoTarget for VideoPort {
    fn name(&self) -> String {
        "a video port".to_owned()
    }

    fn wish(&self) -> VideoWish {
        VideoWish::default()
    }

    fn offer(&self, frame: &Frame, _delivery: Delivery) -> Result<Offered> {
        self.publish(frame.clone());
        Ok(Offered::Taken)
    }

    fn retract(&self, from: Timestamp) {
        self.state.lock().frames.retain(|(_, f)| f.timestamp().is_due(from));
    }

    fn set_upstream(&self, upstream: Option<Arc<dyn VideoSource>>) {
        self.state.lock().writer = upstream;
        self.wakes.ring();
    }

    fn statistics(&self) -> TargetStatistics {
        self.state.lock().statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameSpec, PixelFormat};

    fn frame(ms: i64) -> Frame {
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(1, 1));
        Frame::from_packed(spec, &[0, 0, 0, 255], Timestamp::from_nanos(ms * 1_000_000)).unwrap()
    }

    #[test]
    fn three_readings() {
        let port = VideoPort::new();
        assert!(port.latest().is_none());
        for n in 0..5 {
            port.publish(frame(n * 33));
        }
        let ms = |f: Option<Frame>| f.map(|f| f.timestamp().as_nanos() / 1_000_000);
        assert_eq!(ms(port.latest()), Some(132));
        assert_eq!(ms(port.at(Timestamp::from_nanos(70_000_000))), Some(66));
        assert_eq!(ms(port.at(Timestamp::from_nanos(65_500_000))), Some(66));
        assert_eq!(port.next(3, Deadline::NEVER).map(|(s, _)| s), Some(3));
        assert!(port.next(5, Deadline::after(Duration::ZERO)).is_none());
    }

    #[test]
    fn keeps_eight_frames_or_a_quarter_second() {
        let port = VideoPort::new();
        (0..20).for_each(|n| port.publish(frame(n)));
        assert_eq!(port.next(0, Deadline::NEVER).map(|(s, _)| s), Some(12));
        port.publish(frame(1000));
        // written ahead, it does not take away the one that is shown until then
        assert_eq!(port.next(0, Deadline::NEVER).map(|(s, _)| s), Some(19));
        port.publish(frame(1300));
        assert_eq!(port.next(0, Deadline::NEVER).map(|(s, _)| s), Some(20));
        assert!(port.latest().is_some());
    }

    #[test]
    fn what_is_retracted_is_not_shown() {
        let port = VideoPort::new();
        (0..3).for_each(|n| port.publish(frame(n * 33)));
        port.retract(Timestamp::from_nanos(40_000_000));
        assert_eq!(
            port.at(Timestamp::from_nanos(99_000_000)).map(|f| f.timestamp()),
            Some(frame(33).timestamp())
        );
        port.publish(frame(50));
        assert_eq!(port.next(2, Deadline::NEVER).map(|(s, _)| s), Some(3));
    }

    #[test]
    fn exact_readings_ask_the_writer() {
        let port = VideoPort::new();
        port.publish(frame(5));
        let still = crate::Still::new("writer", frame(7));
        port.set_upstream(Some(Arc::new(still)));
        let at = |sampling| match port.sample(Timestamp::from_nanos(9_000_000), sampling) {
            Ok(Sample::Frame(f)) => f.timestamp().as_nanos(),
            other => panic!("{other:?}"),
        };
        assert_eq!((at(Sampling::Live), at(Sampling::Exact)), (5_000_000, 9_000_000));
        assert_eq!(port.exactness(), Exactness::Exact);
        assert!(!port.may_block());
        port.set_upstream(None);
        assert!(port.sample(Timestamp::ZERO, Sampling::Exact).is_err());
    }

    #[test]
    fn a_new_reader_of_an_ended_port_gets_the_last_frame() {
        let port = VideoPort::new();
        port.publish(frame(0));
        port.end();
        assert!(matches!(port.sample(Timestamp::ZERO, Sampling::Live), Ok(Sample::Ended(Some(_)))));
        assert_eq!(
            port.sample(Timestamp::ZERO, Sampling::Exact).err().map(|e| e.kind()),
            Some(ErrorKind::LiveSource)
        );
    }
}
