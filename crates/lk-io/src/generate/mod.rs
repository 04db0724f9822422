// SPDX-License-Identifier: GPL-2.0-or-later
//! Sources that are computed or at hand whole: a colour, text, a test pattern, samples. They are functions of session time and need nothing from
//! the world, so every one of them is exact.

mod color;
mod samples;
mod test_pattern;
#[cfg(feature = "text")]
mod text;

pub use color::color;
pub use samples::Samples;
pub use test_pattern::{TestPattern, TestTone};
#[cfg(feature = "text")]
pub use text::{Align, Text, TextStyle, installed_fonts};
