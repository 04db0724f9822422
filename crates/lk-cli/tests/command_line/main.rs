// SPDX-License-Identifier: GPL-2.0-or-later
//! The built program, run as people run it, on media made with FFmpeg's own command line.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails there

mod doctor;
mod help;
mod ipc;
mod probe;
mod program;
mod render;
#[cfg(unix)]
mod signals;
