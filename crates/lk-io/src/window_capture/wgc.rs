// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures by Windows.Graphics.Capture, which Windows has since 2019: the compositor of the desktop hands over what a
//! window or a screen shows whenever something was drawn, covered or not, by whatever it was drawn. Written, and tried as
//! far as Wine 8 goes, which lacks it: see docs/windows.md.

mod device;
mod session;

use super::areas::{Area, screen_with};
use super::capturing::{Eye, Origin, WindowState};
use super::changes::Changes;
use super::win32::{clients, screens};
use super::{Region, Shared, WindowInfo};
use crate::com::Com;
use device::Device;
use lk_media::{Error, ErrorKind, Frame, Result, Size, Timestamp};
use session::{Session, Subject};
use std::sync::Arc;
use windows::Graphics::Capture::GraphicsCaptureSession;
use windows_sys::Win32::UI::HiDpi::{
    DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2, SetThreadDpiAwarenessContext,
};

const NAME: &str = "Windows.Graphics.Capture";

/// Whether the system has it.
pub(super) fn check() -> Result<()> {
    let why = match GraphicsCaptureSession::IsSupported() {
        Ok(true) => return Ok(()),
        Ok(false) => Error::new(ErrorKind::Display, format!("{NAME} does not work on this machine")),
        Err(error) => failed(&error),
    };
    Err(why
        .with_hint("it takes Windows 10 of 2020 (version 2004) or later; display=\"gdi\" works everywhere"))
}

/// What the system said.
fn failed(error: &windows::core::Error) -> Error {
    let code = error.code().0;
    Error::new(ErrorKind::Display, format!("{NAME}: {} (0x{code:08x})", error.message().trim_end()))
}

/// Sees by sessions, one for what is seen at a time.
pub(super) struct Wgc {
    shared: Arc<Shared>,
    changes: Changes,
    session: Option<Session>,
    device: Device,
    // the last to go
    _com: Com,
}

impl Eye for Wgc {
    fn open(shared: &Arc<Shared>) -> Result<Self> {
        let com = Com::enter();
        check()?;
        in_pixels();
        let device = Device::new().map_err(|e| failed(&e))?;
        Ok(Self { shared: shared.clone(), changes: Changes::default(), session: None, device, _com: com })
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
        self.session.as_ref().is_some_and(Session::has_news)
    }

    fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
        let (subject, on_screen) = match *origin {
            Origin::Window(id, _) => (Subject::Window(id), None),
            Origin::Desktop(area) => one_screen(area).map(|(screen, part)| (screen, Some(part)))?,
        };
        match self.look(subject, on_screen, now) {
            // a window that has just been closed is no fault
            Err(_) if is_gone(subject) => Ok(None),
            seen => seen.map_err(|e| failed(&e))?,
        }
    }

    fn forget(&mut self) {
        self.changes.forget();
        self.session = None;
    }
}

impl Wgc {
    /// The newest picture of a subject, or the part of it that is on a screen.
    fn look(
        &mut self,
        subject: Subject,
        on_screen: Option<Region>,
        now: Timestamp,
    ) -> windows::core::Result<Result<Option<Frame>>> {
        let session = match self.session.take().filter(|session| session.is_of(subject)) {
            Some(session) => self.session.insert(session),
            None => self.session.insert(Session::start(&self.device, subject, &self.shared)?),
        };
        let Some(picture) = session.newest()? else { return Ok(Ok(None)) };
        let whole = Area { x: 0, y: 0, size: picture.size };
        let part = match (subject, on_screen) {
            (Subject::Window(id), _) => inside(id, picture.size),
            (Subject::Screen(_), Some(part)) => whole.shown(whole.part(part)),
            (Subject::Screen(_), None) => whole.shown(whole),
        };
        let Some(part) = part else { return Ok(Ok(None)) };
        let changes = &mut self.changes;
        let made = self
            .device
            .read(&picture.texture, part, |bytes, pitch| changes.frame(bytes, pitch, part.size, now));
        session.done_with(picture)?;
        made
    }
}

/// What of the picture of a window is its inside.
fn inside(window: u32, picture: Size) -> Option<Region> {
    let frame = screens::frame_of(window)?;
    // while it is being resized, the picture has yet to follow
    Area { size: picture, ..frame }.shown(screens::inside_of(window)?)
}

fn is_gone(subject: Subject) -> bool {
    matches!(subject, Subject::Window(id) if clients::state(id) == WindowState::Gone)
}

/// The screen that a part of the desktop lies on.
fn one_screen(part: Area) -> Result<(Subject, Region)> {
    let (handles, areas): (Vec<isize>, Vec<Area>) = screens::screens().into_iter().unzip();
    let (index, region) = screen_with(&areas, part).ok_or_else(|| {
        Error::new(ErrorKind::Display, format!("{NAME} shows one screen at a time"))
            .with_hint("capture a region that lies on one screen, or say display=\"gdi\"")
    })?;
    Ok((Subject::Screen(handles[index]), region))
}

/// Has the system say where things are in pixels of the screen, to this thread, which is the capture's own.
#[allow(unsafe_code)] // a call of the system
fn in_pixels() {
    // SAFETY: no pointers.
    unsafe { SetThreadDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2) };
}
