// SPDX-License-Identifier: GPL-2.0-or-later
//! Files that play at any moment while they are written, and are ordinary ones at the end.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod clip;
mod killed;
mod ordinary;
mod players;
#[path = "../output/support.rs"]
#[allow(dead_code)] // made for another suite
mod support;
