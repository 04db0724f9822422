// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera's thread: reads its pictures, starts it afresh when it freezes, looks for it when it is gone.

use super::backend::{Found, Stream, Taken};
use super::list::{LOOK, Watches, Way, each_once, ways};
use super::{CameraChoice, CameraInfo, CameraMode, CameraOptions, CameraStatistics};
use lk_media::clock::Stopwatch;
use lk_media::thread::Process;
use lk_media::{
    Cancel, Clock, Delivery, Error, ErrorKind, Event, EventKind, Events, Frame, Result, SourceState,
    Timestamp, VideoPort, VideoTarget, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// How long a picture is waited for before it is looked whether to end.
const WAIT: Duration = Duration::from_millis(50);
/// Without a picture for so long, or four periods, a camera stalls; at first it takes longer.
const STALL: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_secs(3);
/// A stalled camera is started afresh so often.
const AFRESH: Duration = Duration::from_secs(5);
/// A camera that is there and cannot be opened is tried again so often, one that is not there is looked for so often
/// even if nothing has changed.
const AGAIN: Duration = Duration::from_secs(1);
const SEARCH: Duration = Duration::from_secs(5);
/// Times of pictures that are older are not believed.
const OLDEST: Duration = Duration::from_secs(1);

/// What all threads know of a camera in use.
pub(super) struct Shared {
    pub name: String,
    pub info: Mutex<CameraInfo>,
    pub mode: Mutex<CameraMode>,
    pub port: VideoPort,
    pub targets: Mutex<Vec<Arc<dyn VideoTarget>>>,
    pub state: Mutex<SourceState>,
    pub events: Events,
    pub counts: Mutex<CameraStatistics>,
    pub cancel: Cancel,
    /// Ends the thread's waiting for something to change.
    pub wake: Wake,
    /// Rung at the thread's end.
    pub ended: Wake,
    pub process: Process,
}

impl Shared {
    fn new(found: &Found, mode: CameraMode, cancel: Cancel, ended: Wake) -> Self {
        Self {
            name: found.info.name.clone(),
            info: Mutex::new(found.info.clone()),
            mode: Mutex::new(mode),
            port: VideoPort::new(),
            targets: Mutex::default(),
            state: Mutex::new(SourceState::Starting),
            events: Events::new(),
            counts: Mutex::default(),
            cancel,
            wake: Wake::new(),
            ended,
            process: Process::here(),
        }
    }

    /// Enters a state and tells of it.
    pub(super) fn enter(&self, new: SourceState, why: Option<&Error>) {
        let mut state = self.state.lock();
        let (old, word) = (state.word(), new.word());
        // what has ended stays so, whatever its thread still does
        if old == word || matches!(*state, SourceState::Ended) {
            return;
        }
        *state = new;
        drop(state);
        let mut event = Event::now(EventKind::SourceState, self.name.clone(), old, word);
        if let Some(why) = why {
            event = event.because(why.message());
        }
        self.events.emit(event);
    }

    fn count(&self, count: impl FnOnce(&mut CameraStatistics)) {
        count(&mut self.counts.lock());
    }

    fn publish(&self, frame: &Frame) {
        self.port.publish(frame.clone());
        let targets = self.targets.lock().clone();
        for target in targets {
            if let Err(error) = target.offer(frame, Delivery::Live) {
                self.give_up(&target, &error);
            }
        }
        self.enter(SourceState::Live, None);
    }

    /// Forgets a target that has failed.
    fn give_up(&self, target: &Arc<dyn VideoTarget>, error: &Error) {
        tracing::error!("{}: {error}", target.name());
        self.targets.lock().retain(|t| !is_same(t, target));
        let event = Event::now(EventKind::TargetState, target.name(), "live", "failed").because(error);
        self.events.emit(event);
    }
}

pub(super) fn is_same(a: &Arc<dyn VideoTarget>, b: &Arc<dyn VideoTarget>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

/// A camera that runs, and what is needed to find it again.
pub(super) struct Serving {
    pub shared: Arc<Shared>,
    options: CameraOptions,
    stream: Option<Box<dyn Stream>>,
    /// Another name it is known by, and whether no other camera was called the same.
    place: String,
    unique: bool,
    watches: Watches,
    /// Since the last picture, or the start.
    silence: Stopwatch,
    started: Stopwatch,
    fresh: bool,
    /// Since it was looked for last, if it was since it was lost; and whether it was there.
    searched: Option<Stopwatch>,
    present: bool,
    last: Timestamp,
}

impl Serving {
    /// Finds and starts a camera.
    pub(super) fn begin(
        choice: &CameraChoice,
        options: &CameraOptions,
        cancel: Cancel,
        ended: Wake,
    ) -> Result<Self> {
        // before anything is looked at, so that no change is missed
        let mut watches = Watches::new();
        watches.changed();
        let ways = ways()?;
        let cameras = each_once(&ways);
        let found = choice.find(&cameras)?;
        let stream = open(found, &ways, options)?;
        let unique = cameras.iter().filter(|c| c.info.name == found.info.name).count() == 1;
        let shared = Shared::new(found, stream.mode(), cancel, ended);
        Ok(Self {
            shared: Arc::new(shared),
            options: options.clone(),
            stream: Some(stream),
            place: found.place.clone(),
            unique,
            watches,
            silence: Stopwatch::start(),
            started: Stopwatch::start(),
            fresh: true,
            searched: None,
            present: true,
            last: Timestamp::ZERO,
        })
    }

    /// Serves it until it is told to end.
    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        while !shared.cancel.is_cancelled() {
            let Some(stream) = &mut self.stream else {
                self.look();
                continue;
            };
            match stream.next(WAIT) {
                Ok(Taken::Frame(frame, lost)) => self.take(&frame, lost),
                Ok(Taken::Damaged) => shared.count(|c| c.damaged += 1),
                Ok(Taken::Nothing) => {}
                Err(error) => {
                    self.lose(&error);
                    continue;
                }
            }
            self.check_silence();
        }
    }

    fn take(&mut self, frame: &Frame, lost: u64) {
        let now = <dyn Clock>::live().now();
        let stated = frame.timestamp();
        let believed = stated <= now && stated + OLDEST >= now;
        let at = if believed { stated } else { now };
        // readers go by time: each picture is newer than the one before
        let at = at.max(self.last.offset(1));
        self.last = at;
        (self.silence, self.fresh) = (Stopwatch::start(), false);
        self.shared.count(|c| (c.frames, c.lost) = (c.frames + 1, c.lost + lost));
        self.shared.publish(&frame.at(at));
    }

    fn check_silence(&mut self) {
        let period = self.shared.mode.lock().rate.period();
        let silence = self.silence.elapsed();
        if silence < if self.fresh { FIRST } else { STALL.max(4 * period) } {
            return;
        }
        if !matches!(*self.shared.state.lock(), SourceState::Stalled) {
            self.shared.count(|c| c.stalls += 1);
            tracing::warn!("{}: no pictures come", self.shared.name);
            self.shared.enter(SourceState::Stalled, None);
        }
        if silence.min(self.started.elapsed()) >= AFRESH.max(4 * period) {
            tracing::debug!("{}: started afresh", self.shared.name);
            self.stream = None;
            self.look_now();
        }
    }

    fn lose(&mut self, error: &Error) {
        self.stream = None;
        tracing::warn!("{}: {error}", self.shared.name);
        self.shared.enter(SourceState::Reconnecting, Some(error));
        // what broke may well still be there: it is looked for in a moment, but not over and over
        self.searched = None;
    }

    /// Waits a little, and looks for the camera if something has changed or it is time.
    fn look(&mut self) {
        self.shared.wake.wait(LOOK);
        let changed = self.watches.changed();
        let limit = if self.present { AGAIN } else { SEARCH };
        let late = self.searched.is_none_or(|since| since.elapsed() >= limit);
        if (changed || late) && !self.shared.cancel.is_cancelled() {
            self.look_now();
        }
    }

    fn look_now(&mut self) {
        let outcome = self.find_again();
        self.searched = Some(Stopwatch::start());
        match outcome {
            Ok((found, stream)) => {
                *self.shared.mode.lock() = stream.mode();
                self.place = found.place;
                *self.shared.info.lock() = found.info;
                self.shared.count(|c| c.reconnects += 1);
                self.stream = Some(stream);
                (self.started, self.fresh) = (Stopwatch::start(), true);
                if matches!(*self.shared.state.lock(), SourceState::Reconnecting) {
                    self.silence = Stopwatch::start();
                }
            }
            Err(error) => {
                tracing::debug!("{}: {error}", self.shared.name);
                self.shared.enter(SourceState::Reconnecting, Some(&error));
            }
        }
    }

    fn find_again(&mut self) -> Result<(Found, Box<dyn Stream>)> {
        self.present = false;
        let ways = ways()?;
        let cameras = each_once(&ways);
        let info = self.shared.info.lock().clone();
        let named = |c: &&Found| c.info.name == info.name;
        let by_id = cameras.iter().find(|c| c.info.id == info.id);
        let by_place = || cameras.iter().filter(named).find(|c| c.place == self.place);
        let by_name = || {
            let mut same = cameras.iter().filter(named);
            same.next().filter(|_| self.unique && same.next().is_none())
        };
        let found = by_id.or_else(by_place).or_else(by_name);
        let found = found.ok_or_else(|| Error::new(ErrorKind::DeviceLost, "it is not there"))?;
        self.present = true;
        let stream = open(found, &ways, &self.options)?;
        Ok((found.clone(), stream))
    }
}

/// Opens a camera by the first way that can.
fn open(camera: &Found, ways: &[Way], options: &CameraOptions) -> Result<Box<dyn Stream>> {
    let same = |w: &&Way| {
        w.found.info.id == camera.info.id || (camera.node.is_some() && w.found.node == camera.node)
    };
    let mut refused = None;
    for way in ways.iter().filter(same) {
        match way.backend.open(&way.found, options) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                tracing::debug!("{} by {}: {error}", camera.info.name, way.backend.name());
                // another way may share what this one cannot have
                let elsewhere = matches!(error.kind(), ErrorKind::DeviceBusy | ErrorKind::Device);
                refused = refused.or(Some(error));
                if !elsewhere {
                    break;
                }
            }
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(ErrorKind::DeviceLost, format!("{} is gone", camera.info.name))))
}
