// SPDX-License-Identifier: GPL-2.0-or-later
//! The PulseAudio protocol, which PipeWire's `pipewire-pulse` and PulseAudio itself serve on a Unix socket. Nothing
//! is linked and no library is opened for it.

mod connection;
mod devices;
mod modules;
mod place;
mod streams;

pub(super) use devices::Identity;
pub(super) use modules::{Modules, quoted};

use super::backend::{Backend, Hearing, Lists, MakeGiver, MakeTaker, Playing, Wanted, Watching};
#[cfg(target_os = "linux")]
use super::pipewire;
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

    fn play(&self, wanted: &Wanted, giver: &MakeGiver) -> Result<Box<dyn Playing>> {
        #[cfg(target_os = "linux")]
        if let Some(playing) = soon(wanted, |server| pipewire::play(wanted, server, giver)) {
            return Ok(playing);
        }
        Ok(Box::new(streams::Playback::open(wanted, giver())?))
    }

    fn hear(&self, wanted: &Wanted, taker: &MakeTaker) -> Result<Box<dyn Hearing>> {
        #[cfg(target_os = "linux")]
        if let Some(hearing) = soon(wanted, |server| pipewire::hear(wanted, server, taker)) {
            return Ok(hearing);
        }
        Ok(Box::new(streams::Capture::open(wanted, taker())?))
    }

    fn watch(&self) -> Result<Box<dyn Watching>> {
        Ok(Box::new(devices::Subscription::open()?))
    }
}

/// A stream of PipeWire's own, where every millisecond counts and the server is PipeWire.
#[cfg(target_os = "linux")]
fn soon<T>(wanted: &Wanted, open: impl Fn(&Identity) -> Result<T>) -> Option<T> {
    if !wanted.soon {
        return None;
    }
    let opened = devices::identity().and_then(|server| open(&server));
    opened.inspect_err(|e| tracing::debug!("{}, not by PipeWire's own streams: {e}", wanted.title)).ok()
}
