// SPDX-License-Identifier: GPL-2.0-or-later
//! `RenderStatistics`.

use livekit_studio::RenderStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a renderer did, and how much of it could be left out.
#[pyclass(frozen, name = "RenderStatistics", module = "livekit_studio")]
pub(crate) struct PyRenderStatistics(pub RenderStatistics);

#[pymethods]
impl PyRenderStatistics {
    #[getter]
    fn frames(&self) -> u64 {
        self.0.jobs
    }

    #[getter]
    fn repeated(&self) -> u64 {
        self.0.repeated
    }

    #[getter]
    fn reclaimed(&self) -> u64 {
        self.0.reclaimed
    }

    #[getter]
    fn written(&self) -> u64 {
        self.0.written
    }

    #[getter]
    fn damaged(&self) -> f64 {
        self.0.damaged()
    }

    #[getter]
    fn layers(&self) -> u64 {
        self.0.layers
    }

    #[getter]
    fn culled(&self) -> u64 {
        self.0.culled
    }

    #[getter]
    fn cache_hits(&self) -> u64 {
        self.0.kept_layers
    }

    #[getter]
    fn cache_bytes(&self) -> usize {
        self.0.kept_bytes
    }

    pub(crate) fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("frames", self.frames())?;
        dict.set_item("repeated", self.repeated())?;
        dict.set_item("reclaimed", self.reclaimed())?;
        dict.set_item("written", self.written())?;
        dict.set_item("damaged", self.damaged())?;
        dict.set_item("layers", self.layers())?;
        dict.set_item("culled", self.culled())?;
        dict.set_item("cache_hits", self.cache_hits())?;
        dict.set_item("cache_bytes", self.cache_bytes())?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        format!("<RenderStatistics {} frames, {:.1} % drawn>", self.0.jobs, self.0.damaged() * 100.0)
    }
}
