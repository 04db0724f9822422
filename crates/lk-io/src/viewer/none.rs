// SPDX-License-Identifier: GPL-2.0-or-later
//! Systems on which this version opens no windows.

use super::Painter;
use super::shared::Shared;
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Result, Wake};
use std::sync::Arc;

pub(super) struct Bell;

impl Bell {
    pub fn new() -> Result<Self> {
        Err(Error::new(ErrorKind::Display, "this version opens no windows on this system")
            .with_hint("write to a file, a port or a function instead"))
    }

    pub fn ring(&self) {}
}

pub(super) fn open(_: Arc<Shared>, _: Option<String>, _: Box<dyn Painter>) -> Result<Thread> {
    Bell::new()?;
    Err(Error::internal("a window without a system"))
}

pub(super) fn let_go(thread: Option<Thread>, _: &Wake) {
    drop(thread);
}
