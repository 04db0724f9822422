// SPDX-License-Identifier: GPL-2.0-or-later
//! `WindowList` and `windows`.

use crate::blocking::wait_for;
use crate::error::raise;
use crate::values::{listing, numbered};
use livekit_studio::{Cancel, Error, ErrorKind, WindowInfo};
use pyo3::prelude::*;

fn list(py: Python<'_>, display: Option<String>) -> PyResult<Vec<WindowInfo>> {
    wait_for(py, &Cancel::new(), move || livekit_studio::windows(display.as_deref()))
}

/// What Python is told of a window.
pub(crate) fn info<'py>(py: Python<'py>, window: WindowInfo) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("livekit_studio._reports")?.getattr("WindowInfo")?;
    let size = (window.size.width, window.size.height);
    class.call1((window.title, window.application, window.pid, size, window.id))
}

/// The windows of the desktop.
#[pyfunction]
#[pyo3(signature = (*, display = None))]
pub(crate) fn windows(py: Python<'_>, display: Option<String>) -> PyResult<Bound<'_, PyAny>> {
    let windows = list(py, display)?.into_iter().map(|window| info(py, window));
    listing(py, "windows", windows.collect::<PyResult<Vec<_>>>()?)
}

/// The titles of the windows there were when it was made.
#[pyclass(frozen, name = "WindowList", module = "livekit_studio")]
pub(crate) struct PyWindowList(Vec<String>);

#[pymethods]
impl PyWindowList {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self(list(py, None)?.into_iter().map(|window| window.title).collect()))
    }

    fn size(&self) -> usize {
        self.0.len()
    }

    fn get(&self, i: i64) -> PyResult<&str> {
        usize::try_from(i).ok().and_then(|i| self.0.get(i)).map(String::as_str).ok_or_else(|| {
            let error = Error::new(ErrorKind::Index, format!("there is no window {i}"));
            raise(error.with_hint(format!("there are {}, counted from 0", self.0.len())))
        })
    }

    fn to_pylist(&self) -> Vec<String> {
        self.0.clone()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        numbered("WindowList", &self.0)
    }
}
