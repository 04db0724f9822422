// SPDX-License-Identifier: GPL-2.0-or-later
//! NumPy arrays (anything with a buffer of bytes) to frames and back.
#![allow(unsafe_code)] // memory that Python owns is reached through raw pointers here, and only here

use crate::error::raise;
use crate::service::Owned;
use livekit_studio::frame::PlaneLayout;
use livekit_studio::{
    Error, Frame, FrameMap, FrameMut, FramePool, FrameSpec, HostMemory, PixelFormat, Size, Timestamp,
};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

/// The shape of the array of a picture.
pub(crate) fn shape_of(format: PixelFormat, size: Size) -> Vec<usize> {
    let (w, h) = (size.width as usize, size.height as usize);
    match format {
        PixelFormat::Rgb | PixelFormat::Bgr => vec![h, w, 3],
        PixelFormat::Rgba | PixelFormat::Bgra => vec![h, w, 4],
        PixelFormat::Yuy2 => vec![h, w, 2],
        PixelFormat::I420 | PixelFormat::Nv12 => vec![h * 3 / 2, w],
    }
}

fn expected(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Rgb | PixelFormat::Bgr => "(height, width, 3)",
        PixelFormat::Rgba | PixelFormat::Bgra => "(height, width, 4)",
        PixelFormat::Yuy2 => "(height, width, 2)",
        PixelFormat::I420 | PixelFormat::Nv12 => "(height * 3 / 2, width)",
    }
}

fn wrong(message: String, hint: &str) -> PyErr {
    raise(Error::format(message).with_hint(hint))
}

/// The array's buffer and the picture's size, checked against `format`.
fn checked(array: &Bound<'_, PyAny>, format: PixelFormat) -> PyResult<(PyUntypedBuffer, Size)> {
    let kind = || array.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    let buffer = PyUntypedBuffer::get(array).map_err(|_| {
        wrong(format!("{} is not an array of bytes", kind()), "pass a NumPy array of dtype uint8")
    })?;
    if buffer.item_size() != 1 || buffer.as_typed::<u8>().is_err() {
        let dtype = array.getattr("dtype").map_or_else(|_| kind(), |d| d.to_string());
        return Err(wrong(
            format!("the array has dtype {dtype}, a picture needs uint8"),
            "convert it: array.astype(np.uint8), after scaling floats to 0..255",
        ));
    }
    let shape = buffer.shape();
    let size = match (format, shape) {
        (PixelFormat::I420 | PixelFormat::Nv12, &[rows, w]) if rows % 3 == 0 => Some((w, rows / 3 * 2)),
        (PixelFormat::I420 | PixelFormat::Nv12, _) => None,
        (_, &[h, w, c]) if shape_of(format, Size::new(1, 1))[2] == c => Some((w, h)),
        _ => None,
    };
    let Some((w, h)) = size else {
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        return Err(wrong(
            format!("an array of shape ({}) is not a {format} picture", shape.join(", ")),
            &format!("{format} needs {}", expected(format)),
        ));
    };
    let side = |v: usize| u32::try_from(v).unwrap_or(u32::MAX);
    let size = Size::checked(side(w), side(h)).map_err(raise)?;
    format.check_even(size).map_err(raise)?;
    Ok((buffer, size))
}

/// BGR or BGRA by the number of channels: what arrays were in 2020.
pub(crate) fn bgr_of(array: &Bound<'_, PyAny>) -> PixelFormat {
    let channels = PyUntypedBuffer::get(array).ok().and_then(|b| b.shape().get(2).copied());
    if channels == Some(4) { PixelFormat::Bgra } else { PixelFormat::Bgr }
}

/// Copies an array into a new frame, bottom row first if `flipped`.
pub(crate) fn copy_in(
    array: &Bound<'_, PyAny>,
    format: PixelFormat,
    flipped: bool,
    timestamp: Timestamp,
) -> PyResult<Frame> {
    copy_into(array, format, flipped, timestamp, |spec| FramePool::shared().frame(spec))
}

/// The same into memory of the caller's choice.
pub(crate) fn copy_into(
    array: &Bound<'_, PyAny>,
    format: PixelFormat,
    flipped: bool,
    timestamp: Timestamp,
    memory: impl FnOnce(FrameSpec) -> Result<FrameMut, Error>,
) -> PyResult<Frame> {
    let (buffer, size) = checked(array, format)?;
    if flipped && matches!(format, PixelFormat::I420 | PixelFormat::Nv12) {
        return Err(wrong("planar arrays cannot be flipped".to_owned(), "pass them with the top row first"));
    }
    let spec = FrameSpec::of(format, size);
    let shape = shape_of(format, size);
    let (rows, row_bytes) = (shape[0], shape[1..].iter().product::<usize>());
    let strides = buffer.strides();
    let packed_rows = strides.last() == Some(&1) && (strides.len() == 2 || strides[1] == shape[2] as isize);
    let fallback;
    let (start, stride) = if packed_rows {
        (buffer.buf_ptr().cast::<u8>().cast_const(), strides[0])
    } else {
        fallback = buffer.as_typed::<u8>()?.to_vec(array.py())?;
        (fallback.as_ptr(), row_bytes as isize)
    };
    let row = |y: usize| {
        let y = if flipped { rows - 1 - y } else { y };
        // SAFETY: the buffer (or the copy) has `rows` rows of `row_bytes` bytes, `stride` apart, as its shape and
        // strides say; both live until the end of this function, and the GIL is held, so no Python code writes.
        unsafe { std::slice::from_raw_parts(start.offset(y as isize * stride), row_bytes) }
    };
    let mut frame = memory(spec).map_err(raise)?;
    if matches!(format, PixelFormat::I420 | PixelFormat::Nv12) {
        // the chroma rows follow the luma rows; rows of half the width lie two to a row of the array
        let mut bytes = (0..rows).flat_map(row);
        for mut plane in frame.planes_mut() {
            for y in 0..plane.rows {
                plane.row_mut(y).iter_mut().zip(&mut bytes).for_each(|(to, from)| *to = *from);
            }
        }
    } else {
        let mut plane = frame.plane_mut(0);
        if !flipped && stride == row_bytes as isize && plane.stride == row_bytes {
            // SAFETY: as in `row`; the rows follow one another without a gap.
            let all = unsafe { std::slice::from_raw_parts(start, rows * row_bytes) };
            plane.data[..all.len()].copy_from_slice(all);
            return Ok(frame.publish(timestamp));
        }
        (0..rows).for_each(|y| plane.row_mut(y).copy_from_slice(row(y)));
    }
    Ok(frame.publish(timestamp))
}

/// Memory of a NumPy array that was marked read-only.
struct SharedArray {
    start: *const u8,
    planes: Vec<(usize, PlaneLayout)>,
    _owner: Owned,
}

// SAFETY: the memory is only read, the array that owns it is kept alive and marked read-only.
unsafe impl Send for SharedArray {}
// SAFETY: as above; shared reads do not conflict.
unsafe impl Sync for SharedArray {}

impl HostMemory for SharedArray {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.planes[plane].1
    }

    fn plane(&self, plane: usize) -> &[u8] {
        let (offset, layout) = self.planes[plane];
        // SAFETY: the planes were laid out within the array's bytes when this was made, and the array is alive.
        unsafe { std::slice::from_raw_parts(self.start.add(offset), layout.stride * layout.rows) }
    }
}

/// Shares a C-contiguous array: marks it read-only and keeps it alive. None when it has to be copied.
pub(crate) fn share(
    array: &Bound<'_, PyAny>,
    format: PixelFormat,
    timestamp: Timestamp,
) -> PyResult<Option<Frame>> {
    let (buffer, size) = checked(array, format)?;
    if !buffer.is_c_contiguous() || !array.hasattr("setflags")? {
        return Ok(None);
    }
    let read_only = PyDict::new(array.py());
    read_only.set_item("write", false)?;
    array.call_method("setflags", (), Some(&read_only))?;
    let spec = FrameSpec::of(format, size);
    let mut planes = Vec::new();
    let mut offset = 0;
    for index in 0..format.planes() {
        let (stride, rows) = format.plane_extent(size, index);
        planes.push((offset, PlaneLayout { stride, rows }));
        offset += stride * rows;
    }
    let memory = SharedArray {
        start: buffer.buf_ptr().cast::<u8>().cast_const(),
        planes,
        _owner: Owned::new(array.clone().unbind()),
    };
    Frame::from_memory(spec, Box::new(memory), timestamp).map(Some).map_err(raise)
}

/// A new, writable NumPy array with the bytes of `map`.
pub(crate) fn to_array<'py>(py: Python<'py>, map: &FrameMap) -> PyResult<Bound<'py, PyAny>> {
    let spec = map.spec();
    let len = spec.format.packed_len(spec.size);
    let bytes = PyByteArray::new_with(py, len, |out| {
        map.pack_into(out);
        Ok(())
    })?;
    let numpy = py.import("numpy")?;
    let flat = numpy.call_method1("frombuffer", (bytes, numpy.getattr("uint8")?))?;
    flat.call_method1("reshape", (shape_of(spec.format, spec.size),))
}
