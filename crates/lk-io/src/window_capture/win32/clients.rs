// SPDX-License-Identifier: GPL-2.0-or-later
//! The windows of applications.
#![allow(unsafe_code)] // calls of the system

use crate::window_capture::WindowInfo;
use crate::window_capture::capturing::WindowState;
use lk_media::Size;
use std::path::Path;
use windows_sys::Win32::Foundation::{CloseHandle, HWND, LPARAM, RECT};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GW_OWNER, GWL_EXSTYLE, GetClientRect, GetWindow, GetWindowLongW, GetWindowTextW,
    GetWindowThreadProcessId, IsIconic, IsWindow, IsWindowVisible, WS_EX_TOOLWINDOW,
};
use windows_sys::core::BOOL;

/// The number of a window: 32 bits of it count, also in 64-bit programs.
fn number(window: HWND) -> u32 {
    window as usize as u32
}

/// The window with that number.
pub(crate) fn window(id: u32) -> HWND {
    id.cast_signed() as isize as HWND
}

/// The size of what is inside.
fn inside(window: HWND) -> Size {
    let mut area = RECT::default();
    // SAFETY: a structure of ours; a window that has gone leaves it as it is.
    unsafe { GetClientRect(window, &raw mut area) };
    Size::new(area.right.max(0).unsigned_abs(), area.bottom.max(0).unsigned_abs())
}

pub(crate) fn state(id: u32) -> WindowState {
    let window = window(id);
    // SAFETY: numbers of windows may be anything.
    unsafe {
        if IsWindow(window) == 0 || IsWindowVisible(window) == 0 {
            WindowState::Gone
        } else if IsIconic(window) != 0 {
            WindowState::Iconified
        } else {
            WindowState::Shown(inside(window))
        }
    }
}

/// All of them, those that were opened first first, as far as that is known: numbers grow.
pub(crate) fn windows() -> Vec<WindowInfo> {
    unsafe extern "system" fn note(window: HWND, list: LPARAM) -> BOOL {
        // SAFETY: the list that is handed over below, which nobody else has meanwhile.
        unsafe { (*(list as *mut Vec<HWND>)).push(window) };
        1
    }
    let mut all: Vec<HWND> = Vec::new();
    // SAFETY: the list lives through the call, which hands it to `note` alone.
    unsafe { EnumWindows(Some(note), &raw mut all as LPARAM) };
    let mut known: Vec<WindowInfo> = all.into_iter().filter_map(about).collect();
    known.sort_by_key(|window| window.id);
    known
}

/// A window, if it is one of an application's: seen, titled, and no part of another.
fn about(window: HWND) -> Option<WindowInfo> {
    let mut text = [0_u16; 512];
    // SAFETY: asks about a window, which may have gone; no more is written than there is room for.
    let (title, process) = unsafe {
        let is_tool = GetWindowLongW(window, GWL_EXSTYLE).cast_unsigned() & WS_EX_TOOLWINDOW != 0;
        if IsWindowVisible(window) == 0 || is_tool || !GetWindow(window, GW_OWNER).is_null() {
            return None;
        }
        let len = GetWindowTextW(window, text.as_mut_ptr(), text.len() as i32);
        let mut process = 0;
        GetWindowThreadProcessId(window, &raw mut process);
        (String::from_utf16_lossy(&text[..usize::try_from(len).unwrap_or(0)]), process)
    };
    (!title.is_empty()).then(|| WindowInfo {
        title,
        application: application(process).unwrap_or_default(),
        pid: Some(process),
        size: inside(window),
        id: number(window),
    })
}

/// The name of a process's program, without the folder and the ending.
fn application(process: u32) -> Option<String> {
    let mut path = [0_u16; 1024];
    let mut len = path.len() as u32;
    // SAFETY: the handle is closed here; no more is written than there is room for.
    let known = unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process);
        if handle.is_null() {
            return None;
        }
        let known = QueryFullProcessImageNameW(handle, PROCESS_NAME_WIN32, path.as_mut_ptr(), &raw mut len);
        CloseHandle(handle);
        known
    };
    let path = String::from_utf16_lossy(&path[..(len as usize).min(1024)]);
    let stem = Path::new(&path).file_stem()?.to_string_lossy().into_owned();
    (known != 0).then_some(stem)
}
