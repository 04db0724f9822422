// SPDX-License-Identifier: GPL-2.0-or-later
//! `IPCSource`.

use crate::blocking::Born;
use crate::error::{Raise, raise};
use crate::events::{Listeners, PyEventStream};
use crate::frame::PyFrame;
use crate::lazy_player::in_format;
use crate::source::PyVideoSource;
use crate::values::{format_of, seconds, timeout as timeout_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{Error, ErrorKind, IpcFolder, IpcSource, SourceState, VideoSource, Wake, only_now};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::time::Duration;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// Pictures of another process.
#[pyclass(frozen, extends = PyVideoSource, name = "IPCSource", module = "livekit_studio")]
pub(crate) struct PyIpcSource {
    source: Option<Arc<IpcSource>>,
    listeners: Listeners,
    born: Born,
}

impl PyIpcSource {
    fn core(&self) -> PyResult<&Arc<IpcSource>> {
        self.born.check()?;
        self.source.as_ref().ok_or_else(|| raise(Error::internal("a source without its core")))
    }

    /// The source, unless it is closed.
    fn open(&self) -> PyResult<&Arc<IpcSource>> {
        let source = self.core()?;
        if source.is_closed() {
            let error = Error::new(ErrorKind::Closed, format!("{} was closed", source.name()));
            return Err(raise(error.with_hint("make another source")));
        }
        Ok(source)
    }
}

fn deadline_of(timeout: Option<f64>) -> PyResult<Deadline> {
    Ok(match timeout {
        None => Deadline::NEVER,
        Some(0.0) => Deadline::after(Duration::ZERO),
        Some(seconds) => Deadline::after(timeout_of(seconds)?),
    })
}

#[pymethods]
impl PyIpcSource {
    #[new]
    fn new(py: Python<'_>, mapping_name: &str) -> PyResult<PyClassInitializer<Self>> {
        let name = mapping_name.to_owned();
        let source = py.detach(move || IpcSource::open(&name, &IpcFolder::default())).or_raise()?;
        let source = Arc::new(source);
        let listeners = Listeners::new(source.events().clone());
        let this = Self { source: Some(source.clone()), listeners, born: Born::here() };
        Ok(PyClassInitializer::from(PyVideoSource::new(source)).add_subclass(this))
    }

    fn size(&self) -> PyResult<(u32, u32)> {
        Ok(self.core()?.size().map_or((0, 0), |s| (s.width, s.height)))
    }

    #[pyo3(
        signature = (*, timeout = Some(10.0), at = 0.0, format = None),
        text_signature = "($self, *, timeout=10.0, at=0.0, format=None)"
    )]
    fn frame(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        at: f64,
        format: Option<&str>,
    ) -> PyResult<PyFrame> {
        let (deadline, bell) = (deadline_of(timeout)?, Wake::new());
        let format = format.map(format_of).transpose()?;
        only_now(&self.core()?.name(), "it is shared live", seconds("time", at)?).or_raise()?;
        self.core()?.wake_on_ready(&bell);
        loop {
            let source = self.open()?;
            if let Some(frame) = source.latest() {
                return py.detach(|| in_format(frame, format)).map(PyFrame).or_raise();
            }
            if deadline.has_passed() {
                let error =
                    Error::new(ErrorKind::Deadline, format!("{} has shown nothing yet", source.name()));
                return Err(raise(
                    error.with_hint("is its writer running? livekit-studio ipc list shows it"),
                ));
            }
            py.detach(|| bell.wait(deadline.left(LOOK)));
            py.check_signals()?;
        }
    }

    #[pyo3(signature = (*, timeout = None))]
    fn frames(&self, timeout: Option<f64>) -> PyResult<PyIpcFrames> {
        deadline_of(timeout)?;
        let source = self.open()?.clone();
        Ok(PyIpcFrames { source, timeout, next: Mutex::new(None), born: self.born })
    }

    #[getter]
    fn state(&self) -> PyResult<&'static str> {
        let source = self.core()?;
        Ok(if source.is_closed() { "closed" } else { source.state().word() })
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        Ok(match self.core()?.state() {
            SourceState::Failed(error) => Some(raise(error).into_value(py).into_any()),
            _ => None,
        })
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.core()?.counts();
        let class = py.import("livekit_studio._reports")?.getattr("IPCSourceStatistics")?;
        class.call1((counts.frames, counts.copied, counts.lost, counts.writers))
    }

    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let source = self.core()?;
        py.detach(|| source.close());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().open()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.listeners.traverse(&visit)
    }

    fn __clear__(&self) {
        self.listeners.clear();
    }
}

impl Drop for PyIpcSource {
    fn drop(&mut self) {
        self.born.end(self.source.take());
    }
}

/// Each picture of a source once.
#[pyclass(frozen, name = "_IPCFrames", module = "livekit_studio._native")]
pub(crate) struct PyIpcFrames {
    source: Arc<IpcSource>,
    timeout: Option<f64>,
    /// The number of the next one; None before the first.
    next: Mutex<Option<u64>>,
    born: Born,
}

#[pymethods]
impl PyIpcFrames {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        self.born.check()?;
        let deadline = deadline_of(self.timeout)?;
        loop {
            let found = py.detach(|| {
                let mut next = self.next.lock();
                let mut found = self.source.next(next.unwrap_or(0), Deadline::after(deadline.left(LOOK)));
                // it begins with the newest
                while next.is_none()
                    && let Some((seq, _)) = &found
                {
                    match self.source.next(seq + 1, Deadline::after(Duration::ZERO)) {
                        Some(newer) => found = Some(newer),
                        None => break,
                    }
                }
                *next = found.as_ref().map(|(seq, _)| seq + 1).or(*next);
                found
            });
            if let Some((_, frame)) = found {
                return Ok(Some(PyFrame(frame)));
            }
            if self.source.is_closed() || deadline.has_passed() {
                return Ok(None);
            }
            py.check_signals()?;
        }
    }
}
