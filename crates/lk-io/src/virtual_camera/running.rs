// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera's thread: takes what is due, converts it, hands it over, and finds a way out again that was lost.

use super::fitting::{self, Fitting};
use super::output::{Output, Wanted};
use super::pace::Pace;
use super::queue::Queue;
use super::sending::Sending;
use crate::ipc::IpcFit;
use lk_media::wake::Wakes;
use lk_media::{
    Cancel, Clock, Error, Event, EventKind, Events, Frame, FrameRate, FrameSpec, Result, SourceState,
    Timestamp, Wake,
};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So often a way out that was lost is looked for.
const AGAIN: Duration = Duration::from_millis(250);

/// What goes out, and where.
pub(super) struct About {
    pub backend: &'static str,
    pub device: String,
    pub spec: FrameSpec,
}

impl About {
    fn of(output: &dyn Output) -> Self {
        Self { backend: output.backend(), device: output.device().to_owned(), spec: output.spec() }
    }
}

#[derive(Default)]
pub(super) struct Counts {
    pub frames: AtomicU64,
    pub repeated: AtomicU64,
    pub dropped: AtomicU64,
    pub missed: AtomicU64,
}

/// What the thread shares with its owner.
pub(super) struct Shared {
    pub rate: FrameRate,
    pub about: Mutex<About>,
    pub queue: Mutex<Queue>,
    /// Rung when there is a picture, or an end.
    pub wake: Wake,
    /// Rung when pictures were taken.
    pub taken: Wakes,
    pub cancel: Cancel,
    pub state: Mutex<SourceState>,
    pub events: Events,
    pub counts: Counts,
    pub sending: Mutex<Sending>,
    fit: IpcFit,
}

impl Shared {
    pub fn new(wanted: &Wanted, fit: IpcFit, output: &dyn Output) -> Self {
        Self {
            rate: wanted.rate,
            about: Mutex::new(About::of(output)),
            queue: Mutex::default(),
            wake: Wake::new(),
            taken: Wakes::default(),
            cancel: Cancel::new(),
            state: Mutex::new(SourceState::Starting),
            events: Events::new(),
            counts: Counts::default(),
            sending: Mutex::new(Sending::new(wanted.rate)),
            fit,
        }
    }

    /// Sees to the camera until it is closed.
    pub fn run(&self, output: Box<dyn Output>, again: impl Fn() -> Result<Box<dyn Output>>) {
        let clock = <dyn Clock>::live();
        let mut pace = Pace::new(self.rate, clock.now());
        let mut way = Way { out: Some(self.begin(output)), again, next_try: clock.now(), picture: None };
        while !self.cancel.is_cancelled() {
            let now = clock.now();
            let ready = self.queue.lock().ready(now);
            let (opens, closes) = (pace.opens(), pace.closes());
            let missed = if ready.is_some_and(|ready| ready <= now) && opens <= now {
                let Some((frame, skipped)) = self.queue.lock().take(now) else { continue };
                self.taken.ring();
                Self::count(&self.counts.dropped, skipped);
                let shown = way.show(self, Some(frame), now);
                Self::count(if shown { &self.counts.frames } else { &self.counts.dropped }, 1);
                pace.show(now)
            } else if closes <= now {
                if way.show(self, None, now) {
                    Self::count(&self.counts.repeated, 1);
                }
                pace.repeat(now)
            } else {
                let then = ready.map_or(closes, |ready| ready.max(opens).min(closes));
                self.wake.wait(Duration::from_nanos(then.nanos_since(now).max(0).unsigned_abs()));
                0
            };
            Self::count(&self.counts.missed, missed);
        }
        drop(way);
        self.enter(SourceState::Ended, None);
        self.events.close();
        self.taken.ring();
    }

    fn count(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    fn begin(&self, output: Box<dyn Output>) -> (Box<dyn Output>, Fitting) {
        *self.about.lock() = About::of(&*output);
        let fitting = Fitting::new(output.spec(), self.fit);
        (output, fitting)
    }

    fn enter(&self, state: SourceState, why: Option<&Error>) {
        let old = std::mem::replace(&mut *self.state.lock(), state.clone());
        if old.word() == state.word() {
            return;
        }
        let device = self.about.lock().device.clone();
        let event = Event::now(EventKind::TargetState, device, old.word(), state.word());
        self.events.emit(match why {
            Some(why) => event.because(why.message()),
            None => event,
        });
    }
}

/// The way out, or the search for it.
struct Way<F> {
    out: Option<(Box<dyn Output>, Fitting)>,
    again: F,
    next_try: Timestamp,
    /// What is shown, as it came; None before the first.
    picture: Option<Frame>,
}

impl<F: Fn() -> Result<Box<dyn Output>>> Way<F> {
    /// Shows a new picture, or the last one again; whether it went out.
    fn show(&mut self, shared: &Shared, new: Option<Frame>, now: Timestamp) -> bool {
        if new.is_some() {
            self.picture = new;
        }
        if self.out.is_none() && self.next_try <= now {
            match (self.again)() {
                Ok(output) => self.out = Some(shared.begin(output)),
                Err(e) => {
                    tracing::debug!("no way out yet: {e}");
                    self.next_try = <dyn Clock>::live().now() + AGAIN;
                }
            }
        }
        let Some((output, fitting)) = &mut self.out else { return false };
        if let Some(e) = output.lost() {
            shared.enter(SourceState::Reconnecting, Some(&e));
            return false;
        }
        let state = if self.picture.is_some() { SourceState::Live } else { SourceState::Starting };
        if !output.is_watched() {
            shared.enter(state, None);
            return true;
        }
        if output.spec() != fitting.spec() {
            *fitting = Fitting::new(output.spec(), shared.fit);
            *shared.about.lock() = About::of(&**output);
        }
        let fitted = match &self.picture {
            Some(picture) => fitting.fitted(picture),
            None => fitting::black(fitting.spec()),
        };
        let fitted = match fitted {
            Ok(fitted) => fitted,
            Err(e) => {
                // not the camera's fault: the picture cannot be converted, or there is no memory now
                tracing::debug!("a picture is left out: {e}");
                return false;
            }
        };
        match output.show(&fitted) {
            Ok(()) => {
                shared.enter(state, None);
                true
            }
            Err(e) => {
                tracing::warn!("the virtual camera {}: {e}", output.device());
                (self.out, self.next_try) = (None, now + AGAIN);
                shared.enter(SourceState::Reconnecting, Some(&e));
                false
            }
        }
    }
}
