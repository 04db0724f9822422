// SPDX-License-Identifier: GPL-2.0-or-later
//! The PulseAudio protocol, which PipeWire's `pipewire-pulse` and PulseAudio itself serve on a Unix socket. Nothing
//! is linked and no library is opened for it.

mod connection;
mod devices;
mod modules;
mod place;
mod streams;

pub(super) use devices::{Subscription, lists};
pub(super) use modules::{Modules, quoted};
pub(super) use streams::{Capture, Giver, Playback, Taker, Wanted};
