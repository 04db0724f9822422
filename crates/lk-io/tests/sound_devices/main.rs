// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound devices against a PipeWire of the tests' own, and where there is none.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod alsa;
mod devices;
mod lost;
#[path = "../media/mod.rs"]
mod media;
mod memory;
mod paths;
mod repeater;
mod session;
mod tone;
mod virtual_devices;
