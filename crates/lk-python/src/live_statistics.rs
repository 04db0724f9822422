// SPDX-License-Identifier: GPL-2.0-or-later
//! `LiveStatistics`.

use crate::run_counts::{PyRunCounts, dict_of};
use livekit_studio::LiveStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a live run did.
#[pyclass(frozen, extends = PyRunCounts, name = "LiveStatistics", module = "livekit_studio")]
pub(crate) struct PyLiveStatistics(LiveStatistics);

impl PyLiveStatistics {
    pub(crate) fn of(py: Python<'_>, statistics: LiveStatistics) -> PyResult<Bound<'_, Self>> {
        let counts = PyRunCounts::from(&statistics);
        Bound::new(py, PyClassInitializer::from(counts).add_subclass(Self(statistics)))
    }
}

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
    fn late_samples(&self) -> u64 {
        self.0.late_samples
    }

    #[getter]
    fn tick_cpu(&self) -> f64 {
        self.0.tick_cpu.as_secs_f64()
    }

    #[getter]
    fn mixer_cpu(&self) -> f64 {
        self.0.mixer_cpu.as_secs_f64()
    }

    /// (p50, p99, p99.9, max)
    #[getter]
    fn lateness(&self) -> (f64, f64, f64, f64) {
        let l = self.0.lateness;
        (l.p50.as_secs_f64(), l.p99.as_secs_f64(), l.p999.as_secs_f64(), l.max.as_secs_f64())
    }

    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let counts = ["ticks", "missed", "late_frames", "samples", "late_samples"];
        let times =
            ["elapsed", "tick_cpu", "mixer_cpu", "compositing", "sampling", "rendering", "delivering"];
        let rest = ["mixing", "render", "lateness"];
        dict_of(slf, &[&counts[..], &times, &rest].concat())
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
