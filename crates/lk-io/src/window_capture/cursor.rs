// SPDX-License-Identifier: GPL-2.0-or-later
//! The mouse pointer, drawn into a picture.

use lk_media::PlaneMut;

/// A pointer's picture: premultiplied BGRA, and where its top left corner lies.
pub(super) struct Pointer {
    pub x: i32,
    pub y: i32,
    pub width: usize,
    pub pixels: Vec<[u8; 4]>,
}

impl Pointer {
    /// Draws it over the BGRA picture in `plane`; what lies outside is left out.
    pub fn draw(&self, plane: &mut PlaneMut<'_>) {
        let columns = (plane.width / 4) as i32;
        for (dy, row) in self.pixels.chunks_exact(self.width.max(1)).enumerate() {
            let Some(y) = usize::try_from(self.y + dy as i32).ok().filter(|y| *y < plane.rows) else {
                continue;
            };
            let target = plane.row_mut(y);
            for (dx, over) in row.iter().enumerate() {
                let x = self.x + dx as i32;
                if over[3] > 0 && (0..columns).contains(&x) {
                    let under = &mut target[x as usize * 4..][..4];
                    let left = 255 - u32::from(over[3]);
                    for (under, over) in under.iter_mut().zip(over) {
                        let sum = u32::from(*over) + (u32::from(*under) * left + 127) / 255;
                        *under = sum.min(255) as u8;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_covers_by_its_alpha_and_stops_at_the_edge() {
        let mut data = [100; 2 * 3 * 4];
        let pointer =
            Pointer { x: 1, y: -1, width: 2, pixels: vec![[9; 4], [9; 4], [0, 0, 200, 255], [50; 4]] };
        pointer.draw(&mut PlaneMut { data: &mut data, stride: 12, width: 12, rows: 2 });
        assert_eq!(data[4..8], [0, 0, 200, 255]);
        assert_eq!(data[8..12], [50 + 80; 4]);
        assert!(data[..4].iter().chain(&data[12..]).all(|b| *b == 100));
    }
}
