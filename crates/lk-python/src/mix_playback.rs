// SPDX-License-Identifier: GPL-2.0-or-later
//! `MixPlayback`.

use crate::blocking::Born;
use crate::error::raise;
use livekit_studio::Playing;
use pyo3::prelude::*;

/// A mix that is played to a target.
#[pyclass(frozen, name = "MixPlayback", module = "livekit_studio")]
pub(crate) struct PyMixPlayback {
    pub playing: Playing,
    pub born: Born,
}

#[pymethods]
impl PyMixPlayback {
    #[getter]
    fn name(&self) -> String {
        self.playing.name()
    }

    #[getter]
    fn is_playing(&self) -> bool {
        self.playing.is_playing()
    }

    #[getter]
    fn played(&self) -> u64 {
        self.playing.played()
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.playing.dropped()
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.playing.error().map(|e| raise(e).into_value(py).into_any())
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.born.check()?;
        py.detach(|| self.playing.stop());
        Ok(())
    }

    fn __repr__(&self) -> String {
        let state = if self.playing.is_playing() { "playing" } else { "stopped" };
        format!("<MixPlayback to {}, {state}>", self.playing.name())
    }
}
