// SPDX-License-Identifier: GPL-2.0-or-later
//! The monitors of a display: their places, and how fast they show pictures.

use super::{Display, FromX};
use lk_media::{Error, ErrorKind, Result};
use std::time::Duration;
use x11rb::protocol::randr::{self, ModeFlag, MonitorInfo};
use x11rb::protocol::xproto::ConnectionExt;

/// The rate of displays that do not tell theirs.
const USUAL: f64 = 60.0;

/// The time between two pictures of the fastest monitor; a sixtieth of a second where nothing is known.
pub(crate) fn refresh_period(display: &Display) -> Duration {
    Duration::from_secs_f64(1.0 / fastest(display).filter(|r| (20.0..=500.0).contains(r)).unwrap_or(USUAL))
}

fn fastest(display: &Display) -> Option<f64> {
    let conn = &display.conn;
    let resources = randr::get_screen_resources_current(conn, display.root()).ok()?.reply().ok()?;
    let crtcs = resources.crtcs.iter();
    let cookies: Vec<_> =
        crtcs.filter_map(|c| randr::get_crtc_info(conn, *c, resources.config_timestamp).ok()).collect();
    let modes: Vec<u32> = cookies.into_iter().filter_map(|c| c.reply().ok()).map(|info| info.mode).collect();
    let rates = resources.modes.iter().filter(|m| modes.contains(&m.id)).map(|mode| {
        let mut lines = f64::from(mode.vtotal);
        if mode.mode_flags.contains(ModeFlag::DOUBLE_SCAN) {
            lines *= 2.0;
        }
        if mode.mode_flags.contains(ModeFlag::INTERLACE) {
            lines /= 2.0;
        }
        f64::from(mode.dot_clock) / (f64::from(mode.htotal) * lines)
    });
    rates.filter(|r| r.is_finite()).reduce(f64::max)
}

/// The monitor called `wanted`, by name or by number counted from 0; an error says which there are.
pub(crate) fn monitor(display: &Display, wanted: &str) -> Result<MonitorInfo> {
    let conn = &display.conn;
    let monitors = randr::get_monitors(conn, display.root(), true).map_err(Error::from_x)?.reply();
    let mut monitors = monitors.map_err(Error::from_x)?.monitors;
    let mut names = Vec::new();
    for monitor in &monitors {
        let name = conn.get_atom_name(monitor.name).map_err(Error::from_x)?.reply().map_err(Error::from_x)?;
        names.push(String::from_utf8_lossy(&name.name).into_owned());
    }
    let named = names.iter().position(|n| n.eq_ignore_ascii_case(wanted));
    match named.or_else(|| wanted.parse().ok().filter(|n| *n < monitors.len())) {
        Some(index) => Ok(monitors.swap_remove(index)),
        None => Err(Error::new(ErrorKind::DeviceNotFound, format!("there is no screen {wanted:?}"))
            .with_hint(format!("there are: {}", names.join(", ")))),
    }
}
