// SPDX-License-Identifier: GPL-2.0-or-later
//! Iterators over frames: of a file, of a scene.

use crate::blocking::{Born, wait_for};
use crate::frame::PyFrame;
use crate::lazy_player::in_format;
use crate::statistics::PyStatistics;
use livekit_studio::{
    Cancel, Error, ErrorKind, Frame, LazyPlayer, OfflineRun, PixelFormat, RunStatistics, Timestamp,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::Arc;

/// Every frame of a file once.
#[pyclass(frozen, name = "_FileFrames", module = "livekit_studio._native")]
pub(crate) struct PyFileFrames {
    player: Arc<LazyPlayer>,
    format: Option<PixelFormat>,
    shown: Arc<Mutex<Option<Timestamp>>>,
    born: Born,
}

impl PyFileFrames {
    pub(crate) fn new(player: Arc<LazyPlayer>, format: Option<PixelFormat>) -> Self {
        Self { player, format, shown: Arc::default(), born: Born::here() }
    }
}

#[pymethods]
impl PyFileFrames {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        self.born.check()?;
        let (player, format, shown) = (self.player.clone(), self.format, self.shown.clone());
        let frame = wait_for(py, &Cancel::new(), move || {
            let mut shown = shown.lock();
            let frame = player.frame_after(*shown)?;
            if let Some(frame) = &frame {
                *shown = Some(frame.timestamp());
            }
            frame.map(|frame| in_format(frame, format)).transpose()
        })?;
        Ok(frame.map(PyFrame))
    }
}

/// The frames of a scene, offline.
#[pyclass(frozen, name = "_SceneFrames", module = "livekit_studio._native")]
pub(crate) struct PySceneFrames {
    run: Arc<Mutex<Option<OfflineRun>>>,
    cancel: Cancel,
    left: Arc<Mutex<Option<u64>>>,
    done: Arc<Mutex<RunStatistics>>,
    born: Born,
}

impl PySceneFrames {
    pub(crate) fn new(run: OfflineRun, cancel: Cancel, left: Option<u64>) -> Self {
        Self {
            run: Arc::new(Mutex::new(Some(run))),
            cancel,
            left: Arc::new(Mutex::new(left)),
            done: Arc::default(),
            born: Born::here(),
        }
    }

    /// The next frame; None at the end.
    pub(crate) fn next(&self, py: Python<'_>) -> PyResult<Option<Frame>> {
        self.born.check()?;
        let (run, left, done) = (self.run.clone(), self.left.clone(), self.done.clone());
        wait_for(py, &self.cancel, move || {
            let mut run = run.try_lock().ok_or_else(|| {
                Error::new(ErrorKind::Busy, "another thread is waiting for this iterator's next frame")
            })?;
            let mut left = left.lock();
            let Some(active) = run.as_mut().filter(|_| *left != Some(0)) else {
                *run = None;
                return Ok(None);
            };
            let step = active.step();
            *done.lock() = active.statistics();
            if step.is_err() {
                *run = None;
            }
            if let Some(left) = left.as_mut() {
                *left -= 1;
            }
            Ok(step?.frames.into_iter().next())
        })
    }
}

#[pymethods]
impl PySceneFrames {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        Ok(self.next(py)?.map(PyFrame))
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyStatistics>> {
        PyStatistics::of(py, self.done.lock().clone())
    }

    /// Ends the run and lets go of the scene; more frames raise StopIteration.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let run = self.run.clone();
        let run = py.detach(move || run.lock().take());
        if run.is_some() {
            py.detach(move || drop(run))
        }
        Ok(())
    }
}
