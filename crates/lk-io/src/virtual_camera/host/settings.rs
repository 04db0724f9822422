// SPDX-License-Identifier: GPL-2.0-or-later
//! What the camera of a user is: a file in the user's configuration.

use super::super::{CameraDevice, VirtualCameraOptions};
use crate::ipc::IpcFolder;
use lk_media::{Error, ErrorKind, FrameRate, PixelFormat, Result, Size};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
struct Written {
    mapping_name: String,
    name: String,
    width: u32,
    height: u32,
    fps: String,
    #[serde(default)]
    device: String,
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
    pub fn options(&self) -> VirtualCameraOptions {
        let device = CameraDevice::from(self.device.as_str());
        VirtualCameraOptions { name: self.name.clone(), device, ..VirtualCameraOptions::default() }
    }

    /// The file: livekit-studio/vcam.json in XDG_CONFIG_HOME, else in ~/.config.
    pub fn path() -> Result<PathBuf> {
        Ok(config_folder()?.join("livekit-studio").join("vcam.json"))
    }

    /// What was saved; None if nothing was.
    pub fn load() -> Result<Option<Self>> {
        let path = Self::path()?;
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(file_error(&path, &e)),
        };
        let again = "register it again: livekit-studio vcam register";
        let broken = |why: String| Error::parameter(format!("{}: {why}", path.display())).with_hint(again);
        let written: Written = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
        let settings = Self {
            mapping_name: written.mapping_name,
            name: written.name,
            size: Size::new(written.width, written.height),
            fps: written.fps.parse().map_err(|e: Error| broken(e.to_string()))?,
            device: written.device,
        };
        settings.check().map_err(|e| broken(e.to_string()))?;
        Ok(Some(settings))
    }

    /// Saves it in one step.
    pub fn save(&self) -> Result<PathBuf> {
        self.check()?;
        let path = Self::path()?;
        let json = serde_json::to_string_pretty(self)
            .map_err(|e| Error::internal("settings cannot be written down").with_source(e))?;
        write_whole(&path, &(json + "\n"))?;
        Ok(path)
    }

    /// Forgets it; whether there was anything.
    pub fn remove() -> Result<bool> {
        let path = Self::path()?;
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(file_error(&path, &e)),
        }
    }
}

/// XDG_CONFIG_HOME, else ~/.config.
pub fn config_folder() -> Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    named("XDG_CONFIG_HOME").or_else(|| named("HOME").map(|home| home.join(".config"))).ok_or_else(|| {
        Error::new(ErrorKind::Output, "there is no folder for settings")
            .with_hint("set HOME or XDG_CONFIG_HOME")
    })
}

/// Writes a file so that whoever reads it sees the old one or the new one, in a folder that is made if needed.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let fail = |e: std::io::Error| file_error(path, &e);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let new = path.with_extension("new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).map_err(fail)
}

fn file_error(path: &Path, error: &std::io::Error) -> Error {
    let made = Error::new(ErrorKind::Output, format!("{}: {error}", path.display()));
    match error.raw_os_error() {
        Some(errno) => made.with_errno(errno),
        None => made,
    }
}
