// SPDX-License-Identifier: GPL-2.0-or-later
//! `Camera`.

use crate::at_exit::{self, AtExit};
use crate::blocking::{Born, leaving};
use crate::cameras::{info_of, mode_of};
use crate::device::DeviceId;
use crate::error::{Raise, raise};
use crate::events::{Listeners, PyEventStream};
use crate::frame::PyFrame;
use crate::lazy_player::in_format;
use crate::source::PyVideoSource;
use crate::target::{not_a_target, target_of};
use crate::values::{format_of, rate_of, seconds, size_of, timeout as timeout_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Camera, CameraChoice, CameraFormat, CameraOptions, Error, ErrorKind, Frame, VideoSource, VideoTarget,
    only_now,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// A camera.
#[pyclass(frozen, extends = PyVideoSource, name = "Camera", module = "livekit_studio")]
pub(crate) struct PyCamera {
    core: Option<Arc<Core>>,
    listeners: Listeners,
    born: Born,
}

struct Core {
    camera: Camera,
    closed: AtomicBool,
}

impl Core {
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.camera.close();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl AtExit for Core {
    fn stop(&self) {}

    fn wait(&self, _deadline: Deadline) {
        self.close();
    }
}

fn choice_of(id: &DeviceId) -> PyResult<CameraChoice> {
    match id {
        DeviceId::Number(n) => usize::try_from(*n).map(CameraChoice::Index).map_err(|_| {
            let error = Error::new(ErrorKind::DeviceNotFound, format!("there is no camera {n}"));
            raise(error.with_hint("the first one is 0"))
        }),
        DeviceId::Name(name) => Ok(name.as_str().into()),
        DeviceId::Listed { id } => Ok(CameraChoice::Named(id.clone())),
    }
}

fn deadline_of(timeout: Option<f64>) -> PyResult<Deadline> {
    Ok(match timeout {
        None => Deadline::NEVER,
        Some(0.0) => Deadline::after(Duration::ZERO),
        Some(seconds) => Deadline::after(timeout_of(seconds)?),
    })
}

impl PyCamera {
    fn core(&self) -> PyResult<&Arc<Core>> {
        self.born.check()?;
        self.core.as_ref().ok_or_else(|| raise(Error::internal("a camera without its core")))
    }

    /// The camera, unless it is closed.
    fn open(&self) -> PyResult<&Camera> {
        let core = self.core()?;
        if core.is_closed() {
            let error = Error::new(ErrorKind::Closed, format!("{} is closed", core.camera.name()));
            return Err(raise(error.with_hint("open the camera again")));
        }
        Ok(&core.camera)
    }
}

#[pymethods]
impl PyCamera {
    #[new]
    #[pyo3(
        signature = (idx = DeviceId::Number(0), *, size = None, fps = None, format = None),
        text_signature = "(idx=0, *, size=None, fps=None, format=None)"
    )]
    fn new(
        py: Python<'_>,
        idx: DeviceId,
        size: Option<(i64, i64)>,
        fps: Option<&Bound<'_, PyAny>>,
        format: Option<&str>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let choice = choice_of(&idx)?;
        let options = CameraOptions {
            size: size.map(|(width, height)| size_of(width, height)).transpose()?,
            rate: fps.map(rate_of).transpose()?,
            format: format.map(str::parse::<CameraFormat>).transpose().or_raise()?,
        };
        let camera = leaving(py, move || Camera::open(&choice, &options))?.or_raise()?;
        let source: Arc<dyn VideoSource> = Arc::new(camera.clone());
        let listeners = Listeners::new(camera.events().clone());
        let core = Arc::new(Core { camera, closed: AtomicBool::new(false) });
        let at_exit: Arc<dyn AtExit> = core.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        let this = Self { core: Some(core), listeners, born: Born::here() };
        Ok(PyClassInitializer::from(PyVideoSource::new(source)).add_subclass(this))
    }

    fn size(&self) -> PyResult<(u32, u32)> {
        Ok(self.core()?.camera.size().map_or((0, 0), |s| (s.width, s.height)))
    }

    #[getter]
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        info_of(py, &self.core()?.camera.info())
    }

    #[getter]
    fn mode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        mode_of(py, &self.core()?.camera.mode())
    }

    #[getter]
    fn state(&self) -> PyResult<&'static str> {
        let core = self.core()?;
        Ok(if core.is_closed() { "closed" } else { core.camera.state().word() })
    }

    #[pyo3(
        signature = (timeout = Some(2.0), *, at = 0.0, format = None),
        text_signature = "($self, timeout=2.0, *, at=0.0, format=None)"
    )]
    fn frame(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        at: f64,
        format: Option<&str>,
    ) -> PyResult<PyFrame> {
        let (deadline, format) = (deadline_of(timeout)?, format.map(format_of).transpose()?);
        only_now(self.open()?.name(), "it is a camera", seconds("time", at)?).or_raise()?;
        loop {
            let camera = self.open()?;
            if let Some(frame) = py.detach(|| camera.frame(Deadline::after(deadline.left(LOOK)))) {
                return py.detach(|| in_format(frame, format)).map(PyFrame).or_raise();
            }
            py.check_signals()?;
            if deadline.has_passed() {
                // unless it was closed meanwhile
                let camera = self.open()?;
                let waited = timeout.unwrap_or_default();
                let message = format!("{}: no new frame within {waited} s", camera.name());
                let hint = format!("the camera is {}; give it more time", camera.state().word());
                return Err(raise(Error::new(ErrorKind::Deadline, message).with_hint(hint)));
            }
        }
    }

    #[pyo3(signature = (*, timeout = None))]
    fn frames(&self, timeout: Option<f64>) -> PyResult<PyCameraFrames> {
        deadline_of(timeout)?;
        self.open()?;
        Ok(PyCameraFrames {
            core: Some(self.core()?.clone()),
            timeout,
            next: Mutex::new(None),
            born: self.born,
        })
    }

    fn add_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        let camera = self.open()?;
        let made = target_of(target)?.ok_or_else(|| not_a_target(target))?;
        target.py().detach(|| camera.add_target(made)).or_raise()
    }

    fn remove_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        let camera = self.open()?;
        let made: Arc<dyn VideoTarget> = target_of(target)?.ok_or_else(|| not_a_target(target))?;
        target.py().detach(|| camera.remove_target(&made));
        Ok(())
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.core()?.camera.statistics();
        let made = PyDict::new(py);
        for (name, count) in [
            ("frames", counts.frames),
            ("lost", counts.lost),
            ("damaged", counts.damaged),
            ("stalls", counts.stalls),
            ("reconnects", counts.reconnects),
        ] {
            made.set_item(name, count)?;
        }
        py.import("livekit_studio._devices")?.getattr("CameraStatistics")?.call((), Some(&made))
    }

    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        py.detach(|| core.close());
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

impl Drop for PyCamera {
    fn drop(&mut self) {
        self.born.end(self.core.take());
    }
}

/// Each frame of a camera once.
#[pyclass(frozen, name = "_CameraFrames", module = "livekit_studio._native")]
pub(crate) struct PyCameraFrames {
    core: Option<Arc<Core>>,
    timeout: Option<f64>,
    /// The number of the next one; None before the first.
    next: Mutex<Option<u64>>,
    born: Born,
}

impl PyCameraFrames {
    /// The next frame, if it comes within a moment; the first one is the newest.
    fn next(&self, camera: &Camera, limit: Duration) -> Option<Frame> {
        let mut next = self.next.lock();
        let mut found = camera.next(next.unwrap_or(0), Deadline::after(limit))?;
        while next.is_none()
            && let Some(newer) = camera.next(found.0 + 1, Deadline::after(Duration::ZERO))
        {
            found = newer;
        }
        *next = Some(found.0 + 1);
        Some(found.1)
    }
}

#[pymethods]
impl PyCameraFrames {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        self.born.check()?;
        let Some(core) = &self.core else { return Ok(None) };
        let deadline = deadline_of(self.timeout)?;
        loop {
            if let Some(frame) = py.detach(|| self.next(&core.camera, deadline.left(LOOK))) {
                return Ok(Some(PyFrame(frame)));
            }
            if core.is_closed() || deadline.has_passed() {
                return Ok(None);
            }
            py.check_signals()?;
        }
    }
}

impl Drop for PyCameraFrames {
    fn drop(&mut self) {
        self.born.end(self.core.take());
    }
}
