// SPDX-License-Identifier: GPL-2.0-or-later
//! Encoding: frames or samples to shared packets, and the offline recording target built of that and [`crate::mux`].
//!
//! [`VideoEncoder`] and [`AudioEncoder`] are one encoder each and start no thread; what they make are [`Packet`]s,
//! which one or several muxers take. [`FileOutput`] puts them together: one thread a stream, one for the file.

mod audio;
mod choose;
mod file_output;
pub(crate) mod live;
pub(crate) mod open;
mod quality;
pub(crate) mod queue;
pub(crate) mod refusal;
mod route;
mod settings;
mod video;

pub(crate) use crate::suggest;

pub use crate::av::output::{Packet, StreamInfo, StreamKind};
pub use audio::AudioEncoder;
pub(crate) use choose::encoder_for;
pub use file_output::{FileOutput, OutputReport};
pub use settings::{AudioSettings, OutputSettings, VideoSettings};
pub use video::VideoEncoder;

use serde::Serialize;

/// An encoder of the FFmpeg this runs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EncoderInfo {
    /// What to ask for: "libx264".
    pub name: String,
    /// What FFmpeg says of it.
    pub description: String,
    /// The codec it encodes to: "h264".
    pub codec: String,
    /// Pictures or sound.
    pub kind: StreamKind,
    /// Whether it needs a device. Never chosen without being named.
    pub hardware: bool,
    /// Whether it wants the option `strict=experimental`. Never chosen without being named.
    pub experimental: bool,
    /// Whether the codec loses nothing (quality and bitrate then mean nothing).
    pub lossless: bool,
}

/// Every encoder of pictures and sound there is.
pub fn encoders() -> Vec<EncoderInfo> {
    crate::av::encoder::all().to_vec()
}
