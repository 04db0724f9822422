// SPDX-License-Identifier: GPL-2.0-or-later
//! `Frame`.

use crate::array;
use crate::error::Raise;
use crate::values::{format_of, path_of, seconds};
use livekit_studio::{AlphaKind, Frame, FrameMap, FrameSpec, PixelFormat, Timestamp, image_file};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::ffi::{c_int, c_void};

/// A picture with the time it is due.
#[pyclass(frozen, name = "Frame", module = "livekit_studio")]
pub(crate) struct PyFrame(pub Frame);

/// What a buffer export keeps alive.
struct Export {
    map: FrameMap,
    packed: Option<Vec<u8>>,
    shape: [isize; 3],
    strides: [isize; 3],
}

#[pymethods]
impl PyFrame {
    #[staticmethod]
    #[pyo3(signature = (array, format, *, copy = true, timestamp = 0.0))]
    fn from_ndarray(array: &Bound<'_, PyAny>, format: &str, copy: bool, timestamp: f64) -> PyResult<Self> {
        let (format, timestamp) = (format_of(format)?, seconds("timestamp", timestamp)?);
        if !copy && let Some(frame) = array::share(array, format, timestamp)? {
            return Ok(Self(frame));
        }
        array::copy_in(array, format, false, timestamp).map(Self)
    }

    #[getter]
    fn format(&self) -> &'static str {
        self.0.format().name()
    }

    #[getter]
    fn size(&self) -> (u32, u32) {
        (self.0.size().width, self.0.size().height)
    }

    #[getter]
    fn timestamp(&self) -> f64 {
        self.0.timestamp().as_secs_f64()
    }

    #[getter]
    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("numpy")?.call_method1("asarray", (slf,))
    }

    fn to_ndarray<'py>(&self, py: Python<'py>, format: &str) -> PyResult<Bound<'py, PyAny>> {
        array::to_array(py, &self.map_as(py, format_of(format)?)?)
    }

    fn to_image<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (format, mode) =
            if self.has_alpha() { (PixelFormat::Rgba, "RGBA") } else { (PixelFormat::Rgb, "RGB") };
        let map = self.map_as(py, format)?;
        let bytes = PyBytes::new(py, &map.to_packed());
        py.import("PIL.Image")?.call_method1("frombytes", (mode, self.size(), bytes))
    }

    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let (frame, path) = (self.0.clone(), path_of(path)?);
        py.detach(move || image_file::save(&frame, &path)).or_raise()
    }

    #[pyo3(signature = (dtype = None, copy = None))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let view = py.import("builtins")?.call_method1("memoryview", (slf,))?;
        let array = py.import("numpy")?.call_method1("asarray", (view,))?;
        let array = match dtype {
            Some(dtype) => array.call_method1("astype", (dtype,))?,
            None => array,
        };
        if copy == Some(true) { array.call_method0("copy") } else { Ok(array) }
    }

    #[pyo3(signature = (**kwargs))]
    fn __dlpack__<'py>(
        slf: &Bound<'py, Self>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::array(slf)?.call_method("__dlpack__", (), kwargs)
    }

    fn __dlpack_device__(&self) -> (i32, i32) {
        (1, 0) // kDLCPU, device 0
    }

    fn __repr__(&self) -> String {
        let size = self.0.size();
        format!("<Frame {} {size} at {:.3} s>", self.0.format(), self.0.timestamp().as_secs_f64())
    }

    fn _repr_png_<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let frame = self.0.clone();
        let png = py.detach(move || image_file::encode_png(&frame)).or_raise()?;
        Ok(PyBytes::new(py, &png))
    }

    // SAFETY: called by the interpreter, with a view that is its own to fill.
    #[allow(unsafe_code)]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() || flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("frames are read-only; use to_ndarray() for a copy"));
        }
        let map = slf.get().0.map_native();
        let FrameSpec { size, format, .. } = map.spec();
        let shape = array::shape_of(format, size);
        let strided = flags & ffi::PyBUF_STRIDES == ffi::PyBUF_STRIDES;
        let (row, channels) = (map.plane(0).width, *shape.get(2).unwrap_or(&1));
        let packed = (format.planes() > 1 || !strided && map.plane(0).stride != row).then(|| map.to_packed());
        let stride = if packed.is_some() { row } else { map.plane(0).stride };
        let mut export = Box::new(Export {
            map,
            packed,
            shape: [shape[0] as isize, shape[1] as isize, channels as isize],
            strides: [stride as isize, channels as isize, 1],
        });
        let start = export.packed.as_ref().map_or_else(|| export.map.plane(0).data.as_ptr(), |p| p.as_ptr());
        let (shape_ptr, strides_ptr) = (export.shape.as_mut_ptr(), export.strides.as_mut_ptr());
        // SAFETY: the interpreter gives a Py_buffer to be filled; everything it points to lives in `export`, which is
        // given back by __releasebuffer__, or in the frame that the export holds.
        unsafe {
            let view = &mut *view;
            view.buf = start.cast_mut().cast::<c_void>();
            view.len = shape.iter().product::<usize>() as isize;
            view.readonly = 1;
            view.itemsize = 1;
            view.format = if flags & ffi::PyBUF_FORMAT == ffi::PyBUF_FORMAT {
                c"B".as_ptr().cast_mut()
            } else {
                std::ptr::null_mut()
            };
            view.ndim = shape.len() as c_int;
            view.shape =
                if flags & ffi::PyBUF_ND == ffi::PyBUF_ND { shape_ptr } else { std::ptr::null_mut() };
            view.strides = if strided { strides_ptr } else { std::ptr::null_mut() };
            view.suboffsets = std::ptr::null_mut();
            view.internal = Box::into_raw(export).cast::<c_void>();
            view.obj = slf.into_any().into_ptr();
        }
        Ok(())
    }

    // SAFETY: called by the interpreter, once for a view that __getbuffer__ filled.
    #[allow(unsafe_code)]
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `internal` is the box made by __getbuffer__ for this very view, released once.
        drop(unsafe { Box::from_raw((*view).internal.cast::<Export>()) });
    }
}

impl PyFrame {
    fn has_alpha(&self) -> bool {
        self.0.spec().alpha != AlphaKind::Opaque
    }

    fn map_as(&self, py: Python<'_>, format: PixelFormat) -> PyResult<FrameMap> {
        format.check_even(self.0.size()).or_raise()?;
        let frame = self.0.clone();
        py.detach(move || frame.map(format)).or_raise()
    }
}

/// The 2020 form of a picture: (BGR or BGRA array, timestamp in microseconds, is_flipped).
pub(crate) fn pulled<'py>(
    py: Python<'py>,
    frame: Option<Frame>,
    timeless: bool,
) -> PyResult<(Option<Bound<'py, PyAny>>, u64, bool)> {
    const NO_TIME: u64 = u64::MAX;
    let Some(frame) = frame else { return Ok((None, NO_TIME, false)) };
    let format = if frame.spec().alpha == AlphaKind::Opaque { PixelFormat::Bgr } else { PixelFormat::Bgra };
    let time: Timestamp = frame.timestamp();
    let micros = if timeless { NO_TIME } else { u64::try_from(time.as_micros()).unwrap_or(0) };
    let map = py.detach(move || frame.map(format)).or_raise()?;
    Ok((Some(array::to_array(py, &map)?), micros, false))
}
