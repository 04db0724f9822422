// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows on Linux: on X11 where there is an X server, Xwayland too, because window managers decorate windows there;
//! else on Wayland.

pub(super) use crate::bell::Bell;
pub(super) use crate::desktop::let_go;

use super::shared::Shared;
use super::{Painter, wayland, x11};
use crate::desktop::{Session, answer, variable};
use lk_media::Result;
use lk_media::thread::{self, Thread};
use std::sync::Arc;

/// Opens a window on a thread of its own.
pub(super) fn open(
    shared: Arc<Shared>,
    display: Option<String>,
    painter: Box<dyn Painter>,
) -> Result<Thread> {
    match Session::named(display.as_deref()) {
        Session::Wayland(name) if name.is_some() || variable("DISPLAY").is_none() => {
            serve(shared, name, painter, wayland::Window::open, wayland::Window::run)
        }
        _ => serve(shared, display, painter, x11::Window::open, x11::Window::run),
    }
}

/// Opens a window by `open` on a thread of its own, which shows it by `run` until it is closed.
fn serve<W>(
    shared: Arc<Shared>,
    display: Option<String>,
    painter: Box<dyn Painter>,
    open: impl FnOnce(Arc<Shared>, Option<&str>, Box<dyn Painter>) -> Result<W> + Send + 'static,
    run: impl FnOnce(&mut W) -> Result<()> + Send + 'static,
) -> Result<Thread> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = thread::spawn("lk-viewer", move || {
        let (said, window) = match open(shared.clone(), display.as_deref(), painter) {
            Ok(window) => (Ok(()), Some(window)),
            Err(error) => (Err(error), None),
        };
        // nobody hears of it when the display took too long
        let heard = sender.send(said).is_ok();
        let error = window.filter(|_| heard).and_then(|mut window| run(&mut window).err());
        shared.end(error);
    })?;
    answer(&receiver, thread).map(|((), thread)| thread)
}
