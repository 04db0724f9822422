// SPDX-License-Identifier: GPL-2.0-or-later
//! Events for Python: `off = obj.on(kind, f)`, `for event in obj.events()`, `async for event in obj.events()`.
//! A class with events holds [`Listeners`] and forwards its `on` and `events` to them.

use crate::blocking::Born;
use crate::error::raise;
use crate::service::{self, Job, Work};
use crate::values::type_name;
use livekit_studio::{Error, Event, EventKind, EventReader, Events};
use parking_lot::Mutex;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often a waiting iterator looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// The Python form of an event.
fn event_of<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("livekit_studio._events")?.getattr("Event")?;
    let time = event.time.as_secs_f64();
    class.call1((event.kind.as_str(), time, &event.source, &event.old, &event.new, &event.reason))
}

fn kind_of(kind: &str) -> PyResult<Option<EventKind>> {
    if kind == "*" {
        return Ok(None);
    }
    EventKind::ALL.into_iter().find(|k| k.as_str() == kind).map(Some).ok_or_else(|| {
        let kinds: Vec<String> = EventKind::ALL.iter().map(|k| format!("{:?}", k.as_str())).collect();
        raise(
            Error::parameter(format!("there are no events of kind {kind:?}"))
                .with_hint(format!("one of {}, or \"*\" for all", kinds.join(", "))),
        )
    })
}

/// A function that hears of events.
struct Subscription {
    reader: EventReader,
    kind: Option<EventKind>,
    function: Mutex<Option<Py<PyAny>>>,
}

impl Work for Subscription {
    fn next(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        while let Some(event) = self.reader.try_next() {
            let function = self.function.lock().as_ref().map(|f| f.clone_ref(py));
            let Some(function) = function else { return Ok(None) };
            if self.kind.is_none_or(|kind| kind == event.kind) {
                let arguments = (event_of(py, &event)?,).into_pyobject(py)?;
                return Ok(Some((function, arguments.unbind())));
            }
        }
        Ok(None)
    }

    fn is_over(&self) -> bool {
        self.reader.is_over() || self.function.lock().is_none()
    }
}

type Subscriptions = Mutex<Vec<Arc<Subscription>>>;

/// The events of an object and the functions that hear of them. The functions belong to the object: Python's
/// garbage collector sees them through [`Listeners::traverse`]. When the object goes, they still hear of what has
/// happened up to the end.
pub(crate) struct Listeners {
    events: Events,
    subscriptions: Arc<Subscriptions>,
    born: Born,
}

impl Listeners {
    pub(crate) fn new(events: Events) -> Self {
        Self { events, subscriptions: Arc::default(), born: Born::here() }
    }

    /// Tells everyone.
    pub(crate) fn emit(&self, event: Event) {
        self.events.emit(event);
    }

    /// Calls `function` with every event of `kind` ("*": of all kinds) on the service thread.
    /// What is returned ends that when called.
    pub(crate) fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.born.check()?;
        let kind = kind_of(kind)?;
        if !function.is_callable() {
            return Err(raise(
                Error::format(format!("{} cannot be called", type_name(function)))
                    .with_hint("pass a function of one event"),
            ));
        }
        let (py, service) = (function.py(), service::current());
        let reader = self.events.reader();
        reader.wake_on_ready(&service.wake);
        let function = Mutex::new(Some(function.clone().unbind()));
        let subscription = Arc::new(Subscription { reader, kind, function });
        self.subscriptions.lock().push(subscription.clone());
        let handle = PySubscription {
            subscription: Arc::downgrade(&subscription),
            of: Arc::downgrade(&self.subscriptions),
        };
        let work: Arc<dyn Work> = subscription;
        service.watch(&work);
        Bound::new(py, handle)?.getattr("off")
    }

    /// An iterator over everything from now on.
    pub(crate) fn events(&self) -> PyResult<PyEventStream> {
        self.born.check()?;
        let reader = Arc::new(self.events.reader());
        Ok(PyEventStream { reader, closed: AtomicBool::new(false), bell: Mutex::default(), born: self.born })
    }

    /// For `__traverse__` of the class.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // no waiting here: somebody who holds the lock may be waiting for the garbage collector
        let Some(subscriptions) = self.subscriptions.try_lock() else { return Ok(()) };
        for subscription in &*subscriptions {
            if let Some(function) = subscription.function.try_lock().as_ref().and_then(|f| f.as_ref()) {
                visit.call(function)?;
            }
        }
        Ok(())
    }

    /// For `__clear__` of the class.
    pub(crate) fn clear(&self) {
        let subscriptions = std::mem::take(&mut *self.subscriptions.lock());
        for subscription in subscriptions {
            let function = subscription.function.lock().take();
            drop(function);
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        // the parent's functions are not called in a forked child
        for subscription in self.subscriptions.lock().drain(..).filter(|_| self.born.is_here()) {
            service::current().keep(subscription);
        }
    }
}

/// A function that hears of events, for the one who wants to end that.
#[pyclass(frozen, name = "_Subscription", module = "livekit_studio._native")]
pub(crate) struct PySubscription {
    subscription: Weak<Subscription>,
    of: Weak<Subscriptions>,
}

#[pymethods]
impl PySubscription {
    fn off(&self) {
        let Some(subscription) = self.subscription.upgrade() else { return };
        // both may run Python code when they are dropped: not while something is locked
        let function = subscription.function.lock().take();
        let kept = self.of.upgrade().and_then(|of| {
            let mut all = of.lock();
            let at = all.iter().position(|s| Arc::ptr_eq(s, &subscription));
            at.map(|at| all.swap_remove(at))
        });
        drop((function, kept));
    }
}

/// Calls a function, once, when there is something to read.
struct Bell {
    reader: Arc<EventReader>,
    function: Py<PyAny>,
    rung: AtomicBool,
}

impl Work for Bell {
    fn next(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        let ready = !self.reader.is_empty() || self.reader.is_over();
        if !ready || self.rung.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        Ok(Some((self.function.clone_ref(py), ().into_pyobject(py)?.unbind())))
    }

    fn is_over(&self) -> bool {
        self.rung.load(Ordering::Acquire) && self.reader.is_over()
    }
}

/// The events of an object, one after the other.
#[pyclass(frozen, name = "_EventStream", module = "livekit_studio._native")]
pub(crate) struct PyEventStream {
    reader: Arc<EventReader>,
    closed: AtomicBool,
    bell: Mutex<Option<Arc<Bell>>>,
    born: Born,
}

impl PyEventStream {
    fn is_over(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.reader.is_over()
    }
}

#[pymethods]
impl PyEventStream {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            self.born.check()?;
            if self.is_over() {
                return Ok(None);
            }
            if let Some(event) = self.reader.try_next() {
                return event_of(py, &event).map(Some);
            }
            py.detach(|| self.reader.wake().wait(LOOK));
            py.check_signals()?;
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        slf.py().import("livekit_studio._async_events")?.getattr("AsyncEvents")?.call1((slf,))
    }

    /// The next event without waiting, or None; StopIteration at the end.
    fn _take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(bell) = &*self.bell.lock() {
            bell.rung.store(false, Ordering::Release);
        }
        if self.is_over() {
            return Err(PyStopIteration::new_err(()));
        }
        self.reader.try_next().map(|event| event_of(py, &event)).transpose()
    }

    /// Has `function` called on the service thread when `_take` has something to give.
    fn _on_ready(&self, function: Py<PyAny>) -> PyResult<()> {
        self.born.check()?;
        let bell = Arc::new(Bell { reader: self.reader.clone(), function, rung: AtomicBool::new(false) });
        let service = service::current();
        self.reader.wake_on_ready(&service.wake);
        let work: Arc<dyn Work> = bell.clone();
        let old = self.bell.lock().replace(bell);
        drop(old);
        service.watch(&work);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.closed.store(true, Ordering::Release);
        self.reader.wake().ring();
        let bell = self.bell.lock().take();
        // a loop that waits hears of the end
        bell.map_or(Ok(()), |bell| bell.function.call0(py).map(|_| ()))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.bell.try_lock().as_ref().and_then(|b| b.as_ref()) {
            Some(bell) => visit.call(&bell.function),
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        let bell = self.bell.lock().take();
        drop(bell);
    }
}
