// SPDX-License-Identifier: GPL-2.0-or-later
//! Players: every frame at its tick, sound at its sample, whatever happens in between.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod life;
mod live;
#[path = "../media/mod.rs"]
mod media;
mod pictures;
mod support;
