// SPDX-License-Identifier: GPL-2.0-or-later
//! Live runs: the graph on the live clock. A tick makes a frame at the time of each index, a mixer makes the sound
//! 60 ms behind, a watch tells of changes; each on its own thread, none waiting for a source or a target.
//!
//! Frame indices and sample positions count from the zero of the clock, so that all that runs on it agrees: frame n
//! is due at round(n / rate), sample k at k / 48000 s.

mod ahead;
mod frames;
mod output;
mod sounds;
mod statistics;
mod ticker;
mod watch;

pub use frames::LiveFrames;
pub use output::Picture;
pub(crate) use output::{Output, newest};
pub use statistics::{Lateness, LiveStatistics};

use crate::compositor::Shared;
use lk_compositor::SourceId;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{
    Cancel, Clock, ClockId, Delivery, Event, EventKind, Events, FrameRate, LeaseGuard, Result, Timestamp,
    Wake,
};
use parking_lot::Mutex;
use sounds::Sounds;
use statistics::Counting;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use ticker::Ticker;
use watch::Watch;

/// How long before its first frame a run begins: sources that decode have their first picture by then.
const HEAD_START: Duration = Duration::from_millis(50);
/// Threads with nothing to do look around this often.
const IDLE: Duration = Duration::from_millis(500);
/// Frames between an edit and the first one on which a source that came in with it counts.
const ENTRY_FRAMES: u64 = 3;

/// How a live run is to go.
#[derive(Clone)]
pub struct LiveOptions {
    /// Render threads, the tick included.
    pub threads: usize,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { threads: thread::budget(), clock: <dyn Clock>::live() }
    }
}

/// What the threads of a run share.
pub(crate) struct Run {
    rate: FrameRate,
    clock: Arc<dyn Clock>,
    clock_id: ClockId,
    first: u64,
    start: Timestamp,
    delivery: Delivery,
    limit: AtomicU64,
    stop: Cancel,
    events: Events,
    counting: Counting,
    lost: Mutex<HashSet<SourceId>>,
    target_ready: Wake,
    /// Threads of tick and mixer that are still working.
    working: AtomicUsize,
    over: Wake,
    _lease: LeaseGuard,
}

impl Run {
    fn new(shared: &Shared, clock: Arc<dyn Clock>, delivery: Delivery, head: Duration) -> Result<Arc<Self>> {
        let clock_id = ClockId::unique();
        let lease = shared.lease.take(clock_id, "this compositor").map(|(guard, _)| guard)?;
        let first = shared.rate.index_at(clock.now() + head) + 1;
        Ok(Arc::new(Self {
            rate: shared.rate,
            start: shared.rate.time_of(first),
            clock,
            clock_id,
            first,
            delivery,
            limit: AtomicU64::new(u64::MAX),
            stop: Cancel::new(),
            events: shared.events.clone(),
            counting: Counting::default(),
            lost: Mutex::default(),
            target_ready: Wake::new(),
            working: AtomicUsize::new(2),
            over: Wake::new(),
            _lease: lease,
        }))
    }

    /// The first index that is not made any more.
    fn limit(&self) -> u64 {
        self.limit.load(Ordering::Acquire)
    }

    fn is_lost(&self, id: SourceId) -> bool {
        self.lost.lock().contains(&id)
    }

    /// Waits a little for a target that answered Busy; only runs that are stepped do.
    fn wait_for_target(&self, register: impl FnOnce(&Wake)) {
        register(&self.target_ready);
        self.target_ready.wait(Duration::from_millis(20));
    }

    /// When the source that an edit of now brings in begins.
    pub(crate) fn entry(&self) -> Timestamp {
        self.rate.time_of(self.rate.index_at(self.clock.now()) + ENTRY_FRAMES).max(self.start)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.working.load(Ordering::Acquire) == 0
    }

    pub(crate) fn statistics(&self) -> LiveStatistics {
        let end = self.clock.now().min(match self.limit() {
            u64::MAX => Timestamp::from_nanos(i64::MAX),
            limit => self.rate.time_of(limit),
        });
        let elapsed = Duration::from_nanos(end.nanos_since(self.start).max(0).unsigned_abs());
        LiveStatistics { elapsed, ..self.counting.read() }
    }

    /// One of the two threads has done its last.
    fn done(&self) {
        if self.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.events.emit(Event::now(EventKind::RunState, "", "running", "stopped"));
            self.over.ring();
        }
    }
}

/// A run on its threads. Dropped, it ends at once; [`Live::stop`] lets the sound follow.
pub(crate) struct Live {
    run: Arc<Run>,
    wakes: [Wake; 3],
    threads: Mutex<Vec<Thread>>,
}

impl Live {
    /// Starts the threads. Errors are those of claiming the sources.
    pub(crate) fn start(shared: &Arc<Shared>, options: LiveOptions) -> Result<Self> {
        let run = Run::new(shared, options.clock, Delivery::Live, HEAD_START)?;
        let ticker = Ticker::new(run.clone(), shared, options.threads)?;
        let sounds = Sounds::new(run.clone(), shared)?;
        let watch = Watch::new(run.clone());
        let wakes = [Wake::new(), Wake::new(), Wake::new()];
        let live = Self { run: run.clone(), wakes: wakes.clone(), threads: Mutex::default() };
        run.events.emit(Event::now(EventKind::RunState, "", "stopped", "running"));
        let [tick_wake, mix_wake, watch_wake] = wakes;
        let spawn = |name: &str, wake: Wake, mut work: Box<dyn Work>| -> Result<()> {
            let (run, shared) = (run.clone(), Arc::downgrade(shared));
            let thread = thread::spawn(name, move || {
                let counts = work.counts();
                if counts {
                    thread::ask_for_priority();
                }
                drive(&run, &shared, &wake, &mut *work);
                drop(work);
                if counts {
                    run.done();
                }
            })?;
            live.threads.lock().push(thread);
            Ok(())
        };
        spawn("lk-tick", tick_wake, Box::new(ticker))?;
        spawn("lk-mixer", mix_wake, Box::new(sounds))?;
        spawn("lk-watch", watch_wake, Box::new(watch))?;
        Ok(live)
    }

    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// Ends the run after `frames` frames from its first.
    pub(crate) fn limit(&self, frames: u64) {
        self.run.limit.fetch_min(self.run.first.saturating_add(frames), Ordering::AcqRel);
        self.wakes.iter().for_each(Wake::ring);
    }

    /// Ends the run with the frame that is due, and waits until its sound is mixed.
    pub(crate) fn stop(&self) {
        let next = self.run.rate.index_at(self.run.clock.now()) + 1;
        self.run.limit.fetch_min(next.max(self.run.first), Ordering::AcqRel);
        self.wakes.iter().for_each(Wake::ring);
        // a clock that stands still would never bring the sound
        let deadline = Deadline::after(Duration::from_secs(1));
        while !self.run.is_over() && !deadline.has_passed() {
            self.run.over.wait(deadline.left(IDLE));
        }
        self.cancel();
        self.threads.lock().clear();
    }

    /// Waits until the run is over; whether it is.
    pub(crate) fn wait(run: &Run, limit: Duration) -> bool {
        let deadline = Deadline::after(limit);
        while !run.is_over() && !deadline.has_passed() {
            // several may wait: nobody relies on the ring alone
            run.over.wait(deadline.left(Duration::from_millis(50)));
        }
        run.is_over()
    }

    fn cancel(&self) {
        self.run.stop.cancel();
        self.wakes.iter().for_each(Wake::ring);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Something a thread of a run does whenever it is due.
trait Work: Send {
    fn due(&self) -> Timestamp;
    fn is_over(&self) -> bool;
    fn advance(&mut self, shared: &Shared, now: Timestamp);
    /// Whether the run goes on until this is over.
    fn counts(&self) -> bool {
        true
    }
}

fn drive(run: &Run, shared: &Weak<Shared>, wake: &Wake, work: &mut dyn Work) {
    while !run.stop.is_cancelled() && !work.is_over() {
        let (now, due) = (run.clock.now(), work.due());
        if now < due {
            let left = Duration::from_nanos(due.nanos_since(now).unsigned_abs());
            wake.wait(left.min(IDLE));
            continue;
        }
        let Some(shared) = shared.upgrade() else { return };
        work.advance(&shared, now);
    }
}

/// A live run without threads: whoever steps it is the clock, and no target loses anything. For simulating days in
/// minutes.
pub struct Stepped {
    shared: Arc<Shared>,
    run: Arc<Run>,
    ticker: Ticker,
    sounds: Sounds,
    watch: Watch,
}

impl Stepped {
    pub(crate) fn start(shared: &Arc<Shared>, options: LiveOptions) -> Result<Self> {
        let run = Run::new(shared, options.clock, Delivery::Lossless, Duration::ZERO)?;
        Ok(Self {
            ticker: Ticker::new(run.clone(), shared, options.threads)?,
            sounds: Sounds::new(run.clone(), shared)?,
            watch: Watch::new(run.clone()),
            shared: shared.clone(),
            run,
        })
    }

    /// The time of the next frame.
    pub fn due(&self) -> Timestamp {
        self.ticker.due()
    }

    /// Does what is due by the clock: at most one frame, and the sound up to 60 ms before.
    pub fn advance(&mut self) {
        let now = self.run.clock.now();
        self.ticker.advance(&self.shared, now);
        self.sounds.advance(&self.shared, now);
        if now >= Work::due(&self.watch) {
            self.watch.advance(&self.shared, now);
        }
    }

    /// The counts so far.
    pub fn statistics(&self) -> LiveStatistics {
        self.run.statistics()
    }
}
