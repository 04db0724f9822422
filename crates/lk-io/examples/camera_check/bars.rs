// SPDX-License-Identifier: GPL-2.0-or-later
//! The colour bars that vivid shows when nothing else is chosen.

use crate::{color_at, is_near};
use lk_media::Frame;

/// From left to right, at three quarters of full brightness.
const BARS: [[u8; 3]; 8] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// Chroma and rounding change colours by so much.
const TOLERANCE: u8 = 4;

/// Whether a picture shows the bars; below vivid's own text.
pub(crate) fn check(what: &str, frame: &Frame) {
    let seen: Vec<[u8; 3]> = (0..8).map(|n| color_at(frame, (f64::from(n) + 0.5) / 8.0, 0.9)).collect();
    let right = seen.iter().zip(BARS).all(|(seen, bar)| is_near(*seen, bar, TOLERANCE));
    assert!(right, "{what}: {seen:?}");
}
