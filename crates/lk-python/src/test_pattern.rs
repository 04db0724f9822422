// SPDX-License-Identifier: GPL-2.0-or-later
//! `TestPattern`.

use crate::error::{Raise, raise};
use crate::frame::PyFrame;
use crate::lazy_player::in_format;
use crate::source::PyVideoSource;
use crate::values::{self, format_of, seconds};
use livekit_studio::{DUE_TOLERANCE, Error, FrameRate, TestPattern, VideoSource};
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

    #[pyo3(signature = (index = None, *, at = 0.0, format = None))]
    fn frame(&self, py: Python<'_>, index: Option<i64>, at: f64, format: Option<&str>) -> PyResult<PyFrame> {
        let format = format.map(format_of).transpose()?;
        let index = match index {
            Some(index) => u64::try_from(index)
                .map_err(|_| raise(Error::parameter(format!("frame {index} is before the first, 0"))))?,
            None => self.0.rate().index_at(seconds("time", at)? + DUE_TOLERANCE),
        };
        py.detach(|| in_format(self.0.frame(index)?, format)).map(PyFrame).or_raise()
    }

    #[getter]
    fn fps(&self) -> f64 {
        self.0.rate().as_f64()
    }
}
