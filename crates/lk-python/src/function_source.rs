// SPDX-License-Identifier: GPL-2.0-or-later
//! `FunctionSource`: pictures made by a Python function, on a thread of its own.

use crate::array;
use crate::error::{callback_error, raise};
use crate::frame::PyFrame;
use crate::source::PyVideoSource;
use crate::values::{format_of, timeout as timeout_of, type_name};
use livekit_studio::wake::Wakes;
use livekit_studio::{
    Cancel, Error, Exactness, Frame, PixelFormat, Result, Sample, Sampling, Timestamp, VideoSource, Wake,
    thread,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Pictures made by a Python function.
#[pyclass(frozen, extends = PyVideoSource, name = "FunctionSource", module = "livekit_studio")]
pub(crate) struct PyFunctionSource;

#[pymethods]
impl PyFunctionSource {
    #[new]
    #[pyo3(signature = (function, *, format, timeout = 10.0))]
    fn new(function: Bound<'_, PyAny>, format: &str, timeout: f64) -> PyResult<PyClassInitializer<Self>> {
        if !function.is_callable() {
            return Err(raise(
                Error::format(format!("{} cannot be called", type_name(&function)))
                    .with_hint("pass a function of the time in seconds that returns an array"),
            ));
        }
        let source = FunctionSource::start(function.unbind(), format_of(format)?, timeout_of(timeout)?)?;
        Ok(PyClassInitializer::from(PyVideoSource::new(Arc::new(source))).add_subclass(Self))
    }
}

#[derive(Default)]
struct Exchange {
    wanted: Option<Timestamp>,
    made: Option<(Timestamp, Result<Option<Frame>>)>,
    newest: Option<Frame>,
}

struct Shared {
    name: String,
    exchange: Mutex<Exchange>,
    asked: Wake,
    stop: Cancel,
    answered: Wakes,
    ended: Wake,
}

struct FunctionSource {
    shared: Arc<Shared>,
    timeout: Duration,
    thread: Mutex<Option<thread::Thread>>,
}

/// Sources whose threads must end before the interpreter does.
static RUNNING: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl FunctionSource {
    fn start(function: Py<PyAny>, format: PixelFormat, timeout: Duration) -> PyResult<Self> {
        let name = Python::attach(|py| {
            let name = function.bind(py).getattr("__name__").and_then(|n| n.extract::<String>());
            name.map_or_else(|_| "a function".to_owned(), |n| format!("the function {n}"))
        });
        let shared = Arc::new(Shared {
            name,
            exchange: Mutex::default(),
            asked: Wake::new(),
            stop: Cancel::new(),
            answered: Wakes::default(),
            ended: Wake::new(),
        });
        let worker = shared.clone();
        let thread = thread::spawn("lk-function", move || {
            serve(&worker, &function, format);
            worker.ended.ring();
        })
        .map_err(raise)?;
        let mut running = RUNNING.lock();
        running.retain(|w| w.strong_count() > 0);
        running.push(Arc::downgrade(&shared));
        Ok(Self { shared, timeout, thread: Mutex::new(Some(thread)) })
    }
}

fn serve(shared: &Shared, function: &Py<PyAny>, format: PixelFormat) {
    while !shared.stop.is_cancelled() {
        let wanted = shared.exchange.lock().wanted;
        let Some(at) = wanted else {
            shared.asked.wait(Duration::from_secs(3600));
            continue;
        };
        let made = Python::try_attach(|py| call(py, function, format, at));
        let Some(made) = made else { return }; // the interpreter is going
        let made = made.map_err(|e| callback_error(&shared.name, e));
        let mut exchange = shared.exchange.lock();
        exchange.wanted = exchange.wanted.filter(|w| *w != at);
        if let Ok(Some(frame)) = &made {
            exchange.newest = Some(frame.clone());
        }
        exchange.made = Some((at, made));
        drop(exchange);
        shared.answered.ring();
    }
}

fn call(py: Python<'_>, function: &Py<PyAny>, format: PixelFormat, at: Timestamp) -> PyResult<Option<Frame>> {
    let value = function.bind(py).call1((at.as_secs_f64(),))?;
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(frame) = value.cast::<PyFrame>() {
        return Ok(Some(frame.get().0.at(at)));
    }
    array::copy_in(&value, format, false, at).map(Some)
}

impl VideoSource for FunctionSource {
    fn name(&self) -> String {
        self.shared.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        let mut exchange = self.shared.exchange.lock();
        if let Some((made_at, made)) = &exchange.made
            && *made_at == at
        {
            return made.clone().map(|f| f.map_or(Sample::Empty, Sample::Frame));
        }
        exchange.wanted = Some(at);
        let newest = exchange.newest.clone();
        drop(exchange);
        self.shared.asked.ring();
        Ok(match (sampling, newest) {
            (Sampling::Exact, _) => Sample::Pending,
            (Sampling::Live, Some(frame)) => Sample::Frame(frame),
            (Sampling::Live, None) => Sample::Empty,
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.shared.answered.add(wake);
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }
}

impl Drop for FunctionSource {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.asked.ring();
        // the thread may be waiting for the GIL that the caller holds: it is told to end, not waited for
        if let Some(thread) = self.thread.lock().take() {
            thread.detach();
        }
    }
}

/// How long the interpreter's end waits for a function that is running.
const LAST_CALL: Duration = Duration::from_secs(5);

#[pyfunction]
fn _stop_functions(py: Python<'_>) {
    let running: Vec<Arc<Shared>> = RUNNING.lock().drain(..).filter_map(|w| w.upgrade()).collect();
    for shared in &running {
        shared.stop.cancel();
        shared.asked.ring();
    }
    // a thread that asks for the GIL while the interpreter goes down would be ended in the middle of things
    py.detach(|| {
        for shared in &running {
            shared.ended.wait(LAST_CALL);
        }
    });
}

/// Has the threads told to end before the interpreter goes.
pub(crate) fn stop_at_exit(py: Python<'_>) -> PyResult<()> {
    let stop = wrap_pyfunction!(_stop_functions, py)?;
    py.import("atexit")?.call_method1("register", (stop,))?;
    Ok(())
}
