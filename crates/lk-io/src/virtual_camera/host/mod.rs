// SPDX-License-Identifier: GPL-2.0-or-later
//! What makes a camera of what programs share under a name: a process on Linux, a filter that programs load themselves
//! on Windows. It stays when they go: then it shows a standby picture, until the next one comes.

#[cfg(unix)]
mod file;
#[cfg(windows)]
pub mod filter;
#[cfg(unix)]
mod lock;
#[cfg(not(unix))]
mod no_process;
#[cfg(all(feature = "media", unix))]
mod process;
#[cfg(windows)]
mod registry;
mod settings;
mod standby;
mod status;

#[cfg(unix)]
pub use file::{config_folder, write_whole};
#[cfg(unix)]
pub use lock::host_status;
#[cfg(not(unix))]
pub use no_process::{host_status, run_host};
#[cfg(all(feature = "media", unix))]
pub use process::run_host;
pub use settings::{CAMERA_MAPPING, CameraSettings};
pub use standby::{centred, picture as standby};
pub use status::HostStatus;

use crate::ipc::IpcFolder;

/// What a program is told that shares pictures as the camera's, and need not show up as one; None if it does, or
/// means something else.
pub(crate) fn advice(name: &str) -> Option<&'static str> {
    let registered = match CameraSettings::load() {
        Ok(Some(settings)) if settings.mapping_name == name => true,
        _ if name == CAMERA_MAPPING => false,
        _ => return None,
    };
    let registered_is_enough = || cfg!(windows) || matches!(host_status(&IpcFolder::default()), Ok(Some(_)));
    match registered {
        true if registered_is_enough() => None,
        true => Some("its camera's host does not run; start it with: livekit-studio vcam register"),
        false => Some("to have it show up as a camera, run once: livekit-studio vcam register"),
    }
}
