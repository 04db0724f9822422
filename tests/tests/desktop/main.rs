// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows shown and windows captured, on displays of the tests' own (Xvfb with openbox, sway without a
//! monitor); what is on the screen is looked at by other programs (ffmpeg, grim).
#![cfg(target_os = "linux")]

mod capture;
mod display;
mod painter;
mod recording;
mod sway;
mod trouble;
mod viewer;
mod wayland;
