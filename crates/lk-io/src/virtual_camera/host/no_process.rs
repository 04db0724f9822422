// SPDX-License-Identifier: GPL-2.0-or-later
//! Systems on which the camera is no process.

use super::settings::CameraSettings;
use super::status::HostStatus;
use crate::ipc::IpcFolder;
use lk_media::{Cancel, Error, ErrorKind, Result};

/// There is none to run.
pub fn run_host(_: &CameraSettings, _: &Cancel, _: impl FnMut(&HostStatus)) -> Result<()> {
    Err(Error::new(ErrorKind::Device, "the camera needs no process on this system")
        .with_hint("programs load it themselves once it is registered: livekit-studio vcam register"))
}

/// None ever runs.
pub fn host_status(_: &IpcFolder) -> Result<Option<HostStatus>> {
    Ok(None)
}
