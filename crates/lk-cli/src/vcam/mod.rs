// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio vcam`: the camera that shows what programs share as "LiveKitVCam".

#[cfg(windows)]
mod directshow;
#[cfg(unix)]
mod hosted;
#[cfg(unix)]
mod service;

#[cfg(windows)]
pub(crate) use directshow::command;
#[cfg(unix)]
pub(crate) use hosted::command;
