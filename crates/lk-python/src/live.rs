// SPDX-License-Identifier: GPL-2.0-or-later
//! `Compositor` live: start, run, stop, frames as they are made.

use crate::blocking::wait_for;
use crate::compositor::PyCompositor;
use crate::error::{Raise, raise};
use crate::frame::PyFrame;
use crate::live_statistics::PyLiveStatistics;
use crate::values;
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Cancel, Compositor, Error, ErrorKind, Frame, LiveFrames, LiveOptions, PixelFormat, VideoTarget,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;
use std::time::Duration;

/// How often a waiting call looks for signals, failures and the caller's own condition.
const LOOK: Duration = Duration::from_millis(50);
/// How long a frame of a run that has just begun is waited for.
const FIRST_FRAME: Duration = Duration::from_secs(5);

impl PyCompositor {
    pub(crate) fn start_now(&self, py: Python<'_>) -> PyResult<()> {
        self.check()?;
        let (compositor, threads) = (self.compositor.clone(), self.threads());
        wait_for(py, &Cancel::new(), move || {
            compositor.start(LiveOptions { threads, ..LiveOptions::default() })
        })
    }

    /// The frames of a length in seconds.
    pub(crate) fn frames_in(&self, seconds: f64) -> PyResult<u64> {
        if seconds.is_finite() && seconds >= 0.0 {
            return Ok(self.compositor.rate().frames_in(seconds));
        }
        Err(raise(Error::parameter(format!("{seconds} seconds are not possible"))))
    }

    fn stop_now(&self, py: Python<'_>) {
        py.detach(|| self.compositor.stop());
    }

    /// The newest frame of the live run, in `format`.
    pub(crate) fn newest(&self, py: Python<'_>, format: PixelFormat) -> PyResult<Frame> {
        let (compositor, cancel) = (self.compositor.clone(), Cancel::new());
        let stop = cancel.clone();
        wait_for(py, &cancel, move || {
            let deadline = Deadline::after(FIRST_FRAME);
            loop {
                if let Some(frame) = compositor.newest_frame() {
                    format.check_even(frame.size())?;
                    return Ok(frame.map(format)?.frame().clone());
                }
                if stop.is_cancelled() || deadline.has_passed() || compositor.wait(Duration::from_millis(5)) {
                    return Err(Error::new(ErrorKind::Deadline, "the live run has made no frame"));
                }
            }
        })
    }

    pub(crate) fn live_frames(&self, format: &str, seconds: Option<f64>) -> PyResult<PyLiveFrames> {
        self.check()?;
        let format = values::format_of(format)?;
        format.check_even(self.compositor.size()).or_raise()?;
        let left = seconds.map(|s| self.frames_in(s)).transpose()?;
        let frames = Arc::new(LiveFrames::new(format));
        Ok(PyLiveFrames {
            compositor: self.compositor.clone(),
            threads: self.threads(),
            frames,
            state: Mutex::new(Reading { left, begun: false }),
            born: self.born,
        })
    }
}

#[pymethods]
impl PyCompositor {
    #[pyo3(signature = (*, ready_timeout = 5.0))]
    fn start(&self, py: Python<'_>, ready_timeout: f64) -> PyResult<()> {
        let timeout = if ready_timeout == 0.0 { None } else { Some(values::timeout(ready_timeout)?) };
        self.start_now(py)?;
        let Some(timeout) = timeout else { return Ok(()) };
        let deadline = Deadline::after(timeout);
        loop {
            let starting = py.detach(|| self.compositor.starting());
            if starting.is_empty() {
                return Ok(());
            }
            if deadline.has_passed() {
                let message = format!("{} shows nothing yet: the scene runs without it", starting.join(", "));
                let category = py.get_type::<pyo3::exceptions::PyRuntimeWarning>();
                return PyErr::warn(py, &category, &std::ffi::CString::new(message)?, 1);
            }
            py.detach(|| self.compositor.wait(Duration::from_millis(10)));
            py.check_signals()?;
        }
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.born.check()?;
        self.stop_now(py);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.stop(py)?;
        self.close_handle();
        if let Some(viewer) = &self.window {
            py.detach(|| viewer.close());
        }
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().check()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn is_running(&self) -> bool {
        self.compositor.is_running()
    }

    #[pyo3(signature = (seconds = None, *, frames = None, until = None, on_error = "raise"))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<f64>,
        frames: Option<i64>,
        until: Option<Bound<'_, PyAny>>,
        on_error: &str,
    ) -> PyResult<Bound<'py, PyLiveStatistics>> {
        if !matches!(on_error, "raise" | "continue") {
            return Err(raise(
                Error::parameter(format!("on_error {on_error:?} is not known"))
                    .with_hint("\"raise\" or \"continue\""),
            ));
        }
        let count = match (seconds, frames) {
            (None, None) => None,
            (Some(s), None) => Some(self.frames_in(s)?),
            (None, Some(n)) => Some(
                u64::try_from(n).map_err(|_| raise(Error::parameter(format!("{n} frames cannot be run"))))?,
            ),
            (Some(_), Some(_)) => return Err(raise(Error::parameter("say seconds or frames, not both"))),
        };
        self.start(py, 5.0)?;
        if let Some(count) = count {
            let ticks = self.compositor.live_statistics().map_or(0, |s| s.ticks);
            self.compositor.limit_frames(ticks + count);
        }
        let mut failures = Vec::new();
        let outcome = loop {
            let over = py.detach(|| self.look_on(LOOK));
            failures.extend(self.compositor.take_failures());
            if over || (on_error == "raise" && !failures.is_empty()) {
                break Ok(());
            }
            let asked = py.check_signals().and_then(|()| match &until {
                Some(until) => until.call0()?.is_truthy(),
                None => Ok(false),
            });
            match asked {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        self.stop_now(py);
        outcome?;
        match failures.into_iter().next().filter(|_| on_error == "raise") {
            Some(error) => Err(raise(error)),
            None => PyLiveStatistics::of(py, self.compositor.live_statistics().unwrap_or_default()),
        }
    }

    fn wait<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("livekit_studio._async_live")?.getattr("wait")?.call1((slf,))
    }
}

struct Reading {
    left: Option<u64>,
    begun: bool,
}

/// The frames of a live run as they are made.
#[pyclass(frozen, name = "_LiveFrames", module = "livekit_studio._native")]
pub(crate) struct PyLiveFrames {
    compositor: Compositor,
    threads: usize,
    frames: Arc<LiveFrames>,
    state: Mutex<Reading>,
    born: crate::blocking::Born,
}

impl PyLiveFrames {
    /// Starts the run and the reading with the first frame that is asked for.
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        self.born.check()?;
        if std::mem::replace(&mut self.state.lock().begun, true) {
            return Ok(());
        }
        self.compositor.add_target(self.frames.clone());
        let (compositor, threads) = (self.compositor.clone(), self.threads);
        wait_for(py, &Cancel::new(), move || {
            compositor.start(LiveOptions { threads, ..LiveOptions::default() })
        })
    }

    fn end(&self) {
        self.frames.close();
        let target: Arc<dyn VideoTarget> = self.frames.clone();
        self.compositor.remove_target(&target);
    }
}

#[pymethods]
impl PyLiveFrames {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        loop {
            if let Some(frame) = self._next(py, LOOK.as_secs_f64())? {
                return Ok(Some(frame));
            }
            if self._over() {
                self.end();
                return Ok(None);
            }
            py.check_signals()?;
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        slf.py().import("livekit_studio._async_live")?.getattr("AsyncFrames")?.call1((slf,))
    }

    /// The next frame, waited for so many seconds at most.
    fn _next(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<PyFrame>> {
        if self.state.lock().left == Some(0) {
            return Ok(None);
        }
        self.begin(py)?;
        let limit = values::timeout(seconds)?;
        let frame = py.detach(|| self.frames.next(limit));
        if let (Some(_), Some(left)) = (&frame, self.state.lock().left.as_mut()) {
            *left = left.saturating_sub(1);
        }
        Ok(frame.map(PyFrame))
    }

    /// Whether no frame comes any more.
    fn _over(&self) -> bool {
        self.state.lock().left == Some(0) || self.frames.is_closed() || !self.compositor.is_running()
    }

    /// Frames that were dropped because nobody asked for them in time.
    #[getter]
    fn dropped(&self) -> u64 {
        self.frames.statistics().dropped
    }

    fn close(&self) {
        self.end();
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        self.end();
    }
}

impl Drop for PyLiveFrames {
    fn drop(&mut self) {
        if self.born.is_here() {
            self.end();
        }
    }
}
