// SPDX-License-Identifier: GPL-2.0-or-later
//! `read_audio`.

use crate::blocking::wait_for;
use crate::error::raise;
use crate::sound::to_array;
use crate::values::{path_of, seconds as seconds_of, start_of, timeout as timeout_of};
use livekit_studio::{Cancel, Error, FileAudio, OpenOptions, Timestamp, audio_port};
use pyo3::prelude::*;

/// The sound of a file as an array.
#[pyfunction]
#[pyo3(signature = (filename, *, start = 0.0, seconds = None, timeout = 10.0))]
pub(crate) fn read_audio<'py>(
    filename: &Bound<'py, PyAny>,
    start: f64,
    seconds: Option<f64>,
    timeout: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let (name, cancel) = (path_of(filename)?, Cancel::new());
    let options =
        OpenOptions { timeout: timeout_of(timeout)?, cancel: cancel.clone(), ..OpenOptions::default() };
    let first = audio_port::sample_at(Timestamp::ZERO + start_of(start)?);
    let length = seconds.map(|s| seconds_of("length", s)).transpose()?;
    let count = length.map(|l| usize::try_from(audio_port::sample_at(l))).transpose();
    let count = count.map_err(|_| raise(Error::parameter("a length is a number of seconds from 0 up")))?;
    let read = move || FileAudio::open(&name, &options)?.samples_from(first, count);
    to_array(filename.py(), &wait_for(filename.py(), &cancel, read)?)
}
