// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows on Linux: on X11 where there is an X server, Xwayland too, because window managers decorate windows there;
//! else on Wayland.

pub(super) use crate::bell::Bell;
pub(super) use crate::desktop::let_go;

use super::shared::Shared;
use super::{Painter, wayland, x11};
use crate::desktop::{Session, variable};
use lk_media::Result;
use lk_media::thread::Thread;
use std::sync::Arc;

/// Opens a window on a thread of its own.
pub(super) fn open(
    shared: Arc<Shared>,
    display: Option<String>,
    painter: Box<dyn Painter>,
) -> Result<Thread> {
    match Session::named(display.as_deref()) {
        Session::Wayland(name) if name.is_some() || variable("DISPLAY").is_none() => {
            wayland::open(shared, name, painter)
        }
        _ => x11::open(shared, display, painter),
    }
}
