// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound as Python has it: arrays of samples, and everything that is accepted in place of a source.

use crate::audio_port::PyAudioPort;
use crate::blocking::{leaving, wait_for};
use crate::compositor::PyCompositor;
use crate::device::DeviceId;
use crate::error::{Raise, raise};
use crate::microphone::PyMicrophone;
use crate::mix::PyMix;
use crate::source::PyVideoSource;
use crate::speaker::PySpeaker;
use crate::values::{path_of, type_name};
use crate::virtual_microphone::PyVirtualMicrophone;
use crate::virtual_speaker::PyVirtualSpeaker;
use livekit_studio::{
    AudioPort, AudioSource, AudioTarget, CHANNELS, Cancel, Error, ErrorKind, Microphone, MixId, OpenOptions,
    Samples, Speaker, open_sound,
};
use pyo3::buffer::{Element, PyUntypedBuffer};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use std::sync::Arc;

/// An AudioPort, the negative number of an in-process channel, a microphone or its number, a source that brings sound,
/// an array of samples, or a name to open.
/// `options.cancel` is not looked at.
pub(crate) fn sound_of(value: &Bound<'_, PyAny>, options: OpenOptions) -> PyResult<Arc<dyn AudioSource>> {
    if let Ok(port) = value.cast::<PyAudioPort>() {
        return Ok(port.get().port.clone());
    }
    if let Ok(mix) = value.cast::<PyMix>() {
        return mix.get().sound();
    }
    if let Ok(scene) = value.cast::<PyCompositor>() {
        return Ok(scene.get().compositor.sound_port());
    }
    if let Ok(microphone) = value.cast::<PyMicrophone>() {
        return microphone.get().sound();
    }
    if let Ok(speaker) = value.cast::<PyVirtualSpeaker>() {
        return speaker.get().sound();
    }
    if let Ok(id) = value.extract::<i64>() {
        return microphone_of(value.py(), &DeviceId::Number(id));
    }
    if let Ok(source) = value.cast::<PyVideoSource>() {
        return source.get().sound().ok_or_else(|| {
            let name = source.get().source.name();
            raise(Error::new(ErrorKind::Media, format!("{name} has no sound")))
        });
    }
    if PyUntypedBuffer::get(value).is_ok() {
        return Ok(Arc::new(Samples::new(samples_of(value)?, options.looping).or_raise()?));
    }
    let name = path_of(value)?;
    let cancel = Cancel::new();
    let options = OpenOptions { cancel: cancel.clone(), ..options };
    wait_for(value.py(), &cancel, move || open_sound(&name, &options))
}

/// The same as an input of a mixer: other scenes' mixes are read when they are there.
pub(crate) fn input_of(value: &Bound<'_, PyAny>, options: OpenOptions) -> PyResult<Arc<dyn AudioSource>> {
    if let Ok(port) = value.cast::<PyAudioPort>() {
        return Ok(port.get().heard.clone());
    }
    if let Ok(mix) = value.cast::<PyMix>() {
        let mix = mix.get();
        return mix.compositor.mix_source(mix.id).or_raise();
    }
    if let Ok(scene) = value.cast::<PyCompositor>() {
        return scene.get().compositor.mix_source(MixId::MAIN).or_raise();
    }
    sound_of(value, options)
}

/// What a mix can be played to: an AudioPort, a Speaker or VirtualMicrophone, the negative number of an in-process
/// channel, or a device by number or name, which is opened.
pub(crate) fn sound_target_of(value: &Bound<'_, PyAny>) -> PyResult<Arc<dyn AudioTarget>> {
    if let Ok(port) = value.cast::<PyAudioPort>() {
        return Ok(port.get().port.clone());
    }
    if let Ok(speaker) = value.cast::<PySpeaker>() {
        return speaker.get().target();
    }
    if let Ok(microphone) = value.cast::<PyVirtualMicrophone>() {
        return microphone.get().target();
    }
    match value.extract::<DeviceId>() {
        Ok(DeviceId::Number(channel @ ..0)) => Ok(AudioPort::channel(channel).or_raise()?),
        Ok(device) => {
            let choice = device.choice()?;
            Ok(leaving(value.py(), move || Speaker::open(&choice))?.map(Arc::new).or_raise()?)
        }
        Err(_) => Err(raise(
            Error::parameter(format!("nothing can be played to {}", type_name(value)))
                .with_hint("an AudioPort, a Speaker, a VirtualMicrophone, or a device by name or number"),
        )),
    }
}

/// What is heard at `audio_device_id`: a device, or an in-process channel.
pub(crate) fn microphone_of(py: Python<'_>, id: &DeviceId) -> PyResult<Arc<dyn AudioSource>> {
    if let DeviceId::Number(channel @ ..0) = id {
        return Ok(AudioPort::channel(*channel).or_raise()?);
    }
    let choice = id.choice()?;
    Ok(leaving(py, move || Microphone::open(&choice))?.map(Arc::new).or_raise()?)
}

/// The samples of an array as interleaved stereo: shape (n, 2), or (n,) and (n, 1) for both sides alike; float32 and
/// float64 from -1 to 1, or int16. What is no number becomes silence.
pub(crate) fn samples_of(array: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
    let py = array.py();
    let wrong = |message: String| {
        raise(Error::format(message).with_hint(
            "sound is an array of shape (n, 2) or (n,), dtype float32 from -1 to 1 or int16, at 48 kHz",
        ))
    };
    let buffer = PyUntypedBuffer::get(array)
        .map_err(|_| wrong(format!("{} is not an array of samples", type_name(array))))?;
    let channels = match *buffer.shape() {
        [_] | [_, 1] => 1,
        [_, 2] => CHANNELS,
        ref shape => {
            let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
            return Err(wrong(format!("an array of shape ({}) is not sound", shape.join(", "))));
        }
    };
    let samples = if let Some(samples) = values::<f32>(py, &buffer)? {
        samples
    } else if let Some(samples) = values::<f64>(py, &buffer)? {
        samples.into_iter().map(|s| s as f32).collect()
    } else if let Some(samples) = values::<i16>(py, &buffer)? {
        samples.into_iter().map(|s| f32::from(s) / 32768.0).collect()
    } else {
        let dtype = array.getattr("dtype").map_or_else(|_| type_name(array), |d| d.to_string());
        return Err(wrong(format!("the array has dtype {dtype}, sound needs float32 or int16")));
    };
    let samples = samples.into_iter().map(|s: f32| if s.is_finite() { s } else { 0.0 });
    Ok(if channels == 1 { samples.flat_map(|s| [s; CHANNELS]).collect() } else { samples.collect() })
}

fn values<T: Element>(py: Python<'_>, buffer: &PyUntypedBuffer) -> PyResult<Option<Vec<T>>> {
    buffer.as_typed::<T>().ok().map(|typed| typed.to_vec(py)).transpose()
}

/// A new float32 array of shape (n, 2).
pub(crate) fn to_array<'py>(py: Python<'py>, samples: &[f32]) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyByteArray::new_with(py, size_of_val(samples), |out| {
        for (to, sample) in out.chunks_exact_mut(size_of::<f32>()).zip(samples) {
            to.copy_from_slice(&sample.to_ne_bytes());
        }
        Ok(())
    })?;
    let numpy = py.import("numpy")?;
    let flat = numpy.call_method1("frombuffer", (bytes, numpy.getattr("float32")?))?;
    flat.call_method1("reshape", ((samples.len() / CHANNELS, CHANNELS),))
}
