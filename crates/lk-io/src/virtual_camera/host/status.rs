// SPDX-License-Identifier: GPL-2.0-or-later
//! How the host is, by its own account.

use serde::{Deserialize, Serialize};

/// How the host is. What it is about may be over when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The host's process.
    pub process: u32,
    /// "waiting" for a way out, on "standby" until somebody writes, or "live".
    pub state: String,
    /// Why it waits.
    pub reason: Option<String>,
    /// "v4l2loopback" or "pipewire".
    pub backend: Option<String>,
    /// What programs find the camera by.
    pub device: Option<String>,
    /// The process that writes, by its own account.
    pub writer: Option<u64>,
    /// Pictures that went out.
    pub frames: u64,
}
