// SPDX-License-Identifier: GPL-2.0-or-later
//! Files written by `FileOutput`, read back by FFmpeg's own programs. Without those, tests say so and pass.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod containers;
mod encoders;
mod errors;
mod support;
