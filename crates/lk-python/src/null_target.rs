// SPDX-License-Identifier: GPL-2.0-or-later
//! `NullTarget`.

use crate::array::{self, bgr_of};
use crate::error::Raise;
use crate::frame::PyFrame;
use crate::values::format_of;
use livekit_studio::{Clock, Delivery, NullTarget, VideoTarget};
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

    #[pyo3(signature = (array, is_flipped = false))]
    fn push(&self, array: &Bound<'_, PyAny>, is_flipped: bool) -> PyResult<()> {
        let now = <dyn Clock>::live().now();
        let frame = array::copy_in(array, bgr_of(array), is_flipped, now)?;
        self.0.offer(&frame, Delivery::Live).map(|_| ()).or_raise()
    }

    #[getter]
    fn frames(&self) -> u64 {
        self.0.statistics().frames
    }

    fn latest(&self) -> Option<PyFrame> {
        self.0.last().map(PyFrame)
    }
}
