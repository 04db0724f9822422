// SPDX-License-Identifier: GPL-2.0-or-later
//! `Mixer` and `MixerInput`.

use crate::error::Raise;
use crate::sound::sound_of;
use crate::values::timeout as timeout_of;
use livekit_studio::{Compositor, MixerInput, OpenOptions, SoundId};
use pyo3::prelude::*;

/// The sounds of a compositor.
#[pyclass(frozen, name = "Mixer", module = "livekit_studio")]
pub(crate) struct PyMixer(pub Compositor);

#[pymethods]
impl PyMixer {
    #[pyo3(signature = (source, *, gain = 0.0, mute = false, sync_offset = 0.0, r#loop = false, timeout = 10.0))]
    fn add(
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
    fn inputs(&self) -> Vec<PyMixerInput> {
        self.0.sounds().into_keys().map(|id| PyMixerInput { compositor: self.0.clone(), id }).collect()
    }

    #[getter]
    fn gain(&self) -> f64 {
        self.0.scene().mixer.gain_db
    }

    #[setter]
    fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.0
            .edit(|s| {
                s.mixer.gain_db = gain;
                Ok(())
            })
            .or_raise()
    }

    #[getter]
    fn mute(&self) -> bool {
        self.0.scene().mixer.mute
    }

    #[setter]
    fn set_mute(&self, mute: bool) -> PyResult<()> {
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

impl PyMixerInput {
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

    fn remove(&self) -> PyResult<()> {
        self.compositor.remove_sound(self.id).or_raise()
    }
}
