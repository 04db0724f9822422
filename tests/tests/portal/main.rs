// SPDX-License-Identifier: GPL-2.0-or-later
//! Screens that the user chooses in the desktop's dialog: Debian's xdg-desktop-portal, its backend for wlroots patched
//! (tests/portal/shm.patch says why), and PipeWire, in a session of sway's without a monitor. What the dialog answers
//! stands in a file.
#![cfg(target_os = "linux")]

mod asking;
mod desk;
mod film;
mod lasting;
mod missing;
mod short;

#[path = "../desktop/display.rs"]
#[allow(dead_code)]
mod display;
#[path = "../desktop/sway.rs"]
#[allow(dead_code)]
mod sway;
