// SPDX-License-Identifier: GPL-2.0-or-later
//! Linux: names are Unix sockets in the user's runtime folder, memory is a sealed memfd, and who is at the other end
//! is known by the kernel.

mod folder;
mod memfd;
mod peer;
mod socket;

pub(in crate::ipc) use folder::{Folder, Listener, Reached, Watch};
pub(in crate::ipc) use memfd::{Map, Memory, Shared, lease_page, open_leases, open_pictures, pictures};
pub(in crate::ipc) use socket::{Bell, Connection, Received, wait};

use lk_media::{Error, ErrorKind};
use rustix::io::Errno;

/// Something that can be waited for.
pub(in crate::ipc) type Waited<'a> = std::os::fd::BorrowedFd<'a>;

/// The most readers at a time.
pub(in crate::ipc) const MAX_READERS: usize = 64;

/// What the system said of `doing`, with a way out where there is one.
fn failed(kind: ErrorKind, doing: impl std::fmt::Display, errno: Errno) -> Error {
    let error = Error::new(kind, format!("{doing}: {}", std::io::Error::from(errno)))
        .with_errno(errno.raw_os_error());
    match errno {
        Errno::MFILE => {
            error.with_hint("this process has too many files open: raise ulimit -n, or close some")
        }
        Errno::NFILE => error.with_hint("the system has too many files open"),
        Errno::NOMEM => error.with_hint("the system has too little memory left"),
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            error.with_hint("set XDG_RUNTIME_DIR to a folder of yours that nobody else can write to")
        }
        Errno::NOENT => error.with_hint("XDG_RUNTIME_DIR must name a folder that is there"),
        Errno::PROTOTYPE => error.with_hint("another kind of program listens there: use another name"),
        _ => error,
    }
}
