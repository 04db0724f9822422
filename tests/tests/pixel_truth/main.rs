// SPDX-License-Identifier: GPL-2.0-or-later
//! Every pixel of the CPU renderer against the slow renderers, and the slow renderers against numbers worked
//! out by hand. What the pixels must be is written in `docs/rendering.md`.

mod blending;
mod by_hand;
mod formats;
mod geometry;
mod random_scenes;
mod repeatability;
