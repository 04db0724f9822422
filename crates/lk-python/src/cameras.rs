// SPDX-License-Identifier: GPL-2.0-or-later
//! The cameras there are, and news of them.

use crate::blocking::leaving;
use crate::device_watch::PyDeviceWatch;
use crate::error::{Raise, raise};
use crate::values::{listing, numbered};
use livekit_studio::{CameraInfo, CameraMode, CameraWatch, Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A mode as Python is told of it.
pub(crate) fn mode_of<'py>(py: Python<'py>, mode: &CameraMode) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("livekit_studio._devices")?.getattr("CameraMode")?;
    class.call1(((mode.size.width, mode.size.height), mode.rate.as_f64(), mode.format.name()))
}

/// A camera as Python lists it.
pub(crate) fn info_of<'py>(py: Python<'py>, camera: &CameraInfo) -> PyResult<Bound<'py, PyAny>> {
    let modes = camera.modes.iter().map(|m| mode_of(py, m)).collect::<PyResult<Vec<_>>>()?;
    let class = py.import("livekit_studio._devices")?.getattr("CameraInfo")?;
    class.call1((&camera.id, &camera.name, &camera.address, camera.backend, PyTuple::new(py, modes)?))
}

#[pyfunction]
pub(crate) fn cameras(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let listed = leaving(py, livekit_studio::cameras)?.or_raise()?;
    let listed = listed.iter().map(|c| info_of(py, c)).collect::<PyResult<Vec<_>>>()?;
    listing(py, "cameras", listed)
}

/// The names of the cameras there were when it was made.
#[pyclass(frozen, name = "CameraList", module = "livekit_studio")]
pub(crate) struct PyCameraList(Vec<String>);

#[pymethods]
impl PyCameraList {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let listed = leaving(py, livekit_studio::cameras)?.or_raise()?;
        Ok(Self(listed.into_iter().map(|c| c.name).collect()))
    }

    fn size(&self) -> usize {
        self.0.len()
    }

    fn get(&self, i: i64) -> PyResult<&str> {
        usize::try_from(i).ok().and_then(|i| self.0.get(i)).map(String::as_str).ok_or_else(|| {
            let error = Error::new(ErrorKind::Index, format!("there is no camera {i}"));
            raise(error.with_hint(format!("there are {}, counted from 0", self.0.len())))
        })
    }

    fn to_pylist(&self) -> Vec<String> {
        self.0.clone()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        numbered("CameraList", &self.0)
    }
}

/// Tells of cameras that come and go.
#[pyclass(frozen, extends = PyDeviceWatch, name = "CameraWatch", module = "livekit_studio")]
pub(crate) struct PyCameraWatch;

#[pymethods]
impl PyCameraWatch {
    #[new]
    fn new(py: Python<'_>) -> PyResult<PyClassInitializer<Self>> {
        let watch = leaving(py, CameraWatch::new)?.or_raise()?;
        let events = watch.events().clone();
        Ok(PyDeviceWatch::init(watch, events).add_subclass(Self))
    }
}
