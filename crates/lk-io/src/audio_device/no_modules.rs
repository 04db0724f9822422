// SPDX-License-Identifier: GPL-2.0-or-later
//! Systems without a sound server that makes devices.

use super::virtual_device::no_server;
use lk_media::Result;
use std::time::Duration;

/// What there is none of.
pub(super) struct Modules;

/// Without what a server would trip over, so that names are the same everywhere.
pub(super) fn quoted(value: &str) -> String {
    value.chars().filter(|c| !c.is_control() && !matches!(c, '\'' | '"' | '\\')).collect()
}

impl Modules {
    pub(super) fn open() -> Result<Self> {
        Err(no_server())
    }

    pub(super) fn load(&mut self, _: &str, _: &str, _: (&str, &str)) -> Result<()> {
        Err(no_server())
    }

    pub(super) fn wait(&mut self, _: Duration) -> Result<()> {
        Err(no_server())
    }

    pub(super) fn unload(&mut self) {}
}
