// SPDX-License-Identifier: GPL-2.0-or-later
//! The settings as a file in the user's configuration: livekit-studio/vcam.json in XDG_CONFIG_HOME, else in ~/.config.

use super::settings::{CameraSettings, Written};
use lk_media::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

pub(super) fn path() -> Result<PathBuf> {
    Ok(config_folder()?.join("livekit-studio").join("vcam.json"))
}

pub(super) fn load() -> Result<Option<Written>> {
    let path = path()?;
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(file_error(&path, &e)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| {
        Error::parameter(format!("{}: {e}", path.display()))
            .with_hint("register it again: livekit-studio vcam register")
    })
}

pub(super) fn save(settings: &CameraSettings) -> Result<()> {
    let json = serde_json::to_string_pretty(settings)
        .map_err(|e| Error::internal("settings cannot be written down").with_source(e))?;
    write_whole(&path()?, &(json + "\n"))
}

pub(super) fn remove() -> Result<bool> {
    let path = path()?;
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(file_error(&path, &e)),
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
    Error::new(ErrorKind::Output, format!("{}: {error}", path.display())).with_errno_of(error)
}
