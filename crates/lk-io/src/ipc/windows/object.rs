// SPDX-License-Identifier: GPL-2.0-or-later
//! Objects of the system that can be waited for: events and processes.
#![allow(unsafe_code)] // calls of the system

use super::{Waited, failed};
use lk_media::{ErrorKind, Result};
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, FILETIME, GetLastError, HANDLE, SetLastError, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::SYNCHRONIZE;
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, GetCurrentProcess, GetProcessTimes, INFINITE, OpenEventW, OpenProcess,
    PROCESS_QUERY_LIMITED_INFORMATION, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
};

/// The most handles that can be waited for.
const MAX_HANDLES: usize = 64;

/// Text as the system takes it.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Takes a handle that a call has just given; an error if it gave none.
pub(super) fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle that was just made for us, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Whether an error says that there is no such object.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// A number that no other object of a process that lives has.
pub(super) fn unique() -> u64 {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    u64::from(std::process::id()) << 32 | u64::from(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Something that one side sets and the other waits for.
pub(super) struct Event(OwnedHandle);

impl Event {
    /// Makes an event, with a name or without; and whether one of that name was there already. A manual one stays set,
    /// others until one wait has seen it.
    pub fn create(name: Option<&str>, manual: bool) -> io::Result<(Self, bool)> {
        let name = name.map(wide);
        let pointer = name.as_ref().map_or(null(), Vec::as_ptr);
        // SAFETY: the name, if any, ends in a zero and lives through the call; no other pointers.
        let handle = unsafe {
            SetLastError(0);
            CreateEventW(null(), i32::from(manual), 0, pointer)
        };
        // SAFETY: reads a number of this thread's.
        let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
        Ok((Self(owned(handle)?), existed))
    }

    /// The event of that name.
    pub fn open(name: &str) -> io::Result<Self> {
        let name = wide(name);
        // SAFETY: the name ends in a zero and lives through the call.
        owned(unsafe { OpenEventW(SYNCHRONIZE | EVENT_MODIFY_STATE, 0, name.as_ptr()) }).map(Self)
    }

    /// Sets it. Nothing is waited for.
    pub fn set(&self) {
        // SAFETY: a handle of ours to an event, which is all this needs.
        if unsafe { SetEvent(self.0.as_raw_handle()) } == 0 {
            tracing::debug!("an event cannot be set: {}", io::Error::last_os_error());
        }
    }

    pub fn waited(&self) -> Waited<'_> {
        self.0.as_handle()
    }

    /// Whether it is set now; one that is not manual is so no more.
    pub fn is_set(&self) -> bool {
        is_signalled(self.waited())
    }
}

/// Whether a wait for it would end at once.
pub(super) fn is_signalled(handle: Waited<'_>) -> bool {
    // SAFETY: an open handle; does not wait.
    unsafe { WaitForSingleObject(handle.as_raw_handle(), 0) == WAIT_OBJECT_0 }
}

/// Ends a [`wait`] from another thread.
pub(in crate::ipc) struct Bell(Event);

impl Bell {
    pub fn new(kind: ErrorKind) -> Result<Self> {
        Event::create(None, true).map(|(event, _)| Self(event)).map_err(|e| failed(kind, "a bell", &e))
    }

    /// Rings for good.
    pub fn ring(&self) {
        self.0.set();
    }

    pub fn waited(&self) -> Waited<'_> {
        self.0.waited()
    }
}

/// A process, and when it began: numbers of processes are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub process: u32,
    pub begun: u64,
}

fn begun(process: HANDLE) -> u64 {
    const ZERO: FILETIME = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut begun, mut ended, mut kernel, mut user) = (ZERO, ZERO, ZERO, ZERO);
    // SAFETY: an open handle to a process; the four are written and no more.
    unsafe { GetProcessTimes(process, &raw mut begun, &raw mut ended, &raw mut kernel, &raw mut user) };
    u64::from(begun.dwHighDateTime) << 32 | u64::from(begun.dwLowDateTime)
}

impl Who {
    pub fn we() -> Self {
        // SAFETY: the handle is that of this process and needs no closing.
        Self { process: std::process::id(), begun: begun(unsafe { GetCurrentProcess() }) }
    }

    /// A handle to wait for its end by. `Err` if it has ended already, `Ok(None)` if it may not be watched.
    pub fn watch(self) -> std::result::Result<Option<OwnedHandle>, ()> {
        // SAFETY: no pointers are handed over.
        let handle =
            owned(unsafe { OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, 0, self.process) });
        match handle {
            Ok(handle) if begun(handle.as_raw_handle()) != self.begun || is_signalled(handle.as_handle()) => {
                Err(())
            }
            Ok(handle) => Ok(Some(handle)),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(_) => Err(()),
        }
    }
}

/// Waits until one of `waited` is set or has ended, at most `limit`; which of them are.
pub(in crate::ipc) fn wait(waited: &[Waited<'_>], limit: Option<Duration>) -> Vec<bool> {
    // the same handle twice is an error
    let mut handles: Vec<HANDLE> = Vec::with_capacity(waited.len());
    let place: Vec<usize> = waited
        .iter()
        .map(|handle| {
            let handle = handle.as_raw_handle();
            handles.iter().position(|known| *known == handle).unwrap_or_else(|| {
                handles.push(handle);
                handles.len() - 1
            })
        })
        .collect();
    let count = handles.len().min(MAX_HANDLES);
    // a wait is never shorter than asked for, but for the longest
    let millis = limit.map_or(INFINITE, |limit| {
        u32::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1).min(INFINITE - 1)
    });
    // SAFETY: `count` open handles, borrowed for as long as this takes.
    let first = unsafe { WaitForMultipleObjects(count as u32, handles.as_ptr(), 0, millis) };
    let first = first.checked_sub(WAIT_OBJECT_0).map(|index| index as usize).filter(|index| *index < count);
    let ready: Vec<bool> = (0..handles.len())
        .map(|index| {
            // SAFETY: as above; does not wait. The first has been seen already, which sets some events back.
            Some(index) == first || unsafe { WaitForSingleObject(handles[index], 0) } == WAIT_OBJECT_0
        })
        .collect();
    place.into_iter().map(|index| ready[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_tell_who_is_ready_and_take_handles_twice() {
        let (quiet, _) = Event::create(None, false).unwrap();
        let (set, _) = Event::create(None, false).unwrap();
        set.set();
        let all = [quiet.waited(), set.waited(), quiet.waited(), set.waited()];
        assert_eq!(wait(&all, None), [false, true, false, true]);
        assert_eq!(wait(&all, Some(Duration::from_millis(1))), [false; 4]);
    }

    #[test]
    fn we_live() {
        assert!(Who::we().watch().is_ok_and(|handle| handle.is_some()));
        let another = Who { begun: 1, ..Who::we() };
        assert!(another.watch().is_err(), "the number is that of a later process");
    }
}
