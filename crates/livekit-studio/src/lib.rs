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

mod record;
mod registry;
mod render;
mod viewer;

pub use lk_compositor::{
    Anchor, Blend, Color, Crop, Fit, Flip, Layer, LayerId, MixerInput, MixerSettings, OfflinePolicy,
    Placement, Point, Scene, SourceId,
};
pub use lk_engine::{
    Batch, Commit, Compositor, Lateness, Level, Levels, LiveFrames, LiveOptions, LiveStatistics,
    OfflineOptions, OfflineRun, Picture, Progress, RunStatistics, SoundId, Stepped, Tick, Where,
};
pub use lk_io::copier::{Copier, CopyOptions, CopyProgress, CopyReport};
pub use lk_io::encode::{AudioSettings, EncoderInfo, OutputSettings, StreamKind, VideoSettings, encoders};
#[cfg(feature = "text")]
pub use lk_io::generate::{Align, Text, TextStyle};
pub use lk_io::generate::{TestPattern, TestTone};
pub use lk_io::image_file::{self, ImageFile};
pub use lk_io::log;
pub use lk_io::media_file::{Deinterlace, FileAudio, LazyPlayer, MediaInfo, OpenOptions};
pub use lk_io::mux::{FormatInfo, formats};
pub use lk_io::null_target::NullTarget;
pub use lk_io::player::{Player, PlayerOptions, PlayerStatistics};
pub use lk_io::record::{
    AudioTrack, Recorder, RecorderSettings, RecorderState, RecorderStatistics, RecordingReport,
};
pub use lk_io::viewer::{Key, Painter, View, ViewFit, Viewer, ViewerOptions, ViewerStatistics};
pub use lk_io::window_capture::{Capture, CaptureOptions, Region, WindowInfo, WindowRule, windows};
pub use lk_media::*;
pub use record::{Heard, Recorded, Recording};
pub use registry::{
    Captured, Opened, captured, color_named, color_source, is_picture, open, open_pictures, open_sound,
};
pub use render::{EncodeOptions, Length, Output, RenderOptions, render};
pub use viewer::open_viewer;
