// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows that show a source. Each has a thread of its own that speaks to the display; whoever calls
//! [`Viewer::draw`] hands it the newest frame and never waits for the display itself.

#[cfg(windows)]
mod gdi;
mod key;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(any(target_os = "linux", windows)))]
mod none;
mod shared;
#[cfg(target_os = "linux")]
mod wayland;
#[cfg(target_os = "linux")]
mod x11;

#[cfg(windows)]
use gdi as backend;
pub use key::Key;
#[cfg(target_os = "linux")]
use linux as backend;
#[cfg(not(any(target_os = "linux", windows)))]
use none as backend;

use crossbeam_channel::bounded;
use lk_media::thread::{Process, Thread};
use lk_media::{
    Clock, ClockId, Error, ErrorKind, Frame, FrameMut, LeaseGuard, Result, Sample, Sampling, Size, Timestamp,
    VideoPort, VideoSource, VideoTarget,
};
use parking_lot::Mutex;
use shared::Shared;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a screenshot may take.
const SCREENSHOT: Duration = Duration::from_secs(5);

/// How a picture lies in a window of another shape; it is centred, the rest is black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewFit {
    /// As large as goes without changing its shape.
    #[default]
    Contain,
    /// The same, but never larger than it is.
    ScaleDown,
    /// All over the window, whatever that does to its shape.
    Stretch,
}

/// Where the picture lies in its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How it fills what the margin leaves.
    pub fit: ViewFit,
    /// Pixels kept free along every edge.
    pub margin: u32,
}

/// Draws what a window shows.
pub trait Painter: Send {
    /// Draws `frame`, or nothing but the background, into memory of the window's size.
    fn paint(&mut self, frame: Option<&Frame>, view: View, into: FrameMut) -> Result<Frame>;
}

/// How a window is to be.
#[derive(Clone, Debug)]
pub struct ViewerOptions {
    /// The inside of the window, in pixels of the screen.
    pub size: Size,
    /// What stands over it.
    pub title: String,
    /// Where the picture lies in it.
    pub view: View,
    /// The display, if not that of the session: ":0" is one of X11, "wayland-1" or the path of a socket one of Wayland.
    pub display: Option<String>,
}

impl ViewerOptions {
    /// A window of `size` on the session's display.
    pub fn new(size: Size, title: impl Into<String>) -> Self {
        Self { size, title: title.into(), view: View::default(), display: None }
    }
}

/// What a window did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewerStatistics {
    /// Pictures handed to the display.
    pub shown: u64,
    /// Frames that were replaced by a newer one before the display took them.
    pub skipped: u64,
}

/// A window that shows the newest frame of a source whenever [`Viewer::draw`] is called; between the calls it sees to
/// itself (moved, uncovered, resized). F11 makes it fill the screen and back, Escape back.
///
/// Closed by its user, or when its display goes away, it stays closed. Dropping it closes it.
pub struct Viewer {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    source: Mutex<Shown>,
    port: Arc<VideoPort>,
    clock: ClockId,
    due: Mutex<Timestamp>,
    process: Process,
}

struct Shown {
    source: Arc<dyn VideoSource>,
    claimed: bool,
    lease: Option<LeaseGuard>,
}

impl Viewer {
    /// Opens a window. A display that is not there, or does not answer within 5 s, is an error here.
    pub fn open(options: ViewerOptions, painter: Box<dyn Painter>) -> Result<Self> {
        Size::checked(options.size.width, options.size.height)?;
        let shared = Arc::new(Shared::new(&options)?);
        let thread = backend::open(shared.clone(), options.display, painter)?;
        let port = Arc::new(VideoPort::new());
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
            source: Mutex::new(Shown { source: port.clone(), claimed: true, lease: None }),
            port,
            clock: ClockId::unique(),
            due: Mutex::default(),
            process: Process::here(),
        })
    }

    /// Shows `source` from the next [`Viewer::draw`] on, which puts it on the live clock: until then it may be used
    /// elsewhere. None: what is written to [`Viewer::target`], as at first.
    pub fn set_source(&self, source: Option<Arc<dyn VideoSource>>) {
        let claimed = source.is_none();
        let source = source.unwrap_or_else(|| self.port.clone());
        let before = std::mem::replace(&mut *self.source.lock(), Shown { source, claimed, lease: None });
        drop(before);
    }

    /// What it shows.
    pub fn source(&self) -> Arc<dyn VideoSource> {
        self.source.lock().source.clone()
    }

    /// Where frames can be written that it shows while it has no other source.
    pub fn target(&self) -> Arc<dyn VideoTarget> {
        self.port.clone()
    }

    /// Hands the newest frame to the window and waits for the display's next picture (a sixtieth of a second, or what
    /// the monitor says); never for the display itself. False once the window is closed.
    ///
    /// A source whose reading may block is read on the calling thread. Errors are those of claiming and reading it.
    pub fn draw(&self) -> Result<bool> {
        self.check_process()?;
        if self.shared.is_closed() {
            return Ok(false);
        }
        if let Some(frame) = self.newest()? {
            self.show(frame);
        }
        self.wait();
        Ok(!self.shared.is_closed())
    }

    fn newest(&self) -> Result<Option<Frame>> {
        let now = <dyn Clock>::live().now();
        let source = {
            let mut shown = self.source.lock();
            if !shown.claimed {
                shown.lease = shown.source.claim(self.clock, now)?;
                shown.claimed = true;
            }
            shown.source.clone()
        };
        Ok(match source.sample(now, Sampling::Live)? {
            Sample::Frame(frame) => Some(frame),
            Sample::Ended(last) => last,
            Sample::Pending | Sample::Empty => None,
        })
    }

    /// Shows `frame` from now on.
    fn show(&self, frame: Frame) {
        let mut state = self.shared.state.lock();
        if state.frame.as_ref().is_some_and(|f| f.id() == frame.id()) {
            return;
        }
        if std::mem::replace(&mut state.new.picture, true) && state.frame.is_some() {
            self.shared.skipped.fetch_add(1, Ordering::Relaxed);
        }
        let before = state.frame.replace(frame);
        drop(state);
        drop(before);
        self.shared.bell.ring();
    }

    /// Waits until the display shows its next picture, or the window is closed.
    fn wait(&self) {
        let period = Duration::from_nanos(self.shared.period_nanos.load(Ordering::Relaxed));
        let now = <dyn Clock>::live().now();
        let due = {
            let mut due = self.due.lock();
            // who comes late starts anew
            *due = if now.nanos_since(*due) > period.as_nanos() as i64 { now } else { *due } + period;
            *due
        };
        let left = due.nanos_since(now);
        if left > 0 {
            self.shared.ended.wait(Duration::from_nanos(left.unsigned_abs()));
        }
    }

    /// Draws until the window is closed or `stop` says so, which is asked between two pictures.
    pub fn run(&self, mut stop: impl FnMut() -> bool) -> Result<()> {
        while !stop() && self.draw()? {}
        Ok(())
    }

    /// Whether it is closed: by its user, by [`Viewer::close`], or because its display went away.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Why it closed, if neither its user nor its owner did it.
    pub fn error(&self) -> Option<Error> {
        self.shared.state.lock().error.clone()
    }

    /// The inside of the window, in pixels.
    pub fn size(&self) -> Size {
        self.shared.state.lock().size
    }

    /// Where the picture lies in the window.
    pub fn view(&self) -> View {
        self.shared.state.lock().view
    }

    /// Lets the picture lie otherwise.
    pub fn set_view(&self, view: View) {
        self.shared.change(|state| {
            state.new.picture |= state.view != view;
            state.view = view;
        });
    }

    /// What stands over the window.
    pub fn title(&self) -> String {
        self.shared.state.lock().title.clone()
    }

    /// Writes something else over it.
    pub fn set_title(&self, title: &str) {
        self.shared.change(|state| (state.title, state.new.title) = (title.to_owned(), true));
    }

    /// Whether it is to fill the screen.
    pub fn is_fullscreen(&self) -> bool {
        self.shared.state.lock().fullscreen
    }

    /// Lets it fill the screen, or not.
    pub fn set_fullscreen(&self, fullscreen: bool) {
        self.shared.change(|state| {
            state.new.fullscreen |= state.fullscreen != fullscreen;
            state.fullscreen = fullscreen;
        });
    }

    /// The keys pressed since this was asked last, but for those the window takes itself; the last 64.
    pub fn keys(&self) -> Vec<Key> {
        self.shared.state.lock().keys.drain(..).collect()
    }

    /// What the window shows: bars, margin and all, in its size.
    pub fn screenshot(&self) -> Result<Frame> {
        self.check_process()?;
        let closed = || Error::new(ErrorKind::Closed, "the window is closed");
        let (sender, receiver) = bounded(1);
        if self.shared.is_closed() {
            return Err(closed());
        }
        self.shared.change(|state| state.screenshot = Some(sender));
        match receiver.recv_timeout(SCREENSHOT) {
            Ok(picture) => picture,
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(closed()),
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                Err(Error::new(ErrorKind::Deadline, "the window has not been drawn in time"))
            }
        }
    }

    /// Counts since it was opened.
    pub fn statistics(&self) -> ViewerStatistics {
        ViewerStatistics {
            shown: self.shared.shown.load(Ordering::Relaxed),
            skipped: self.shared.skipped.load(Ordering::Relaxed),
        }
    }

    /// Closes the window; waits a moment until it is gone. What it showed is let go.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.shared.closing.store(true, Ordering::Release);
        self.shared.bell.ring();
        let thread = self.thread.lock().take();
        backend::let_go(thread, &self.shared.ended);
        self.set_source(None);
    }

    fn check_process(&self) -> Result<()> {
        if self.process.is_this() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Closed, "the window belongs to the process this one was forked from")
            .with_hint("open another window after the fork"))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.close();
    }
}
