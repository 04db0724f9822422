// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures over a PipeWire of the tests' own: cameras that GStreamer publishes, and a camera of ours that other
//! programs read.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod cameras;
mod output;
mod programs;

#[path = "../media/mod.rs"]
mod media;
#[path = "../sound_devices/session.rs"]
#[allow(dead_code)]
mod session;
