// SPDX-License-Identifier: GPL-2.0-or-later
//! Systems on which this version captures no windows.

use super::{CaptureWays, Shared, Target, WindowInfo};
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Result, Wake};
use std::sync::Arc;

pub(super) struct Bell;

impl Bell {
    pub fn new() -> Result<Self> {
        Err(Error::new(ErrorKind::Display, "this version captures no windows on this system"))
    }

    pub fn ring(&self) {}
}

pub(super) fn windows(_: Option<&str>) -> Result<Vec<WindowInfo>> {
    Bell::new().map(|_| Vec::new())
}

pub(super) fn ways() -> CaptureWays {
    let session = std::env::consts::OS.to_owned();
    CaptureWays { session, windows: Bell::new().map(|_| 0), screens: Bell::new().map(|_| ""), portal: None }
}

pub(super) fn open(_: Arc<Shared>, _: Target) -> Result<Thread> {
    Bell::new()?;
    Err(Error::internal("a capture without a system"))
}

pub(super) fn let_go(thread: Option<Thread>, _: &Wake) {
    drop(thread);
}
