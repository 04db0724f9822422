// SPDX-License-Identifier: GPL-2.0-or-later
//! What windows and captures need of X11, spoken in Rust over the server's socket: no library is linked or loaded, and
//! a server that dies is an error like any other, where Xlib would end the process.

mod screen;
mod shared;
mod stream;

pub(crate) use screen::{monitor, refresh_period};
pub(crate) use shared::{Memory, SharedPictures};
pub(crate) use stream::Conn;

use crate::bell::Bell;
use crate::desktop::{WITHOUT_XWAYLAND, variable};
use lk_media::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::os::fd::AsFd;
use std::time::Duration;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{self, Atom, ConnectionExt, Depth, ImageOrder, Screen, VisualClass, Window};
use x11rb::protocol::{composite, damage, shm, xfixes};

/// Atoms of others' properties that are read, in 32-bit units.
const LONGEST: u32 = 1 << 16;

x11rb::atom_manager! {
    /// The names that are spoken of.
    pub(crate) Atoms: AtomsCookie {
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        _NET_CLIENT_LIST,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_WM_PING,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
    }
}

/// An open display.
pub(crate) struct Display {
    pub conn: Conn,
    pub screen: usize,
    pub atoms: Atoms,
    /// Pictures can be handed over in shared memory.
    pub has_shm: bool,
}

impl Display {
    /// Opens the display called `name` (None: the one DISPLAY names).
    pub fn open(name: Option<&str>) -> Result<Self> {
        let label = match name {
            Some(name) => Cow::Borrowed(name),
            None => std::env::var("DISPLAY").map_or(Cow::Borrowed(""), Cow::Owned),
        };
        let (conn, screen) = stream::connect(&label).map_err(|e| cannot_open(&label, e))?;
        let atoms = Atoms::new(&conn).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        let mut display = Self { conn, screen, atoms, has_shm: false };
        display.has_shm = display.find_shm();
        Ok(display)
    }

    /// Whether shared memory can be passed by descriptor: not over a network.
    fn find_shm(&self) -> bool {
        self.has(shm::X11_EXTENSION_NAME)
            && shm::query_version(&self.conn)
                .ok()
                .and_then(|v| v.reply().ok())
                .is_some_and(|v| (v.major_version, v.minor_version) >= (1, 2))
            && shared::can_share(&self.conn)
    }

    fn has(&self, extension: &'static str) -> bool {
        matches!(self.conn.extension_information(extension), Ok(Some(_)))
    }

    /// Makes ready what captures need; an error names the extension that is missing.
    pub fn prepare_capture(&self) -> Result<()> {
        for name in [composite::X11_EXTENSION_NAME, damage::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME] {
            if !self.has(name) {
                return Err(Error::new(ErrorKind::Display, format!("the display has no {name} extension"))
                    .with_hint("windows are captured with Composite, DAMAGE and XFIXES; switch them on in the X server"));
            }
        }
        if !self.has_shm {
            return Err(Error::new(
                ErrorKind::Display,
                "the display does not share memory with this program",
            )
            .with_hint("capture on the machine whose display it is, not over a network"));
        }
        // versions must be agreed on before anything else is asked
        composite::query_version(&self.conn, 0, 4).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        damage::query_version(&self.conn, 1, 1).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        xfixes::query_version(&self.conn, 5, 0).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        Ok(())
    }

    pub fn screen(&self) -> &Screen {
        &self.conn.setup().roots[self.screen]
    }

    pub fn root(&self) -> Window {
        self.screen().root
    }

    /// A depth and visual whose pixels are B, G, R and a byte nobody looks at; the root window's if it can be.
    pub fn visual(&self) -> Result<(u8, xproto::Visualid)> {
        let setup = self.conn.setup();
        let screen = self.screen();
        let is_bgrx = |depth: &Depth, v: &xproto::Visualtype| {
            let wide = setup.pixmap_formats.iter().any(|f| f.depth == depth.depth && f.bits_per_pixel == 32);
            depth.depth == 24
                && wide
                && v.class == VisualClass::TRUE_COLOR
                && (v.red_mask, v.green_mask, v.blue_mask) == (0xff_0000, 0xff00, 0xff)
        };
        let all = screen.allowed_depths.iter().flat_map(|d| d.visuals.iter().map(move |v| (d, v)));
        let mut found: Vec<_> =
            all.filter(|(d, v)| is_bgrx(d, v)).map(|(d, v)| (d.depth, v.visual_id)).collect();
        found.sort_by_key(|(_, id)| *id != screen.root_visual);
        match found.first() {
            Some(visual) if setup.image_byte_order == ImageOrder::LSB_FIRST => Ok(*visual),
            _ => Err(Error::new(
                ErrorKind::Display,
                format!(
                    "the display has {} bits a pixel in an order that is not supported",
                    screen.root_depth
                ),
            )
            .with_hint("use a display with 24 bits a pixel")),
        }
    }

    /// A property of `window`; None if it has none, or the window is gone.
    pub fn property(&self, window: Window, name: Atom) -> Result<Option<xproto::GetPropertyReply>> {
        let cookie = self.conn.get_property(false, window, name, xproto::AtomEnum::ANY, 0, LONGEST);
        match cookie.map_err(Error::from_x)?.reply() {
            Ok(reply) if reply.type_ != 0 => Ok(Some(reply)),
            Ok(_) | Err(ReplyError::X11Error(_)) => Ok(None),
            Err(e) => Err(Error::from_x(e)),
        }
    }

    /// Waits until the display has something to say, `bell` rings, or `limit` has passed.
    pub fn wait(&self, bell: &Bell, limit: Option<Duration>) -> Result<()> {
        self.conn.flush().map_err(Error::from_x)?;
        bell.wait_beside(self.conn.stream().as_fd(), limit)?;
        self.conn.stream().look_again();
        Ok(())
    }

    /// Waits until `bell` rings or `limit` has passed, whatever the display has to say.
    pub fn wait_deaf(&self, bell: &Bell, limit: Duration) -> Result<()> {
        self.conn.flush().map_err(Error::from_x)?;
        bell.wait(limit);
        self.conn.stream().look_again();
        Ok(())
    }
}

fn cannot_open(name: &str, error: ConnectError) -> Error {
    let hint = if name.is_empty() && variable("WAYLAND_DISPLAY").is_some() {
        WITHOUT_XWAYLAND
    } else {
        "run in a desktop session, or start a display without a screen: apt install xvfb, then Xvfb :9 & export DISPLAY=:9"
    };
    let message = match error {
        _ if name.is_empty() => "there is no display: DISPLAY is not set".to_owned(),
        ConnectError::SetupFailed(ref refused) => {
            let reason = String::from_utf8_lossy(&refused.reason);
            format!("the display {name} refuses: {}", reason.trim_end_matches(['\0', '\n', ' ']))
        }
        ref error => format!("the display {name} cannot be opened: {error}"),
    };
    Error::new(ErrorKind::Display, message).with_hint(hint).with_source(error)
}

/// Errors of the protocol as ours.
pub(crate) trait FromX<E> {
    fn from_x(error: E) -> Error;
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let error = Error::new(ErrorKind::Display, "the display went away").with_source(error);
    error.with_hint("what shows nothing on it goes on; open it again once there is a display")
}

impl FromX<ConnectionError> for Error {
    fn from_x(error: ConnectionError) -> Error {
        lost(error)
    }
}

impl FromX<ReplyError> for Error {
    fn from_x(error: ReplyError) -> Error {
        match error {
            ReplyError::ConnectionError(e) => lost(e),
            ReplyError::X11Error(e) => {
                Error::internal(format!("the display refuses a request: {:?}", e.error_kind))
            }
        }
    }
}

impl FromX<ReplyOrIdError> for Error {
    fn from_x(error: ReplyOrIdError) -> Error {
        match error {
            ReplyOrIdError::ConnectionError(e) => lost(e),
            ReplyOrIdError::X11Error(e) => Error::from_x(ReplyError::X11Error(e)),
            ReplyOrIdError::IdsExhausted => lost(ConnectionError::UnsupportedExtension),
        }
    }
}
