// SPDX-License-Identifier: GPL-2.0-or-later
//! A window on Wayland: frames are drawn into memory that the compositor reads, and it says when it wants the next.

mod hears;
mod keys;

use super::shared::{News, Shared};
use super::{Key, Painter};
use crate::desktop::Shape;
use crate::wayland::{self, SharedPictures, Shm};
use keys::Keys;
use lk_media::{
    AlphaKind, Error, ErrorKind, Frame, FrameMut, FramePool, FrameSpec, PixelFormat, Result, Size,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_compositor::WlCompositor;
use wayland_client::protocol::wl_keyboard::WlKeyboard;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::protocol::wl_shm::{Format, WlShm};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, EventQueue, Proxy};
use wayland_protocols::xdg::decoration::zv1::client::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1;
use wayland_protocols::xdg::decoration::zv1::client::zxdg_toplevel_decoration_v1::{
    Mode, ZxdgToplevelDecorationV1,
};
use wayland_protocols::xdg::shell::client::xdg_surface::XdgSurface;
use wayland_protocols::xdg::shell::client::xdg_toplevel::XdgToplevel;
use wayland_protocols::xdg::shell::client::xdg_wm_base::XdgWmBase;

/// Pictures the compositor may have at a time.
const IN_FLIGHT: usize = 3;
/// What compositors know the program by.
const APPLICATION: &str = "livekit-studio";

/// What the compositor has told.
#[derive(Default)]
struct Desk {
    compositor: Option<WlCompositor>,
    shm: Option<WlShm>,
    base: Option<XdgWmBase>,
    decorations: Option<ZxdgDecorationManagerV1>,
    seat: Option<WlSeat>,
    keyboard: Option<WlKeyboard>,
    screens: Vec<Screen>,
    /// The size that is wanted, in units of the compositor's.
    wanted: Option<(u32, u32)>,
    /// The wish that is to be acknowledged.
    serial: Option<u32>,
    fullscreen: bool,
    closed: bool,
    /// The compositor wants the next picture.
    ready: bool,
    released: Vec<WlBuffer>,
    keys: Keys,
    pressed: Vec<Key>,
}

/// A screen that the window may be on.
struct Screen {
    global: u32,
    output: WlOutput,
    scale: u32,
    /// Pictures a second, in thousandths.
    rate: u32,
    entered: bool,
}

pub(super) struct Window {
    shared: Arc<Shared>,
    painter: Box<dyn Painter>,
    desk: Desk,
    surface: WlSurface,
    toplevel: XdgToplevel,
    shell: XdgSurface,
    decoration: Option<ZxdgToplevelDecorationV1>,
    memory: Shm<Desk>,
    pictures: SharedPictures<Desk>,
    /// What the compositor is reading.
    in_flight: Vec<(WlBuffer, Frame)>,
    /// In pixels.
    size: Size,
    /// Pixels for each of the compositor's units.
    scale: u32,
    /// It fills the screen.
    filled: bool,
    dirty: bool,
    queue: EventQueue<Desk>,
    _connection: Connection,
}

impl Window {
    pub fn open(shared: Arc<Shared>, display: Option<&str>, painter: Box<dyn Painter>) -> Result<Self> {
        let connection = wayland::open(display)?;
        let mut queue = connection.new_event_queue();
        let handle = queue.handle();
        let _registry = connection.display().get_registry(&handle, ());
        let mut desk = Desk { ready: true, ..Desk::default() };
        // what there is, then what it says of itself
        wayland::roundtrip(&mut queue, &mut desk)?;
        wayland::roundtrip(&mut queue, &mut desk)?;
        let (Some(compositor), Some(shm), Some(base)) = (&desk.compositor, desk.shm.clone(), &desk.base)
        else {
            return Err(Error::new(
                ErrorKind::Display,
                "this Wayland compositor shows no windows of this kind",
            )
            .with_hint("it has no xdg-shell; open windows on another display"));
        };
        let surface = compositor.create_surface(&handle, ());
        let shell = base.get_xdg_surface(&surface, &handle, ());
        let toplevel = shell.get_toplevel(&handle, ());
        let decoration = desk.decorations.as_ref().map(|manager| {
            let decoration = manager.get_toplevel_decoration(&toplevel, &handle, ());
            decoration.set_mode(Mode::ServerSide);
            decoration
        });
        let (size, title) = {
            let state = shared.state.lock();
            (state.size, state.title.clone())
        };
        toplevel.set_title(title);
        toplevel.set_app_id(APPLICATION.to_owned());
        surface.commit();
        let mut this = Self {
            shared,
            painter,
            desk,
            surface,
            toplevel,
            shell,
            decoration,
            memory: Shm { shm, queue: handle },
            pictures: SharedPictures::default(),
            in_flight: Vec::new(),
            size,
            scale: 1,
            filled: false,
            dirty: true,
            queue,
            _connection: connection,
        };
        // it says what it wants before it shows anything
        while this.desk.serial.is_none() {
            wayland::roundtrip(&mut this.queue, &mut this.desk)?;
        }
        this.hear();
        Ok(this)
    }

    /// Serves the window until it is closed.
    pub fn run(&mut self) -> Result<()> {
        while !self.desk.closed && !self.shared.is_closing() {
            self.hear();
            self.take_news()?;
            if self.dirty && self.desk.ready && self.in_flight.len() < IN_FLIGHT {
                self.paint()?;
            }
            wayland::wait(&mut self.queue, &self.shared.bell, None)?;
            wayland::dispatch(&mut self.queue, &mut self.desk)?;
        }
        if let Some(decoration) = &self.decoration {
            decoration.destroy();
        }
        self.toplevel.destroy();
        self.shell.destroy();
        self.surface.destroy();
        wayland::roundtrip(&mut self.queue, &mut self.desk)
    }

    /// Acts on what the compositor has told.
    fn hear(&mut self) {
        for buffer in self.desk.released.drain(..) {
            self.in_flight.retain(|(id, _)| *id != buffer);
        }
        self.desk.pressed.drain(..).for_each(|key| self.shared.press(key));
        let on: Vec<&Screen> = self.desk.screens.iter().filter(|screen| screen.entered).collect();
        let scale = on.iter().map(|screen| screen.scale).max().unwrap_or(self.scale).max(1);
        if let Some(rate) = on.iter().map(|screen| screen.rate).max().filter(|rate| *rate > 0) {
            self.shared.period_nanos.store(1_000_000_000_000 / u64::from(rate), Ordering::Relaxed);
        }
        let units = self.desk.wanted.take();
        if scale != self.scale || units.is_some() {
            let (width, height) =
                units.unwrap_or((self.size.width / self.scale, self.size.height / self.scale));
            let size = Size::new(width.saturating_mul(scale), height.saturating_mul(scale));
            self.scale = scale;
            if Size::checked(size.width, size.height).is_ok() && size != self.size {
                (self.size, self.dirty) = (size, true);
                self.shared.state.lock().size = size;
            }
        }
        if let Some(serial) = self.desk.serial.take() {
            self.shell.ack_configure(serial);
            self.dirty = true;
            if self.desk.fullscreen != self.filled {
                self.filled = self.desk.fullscreen;
                self.shared.state.lock().fullscreen = self.filled;
            }
        }
    }

    fn take_news(&mut self) -> Result<()> {
        let News { picture, title, fullscreen, screenshot } = self.shared.take_news();
        self.dirty |= picture;
        if let Some(title) = title {
            self.toplevel.set_title(title);
        }
        match fullscreen {
            Some(true) => self.toplevel.set_fullscreen(None),
            Some(false) => self.toplevel.unset_fullscreen(),
            None => {}
        }
        if let Some(asked) = screenshot {
            let drawn = FramePool::shared().frame(self.spec()).and_then(|into| self.draw_into(into));
            // who asked may be gone
            let _ = asked.send(drawn);
        }
        Ok(())
    }

    fn spec(&self) -> FrameSpec {
        FrameSpec::of(PixelFormat::Bgra, self.size).with_alpha(AlphaKind::Opaque)
    }

    fn draw_into(&mut self, into: FrameMut) -> Result<Frame> {
        let (frame, view) = self.shared.picture();
        self.painter.paint(frame.as_ref(), view, into)
    }

    fn paint(&mut self) -> Result<()> {
        (self.dirty, self.desk.ready) = (false, false);
        let shape = Shape { format: Format::Xrgb8888.into(), ..Shape::packed(self.size) };
        let memory = self.pictures.take(&self.memory, shape)?;
        let buffer = memory.id().cloned().ok_or_else(|| Error::internal("a picture without memory"))?;
        let picture = self.draw_into(FrameMut::new(self.spec(), Box::new(memory))?)?;
        if self.surface.version() >= 3 {
            self.surface.set_buffer_scale(self.scale as i32);
        }
        self.surface.attach(Some(&buffer), 0, 0);
        self.surface.damage(0, 0, i32::MAX, i32::MAX);
        self.surface.frame(&self.memory.queue, ());
        self.surface.commit();
        self.in_flight.push((buffer, picture));
        self.shared.shown.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
