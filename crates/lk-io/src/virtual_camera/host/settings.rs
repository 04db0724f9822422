// SPDX-License-Identifier: GPL-2.0-or-later
//! What the camera of a user is, kept where the system keeps such things (`store`).

#[cfg(feature = "media")]
use super::super::{CameraDevice, VirtualCameraOptions};
#[cfg(unix)]
use super::file as store;
#[cfg(windows)]
use super::registry as store;
use crate::ipc::IpcFolder;
use lk_media::{Error, FrameRate, PixelFormat, Result, Size};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The name that is shared by programs which mean to be the camera.
pub const CAMERA_MAPPING: &str = "LiveKitVCam";

/// The camera that shows what programs share under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CameraSettings {
    /// The name that is shared (an IpcTarget's).
    pub mapping_name: String,
    /// What people choose the camera by.
    pub name: String,
    /// Columns and rows of its pictures.
    #[serde(flatten)]
    pub size: Size,
    /// Pictures a second.
    #[serde(serialize_with = "as_text")]
    pub fps: FrameRate,
    /// Where other programs find it: "" for wherever there is a way.
    pub device: String,
}

fn as_text<S: serde::Serializer>(fps: &FrameRate, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_str(fps)
}

/// The same as it is read, before anything is believed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub mapping_name: String,
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub fps: String,
    #[serde(default)]
    pub device: String,
}

impl CameraSettings {
    /// 1280x720 at 30 pictures a second, called "LiveKit".
    pub fn usual() -> Result<Self> {
        Ok(Self {
            mapping_name: CAMERA_MAPPING.to_owned(),
            name: "LiveKit".to_owned(),
            size: Size::new(1280, 720),
            fps: FrameRate::new(30, 1)?,
            device: String::new(),
        })
    }

    /// An error for what no camera can be.
    pub fn check(&self) -> Result<()> {
        Size::checked(self.size.width, self.size.height)?;
        PixelFormat::Yuy2.check_even(self.size)?;
        IpcFolder::default().check_name(&self.mapping_name)?;
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(Error::parameter("a camera needs a name without control characters")
                .with_hint("for example --name LiveKit"));
        }
        Ok(())
    }

    /// What the camera is opened with.
    #[cfg(feature = "media")]
    pub fn options(&self) -> VirtualCameraOptions {
        let device = CameraDevice::from(self.device.as_str());
        VirtualCameraOptions { name: self.name.clone(), device, ..VirtualCameraOptions::default() }
    }

    /// What was saved; None if nothing was.
    pub fn load() -> Result<Option<Self>> {
        let Some(written) = store::load()? else { return Ok(None) };
        let again = "register it again: livekit-studio vcam register";
        let broken = |e: Error| {
            let place = store::path().map(|p| format!("{}: ", p.display())).unwrap_or_default();
            Error::parameter(format!("{place}{e}")).with_hint(again)
        };
        let settings = Self {
            mapping_name: written.mapping_name,
            name: written.name,
            size: Size::new(written.width, written.height),
            fps: written.fps.parse().map_err(broken)?,
            device: written.device,
        };
        settings.check().map_err(broken)?;
        Ok(Some(settings))
    }

    /// Saves it in one step; where.
    pub fn save(&self) -> Result<PathBuf> {
        self.check()?;
        store::save(self)?;
        store::path()
    }

    /// Forgets it; whether there was anything.
    pub fn remove() -> Result<bool> {
        store::remove()
    }
}
