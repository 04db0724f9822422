// SPDX-License-Identifier: GPL-2.0-or-later
//! `AudioMixer`: a mixer without pictures.

use crate::blocking::Born;
use crate::error::Raise;
use crate::mixer::PyMixer;
use livekit_studio::{Compositor, FrameRate, LiveOptions, Size};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Nothing is drawn on it.
const CANVAS: Size = Size::new(2, 2);
/// How often the run that has no pictures looks around.
const RATE: u32 = 50;

/// Sounds mixed into one, live.
#[pyclass(frozen, extends = PyMixer, name = "AudioMixer", module = "livekit_studio")]
pub(crate) struct PyAudioMixer {
    compositor: Compositor,
    born: Born,
}

#[pymethods]
impl PyAudioMixer {
    #[new]
    fn new() -> PyResult<PyClassInitializer<Self>> {
        let compositor = Compositor::new(CANVAS, FrameRate::new(RATE, 1).or_raise()?).or_raise()?;
        compositor.start(LiveOptions { threads: 1, ..LiveOptions::default() }).or_raise()?;
        let mixer = PyMixer::init(&compositor);
        Ok(mixer.add_subclass(Self { compositor, born: Born::here() }))
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
