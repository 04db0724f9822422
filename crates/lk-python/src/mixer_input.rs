// SPDX-License-Identifier: GPL-2.0-or-later
//! `MixerInput`.

use crate::error::Raise;
use crate::mix::{decibels, mixes_of};
use livekit_studio::{Compositor, Level, MixerInput, SoundId};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::hash::{Hash, Hasher};

/// One sound in the mixer.
#[pyclass(frozen, eq, hash, name = "MixerInput", module = "livekit_studio")]
pub(crate) struct PyMixerInput {
    pub compositor: Compositor,
    pub id: SoundId,
}

impl PartialEq for PyMixerInput {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.compositor.is_same(&other.compositor)
    }
}

impl Hash for PyMixerInput {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl PyMixerInput {
    fn level(&self) -> Level {
        self.compositor.levels().inputs.get(&self.id).copied().unwrap_or_default()
    }

    fn get<T>(&self, read: impl FnOnce(MixerInput) -> T) -> PyResult<T> {
        self.compositor.sound(self.id).map(read).or_raise()
    }

    fn set(&self, write: impl FnOnce(&mut MixerInput)) -> PyResult<()> {
        self.compositor.edit_sound(self.id, write).or_raise()
    }
}

#[pymethods]
impl PyMixerInput {
    #[getter]
    fn name(&self) -> String {
        self.compositor.sounds().get(&self.id).map_or_else(|| "a removed sound".to_owned(), |s| s.name())
    }

    #[getter]
    fn gain(&self) -> PyResult<f64> {
        self.get(|i| i.gain_db)
    }

    #[setter]
    fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.set(|i| i.gain_db = gain)
    }

    #[getter]
    fn mute(&self) -> PyResult<bool> {
        self.get(|i| i.mute)
    }

    #[setter]
    fn set_mute(&self, mute: bool) -> PyResult<()> {
        self.set(|i| i.mute = mute)
    }

    #[getter]
    fn pan(&self) -> PyResult<f64> {
        self.get(|i| i.pan)
    }

    #[setter]
    fn set_pan(&self, pan: f64) -> PyResult<()> {
        self.set(|i| i.pan = pan)
    }

    #[getter]
    fn mono(&self) -> PyResult<bool> {
        self.get(|i| i.mono)
    }

    #[setter]
    fn set_mono(&self, mono: bool) -> PyResult<()> {
        self.set(|i| i.mono = mono)
    }

    #[getter]
    fn sync_offset(&self) -> PyResult<f64> {
        self.get(|i| i.sync_offset)
    }

    #[setter]
    fn set_sync_offset(&self, seconds: f64) -> PyResult<()> {
        self.set(|i| i.sync_offset = seconds)
    }

    #[getter]
    fn mixes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mixes = self.get(|i| i.mixes)?;
        let mixer = self.compositor.scene().mixer;
        PyTuple::new(py, mixes.iter().filter_map(|id| Some(&mixer.mixes.get(&id)?.name)).collect::<Vec<_>>())
    }

    #[setter]
    fn set_mixes(&self, mixes: &Bound<'_, PyAny>) -> PyResult<()> {
        let mixes = mixes_of(&self.compositor, mixes)?;
        self.set(|i| i.mixes = mixes)
    }

    #[getter]
    fn monitor(&self) -> PyResult<&'static str> {
        self.get(|i| i.monitor.as_str())
    }

    #[setter]
    fn set_monitor(&self, monitor: &str) -> PyResult<()> {
        let monitor = monitor.parse().or_raise()?;
        self.set(|i| i.monitor = monitor)
    }

    #[getter]
    fn solo(&self) -> PyResult<bool> {
        self.get(|i| i.solo)
    }

    #[setter]
    fn set_solo(&self, solo: bool) -> PyResult<()> {
        self.set(|i| i.solo = solo)
    }

    #[getter]
    fn peak(&self) -> (f64, f64) {
        decibels(self.level().peak)
    }

    #[getter]
    fn rms(&self) -> (f64, f64) {
        decibels(self.level().rms)
    }

    #[getter]
    fn hold(&self) -> (f64, f64) {
        decibels(self.level().hold)
    }

    #[getter]
    fn clips(&self) -> u64 {
        self.level().clips
    }

    fn remove(&self) -> PyResult<()> {
        self.compositor.remove_sound(self.id).or_raise()
    }

    fn __repr__(&self) -> String {
        format!("<MixerInput {}>", self.name())
    }
}
