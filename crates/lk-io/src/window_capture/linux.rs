// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures on Linux: X11, Wayland, or the desktop's portal, by what is captured and what the session is.

pub(super) use crate::bell::Bell;
pub(super) use crate::desktop::let_go;

use super::serve::serve;
use super::{CHOOSE, CaptureWays, Shared, Target, WindowInfo, WindowRule, portal, wayland, x11};
use crate::desktop::{Session, variable};
use crate::portal::portal_info;
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Result};
use std::sync::Arc;

pub(super) fn windows(display: Option<&str>) -> Result<Vec<WindowInfo>> {
    let session = Session::named(display);
    let asks = match session {
        Session::Portal => return portal_info().map(|_| vec![WindowInfo::to_be_chosen()]),
        Session::Wayland(None) => crate::portal::is_there().then(WindowInfo::to_be_chosen),
        _ => None,
    };
    match session.of_windows().and_then(x11::windows) {
        Ok(found) => Ok(found.into_iter().chain(asks).collect()),
        Err(error) => asks.map(|asks| vec![asks]).ok_or(error),
    }
}

/// Starts a capture on a thread of its own; what is chosen is there by then, and its first frame where it is visible.
pub(super) fn open(shared: Arc<Shared>, target: Target) -> Result<Thread> {
    let session = Session::named(shared.options.display.as_deref());
    match (&target, session) {
        (Target::Screen(_), Session::Wayland(name)) => {
            if name.is_some() || wayland::copies_screens()? {
                return serve::<wayland::Screen>(shared, target, name);
            }
            let context = "this Wayland compositor does not show its screen by wlr-screencopy";
            portal::open(shared, target).map_err(|e| e.context(context))
        }
        (Target::Screen(_), Session::Portal) => portal::open(shared, target),
        (Target::Window(rule), Session::Portal) => {
            rule.choose(&[WindowInfo::to_be_chosen()])?;
            portal::open(shared, target)
        }
        (Target::Window(rule), Session::Wayland(None)) if asks(rule) => portal::open(shared, target),
        (Target::Window(_), session @ Session::Wayland(_)) => {
            serve::<x11::Capturing>(shared, target, session.of_windows()?).map_err(not_on_x11)
        }
        (_, session) => serve::<x11::Capturing>(shared, target, session.of_windows()?),
    }
}

pub(super) fn ways() -> CaptureWays {
    let named = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let kind = named("XDG_SESSION_TYPE").unwrap_or_else(|| "no session".to_owned());
    let desktop = named("XDG_CURRENT_DESKTOP").map(|desktop| format!(", {desktop}")).unwrap_or_default();
    let session = Session::named(None);
    let is_wayland = matches!(session, Session::Wayland(_));
    let portal = is_wayland.then(portal_info);
    let screens = match &portal {
        None => x11::check().map(|()| "X11"),
        Some(portal) => wayland::copies_screens().and_then(|copies| match portal {
            _ if copies => Ok("wlr-screencopy"),
            Ok(portal) if portal.screens => Ok("the desktop's portal"),
            Ok(_) => Err(Error::new(ErrorKind::Display, "the desktop's portal shows windows only")),
            Err(error) => Err(error.clone()),
        }),
    };
    CaptureWays {
        session: format!("{kind}{desktop}"),
        windows: session.of_windows().and_then(x11::windows).map(|all| all.len()),
        screens,
        portal: portal.map(|found| found.map(|portal| portal.to_string())),
    }
}

/// Whether a rule means the entry that has the user choose.
fn asks(rule: &WindowRule) -> bool {
    match rule {
        WindowRule::Title(title) => title.eq_ignore_ascii_case(CHOOSE),
        WindowRule::Id(id) => *id == 0,
        WindowRule::Index(index) => {
            windows(None).is_ok_and(|all| all.get(*index).is_some_and(|window| window.id == 0))
        }
        _ => false,
    }
}

/// A window that was not found among those of Xwayland.
fn not_on_x11(error: Error) -> Error {
    if error.kind() != ErrorKind::DeviceNotFound {
        return error;
    }
    let there = error.hint().unwrap_or_default().to_owned();
    error.with_hint(format!("{there}; windows that are not X11's are chosen in a dialog: {CHOOSE:?}"))
}
