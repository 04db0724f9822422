// SPDX-License-Identifier: GPL-2.0-or-later
//! Files that play at any moment while they are written, and are ordinary ones at the end.

mod clip;
mod killed;
mod ordinary;
mod players;
#[path = "../output/support.rs"]
#[allow(dead_code)] // made for another suite
mod support;
