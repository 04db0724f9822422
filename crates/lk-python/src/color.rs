// SPDX-License-Identifier: GPL-2.0-or-later
//! `Color`.

use crate::error::Raise;
use crate::source::PyVideoSource;
use crate::values;
use livekit_studio::{Color, Size, VideoSource, color_source};
use pyo3::prelude::*;
use std::sync::Arc;

/// A colour as a source.
#[pyclass(frozen, extends = PyVideoSource, name = "Color", module = "livekit_studio")]
pub(crate) struct PyColor(Size);

impl PyColor {
    pub(crate) fn init(color: Color, size: Option<Size>) -> PyResult<PyClassInitializer<Self>> {
        let source = Arc::new(color_source(color, size).or_raise()?);
        let size = source.size().unwrap_or(Size::new(1, 1));
        Ok(PyClassInitializer::from(PyVideoSource::timeless(source)).add_subclass(Self(size)))
    }
}

#[pymethods]
impl PyColor {
    #[new]
    #[pyo3(signature = (color, *, size = None))]
    fn new(color: &str, size: Option<(i64, i64)>) -> PyResult<PyClassInitializer<Self>> {
        let size = size.map(|(width, height)| values::size_of(width, height)).transpose()?;
        Self::init(values::color_of(color)?, size)
    }

    fn size(&self) -> (u32, u32) {
        (self.0.width, self.0.height)
    }
}
