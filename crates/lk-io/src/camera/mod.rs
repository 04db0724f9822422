// SPDX-License-Identifier: GPL-2.0-or-later
//! Cameras as sources.
//!
//! A camera in use has a thread of its own (`serving`) that waits for its pictures, decodes them where they come as
//! JPEGs, and publishes each at the time it was taken. A camera that stops giving pictures is stalled and started
//! afresh; one that is unplugged is looked for until it is there again. The ways to cameras are behind one trait
//! (`backend`); `mode` chooses among what they offer, `choice` among the cameras.

#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
// no other system has a way to cameras yet
mod backend;
mod choice;
#[cfg(windows)]
mod dshow;
mod list;
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
mod mode;
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
mod picture;
#[cfg(target_os = "linux")]
mod pipewire;
mod serving;
mod source;
#[cfg(target_os = "linux")]
mod v4l2;

pub use choice::CameraChoice;
pub use list::{CameraWatch, cameras};
pub use mode::{CameraFormat, CameraMode};
pub use source::Camera;

use lk_media::{FrameRate, Size};
use serde::Serialize;

/// A camera of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CameraInfo {
    /// What it is known by: the same after a restart, and for a camera with a serial number at every plug.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where the system has it now: "/dev/video0".
    pub address: String,
    /// What leads to it: "V4L2", "PipeWire" or "DirectShow".
    pub backend: &'static str,
    /// The ways in which it gives pictures, the largest and fastest first; of a camera that takes every size between
    /// two, the usual ones. Empty if it may not be opened.
    pub modes: Vec<CameraMode>,
}

/// How a camera is to be run. What is left out is chosen: the largest size that reaches the rate, 30 frames a second
/// where no rate is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CameraOptions {
    /// Columns and rows.
    pub size: Option<Size>,
    /// Frames a second.
    pub rate: Option<FrameRate>,
    /// How the pictures come.
    pub format: Option<CameraFormat>,
}

/// Counts of a camera since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CameraStatistics {
    /// Pictures that came.
    pub frames: u64,
    /// Pictures that the system lost before they could be read.
    pub lost: u64,
    /// Pictures that came damaged, and are not shown.
    pub damaged: u64,
    /// Times that it stopped giving pictures.
    pub stalls: u64,
    /// Times that it was opened again.
    pub reconnects: u64,
}
