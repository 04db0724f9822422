// SPDX-License-Identifier: GPL-2.0-or-later
//! What the user chose in the desktop's dialog: pictures come over PipeWire, the newest is published when it is due, and
//! the portal says when it is over.

use super::serve::LOOK;
use super::{Region, Shared, Target, WindowInfo};
use crate::pipewire::{Encoding, Input, InputEvent, InputOptions};
use crate::portal::{News, Patience, Portal, Token, Wish};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{Clock, Error, ErrorKind, Frame, FramePool, FrameSpec, Result, SourceState, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// How long the first picture is waited for; a window that is hidden has none.
const FIRST: Duration = Duration::from_secs(4);
/// So often a stream may be linked to nothing before what is shown is taken to be overlooked.
const MISSES: u32 = 2;
/// How often what is overlooked is asked for again, where the desktop remembers what was allowed.
const TRIES: u32 = 2;
/// How long what was lost may be away where the desktop remembers it only while this program runs.
const RETURN: Duration = Duration::from_secs(10);

/// What PipeWire has told.
#[derive(Default)]
struct Told {
    /// The newest picture.
    frame: Option<Frame>,
    /// No pictures for now.
    paused: bool,
    /// It was linked, and pictures may come.
    linked: bool,
    /// How often it was not.
    misses: u32,
    lost: Option<Error>,
}

impl Told {
    /// Whether the session manager knows nothing of what is shown.
    fn is_overlooked(&self) -> bool {
        !self.linked && (self.misses >= MISSES || self.lost.is_some())
    }
}

struct Shown {
    shared: Arc<Shared>,
    region: Option<Region>,
    wish: Wish,
    kept: Option<Token>,
    told: Arc<Mutex<Told>>,
    /// Told first that it is over.
    input: Option<Input>,
    portal: Portal,
    /// The first moment the next frame may be published.
    due: Timestamp,
    /// How often it may be asked for again, if it is overlooked.
    tries: u32,
}

/// Has the user choose; the first frame is there by then, where there is something to see.
pub(super) fn open(shared: Arc<Shared>, target: Target) -> Result<Thread> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = thread::spawn("lk-capture", move || {
        match Shown::begin(&shared, &target) {
            Ok(shown) => {
                drop(sender.send(Ok(())));
                shown.run();
            }
            Err(error) => drop(sender.send(Err(error))),
        }
        shared.ended.ring();
    })?;
    // all that it waits for has a limit
    receiver.recv().map_err(|_| Error::internal("a capture was not opened"))??;
    Ok(thread)
}

impl Shown {
    fn begin(shared: &Arc<Shared>, target: &Target) -> Result<Self> {
        let options = &shared.options;
        if let Some(output) = &options.output {
            let message = format!("the screen {output:?} cannot be asked for: here the user chooses one");
            return Err(
                Error::parameter(message).with_hint("leave output out, and choose in the desktop's dialog")
            );
        }
        let kept = options.remember.as_deref().map(Token::named).transpose()?;
        let (window, region) = match target {
            Target::Window(_) => (true, None),
            Target::Screen(region) => (false, *region),
        };
        let token = kept.as_ref().and_then(Token::read);
        let mut this = Self {
            shared: shared.clone(),
            region,
            wish: Wish { window, pointer: options.cursor, token, lasting: kept.is_some() },
            kept,
            told: Arc::default(),
            input: None,
            portal: Portal::open()?,
            due: Timestamp::ZERO,
            tries: TRIES,
        };
        if !this.share()? {
            return Err(refused());
        }
        if window {
            *shared.window.lock() = Some(WindowInfo::to_be_chosen());
        }
        let mut deadline = Deadline::after(FIRST);
        while shared.port.newest().is_none()
            && !deadline.has_passed()
            && !shared.options.cancel.is_cancelled()
        {
            let tries = this.tries;
            if !this.go_on(Some(deadline.left(LOOK)))? {
                return Err(refused());
            }
            if this.tries < tries {
                deadline = Deadline::after(FIRST);
            }
        }
        if shared.port.newest().is_none() {
            shared.enter(SourceState::Stalled);
        }
        Ok(this)
    }

    /// Asks, and reads what is granted; false if the user says no.
    fn share(&mut self) -> Result<bool> {
        let options = &self.shared.options;
        let patience = Patience {
            cancels: [&self.shared.cancel, &options.cancel],
            deadline: Deadline::after(options.timeout),
        };
        let Some(grant) = self.portal.ask(&self.wish, &patience)? else { return Ok(false) };
        if let (Some(kept), Some(token)) = (&self.kept, &grant.token)
            && let Err(error) = kept.write(token)
        {
            tracing::warn!("what may be seen is not remembered: {error}");
        }
        self.wish.token = grant.token;
        *self.told.lock() = Told::default();
        let (told, shared) = (self.told.clone(), self.shared.clone());
        let mut wanted = InputOptions::portal(grant.remote, grant.node);
        wanted.encodings.retain(|e| matches!(e, Encoding::Raw(format, _) if !format.is_yuv()));
        let input = Input::open(wanted, move |event| {
            let mut told = told.lock();
            match event {
                InputEvent::Frame(frame) => told.frame = Some(frame),
                InputEvent::Flowing(flowing) => told.paused = !flowing,
                InputEvent::Lost(error) => told.lost = Some(error),
                InputEvent::Format(_) => told.linked = true,
                InputEvent::Unlinked => told.misses += 1,
                InputEvent::Jpeg(..) => return,
            }
            drop(told);
            shared.bell.ring();
        })?;
        self.input = Some(input);
        Ok(true)
    }

    fn run(mut self) {
        while !self.shared.cancel.is_cancelled() {
            match self.go_on(None) {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!("{}: the desktop shows it no more", self.shared.name);
                    self.finish(SourceState::Ended);
                    return;
                }
                Err(error) if self.again(&error) => {}
                Err(error) => {
                    self.finish(SourceState::Failed(error));
                    return;
                }
            }
        }
        self.input = None;
        self.portal.end();
    }

    /// Publishes what is due, and waits for more, at most for so long; false when the user has ended it.
    fn go_on(&mut self, most: Option<Duration>) -> Result<bool> {
        let now = <dyn Clock>::live().now();
        let told = self.told.clone();
        let mut told = told.lock();
        if told.is_overlooked() && self.wish.token.is_some() && self.tries > 0 {
            drop(told);
            tracing::debug!("{}: overlooked, and asked for again", self.shared.name);
            self.tries -= 1;
            self.input = None;
            self.portal.end();
            return self.share();
        }
        if let Some(error) = told.lost.take() {
            return Err(error.context("what the desktop shows is read no more"));
        }
        let is_paused = std::mem::take(&mut told.paused);
        let frame = told.frame.take_if(|_| now >= self.due);
        let waits = told.frame.is_some();
        if told.linked {
            self.tries = TRIES;
        }
        drop(told);
        if is_paused {
            self.shared.enter(SourceState::Stalled);
        }
        if let Some(frame) = frame {
            self.due = self.next_due(now);
            self.publish(frame)?;
        }
        let until_due = Duration::from_nanos(self.due.nanos_since(now).max(0).unsigned_abs());
        let limit = if waits { Some(until_due) } else { most };
        match self.portal.wait(&self.shared.bell, limit)? {
            News::None => Ok(true),
            News::Ended => Ok(false),
            News::Lost => Err(Error::new(ErrorKind::Display, "the desktop's portal went away")
                .with_hint("open it again once there is a session")),
        }
    }

    /// The time of the next frame at the earliest: on a grid, so that frames that come a little late do not slow it.
    fn next_due(&self, now: Timestamp) -> Timestamp {
        let period = self.shared.options.rate.period();
        let next = self.due + period;
        if next < now { now + period } else { next }
    }

    fn publish(&self, frame: Frame) -> Result<()> {
        match self.region {
            None => self.shared.publish(frame),
            Some(region) if region.is_in(frame.size()) => self.shared.publish(part(&frame, region)?),
            Some(_) if self.shared.port.newest().is_none() => return Err(super::outside(frame.size())),
            // what is shown has become smaller
            Some(_) => self.shared.enter(SourceState::Stalled),
        }
        Ok(())
    }

    /// Asks for the same again after it was lost, where the desktop remembers what was allowed. False if it is over.
    fn again(&mut self, error: &Error) -> bool {
        tracing::warn!("{}: {error}", self.shared.name);
        self.input = None;
        self.portal.end();
        self.shared.enter(SourceState::Reconnecting);
        let end = Deadline::after(RETURN);
        while self.wish.token.is_some() && !self.shared.cancel.is_cancelled() {
            self.shared.bell.wait(LOOK);
            match self.share() {
                // what is shown may stand still
                Ok(true) => {
                    self.shared.enter(SourceState::Stalled);
                    return true;
                }
                Ok(false) => return false,
                Err(error) if error.kind() == ErrorKind::Deadline => return false,
                Err(error) => tracing::debug!("{}: not yet: {error}", self.shared.name),
            }
            self.portal.end();
            if self.wish.lasting {
                match Portal::open() {
                    Ok(portal) => self.portal = portal,
                    Err(error) => tracing::debug!("{}: not yet: {error}", self.shared.name),
                }
            } else if end.has_passed() {
                // what holds only while this program runs holds for one connection, which may be gone
                return false;
            }
        }
        // who closes a capture is not told of an error
        self.shared.cancel.is_cancelled()
    }

    fn finish(&mut self, state: SourceState) {
        self.input = None;
        self.portal.end();
        self.shared.enter(state);
        self.shared.port.end();
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::Display, "nothing may be seen: the desktop's dialog was closed without a choice")
        .with_hint("open it again, and choose in the dialog")
}

/// A part of a picture that has whole bytes for each pixel; it must lie in it.
fn part(frame: &Frame, region: Region) -> Result<Frame> {
    let spec = FrameSpec { size: region.size, ..frame.spec() };
    let mut made = FramePool::shared().frame(spec)?;
    let map = frame.map_native();
    let (from, mut into) = (map.plane(0), made.plane_mut(0));
    let first = region.x as usize * into.width / region.size.width as usize;
    for row in 0..into.rows {
        let width = into.width;
        into.row_mut(row).copy_from_slice(&from.row(region.y as usize + row)[first..first + width]);
    }
    Ok(made.publish(frame.timestamp()))
}
