// SPDX-License-Identifier: GPL-2.0-or-later
//! `FunctionSource`: pictures made by a Python function, on a thread of its own.

use crate::array;
use crate::at_exit::{self, AtExit};
use crate::error::{callback_error, raise};
use crate::frame::PyFrame;
use crate::source::PyVideoSource;
use crate::values::{format_of, timeout as timeout_of, type_name};
use livekit_studio::clock::Deadline;
use livekit_studio::wake::Wakes;
use livekit_studio::{
    Cancel, ClockId, Error, Exactness, Frame, LeaseGuard, Origin, PixelFormat, Result, Sample, Sampling,
    Timestamp, VideoSource, Wake,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Pictures made by a Python function.
#[pyclass(frozen, extends = PyVideoSource, name = "FunctionSource", module = "livekit_studio")]
pub(crate) struct PyFunctionSource;

#[pymethods]
impl PyFunctionSource {
    #[new]
    #[pyo3(signature = (function, *, format = None, timeout = 10.0))]
    fn new(
        function: Bound<'_, PyAny>,
        format: Option<&str>,
        timeout: f64,
    ) -> PyResult<PyClassInitializer<Self>> {
        if !function.is_callable() {
            return Err(raise(
                Error::format(format!("{} cannot be called", type_name(&function)))
                    .with_hint("pass a function of the time in seconds that returns an array"),
            ));
        }
        let format = format.map(format_of).transpose()?;
        let source = FunctionSource::start(function, format, timeout_of(timeout)?)?;
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
    origin: Origin,
}

impl AtExit for Shared {
    fn stop(&self) {
        self.stop.cancel();
        self.asked.ring();
    }

    fn wait(&self, deadline: Deadline) {
        self.ended.wait(deadline.left(Duration::MAX));
    }
}

struct FunctionSource {
    shared: Arc<Shared>,
    timeout: Duration,
}

impl FunctionSource {
    fn start(function: Bound<'_, PyAny>, format: Option<PixelFormat>, timeout: Duration) -> PyResult<Self> {
        let py = function.py();
        let name = function.getattr("__name__").and_then(|n| n.extract::<String>());
        let name = name.map_or_else(|_| "a function".to_owned(), |n| format!("the function {n}"));
        let shared = Arc::new(Shared {
            name,
            exchange: Mutex::default(),
            asked: Wake::new(),
            stop: Cancel::new(),
            answered: Wakes::default(),
            ended: Wake::new(),
            origin: Origin::default(),
        });
        let source = Self { shared: shared.clone(), timeout };
        let worker = PyFunctionWorker { function: function.unbind(), format, shared: shared.clone() };
        py.import("livekit_studio._service")?.call_method1("start_function", (worker,))?;
        let stopped: Arc<dyn AtExit> = shared;
        at_exit::register(py, Arc::downgrade(&stopped));
        Ok(source)
    }
}

/// What the thread of a function source asks and answers. The thread is one of Python's: see `service`.
#[pyclass(frozen, name = "_FunctionWorker", module = "livekit_studio._native")]
pub(crate) struct PyFunctionWorker {
    function: Py<PyAny>,
    /// Of arrays; frames have their own.
    format: Option<PixelFormat>,
    shared: Arc<Shared>,
}

impl PyFunctionWorker {
    fn answer(&self, at: Timestamp, made: Result<Option<Frame>>) {
        let mut exchange = self.shared.exchange.lock();
        exchange.wanted = exchange.wanted.filter(|w| *w != at);
        if let Ok(Some(frame)) = &made {
            exchange.newest = Some(frame.clone());
        }
        let old = exchange.made.replace((at, made));
        drop(exchange);
        drop(old);
        self.shared.answered.ring();
    }
}

#[pymethods]
impl PyFunctionWorker {
    #[getter]
    fn function(&self, py: Python<'_>) -> Py<PyAny> {
        self.function.clone_ref(py)
    }

    /// Waits for the next time that is asked for, in nanoseconds of session time and in seconds since the run began
    /// that shows it; None when it is time to stop.
    fn next(&self, py: Python<'_>) -> Option<(i64, f64)> {
        py.detach(|| {
            while !self.shared.stop.is_cancelled() {
                let wanted = self.shared.exchange.lock().wanted;
                if let Some(at) = wanted {
                    return Some((at.as_nanos(), self.shared.origin.since(at).as_secs_f64()));
                }
                self.shared.asked.wait(Duration::from_secs(3600));
            }
            None
        })
    }

    fn made(&self, at: i64, value: &Bound<'_, PyAny>) {
        let at = Timestamp::from_nanos(at);
        let frame = frame_of(value, self.format, at).map_err(|e| callback_error(&self.shared.name, e));
        self.answer(at, frame);
    }

    fn failed(&self, at: i64, error: Bound<'_, PyAny>) {
        self.answer(
            Timestamp::from_nanos(at),
            Err(callback_error(&self.shared.name, PyErr::from_value(error))),
        );
    }

    fn ended(&self) {
        self.shared.ended.ring();
    }
}

fn frame_of(value: &Bound<'_, PyAny>, format: Option<PixelFormat>, at: Timestamp) -> PyResult<Option<Frame>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(frame) = value.cast::<PyFrame>() {
        return Ok(Some(frame.get().0.at(at)));
    }
    let Some(format) = format else {
        return Err(raise(
            Error::format("an array needs its format")
                .with_hint("say what its channels are: lk.FunctionSource(function, format=\"rgb24\")"),
        ));
    };
    array::copy_in(value, format, false, at).map(Some)
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

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.shared.origin.take(clock, start, &self.shared.name).map(Some)
    }

    /// A live run reads ahead of it, so that the function is asked for each frame in good time.
    fn may_block(&self) -> bool {
        true
    }
}

impl Drop for FunctionSource {
    fn drop(&mut self) {
        // told to end, not waited for: the thread may be waiting for the GIL that the caller holds
        self.shared.stop();
    }
}
