// SPDX-License-Identifier: GPL-2.0-or-later
//! `RenderStatistics`.

use crate::run_counts::dict_of;
use livekit_studio::RenderStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a renderer did, and how much of it could be left out.
#[pyclass(frozen, name = "RenderStatistics", module = "livekit_studio")]
pub(crate) struct PyRenderStatistics(pub RenderStatistics);

impl PyRenderStatistics {
    /// Its properties.
    pub(crate) const NAMES: &[&str] = &[
        "frames",
        "repeated",
        "reclaimed",
        "written",
        "damaged",
        "layers",
        "culled",
        "cache_hits",
        "cache_bytes",
    ];
}

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

    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        dict_of(slf, Self::NAMES)
    }

    fn __repr__(&self) -> String {
        format!("<RenderStatistics {} frames, {:.1} % drawn>", self.0.jobs, self.0.damaged() * 100.0)
    }
}
