// SPDX-License-Identifier: GPL-2.0-or-later
//! LiveKit for Rust users: open sources, put them together in a [`Compositor`], render.
//!
//! ```no_run
//! use livekit_studio as lk;
//! # fn main() -> lk::Result<()> {
//! let scene = lk::Compositor::new(lk::Size::new(1280, 720), lk::FrameRate::new(30, 1)?)?;
//! let clip = lk::open("clip.mp4", &lk::OpenOptions::default())?;
//! scene.add(clip.video()?, None, clip.sound, lk::Layer::default(), lk::Where::Top)?;
//! lk::render(&scene, vec![lk::Output::file("out.mp4")], lk::RenderOptions::seconds(10.0))?;
//! # Ok(())
//! # }
//! ```

mod audible;
mod doctor;
mod licenses;
mod record;
mod registry;
mod render;
mod show;
mod snapshot;
mod viewer;

pub use audible::{Audible, AudioOutput};
pub use doctor::{Diagnosis, Finding, Health, diagnose};
pub use licenses::{Component, ComponentKind, Licenses, licenses};
pub use lk_compositor::{
    Anchor, Blend, Color, Crop, Fit, Flip, Layer, LayerId, Level, Levels, MixId, MixSettings, MixerInput,
    MixerSettings, Mixes, Monitor, OfflinePolicy, Placement, Point, RenderStatistics, Scene, SourceId,
};
pub use lk_engine::{
    Batch, Commit, Compositor, Lateness, LiveFrames, LiveOptions, LiveStatistics, OfflineOptions, OfflineRun,
    Parts, Picture, Playing, Progress, RunStatistics, SoundId, Stepped, Tick, Where,
};
pub use lk_io::audio_device::{
    AudioDevice, AudioDeviceWatch, AudioRepeater, DeviceChoice, DeviceStatistics, Microphone, RepeaterEnd,
    Speaker, Timing, VirtualMicrophone, VirtualSpeaker, microphones, sound_server, speakers,
};
pub use lk_io::camera::{
    Camera, CameraChoice, CameraFormat, CameraInfo, CameraMode, CameraOptions, CameraStatistics, CameraWatch,
    cameras,
};
pub use lk_io::copier::{Copier, CopyOptions, CopyProgress, CopyReport};
pub use lk_io::encode::{AudioSettings, EncoderInfo, OutputSettings, StreamKind, VideoSettings, encoders};
#[cfg(feature = "text")]
pub use lk_io::generate::{Align, Text, TextStyle};
pub use lk_io::generate::{Samples, TestPattern, TestTone};
pub use lk_io::image_file::{self, ImageFile};
pub use lk_io::ipc::{
    self, IpcFit, IpcFolder, IpcListed, IpcSource, IpcSourceStatistics, IpcTarget, IpcTargetOptions,
    IpcTargetStatistics,
};
pub use lk_io::log;
pub use lk_io::media_file::{Deinterlace, FileAudio, LazyPlayer, MediaInfo, OpenOptions};
pub use lk_io::mux::{FormatInfo, formats};
pub use lk_io::null_target::NullTarget;
pub use lk_io::player::{Player, PlayerOptions, PlayerStatistics};
pub use lk_io::record::{
    AudioTrack, Recorder, RecorderSettings, RecorderState, RecorderStatistics, RecordingReport,
};
pub use lk_io::viewer::{Key, Painter, View, ViewFit, Viewer, ViewerOptions, ViewerStatistics};
/// The camera that shows what programs share under a name: its settings, and its process or filter.
pub use lk_io::virtual_camera::host as virtual_camera;
pub use lk_io::virtual_camera::{CameraDevice, VirtualCamera, VirtualCameraOptions, VirtualCameraStatistics};
pub use lk_io::window_capture::{CHOOSE, Capture, CaptureOptions, Region, WindowInfo, WindowRule, windows};
pub use lk_media::*;
pub use record::{Heard, Recorded, Recording, first_size};
pub use registry::{
    Captured, Opened, camera_named, captured, color_named, color_source, ipc_named, is_picture, open,
    open_pictures, open_sound,
};
pub use render::{BeforeFrame, EncodeOptions, Length, Output, RenderOptions, render};
pub use show::{ShowOptions, show};
pub use snapshot::{only_now, picture_of};
pub use viewer::open_viewer;
