// SPDX-License-Identifier: GPL-2.0-or-later
//! A bell that wakes a thread that waits for its windows: Windows.
#![allow(unsafe_code)] // calls of the system

use lk_media::{Error, Result};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null;
use std::time::Duration;
use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent, WaitForSingleObject};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    MWMO_INPUTAVAILABLE, MsgWaitForMultipleObjectsEx, QS_ALLINPUT,
};

/// Rung by others to wake a thread that waits for its windows.
pub(crate) struct Bell(OwnedHandle);

fn millis(limit: Duration) -> u32 {
    u32::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(3_600_000).min(3_600_000)
}

impl Bell {
    pub fn new() -> Result<Self> {
        // SAFETY: no pointers are handed over.
        let handle = unsafe { CreateEventW(null(), 0, 0, null()) };
        if handle.is_null() {
            let error = std::io::Error::last_os_error();
            return Err(Error::internal("cannot make an event").with_source(error));
        }
        // SAFETY: just made for us, and nobody else closes it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub fn ring(&self) {
        // SAFETY: an event of ours.
        unsafe { SetEvent(self.0.as_raw_handle()) };
    }

    /// Waits for it, at most `limit`.
    pub fn wait(&self, limit: Duration) {
        // SAFETY: an event of ours.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), millis(limit)) };
    }

    /// Waits for it or for a message to a window of this thread's, at most `limit`.
    pub fn wait_beside_messages(&self, limit: Duration) {
        let handle = self.0.as_raw_handle();
        // SAFETY: one handle, an event of ours.
        unsafe {
            MsgWaitForMultipleObjectsEx(
                1,
                &raw const handle,
                millis(limit),
                QS_ALLINPUT,
                MWMO_INPUTAVAILABLE,
            );
        }
    }
}
