// SPDX-License-Identifier: GPL-2.0-or-later
//! `AudioRepeater`.

use crate::device::{DeviceId, Handle, device_members};
use livekit_studio::AudioRepeater;
use pyo3::prelude::*;

/// Plays what one device hears on another one.
#[pyclass(frozen, name = "AudioRepeater", module = "livekit_studio")]
pub(crate) struct PyAudioRepeater(Handle<AudioRepeater>);

#[pymethods]
impl PyAudioRepeater {
    #[new]
    fn new(py: Python<'_>, audio_device_id_in: DeviceId, audio_device_id_out: DeviceId) -> PyResult<Self> {
        let (from, to) = (audio_device_id_in.end()?, audio_device_id_out.end()?);
        Ok(Self(Handle::open(py, move || AudioRepeater::open(&from, &to))?))
    }

    #[getter]
    fn latency(&self) -> PyResult<f64> {
        Ok(self.0.any()?.latency().as_secs_f64())
    }
}

device_members!(PyAudioRepeater);
