// SPDX-License-Identifier: GPL-2.0-or-later
//! `MediaInfo`.

use crate::blocking::wait_for;
use crate::error::raise;
use crate::values::{path_of, timeout as timeout_of};
use livekit_studio::{Cancel, Error, MediaInfo, OpenOptions, Timestamp};
use pyo3::prelude::*;

/// What a media file holds.
#[pyclass(frozen, name = "MediaInfo", module = "livekit_studio")]
pub(crate) struct PyMediaInfo(MediaInfo);

#[pymethods]
impl PyMediaInfo {
    #[new]
    #[pyo3(signature = (filename, *, timeout = 10.0))]
    fn new(filename: &Bound<'_, PyAny>, timeout: f64) -> PyResult<Self> {
        let (name, cancel) = (path_of(filename)?, Cancel::new());
        let options =
            OpenOptions { timeout: timeout_of(timeout)?, cancel: cancel.clone(), ..OpenOptions::default() };
        wait_for(filename.py(), &cancel, move || MediaInfo::open(&name, &options)).map(Self)
    }

    fn duration(&self) -> i64 {
        self.0.duration().map_or(0, Timestamp::as_micros)
    }

    fn has_video(&self) -> bool {
        self.0.has_video()
    }

    fn video_size(&self) -> (u32, u32) {
        self.0.video_size().map_or((0, 0), |s| (s.width, s.height))
    }

    fn video_fps(&self) -> f64 {
        self.0.video_fps().map_or(0.0, |r| r.as_f64())
    }

    fn video_bitrate(&self) -> u64 {
        self.0.video_bitrate().unwrap_or(0)
    }

    fn has_audio(&self) -> bool {
        self.0.has_audio()
    }

    fn audio_sample_rate(&self) -> u32 {
        self.0.audio_sample_rate().unwrap_or(0)
    }

    fn audio_number_of_channels(&self) -> u32 {
        self.0.audio_number_of_channels().unwrap_or(0)
    }

    fn audio_bitrate(&self) -> u64 {
        self.0.audio_bitrate().unwrap_or(0)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = serde_json::to_string(&self.0).map_err(|e| raise(Error::internal(e.to_string())))?;
        py.import("json")?.call_method1("loads", (json,))
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}
