// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared by its name. Its size is fixed, and it stays for as long as anybody has it open.
#![allow(unsafe_code)] // mapping memory

use super::object::{owned, unique, wide};
use super::{PREFIX, failed};
use crate::ipc::layout::{Layout, PAGE};
use crate::ipc::memory::Region;
use lk_media::{Error, ErrorKind, Result};
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr::{NonNull, null};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, GetLastError, INVALID_HANDLE_VALUE, SetLastError,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_BASIC_INFORMATION,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
    VirtualQuery,
};

/// Shared memory, mapped.
pub(in crate::ipc) struct Map {
    address: NonNull<u8>,
    len: usize,
    /// Of memory that others are to find: its name lasts for as long as a handle, not for as long as it is mapped.
    _named: Option<OwnedHandle>,
}

// SAFETY: the memory is mapped for as long as the value lives; who may reach which bytes is `Region`'s affair.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    fn of(handle: &OwnedHandle, access: FILE_MAP) -> io::Result<Self> {
        // SAFETY: an open mapping, all of it, at an address that the system chooses.
        let view = unsafe { MapViewOfFile(handle.as_raw_handle(), access, 0, 0, 0) };
        let Some(address) = NonNull::new(view.Value.cast()) else { return Err(io::Error::last_os_error()) };
        let mut map = Self { address, len: 0, _named: None };
        let mut about = MEMORY_BASIC_INFORMATION::default();
        // SAFETY: the address was just mapped, and the structure is as long as is said.
        let known = unsafe { VirtualQuery(view.Value, &raw mut about, size_of_val(&about)) };
        if known == 0 {
            return Err(io::Error::last_os_error());
        }
        map.len = about.RegionSize;
        Ok(map)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn as_ptr(&self) -> *const u8 {
        self.address.as_ptr()
    }

    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.address.as_ptr().cast() };
        // SAFETY: mapped by `of`, and nothing refers to it any more.
        unsafe { UnmapViewOfFile(view) };
    }
}

/// Makes memory of a name, or opens what has it; whether it was there already.
pub(super) fn named(name: &str, len: usize) -> io::Result<(OwnedHandle, Map, bool)> {
    let name = wide(name);
    let (high, low) = ((len as u64 >> 32) as u32, len as u32);
    // SAFETY: memory of the system's; the name ends in a zero and lives through the call.
    let handle = unsafe {
        SetLastError(0);
        CreateFileMappingW(INVALID_HANDLE_VALUE, null(), PAGE_READWRITE, high, low, name.as_ptr())
    };
    // SAFETY: reads a number of this thread's.
    let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
    let handle = owned(handle)?;
    let map = Map::of(&handle, FILE_MAP_READ | FILE_MAP_WRITE)?;
    Ok((handle, map, existed))
}

/// Opens the memory of a name.
pub(super) fn open(name: &str, writable: bool) -> io::Result<Map> {
    let name = wide(name);
    let access = if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
    // SAFETY: the name ends in a zero and lives through the call.
    let handle = owned(unsafe { OpenFileMappingW(access, 0, name.as_ptr()) })?;
    Map::of(&handle, access)
}

/// Shared memory: the number that its name has.
pub(in crate::ipc) struct Memory {
    pub(super) id: u64,
}

impl Memory {
    /// What has that number.
    pub(super) fn of(id: u64) -> Self {
        Self { id }
    }

    fn name(id: u64) -> String {
        format!("{PREFIX}memory.{id:016x}")
    }
}

/// Memory, and what others find it by.
pub(in crate::ipc) struct Shared {
    pub file: Memory,
    pub region: Region,
}

fn fresh(len: usize) -> Result<Shared> {
    loop {
        let id = unique();
        let made = named(&Memory::name(id), len)
            .map_err(|e| failed(ErrorKind::Output, "no shared memory can be had", &e))?;
        // a reader still has the memory of a process that had our number
        if let (handle, mut map, false) = made {
            map._named = Some(handle);
            return Ok(Shared { file: Memory { id }, region: Region::new(map) });
        }
    }
}

/// Memory for pictures.
pub(in crate::ipc) fn pictures(layout: &Layout) -> Result<Shared> {
    fresh(layout.len())
}

/// A page for a reader to write its leases to.
pub(in crate::ipc) fn lease_page() -> Result<Shared> {
    fresh(PAGE)
}

/// Pictures that a writer has handed out, to be read: the mapping does not let us write them.
pub(in crate::ipc) fn open_pictures(memory: &Memory) -> Result<Region> {
    open(&Memory::name(memory.id), false).map(Region::new).map_err(|e| refused(&e))
}

/// The page of leases that a writer has handed out, to be written.
pub(in crate::ipc) fn open_leases(memory: &Memory) -> Result<Region> {
    open(&Memory::name(memory.id), true).map(Region::new).map_err(|e| refused(&e))
}

fn refused(error: &io::Error) -> Error {
    failed(ErrorKind::Stream, "the shared memory cannot be mapped", error)
}
