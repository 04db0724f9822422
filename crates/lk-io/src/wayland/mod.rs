// SPDX-License-Identifier: GPL-2.0-or-later
//! What captures need of Wayland, spoken in Rust over the compositor's socket: no library is linked or loaded, and a
//! compositor that dies is an error like any other.

mod shared;

pub(crate) use shared::{Memory, SharedPictures, Shm};

use crate::bell::Bell;
use crate::desktop::variable;
use lk_media::{Error, ErrorKind, Result};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wayland_client::backend::WaylandError;
use wayland_client::{ConnectError, Connection, DispatchError, EventQueue};

/// Opens the display called `name` (None: the one WAYLAND_DISPLAY names).
pub(crate) fn open(name: Option<&str>) -> Result<Connection> {
    let path = path_of(name)?;
    let failed = |e: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Display,
            format!("the Wayland display {} cannot be opened: {e}", path.display()),
        )
        .with_hint("run in a desktop session; WAYLAND_DISPLAY names its socket in XDG_RUNTIME_DIR")
    };
    let stream = UnixStream::connect(&path).map_err(|e| failed(&e))?;
    Connection::from_socket(stream).map_err(|e: ConnectError| failed(&e))
}

fn path_of(name: Option<&str>) -> Result<PathBuf> {
    let missing = |what: &str| {
        Error::new(ErrorKind::Display, format!("there is no Wayland display: {what} is not set"))
            .with_hint("run in a desktop session")
    };
    let name = match name {
        Some(name) => PathBuf::from(name),
        None => variable("WAYLAND_DISPLAY").ok_or_else(|| missing("WAYLAND_DISPLAY"))?.into(),
    };
    if name.is_absolute() {
        return Ok(name);
    }
    let folder = variable("XDG_RUNTIME_DIR").ok_or_else(|| missing("XDG_RUNTIME_DIR"))?;
    Ok(Path::new(&folder).join(name))
}

/// Sends what was asked, and waits until the compositor has something to say, `bell` rings, or `limit` has passed.
/// What it said is in the queue then.
pub(crate) fn wait<S>(queue: &mut EventQueue<S>, bell: &Bell, limit: Option<Duration>) -> Result<()> {
    match queue.flush() {
        Ok(()) => {}
        // it is behind: what was asked is sent when it reads again
        Err(WaylandError::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => {}
        Err(e) => return Err(lost(e)),
    }
    let Some(reading) = queue.prepare_read() else { return Ok(()) };
    if !bell.wait_beside(reading.connection_fd().as_fd(), limit)? {
        return Ok(());
    }
    match reading.read() {
        Ok(_) => Ok(()),
        Err(WaylandError::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(e) => Err(lost(e)),
    }
}

/// Waits until the compositor has done what it was asked before.
pub(crate) fn roundtrip<S: 'static>(queue: &mut EventQueue<S>, state: &mut S) -> Result<()> {
    queue.roundtrip(state).map(drop).map_err(lost_in)
}

/// Hears what is in the queue.
pub(crate) fn dispatch<S: 'static>(queue: &mut EventQueue<S>, state: &mut S) -> Result<()> {
    queue.dispatch_pending(state).map(drop).map_err(lost_in)
}

fn lost_in(error: DispatchError) -> Error {
    lost(error)
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let error = Error::new(ErrorKind::Display, "the Wayland display went away").with_source(error);
    error.with_hint("what shows nothing on it goes on; open it again once there is a display")
}
