// SPDX-License-Identifier: GPL-2.0-or-later
//! The end of the interpreter: what has threads that call Python is told to stop while Python still runs.

use crate::service;
use livekit_studio::clock::Deadline;
use livekit_studio::thread::Process;
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long the interpreter's end waits for calls into Python that are running.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Something that must not go on when the interpreter has gone.
pub(crate) trait AtExit: Send + Sync {
    /// Tells it to stop; returns at once.
    fn stop(&self);

    /// Waits until it has stopped, without the GIL, until `deadline` or the object's own bound.
    fn wait(&self, deadline: Deadline);
}

/// Locked with the GIL held only, and never while Python code runs: a forked child finds it free.
static OBJECTS: Mutex<Vec<(Process, Weak<dyn AtExit>)>> = Mutex::new(Vec::new());

/// Has `object` stopped when the interpreter ends, if it is still there.
pub(crate) fn register(_py: Python<'_>, object: Weak<dyn AtExit>) {
    let mut objects = OBJECTS.lock();
    objects.retain(|(process, object)| process.is_this() && object.strong_count() > 0);
    objects.push((Process::here(), object));
}

static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether the interpreter is ending: threads that wait for what is closed then have nothing to complain of.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

#[pyfunction]
fn _at_exit(py: Python<'_>) {
    ENDING.store(true, Ordering::Release);
    let objects = std::mem::take(&mut *OBJECTS.lock());
    let mine = objects.iter().filter(|(process, _)| process.is_this());
    let objects: Vec<Arc<dyn AtExit>> = mine.filter_map(|(_, object)| object.upgrade()).collect();
    for object in &objects {
        object.stop();
    }
    py.detach(|| {
        let deadline = Deadline::after(LAST_CALL);
        objects.iter().for_each(|object| object.wait(deadline));
        // last: what stopped may have said so
        service::current().stop(Deadline::after(LAST_CALL));
    });
}

/// Has all this done before the interpreter goes.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(_at_exit, py)?,))?;
    Ok(())
}
