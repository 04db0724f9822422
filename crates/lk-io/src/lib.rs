// SPDX-License-Identifier: GPL-2.0-or-later
//! Every source and target that touches the world, a folder each. All FFmpeg calls live in [`av`].

pub mod audio_device;
pub mod av;
#[cfg(target_os = "linux")]
mod bell;
pub mod camera;
mod choose;
pub mod copier;
#[cfg(any(target_os = "linux", windows))]
mod desktop;
pub mod encode;
pub mod generate;
pub mod image_file;
pub mod ipc;
pub mod media_file;
pub mod mux;
pub mod null_target;
#[cfg(target_os = "linux")]
pub mod pipewire;
pub mod player;
#[cfg(target_os = "linux")]
mod portal;
pub mod record;
#[cfg(target_os = "linux")]
mod v4l2;
pub mod viewer;
pub mod virtual_camera;
#[cfg(target_os = "linux")]
mod wayland;
pub mod window_capture;
#[cfg(target_os = "linux")]
mod x11;

pub use av::log;
pub use image_file::ImageFile;
pub use player::Player;
