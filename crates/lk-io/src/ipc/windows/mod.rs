// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows: memory is a named file mapping, a page beside it says who writes and who reads (`door`), and events wake
//! either side. Names of all objects begin with `Local\LiveKit.`: they belong to the user's session.

mod connection;
mod door;
mod folder;
mod mapping;
mod object;

pub(in crate::ipc) use connection::{Connection, Received};
pub(in crate::ipc) use folder::{Folder, Listener, Reached, Watch};
pub(in crate::ipc) use mapping::{Map, Memory, Shared, lease_page, open_leases, open_pictures, pictures};
pub(in crate::ipc) use object::{Bell, wait};

use lk_media::{Error, ErrorKind};
use std::io;

/// Something that can be waited for.
pub(in crate::ipc) type Waited<'a> = std::os::windows::io::BorrowedHandle<'a>;

/// The most readers at a time: two handles each, and a few more, are what can be waited for at once.
pub(in crate::ipc) const MAX_READERS: usize = 30;

/// What the names of objects begin with.
const PREFIX: &str = r"Local\LiveKit.";

/// What the system said of `doing`.
fn failed(kind: ErrorKind, doing: impl std::fmt::Display, error: &io::Error) -> Error {
    Error::new(kind, format!("{doing}: {error}"))
}
