// SPDX-License-Identifier: GPL-2.0-or-later
//! What the suites are built from: pictures, scenes, comparisons. Nothing here is random from run to run.

pub mod compare;
pub mod memory;
pub mod picture;
pub mod prng;
pub mod stage;

pub use compare::{assert_close, compare};
pub use memory::padded;
pub use picture::{COLOR_SPACES, Motif, Picture, every_spec};
pub use prng::Prng;
pub use stage::{Stage, render_with};
