// SPDX-License-Identifier: GPL-2.0-or-later
//! Files written by `Recorder`, read back by FFmpeg's own programs. Without those, tests say so and pass.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod feeding;
mod frames;
mod grid;
mod killed;
mod life;
#[path = "../media/mod.rs"]
mod media;
mod pauses;
mod sound;
mod stress;
#[allow(dead_code)] // half of it is for the other suite
#[path = "../output/support.rs"]
mod support;
mod trouble;
