// SPDX-License-Identifier: GPL-2.0-or-later
//! The native part of the `livekit_studio` Python package: one file per exposed class, no logic of its own.

mod array;
mod at_exit;
mod audio_devices;
mod audio_mixer;
mod audio_port;
mod audio_repeater;
mod blocking;
mod camera;
mod cameras;
mod color;
mod compositor;
mod compositor_window;
mod copier;
mod device;
mod device_watch;
mod doctor;
mod error;
mod events;
mod frame;
mod frames;
mod function_source;
mod image_file;
mod ipc_source;
mod ipc_target;
mod layer;
mod lazy_player;
mod licenses;
mod live;
mod live_statistics;
mod logging;
mod media_info;
mod microphone;
mod mix;
mod mix_playback;
mod mixer;
mod mixer_input;
mod null_target;
mod player;
mod read_audio;
mod recorded;
mod recorder;
mod render_statistics;
mod run_counts;
mod service;
mod show;
mod sound;
mod source;
mod speaker;
mod statistics;
mod target;
mod test_pattern;
mod text;
mod tracks;
mod values;
mod video_port;
mod viewer;
mod virtual_camera;
mod virtual_microphone;
mod virtual_speaker;
mod window_capture;
mod window_list;

use error::Raise;
use pyo3::prelude::*;

/// A number of threads as Python gives it.
pub(crate) fn threads_of(n: i64) -> PyResult<usize> {
    let n = usize::try_from(n).unwrap_or(0);
    livekit_studio::thread::check(n).or_raise()?;
    Ok(n)
}

#[pyfunction]
fn set_threads(n: i64) -> PyResult<()> {
    livekit_studio::thread::set_budget(threads_of(n)?).or_raise()
}

#[pyfunction]
fn set_frame_memory(megabytes: i64) -> PyResult<()> {
    let bytes = usize::try_from(megabytes).ok().filter(|m| *m > 0).and_then(|m| m.checked_mul(1 << 20));
    let bytes = bytes.ok_or_else(|| {
        error::raise(livekit_studio::Error::parameter(format!("frames cannot have {megabytes} MB")))
    })?;
    livekit_studio::FramePool::shared().set_limit(bytes);
    Ok(())
}

#[pyfunction]
fn _cli(py: Python<'_>, args: Vec<String>, program: Vec<String>) -> PyResult<i32> {
    let cancel = livekit_studio::Cancel::new();
    let inner = cancel.clone();
    let listen = |lines| logging::listen_instead(Some(lines));
    let status =
        blocking::blocking(py, &cancel, |_| Ok(()), move || lk_cli::run_with(args, &program, &inner, listen));
    logging::listen_instead(None);
    status
}

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::_cli;
    #[pymodule_export]
    use super::audio_devices::{
        PyAudioDeviceWatch, PyAudioInputDeviceList, PyAudioOutputDeviceList, microphones, speakers,
    };
    #[pymodule_export]
    use super::audio_mixer::PyAudioMixer;
    #[pymodule_export]
    use super::audio_port::{PyAudioBlocks, PyAudioPort};
    #[pymodule_export]
    use super::audio_repeater::PyAudioRepeater;
    #[pymodule_export]
    use super::camera::{PyCamera, PyCameraFrames};
    #[pymodule_export]
    use super::cameras::{PyCameraList, PyCameraWatch, cameras};
    #[pymodule_export]
    use super::color::PyColor;
    #[pymodule_export]
    use super::compositor::{PyBatch, PyCompositor, render};
    #[pymodule_export]
    use super::copier::PyCopier;
    #[pymodule_export]
    use super::doctor::doctor;
    #[pymodule_export]
    use super::events::{PyEventStream, PySubscription};
    #[pymodule_export]
    use super::frame::PyFrame;
    #[pymodule_export]
    use super::frames::{PyFileFrames, PySceneFrames};
    #[pymodule_export]
    use super::function_source::{PyFunctionSource, PyFunctionWorker};
    #[pymodule_export]
    use super::image_file::PyImageFile;
    #[pymodule_export]
    use super::ipc_source::{PyIpcFrames, PyIpcSource};
    #[pymodule_export]
    use super::ipc_target::PyIpcTarget;
    #[pymodule_export]
    use super::layer::PyLayer;
    #[pymodule_export]
    use super::lazy_player::PyLazyPlayer;
    #[pymodule_export]
    use super::licenses::licenses;
    #[pymodule_export]
    use super::live::PyLiveFrames;
    #[pymodule_export]
    use super::live_statistics::PyLiveStatistics;
    #[pymodule_export]
    use super::media_info::PyMediaInfo;
    #[pymodule_export]
    use super::microphone::PyMicrophone;
    #[pymodule_export]
    use super::mix::PyMix;
    #[pymodule_export]
    use super::mix_playback::PyMixPlayback;
    #[pymodule_export]
    use super::mixer::PyMixer;
    #[pymodule_export]
    use super::mixer_input::PyMixerInput;
    #[pymodule_export]
    use super::null_target::PyNullTarget;
    #[pymodule_export]
    use super::player::PyPlayer;
    #[pymodule_export]
    use super::read_audio::read_audio;
    #[pymodule_export]
    use super::recorder::PyRecorder;
    #[pymodule_export]
    use super::render_statistics::PyRenderStatistics;
    #[pymodule_export]
    use super::service::{_service_ended, _service_next};
    #[pymodule_export]
    use super::set_frame_memory;
    #[pymodule_export]
    use super::set_threads;
    #[pymodule_export]
    use super::show::_show;
    #[pymodule_export]
    use super::source::{PyStillSource, PyVideoSource, open};
    #[pymodule_export]
    use super::speaker::PySpeaker;
    #[pymodule_export]
    use super::statistics::PyStatistics;
    #[pymodule_export]
    use super::target::{PyTargetQueue, PyTargetWorker};
    #[pymodule_export]
    use super::test_pattern::PyTestPattern;
    #[pymodule_export]
    use super::text::PyText;
    #[pymodule_export]
    use super::video_port::PyVideoPort;
    #[pymodule_export]
    use super::viewer::PyViewer;
    #[pymodule_export]
    use super::virtual_camera::PyVirtualCamera;
    #[pymodule_export]
    use super::virtual_microphone::PyVirtualMicrophone;
    #[pymodule_export]
    use super::virtual_speaker::PyVirtualSpeaker;
    #[pymodule_export]
    use super::window_capture::{PyScreenCapture, PyWindowCapture};
    #[pymodule_export]
    use super::window_list::{PyWindowList, windows};

    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> {
        m.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::logging::install(m.py())?;
        super::at_exit::install(m.py())?;
        super::text::stop_at_exit(m.py())?;
        super::copier::stop_at_exit(m.py())
    }
}
