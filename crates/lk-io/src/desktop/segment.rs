// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared with a display: a memory file, mapped here and handed over by its descriptor.
#![allow(unsafe_code)] // mapping memory

use lk_media::{Error, ErrorKind, Result};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

/// Shared memory. The display writes and reads it only when it is asked to.
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
        let file = memfd_create("livekit-display", MemfdFlags::CLOEXEC).map_err(failed)?;
        ftruncate(&file, len as u64).map_err(failed)?;
        // SAFETY: a new mapping of a file of `len` bytes at an address the system chooses.
        let address = unsafe {
            mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)
        }
        .map_err(failed)?;
        let address = NonNull::new(address.cast()).ok_or_else(|| Error::internal("memory mapped at zero"))?;
        Ok(Self { address, len, file })
    }

    /// The file, for whoever it is shared with.
    pub fn file(&self) -> Result<OwnedFd> {
        self.file.try_clone().map_err(|e| Error::internal("no file descriptors left").with_source(e))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped and `len` long; whoever holds it has not asked the display to write meanwhile.
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
