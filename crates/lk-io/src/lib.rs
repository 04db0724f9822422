// SPDX-License-Identifier: GPL-2.0-or-later
//! Every source and target that touches the world, a folder each. All FFmpeg calls live in `av`.
//!
//! Without the feature `media` only what the virtual camera's filter needs is there, and no FFmpeg: reading what other
//! processes share, and what is computed.
#![cfg_attr(not(feature = "media"), allow(dead_code, unused_imports))] // what only writers and devices use

#[cfg(feature = "media")]
pub mod audio_device;
#[cfg(feature = "media")]
pub mod av;
#[cfg(all(feature = "media", target_os = "linux"))]
mod bell;
#[cfg(feature = "media")]
pub mod camera;
#[cfg(feature = "media")]
mod choose;
#[cfg(all(feature = "media", windows))]
mod com;
#[cfg(feature = "media")]
pub mod copier;
#[cfg(all(feature = "media", any(target_os = "linux", windows)))]
mod desktop;
#[cfg(windows)]
#[doc(hidden)] // for the filter that is the virtual camera
pub mod dshow;
#[cfg(feature = "media")]
pub mod encode;
pub mod generate;
#[cfg(feature = "media")]
pub mod image_file;
pub mod ipc;
#[cfg(feature = "media")]
pub mod media_file;
#[cfg(feature = "media")]
pub mod mux;
#[cfg(feature = "media")]
pub mod null_target;
#[cfg(all(feature = "media", target_os = "linux"))]
pub mod pipewire;
#[cfg(feature = "media")]
pub mod player;
#[cfg(all(feature = "media", target_os = "linux"))]
mod portal;
#[cfg(feature = "media")]
pub mod record;
mod suggest;
#[cfg(all(feature = "media", target_os = "linux"))]
mod v4l2;
#[cfg(feature = "media")]
pub mod viewer;
pub mod virtual_camera;
#[cfg(all(feature = "media", target_os = "linux"))]
mod wayland;
#[cfg(feature = "media")]
pub mod window_capture;
#[cfg(all(feature = "media", target_os = "linux"))]
mod x11;

#[cfg(feature = "media")]
pub use av::log;
#[cfg(feature = "media")]
pub use image_file::ImageFile;
#[cfg(feature = "media")]
pub use player::Player;
