// SPDX-License-Identifier: GPL-2.0-or-later
//! COM on a thread of ours.
#![allow(unsafe_code)] // calls of the system

use windows::Win32::Foundation::RPC_E_CHANGED_MODE;
use windows::Win32::System::Com::{COINIT_MULTITHREADED, CoInitializeEx, CoUninitialize};

/// COM, ready for this thread for as long as this lives.
pub(crate) struct Com {
    entered: bool,
}

impl Com {
    pub fn enter() -> Self {
        // SAFETY: no pointers. A thread that has entered it in another way is as good, and is not left here.
        let entered = unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) };
        Self { entered: entered != RPC_E_CHANGED_MODE && entered.is_ok() }
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        if self.entered {
            // SAFETY: entered by this thread, whose objects are gone: this is dropped last.
            unsafe { CoUninitialize() };
        }
    }
}
