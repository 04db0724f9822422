// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures of screens that are turned: their memory lies as the screen does, people look at it upright.

use lk_media::{PlaneMut, Size};
use wayland_client::protocol::wl_output::Transform;

/// Pixels are moved in squares of this side, so that neither rows nor columns leave the cache.
const SQUARE: usize = 32;

/// How a picture in memory is turned to stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upright {
    /// Columns and rows change places, before they are reversed.
    swapped: bool,
    /// The picture's columns run against those (swapped: the rows) of the memory.
    left: bool,
    /// Its rows run against the rows (swapped: the columns) of the memory.
    up: bool,
}

impl Upright {
    /// For a screen that lies like this; `inverted`: its memory begins with the last row.
    pub fn new(transform: Transform, inverted: bool) -> Self {
        let (swapped, left, up) = match transform {
            Transform::_90 => (true, true, false),
            Transform::_180 => (false, true, true),
            Transform::_270 => (true, false, true),
            Transform::Flipped => (false, true, false),
            Transform::Flipped90 => (true, false, false),
            Transform::Flipped180 => (false, false, true),
            Transform::Flipped270 => (true, true, true),
            _ => (false, false, false),
        };
        // the rows of the memory are the picture's columns if they are swapped
        if swapped {
            Self { swapped, left: left ^ inverted, up }
        } else {
            Self { swapped, left, up: up ^ inverted }
        }
    }

    /// Whether there is nothing to do.
    pub fn is_plain(self) -> bool {
        self == Self { swapped: false, left: false, up: false }
    }

    /// The upright size of memory of this size.
    pub fn size(self, memory: Size) -> Size {
        if self.swapped { Size::new(memory.height, memory.width) } else { memory }
    }

    /// Writes the part of the upright picture whose corner is at `x`, `y` from memory of `whole` size and `stride`
    /// bytes a row into `into`; a pixel has `N` bytes.
    pub fn turn<const N: usize>(
        self,
        memory: &[u8],
        (whole, stride): (Size, usize),
        (x, y): (usize, usize),
        into: &mut PlaneMut<'_>,
    ) {
        let (width, height) = (whole.width as usize, whole.height as usize);
        let (columns, rows) = (into.width / N, into.rows);
        let upright = self.size(whole);
        let along = |at: usize, side: u32, back: bool| if back { side as usize - 1 - at } else { at };
        for top in (0..rows).step_by(SQUARE) {
            for first in (0..columns).step_by(SQUARE) {
                for row in top..(top + SQUARE).min(rows) {
                    let v = along(y + row, upright.height, self.up);
                    let target = into.row_mut(row);
                    for column in first..(first + SQUARE).min(columns) {
                        let u = along(x + column, upright.width, self.left);
                        let (source_x, source_y) = if self.swapped { (v, u) } else { (u, v) };
                        debug_assert!(source_x < width && source_y < height);
                        let from = source_y * stride + source_x * N;
                        target[column * N..][..N].copy_from_slice(&memory[from..from + N]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upright picture of a memory of 3x2 pixels numbered row by row, with a byte at the end of each row.
    fn turned(transform: Transform, inverted: bool) -> Vec<u8> {
        let memory = [0, 1, 2, 99, 3, 4, 5, 99];
        let upright = Upright::new(transform, inverted);
        let size = upright.size(Size::new(3, 2));
        let mut data = vec![77; size.area()];
        let (width, rows) = (size.width as usize, size.height as usize);
        let mut plane = PlaneMut { data: &mut data, stride: width, width, rows };
        upright.turn::<1>(&memory, (Size::new(3, 2), 4), (0, 0), &mut plane);
        data
    }

    #[test]
    fn every_way_to_lie() {
        assert!(Upright::new(Transform::Normal, false).is_plain());
        assert_eq!(turned(Transform::Normal, true), [3, 4, 5, 0, 1, 2]);
        assert_eq!(turned(Transform::_180, false), [5, 4, 3, 2, 1, 0]);
        assert_eq!(turned(Transform::_180, true), turned(Transform::Flipped, false));
        assert_eq!(turned(Transform::Flipped, false), [2, 1, 0, 5, 4, 3]);
        assert_eq!(turned(Transform::_90, false), [3, 0, 4, 1, 5, 2]);
        assert_eq!(turned(Transform::_270, false), [2, 5, 1, 4, 0, 3]);
        assert_eq!(turned(Transform::Flipped90, false), turned(Transform::_90, true));
        assert_eq!(turned(Transform::Flipped270, false), turned(Transform::_270, true));
    }

    #[test]
    fn a_part_of_it() {
        let memory: Vec<u8> = (0..24).collect();
        let mut data = [0; 4];
        let mut plane = PlaneMut { data: &mut data, stride: 2, width: 2, rows: 2 };
        // 6x4 pixels lying on the side: upright 4x6
        Upright::new(Transform::_90, false).turn::<1>(&memory, (Size::new(6, 4), 6), (1, 2), &mut plane);
        assert_eq!(data, [14, 8, 15, 9]);
    }
}
