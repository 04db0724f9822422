// SPDX-License-Identifier: GPL-2.0-or-later
//! The PulseAudio protocol, which PipeWire's `pipewire-pulse` and PulseAudio itself serve on a Unix socket. Nothing
//! is linked and no library is opened for it.

mod connection;
mod devices;
mod modules;
mod place;
mod streams;

pub(super) use modules::{Modules, quoted};

use super::backend::{Backend, Hearing, Lists, Playing, Wanted, Watching};
use lk_media::Result;
use std::os::unix::net::UnixStream;

/// The sound server.
pub(super) struct Pulse;

impl Backend for Pulse {
    fn name(&self) -> &'static str {
        "pulse"
    }

    fn is_server(&self) -> bool {
        true
    }

    fn may_be_there(&self) -> bool {
        place::socket().is_ok_and(|socket| UnixStream::connect(socket).is_ok())
    }

    fn lists(&self) -> Result<Lists> {
        devices::lists()
    }

    fn play(&self, wanted: &Wanted) -> Result<Box<dyn Playing>> {
        Ok(Box::new(streams::Playback::open(wanted)?))
    }

    fn hear(&self, wanted: &Wanted) -> Result<Box<dyn Hearing>> {
        Ok(Box::new(streams::Capture::open(wanted)?))
    }

    fn watch(&self) -> Result<Box<dyn Watching>> {
        Ok(Box::new(devices::Subscription::open()?))
    }
}
