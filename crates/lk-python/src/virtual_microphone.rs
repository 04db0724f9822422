// SPDX-License-Identifier: GPL-2.0-or-later
//! `VirtualMicrophone`.

use crate::device::{Handle, device_members};
use crate::error::Raise;
use crate::speaker::played;
use livekit_studio::{AudioTarget, VirtualMicrophone};
use pyo3::prelude::*;
use std::sync::Arc;

/// A microphone for other programs.
#[pyclass(frozen, name = "VirtualMicrophone", module = "livekit_studio")]
pub(crate) struct PyVirtualMicrophone(Handle<VirtualMicrophone>);

impl PyVirtualMicrophone {
    /// The microphone, for the blocks of a mix.
    pub(crate) fn target(&self) -> PyResult<Arc<dyn AudioTarget>> {
        Ok(self.0.get()?.clone())
    }
}

#[pymethods]
impl PyVirtualMicrophone {
    #[new]
    #[pyo3(signature = (name = "LiveKit", *, source = None, volume = 1.0, muted = false))]
    fn new(
        py: Python<'_>,
        name: &str,
        source: Option<&Bound<'_, PyAny>>,
        volume: f32,
        muted: bool,
    ) -> PyResult<Self> {
        let (name, played) = (name.to_owned(), played(source)?);
        let open = move || {
            let microphone = match played {
                None => VirtualMicrophone::new(&name),
                Some((source, timing)) => VirtualMicrophone::hearing(&name, source, timing),
            }?;
            microphone.speaker().set_volume(volume)?;
            microphone.speaker().set_muted(muted);
            Ok(microphone)
        };
        Ok(Self(Handle::open(py, open)?))
    }

    #[getter]
    fn volume(&self) -> PyResult<f32> {
        Ok(self.0.any()?.speaker().volume())
    }

    #[setter]
    fn set_volume(&self, volume: f32) -> PyResult<()> {
        self.0.get()?.speaker().set_volume(volume).or_raise()
    }

    #[getter]
    fn muted(&self) -> PyResult<bool> {
        Ok(self.0.any()?.speaker().is_muted())
    }

    #[setter]
    fn set_muted(&self, muted: bool) -> PyResult<()> {
        self.0.get()?.speaker().set_muted(muted);
        Ok(())
    }

    #[getter]
    fn latency(&self) -> PyResult<f64> {
        Ok(self.0.any()?.speaker().latency().as_secs_f64())
    }
}

device_members!(PyVirtualMicrophone);
