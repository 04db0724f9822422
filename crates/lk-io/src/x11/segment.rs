// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared with the X server: a memory file, mapped here and handed over by its descriptor.
#![allow(unsafe_code)] // mapping memory

use super::FromX;
use lk_media::{Error, ErrorKind, Result};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use x11rb::connection::Connection;
use x11rb::protocol::shm;
use x11rb::rust_connection::RustConnection;

/// Shared memory. The server writes and reads it only when it is asked to.
pub(crate) struct Segment {
    address: NonNull<u8>,
    len: usize,
    file: OwnedFd,
}

// SAFETY: the memory is mapped for as long as the value lives and belongs to it; access goes by Rust's borrows.
unsafe impl Send for Segment {}
// SAFETY: as above; through a shared reference it is only read.
unsafe impl Sync for Segment {}

impl Segment {
    pub fn new(len: usize) -> Result<Self> {
        let failed = |e: rustix::io::Errno| {
            Error::new(ErrorKind::Memory, format!("no {len} bytes to share with the display")).with_source(e)
        };
        let file = memfd_create("livekit-x11", MemfdFlags::CLOEXEC).map_err(failed)?;
        ftruncate(&file, len as u64).map_err(failed)?;
        // SAFETY: a new mapping of a file of `len` bytes at an address the system chooses.
        let address = unsafe {
            mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)
        }
        .map_err(failed)?;
        let address = NonNull::new(address.cast()).ok_or_else(|| Error::internal("memory mapped at zero"))?;
        Ok(Self { address, len, file })
    }

    /// Hands it to the server, which knows it by the name that comes back.
    pub fn attach(&self, conn: &RustConnection) -> Result<shm::Seg> {
        let id = conn.generate_id().map_err(Error::from_x)?;
        let file =
            self.file.try_clone().map_err(|e| Error::internal("no file descriptors left").with_source(e))?;
        shm::attach_fd(conn, id, file, false).map_err(Error::from_x)?.check().map_err(Error::from_x)?;
        Ok(id)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped and `len` long; whoever holds it has not asked the server to write meanwhile.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.len) }
    }

    /// Its bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the exclusive borrow is passed on.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.len) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` at this address with this length, and nothing refers to it any more.
        let unmapped = unsafe { munmap(self.address.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Takes a segment's name from the server.
pub(crate) fn detach(conn: &RustConnection, id: shm::Seg) {
    // an error here is a connection that is gone, and the name with it
    if let Ok(done) = shm::detach(conn, id) {
        done.ignore_error();
    }
}
