// SPDX-License-Identifier: GPL-2.0-or-later
//! `Mix`.

use crate::audio_port::PyAudioPort;
use crate::blocking::Born;
use crate::error::{Raise, raise};
use crate::mix_playback::PyMixPlayback;
use crate::sound::sound_target_of;
use livekit_studio::{AudioSource, CHANNELS, Compositor, Error, Level, MixId, MixSettings, Mixes};
use pyo3::prelude::*;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One of the mixes of a compositor.
#[pyclass(frozen, eq, hash, subclass, name = "Mix", module = "livekit_studio")]
pub(crate) struct PyMix {
    pub compositor: Compositor,
    pub id: MixId,
    pub born: Born,
}

impl PartialEq for PyMix {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.compositor.is_same(&other.compositor)
    }
}

impl Hash for PyMix {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl PyMix {
    pub(crate) fn of(compositor: &Compositor, id: MixId) -> Self {
        Self { compositor: compositor.clone(), id, born: Born::here() }
    }

    /// It as a source of sound, where what is mixed has its place.
    pub(crate) fn sound(&self) -> PyResult<Arc<dyn AudioSource>> {
        Ok(self.compositor.mix_port(self.id).or_raise()?)
    }

    fn get<T>(&self, read: impl FnOnce(MixSettings) -> T) -> PyResult<T> {
        self.compositor.mix(self.id).map(read).or_raise()
    }

    fn set(&self, write: impl FnOnce(&mut MixSettings)) -> PyResult<()> {
        self.compositor.edit_mix(self.id, write).or_raise()
    }

    fn level(&self) -> Level {
        self.compositor.levels().mixes.get(&self.id).copied().unwrap_or_default()
    }
}

/// Left and right in dB of full scale.
pub(crate) fn decibels(values: [f32; CHANNELS]) -> (f64, f64) {
    let [left, right] = values.map(|v| 20.0 * f64::from(v).log10());
    (left, right)
}

/// The mix of `compositor` that is called so.
pub(crate) fn mix_named(compositor: &Compositor, name: &str) -> PyResult<MixId> {
    let mixer = compositor.scene().mixer;
    mixer.find(name).ok_or_else(|| {
        let names: Vec<String> = mixer.mixes.values().map(|mix| format!("{:?}", mix.name)).collect();
        raise(
            Error::parameter(format!("there is no mix called {name:?}"))
                .with_hint(format!("there are {}; add_mix({name:?}) makes one", names.join(", "))),
        )
    })
}

/// The mixes that `value` names: a name or a Mix, or several.
pub(crate) fn mixes_of(compositor: &Compositor, value: &Bound<'_, PyAny>) -> PyResult<Mixes> {
    let one = |value: &Bound<'_, PyAny>| -> PyResult<Option<MixId>> {
        if let Ok(mix) = value.cast::<PyMix>() {
            let mix = mix.get();
            if !mix.compositor.is_same(compositor) {
                return Err(raise(Error::parameter("this mix is one of another scene")));
            }
            return Ok(Some(mix.id));
        }
        value.extract::<String>().ok().map(|name| mix_named(compositor, &name)).transpose()
    };
    if let Some(mix) = one(value)? {
        return Ok([mix].into_iter().collect());
    }
    let several = value.try_iter().map_err(|_| not_a_mix(value))?;
    several.map(|item| item.and_then(|item| one(&item)?.ok_or_else(|| not_a_mix(&item)))).collect()
}

fn not_a_mix(value: &Bound<'_, PyAny>) -> PyErr {
    let name = crate::values::type_name(value);
    raise(
        Error::parameter(format!("{name} is no mix"))
            .with_hint("names of mixes, such as (\"main\", \"voice\")"),
    )
}

#[pymethods]
impl PyMix {
    #[getter]
    fn name(&self) -> PyResult<String> {
        self.get(|m| m.name)
    }

    #[setter]
    fn set_name(&self, name: String) -> PyResult<()> {
        self.set(|m| m.name = name)
    }

    #[getter]
    fn gain(&self) -> PyResult<f64> {
        self.get(|m| m.gain_db)
    }

    #[setter]
    fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.set(|m| m.gain_db = gain)
    }

    #[getter]
    fn mute(&self) -> PyResult<bool> {
        self.get(|m| m.mute)
    }

    #[setter]
    fn set_mute(&self, mute: bool) -> PyResult<()> {
        self.set(|m| m.mute = mute)
    }

    #[getter]
    fn limiter(&self) -> PyResult<bool> {
        self.get(|m| m.limiter)
    }

    #[setter]
    fn set_limiter(&self, on: bool) -> PyResult<()> {
        self.set(|m| m.limiter = on)
    }

    #[getter]
    fn ceiling(&self) -> PyResult<f64> {
        self.get(|m| m.ceiling_db)
    }

    #[setter]
    fn set_ceiling(&self, ceiling: f64) -> PyResult<()> {
        self.set(|m| m.ceiling_db = ceiling)
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

    #[getter]
    fn port(&self) -> PyResult<PyAudioPort> {
        let port = self.compositor.mix_port(self.id).or_raise()?;
        Ok(PyAudioPort::of(port, self.compositor.mix_source(self.id).or_raise()?))
    }

    fn play_to(&self, target: &Bound<'_, PyAny>) -> PyResult<PyMixPlayback> {
        self.born.check()?;
        let playing = self.compositor.play_to(self.id, sound_target_of(target)?).or_raise()?;
        Ok(PyMixPlayback { playing, born: self.born })
    }

    fn remove(&self) -> PyResult<()> {
        self.compositor.remove_mix(self.id).or_raise()
    }

    fn __repr__(&self) -> String {
        self.compositor
            .mix(self.id)
            .map_or_else(|_| "<Mix, removed>".to_owned(), |m| format!("<Mix {:?}>", m.name))
    }
}
