// SPDX-License-Identifier: GPL-2.0-or-later
//! `AudioMixer`: a mixer without pictures.

use crate::audio_port::PyAudioPort;
use crate::blocking::Born;
use crate::error::Raise;
use crate::mixer::{PyMixer, PyMixerInput};
use livekit_studio::{AudioSource, Compositor, FrameRate, LiveOptions, Size};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

/// Nothing is drawn on it.
const CANVAS: Size = Size::new(2, 2);
/// How often the run that has no pictures looks around.
const RATE: u32 = 50;

/// Sounds mixed into one, live.
#[pyclass(frozen, name = "AudioMixer", module = "livekit_studio")]
pub(crate) struct PyAudioMixer {
    compositor: Compositor,
    mixer: PyMixer,
    born: Born,
}

impl PyAudioMixer {
    /// The mix as a source of sound.
    pub(crate) fn sound(&self) -> Arc<dyn AudioSource> {
        self.compositor.sound_port()
    }
}

#[pymethods]
impl PyAudioMixer {
    #[new]
    fn new() -> PyResult<Self> {
        let compositor = Compositor::new(CANVAS, FrameRate::new(RATE, 1).or_raise()?).or_raise()?;
        compositor.start(LiveOptions { threads: 1, ..LiveOptions::default() }).or_raise()?;
        Ok(Self { mixer: PyMixer(compositor.clone()), compositor, born: Born::here() })
    }

    #[pyo3(signature = (source, *, gain = 0.0, mute = false, sync_offset = 0.0, r#loop = false, timeout = 10.0))]
    fn add(
        &self,
        source: &Bound<'_, PyAny>,
        gain: f64,
        mute: bool,
        sync_offset: f64,
        r#loop: bool,
        timeout: f64,
    ) -> PyResult<PyMixerInput> {
        self.born.check()?;
        self.mixer.add(source, gain, mute, sync_offset, r#loop, timeout)
    }

    #[getter]
    fn inputs(&self) -> Vec<PyMixerInput> {
        self.mixer.inputs()
    }

    #[getter]
    fn gain(&self) -> f64 {
        self.mixer.gain()
    }

    #[setter]
    fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.mixer.set_gain(gain)
    }

    #[getter]
    fn mute(&self) -> bool {
        self.mixer.mute()
    }

    #[setter]
    fn set_mute(&self, mute: bool) -> PyResult<()> {
        self.mixer.set_mute(mute)
    }

    #[getter]
    fn peak(&self) -> (f64, f64) {
        self.mixer.peak()
    }

    #[getter]
    fn rms(&self) -> (f64, f64) {
        self.mixer.rms()
    }

    /// The mix as a port.
    #[getter]
    fn port(&self) -> PyAudioPort {
        PyAudioPort::of(self.compositor.sound_port())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.born.check()?;
        py.detach(|| self.compositor.stop());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}
