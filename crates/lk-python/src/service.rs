// SPDX-License-Identifier: GPL-2.0-or-later
//! The service thread: the one place where the engine's news reach Python.
//!
//! No thread of the engine takes the GIL. What must run in Python (callbacks, lines for `logging`, the last
//! reference to an array) is left here in bounded queues, and one Python thread, which runs
//! `livekit_studio._service.run`, fetches it with [`_service_next`]. The thread is started when it is first needed
//! and told to stop by `atexit`; a forked child starts its own. It is a thread of Python's, with none of our frames
//! below user code, because the interpreter ends such threads in the middle of what they do.

use crate::logging;
use crossbeam_channel::{Receiver, Sender, bounded};
use livekit_studio::clock::Deadline;
use livekit_studio::thread::Process;
use livekit_studio::{Wake, thread};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Lines that may wait for `logging`; later ones are left out and counted.
const LINES: usize = 1024;
/// How often the levels of the loggers are looked up.
const LOOK: Duration = Duration::from_secs(1);

/// A function and what it is called with.
pub(crate) type Job = (Py<PyAny>, Py<PyTuple>);

/// Something that has calls to make in Python now and then. It rings [`Service::wake`] when it has.
pub(crate) trait Work: Send + Sync {
    /// The next call, if there is one now; never waits.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Job>>;

    /// Whether no call will come any more.
    fn is_over(&self) -> bool;
}

/// Who does the work.
#[derive(Default)]
struct Workers {
    /// Those that somebody else keeps.
    watched: Vec<Weak<dyn Work>>,
    /// Those that nobody else keeps any more, until they are over.
    kept: Vec<Arc<dyn Work>>,
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const STOPPED: u8 = 2;

/// The service of one process.
pub(crate) struct Service {
    process: Process,
    state: AtomicU8,
    stopping: AtomicBool,
    /// Rung whenever there may be something to do.
    pub wake: Wake,
    /// Rung when the thread that starts the service has let go of the GIL.
    started: Wake,
    ended: Wake,
    lines: (Sender<logging::Line>, Receiver<logging::Line>),
    lost: AtomicU64,
    workers: Mutex<Workers>,
    turn: AtomicUsize,
    look: Mutex<Deadline>,
    /// The service of a child that was forked from this process.
    child: OnceLock<Box<Service>>,
}

/// The service of this process. Takes no lock, which a fork could have left closed.
pub(crate) fn current() -> &'static Service {
    static FIRST: OnceLock<Service> = OnceLock::new();
    let mut service = FIRST.get_or_init(Service::new);
    while !service.process.is_this() {
        service = service.child.get_or_init(|| Box::new(Service::new()));
    }
    service
}

impl Service {
    fn new() -> Self {
        Self {
            process: Process::here(),
            state: AtomicU8::new(IDLE),
            stopping: AtomicBool::new(false),
            wake: Wake::new(),
            started: Wake::new(),
            ended: Wake::new(),
            lines: bounded(LINES),
            lost: AtomicU64::new(0),
            workers: Mutex::default(),
            turn: AtomicUsize::new(0),
            look: Mutex::new(Deadline::after(Duration::ZERO)),
            child: OnceLock::new(),
        }
    }

    /// Starts the thread if it does not run. Never waits, and needs no GIL.
    pub(crate) fn start(&self) {
        if self.state.compare_exchange(IDLE, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        let started = thread::spawn("lk-start", || {
            let started = Python::try_attach(|py| {
                py.import("livekit_studio._service").and_then(|m| m.call_method0("start"))?;
                PyResult::Ok(())
            });
            if !matches!(started, Some(Ok(()))) {
                current().ended(); // the interpreter is going
            }
            current().started.ring();
        });
        match started {
            Ok(thread) => thread.detach(),
            Err(_) => {
                self.ended();
                self.started.ring();
            }
        }
    }

    fn ended(&self) {
        let next = if self.stopping.load(Ordering::Acquire) { STOPPED } else { IDLE };
        self.state.store(next, Ordering::Release);
        self.ended.ring();
    }

    /// Finishes what is waiting, at most until `deadline`, and stops for good. Not with the GIL.
    pub(crate) fn stop(&self, deadline: Deadline) {
        self.stopping.store(true, Ordering::Release);
        if self.state.compare_exchange(IDLE, STOPPED, Ordering::AcqRel, Ordering::Acquire) == Err(RUNNING) {
            self.wake.ring();
            // first the starter: no thread of ours may be inside Python when the interpreter ends
            self.started.wait(deadline.left(Duration::MAX));
            self.ended.wait(deadline.left(Duration::MAX));
        }
        self.state.store(STOPPED, Ordering::Release);
    }

    /// Leaves a line for `logging`.
    pub(crate) fn log(&self, line: logging::Line) {
        if self.state.load(Ordering::Acquire) == STOPPED {
            return;
        }
        if self.lines.0.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.start();
        self.wake.ring();
    }

    /// Makes the calls of `work` for as long as its owner keeps it.
    pub(crate) fn watch(&self, work: &Arc<dyn Work>) {
        let mut workers = self.workers.lock();
        workers.watched.retain(|w| w.strong_count() > 0);
        workers.watched.push(Arc::downgrade(work));
        drop(workers);
        self.start();
        self.wake.ring();
    }

    /// Makes the calls that are left of `work`, whose owner is going.
    pub(crate) fn keep(&self, work: Arc<dyn Work>) {
        if self.state.load(Ordering::Acquire) != STOPPED && self.process.is_this() {
            self.workers.lock().kept.push(work);
            self.wake.ring();
        }
    }

    /// The next call to make; waits for it. None when it is time to stop.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        loop {
            let look = *self.look.lock();
            if look.has_passed() {
                *self.look.lock() = Deadline::after(LOOK);
                logging::look_up_levels(py)?;
            }
            // in turns, so that a flood of lines holds up no events, and the other way round
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let job = if turn.is_multiple_of(2) { self.line(py)? } else { self.work(py, turn)? };
            let job = match job {
                None if turn.is_multiple_of(2) => self.work(py, turn)?,
                None => self.line(py)?,
                some => some,
            };
            if job.is_some() {
                return Ok(job);
            }
            if self.stopping.load(Ordering::Acquire) {
                return Ok(None);
            }
            // coming back also drops what threads without the GIL have let go of
            py.detach(|| self.wake.wait(look.left(LOOK)));
        }
    }

    fn line(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        if let Ok(line) = self.lines.1.try_recv() {
            return line.job(py).map(Some);
        }
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => Ok(None),
            lost => logging::Line::lost(lost).job(py).map(Some),
        }
    }

    fn work(&self, py: Python<'_>, turn: usize) -> PyResult<Option<Job>> {
        // a copy: building a call runs Python code, which may end up here again
        let mut workers = self.workers.lock();
        let over: Vec<Arc<dyn Work>> = workers.kept.extract_if(.., |work| work.is_over()).collect();
        let mut all: Vec<Arc<dyn Work>> = workers.watched.iter().filter_map(Weak::upgrade).collect();
        all.extend(workers.kept.iter().cloned());
        drop(workers);
        drop(over);
        let first = turn / 2 % all.len().max(1);
        all.rotate_left(first);
        for work in &all {
            if let Some(job) = work.next(py)? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}

/// Something of Python's that threads of the engine may drop: it is let go of soon, on the service thread.
pub(crate) struct Owned(Option<Py<PyAny>>);

impl Owned {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        current().start();
        Self(Some(object))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // with the GIL this is the end of it; without, PyO3 keeps the reference until a thread has the GIL
        drop(self.0.take());
        current().wake.ring();
    }
}

#[pyfunction]
pub(crate) fn _service_next(py: Python<'_>) -> PyResult<Option<Job>> {
    current().next(py)
}

#[pyfunction]
pub(crate) fn _service_ended() {
    current().ended();
}
