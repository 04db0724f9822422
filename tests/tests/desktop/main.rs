// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows shown and windows captured, on displays of the tests' own (Xvfb, openbox); what is on the screen is looked
//! at by another program (ffmpeg).
#![cfg(target_os = "linux")]

mod capture;
mod display;
mod painter;
mod trouble;
mod viewer;
