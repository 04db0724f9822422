// SPDX-License-Identifier: GPL-2.0-or-later
//! There is one host a user. It holds a lock for as long as it runs, and says beside it how things are.

use super::file::write_whole;
use super::status::HostStatus;
use crate::ipc::IpcFolder;
use lk_media::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The lock, and the file beside it.
pub(super) struct Held {
    _lock: OwnedFd,
    path: PathBuf,
}

impl Held {
    /// Busy if there is a host.
    pub fn take(folder: &IpcFolder) -> Result<Self> {
        let fd =
            lock_file(folder, true)?.ok_or_else(|| Error::internal("a file that was made is not there"))?;
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _lock: fd, path: folder.hidden("vcam.status")? }),
            Err(Errno::AGAIN) => Err(Error::new(ErrorKind::Busy, "the camera's host runs already")
                .with_hint("livekit-studio vcam status tells how it is; vcam unregister ends it")),
            Err(e) => Err(failed(e)),
        }
    }

    /// Says how it is.
    pub fn tell(&self, status: &HostStatus) {
        let json = serde_json::to_string(status).unwrap_or_default();
        // nobody can be told if the folder is gone
        if let Err(e) = write_whole(&self.path, &json) {
            tracing::debug!("{e}");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// How the user's host is; None if none runs.
pub fn host_status(folder: &IpcFolder) -> Result<Option<HostStatus>> {
    let Some(fd) = lock_file(folder, false)? else { return Ok(None) };
    match flock(&fd, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Ok(None),
        Err(Errno::AGAIN) => {}
        Err(e) => return Err(failed(e)),
    }
    let told = std::fs::read(folder.hidden("vcam.status")?).unwrap_or_default();
    // it may have just begun
    Ok(Some(serde_json::from_slice(&told).unwrap_or_default()))
}

fn lock_file(folder: &IpcFolder, make: bool) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let flags = if make { flags | OFlags::CREATE } else { flags };
    match open(folder.hidden("vcam.lock")?, flags, Mode::RUSR | Mode::WUSR) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) if !make => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

fn failed(errno: Errno) -> Error {
    Error::new(ErrorKind::Output, format!("the lock of the camera's host: {}", std::io::Error::from(errno)))
        .with_errno(errno.raw_os_error())
}
