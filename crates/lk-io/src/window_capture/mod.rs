// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows and screens of the desktop as sources. A capture has a thread of its own that speaks to the display and
//! publishes a frame whenever something was drawn; a window that stands still costs nothing.

#[cfg(any(windows, test))]
mod areas;
#[cfg(any(windows, test))]
mod capturing;
#[cfg(any(windows, test))]
mod changes;
#[cfg(target_os = "linux")]
mod cursor;
#[cfg(any(windows, test))]
mod fallback;
#[cfg(windows)]
mod gdi;
#[cfg(target_os = "linux")]
mod linux;
mod list;
#[cfg(not(any(target_os = "linux", windows)))]
mod none;
#[cfg(target_os = "linux")]
mod portal;
#[cfg(any(target_os = "linux", windows))]
mod serve;
#[cfg(target_os = "linux")]
mod wayland;
mod ways;
#[cfg(windows)]
mod wgc;
#[cfg(windows)]
mod win32;
#[cfg(target_os = "linux")]
mod x11;

#[cfg(target_os = "linux")]
use linux as backend;
pub use list::{CHOOSE, WindowInfo, WindowRule};
#[cfg(not(any(target_os = "linux", windows)))]
use none as backend;
pub use ways::{CaptureWays, capture_ways};
#[cfg(windows)]
use win32 as backend;

use backend::Bell;
use lk_media::thread::{Process, Thread};
use lk_media::{
    Cancel, Error, ErrorKind, Event, EventKind, Events, Exactness, Frame, FrameRate, Result, Sample,
    Sampling, Size, SourceState, Timestamp, VideoPort, VideoSource, VideoTarget, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// A part of a screen, in pixels from its top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Columns left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Its size.
    pub size: Size,
}

impl Region {
    /// Whether it lies in a picture of this size.
    #[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
    fn is_in(&self, whole: Size) -> bool {
        let fits = |at: u32, length: u32, side: u32| at.checked_add(length).is_some_and(|end| end <= side);
        fits(self.x, self.size.width, whole.width) && fits(self.y, self.size.height, whole.height)
    }
}

/// A region outside a screen of this size.
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
fn outside(whole: Size) -> Error {
    Error::parameter("the region lies outside the screen")
        .with_hint(format!("the screen has {}x{} pixels", whole.width, whole.height))
}

/// How a capture is to go.
#[derive(Clone)]
pub struct CaptureOptions {
    /// The display, if not that of the session: ":0" is one of X11, "wayland-1" or the path of a socket one of
    /// Wayland; "portal" has the user choose in the desktop's dialog. Windows has one: there "wgc" and "gdi" are the
    /// ways to see it, of which the first that works is taken.
    pub display: Option<String>,
    /// The screen of the display, by its name ("HDMI-A-1") or its number counted from 0. None is the first on Wayland,
    /// and all of them together on X11. Windows have none.
    pub output: Option<String>,
    /// Whether the mouse pointer is in the picture.
    pub cursor: bool,
    /// Frames a second at the most.
    pub rate: FrameRate,
    /// The name under which it is remembered what the user chose in the desktop's dialog, so that the next capture with
    /// that name does not ask. None asks every time. It says nothing where nobody is asked.
    pub remember: Option<String>,
    /// How long the user may take to choose.
    pub timeout: Duration,
    /// Ends the waiting for the user's choice.
    pub cancel: Cancel,
}

impl CaptureOptions {
    /// At most 60 frames a second of the session's display, without the pointer; five minutes to choose.
    pub fn new() -> Result<Self> {
        Ok(Self {
            display: None,
            output: None,
            cursor: false,
            rate: FrameRate::new(60, 1)?,
            remember: None,
            timeout: Duration::from_secs(300),
            cancel: Cancel::new(),
        })
    }
}

/// The windows of a display (None: the session's) in the order they were opened. With a window manager these are the
/// windows of applications, else whatever has a name. In a Wayland session they are those of Xwayland, and where there
/// is a desktop portal, an entry called [`CHOOSE`]: capturing that has the user choose in the desktop's dialog.
pub fn windows(display: Option<&str>) -> Result<Vec<WindowInfo>> {
    backend::windows(display)
}

/// A window or a screen as a live source, BGRA.
///
/// A window is shown whole, covered or not, and followed when it is resized. Iconified it is
/// [`SourceState::Stalled`]; closed it is [`SourceState::Reconnecting`] until one that fits the same rule is opened
/// ([`SourceState::Ended`] if it was chosen by its id); so is everything whose display went away. Meanwhile its last
/// frame stays, or what a layer shows instead. Dropping it ends the capture.
///
/// What the user chose in the desktop's dialog is [`SourceState::Ended`] when the user or the desktop ends it there;
/// when it is lost otherwise, it is asked for again if the desktop remembers what was allowed, and
/// [`SourceState::Failed`] if not.
pub struct Capture {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

/// What is captured.
#[derive(Clone, Debug)]
enum Target {
    Window(WindowRule),
    Screen(Option<Region>),
}

struct Shared {
    name: String,
    options: CaptureOptions,
    port: VideoPort,
    state: Mutex<SourceState>,
    window: Mutex<Option<WindowInfo>>,
    events: Events,
    bell: Bell,
    cancel: Cancel,
    /// Rung at the thread's end.
    ended: Wake,
}

impl Shared {
    /// Enters a state and tells of it.
    fn enter(&self, new: SourceState) {
        let mut state = self.state.lock();
        let (old, word) = (state.word(), new.word());
        if old == word {
            return;
        }
        *state = new;
        drop(state);
        self.events.emit(Event::now(EventKind::SourceState, self.name.clone(), old, word));
    }

    fn publish(&self, frame: Frame) {
        self.enter(SourceState::Live);
        self.port.publish(frame);
    }
}

impl Capture {
    /// Captures the window that `rule` chooses. One that is not there is an error that says which are; so is a
    /// display that is missing or cannot be captured from, and a user who refuses or does not choose in time.
    pub fn window(rule: WindowRule, options: CaptureOptions) -> Result<Self> {
        Self::open(rule.to_string(), Target::Window(rule), options)
    }

    /// Captures a screen, or a part of it. Where a Wayland compositor copies no screens, the user chooses one in the
    /// desktop's dialog.
    pub fn screen(region: Option<Region>, options: CaptureOptions) -> Result<Self> {
        if let Some(region) = region {
            Size::checked(region.size.width, region.size.height)?;
        }
        Self::open("the screen".to_owned(), Target::Screen(region), options)
    }

    fn open(name: String, target: Target, options: CaptureOptions) -> Result<Self> {
        let shared = Arc::new(Shared {
            name,
            options,
            port: VideoPort::new(),
            state: Mutex::new(SourceState::Starting),
            window: Mutex::default(),
            events: Events::new(),
            bell: Bell::new()?,
            cancel: Cancel::new(),
            ended: Wake::new(),
        });
        let thread = backend::open(shared.clone(), target)?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), process: Process::here() })
    }

    /// The window that is captured, or was when it was there last; None for screens. Its size is that of its frames.
    pub fn window_info(&self) -> Option<WindowInfo> {
        let info = self.shared.window.lock().clone()?;
        let size = self.shared.port.newest().map_or(info.size, |f| f.size());
        Some(WindowInfo { size, ..info })
    }

    /// Where its changes of state are told.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// How many frames were taken so far.
    pub fn frames(&self) -> u64 {
        VideoTarget::statistics(&self.shared.port).frames
    }

    /// Each frame once: the one numbered `seq` or the first after it, and its number; see [`VideoPort::next`].
    pub fn next(&self, seq: u64, deadline: lk_media::clock::Deadline) -> Option<(u64, Frame)> {
        self.shared.port.next(seq, deadline)
    }

    /// Ends it: the last frame stays.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.shared.cancel.cancel();
        self.shared.bell.ring();
        backend::let_go(self.thread.lock().take(), &self.shared.ended);
        self.shared.enter(SourceState::Ended);
        self.shared.port.end();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.close();
    }
}

impl VideoSource for Capture {
    fn name(&self) -> String {
        self.shared.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if sampling == Sampling::Exact {
            return Err(Error::new(
                ErrorKind::LiveSource,
                format!("{} has no exact times: it shows what is there now", self.shared.name),
            )
            .with_hint("give the layer offline=\"freeze\" or \"skip\", or record it first"));
        }
        VideoSource::sample(&self.shared.port, at, sampling)
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("it shows what is on the screen now")
    }

    fn size(&self) -> Option<Size> {
        self.shared.port.newest().map(|f| f.size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        VideoSource::wake_on_ready(&self.shared.port, wake);
    }

    fn state(&self) -> SourceState {
        self.shared.state.lock().clone()
    }
}
