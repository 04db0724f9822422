// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures on Linux: X11 or Wayland, by what is captured and what the session is.

pub(super) use crate::desktop::{Bell, let_go};

use super::serve::serve;
use super::{Shared, Target, WindowInfo, wayland, x11};
use crate::desktop::Session;
use lk_media::Result;
use lk_media::thread::Thread;
use std::sync::Arc;

pub(super) fn windows(display: Option<&str>) -> Result<Vec<WindowInfo>> {
    x11::windows(Session::named(display).of_windows()?)
}

/// Starts a capture on a thread of its own; what is chosen is there by then, and its first frame where it is visible.
pub(super) fn open(shared: Arc<Shared>, target: Target) -> Result<Thread> {
    let session = Session::named(shared.options.display.as_deref());
    match (&target, session) {
        (Target::Screen(_), Session::Wayland(name)) => serve::<wayland::Screen>(shared, target, name),
        (_, session) => {
            let name = session.of_windows()?;
            serve::<x11::Capturing>(shared, target, name)
        }
    }
}
