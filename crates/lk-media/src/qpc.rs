// SPDX-License-Identifier: GPL-2.0-or-later
//! Time on Windows: the performance counter, which all processes share, and CPU times.
#![allow(unsafe_code)] // calls of the system

use std::time::Duration;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, GetProcessTimes, GetThreadTimes,
};

const NANOS: i128 = 1_000_000_000;

/// Nanoseconds of the counter since its own zero.
pub(crate) fn now_nanos() -> i64 {
    let (mut count, mut frequency) = (0, 1);
    // SAFETY: both write one number; neither can fail since Windows XP.
    unsafe {
        QueryPerformanceCounter(&raw mut count);
        QueryPerformanceFrequency(&raw mut frequency);
    }
    (i128::from(count) * NANOS / i128::from(frequency.max(1))) as i64
}

/// The system's count of 100 nanoseconds.
fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

fn both(kernel: FILETIME, user: FILETIME) -> Duration {
    Duration::from_nanos((ticks(kernel) + ticks(user)) * 100)
}

const ZERO: FILETIME = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };

pub(crate) fn process_cpu_time() -> Duration {
    let (mut begun, mut ended, mut kernel, mut user) = (ZERO, ZERO, ZERO, ZERO);
    // SAFETY: the handle is that of this process and needs no closing; the four are written and no more.
    unsafe {
        let this = GetCurrentProcess();
        GetProcessTimes(this, &raw mut begun, &raw mut ended, &raw mut kernel, &raw mut user);
    }
    both(kernel, user)
}

pub(crate) fn thread_cpu_time() -> Duration {
    let (mut begun, mut ended, mut kernel, mut user) = (ZERO, ZERO, ZERO, ZERO);
    // SAFETY: the handle is that of this thread and needs no closing; the four are written and no more.
    unsafe {
        let this = GetCurrentThread();
        GetThreadTimes(this, &raw mut begun, &raw mut ended, &raw mut kernel, &raw mut user);
    }
    both(kernel, user)
}
