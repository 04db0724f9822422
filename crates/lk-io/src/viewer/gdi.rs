// SPDX-License-Identifier: GPL-2.0-or-later
//! A window on Windows: pictures are handed to GDI.
#![allow(unsafe_code)] // calls of the system

use super::shared::{News, Shared};
use super::{Key, Painter};
use crate::desktop::answer;
pub(super) use crate::desktop::{Bell, let_go};
use lk_media::thread::{self, Thread};
use lk_media::{
    AlphaKind, Error, ErrorKind, Frame, FrameMut, FramePool, FrameSpec, PixelFormat, Result, Size,
};
use std::cell::RefCell;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, RECT, WPARAM};
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, DIB_RGB_COLORS, GetDC, GetDeviceCaps, GetMonitorInfoW,
    MONITOR_DEFAULTTONEAREST, MONITORINFO, MonitorFromWindow, ReleaseDC, SetDIBitsToDevice, VREFRESH,
    ValidateRect,
};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::HiDpi::{
    DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2, SetThreadDpiAwarenessContext,
};
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{MAPVK_VK_TO_CHAR, MapVirtualKeyW};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    AdjustWindowRect, CW_USEDEFAULT, CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW,
    GWL_STYLE, GetWindowRect, IDC_ARROW, LoadCursorW, MSG, PM_REMOVE, PeekMessageW, RegisterClassW,
    SW_SHOWNORMAL, SWP_FRAMECHANGED, SWP_NOZORDER, SetWindowLongPtrW, SetWindowPos, SetWindowTextW,
    ShowWindow, TranslateMessage, WM_CLOSE, WM_DESTROY, WM_ERASEBKGND, WM_KEYDOWN, WM_PAINT, WM_SIZE,
    WM_SYSKEYDOWN, WNDCLASSW, WS_OVERLAPPEDWINDOW, WS_POPUP, WS_VISIBLE,
};

const CLASS: &str = "LiveKit.Viewer";
/// How often a window without news is looked at.
const LOOK: Duration = Duration::from_secs(1);
const SIZE_MINIMIZED: usize = 1;

/// What the window was told.
enum Told {
    Close,
    Size(Size),
    Hidden,
    Paint,
    Key(u32),
}

thread_local! {
    /// What the windows of this thread were told since it looked last.
    static TOLD: RefCell<Vec<Told>> = const { RefCell::new(Vec::new()) };
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn failed(what: &str) -> Error {
    Error::new(ErrorKind::Display, format!("{what}: {}", std::io::Error::last_os_error()))
        .with_hint("a service, or a session without a desktop, cannot open windows")
}

/// Opens a window on a thread of its own.
pub(super) fn open(
    shared: Arc<Shared>,
    display: Option<String>,
    painter: Box<dyn Painter>,
) -> Result<Thread> {
    if let Some(name) = display {
        return Err(Error::new(
            ErrorKind::Display,
            format!("there is no display {name:?}: Windows has one desktop"),
        )
        .with_hint("leave the display out"));
    }
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = thread::spawn("lk-viewer", move || {
        let (said, window) = match Window::open(shared.clone(), painter) {
            Ok(window) => (Ok(()), Some(window)),
            Err(error) => (Err(error), None),
        };
        let heard = sender.send(said).is_ok();
        if let Some(mut window) = window.filter(|_| heard) {
            window.run();
        }
        shared.end(None);
    })?;
    answer(&receiver, thread).map(|((), thread)| thread)
}

struct Window {
    shared: Arc<Shared>,
    painter: Box<dyn Painter>,
    window: HWND,
    size: Size,
    /// The window's place before it filled the screen.
    before: Option<RECT>,
    hidden: bool,
    dirty: bool,
    open: bool,
}

/// Writes down what a window is told, and leaves the rest to the system.
unsafe extern "system" fn procedure(window: HWND, message: u32, word: WPARAM, long: LPARAM) -> LRESULT {
    let told = match message {
        WM_CLOSE | WM_DESTROY => Some(Told::Close),
        WM_SIZE if word == SIZE_MINIMIZED => Some(Told::Hidden),
        WM_SIZE => Some(Told::Size(Size::new(long as u32 & 0xffff, long as u32 >> 16 & 0xffff))),
        WM_PAINT => Some(Told::Paint),
        WM_KEYDOWN | WM_SYSKEYDOWN => Some(Told::Key(word as u32)),
        _ => None,
    };
    let is_ours = matches!(message, WM_CLOSE | WM_PAINT | WM_ERASEBKGND);
    if message == WM_PAINT {
        // SAFETY: the window is the one that is told; all of it counts as painted.
        unsafe { ValidateRect(window, null()) };
    }
    if let Some(told) = told {
        TOLD.with_borrow_mut(|all| all.push(told));
    }
    if is_ours {
        return LRESULT::from(message == WM_ERASEBKGND);
    }
    // SAFETY: handed on as it came.
    unsafe { DefWindowProcW(window, message, word, long) }
}

impl Window {
    fn open(shared: Arc<Shared>, painter: Box<dyn Painter>) -> Result<Self> {
        let (size, title) = {
            let state = shared.state.lock();
            (state.size, state.title.clone())
        };
        let (class, title) = (wide(CLASS), wide(&title));
        let mut outside = RECT { left: 0, top: 0, right: size.width as i32, bottom: size.height as i32 };
        // SAFETY: names end in a zero and live through the calls; the class is registered once and again is no harm.
        let window = unsafe {
            // pixels of the screen, not of a smaller one that is enlarged
            SetThreadDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2);
            let module = GetModuleHandleW(null());
            let about = WNDCLASSW {
                lpfnWndProc: Some(procedure),
                hInstance: module,
                hCursor: LoadCursorW(null_mut(), IDC_ARROW),
                lpszClassName: class.as_ptr(),
                ..WNDCLASSW::default()
            };
            RegisterClassW(&raw const about);
            AdjustWindowRect(&raw mut outside, WS_OVERLAPPEDWINDOW, 0);
            let (width, height) = (outside.right - outside.left, outside.bottom - outside.top);
            CreateWindowExW(
                0,
                class.as_ptr(),
                title.as_ptr(),
                WS_OVERLAPPEDWINDOW,
                CW_USEDEFAULT,
                CW_USEDEFAULT,
                width,
                height,
                null_mut(),
                null_mut(),
                module,
                null(),
            )
        };
        if window.is_null() {
            return Err(failed("a window cannot be opened"));
        }
        let mut this =
            Self { shared, painter, window, size, before: None, hidden: false, dirty: true, open: true };
        // SAFETY: a window of this thread's.
        unsafe { ShowWindow(window, SW_SHOWNORMAL) };
        this.note_refresh();
        this.handle_messages();
        Ok(this)
    }

    fn note_refresh(&self) {
        // SAFETY: a window of this thread's, whose context is given back.
        let rate = unsafe {
            let context = GetDC(self.window);
            let rate = GetDeviceCaps(context, VREFRESH as i32);
            ReleaseDC(self.window, context);
            rate
        };
        // 0 and 1 mean that nobody knows
        if let Some(rate) = u64::try_from(rate).ok().filter(|rate| (2..1000).contains(rate)) {
            self.shared.period_nanos.store(1_000_000_000 / rate, Ordering::Relaxed);
        }
    }

    /// Serves the window until it is closed.
    fn run(&mut self) {
        while self.open && !self.shared.is_closing() {
            self.handle_messages();
            self.take_news();
            if self.dirty && !self.hidden && self.open {
                self.paint();
            }
            if self.hidden || (self.open && !self.dirty) {
                self.shared.bell.wait_beside_messages(LOOK);
            }
        }
    }

    fn handle_messages(&mut self) {
        let mut message = MSG::default();
        // SAFETY: messages to windows of this thread's, into memory of ours.
        while unsafe { PeekMessageW(&raw mut message, null_mut(), 0, 0, PM_REMOVE) } != 0 {
            // SAFETY: as it came.
            unsafe {
                TranslateMessage(&raw const message);
                DispatchMessageW(&raw const message);
            }
        }
        for told in TOLD.take() {
            match told {
                Told::Close => self.open = false,
                Told::Hidden => self.hidden = true,
                Told::Paint => self.dirty = true,
                Told::Size(size) if Size::checked(size.width, size.height).is_ok() => {
                    (self.size, self.hidden, self.dirty) = (size, false, true);
                    self.shared.state.lock().size = size;
                }
                Told::Size(_) => self.hidden = true,
                Told::Key(code) => self.press(code),
            }
        }
    }

    fn take_news(&mut self) {
        let News { picture, title, fullscreen, screenshot } = self.shared.take_news();
        self.dirty |= picture;
        if let Some(title) = title.map(|title| wide(&title)) {
            // SAFETY: a window of this thread's; the text ends in a zero.
            unsafe { SetWindowTextW(self.window, title.as_ptr()) };
        }
        if let Some(fill) = fullscreen {
            self.fill_screen(fill);
        }
        if let Some(asked) = screenshot {
            // who asked may be gone
            let _ = asked.send(self.draw());
        }
    }

    fn press(&mut self, code: u32) {
        // SAFETY: a number for a number.
        let written = unsafe { MapVirtualKeyW(code, MAPVK_VK_TO_CHAR) };
        if let Some(key) = Key::of_virtual(code, written) {
            self.shared.press(key);
        }
    }

    fn fill_screen(&mut self, fill: bool) {
        let style = if fill { WS_POPUP | WS_VISIBLE } else { WS_OVERLAPPEDWINDOW | WS_VISIBLE };
        let mut now = RECT::default();
        let mut about = MONITORINFO { cbSize: size_of::<MONITORINFO>() as u32, ..MONITORINFO::default() };
        // SAFETY: a window of this thread's, and structures of ours.
        unsafe {
            GetWindowRect(self.window, &raw mut now);
            let monitor = MonitorFromWindow(self.window, MONITOR_DEFAULTTONEAREST);
            GetMonitorInfoW(monitor, &raw mut about);
        }
        let place = match (fill, self.before) {
            (true, _) => {
                self.before = self.before.or(Some(now));
                about.rcMonitor
            }
            (false, Some(before)) => {
                self.before = None;
                before
            }
            (false, None) => return,
        };
        let (width, height) = (place.right - place.left, place.bottom - place.top);
        // SAFETY: a window of this thread's.
        unsafe {
            SetWindowLongPtrW(self.window, GWL_STYLE, style as isize);
            let flags = SWP_NOZORDER | SWP_FRAMECHANGED;
            SetWindowPos(self.window, null_mut(), place.left, place.top, width, height, flags);
        }
    }

    fn draw(&mut self) -> Result<Frame> {
        let spec = FrameSpec::of(PixelFormat::Bgra, self.size).with_alpha(AlphaKind::Opaque);
        let into: FrameMut = FramePool::shared().frame(spec)?;
        let (frame, view) = self.shared.picture();
        self.painter.paint(frame.as_ref(), view, into)
    }

    fn paint(&mut self) {
        self.dirty = false;
        let picture = match self.draw() {
            Ok(picture) => picture,
            Err(error) => {
                tracing::debug!("a window is not painted: {error}");
                return;
            }
        };
        let map = picture.map_native();
        let plane = map.plane(0);
        let size = picture.size();
        let about = BITMAPINFO {
            bmiHeader: BITMAPINFOHEADER {
                biSize: size_of::<BITMAPINFOHEADER>() as u32,
                // rows may be longer than what is shown of them
                biWidth: (plane.stride / 4) as i32,
                // from the top down
                biHeight: -(size.height as i32),
                biPlanes: 1,
                biBitCount: 32,
                biCompression: BI_RGB,
                ..BITMAPINFOHEADER::default()
            },
            ..BITMAPINFO::default()
        };
        // SAFETY: a window of this thread's, whose context is given back; the rows are as long and as many as is said.
        unsafe {
            let context = GetDC(self.window);
            SetDIBitsToDevice(
                context,
                0,
                0,
                size.width,
                size.height,
                0,
                0,
                0,
                size.height,
                plane.data.as_ptr().cast(),
                &raw const about,
                DIB_RGB_COLORS,
            );
            ReleaseDC(self.window, context);
        }
        self.shared.shown.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: a window of this thread's.
        unsafe { DestroyWindow(self.window) };
        TOLD.take();
    }
}
