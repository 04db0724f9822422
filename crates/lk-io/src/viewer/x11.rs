// SPDX-License-Identifier: GPL-2.0-or-later
//! A window on X11 (or Xwayland): frames go over in shared memory, two at a time at most.

use super::shared::{News, Shared};
use super::{Key, Painter};
use crate::desktop::{BYTES, Shape};
use crate::x11::{Display, FromX, Memory, SharedPictures, refresh_period};
use lk_media::frame::HostMemoryMut;
use lk_media::{AlphaKind, Error, Frame, FrameMut, FramePool, FrameSpec, PixelFormat, Result, Size};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::shm;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, CreateGCAux, CreateWindowAux, EventMask,
    Gcontext, ImageFormat, PropMode, Visibility, Window as WindowId, WindowClass,
};
use x11rb::protocol::{Event, xproto};
use x11rb::wrapper::ConnectionExt as _;

/// Pictures the display may have at a time.
const IN_FLIGHT: usize = 2;
/// What window managers know the program by.
const CLASS: &[u8] = b"livekit-studio\0LiveKit\0";
/// The state of a message to a window manager: who asks is an application.
const FROM_APPLICATION: u32 = 1;

pub(super) struct Window {
    shared: Arc<Shared>,
    painter: Box<dyn Painter>,
    display: Display,
    window: WindowId,
    gc: Gcontext,
    depth: u8,
    pictures: SharedPictures,
    /// What the display is reading, by the names of the memory.
    in_flight: Vec<(shm::Seg, Frame)>,
    size: Size,
    before_fullscreen: Option<Size>,
    mapped: bool,
    covered: bool,
    dirty: bool,
    open: bool,
    keysyms: (u8, xproto::GetKeyboardMappingReply),
}

impl Window {
    pub fn open(shared: Arc<Shared>, display: Option<&str>, painter: Box<dyn Painter>) -> Result<Self> {
        let display = Display::open(display)?;
        let (depth, visual) = display.visual()?;
        shared.period_nanos.store(refresh_period(&display).as_nanos() as u64, Ordering::Relaxed);
        let conn = &display.conn;
        let [window, gc, colormap] = [(); 3].map(|()| conn.generate_id());
        let (window, gc, colormap) =
            (window.map_err(Error::from_x)?, gc.map_err(Error::from_x)?, colormap.map_err(Error::from_x)?);
        let (size, title) = {
            let state = shared.state.lock();
            (state.size, state.title.clone())
        };
        let events = EventMask::EXPOSURE
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::VISIBILITY_CHANGE
            | EventMask::KEY_PRESS;
        let root = display.root();
        conn.create_colormap(xproto::ColormapAlloc::NONE, colormap, root, visual).map_err(Error::from_x)?;
        // no background: the display draws nothing of its own between two pictures
        let look = CreateWindowAux::new()
            .border_pixel(0)
            .colormap(colormap)
            .bit_gravity(xproto::Gravity::CENTER)
            .event_mask(events);
        let (width, height) = (size.width as u16, size.height as u16);
        conn.create_window(
            depth,
            window,
            root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &look,
        )
        .map_err(Error::from_x)?
        .check()
        .map_err(Error::from_x)?;
        conn.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0)).map_err(Error::from_x)?;
        let keysyms = keyboard(&display)?;
        let mut this = Self {
            shared,
            painter,
            window,
            gc,
            depth,
            pictures: SharedPictures::default(),
            in_flight: Vec::new(),
            size,
            before_fullscreen: None,
            mapped: false,
            covered: false,
            dirty: true,
            open: true,
            keysyms,
            display,
        };
        this.introduce(&title)?;
        this.display.conn.map_window(window).map_err(Error::from_x)?;
        this.display.conn.sync().map_err(Error::from_x)?;
        this.handle_events()?;
        Ok(this)
    }

    /// Tells the window manager who this is.
    fn introduce(&self, title: &str) -> Result<()> {
        let (conn, atoms) = (&self.display.conn, &self.display.atoms);
        let set8 = |name: AtomEnum, kind: AtomEnum, value: &[u8]| {
            conn.change_property8(PropMode::REPLACE, self.window, name, kind, value).map(drop)
        };
        let set32 = |name: u32, kind: AtomEnum, value: &[u32]| {
            conn.change_property32(PropMode::REPLACE, self.window, name, kind, value).map(drop)
        };
        let protocols = [atoms.WM_DELETE_WINDOW, atoms._NET_WM_PING];
        set8(AtomEnum::WM_CLASS, AtomEnum::STRING, CLASS)
            .and_then(|()| set32(atoms.WM_PROTOCOLS, AtomEnum::ATOM, &protocols))
            .and_then(|()| set32(atoms._NET_WM_PID, AtomEnum::CARDINAL, &[std::process::id()]))
            .map_err(Error::from_x)?;
        self.set_title(title)
    }

    fn set_title(&self, title: &str) -> Result<()> {
        let (conn, atoms) = (&self.display.conn, &self.display.atoms);
        for name in [atoms._NET_WM_NAME, AtomEnum::WM_NAME.into()] {
            conn.change_property8(PropMode::REPLACE, self.window, name, atoms.UTF8_STRING, title.as_bytes())
                .map_err(Error::from_x)?;
        }
        Ok(())
    }

    /// Serves the window until it is closed.
    pub fn run(&mut self) -> Result<()> {
        while self.open && !self.shared.is_closing() {
            self.handle_events()?;
            self.take_news()?;
            if self.dirty && self.mapped && !self.covered && self.in_flight.len() < IN_FLIGHT {
                self.paint()?;
            }
            // what was sent last may have brought events in from the socket already
            match self.display.conn.poll_for_event().map_err(Error::from_x)? {
                Some(event) => self.handle(&event)?,
                None if self.open => self.display.wait(&self.shared.bell, None)?,
                None => {}
            }
        }
        // the display takes the rest with the connection
        self.display.conn.destroy_window(self.window).map_err(Error::from_x)?;
        self.display.conn.flush().map_err(Error::from_x)
    }

    fn take_news(&mut self) -> Result<()> {
        let News { picture, title, fullscreen, screenshot } = self.shared.take_news();
        self.dirty |= picture;
        if let Some(title) = title {
            self.set_title(&title)?;
        }
        if let Some(fullscreen) = fullscreen {
            self.fill_screen(fullscreen)?;
        }
        if let Some(asked) = screenshot {
            // who asked may be gone
            let _ = asked.send(FramePool::shared().frame(self.spec()).and_then(|into| self.draw_into(into)));
        }
        Ok(())
    }

    fn handle_events(&mut self) -> Result<()> {
        while let Some(event) = self.display.conn.poll_for_event().map_err(Error::from_x)? {
            self.handle(&event)?;
        }
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::ConfigureNotify(e) if e.window == self.window => {
                let size = Size::new(u32::from(e.width), u32::from(e.height));
                if size != self.size && Size::checked(size.width, size.height).is_ok() {
                    (self.size, self.dirty) = (size, true);
                    self.shared.state.lock().size = size;
                }
            }
            Event::Expose(e) => self.dirty |= e.count == 0,
            Event::MapNotify(_) => (self.mapped, self.dirty) = (true, true),
            Event::UnmapNotify(_) => self.mapped = false,
            Event::VisibilityNotify(e) => self.covered = e.state == Visibility::FULLY_OBSCURED,
            Event::ShmCompletion(e) => self.in_flight.retain(|(id, _)| *id != e.shmseg),
            Event::KeyPress(e) => self.press(e.detail),
            Event::MappingNotify(_) => self.keysyms = keyboard(&self.display)?,
            Event::ClientMessage(e) => return self.be_told(e),
            Event::DestroyNotify(e) if e.window == self.window => self.open = false,
            // the window vanished under a request: its DestroyNotify follows
            _ => {}
        }
        Ok(())
    }

    fn be_told(&mut self, message: &ClientMessageEvent) -> Result<()> {
        let (atoms, data) = (&self.display.atoms, message.data.as_data32());
        if message.type_ == atoms.WM_PROTOCOLS && data[0] == atoms.WM_DELETE_WINDOW {
            self.open = false;
        } else if message.type_ == atoms.WM_PROTOCOLS && data[0] == atoms._NET_WM_PING {
            let answer = ClientMessageEvent { window: self.display.root(), ..*message };
            return self.tell_manager(answer);
        }
        Ok(())
    }

    fn tell_manager(&self, message: ClientMessageEvent) -> Result<()> {
        let to = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.display.conn.send_event(false, self.display.root(), to, message).map(drop).map_err(Error::from_x)
    }

    fn press(&self, code: u8) {
        let (first, map) = &self.keysyms;
        let at = usize::from(code.saturating_sub(*first)) * usize::from(map.keysyms_per_keycode);
        if let Some(key) = map.keysyms.get(at).copied().and_then(Key::of_keysym) {
            self.shared.press(key);
        }
    }

    /// Asks the window manager for the whole screen or the old place; without one, takes it.
    fn fill_screen(&mut self, fill: bool) -> Result<()> {
        let (display, atoms) = (&self.display, &self.display.atoms);
        if display.property(display.root(), atoms._NET_SUPPORTING_WM_CHECK)?.is_some() {
            let data = [u32::from(fill), atoms._NET_WM_STATE_FULLSCREEN, 0, FROM_APPLICATION, 0];
            return self.tell_manager(ClientMessageEvent::new(32, self.window, atoms._NET_WM_STATE, data));
        }
        let size = if fill {
            self.before_fullscreen = Some(self.size);
            let root = display.conn.get_geometry(display.root()).map_err(Error::from_x)?.reply();
            let root = root.map_err(Error::from_x)?;
            Size::new(u32::from(root.width), u32::from(root.height))
        } else {
            self.before_fullscreen.take().unwrap_or(self.size)
        };
        let place = ConfigureWindowAux::new().x(0).y(0).width(size.width).height(size.height);
        display.conn.configure_window(self.window, &place).map(drop).map_err(Error::from_x)
    }

    fn spec(&self) -> FrameSpec {
        FrameSpec::of(PixelFormat::Bgra, self.size).with_alpha(AlphaKind::Opaque)
    }

    fn draw_into(&mut self, into: FrameMut) -> Result<Frame> {
        let (frame, view) = self.shared.picture();
        self.painter.paint(frame.as_ref(), view, into)
    }

    fn paint(&mut self) -> Result<()> {
        self.dirty = false;
        if self.display.has_shm {
            let memory = self.pictures.take(&self.display.conn, Shape::packed(self.size))?;
            let id = *memory.id().ok_or_else(|| Error::internal("a picture without memory"))?;
            let picture = self.draw_into(FrameMut::new(self.spec(), as_memory(memory))?)?;
            self.put_shared(id)?;
            self.in_flight.push((id, picture));
        } else {
            let into = FramePool::shared().frame(self.spec())?;
            let picture = self.draw_into(into)?;
            self.put_over_wire(&picture)?;
        }
        self.shared.shown.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn put_shared(&self, id: shm::Seg) -> Result<()> {
        let (width, height) = (self.size.width as u16, self.size.height as u16);
        let format = ImageFormat::Z_PIXMAP.into();
        shm::put_image(
            &self.display.conn,
            self.window,
            self.gc,
            width,
            height,
            0,
            0,
            width,
            height,
            0,
            0,
            self.depth,
            format,
            true,
            id,
            0,
        )
        .map(drop)
        .map_err(Error::from_x)
    }

    /// Sends the bytes themselves, in as many requests as it takes.
    fn put_over_wire(&self, picture: &Frame) -> Result<()> {
        let conn = &self.display.conn;
        let (map, row) = (picture.map_native(), self.size.width as usize * BYTES);
        let rows = ((conn.maximum_request_bytes() - 64) / row).max(1);
        let plane = map.plane(0);
        for top in (0..plane.rows).step_by(rows) {
            let bottom = (top + rows).min(plane.rows);
            let bytes: Vec<u8> = (top..bottom).flat_map(|y| plane.row(y).iter().copied()).collect();
            let (width, height) = (self.size.width as u16, (bottom - top) as u16);
            conn.put_image(
                ImageFormat::Z_PIXMAP,
                self.window,
                self.gc,
                width,
                height,
                0,
                top as i16,
                0,
                self.depth,
                &bytes,
            )
            .map_err(Error::from_x)?;
        }
        Ok(())
    }
}

fn as_memory(memory: Memory) -> Box<dyn HostMemoryMut> {
    Box::new(memory)
}

fn keyboard(display: &Display) -> Result<(u8, xproto::GetKeyboardMappingReply)> {
    let setup = display.conn.setup();
    let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
    let map = display.conn.get_keyboard_mapping(first, count).map_err(Error::from_x)?.reply();
    Ok((first, map.map_err(Error::from_x)?))
}
