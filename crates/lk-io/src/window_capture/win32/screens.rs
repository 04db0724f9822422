// SPDX-License-Identifier: GPL-2.0-or-later
//! Where screens and windows lie.
#![allow(unsafe_code)] // calls of the system

use super::clients;
use crate::window_capture::areas::Area;
use lk_media::Size;
use std::ffi::c_void;
use windows_sys::Win32::Foundation::{HWND, LPARAM, POINT, RECT};
use windows_sys::Win32::Graphics::Gdi::{
    ClientToScreen, EnumDisplayMonitors, GetMonitorInfoW, HDC, HMONITOR, MONITORINFO,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    GetClientRect, GetSystemMetrics, GetWindowRect, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN,
    SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN,
};
use windows_sys::core::{BOOL, HRESULT};

fn area_of(edges: RECT) -> Area {
    Area::between(edges.left, edges.top, edges.right, edges.bottom)
}

/// All screens together.
pub(crate) fn desktop() -> Area {
    // SAFETY: numbers for numbers.
    let [x, y, width, height] =
        [SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN]
            .map(|which| unsafe { GetSystemMetrics(which) });
    Area { x, y, size: Size::new(width.max(0).unsigned_abs(), height.max(0).unsigned_abs()) }
}

/// The screens one by one: the system's handle of each, and where it stands.
pub(crate) fn screens() -> Vec<(isize, Area)> {
    unsafe extern "system" fn note(screen: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
        let mut about = MONITORINFO { cbSize: size_of::<MONITORINFO>() as u32, ..MONITORINFO::default() };
        // SAFETY: the list that is handed over below, which nobody else has meanwhile, and a structure of ours.
        unsafe {
            if GetMonitorInfoW(screen, &raw mut about) != 0 {
                (*(list as *mut Vec<(isize, Area)>)).push((screen as isize, area_of(about.rcMonitor)));
            }
        }
        1
    }
    let mut all: Vec<(isize, Area)> = Vec::new();
    // SAFETY: the list lives through the call, which hands it to `note` alone.
    unsafe {
        EnumDisplayMonitors(std::ptr::null_mut(), std::ptr::null(), Some(note), &raw mut all as LPARAM)
    };
    all
}

/// A window with its frame, as far as it is seen; what casts a shadow around it is not. None if it has gone.
pub(crate) fn frame_of(id: u32) -> Option<Area> {
    const DWMWA_EXTENDED_FRAME_BOUNDS: u32 = 9;
    type GetAttribute = unsafe extern "system" fn(HWND, u32, *mut c_void, u32) -> HRESULT;
    let window = clients::window(id);
    let mut edges = RECT::default();
    if let Some(library) = system_library("dwmapi.dll") {
        // SAFETY: the function is as the system declares it, and writes a structure of ours of that size.
        let known = unsafe {
            library.get::<GetAttribute>(b"DwmGetWindowAttribute\0").is_ok_and(|ask| {
                let size = size_of::<RECT>() as u32;
                ask(window, DWMWA_EXTENDED_FRAME_BOUNDS, (&raw mut edges).cast(), size) >= 0
            })
        };
        if known {
            return Some(area_of(edges));
        }
    }
    // SAFETY: a structure of ours; numbers of windows may be anything.
    (unsafe { GetWindowRect(window, &raw mut edges) } != 0).then(|| area_of(edges))
}

/// The inside of a window. None if it has gone.
pub(crate) fn inside_of(id: u32) -> Option<Area> {
    let window = clients::window(id);
    let (mut inside, mut corner) = (RECT::default(), POINT { x: 0, y: 0 });
    // SAFETY: structures of ours; numbers of windows may be anything.
    let known = unsafe {
        GetClientRect(window, &raw mut inside) != 0 && ClientToScreen(window, &raw mut corner) != 0
    };
    known.then(|| {
        let (right, bottom) = (corner.x.saturating_add(inside.right), corner.y.saturating_add(inside.bottom));
        Area::between(corner.x, corner.y, right, bottom)
    })
}

/// A library of the system's that is not linked. It stays loaded while this lives.
pub(crate) fn system_library(name: &str) -> Option<libloading::os::windows::Library> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_SYSTEM32, Library};
    // SAFETY: libraries of the system's may be loaded at any time.
    unsafe { Library::load_with_flags(name, LOAD_LIBRARY_SEARCH_SYSTEM32) }.ok()
}
