// SPDX-License-Identifier: GPL-2.0-or-later
//! Capture on X11: DAMAGE says when something was drawn; Composite keeps a window's picture whole while it is covered;
//! the X server writes it straight into the memory of a frame.

mod clients;
mod drawable;

use super::cursor::Pointer;
use super::serve::{IDLE, LOOK, Link, MOST};
use super::{Region, Shared, Target, WindowInfo, WindowRule};
use crate::desktop::{Shape, ask};
use crate::x11::{Display, FromX, SharedPictures, monitor};
use drawable::{Drawn, Screen, Watched};
use lk_media::{
    AlphaKind, Clock, Error, Frame, FrameMut, FrameSpec, PixelFormat, Result, Size, SourceState, Timestamp,
};
use std::sync::Arc;
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask, ImageFormat};
use x11rb::protocol::{Event, shm, xfixes};

pub(super) fn windows(name: Option<String>) -> Result<Vec<WindowInfo>> {
    ask(move || clients::windows(&Display::open(name.as_deref())?))
}

/// An error unless the session's display can be captured from.
pub(super) fn check() -> Result<()> {
    ask(|| Display::open(None)?.prepare_capture())
}

/// So long the display may go unheard between two frames.
const DEAF: Duration = Duration::from_millis(50);

/// A display and what is captured of it.
pub(super) struct Capturing {
    shared: Arc<Shared>,
    display: Display,
    pictures: SharedPictures,
    drawn: Option<Drawn>,
    damaged: bool,
    /// The first moment the next frame may be taken.
    due: Timestamp,
    /// Where the pointer was, and which.
    pointer: Option<(i16, i16, u32)>,
    /// When a window that is not there is looked for next.
    search: Timestamp,
}

impl Link for Capturing {
    fn begin(shared: &Arc<Shared>, display: Option<&str>, target: &mut Target) -> Result<Self> {
        let mut this = Self::resume(shared, display, target)?;
        match target {
            Target::Window(rule) => {
                let found = rule.choose(&clients::windows(&this.display)?)?;
                *rule = rule.afterwards(&found);
                this.attach(found)?;
            }
            Target::Screen(region) => {
                let screen = this.screen(*region)?;
                if screen.area().is_none() {
                    return Err(super::outside(screen.size()));
                }
                this.drawn = Some(Drawn::Screen(screen));
            }
        }
        this.take_frame()?;
        Ok(this)
    }

    fn resume(shared: &Arc<Shared>, display: Option<&str>, _: &Target) -> Result<Self> {
        let display = Display::open(display)?;
        display.prepare_capture()?;
        let events = EventMask::PROPERTY_CHANGE | EventMask::STRUCTURE_NOTIFY;
        let root = display.root();
        let watch = ChangeWindowAttributesAux::new().event_mask(events);
        display.conn.change_window_attributes(root, &watch).map_err(Error::from_x)?;
        Ok(Self {
            shared: shared.clone(),
            display,
            pictures: SharedPictures::default(),
            drawn: None,
            damaged: true,
            due: Timestamp::ZERO,
            pointer: None,
            search: Timestamp::ZERO,
        })
    }

    fn run(&mut self, target: &Target) -> Result<()> {
        while !self.shared.cancel.is_cancelled() {
            while let Some(event) = self.display.conn.poll_for_event().map_err(Error::from_x)? {
                self.handle(&event)?;
            }
            let now = <dyn Clock>::live().now();
            if self.drawn.is_none() && now >= self.search {
                self.search = now + LOOK;
                if !self.look(target)? {
                    return Ok(());
                }
            }
            if now >= self.due && self.is_wanted() {
                self.due = self.next_due(now);
                if self.damaged || self.pointer_moved()? {
                    self.take_frame()?;
                }
                self.rest(<dyn Clock>::live().now())?;
                continue;
            }
            self.wait(now)?;
        }
        Ok(())
    }
}

/// The time from `now` to `then`; none if that has passed.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::from_nanos(then.nanos_since(now).max(0).unsigned_abs())
}

impl Capturing {
    /// The screen, or the monitor that was asked for, or a part of it.
    fn screen(&self, region: Option<Region>) -> Result<Screen> {
        let Some(wanted) = &self.shared.options.output else { return Screen::new(&self.display, region) };
        let monitor = monitor(&self.display, wanted)?;
        let size = Size::new(u32::from(monitor.width), u32::from(monitor.height));
        let part = region.unwrap_or(Region { x: 0, y: 0, size });
        if !part.is_in(size) {
            return Err(super::outside(size));
        }
        let corner = |at: i16| u32::try_from(at).unwrap_or(0);
        let place = Region { x: corner(monitor.x) + part.x, y: corner(monitor.y) + part.y, size: part.size };
        Screen::new(&self.display, Some(place))
    }

    fn attach(&mut self, window: WindowInfo) -> Result<()> {
        self.drawn = Watched::new(&self.display, window.id)?.map(Drawn::Window);
        self.damaged = self.drawn.is_some();
        *self.shared.window.lock() = Some(window);
        Ok(())
    }

    /// Whether it is to be looked at when its time comes, for something that was drawn or a pointer that may have moved.
    fn is_wanted(&self) -> bool {
        self.damaged || (self.shared.options.cursor && self.drawn.is_some())
    }

    /// The time of the next frame at the earliest: on a grid, so that frames that come a little late do not slow it.
    fn next_due(&self, now: Timestamp) -> Timestamp {
        let period = self.shared.options.rate.period();
        let next = self.due + period;
        if next < now { now + period } else { next }
    }

    /// Lets the time pass until the next frame may be taken, if that is soon: one awakening for all that is told till
    /// then, and none for each of it. Whether it did.
    fn rest(&self, now: Timestamp) -> Result<bool> {
        let rest = until(self.due, now);
        let is_soon = self.drawn.is_some() && !rest.is_zero() && rest <= DEAF;
        if is_soon {
            self.display.wait_deaf(&self.shared.bell, rest)?;
        }
        Ok(is_soon)
    }

    fn wait(&self, now: Timestamp) -> Result<()> {
        if self.rest(now)? {
            return Ok(());
        }
        let limit = match &self.drawn {
            None => Some(until(self.search, now)),
            Some(_) if self.is_wanted() => Some(until(self.due, now)),
            Some(_) if self.pictures.has_spare() => Some(IDLE),
            Some(_) => None,
        };
        self.display.wait(&self.shared.bell, limit)?;
        if limit == Some(IDLE) && <dyn Clock>::live().now() >= now + IDLE {
            self.pictures.shrink(&self.display.conn);
        }
        Ok(())
    }

    /// Looks for the target; false if it cannot come back.
    fn look(&mut self, target: &Target) -> Result<bool> {
        match target {
            Target::Screen(region) => self.drawn = Some(Drawn::Screen(self.screen(*region)?)),
            Target::Window(rule) => match rule.find(&clients::windows(&self.display)?) {
                Some(found) => self.attach(found.clone())?,
                None if matches!(rule, WindowRule::Id(_)) => {
                    self.shared.enter(SourceState::Ended);
                    self.shared.port.end();
                    return Ok(false);
                }
                None => self.shared.enter(SourceState::Reconnecting),
            },
        }
        Ok(true)
    }

    fn handle(&mut self, event: &Event) -> Result<()> {
        let atoms = &self.display.atoms;
        let own = self.drawn.as_ref().map(Drawn::id);
        match event {
            Event::DamageNotify(_) => self.damaged = true,
            Event::PropertyNotify(e) if e.atom == atoms._NET_CLIENT_LIST => self.search = Timestamp::ZERO,
            Event::ConfigureNotify(e) if Some(e.window) == own => {
                if let Some(drawn) = &mut self.drawn {
                    self.damaged |= drawn.resized(&self.display, e.width, e.height);
                }
            }
            Event::UnmapNotify(e) if Some(e.window) == own => {
                if let Some(drawn) = &mut self.drawn {
                    drawn.forget_picture(&self.display);
                }
                self.damaged = false;
                self.shared.enter(SourceState::Stalled);
            }
            Event::MapNotify(e) if Some(e.window) == own => self.damaged = true,
            Event::DestroyNotify(e) if Some(e.window) == own => {
                if let Some(mut drawn) = self.drawn.take() {
                    // the rest went with the window
                    drawn.forget_picture(&self.display);
                }
                self.search = Timestamp::ZERO;
                self.shared.enter(SourceState::Reconnecting);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the pointer is to be seen and has changed.
    fn pointer_moved(&mut self) -> Result<bool> {
        let at = self.display.conn.query_pointer(self.display.root()).map_err(Error::from_x)?;
        let at = at.reply().map_err(Error::from_x)?;
        Ok(self.pointer.is_none_or(|(x, y, _)| (x, y) != (at.root_x, at.root_y)))
    }

    /// Takes a frame, if there is something to take.
    fn take_frame(&mut self) -> Result<()> {
        self.damaged = false;
        let Some(drawn) = &mut self.drawn else { return Ok(()) };
        // from here on what is drawn is news again
        drawn.begin(&self.display)?;
        let Some(area) = drawn.area(&self.display)? else {
            self.shared.enter(SourceState::Stalled);
            return Ok(());
        };
        let conn = &self.display.conn;
        let memory = self.pictures.take(conn, Shape::packed(area.size))?;
        let id = *memory.id().ok_or_else(|| Error::internal("a picture without memory"))?;
        let copied = self.pictures.out() > MOST;
        let (width, height) = (area.size.width as u16, area.size.height as u16);
        let format = ImageFormat::Z_PIXMAP.into();
        let got = shm::get_image(conn, area.drawable, area.x, area.y, width, height, !0, format, id, 0);
        let depth = match got.map_err(Error::from_x)?.reply() {
            Ok(got) => got.depth,
            Err(x11rb::errors::ReplyError::X11Error(_)) => {
                // it was resized or closed meanwhile, of which an event tells
                drawn.forget_picture(&self.display);
                self.damaged = true;
                return Ok(());
            }
            Err(e) => return Err(Error::from_x(e)),
        };
        let now = <dyn Clock>::live().now();
        let alpha = if depth == 32 { AlphaKind::Premultiplied } else { AlphaKind::Opaque };
        let spec = FrameSpec::of(PixelFormat::Bgra, area.size).with_alpha(alpha);
        let mut frame = FrameMut::new(spec, Box::new(memory))?;
        if self.shared.options.cursor {
            let (x, y) = drawn.corner(&self.display)?;
            self.draw_pointer(&mut frame, x, y)?;
        }
        let frame = frame.publish(now);
        let frame =
            if copied { Frame::from_packed(spec, &frame.map_native().to_packed(), now)? } else { frame };
        self.shared.publish(frame);
        Ok(())
    }

    /// Draws the pointer into a picture whose corner lies at `x`, `y` of the screen.
    fn draw_pointer(&mut self, frame: &mut FrameMut, x: i32, y: i32) -> Result<()> {
        let cursor = xfixes::get_cursor_image(&self.display.conn).map_err(Error::from_x)?;
        let cursor = match cursor.reply() {
            Ok(cursor) => cursor,
            Err(x11rb::errors::ReplyError::X11Error(_)) => return Ok(()),
            Err(e) => return Err(Error::from_x(e)),
        };
        self.pointer = Some((cursor.x, cursor.y, cursor.cursor_serial));
        let pointer = Pointer {
            x: i32::from(cursor.x) - i32::from(cursor.xhot) - x,
            y: i32::from(cursor.y) - i32::from(cursor.yhot) - y,
            width: usize::from(cursor.width),
            pixels: cursor.cursor_image.iter().map(|p| p.to_le_bytes()).collect(),
        };
        pointer.draw(&mut frame.plane_mut(0));
        Ok(())
    }
}
