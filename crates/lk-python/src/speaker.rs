// SPDX-License-Identifier: GPL-2.0-or-later
//! `Speaker`.

use crate::device::{DeviceId, Handle, device_members, device_of};
use crate::error::Raise;
use crate::player::PyPlayer;
use crate::sound::sound_of;
use livekit_studio::{AudioSource, AudioTarget, DeviceChoice, OpenOptions, Speaker, Timing};
use pyo3::prelude::*;
use std::sync::Arc;

/// A device that plays.
#[pyclass(frozen, name = "Speaker", module = "livekit_studio")]
pub(crate) struct PySpeaker(Handle<Speaker>);

impl PySpeaker {
    /// The speaker, for the blocks of a mix.
    pub(crate) fn target(&self) -> PyResult<Arc<dyn AudioTarget>> {
        Ok(self.0.get()?.clone())
    }
}

/// What is played, and when it has its sound.
pub(crate) type Played = (Arc<dyn AudioSource>, Timing);

pub(crate) fn played(source: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Played>> {
    let Some(source) = source else { return Ok(None) };
    let timing = if source.cast::<PyPlayer>().is_ok() { Timing::Ahead } else { Timing::Behind };
    Ok(Some((sound_of(source, OpenOptions::default())?, timing)))
}

#[pymethods]
impl PySpeaker {
    #[new]
    #[pyo3(signature = (device = None, *, source = None, volume = 1.0, muted = false))]
    fn new(
        py: Python<'_>,
        device: Option<DeviceId>,
        source: Option<&Bound<'_, PyAny>>,
        volume: f32,
        muted: bool,
    ) -> PyResult<Self> {
        let choice = device.map_or(Ok(DeviceChoice::Default), |d| d.choice())?;
        let played = played(source)?;
        let open = move || {
            let speaker = match played {
                None => Speaker::open(&choice),
                Some((source, timing)) => Speaker::play(&choice, source, timing),
            }?;
            speaker.set_volume(volume)?;
            speaker.set_muted(muted);
            Ok(speaker)
        };
        Ok(Self(Handle::open(py, open)?))
    }

    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        device_of(py, self.0.any()?.device())
    }

    #[getter]
    fn volume(&self) -> PyResult<f32> {
        Ok(self.0.any()?.volume())
    }

    #[setter]
    fn set_volume(&self, volume: f32) -> PyResult<()> {
        self.0.get()?.set_volume(volume).or_raise()
    }

    #[getter]
    fn muted(&self) -> PyResult<bool> {
        Ok(self.0.any()?.is_muted())
    }

    #[setter]
    fn set_muted(&self, muted: bool) -> PyResult<()> {
        self.0.get()?.set_muted(muted);
        Ok(())
    }

    #[getter]
    fn latency(&self) -> PyResult<f64> {
        Ok(self.0.any()?.latency().as_secs_f64())
    }
}

device_members!(PySpeaker);
