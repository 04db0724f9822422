// SPDX-License-Identifier: GPL-2.0-or-later
//! `Viewer`.

use crate::blocking::{Born, Released, wait_for};
use crate::error::{Raise, raise};
use crate::frame::PyFrame;
use crate::source::given;
use crate::values;
use livekit_studio::{
    Cancel, Error, ErrorKind, View, ViewFit, Viewer, ViewerOptions, image_file, open_viewer,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

const FITS: [(&str, ViewFit); 3] =
    [("contain", ViewFit::Contain), ("none", ViewFit::ScaleDown), ("stretch", ViewFit::Stretch)];

/// A window that shows a source.
#[pyclass(frozen, name = "Viewer", module = "livekit_studio")]
pub(crate) struct PyViewer {
    pub(crate) viewer: Released<Arc<Viewer>>,
    born: Born,
}

/// Opens a window without the GIL; Ctrl-C while a display does not answer leaves.
pub(crate) fn open_window(
    py: Python<'_>,
    (width, height): (i64, i64),
    title: &str,
    view: View,
    display: Option<String>,
) -> PyResult<Arc<Viewer>> {
    let options =
        ViewerOptions { view, display, ..ViewerOptions::new(values::size_of(width, height)?, title) };
    wait_for(py, &Cancel::new(), move || open_viewer(options).map(Arc::new))
}

/// Draws once, and lets signals in.
pub(crate) fn draw(py: Python<'_>, viewer: &Arc<Viewer>) -> PyResult<bool> {
    let open = if viewer.source().may_block() {
        // Ctrl-C is heard while a file or an address is read
        let viewer = viewer.clone();
        wait_for(py, &Cancel::new(), move || viewer.draw())?
    } else {
        py.detach(|| viewer.draw()).or_raise()?
    };
    py.check_signals()?;
    Ok(open)
}

pub(crate) fn margin_of(margin: i64) -> PyResult<u32> {
    u32::try_from(margin)
        .ok()
        .filter(|m| *m <= livekit_studio::Size::MAX_SIDE)
        .ok_or_else(|| raise(Error::parameter(format!("a margin of {margin} pixels is not possible"))))
}

impl PyViewer {
    fn open(&self) -> PyResult<&Arc<Viewer>> {
        self.born.check()?;
        Ok(&self.viewer)
    }
}

#[pymethods]
impl PyViewer {
    #[new]
    #[pyo3(signature = (window_width, window_height, title = "LiveKit", *, fit = "contain", margin = 0, display = None))]
    fn new(
        py: Python<'_>,
        window_width: i64,
        window_height: i64,
        title: &str,
        fit: &str,
        margin: i64,
        display: Option<String>,
    ) -> PyResult<Self> {
        let view = View { fit: values::choice("fit of a viewer", fit, &FITS)?, margin: margin_of(margin)? };
        let viewer = open_window(py, (window_width, window_height), title, view, display)?;
        Ok(Self { viewer: Released::new(viewer), born: Born::here() })
    }

    fn set_source(&self, source: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let viewer = self.open()?;
        let made = source.map(|s| given(s, false).map(|g| (g.video, s.py()))).transpose()?;
        match made {
            Some((video, py)) => py.detach(|| viewer.set_source(Some(video))),
            None => viewer.set_source(None),
        }
        Ok(())
    }

    fn draw(&self, py: Python<'_>) -> PyResult<bool> {
        draw(py, self.open()?)
    }

    #[pyo3(signature = (seconds = None, *, until = None))]
    fn run(&self, py: Python<'_>, seconds: Option<f64>, until: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let deadline = match seconds {
            Some(seconds) => livekit_studio::clock::Deadline::after(values::timeout(seconds)?),
            None => livekit_studio::clock::Deadline::NEVER,
        };
        while !deadline.has_passed() && self.draw(py)? {
            if let Some(until) = &until
                && until.call0()?.is_truthy()?
            {
                break;
            }
        }
        Ok(())
    }

    fn set_margin(&self, margin: i64) -> PyResult<()> {
        let viewer = self.open()?;
        viewer.set_view(View { margin: margin_of(margin)?, ..viewer.view() });
        Ok(())
    }

    fn size(&self) -> PyResult<(u32, u32)> {
        let size = self.open()?.size();
        Ok((size.width, size.height))
    }

    #[getter]
    fn title(&self) -> PyResult<String> {
        Ok(self.open()?.title())
    }

    #[setter]
    fn set_title(&self, title: &str) -> PyResult<()> {
        self.open()?.set_title(title);
        Ok(())
    }

    #[getter]
    fn fullscreen(&self) -> PyResult<bool> {
        Ok(self.open()?.is_fullscreen())
    }

    #[setter]
    fn set_fullscreen(&self, fullscreen: bool) -> PyResult<()> {
        self.open()?.set_fullscreen(fullscreen);
        Ok(())
    }

    #[getter]
    fn closed(&self) -> bool {
        !self.born.is_here() || self.viewer.is_closed()
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        Ok(self.open()?.error().map(|e| raise(e).into_value(py).into_any()))
    }

    #[pyo3(signature = (path = None))]
    fn screenshot(&self, py: Python<'_>, path: Option<&Bound<'_, PyAny>>) -> PyResult<PyFrame> {
        let (viewer, path) = (self.open()?.clone(), path.map(values::path_of).transpose()?);
        let frame = wait_for(py, &Cancel::new(), move || {
            let frame = viewer.screenshot()?;
            path.map_or(Ok(()), |path| image_file::save(&frame, &path))?;
            Ok(frame)
        })?;
        Ok(PyFrame(frame))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let viewer = self.open()?;
        py.detach(|| viewer.close());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        if slf.get().open()?.is_closed() {
            return Err(raise(
                Error::new(ErrorKind::Closed, "the window was closed").with_hint("open another"),
            ));
        }
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("<Viewer {:?} {}>", self.viewer.title(), self.viewer.size())
    }
}
