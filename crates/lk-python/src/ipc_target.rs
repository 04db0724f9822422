// SPDX-License-Identifier: GPL-2.0-or-later
//! `IPCTarget`.

use crate::array;
use crate::at_exit::{self, AtExit};
use crate::blocking::Born;
use crate::error::{Raise, raise};
use crate::values::{format_of, size_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Clock, Delivery, Error, ErrorKind, FramePool, IpcFit, IpcTarget, IpcTargetOptions, PixelFormat,
    VideoTarget,
};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

/// Shares pictures with other processes.
#[pyclass(frozen, name = "IPCTarget", module = "livekit_studio")]
pub(crate) struct PyIpcTarget {
    target: Option<Arc<IpcTarget>>,
    born: Born,
}

/// Gives the name back when the interpreter ends.
impl AtExit for IpcTarget {
    fn stop(&self) {}

    fn wait(&self, _deadline: Deadline) {
        self.close();
    }
}

impl PyIpcTarget {
    fn core(&self) -> PyResult<&Arc<IpcTarget>> {
        self.born.check()?;
        self.target.as_ref().ok_or_else(|| raise(Error::internal("a target without its core")))
    }

    /// The target, unless it is closed.
    pub(crate) fn target(&self) -> PyResult<Arc<IpcTarget>> {
        let target = self.core()?;
        if target.is_closed() {
            let error = Error::new(ErrorKind::Closed, format!("{} was closed", target.name()));
            return Err(raise(error.with_hint("make another target")));
        }
        Ok(target.clone())
    }
}

#[pymethods]
impl PyIpcTarget {
    #[new]
    #[pyo3(signature = (mapping_name, width, height, has_alpha = false, *, format = None, fit = None))]
    fn new(
        py: Python<'_>,
        mapping_name: &str,
        width: i64,
        height: i64,
        has_alpha: bool,
        format: Option<&str>,
        fit: Option<&str>,
    ) -> PyResult<Self> {
        let natural = if has_alpha { PixelFormat::Bgra } else { PixelFormat::Bgr };
        let format = format.map_or(Ok(natural), format_of)?;
        if has_alpha && !format.has_alpha() {
            return Err(raise(Error::parameter(format!("{format} pictures have no alpha"))));
        }
        let fit = fit.map(str::parse::<IpcFit>).transpose().or_raise()?;
        let (name, size) = (mapping_name.to_owned(), size_of(width, height)?);
        let options = IpcTargetOptions { format, fit, ..IpcTargetOptions::default() };
        let target = Arc::new(py.detach(move || IpcTarget::open(&name, size, &options)).or_raise()?);
        let at_exit: Arc<dyn AtExit> = target.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        Ok(Self { target: Some(target), born: Born::here() })
    }

    #[pyo3(signature = (array, is_flipped = false, *, format = None))]
    fn push(&self, array: &Bound<'_, PyAny>, is_flipped: bool, format: Option<&str>) -> PyResult<()> {
        let target = self.target()?;
        let planar = || PyUntypedBuffer::get(array).is_ok_and(|b| b.dimensions() == 2);
        let format = match format {
            Some(format) => format_of(format)?,
            None if target.format().is_yuv() && planar() => target.format(),
            None => array::bgr_of(array),
        };
        let now = <dyn Clock>::live().now();
        // written once, where the readers look
        let memory = |spec| target.allocate(spec).map_or_else(|| FramePool::shared().frame(spec), Ok);
        let frame = array::copy_into(array, format, is_flipped, now, memory)?;
        array.py().detach(move || target.offer(&frame, Delivery::Live)).map(|_| ()).or_raise()
    }

    fn size(&self) -> PyResult<(u32, u32)> {
        let size = self.core()?.size();
        Ok((size.width, size.height))
    }

    fn set_size(&self, py: Python<'_>, width: i64, height: i64) -> PyResult<()> {
        let (target, size) = (self.target()?, size_of(width, height)?);
        py.detach(move || target.set_size(size)).or_raise()
    }

    #[getter]
    fn format(&self) -> PyResult<&'static str> {
        Ok(self.core()?.format().name())
    }

    #[getter]
    fn readers(&self) -> PyResult<usize> {
        Ok(self.core()?.counts().readers)
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.core()?.counts();
        let class = py.import("livekit_studio._reports")?.getattr("IPCTargetStatistics")?;
        class.call1((counts.frames, counts.in_place, counts.dropped, counts.readers))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let target = self.core()?;
        py.detach(|| target.close());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().target()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> PyResult<String> {
        let target = self.core()?;
        Ok(format!("<IPCTarget {} {} {}>", target.name(), target.size(), target.format()))
    }
}

impl Drop for PyIpcTarget {
    fn drop(&mut self) {
        self.born.end(self.target.take());
    }
}
