// SPDX-License-Identifier: GPL-2.0-or-later
//! `Statistics`.

use crate::run_counts::{PyRunCounts, dict_of};
use livekit_studio::RunStatistics;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a run did.
#[pyclass(frozen, extends = PyRunCounts, name = "Statistics", module = "livekit_studio")]
pub(crate) struct PyStatistics(RunStatistics);

impl PyStatistics {
    pub(crate) fn of(py: Python<'_>, statistics: RunStatistics) -> PyResult<Bound<'_, Self>> {
        let counts = PyRunCounts::from(&statistics);
        Bound::new(py, PyClassInitializer::from(counts).add_subclass(Self(statistics)))
    }
}

#[pymethods]
impl PyStatistics {
    #[getter]
    fn frames(&self) -> u64 {
        self.0.frames
    }

    #[getter]
    fn cpu(&self) -> f64 {
        self.0.cpu.as_secs_f64()
    }

    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let counts = ["frames", "samples", "elapsed", "cpu", "compositing"];
        dict_of(slf, &[&counts[..], &["sampling", "rendering", "delivering", "mixing", "render"]].concat())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let (elapsed, cpu) = (self.0.elapsed.as_secs_f64(), self.cpu());
        format!("<Statistics {} frames in {elapsed:.2} s, {cpu:.2} s of CPU>", self.0.frames)
    }
}
