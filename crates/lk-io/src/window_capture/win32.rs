// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures on Windows: by Windows.Graphics.Capture where the system has that, else by GDI.

pub(super) use crate::desktop::{Bell, let_go};

pub(super) mod clients;
pub(super) mod screens;

use super::capturing::Capturing;
use super::fallback::Either;
use super::gdi::Gdi;
use super::serve::serve;
use super::wgc::{self, Wgc};
use super::{CaptureWays, Shared, Target, WindowInfo};
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Result};
use std::sync::Arc;

/// How the desktop is seen.
enum Way {
    Best,
    Graphics,
    Gdi,
}

impl Way {
    fn named(display: Option<&str>) -> Result<Self> {
        match display {
            None => Ok(Self::Best),
            Some("wgc") => Ok(Self::Graphics),
            Some("gdi") => Ok(Self::Gdi),
            Some(name) => {
                let message = format!("there is no display {name:?}: Windows has one desktop");
                Err(Error::new(ErrorKind::Display, message).with_hint(
                    "leave the display out; \"wgc\" and \"gdi\" say how it is seen: by Windows.Graphics.Capture \
                     or by GDI",
                ))
            }
        }
    }
}

pub(super) fn windows(display: Option<&str>) -> Result<Vec<WindowInfo>> {
    Way::named(display)?;
    Ok(clients::windows())
}

pub(super) fn ways() -> CaptureWays {
    let windows = windows(None).map(|all| all.len());
    let screens = wgc::check().map_or("GDI", |()| "Windows.Graphics.Capture");
    CaptureWays { session: "Windows".to_owned(), windows, screens: Ok(screens), portal: None }
}

/// Starts a capture on a thread of its own; what is chosen is there by then, and its first frame where it is visible.
pub(super) fn open(shared: Arc<Shared>, target: Target) -> Result<Thread> {
    let way = Way::named(shared.options.display.as_deref())?;
    if let Some(output) = &shared.options.output {
        let message = format!("there is no screen {output:?}: all screens are captured together on Windows");
        return Err(
            Error::new(ErrorKind::Display, message).with_hint("choose a region of the screen instead")
        );
    }
    match way {
        Way::Best => serve::<Capturing<Either<Wgc, Gdi>>>(shared, target, None),
        Way::Graphics => serve::<Capturing<Wgc>>(shared, target, None),
        Way::Gdi => serve::<Capturing<Gdi>>(shared, target, None),
    }
}
