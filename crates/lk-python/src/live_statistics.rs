// SPDX-License-Identifier: GPL-2.0-or-later
//! `LiveStatistics`.

use crate::render_statistics::PyRenderStatistics;
use livekit_studio::LiveStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a live run did.
#[pyclass(frozen, name = "LiveStatistics", module = "livekit_studio")]
pub(crate) struct PyLiveStatistics(pub LiveStatistics);

#[pymethods]
impl PyLiveStatistics {
    #[getter]
    fn ticks(&self) -> u64 {
        self.0.ticks
    }

    #[getter]
    fn missed(&self) -> u64 {
        self.0.missed
    }

    #[getter]
    fn late_frames(&self) -> u64 {
        self.0.late_frames
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.0.samples
    }

    #[getter]
    fn late_samples(&self) -> u64 {
        self.0.late_samples
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }

    #[getter]
    fn tick_cpu(&self) -> f64 {
        self.0.tick_cpu.as_secs_f64()
    }

    #[getter]
    fn mixer_cpu(&self) -> f64 {
        self.0.mixer_cpu.as_secs_f64()
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

    /// (p50, p99, p99.9, max)
    #[getter]
    fn lateness(&self) -> (f64, f64, f64, f64) {
        let l = self.0.lateness;
        (l.p50.as_secs_f64(), l.p99.as_secs_f64(), l.p999.as_secs_f64(), l.max.as_secs_f64())
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("ticks", self.ticks())?;
        dict.set_item("missed", self.missed())?;
        dict.set_item("late_frames", self.late_frames())?;
        dict.set_item("samples", self.samples())?;
        dict.set_item("late_samples", self.late_samples())?;
        dict.set_item("elapsed", self.elapsed())?;
        dict.set_item("tick_cpu", self.tick_cpu())?;
        dict.set_item("mixer_cpu", self.mixer_cpu())?;
        dict.set_item("compositing", self.compositing())?;
        dict.set_item("sampling", self.sampling())?;
        dict.set_item("rendering", self.rendering())?;
        dict.set_item("delivering", self.delivering())?;
        dict.set_item("mixing", self.mixing())?;
        dict.set_item("render", self.render().to_dict(py)?)?;
        dict.set_item("lateness", self.lateness())?;
        Ok(dict)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let l = self.0.lateness;
        format!(
            "<LiveStatistics {} ticks, {} missed, 99.9 % within {:.2} ms>",
            self.0.ticks,
            self.0.missed,
            l.p999.as_secs_f64() * 1000.0
        )
    }
}
