// SPDX-License-Identifier: GPL-2.0-or-later
//! What pictures are taken from: a window's own picture, or the screen.

use super::super::Region;
use crate::x11::{Display, FromX};
use lk_media::{Error, Result, Size};
use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::{self, Redirect};
use x11rb::protocol::damage::{self, ReportLevel};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt, Drawable, EventMask, Pixmap, Window,
};

/// Where a picture is read from.
pub(super) struct Area {
    pub drawable: Drawable,
    pub x: i16,
    pub y: i16,
    pub size: Size,
}

/// What is captured.
pub(super) enum Drawn {
    Window(Watched),
    Screen(Screen),
}

impl Drawn {
    /// The window whose events are its own.
    pub fn id(&self) -> Window {
        match self {
            Self::Window(w) => w.window,
            Self::Screen(s) => s.root,
        }
    }

    /// Forgets what was drawn so far: what is drawn from here on is told of.
    pub fn begin(&self, display: &Display) -> Result<()> {
        let damage = match self {
            Self::Window(w) => w.damage,
            Self::Screen(s) => s.damage,
        };
        damage::subtract(&display.conn, damage, x11rb::NONE, x11rb::NONE).map(drop).map_err(Error::from_x)
    }

    /// Where its picture is now; None while it has none.
    pub fn area(&mut self, display: &Display) -> Result<Option<Area>> {
        match self {
            Self::Window(w) => w.area(display),
            Self::Screen(s) => Ok(s.area()),
        }
    }

    /// Where its top left corner is on the screen.
    pub fn corner(&self, display: &Display) -> Result<(i32, i32)> {
        match self {
            Self::Screen(s) => Ok(s.region.map_or((0, 0), |r| (r.x as i32, r.y as i32))),
            Self::Window(w) => {
                let corner = display.conn.translate_coordinates(w.window, display.root(), 0, 0);
                match corner.map_err(Error::from_x)?.reply() {
                    Ok(at) => Ok((i32::from(at.dst_x), i32::from(at.dst_y))),
                    Err(ReplyError::X11Error(_)) => Ok((0, 0)),
                    Err(e) => Err(Error::from_x(e)),
                }
            }
        }
    }

    /// It has this size now; whether that is news.
    pub fn resized(&mut self, display: &Display, width: u16, height: u16) -> bool {
        let size = Size::new(u32::from(width), u32::from(height));
        match self {
            Self::Window(w) => {
                let changed = w.size != size;
                if changed {
                    w.size = size;
                    w.forget_picture(display);
                }
                changed
            }
            Self::Screen(s) => std::mem::replace(&mut s.whole, size) != size,
        }
    }

    /// Its picture is another one from now on.
    pub fn forget_picture(&mut self, display: &Display) {
        if let Self::Window(w) = self {
            w.forget_picture(display);
        }
    }
}

/// A window that is drawn in memory of its own, whole whatever covers it.
pub(super) struct Watched {
    window: Window,
    damage: damage::Damage,
    picture: Option<(Pixmap, Size)>,
    size: Size,
}

impl Watched {
    /// Watches `window`; None if it is gone.
    pub fn new(display: &Display, window: Window) -> Result<Option<Self>> {
        let conn = &display.conn;
        let events = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        let damage = conn.generate_id().map_err(Error::from_x)?;
        // a compositing window manager may have it redirected already, which serves as well
        composite::redirect_window(conn, window, Redirect::AUTOMATIC).map_err(Error::from_x)?.ignore_error();
        conn.change_window_attributes(window, &events).map_err(Error::from_x)?.ignore_error();
        match damage::create(conn, damage, window, ReportLevel::NON_EMPTY).map_err(Error::from_x)?.check() {
            Ok(()) => {}
            Err(ReplyError::X11Error(_)) => return Ok(None),
            Err(e) => return Err(Error::from_x(e)),
        }
        Ok(Some(Self { window, damage, picture: None, size: Size::new(0, 0) }))
    }

    fn area(&mut self, display: &Display) -> Result<Option<Area>> {
        if self.picture.is_none() {
            self.picture = self.name_picture(display)?;
        }
        Ok(self.picture.map(|(drawable, size)| Area { drawable, x: 0, y: 0, size }))
    }

    /// The window's picture as it is now; None while it is not shown.
    fn name_picture(&self, display: &Display) -> Result<Option<(Pixmap, Size)>> {
        let conn = &display.conn;
        let pixmap = conn.generate_id().map_err(Error::from_x)?;
        match composite::name_window_pixmap(conn, self.window, pixmap).map_err(Error::from_x)?.check() {
            Ok(()) => {}
            Err(ReplyError::X11Error(_)) => return Ok(None),
            Err(e) => return Err(Error::from_x(e)),
        }
        let size = conn.get_geometry(pixmap).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        let size = Size::new(u32::from(size.width), u32::from(size.height));
        Ok(Size::checked(size.width, size.height).is_ok().then_some((pixmap, size)))
    }

    fn forget_picture(&mut self, display: &Display) {
        if let Some((pixmap, _)) = self.picture.take()
            && let Ok(done) = display.conn.free_pixmap(pixmap)
        {
            done.ignore_error();
        }
    }
}

/// The screen, or a part of it.
pub(super) struct Screen {
    root: Window,
    damage: damage::Damage,
    region: Option<Region>,
    whole: Size,
}

impl Screen {
    pub fn new(display: &Display, region: Option<Region>) -> Result<Self> {
        let (conn, root) = (&display.conn, display.root());
        let damage = conn.generate_id().map_err(Error::from_x)?;
        damage::create(conn, damage, root, ReportLevel::NON_EMPTY)
            .map_err(Error::from_x)?
            .check()
            .map_err(Error::from_x)?;
        let whole = conn.get_geometry(root).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        let whole = Size::new(u32::from(whole.width), u32::from(whole.height));
        Ok(Self { root, damage, region, whole })
    }

    /// Columns and rows of the whole screen.
    pub fn size(&self) -> Size {
        self.whole
    }

    /// What is read: None while the region is not on the screen.
    pub fn area(&self) -> Option<Area> {
        let region = self.region.unwrap_or(Region { x: 0, y: 0, size: self.whole });
        region.is_in(self.whole).then_some(Area {
            drawable: self.root,
            x: region.x as i16,
            y: region.y as i16,
            size: region.size,
        })
    }
}
