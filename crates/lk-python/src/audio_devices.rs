// SPDX-License-Identifier: GPL-2.0-or-later
//! The lists of sound devices, and news of them.

use crate::blocking::leaving;
use crate::device::device_of;
use crate::device_watch::PyDeviceWatch;
use crate::error::{Raise, raise};
use crate::values::{listing, numbered};
use livekit_studio::{AudioDevice, AudioDeviceWatch, Error, ErrorKind, Result as EngineResult};
use pyo3::prelude::*;

fn listed<'py>(
    py: Python<'py>,
    what: &str,
    list: impl FnOnce() -> EngineResult<Vec<AudioDevice>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let devices = leaving(py, list)?.or_raise()?;
    let devices = devices.iter().map(|d| device_of(py, d)).collect::<PyResult<Vec<_>>>()?;
    listing(py, what, devices)
}

#[pyfunction]
pub(crate) fn microphones(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    listed(py, "microphones", livekit_studio::microphones)
}

#[pyfunction]
pub(crate) fn speakers(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    listed(py, "speakers", livekit_studio::speakers)
}

/// What there was when the list was made.
struct Listed(Vec<AudioDevice>);

impl Listed {
    fn get(&self, index: i64) -> PyResult<&str> {
        let device = usize::try_from(index).ok().and_then(|n| self.0.get(n));
        device.map(|d| d.name.as_str()).ok_or_else(|| {
            raise(Error::new(
                ErrorKind::Index,
                format!("there is no device {index}: the list has {}", self.0.len()),
            ))
        })
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|d| d.name.as_str()).collect()
    }

    /// -1 where there is none.
    fn default(&self) -> i64 {
        let default =
            self.0.iter().position(|d| d.is_default).or(if self.0.is_empty() { None } else { Some(0) });
        default.map_or(-1, |n| n as i64)
    }
}

/// What can be heard, as the 2020 system listed it.
#[pyclass(frozen, name = "AudioInputDeviceList", module = "livekit_studio")]
pub(crate) struct PyAudioInputDeviceList(Listed);

/// What can be played on, as the 2020 system listed it.
#[pyclass(frozen, name = "AudioOutputDeviceList", module = "livekit_studio")]
pub(crate) struct PyAudioOutputDeviceList(Listed);

macro_rules! list_members {
    ($class:ident, $name:ident, $list:path) => {
        #[pymethods]
        impl $class {
            #[new]
            fn new(py: Python<'_>) -> PyResult<Self> {
                Ok(Self(Listed(leaving(py, $list)?.or_raise()?)))
            }

            fn size(&self) -> usize {
                self.0.0.len()
            }

            fn get(&self, i: i64) -> PyResult<&str> {
                self.0.get(i)
            }

            fn to_pylist(&self) -> Vec<&str> {
                self.0.names()
            }

            #[getter]
            fn id_default(&self) -> i64 {
                self.0.default()
            }

            fn __len__(&self) -> usize {
                self.0.0.len()
            }

            fn __repr__(&self) -> String {
                numbered(stringify!($name), &self.0.names())
            }
        }
    };
}
list_members!(PyAudioInputDeviceList, AudioInputDeviceList, livekit_studio::microphones);
list_members!(PyAudioOutputDeviceList, AudioOutputDeviceList, livekit_studio::speakers);

/// Tells of sound devices that come and go.
#[pyclass(frozen, extends = PyDeviceWatch, name = "AudioDeviceWatch", module = "livekit_studio")]
pub(crate) struct PyAudioDeviceWatch;

#[pymethods]
impl PyAudioDeviceWatch {
    #[new]
    fn new(py: Python<'_>) -> PyResult<PyClassInitializer<Self>> {
        let watch = leaving(py, AudioDeviceWatch::new)?.or_raise()?;
        let events = watch.events().clone();
        Ok(PyDeviceWatch::init(watch, events).add_subclass(Self))
    }
}
