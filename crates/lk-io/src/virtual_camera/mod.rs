// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera that other programs can choose and that shows what is written to it: on a device of v4l2loopback's, or as a
//! node of PipeWire's. On Windows it is a filter that those programs load (`host`).
//!
//! `output` is the way out and `v4l2loopback` one of its kinds; `pace` says when a picture goes out.

#[cfg(feature = "media")]
mod camera;
#[cfg(feature = "media")]
mod fitting;
pub mod host;
#[cfg(feature = "media")]
mod output;
#[cfg(feature = "media")]
mod pace;
#[cfg(all(feature = "media", target_os = "linux"))]
mod pipewire;
#[cfg(feature = "media")]
mod queue;
#[cfg(feature = "media")]
mod running;
#[cfg(feature = "media")]
mod sending;
#[cfg(all(feature = "media", target_os = "linux"))]
mod v4l2;
#[cfg(all(feature = "media", target_os = "linux"))]
mod v4l2loopback;

#[cfg(feature = "media")]
pub use camera::{VirtualCamera, VirtualCameraOptions, VirtualCameraStatistics};
#[cfg(feature = "media")]
pub use output::{CameraDevice, ways_out};

#[cfg(feature = "media")]
pub(crate) use host::advice;
