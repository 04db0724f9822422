// SPDX-License-Identifier: GPL-2.0-or-later
//! `VideoPort`.

use crate::array;
use crate::error::raise;
use crate::frame::PyFrame;
use crate::source::{PyVideoSource, given};
use crate::values::format_of;
use livekit_studio::{Clock, Error, VideoPort, VideoSource};
use pyo3::prelude::*;
use std::sync::Arc;

/// A target and a source in one.
#[pyclass(frozen, extends = PyVideoSource, name = "VideoPort", module = "livekit_studio")]
pub(crate) struct PyVideoPort(pub Arc<VideoPort>);

#[pymethods]
impl PyVideoPort {
    #[new]
    fn new() -> PyClassInitializer<Self> {
        let port = Arc::new(VideoPort::new());
        PyClassInitializer::from(PyVideoSource::new(port.clone())).add_subclass(Self(port))
    }

    #[pyo3(signature = (array, is_flipped = false, *, format = None))]
    fn push(&self, array: &Bound<'_, PyAny>, is_flipped: bool, format: Option<&str>) -> PyResult<()> {
        let format = match format {
            Some(format) => format_of(format)?,
            None => array::bgr_of(array),
        };
        let now = <dyn Clock>::live().now();
        self.0.publish(array::copy_in(array, format, is_flipped, now)?);
        Ok(())
    }

    fn set_source(&self, source: &Bound<'_, PyAny>) -> PyResult<()> {
        if source.is_none() {
            self.0.set_source(None);
            return Ok(());
        }
        let source = given(source, false)?.video;
        let this: Arc<dyn VideoSource> = self.0.clone();
        if livekit_studio::VideoPort::reaches(&*source, &this) {
            return Err(raise(Error::parameter("a port cannot read from itself")));
        }
        self.0.set_source(Some(source));
        Ok(())
    }

    fn latest(&self) -> Option<PyFrame> {
        self.0.latest().map(PyFrame)
    }
}
