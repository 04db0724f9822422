// SPDX-License-Identifier: GPL-2.0-or-later
//! The window of a `Compositor`.

use crate::blocking::Released;
use crate::compositor::PyCompositor;
use crate::viewer::{draw, margin_of, open_window};
use livekit_studio::{Compositor, Picture, Size, View, ViewFit, Viewer};
use pyo3::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// What stands over a window nobody has named.
const TITLE: &str = "LiveKit";

/// The window a compositor was given, if it was.
pub(crate) type Window = Option<Released<Arc<Viewer>>>;

/// Opens the window that was asked for. None if none was, or, with a warning, if there is no display: a compositor
/// does not depend on its window. What was left out is as the canvas.
pub(crate) fn window_of(
    py: Python<'_>,
    compositor: &Compositor,
    (width, height): (Option<i64>, Option<i64>),
    title: Option<&str>,
) -> PyResult<Window> {
    if width.is_none() && height.is_none() && title.is_none() {
        return Ok(None);
    }
    let Size { width: w, height: h } = compositor.size();
    let size = (width.unwrap_or(i64::from(w)), height.unwrap_or(i64::from(h)));
    let view = View { fit: ViewFit::ScaleDown, margin: 0 };
    let opened = open_window(py, size, title.unwrap_or(TITLE), view, None);
    let display_error = py.import("livekit_studio._errors")?.getattr("DisplayError")?;
    let viewer = match opened {
        Err(e) if e.matches(py, &display_error)? => {
            let message = format!("{}: the compositor goes on without a window", e.value(py));
            let category = py.get_type::<pyo3::exceptions::PyRuntimeWarning>();
            PyErr::warn(py, &category, &std::ffi::CString::new(message)?, 2)?;
            return Ok(None);
        }
        opened => opened?,
    };
    viewer.set_source(Some(Arc::new(Picture::of(compositor))));
    Ok(Some(Released::new(viewer)))
}

impl PyCompositor {
    fn open_window(&self) -> Option<&Arc<Viewer>> {
        self.window.as_deref().filter(|viewer| !viewer.is_closed())
    }

    /// Waits for the end of the run, at most `limit`, and meanwhile draws the window; whether it is over.
    pub(crate) fn look_on(&self, limit: Duration) -> bool {
        match self.open_window() {
            Some(viewer) if viewer.draw().is_ok() => self.compositor.wait(Duration::ZERO),
            _ => self.compositor.wait(limit),
        }
    }
}

#[pymethods]
impl PyCompositor {
    fn draw(&self, py: Python<'_>) -> PyResult<bool> {
        self.check()?;
        if self.window.is_some() && self.open_window().is_none() {
            return Ok(false);
        }
        if !self.compositor.is_running() {
            self.start_now(py)?;
        }
        match self.open_window() {
            Some(viewer) => draw(py, viewer),
            None => {
                py.detach(|| self.compositor.wait(self.compositor.rate().period()));
                py.check_signals()?;
                Ok(true)
            }
        }
    }

    fn set_margin(&self, margin: i64) -> PyResult<()> {
        let margin = margin_of(margin)?;
        if let Some(viewer) = &self.window {
            viewer.set_view(View { margin, ..viewer.view() });
        }
        Ok(())
    }
}
