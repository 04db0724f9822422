// SPDX-License-Identifier: GPL-2.0-or-later
//! `Mixer` and `MixerInput`.

use crate::error::Raise;
use crate::sound::sound_of;
use crate::values::timeout as timeout_of;
use livekit_studio::{Compositor, Level, MixerInput, OpenOptions, SoundId};
use pyo3::prelude::*;

/// The sounds of a compositor.
#[pyclass(frozen, name = "Mixer", module = "livekit_studio")]
pub(crate) struct PyMixer(pub Compositor);

#[pymethods]
impl PyMixer {
    /// The highest level of the last 300 ms, left and right, in dB of full scale.
    #[getter]
    pub(crate) fn peak(&self) -> (f64, f64) {
        decibels(self.0.levels().master.peak)
    }

    /// The mean level of the last 300 ms.
    #[getter]
    pub(crate) fn rms(&self) -> (f64, f64) {
        decibels(self.0.levels().master.rms)
    }

    #[pyo3(signature = (source, *, gain = 0.0, mute = false, sync_offset = 0.0, r#loop = false, timeout = 10.0))]
    pub(crate) fn add(
        &self,
        source: &Bound<'_, PyAny>,
        gain: f64,
        mute: bool,
        sync_offset: f64,
        r#loop: bool,
        timeout: f64,
    ) -> PyResult<PyMixerInput> {
        let input = MixerInput { gain_db: gain, mute, sync_offset };
        input.validate().or_raise()?;
        let options =
            OpenOptions { looping: r#loop, timeout: timeout_of(timeout)?, ..OpenOptions::default() };
        let sound = sound_of(source, options)?;
        let id = self.0.add_sound(sound, input).or_raise()?;
        Ok(PyMixerInput { compositor: self.0.clone(), id })
    }

    #[getter]
    pub(crate) fn inputs(&self) -> Vec<PyMixerInput> {
        self.0.sounds().into_keys().map(|id| PyMixerInput { compositor: self.0.clone(), id }).collect()
    }

    #[getter]
    pub(crate) fn gain(&self) -> f64 {
        self.0.scene().mixer.gain_db
    }

    #[setter]
    pub(crate) fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.0
            .edit(|s| {
                s.mixer.gain_db = gain;
                Ok(())
            })
            .or_raise()
    }

    #[getter]
    pub(crate) fn mute(&self) -> bool {
        self.0.scene().mixer.mute
    }

    #[setter]
    pub(crate) fn set_mute(&self, mute: bool) -> PyResult<()> {
        self.0
            .edit(|s| {
                s.mixer.mute = mute;
                Ok(())
            })
            .or_raise()
    }
}

/// One sound in the mixer.
#[pyclass(frozen, name = "MixerInput", module = "livekit_studio")]
pub(crate) struct PyMixerInput {
    pub compositor: Compositor,
    pub id: SoundId,
}

fn decibels([left, right]: [f32; 2]) -> (f64, f64) {
    let of = |v: f32| 20.0 * f64::from(v).log10();
    (of(left), of(right))
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
    fn sync_offset(&self) -> PyResult<f64> {
        self.get(|i| i.sync_offset)
    }

    #[setter]
    fn set_sync_offset(&self, seconds: f64) -> PyResult<()> {
        self.set(|i| i.sync_offset = seconds)
    }

    #[getter]
    fn peak(&self) -> (f64, f64) {
        decibels(self.level().peak)
    }

    #[getter]
    fn rms(&self) -> (f64, f64) {
        decibels(self.level().rms)
    }

    fn remove(&self) -> PyResult<()> {
        self.compositor.remove_sound(self.id).or_raise()
    }
}
