// SPDX-License-Identifier: GPL-2.0-or-later
//! `LazyPlayer`.

use crate::blocking::{Born, wait_for};
use crate::frame::PyFrame;
use crate::frames::PyFileFrames;
use crate::source::PyVideoSource;
use crate::values::{format_of, path_of, seconds, timeout as timeout_of};
use livekit_studio::{
    Cancel, Deinterlace, Error, ErrorKind, Frame, LazyPlayer, OpenOptions, PixelFormat, Sample, Timestamp,
    VideoSource,
};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The pictures of a media file or URL.
#[pyclass(frozen, extends = PyVideoSource, name = "LazyPlayer", module = "livekit_studio")]
pub(crate) struct PyLazyPlayer(Arc<LazyPlayer>, Born);

#[pymethods]
impl PyLazyPlayer {
    #[new]
    #[pyo3(signature = (filename, *, r#loop = false, rate = 1.0, timeout = 10.0, deinterlace = true, decoder = None, options = None))]
    fn new(
        filename: &Bound<'_, PyAny>,
        r#loop: bool,
        rate: f64,
        timeout: f64,
        deinterlace: bool,
        decoder: Option<String>,
        options: Option<BTreeMap<String, String>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let (name, cancel) = (path_of(filename)?, Cancel::new());
        let options = OpenOptions {
            looping: r#loop,
            rate,
            timeout: timeout_of(timeout)?,
            deinterlace: if deinterlace { Deinterlace::Auto } else { Deinterlace::Off },
            decoder,
            options: options.unwrap_or_default().into_iter().collect(),
            cancel: cancel.clone(),
            ..OpenOptions::default()
        };
        let player = Arc::new(wait_for(filename.py(), &cancel, move || LazyPlayer::open(&name, &options))?);
        Ok(PyClassInitializer::from(PyVideoSource::new(player.clone()))
            .add_subclass(Self(player, Born::here())))
    }

    #[pyo3(signature = (at = 0.0, *, format = None))]
    fn frame(&self, py: Python<'_>, at: f64, format: Option<&str>) -> PyResult<PyFrame> {
        self.1.check()?;
        let (player, at) = (self.0.clone(), seconds("time", at)?);
        let format = format.map(format_of).transpose()?;
        wait_for(py, &Cancel::new(), move || in_format(frame_at(&player, at)?, format)).map(PyFrame)
    }

    fn __iter__(&self) -> PyResult<PyFileFrames> {
        self.frames(None)
    }

    #[pyo3(signature = (format = None))]
    fn frames(&self, format: Option<&str>) -> PyResult<PyFileFrames> {
        Ok(PyFileFrames::new(self.0.clone(), format.map(format_of).transpose()?))
    }

    fn video_size(&self) -> (u32, u32) {
        self.0.size().map_or((0, 0), |s| (s.width, s.height))
    }

    fn is_playing(&self) -> bool {
        self.0.is_playing()
    }

    fn is_eof_reached(&self) -> bool {
        self.0.is_eof_reached()
    }

    fn get_duration(&self) -> i64 {
        self.0.media_duration().map_or(0, Timestamp::as_micros)
    }

    fn get_position(&self) -> i64 {
        self.0.position().as_micros()
    }

    fn set_position(&self, position: i64) {
        self.0.set_position(Timestamp::from_nanos(position.saturating_mul(1000)));
    }

    fn start(&self) {
        self.0.start();
    }

    fn stop(&self) {
        self.0.stop();
    }
}

/// The frame shown at media time `t`; the last one past the end.
fn frame_at(player: &LazyPlayer, t: Timestamp) -> Result<Frame, Error> {
    match player.frame_at(t)? {
        Sample::Frame(frame) | Sample::Ended(Some(frame)) => Ok(frame),
        _ => Err(Error::new(
            ErrorKind::Media,
            format!("{}: not one picture in it can be decoded", player.name()),
        )),
    }
}

/// The frame in `format`, if one is asked for.
pub(crate) fn in_format(frame: Frame, format: Option<PixelFormat>) -> Result<Frame, Error> {
    let Some(format) = format else { return Ok(frame) };
    format.check_even(frame.size())?;
    Ok(frame.map(format)?.frame().clone())
}
