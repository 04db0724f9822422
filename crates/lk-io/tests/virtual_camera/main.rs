// SPDX-License-Identifier: GPL-2.0-or-later
//! Virtual cameras on a PipeWire of the tests' own, read by other programs; and where there is none. Devices of
//! v4l2loopback's need a kernel that has them: `camera_pattern` among the examples is run there.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod latency;
mod lost;
#[path = "../media/mod.rs"]
mod media;
mod programs;
#[allow(dead_code)]
#[path = "../sound_devices/session.rs"]
mod session;
mod support;
mod written;
