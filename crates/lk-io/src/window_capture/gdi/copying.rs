// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures of what is on the screen.

use super::clients;
use lk_media::{
    AlphaKind, Error, ErrorKind, Frame, FramePool, FrameSpec, PixelFormat, Result, Size, Timestamp,
};
use std::ptr::{null_mut, slice_from_raw_parts};
use windows_sys::Win32::Foundation::POINT;
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, ClientToScreen, CreateCompatibleDC,
    CreateDIBSection, DIB_RGB_COLORS, DeleteDC, DeleteObject, GdiFlush, GetDC, HBITMAP, HDC, ReleaseDC,
    SRCCOPY, SelectObject,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, DI_NORMAL, DrawIconEx, GetCursorInfo, GetIconInfo, ICONINFO,
};

const BYTES: usize = 4;

/// What is copied: a part of a window's inside, or of the screen.
pub(super) struct Origin {
    pub window: Option<u32>,
    pub x: i32,
    pub y: i32,
    pub size: Size,
}

/// Copies pictures, and remembers the last.
pub(super) struct Copying {
    cursor: bool,
    canvas: Option<Canvas>,
    last: Vec<u8>,
}

impl Copying {
    pub fn new(cursor: bool) -> Self {
        Self { cursor, canvas: None, last: Vec::new() }
    }

    /// What is there now, if it is not what was there last.
    pub fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
        if self.canvas.as_ref().is_none_or(|canvas| canvas.size != origin.size) {
            self.canvas = None;
            self.canvas = Some(Canvas::new(origin.size)?);
            self.last.clear();
        }
        let Some(canvas) = &mut self.canvas else { return Ok(None) };
        if !canvas.copy(origin) {
            return Ok(None);
        }
        if self.cursor {
            canvas.draw_pointer(origin);
        }
        let bytes = canvas.bytes();
        if self.last == bytes {
            return Ok(None);
        }
        self.last.clear();
        self.last.extend_from_slice(bytes);
        let spec = FrameSpec::of(PixelFormat::Bgra, origin.size).with_alpha(AlphaKind::Opaque);
        let mut frame = FramePool::shared().frame(spec)?;
        let row = origin.size.width as usize * BYTES;
        let mut plane = frame.plane_mut(0);
        for (y, from) in bytes.chunks_exact(row).enumerate() {
            let to = plane.row_mut(y);
            to.copy_from_slice(from);
            // what GDI leaves there is no alpha
            to.iter_mut().skip(3).step_by(BYTES).for_each(|alpha| *alpha = 255);
        }
        drop(plane);
        Ok(Some(frame.publish(now)))
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
        let window = origin.window.map_or(null_mut(), clients::window);
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        // SAFETY: a context of the window's or the screen's, which is given back, and one of ours of that size.
        unsafe {
            let from = GetDC(window);
            if from.is_null() {
                return false;
            }
            let how = if window.is_null() { SRCCOPY | CAPTUREBLT } else { SRCCOPY };
            let copied = BitBlt(self.context, 0, 0, width, height, from, origin.x, origin.y, how);
            GdiFlush();
            ReleaseDC(window, from);
            copied != 0
        }
    }

    fn draw_pointer(&mut self, origin: &Origin) {
        let mut pointer = CURSORINFO { cbSize: size_of::<CURSORINFO>() as u32, ..CURSORINFO::default() };
        let mut about = ICONINFO::default();
        let mut corner = POINT { x: 0, y: 0 };
        // SAFETY: structures of ours; the bitmaps of a pointer's description are given back.
        unsafe {
            if GetCursorInfo(&raw mut pointer) == 0 || pointer.flags & CURSOR_SHOWING == 0 {
                return;
            }
            if GetIconInfo(pointer.hCursor, &raw mut about) != 0 {
                DeleteObject(about.hbmMask);
                DeleteObject(about.hbmColor);
            }
            if let Some(id) = origin.window {
                ClientToScreen(clients::window(id), &raw mut corner);
            }
            let x = pointer.ptScreenPos.x - about.xHotspot as i32 - corner.x - origin.x;
            let y = pointer.ptScreenPos.y - about.yHotspot as i32 - corner.y - origin.y;
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
