// SPDX-License-Identifier: GPL-2.0-or-later
//! The reader: pictures of another process as a source.

use super::memory::Seen;
use super::os::{self, Bell, Connection, Folder, Reached, Received};
use super::reading::{self, Counts, Reading};
use super::{IpcFolder, as_source_error};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{
    Clock, Error, ErrorKind, Event, EventKind, Events, Exactness, Frame, Result, Sample, Sampling, Size,
    SourceState, Timestamp, VideoPort, VideoSource, Wake,
};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WHY_LIVE: &str = "its pictures come from another process when that makes them";
/// Messages taken at a time.
const MESSAGES: usize = 64;
/// Without new pictures for so long, where they had come faster than that, a source is stalled.
const STALLED: Duration = Duration::from_secs(1);
/// Until the next try: with a writer that has too many readers or let us go at once; with one that talks nonsense or
/// cannot be read; and where new names cannot be watched for.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_millis(250);
const UNWATCHED: Duration = Duration::from_millis(200);

/// Counts of a source since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IpcSourceStatistics {
    /// Pictures taken.
    pub frames: u64,
    /// Those of them that were copied, because too many others are held.
    pub copied: u64,
    /// Pictures that were overwritten before they could be taken.
    pub lost: u64,
    /// Writers found so far.
    pub writers: u64,
}

struct Shared {
    name: String,
    folder: Folder,
    port: VideoPort,
    events: Events,
    state: Mutex<SourceState>,
    seen: Mutex<Option<Arc<Seen>>>,
    counts: Counts,
    stop: Bell,
    closed: AtomicBool,
}

/// The pictures that a program of this user shares under a name. It needs nobody to write there yet, follows every
/// new writer of the name and every change of size, and never waits: what it shows when its writer has died is the
/// last picture, and its state says so ("reconnecting"; "stalled" while a writer lives and makes no pictures).
///
/// Frames are views of the shared memory that keep their pictures as long as they live, also beyond the writer.
pub struct IpcSource {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
}

impl IpcSource {
    /// Reads what is shared as `name`. A name that nobody writes to is waited for; one that belongs to somebody else
    /// is an error.
    pub fn open(name: &str, folder: &IpcFolder) -> Result<Self> {
        let folder = folder.open().map_err(as_source_error)?;
        let first = match folder.connect(name).map_err(as_source_error)? {
            Reached::Writer(connection) => Some(connection),
            Reached::Nobody | Reached::Crowded => None,
        };
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            folder,
            port: VideoPort::new(),
            events: Events::new(),
            state: Mutex::new(SourceState::Starting),
            seen: Mutex::default(),
            counts: Counts::default(),
            stop: Bell::new(ErrorKind::Stream)?,
            closed: AtomicBool::new(false),
        });
        let reading = shared.clone();
        let thread = thread::spawn("lk-ipc-source", move || reading.run(first))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// The newest picture that is due.
    pub fn latest(&self) -> Option<Frame> {
        self.shared.port.latest()
    }

    /// Each picture once: see [`VideoPort::next`].
    pub fn next(&self, seq: u64, deadline: Deadline) -> Option<(u64, Frame)> {
        self.shared.port.next(seq, deadline)
    }

    /// Changes of state.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The counts so far.
    pub fn counts(&self) -> IpcSourceStatistics {
        let Counts { frames, copied, lost, writers } = &self.shared.counts;
        let [frames, copied, lost, writers] =
            [frames, copied, lost, writers].map(|c| c.load(Ordering::Relaxed));
        IpcSourceStatistics { frames, copied, lost, writers }
    }

    /// The writer's process by its own account, while there is one.
    pub fn writer(&self) -> Option<u64> {
        self.shared.seen.lock().as_ref().map(|seen| seen.process())
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Leaves the writer; the last picture stays with those who show it.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.stop.ring();
        let thread = self.thread.lock().take();
        drop(thread);
        self.shared.enter(SourceState::Ended, None);
        self.shared.port.end();
    }
}

impl Drop for IpcSource {
    fn drop(&mut self) {
        self.close();
    }
}

impl VideoSource for IpcSource {
    fn name(&self) -> String {
        format!("ipc:{}", self.shared.name)
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if sampling == Sampling::Exact {
            return Err(Error::new(ErrorKind::LiveSource, format!("{} has no exact times", self.name()))
                .with_hint("give the layer offline=\"freeze\" or \"skip\""));
        }
        self.shared.port.sample(at, sampling)
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly(WHY_LIVE)
    }

    fn size(&self) -> Option<Size> {
        let nominal =
            || self.shared.seen.lock().as_ref().and_then(|seen| seen.nominal()).map(|spec| spec.size);
        self.shared.port.newest().map(|frame| frame.size()).or_else(nominal)
    }

    fn wake_on_ready(&self, wake: &Wake) {
        VideoSource::wake_on_ready(&self.shared.port, wake);
    }

    fn state(&self) -> SourceState {
        self.shared.state()
    }
}

/// When pictures came.
#[derive(Default)]
struct Rhythm {
    last: Option<Timestamp>,
    gap: Option<Duration>,
}

impl Rhythm {
    fn came(&mut self, now: Timestamp) {
        let gap = self.last.map(|last| Duration::from_nanos(now.nanos_since(last).max(0).unsigned_abs()));
        self.gap = gap.filter(|gap| *gap < STALLED);
        self.last = Some(now);
    }

    /// How long until the source counts as stalled; None while pictures come now and then anyway.
    fn left(&self, now: Timestamp) -> Option<Duration> {
        let due = self.gap.and(self.last)? + STALLED;
        Some(Duration::from_nanos(due.nanos_since(now).max(0).unsigned_abs()))
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn state(&self) -> SourceState {
        self.state.lock().clone()
    }

    fn enter(&self, new: SourceState, why: Option<&str>) {
        let mut state = self.state.lock();
        let (old, word) = (state.word(), new.word());
        *state = new;
        drop(state);
        if old != word {
            let event = Event::now(EventKind::SourceState, format!("ipc:{}", self.name), old, word);
            self.events.emit(match why {
                Some(why) => event.because(why),
                None => event,
            });
        }
    }

    fn run(&self, first: Option<Connection>) {
        let mut found = first;
        while let Some(connection) = found.take().or_else(|| self.find()) {
            let left = self.follow(&connection);
            drop(connection);
            *self.seen.lock() = None;
            if self.is_over() {
                return;
            }
            if !matches!(self.state(), SourceState::Starting) {
                self.enter(SourceState::Reconnecting, left.why.as_deref());
            }
            if let Some(pause) = left.pause {
                os::wait(&[self.stop.waited()], Some(pause));
            }
        }
    }

    /// Waits for a writer; None when the source is closed.
    fn find(&self) -> Option<Connection> {
        let watch =
            self.folder.watch().inspect_err(|e| tracing::debug!("new names are looked for: {e}")).ok();
        while !self.is_over() {
            // first the watch, then the look: nothing comes in between
            let watched = watch.as_ref().filter(|watch| self.folder.renew(watch).is_ok());
            let limit = match self.folder.connect(&self.name) {
                Ok(Reached::Writer(connection)) => return Some(connection),
                Ok(Reached::Nobody) => {
                    if matches!(self.state(), SourceState::Failed(_)) {
                        self.enter(SourceState::Reconnecting, None);
                    }
                    watched.is_none().then_some(UNWATCHED)
                }
                Ok(Reached::Crowded) => Some(SOON),
                Err(e) => {
                    let why = e.to_string();
                    self.enter(SourceState::Failed(e), Some(&why));
                    Some(LATER)
                }
            };
            let mut waited = vec![self.stop.waited()];
            waited.extend(watched.map(os::Watch::waited));
            os::wait(&waited, limit);
        }
        None
    }

    /// Takes pictures until the writer has gone or the source is closed.
    fn follow(&self, connection: &Connection) -> Left {
        let mut reading: Option<Reading> = None;
        let mut rhythm = Rhythm::default();
        let process = connection.process().unwrap_or(connection.messages());
        let waited = [self.stop.waited(), connection.messages(), process];
        loop {
            let now = <dyn Clock>::live().now();
            let is_live = matches!(self.state(), SourceState::Live);
            let limit = rhythm.left(now).filter(|_| is_live);
            if limit == Some(Duration::ZERO) {
                self.enter(SourceState::Stalled, None);
            }
            let ready = os::wait(&waited, limit);
            if self.is_over() {
                return Left::default();
            }
            let mut gone = (ready[2] && connection.process().is_some()).then(Left::default);
            for _ in 0..MESSAGES {
                match connection.receive() {
                    Received::Nothing => break,
                    Received::Pictures => {}
                    Received::Memory(pictures, leases) => match reading::open(&pictures, &leases) {
                        Ok(seen) => {
                            let seen = Arc::new(seen);
                            *self.seen.lock() = Some(seen.clone());
                            if reading.replace(Reading::new(seen)).is_none() {
                                self.counts.writers.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        Err(why) => return Left { why: Some(why), pause: Some(LATER) },
                    },
                    Received::Closed(Some(why)) => {
                        gone = Some(Left { why: Some(why.to_owned()), pause: Some(LATER) });
                        break;
                    }
                    Received::Closed(None) => {
                        gone = gone.or(Some(Left { why: None, pause: reading.is_none().then_some(SOON) }));
                        break;
                    }
                }
            }
            // also what a writer that has just died left behind
            let now = <dyn Clock>::live().now();
            let taken = reading.as_mut().map_or(0, |reading| reading.take(&self.port, &self.counts, now));
            if taken > 0 {
                rhythm.came(now);
                self.enter(SourceState::Live, None);
            }
            if let Some(left) = gone {
                return left;
            }
        }
    }
}

/// How a connection came to its end.
#[derive(Default)]
struct Left {
    why: Option<String>,
    /// How long to wait before the next try.
    pause: Option<Duration>,
}
