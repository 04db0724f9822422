// SPDX-License-Identifier: GPL-2.0-or-later
//! `VirtualCamera`.

use crate::array;
use crate::at_exit::{self, AtExit};
use crate::blocking::{self, Born};
use crate::error::{Raise, raise};
use crate::values::{format_of, rate_of, size_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Clock, Error, ErrorKind, PixelFormat, VideoTarget, VirtualCamera, VirtualCameraOptions, Wake,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;
use std::time::Duration;

/// Waits shorter than this are not worth a look at signals.
const LOOK: Duration = Duration::from_millis(50);

/// A camera that other programs can choose.
#[pyclass(frozen, name = "VirtualCamera", module = "livekit_studio")]
pub(crate) struct PyVirtualCamera {
    camera: Option<Arc<VirtualCamera>>,
    /// Of the arrays that are sent.
    format: PixelFormat,
    born: Born,
}

/// Takes the camera away when the interpreter ends.
impl AtExit for VirtualCamera {
    fn stop(&self) {}

    fn wait(&self, _deadline: Deadline) {
        self.close();
    }
}

impl PyVirtualCamera {
    fn core(&self) -> PyResult<&Arc<VirtualCamera>> {
        self.born.check()?;
        self.camera.as_ref().ok_or_else(|| raise(Error::internal("a camera without its core")))
    }

    /// The camera, unless it is closed.
    pub(crate) fn target(&self) -> PyResult<Arc<VirtualCamera>> {
        let camera = self.core()?;
        if camera.is_closed() {
            let error = Error::new(ErrorKind::Closed, format!("{} was closed", camera.name()));
            return Err(raise(error.with_hint("open another camera")));
        }
        Ok(camera.clone())
    }
}

#[pymethods]
impl PyVirtualCamera {
    #[new]
    #[pyo3(signature = (width, height, fps, *, format = "rgb24", name = "LiveKit", device = None))]
    fn new(
        py: Python<'_>,
        width: i64,
        height: i64,
        fps: &Bound<'_, PyAny>,
        format: &str,
        name: &str,
        device: Option<&str>,
    ) -> PyResult<Self> {
        let (size, rate, format) = (size_of(width, height)?, rate_of(fps)?, format_of(format)?);
        let options = VirtualCameraOptions {
            name: name.to_owned(),
            device: device.unwrap_or_default().into(),
            // what is Y'CbCr already goes out as it is
            format: Some(format).filter(|f| f.is_yuv()),
            ..VirtualCameraOptions::default()
        };
        let open = move || VirtualCamera::open(size, rate, &options);
        let camera = Arc::new(blocking::leaving(py, open)?.or_raise()?);
        let at_exit: Arc<dyn AtExit> = camera.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        Ok(Self { camera: Some(camera), format, born: Born::here() })
    }

    fn send(&self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let camera = self.target()?;
        let frame = array::copy_in(array, self.format, false, <dyn Clock>::live().now())?;
        if frame.size() != camera.size() {
            let message = format!("an array of {} for a camera of {}", frame.size(), camera.size());
            return Err(raise(
                Error::format(message).with_hint("send pictures of the camera's size, or use push"),
            ));
        }
        array.py().detach(move || camera.send(&frame)).or_raise()
    }

    #[pyo3(signature = (array, is_flipped = false))]
    fn push(&self, array: &Bound<'_, PyAny>, is_flipped: bool) -> PyResult<()> {
        let camera = self.target()?;
        let frame = array::copy_in(array, array::bgr_of(array), is_flipped, <dyn Clock>::live().now())?;
        array.py().detach(move || camera.send(&frame)).or_raise()
    }

    fn sleep_until_next_frame(&self, py: Python<'_>) -> PyResult<()> {
        let deadline = Deadline::after(self.target()?.until_next());
        let wake = Wake::new();
        while !deadline.has_passed() {
            py.detach(|| wake.wait(deadline.left(LOOK)));
            py.check_signals()?;
        }
        Ok(())
    }

    #[getter]
    fn width(&self) -> PyResult<u32> {
        Ok(self.core()?.size().width)
    }

    #[getter]
    fn height(&self) -> PyResult<u32> {
        Ok(self.core()?.size().height)
    }

    #[getter]
    fn fps(&self) -> PyResult<f64> {
        Ok(self.core()?.rate().as_f64())
    }

    #[getter]
    fn format(&self) -> &'static str {
        self.format.name()
    }

    #[getter]
    fn native_format(&self) -> PyResult<&'static str> {
        Ok(self.core()?.format().name())
    }

    #[getter]
    fn device(&self) -> PyResult<String> {
        Ok(self.core()?.device())
    }

    #[getter]
    fn backend(&self) -> PyResult<&'static str> {
        Ok(self.core()?.backend())
    }

    #[getter]
    fn frames_sent(&self) -> PyResult<u64> {
        Ok(self.core()?.sent())
    }

    #[getter]
    fn current_fps(&self) -> PyResult<f64> {
        Ok(self.core()?.sent_rate())
    }

    #[getter]
    fn state(&self) -> PyResult<&'static str> {
        Ok(self.core()?.state().word())
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.core()?.counts();
        let class = py.import("livekit_studio._reports")?.getattr("VirtualCameraStatistics")?;
        class.call1((counts.frames, counts.repeated, counts.dropped, counts.missed))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let camera = self.core()?;
        py.detach(|| camera.close());
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
        let camera = self.core()?;
        let (size, rate) = (camera.size(), camera.rate());
        Ok(format!("<VirtualCamera {} {size} {rate} fps, {}>", camera.device(), camera.backend()))
    }
}

impl Drop for PyVirtualCamera {
    fn drop(&mut self) {
        self.born.end(self.camera.take());
    }
}
