// SPDX-License-Identifier: GPL-2.0-or-later
//! How fast a screen shows pictures.

use super::Display;
use std::time::Duration;
use x11rb::protocol::randr::{self, ModeFlag};

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
