// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures between processes, with real processes.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(target_os = "linux")]

mod basics;
mod killed;
mod measured;
mod names;
mod processes;
mod scribbled;
mod slots;
mod support;
