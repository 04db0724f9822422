// SPDX-License-Identifier: GPL-2.0-or-later
//! `TestPattern`.

use crate::error::{Raise, raise};
use crate::frame::PyFrame;
use crate::source::PyVideoSource;
use crate::values;
use livekit_studio::{Error, FrameRate, TestPattern, VideoSource};
use pyo3::prelude::*;
use std::sync::Arc;

/// Pictures that say which frame they are, and beeps.
#[pyclass(frozen, extends = PyVideoSource, name = "TestPattern", module = "livekit_studio")]
pub(crate) struct PyTestPattern(Arc<TestPattern>);

#[pymethods]
impl PyTestPattern {
    #[new]
    #[pyo3(signature = (width, height, *, fps = None), text_signature = "(width, height, *, fps=30)")]
    fn new(width: i64, height: i64, fps: Option<&Bound<'_, PyAny>>) -> PyResult<PyClassInitializer<Self>> {
        let size = values::size_of(width, height)?;
        let rate = fps.map_or_else(|| FrameRate::new(30, 1).or_raise(), values::rate_of)?;
        let pattern = Arc::new(TestPattern::new(size, rate).or_raise()?);
        let source = PyVideoSource::with_sound(pattern.clone(), Some(pattern.sound()));
        Ok(PyClassInitializer::from(source).add_subclass(Self(pattern)))
    }

    fn size(&self) -> (u32, u32) {
        self.0.size().map_or((0, 0), |s| (s.width, s.height))
    }

    fn frame(&self, py: Python<'_>, index: i64) -> PyResult<PyFrame> {
        let index = u64::try_from(index)
            .map_err(|_| raise(Error::parameter(format!("frame {index} is before the first, 0"))))?;
        py.detach(|| self.0.frame(index)).map(PyFrame).or_raise()
    }

    #[getter]
    fn fps(&self) -> f64 {
        self.0.rate().as_f64()
    }
}
