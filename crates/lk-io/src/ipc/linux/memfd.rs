// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared by passing its descriptor on, and sealed, so that nobody can take it away.

use super::failed;
use crate::ipc::layout::{Layout, PAGE};
use crate::ipc::memory::Region;
use lk_media::{Error, ErrorKind, Result};
use memmap2::MmapOptions;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Shared memory, to be handed out.
pub(in crate::ipc) type Memory = OwnedFd;
/// The same, mapped.
pub(in crate::ipc) type Map = memmap2::MmapRaw;

/// Memory and the descriptor that others map it by.
pub(in crate::ipc) struct Shared {
    pub file: Memory,
    pub region: Region,
}

/// Memory for pictures: nobody but us can ever write it, and nobody can change its size.
pub(in crate::ipc) fn pictures(layout: &Layout) -> Result<Shared> {
    let file = sized("livekit-pictures", layout.len())?;
    let region = map(&file, true).map_err(no_memory)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).map_err(|e| {
        failed(ErrorKind::Output, "the shared memory cannot be sealed", e)
            .with_hint("this needs Linux 5.1 or newer")
    })?;
    Ok(Shared { file, region })
}

/// A page for a reader to write its leases to, and for us to read.
pub(in crate::ipc) fn lease_page() -> Result<Shared> {
    let file = sized("livekit-leases", PAGE)?;
    let region = map(&file, false).map_err(no_memory)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).map_err(no_memory)?;
    Ok(Shared { file, region })
}

/// Pictures that a writer has handed out, to be read.
pub(in crate::ipc) fn open_pictures(file: &Memory) -> Result<Region> {
    open(file, false)
}

/// The page of leases that a writer has handed out, to be written.
pub(in crate::ipc) fn open_leases(file: &Memory) -> Result<Region> {
    open(file, true)
}

fn open(file: &OwnedFd, writable: bool) -> Result<Region> {
    let refused =
        |why| Error::new(ErrorKind::Stream, format!("what the writer hands out is not ours to read: {why}"));
    // what can shrink could be taken away while we read it
    let needed = SealFlags::SHRINK | SealFlags::GROW;
    if !fcntl_get_seals(file).is_ok_and(|seals| seals.contains(needed)) {
        return Err(refused("it is not sealed memory"));
    }
    let size = fstat(file).map_err(|e| failed(ErrorKind::Stream, "shared memory", e))?.st_size;
    if !(PAGE as i64..=1 << 40).contains(&size) {
        return Err(refused("its size makes no sense"));
    }
    map(file, writable).map_err(|e| failed(ErrorKind::Stream, "the shared memory cannot be mapped", e))
}

fn sized(name: &str, len: usize) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // systems can insist on memory that cannot be executed; old ones do not know the word
    let made = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        made => made,
    };
    let file = made.map_err(no_memory)?;
    ftruncate(&file, len as u64).map_err(no_memory)?;
    Ok(file)
}

fn map(file: &OwnedFd, writable: bool) -> std::result::Result<Region, Errno> {
    let (options, file) = (MmapOptions::new(), file.as_fd().as_raw_fd());
    let map = if writable { options.map_raw(file) } else { options.map_raw_read_only(file) };
    map.map(Region::new).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::NOMEM))
}

fn no_memory(errno: Errno) -> Error {
    failed(ErrorKind::Output, "no shared memory can be had", errno)
}
