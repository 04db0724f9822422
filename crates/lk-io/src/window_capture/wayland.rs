// SPDX-License-Identifier: GPL-2.0-or-later
//! Screens of compositors that have wlr-screencopy (wlroots and others): the compositor copies a screen into the memory
//! of a frame as soon as something on it has changed.

mod formats;
mod hears;
mod outputs;
mod taking;
mod upright;

use super::serve::{IDLE, LOOK, Link, MOST};
use super::{Region, Shared, Target};
use crate::wayland::{self, Memory, SharedPictures, Shm};
use formats::Format;
use lk_media::clock::Deadline;
use lk_media::{
    Clock, Error, ErrorKind, Frame, FrameMut, FramePool, FrameSpec, HostMemory, PixelFormat, Result, Size,
    SourceState, Timestamp,
};
use outputs::Output;
use std::sync::Arc;
use std::time::Duration;
use taking::{Taken, Taking};
use upright::Upright;
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::{Connection, EventQueue};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

/// How long it is waited after the compositor could not copy a screen: it is being changed or switched off.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the first picture is waited for.
const FIRST: Duration = Duration::from_secs(4);

/// A screen that is captured.
pub(super) struct Screen {
    shared: Arc<Shared>,
    region: Option<Region>,
    queue: EventQueue<Desk>,
    desk: Desk,
    manager: ZwlrScreencopyManagerV1,
    memory: Shm<Desk>,
    pictures: SharedPictures<Desk>,
    taking: Option<Taking>,
    /// Copies from now on wait until something has changed.
    seen: bool,
    /// The first moment the next frame may be taken.
    due: Timestamp,
    _connection: Connection,
}

/// What the compositor has told.
#[derive(Default)]
struct Desk {
    shm: Option<WlShm>,
    manager: Option<ZwlrScreencopyManagerV1>,
    outputs: Vec<Output>,
    taken: Taken,
}

/// Whether the session's compositor can be asked for copies of its screens.
pub(super) fn copies_screens() -> Result<bool> {
    crate::desktop::ask(|| {
        let connection = wayland::open(None)?;
        let mut queue = connection.new_event_queue();
        let _registry = connection.display().get_registry(&queue.handle(), ());
        let mut desk = Desk::default();
        wayland::roundtrip(&mut queue, &mut desk)?;
        Ok(desk.manager.is_some())
    })
}

impl Link for Screen {
    fn begin(shared: &Arc<Shared>, display: Option<&str>, target: &mut Target) -> Result<Self> {
        let mut this = Self::resume(shared, display, target)?;
        outputs::choose(&this.desk.outputs, shared.options.output.as_deref())?;
        // a screen that is switched off is there, and shows something later
        let deadline = Deadline::after(FIRST);
        let is_off = || shared.state.lock().word() == SourceState::Stalled.word();
        while shared.port.newest().is_none() && !is_off() {
            if deadline.has_passed() {
                return Err(Error::new(ErrorKind::Display, "the compositor does not copy its screen")
                    .with_hint("it may be stopped or overloaded; try again"));
            }
            this.go_on()?;
        }
        Ok(this)
    }

    fn resume(shared: &Arc<Shared>, display: Option<&str>, target: &Target) -> Result<Self> {
        let connection = wayland::open(display)?;
        let mut queue = connection.new_event_queue();
        let handle = queue.handle();
        let _registry = connection.display().get_registry(&handle, ());
        let mut desk = Desk::default();
        // what there is, then what it says of itself
        wayland::roundtrip(&mut queue, &mut desk)?;
        wayland::roundtrip(&mut queue, &mut desk)?;
        let (Some(manager), Some(shm)) = (desk.manager.clone(), desk.shm.clone()) else {
            return Err(Error::new(
                ErrorKind::Display,
                "this Wayland compositor does not show its screen by wlr-screencopy",
            )
            .with_hint(
                "sway and other wlroots compositors do; record a single program under Xwayland instead",
            ));
        };
        let region = match target {
            Target::Screen(region) => *region,
            Target::Window(_) => return Err(Error::internal("a window taken for a screen")),
        };
        Ok(Self {
            shared: shared.clone(),
            region,
            memory: Shm { shm, queue: handle },
            pictures: SharedPictures::default(),
            manager,
            queue,
            desk,
            taking: None,
            seen: false,
            due: Timestamp::ZERO,
            _connection: connection,
        })
    }

    fn run(&mut self, _: &Target) -> Result<()> {
        while !self.shared.cancel.is_cancelled() {
            self.go_on()?;
        }
        Ok(())
    }
}

impl Screen {
    /// Does what is to be done now, and waits.
    fn go_on(&mut self) -> Result<()> {
        wayland::dispatch(&mut self.queue, &mut self.desk)?;
        let now = <dyn Clock>::live().now();
        if self.taking.is_some() {
            self.see_to_it(now)?;
        } else if now >= self.due {
            self.ask();
        }
        self.wait(now)
    }

    /// Asks for a copy of the screen, if it is there.
    fn ask(&mut self) {
        let wanted = self.shared.options.output.as_deref();
        let Some(output) = outputs::find(&self.desk.outputs, wanted) else {
            self.shared.enter(SourceState::Reconnecting);
            self.seen = false;
            return;
        };
        let cursor = i32::from(self.shared.options.cursor);
        let frame = self.manager.capture_output(cursor, &output.output, &self.memory.queue, ());
        self.desk.taken = Taken::default();
        self.taking = Some(Taking::new(frame, output.global));
    }

    /// Goes on with the copy that was asked for.
    fn see_to_it(&mut self, now: Timestamp) -> Result<()> {
        let Some(taking) = &mut self.taking else { return Ok(()) };
        let output = self.desk.outputs.iter().find(|o| o.global == taking.global);
        let Some(output) = output.filter(|_| !self.desk.taken.failed) else {
            // it was switched off or changed meanwhile
            self.taking = None;
            self.seen = false;
            self.due = now + PATIENCE;
            self.shared.enter(SourceState::Stalled);
            return Ok(());
        };
        if self.desk.taken.ready {
            // how it lies is told before the first picture that lies so
            let upright = Upright::new(output.transform, self.desk.taken.inverted);
            let memory = self.taking.take().and_then(Taking::finish);
            self.seen = true;
            self.due = self.next_due(now);
            if let Some(memory) = memory {
                self.publish(memory, upright, now)?;
            }
        } else if self.desk.taken.is_described(&taking.frame) && !taking.is_copying() {
            let shape = self.desk.taken.shape()?;
            let memory = self.pictures.take(&self.memory, shape)?;
            taking.copy(memory, self.seen);
        }
        Ok(())
    }

    /// The time of the next frame at the earliest: on a grid, so that frames that come a little late do not slow it.
    fn next_due(&self, now: Timestamp) -> Timestamp {
        let period = self.shared.options.rate.period();
        let next = self.due + period;
        if next < now { now + period } else { next }
    }

    fn wait(&mut self, now: Timestamp) -> Result<()> {
        let until = |t: Timestamp| Duration::from_nanos(t.nanos_since(now).max(0).unsigned_abs());
        let is_there = outputs::find(&self.desk.outputs, self.shared.options.output.as_deref()).is_some();
        let limit = match &self.taking {
            None if is_there => Some(until(self.due)),
            None => Some(LOOK),
            Some(_) if self.shared.port.newest().is_none() => Some(LOOK),
            Some(_) if self.pictures.has_spare() => Some(IDLE),
            Some(_) => None,
        };
        wayland::wait(&mut self.queue, &self.shared.bell, limit)?;
        if limit == Some(IDLE) && <dyn Clock>::live().now() >= now + IDLE {
            self.pictures.shrink(&self.memory);
        }
        Ok(())
    }

    /// Publishes what was copied, upright.
    fn publish(&mut self, mut memory: Memory<Desk>, upright: Upright, now: Timestamp) -> Result<()> {
        let shape = memory.shape();
        let format = Format::of(shape.format)?;
        let whole = upright.size(shape.size);
        let region = self.region.unwrap_or(Region { x: 0, y: 0, size: whole });
        if !region.is_in(whole) {
            if self.shared.port.newest().is_none() {
                return Err(super::outside(whole));
            }
            // the screen has become smaller
            self.shared.enter(SourceState::Stalled);
            return Ok(());
        }
        let spec = FrameSpec::of(format.pixels, region.size).with_alpha(format.alpha);
        let (x, y) = (region.x as usize, region.y as usize);
        if upright.is_plain() && self.pictures.out() <= MOST {
            memory.cut(x * format.bytes, y, region.size.height as usize);
            self.shared.publish(FrameMut::new(spec, Box::new(memory))?.publish(now));
            return Ok(());
        }
        self.shared.publish(turned(&memory, upright, (spec, x, y), now)?);
        Ok(())
    }
}

/// A copy of the part of `memory` at `x`, `y`, upright.
fn turned(
    memory: &Memory<Desk>,
    upright: Upright,
    (spec, x, y): (FrameSpec, usize, usize),
    now: Timestamp,
) -> Result<Frame> {
    let mut frame = FramePool::shared().frame(spec)?;
    let (shape, bytes) = (memory.shape(), memory.plane(0));
    let whole: (Size, usize) = (shape.size, shape.stride);
    let mut into = frame.plane_mut(0);
    match spec.format {
        PixelFormat::Rgb | PixelFormat::Bgr => upright.turn::<3>(bytes, whole, (x, y), &mut into),
        _ => upright.turn::<4>(bytes, whole, (x, y), &mut into),
    }
    Ok(frame.publish(now))
}
