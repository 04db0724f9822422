// SPDX-License-Identifier: GPL-2.0-or-later
//! What the statistics of live and of offline runs have in common.

use crate::render_statistics::PyRenderStatistics;
use livekit_studio::{LiveStatistics, Parts, RenderStatistics, RunStatistics};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::Duration;

/// What a run of either kind counts; a base, not to be made.
#[pyclass(frozen, subclass, name = "_RunCounts", module = "livekit_studio._native")]
pub(crate) struct PyRunCounts {
    samples: u64,
    elapsed: Duration,
    compositing: Duration,
    parts: Parts,
    render: RenderStatistics,
}

impl From<&RunStatistics> for PyRunCounts {
    fn from(s: &RunStatistics) -> Self {
        let (compositing, parts) = (s.compositing(), s.parts);
        Self { samples: s.samples, elapsed: s.elapsed, compositing, parts, render: s.render }
    }
}

impl From<&LiveStatistics> for PyRunCounts {
    fn from(s: &LiveStatistics) -> Self {
        let (compositing, parts) = (s.compositing(), s.parts);
        Self { samples: s.samples, elapsed: s.elapsed, compositing, parts, render: s.render }
    }
}

#[pymethods]
impl PyRunCounts {
    #[getter]
    fn samples(&self) -> u64 {
        self.samples
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    #[getter]
    fn compositing(&self) -> f64 {
        self.compositing.as_secs_f64()
    }

    #[getter]
    fn sampling(&self) -> f64 {
        self.parts.sampling.as_secs_f64()
    }

    #[getter]
    fn rendering(&self) -> f64 {
        self.parts.rendering.as_secs_f64()
    }

    #[getter]
    fn delivering(&self) -> f64 {
        self.parts.delivering.as_secs_f64()
    }

    #[getter]
    fn mixing(&self) -> f64 {
        self.parts.mixing.as_secs_f64()
    }

    #[getter]
    fn render(&self) -> PyRenderStatistics {
        PyRenderStatistics(self.render)
    }
}

/// The properties called `names`, in this order.
pub(crate) fn dict_of<'py>(counts: &Bound<'py, PyAny>, names: &[&str]) -> PyResult<Bound<'py, PyDict>> {
    let py = counts.py();
    let dict = PyDict::new(py);
    for name in names {
        let value = counts.getattr(*name)?;
        match value.cast::<PyRenderStatistics>() {
            Ok(render) => dict.set_item(name, dict_of(render, PyRenderStatistics::NAMES)?)?,
            Err(_) => dict.set_item(name, value)?,
        }
    }
    Ok(dict)
}
