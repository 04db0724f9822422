// SPDX-License-Identifier: GPL-2.0-or-later
//! What the suites in `tests/tests` share: the slow renderers that define the truth, and the harness that
//! builds pictures and scenes, compares frames and shows where they differ.

pub mod harness;
pub mod reference;
