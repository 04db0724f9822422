// SPDX-License-Identifier: GPL-2.0-or-later
//! `Mixer`.

use crate::error::Raise;
use crate::mix::{PyMix, mix_named, mixes_of};
use crate::mixer_input::PyMixerInput;
use crate::sound::input_of;
use crate::values::timeout as timeout_of;
use livekit_studio::{Compositor, MixId, MixSettings, MixerInput, Mixes, OpenOptions};
use pyo3::prelude::*;

/// The sounds and mixes of a compositor, and its main mix.
#[pyclass(frozen, subclass, extends = PyMix, name = "Mixer", module = "livekit_studio")]
pub(crate) struct PyMixer(Compositor);

impl PyMixer {
    pub(crate) fn init(compositor: &Compositor) -> PyClassInitializer<Self> {
        let main = PyMix::of(compositor, MixId::MAIN);
        PyClassInitializer::from(main).add_subclass(Self(compositor.clone()))
    }
}

#[pymethods]
impl PyMixer {
    #[pyo3(signature = (
        source, *, gain = 0.0, mute = false, sync_offset = 0.0, pan = 0.0, mono = false, mixes = None,
        monitor = "off", solo = false, r#loop = false, timeout = 10.0
    ))]
    #[allow(clippy::too_many_arguments)] // what can be said of an input
    fn add(
        slf: &Bound<'_, Self>,
        source: &Bound<'_, PyAny>,
        gain: f64,
        mute: bool,
        sync_offset: f64,
        pan: f64,
        mono: bool,
        mixes: Option<&Bound<'_, PyAny>>,
        monitor: &str,
        solo: bool,
        r#loop: bool,
        timeout: f64,
    ) -> PyResult<PyMixerInput> {
        slf.as_super().get().born.check()?;
        let compositor = &slf.get().0;
        let mixes = mixes.map_or(Ok(Mixes::default()), |mixes| mixes_of(compositor, mixes))?;
        let monitor = monitor.parse().or_raise()?;
        let input = MixerInput { gain_db: gain, mute, pan, mono, sync_offset, mixes, monitor, solo };
        input.validate().or_raise()?;
        let options =
            OpenOptions { looping: r#loop, timeout: timeout_of(timeout)?, ..OpenOptions::default() };
        let sound = input_of(source, options)?;
        let id = compositor.add_sound(sound, input).or_raise()?;
        Ok(PyMixerInput { compositor: compositor.clone(), id })
    }

    #[getter]
    fn inputs(&self) -> Vec<PyMixerInput> {
        self.0.sounds().into_keys().map(|id| PyMixerInput { compositor: self.0.clone(), id }).collect()
    }

    #[pyo3(
        signature = (name, *, gain = 0.0, mute = false, limiter = false, ceiling = -1.0),
        text_signature = "(self, name, *, gain=0.0, mute=False, limiter=False, ceiling=-1.0)"
    )]
    fn add_mix(&self, name: String, gain: f64, mute: bool, limiter: bool, ceiling: f64) -> PyResult<PyMix> {
        let settings = MixSettings { name, gain_db: gain, mute, limiter, ceiling_db: ceiling };
        Ok(PyMix::of(&self.0, self.0.add_mix(settings).or_raise()?))
    }

    #[getter]
    fn mixes(&self) -> Vec<PyMix> {
        let mixes = self.0.scene().mixer.mixes;
        mixes.into_keys().filter(|id| *id != MixId::MONITOR).map(|id| PyMix::of(&self.0, id)).collect()
    }

    fn mix(&self, name: &str) -> PyResult<PyMix> {
        Ok(PyMix::of(&self.0, mix_named(&self.0, name)?))
    }

    #[getter]
    fn monitor(&self) -> PyMix {
        PyMix::of(&self.0, MixId::MONITOR)
    }

    fn reset_meters(&self) {
        self.0.reset_meters();
    }

    fn __repr__(&self) -> String {
        format!("<Mixer, {} inputs>", self.0.sounds().len())
    }
}
