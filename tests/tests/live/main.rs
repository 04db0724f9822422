// SPDX-License-Identifier: GPL-2.0-or-later
//! Live runs and recordings, from sources to files.
#![allow(clippy::unwrap_used)] // helpers of tests

mod pattern;
mod players;
mod soak;
mod stopped;
mod sync;
