// SPDX-License-Identifier: GPL-2.0-or-later
//! A program with a window, as others write them: it paints numbered pictures, each in one colour all over.

use lk_media::clock::Clock;
use lk_media::{Cancel, Frame, Size, Timestamp, Wake, thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat,
    PropMode, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// A window that is painted.
pub struct Painted {
    conn: RustConnection,
    gc: Gcontext,
    pub window: Window,
    size: Size,
}

impl Painted {
    /// Opens a window with its corner at `x`, `y` and shows picture 0.
    pub fn open(display: &str, title: &str, application: &str, (x, y): (i16, i16), size: Size) -> Self {
        let (conn, screen) = RustConnection::connect(Some(display)).expect("the display is there");
        let root = &conn.setup().roots[screen];
        let (window, gc) = (conn.generate_id().expect("ids"), conn.generate_id().expect("ids"));
        let (width, height) = (size.width as u16, size.height as u16);
        let look = CreateWindowAux::new().background_pixel(0x80_8080);
        let kind = WindowClass::INPUT_OUTPUT;
        conn.create_window(24, window, root.root, x, y, width, height, 0, kind, root.root_visual, &look)
            .expect("a window");
        let class = format!("{application}\0{application}\0");
        for (name, value) in [(AtomEnum::WM_NAME, title.as_bytes()), (AtomEnum::WM_CLASS, class.as_bytes())] {
            conn.change_property8(PropMode::REPLACE, window, name, AtomEnum::STRING, value)
                .expect("a property");
        }
        let pid = conn.intern_atom(false, b"_NET_WM_PID").expect("atom").reply().expect("atom").atom;
        let own = [std::process::id()];
        conn.change_property32(PropMode::REPLACE, window, pid, AtomEnum::CARDINAL, &own).expect("a property");
        conn.create_gc(gc, window, &CreateGCAux::new()).expect("a context");
        conn.map_window(window).expect("mapped");
        conn.sync().expect("the display answers");
        let this = Self { conn, gc, window, size };
        this.paint(0);
        this
    }

    /// Shows picture `n`.
    pub fn paint(&self, n: u32) {
        let [b, g, r, _] = color(n);
        let row = [b, g, r, 0].repeat(self.size.width as usize);
        let bytes = row.repeat(self.size.height as usize);
        let (width, height) = (self.size.width as u16, self.size.height as u16);
        self.conn
            .put_image(ImageFormat::Z_PIXMAP, self.window, self.gc, width, height, 0, 0, 0, 24, &bytes)
            .expect("painted");
        self.conn.sync().expect("the display answers");
    }

    pub fn resize(&mut self, size: Size) {
        self.size = size;
        self.configure(&ConfigureWindowAux::new().width(size.width).height(size.height));
    }

    pub fn move_to(&self, x: i32, y: i32) {
        self.configure(&ConfigureWindowAux::new().x(x).y(y));
    }

    pub fn raise(&self) {
        self.configure(&ConfigureWindowAux::new().stack_mode(StackMode::ABOVE));
    }

    pub fn set_shown(&self, shown: bool) {
        let done =
            if shown { self.conn.map_window(self.window) } else { self.conn.unmap_window(self.window) };
        done.expect("done").check().expect("done");
    }

    fn configure(&self, how: &ConfigureWindowAux) {
        self.conn.configure_window(self.window, how).expect("done").check().expect("done");
    }

    /// Paints pictures 1, 2, 3... at 30 a second until it is dropped.
    pub fn paint_on(self) -> Painting {
        let (stop, number) = (Cancel::new(), Arc::new(AtomicU32::new(0)));
        let (cancel, count) = (stop.clone(), number.clone());
        let clock = <dyn Clock>::live();
        let thread = thread::spawn("painter", move || {
            let (start, wake) = (clock.now(), Wake::new());
            for n in 1.. {
                let due = start + Duration::from_nanos(u64::from(n) * 1_000_000_000 / 30);
                let left = due.nanos_since(clock.now()).max(0);
                wake.wait(Duration::from_nanos(left.unsigned_abs()));
                if cancel.is_cancelled() {
                    return;
                }
                self.paint(n);
                count.store(n, Ordering::Release);
            }
        })
        .expect("a thread");
        Painting { stop, number, _thread: thread }
    }
}

/// A window that is painted over and over.
pub struct Painting {
    stop: Cancel,
    number: Arc<AtomicU32>,
    _thread: thread::Thread,
}

impl Painting {
    /// The number of the picture that was painted last.
    pub fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }
}

impl Drop for Painting {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The colour of picture `n`, B G R A.
pub fn color(n: u32) -> [u8; 4] {
    // neighbours differ much
    let mixed = n.wrapping_mul(0x9e_3779) & 0xff_ffff;
    let [b, g, r, _] = mixed.to_le_bytes();
    [b, g, r, 255]
}

/// The number of the picture that a frame shows whole; None if it shows parts of several.
pub fn number(frame: &Frame, upto: u32) -> Option<u32> {
    let map = frame.map_native();
    let plane = map.plane(0);
    let first: [u8; 3] = plane.row(0)[..3].try_into().ok()?;
    let whole = (0..plane.rows).all(|y| plane.row(y).chunks_exact(4).all(|p| p[..3] == first));
    (0..=upto).find(|n| color(*n)[..3] == first).filter(|_| whole)
}

/// Now.
pub fn now() -> Timestamp {
    <dyn Clock>::live().now()
}
