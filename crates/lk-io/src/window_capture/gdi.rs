// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures on Windows by GDI: what a window or the screen shows is copied at the rate that was asked for, and is a frame
//! where it has changed.
#![allow(unsafe_code)] // calls of the system

use super::areas::Area;
use super::capturing::{Eye, Origin, WindowState};
use super::changes::{BYTES, Changes};
use super::win32::{clients, screens};
use super::{Shared, WindowInfo};
use lk_media::{Error, ErrorKind, Frame, Result, Size, Timestamp};
use std::ptr::{null_mut, slice_from_raw_parts};
use std::sync::Arc;
use windows_sys::Win32::Foundation::POINT;
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, ClientToScreen, CreateCompatibleDC,
    CreateDIBSection, DIB_RGB_COLORS, DeleteDC, DeleteObject, GdiFlush, GetDC, HBITMAP, HDC, ReleaseDC,
    SRCCOPY, SelectObject,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, DI_NORMAL, DrawIconEx, GetCursorInfo, GetIconInfo, ICONINFO,
};

/// Copies pictures.
pub(super) struct Gdi {
    cursor: bool,
    canvas: Option<Canvas>,
    changes: Changes,
}

impl Eye for Gdi {
    fn open(shared: &Arc<Shared>) -> Result<Self> {
        Ok(Self { cursor: shared.options.cursor, canvas: None, changes: Changes::default() })
    }

    fn windows(&self) -> Vec<WindowInfo> {
        clients::windows()
    }

    fn window_state(&self, window: u32) -> WindowState {
        clients::state(window)
    }

    fn desktop(&self) -> Area {
        screens::desktop()
    }

    fn has_news(&self) -> bool {
        // it is not told
        true
    }

    fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
        let size = origin.size();
        let canvas = match self.canvas.take().filter(|canvas| canvas.size == size) {
            Some(canvas) => self.canvas.insert(canvas),
            None => self.canvas.insert(Canvas::new(size)?),
        };
        if !canvas.copy(origin) {
            return Ok(None);
        }
        if self.cursor {
            canvas.draw_pointer(origin);
        }
        self.changes.frame(canvas.bytes(), size.width as usize * BYTES, size, now)
    }

    fn forget(&mut self) {
        self.changes.forget();
    }
}

/// The window, and the corner of what is copied.
fn place(origin: &Origin) -> (Option<u32>, i32, i32) {
    match *origin {
        Origin::Window(id, _) => (Some(id), 0, 0),
        Origin::Desktop(area) => (None, area.x, area.y),
    }
}

/// Memory that GDI draws into, rows from the top.
struct Canvas {
    context: HDC,
    bitmap: HBITMAP,
    bits: *mut u8,
    size: Size,
}

// SAFETY: made and used on one thread after the other, never on two at a time.
unsafe impl Send for Canvas {}

impl Canvas {
    fn new(size: Size) -> Result<Self> {
        let failed =
            || Error::new(ErrorKind::Memory, format!("no memory for a picture of the screen of {size}"));
        let about = BITMAPINFO {
            bmiHeader: BITMAPINFOHEADER {
                biSize: size_of::<BITMAPINFOHEADER>() as u32,
                biWidth: size.width as i32,
                biHeight: -(size.height as i32),
                biPlanes: 1,
                biBitCount: 32,
                biCompression: BI_RGB,
                ..BITMAPINFOHEADER::default()
            },
            ..BITMAPINFO::default()
        };
        let mut bits = null_mut();
        // SAFETY: structures of ours; what is made is given back at the end.
        unsafe {
            let context = CreateCompatibleDC(null_mut());
            let bitmap =
                CreateDIBSection(context, &raw const about, DIB_RGB_COLORS, &raw mut bits, null_mut(), 0);
            if bitmap.is_null() || bits.is_null() {
                DeleteDC(context);
                return Err(failed());
            }
            SelectObject(context, bitmap);
            Ok(Self { context, bitmap, bits: bits.cast(), size })
        }
    }

    /// Copies what is there; false if it has gone.
    fn copy(&mut self, origin: &Origin) -> bool {
        let (window, x, y) = place(origin);
        let window = window.map_or(null_mut(), clients::window);
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        // SAFETY: a context of the window's or the screen's, which is given back, and one of ours of that size.
        unsafe {
            let from = GetDC(window);
            if from.is_null() {
                return false;
            }
            let how = if window.is_null() { SRCCOPY | CAPTUREBLT } else { SRCCOPY };
            let copied = BitBlt(self.context, 0, 0, width, height, from, x, y, how);
            GdiFlush();
            ReleaseDC(window, from);
            copied != 0
        }
    }

    fn draw_pointer(&mut self, origin: &Origin) {
        let mut pointer = CURSORINFO { cbSize: size_of::<CURSORINFO>() as u32, ..CURSORINFO::default() };
        let mut about = ICONINFO::default();
        let mut corner = POINT { x: 0, y: 0 };
        let (window, left, top) = place(origin);
        // SAFETY: structures of ours; the bitmaps of a pointer's description are given back.
        unsafe {
            if GetCursorInfo(&raw mut pointer) == 0 || pointer.flags & CURSOR_SHOWING == 0 {
                return;
            }
            if GetIconInfo(pointer.hCursor, &raw mut about) != 0 {
                DeleteObject(about.hbmMask);
                DeleteObject(about.hbmColor);
            }
            if let Some(id) = window {
                ClientToScreen(clients::window(id), &raw mut corner);
            }
            let x = pointer.ptScreenPos.x - about.xHotspot as i32 - corner.x - left;
            let y = pointer.ptScreenPos.y - about.yHotspot as i32 - corner.y - top;
            DrawIconEx(self.context, x, y, pointer.hCursor, 0, 0, 0, null_mut(), DI_NORMAL);
            GdiFlush();
        }
    }

    fn bytes(&self) -> &[u8] {
        let len = self.size.width as usize * self.size.height as usize * BYTES;
        // SAFETY: the bitmap has as many bytes, and is drawn to but by `&mut self`.
        unsafe { &*slice_from_raw_parts(self.bits, len) }
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: made by `new`; the bitmap goes after the context that has it.
        unsafe {
            DeleteDC(self.context);
            DeleteObject(self.bitmap);
        }
    }
}
