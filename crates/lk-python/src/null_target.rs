// SPDX-License-Identifier: GPL-2.0-or-later
//! `NullTarget`.

use crate::frame::PyFrame;
use crate::values::format_of;
use livekit_studio::{NullTarget, VideoTarget};
use pyo3::prelude::*;
use std::sync::Arc;

/// Takes frames, counts them and lets them go.
#[pyclass(frozen, name = "NullTarget", module = "livekit_studio")]
pub(crate) struct PyNullTarget(pub Arc<NullTarget>);

#[pymethods]
impl PyNullTarget {
    #[new]
    #[pyo3(signature = (format = "yuv420p"))]
    fn new(format: &str) -> PyResult<Self> {
        Ok(Self(Arc::new(NullTarget::new(format_of(format)?).keep_last())))
    }

    #[getter]
    fn frames(&self) -> u64 {
        self.0.statistics().frames
    }

    fn latest(&self) -> Option<PyFrame> {
        self.0.last().map(PyFrame)
    }
}
