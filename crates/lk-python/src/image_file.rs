// SPDX-License-Identifier: GPL-2.0-or-later
//! `ImageFile`.

use crate::error::Raise;
use crate::source::PyVideoSource;
use crate::values::path_of;
use livekit_studio::{ImageFile, VideoSource};
use pyo3::prelude::*;
use std::sync::Arc;

/// A picture file.
#[pyclass(frozen, extends = PyVideoSource, name = "ImageFile", module = "livekit_studio")]
pub(crate) struct PyImageFile(Arc<ImageFile>);

#[pymethods]
impl PyImageFile {
    #[new]
    fn new(filename: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let path = path_of(filename)?;
        let image = Arc::new(filename.py().detach(move || ImageFile::open(path)).or_raise()?);
        Ok(PyClassInitializer::from(PyVideoSource::timeless(image.clone())).add_subclass(Self(image)))
    }

    fn size(&self) -> (u32, u32) {
        self.0.size().map_or((0, 0), |s| (s.width, s.height))
    }
}
