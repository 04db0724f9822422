// SPDX-License-Identifier: GPL-2.0-or-later
//! `Statistics`.

use crate::render_statistics::PyRenderStatistics;
use livekit_studio::RunStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a run did.
#[pyclass(frozen, name = "Statistics", module = "livekit_studio")]
pub(crate) struct PyStatistics(pub RunStatistics);

#[pymethods]
impl PyStatistics {
    #[getter]
    fn frames(&self) -> u64 {
        self.0.frames
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.0.samples
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }

    #[getter]
    fn cpu(&self) -> f64 {
        self.0.cpu.as_secs_f64()
    }

    #[getter]
    fn compositing(&self) -> f64 {
        self.0.compositing().as_secs_f64()
    }

    #[getter]
    fn sampling(&self) -> f64 {
        self.0.parts.sampling.as_secs_f64()
    }

    #[getter]
    fn rendering(&self) -> f64 {
        self.0.parts.rendering.as_secs_f64()
    }

    #[getter]
    fn delivering(&self) -> f64 {
        self.0.parts.delivering.as_secs_f64()
    }

    #[getter]
    fn mixing(&self) -> f64 {
        self.0.parts.mixing.as_secs_f64()
    }

    #[getter]
    fn render(&self) -> PyRenderStatistics {
        PyRenderStatistics(self.0.render)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("frames", self.frames())?;
        dict.set_item("samples", self.samples())?;
        dict.set_item("elapsed", self.elapsed())?;
        dict.set_item("cpu", self.cpu())?;
        dict.set_item("compositing", self.compositing())?;
        dict.set_item("sampling", self.sampling())?;
        dict.set_item("rendering", self.rendering())?;
        dict.set_item("delivering", self.delivering())?;
        dict.set_item("mixing", self.mixing())?;
        dict.set_item("render", self.render().to_dict(py)?)?;
        Ok(dict)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Statistics {} frames in {:.2} s, {:.2} s of CPU>",
            self.0.frames,
            self.elapsed(),
            self.cpu()
        )
    }
}
