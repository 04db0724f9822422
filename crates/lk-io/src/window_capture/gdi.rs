// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures on Windows by GDI: what a window or the screen shows is copied at the rate that was asked for, and is a
//! frame where it has changed.
#![allow(unsafe_code)] // calls of the system

pub(super) use crate::desktop::{Bell, let_go};

mod clients;
mod copying;

use super::serve::{LOOK, Link, serve};
use super::{CaptureWays, Region, Shared, Target, WindowInfo, WindowRule};
use copying::{Copying, Origin};
use lk_media::thread::Thread;
use lk_media::{Clock, Error, ErrorKind, Result, Size, SourceState, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    GetSystemMetrics, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN, SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN,
};

pub(super) fn windows(display: Option<&str>) -> Result<Vec<WindowInfo>> {
    one_desktop(display)?;
    Ok(clients::windows())
}

/// One session, one way.
pub(super) fn ways() -> CaptureWays {
    let windows = windows(None).map(|all| all.len());
    CaptureWays { session: "Windows".to_owned(), windows, screens: Ok("GDI"), portal: None }
}

/// Starts a capture on a thread of its own; what is chosen is there by then, and its first frame where it is visible.
pub(super) fn open(shared: Arc<Shared>, target: Target) -> Result<Thread> {
    one_desktop(shared.options.display.as_deref())?;
    if let Some(output) = &shared.options.output {
        let message = format!("there is no screen {output:?}: all screens are captured together on Windows");
        return Err(
            Error::new(ErrorKind::Display, message).with_hint("choose a region of the screen instead")
        );
    }
    serve::<Capturing>(shared, target, None)
}

fn one_desktop(display: Option<&str>) -> Result<()> {
    let Some(name) = display else { return Ok(()) };
    Err(Error::new(ErrorKind::Display, format!("there is no display {name:?}: Windows has one desktop"))
        .with_hint("leave the display out"))
}

struct Capturing {
    shared: Arc<Shared>,
    window: Option<u32>,
    copying: Copying,
    due: Timestamp,
    search: Timestamp,
}

/// All screens: where they begin, and their size.
fn whole_screen() -> (i32, i32, Size) {
    // SAFETY: numbers for numbers.
    let [x, y, width, height] =
        [SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN]
            .map(|which| unsafe { GetSystemMetrics(which) });
    (x, y, Size::new(width.max(0).unsigned_abs(), height.max(0).unsigned_abs()))
}

impl Link for Capturing {
    fn begin(shared: &Arc<Shared>, display: Option<&str>, target: &mut Target) -> Result<Self> {
        let mut this = Self::resume(shared, display, target)?;
        match target {
            Target::Window(rule) => {
                let found = rule.choose(&clients::windows())?;
                *rule = rule.afterwards(&found);
                this.attach(&found);
            }
            Target::Screen(Some(region)) => {
                let (_, _, whole) = whole_screen();
                if !region.is_in(whole) {
                    return Err(super::outside(whole));
                }
            }
            Target::Screen(None) => {}
        }
        this.take(target)?;
        Ok(this)
    }

    fn resume(shared: &Arc<Shared>, _: Option<&str>, _: &Target) -> Result<Self> {
        let copying = Copying::new(shared.options.cursor);
        let (due, search) = (Timestamp::ZERO, Timestamp::ZERO);
        Ok(Self { shared: shared.clone(), window: None, copying, due, search })
    }

    fn run(&mut self, target: &Target) -> Result<()> {
        while !self.shared.cancel.is_cancelled() {
            let now = <dyn Clock>::live().now();
            if matches!(target, Target::Window(_)) && self.window.is_none() && now >= self.search {
                self.search = now + LOOK;
                if !self.look(target) {
                    return Ok(());
                }
            }
            if now >= self.due {
                let period = self.shared.options.rate.period();
                let next = self.due + period;
                self.due = if next < now { now + period } else { next };
                self.take(target)?;
                continue;
            }
            let left = Duration::from_nanos(self.due.nanos_since(now).max(0).unsigned_abs());
            self.shared.bell.wait(left);
        }
        Ok(())
    }
}

impl Capturing {
    fn attach(&mut self, found: &WindowInfo) {
        self.window = Some(found.id);
        *self.shared.window.lock() = Some(found.clone());
    }

    /// Looks for a window that was closed; false if it cannot come back.
    fn look(&mut self, target: &Target) -> bool {
        let Target::Window(rule) = target else { return true };
        match rule.find(&clients::windows()) {
            Some(found) => {
                let found = found.clone();
                self.attach(&found);
            }
            None if matches!(rule, WindowRule::Id(_)) => {
                self.shared.enter(SourceState::Ended);
                self.shared.port.end();
                return false;
            }
            None => self.shared.enter(SourceState::Reconnecting),
        }
        true
    }

    /// Takes a frame, if there is something new to see.
    fn take(&mut self, target: &Target) -> Result<()> {
        let origin = match target {
            Target::Screen(region) => {
                let (x, y, size) = whole_screen();
                let part = region.unwrap_or(Region { x: 0, y: 0, size });
                Origin { window: None, x: x + part.x as i32, y: y + part.y as i32, size: part.size }
            }
            Target::Window(_) => {
                let Some(id) = self.window else { return Ok(()) };
                match clients::state(id) {
                    clients::State::Gone => {
                        (self.window, self.search) = (None, Timestamp::ZERO);
                        self.shared.enter(SourceState::Reconnecting);
                        return Ok(());
                    }
                    clients::State::Iconified => {
                        self.shared.enter(SourceState::Stalled);
                        return Ok(());
                    }
                    clients::State::Shown(size) => Origin { window: Some(id), x: 0, y: 0, size },
                }
            }
        };
        if Size::checked(origin.size.width, origin.size.height).is_err() {
            self.shared.enter(SourceState::Stalled);
            return Ok(());
        }
        if let Some(frame) = self.copying.frame(&origin, <dyn Clock>::live().now())? {
            self.shared.publish(frame);
        }
        Ok(())
    }
}
