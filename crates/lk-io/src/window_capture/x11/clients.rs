// SPDX-License-Identifier: GPL-2.0-or-later
//! The windows of a display, by what they and the window manager say.

use super::super::WindowInfo;
use crate::x11::{Display, FromX};
use lk_media::{Error, Result, Size};
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, MapState, Window, WindowClass};

/// The windows in the order they were opened.
pub(super) fn windows(display: &Display) -> Result<Vec<WindowInfo>> {
    let managed = display.property(display.root(), display.atoms._NET_CLIENT_LIST)?;
    let ids: Vec<Window> = match managed.as_ref().and_then(|list| list.value32()) {
        Some(list) => list.collect(),
        None => named_children(display)?,
    };
    let infos: Result<Vec<_>> = ids.into_iter().map(|id| info(display, id)).collect();
    Ok(infos?.into_iter().flatten().collect())
}

/// What applications open where there is no window manager: what is shown and has a name, the lowest first.
fn named_children(display: &Display) -> Result<Vec<Window>> {
    let tree =
        display.conn.query_tree(display.root()).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
    let mut found = Vec::new();
    for id in tree.children {
        let attributes = display.conn.get_window_attributes(id).map_err(Error::from_x)?.reply();
        let is_shown = attributes.is_ok_and(|a| {
            a.map_state == MapState::VIEWABLE && a.class == WindowClass::INPUT_OUTPUT && !a.override_redirect
        });
        if is_shown && display.property(id, AtomEnum::WM_NAME.into())?.is_some() {
            found.push(id);
        }
    }
    Ok(found)
}

/// What is known of a window; None if it is gone.
pub(super) fn info(display: &Display, id: Window) -> Result<Option<WindowInfo>> {
    let atoms = &display.atoms;
    let geometry = match display.conn.get_geometry(id).map_err(Error::from_x)?.reply() {
        Ok(geometry) => geometry,
        Err(ReplyError::X11Error(_)) => return Ok(None),
        Err(e) => return Err(Error::from_x(e)),
    };
    let text = |name| -> Result<Option<String>> {
        let property = display.property(id, name)?;
        Ok(property.map(|p| String::from_utf8_lossy(&p.value).into_owned()).filter(|t| !t.is_empty()))
    };
    let title = match text(atoms._NET_WM_NAME)? {
        Some(title) => title,
        None => text(AtomEnum::WM_NAME.into())?.unwrap_or_default(),
    };
    // instance and class, each with a zero at its end
    let class = text(AtomEnum::WM_CLASS.into())?.unwrap_or_default();
    let application = class.split('\0').rfind(|s| !s.is_empty()).unwrap_or_default().to_owned();
    let pid = display.property(id, atoms._NET_WM_PID)?;
    let pid = pid.as_ref().and_then(|p| p.value32()).and_then(|mut values| values.next());
    let size = Size::new(u32::from(geometry.width), u32::from(geometry.height));
    Ok(Some(WindowInfo { title, application, pid, size, id }))
}
