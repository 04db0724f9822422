// SPDX-License-Identifier: GPL-2.0-or-later
//! A capture that looks at a desktop again and again: when it takes a picture, and what it says of a window that is
//! iconified, closed or opened again. How a desktop is seen is an [`Eye`].

use super::areas::Area;
use super::serve::{LOOK, Link};
use super::{Region, Shared, Target, WindowInfo, WindowRule};
use lk_media::{Clock, Frame, Result, Size, SourceState, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowState {
    Gone,
    Iconified,
    Shown(Size),
}

/// What a picture is taken of: the inside of a window, or a part of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Window(u32, Size),
    Desktop(Area),
}

impl Origin {
    /// The size of its picture.
    pub fn size(&self) -> Size {
        match self {
            Self::Window(_, size) => *size,
            Self::Desktop(area) => area.size,
        }
    }
}

/// A way to see a desktop. An error of its means that it sees no more.
pub(super) trait Eye: Sized {
    fn open(shared: &Arc<Shared>) -> Result<Self>;

    /// The windows of applications.
    fn windows(&self) -> Vec<WindowInfo>;

    fn window_state(&self, window: u32) -> WindowState;

    /// All screens.
    fn desktop(&self) -> Area;

    /// Whether there may be something new; who is told of news has the bell rung for it, and others say yes.
    fn has_news(&self) -> bool;

    /// What is there now, if it is not what was there last.
    fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>>;

    /// Forgets what was there last: it is new when it is there again.
    fn forget(&mut self);
}

/// A capture by an eye.
pub(super) struct Capturing<E> {
    shared: Arc<Shared>,
    eye: E,
    window: Option<u32>,
    /// The first moment the next picture may be taken.
    due: Timestamp,
    /// When it is looked next, news or not: whether a window is there again, or is there still.
    look: Timestamp,
}

impl<E: Eye> Link for Capturing<E> {
    fn begin(shared: &Arc<Shared>, display: Option<&str>, target: &mut Target) -> Result<Self> {
        let mut this = Self::resume(shared, display, target)?;
        match target {
            Target::Window(rule) => {
                let found = rule.choose(&this.eye.windows())?;
                *rule = rule.afterwards(&found);
                this.attach(&found);
            }
            Target::Screen(Some(region)) => {
                let whole = this.eye.desktop().size;
                if !region.is_in(whole) {
                    return Err(super::outside(whole));
                }
            }
            Target::Screen(None) => {}
        }
        this.take(target, <dyn Clock>::live().now())?;
        Ok(this)
    }

    fn resume(shared: &Arc<Shared>, _: Option<&str>, _: &Target) -> Result<Self> {
        let (due, look) = (Timestamp::ZERO, Timestamp::ZERO);
        Ok(Self { shared: shared.clone(), eye: E::open(shared)?, window: None, due, look })
    }

    fn run(&mut self, target: &Target) -> Result<()> {
        while !self.shared.cancel.is_cancelled() {
            let Some(next) = self.turn(target, <dyn Clock>::live().now())? else { return Ok(()) };
            let left = next.nanos_since(<dyn Clock>::live().now());
            if let Ok(left @ 1..) = u64::try_from(left) {
                self.shared.bell.wait(Duration::from_nanos(left));
            }
        }
        Ok(())
    }
}

impl<E: Eye> Capturing<E> {
    /// Does what is due, and says when there is more to do if the bell does not ring before; None when it is over.
    fn turn(&mut self, target: &Target, now: Timestamp) -> Result<Option<Timestamp>> {
        let is_missing = |this: &Self| matches!(target, Target::Window(_)) && this.window.is_none();
        let looks = now >= self.look;
        if looks {
            self.look = now + LOOK;
            if is_missing(self) && !self.search(target) {
                return Ok(None);
            }
        }
        if now >= self.due && (looks || self.eye.has_news()) {
            let period = self.shared.options.rate.period();
            let next = self.due + period;
            self.due = if next < now { now + period } else { next };
            self.take(target, now)?;
        }
        Ok(Some(if is_missing(self) || !self.eye.has_news() { self.look } else { self.due }))
    }

    fn attach(&mut self, found: &WindowInfo) {
        self.window = Some(found.id);
        *self.shared.window.lock() = Some(found.clone());
    }

    /// Looks for a window that was closed; false if it cannot come back.
    fn search(&mut self, target: &Target) -> bool {
        let Target::Window(rule) = target else { return true };
        match rule.find(&self.eye.windows()) {
            Some(found) => self.attach(&found.clone()),
            None if matches!(rule, WindowRule::Id(_)) => {
                self.shared.enter(SourceState::Ended);
                self.shared.port.end();
                return false;
            }
            None => self.shared.enter(SourceState::Reconnecting),
        }
        true
    }

    /// Takes a picture, if there is something new to see.
    fn take(&mut self, target: &Target, now: Timestamp) -> Result<()> {
        let origin = match target {
            Target::Screen(region) => {
                let desktop = self.eye.desktop();
                let all = Region { x: 0, y: 0, size: desktop.size };
                Origin::Desktop(desktop.part(region.unwrap_or(all)))
            }
            Target::Window(_) => {
                let Some(id) = self.window else { return Ok(()) };
                match self.eye.window_state(id) {
                    WindowState::Gone => {
                        (self.window, self.look) = (None, Timestamp::ZERO);
                        self.eye.forget();
                        self.shared.enter(SourceState::Reconnecting);
                        return Ok(());
                    }
                    WindowState::Iconified => {
                        self.eye.forget();
                        self.shared.enter(SourceState::Stalled);
                        return Ok(());
                    }
                    WindowState::Shown(size) => Origin::Window(id, size),
                }
            }
        };
        let size = origin.size();
        if Size::checked(size.width, size.height).is_err() {
            self.shared.enter(SourceState::Stalled);
            return Ok(());
        }
        if let Some(frame) = self.eye.frame(&origin, now)? {
            self.shared.publish(frame);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
