// SPDX-License-Identifier: GPL-2.0-or-later
//! How the test pattern looks.

use super::digits;
use lk_media::{FrameMut, FramePool, FrameRate, FrameSpec, PixelFormat, PlaneMut, Result, Size};
use std::ops::Range;

/// Blue, green, red.
type Bgr = [u8; 3];

const BLACK: Bgr = [0; 3];
const DARK: Bgr = [48; 3];
const WHITE: Bgr = [255; 3];
/// White, yellow, cyan, green, magenta, red, blue and black at three quarters of full scale.
const BARS: [Bgr; 8] = [
    [191, 191, 191],
    [0, 191, 191],
    [191, 191, 0],
    [0, 191, 0],
    [191, 0, 191],
    [0, 0, 191],
    [191, 0, 0],
    BLACK,
];
/// Blocks in the row that holds the frame's number.
const BITS: usize = 32;
/// The counter has at least this many digits.
const DIGITS: usize = 6;

/// Paints pictures of one size.
pub(super) struct Painter {
    size: Size,
    /// One row of the bars and one of the ramp: what stands still, so that a frame is mostly copying.
    bars: Vec<u8>,
    ramp: Vec<u8>,
}

impl Painter {
    pub fn new(size: Size) -> Self {
        let width = size.width as usize;
        let bars = (0..width).flat_map(|x| BARS[x * BARS.len() / width]).collect();
        let ramp = (0..width).flat_map(|x| [(x * 255 / (width - 1).max(1)) as u8; 3]).collect();
        Self { size, bars, ramp }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Picture number `index` of a pattern with `rate` pictures a second.
    pub fn paint(&self, index: u64, rate: FrameRate) -> Result<FrameMut> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let mut frame = FramePool::shared().frame(FrameSpec::of(PixelFormat::Bgr, self.size))?;
        let mut plane = frame.plane_mut(0);
        let (ramp, numbers) = (height * 5 / 8, height * 3 / 4);
        for y in 0..height {
            let row = plane.row_mut(y);
            match y {
                _ if y < ramp => row.copy_from_slice(&self.bars),
                _ if y < numbers => row.copy_from_slice(&self.ramp),
                _ => row.fill(0),
            }
        }

        // the place within the second, as a fraction: into / of
        let (into, of) = place_in_second(index, rate);
        let line = (into * width as u128 / of) as usize;
        let thick = (width / 160).max(2);
        fill(&mut plane, line.saturating_sub(thick)..line, 0..numbers, BLACK);
        fill(&mut plane, line + thick..line + 2 * thick, 0..numbers, BLACK);
        fill(&mut plane, line..line + thick, 0..numbers, WHITE);

        let side = (width / 8).min(height / 5);
        let flash = into * 10 < of || into < u128::from(rate.den());
        fill(&mut plane, width - side..width, 0..side, BLACK);
        let (edge, color) = (side / 16, if flash { WHITE } else { DARK });
        fill(&mut plane, width - side + edge..width - edge, edge..side - edge, color);

        let row = height - (height / 10).max(2)..height;
        for bit in (0..BITS).filter(|bit| (index >> (BITS - 1 - bit)) & 1 == 1) {
            fill(&mut plane, bit * width / BITS..(bit + 1) * width / BITS, row.clone(), WHITE);
        }
        self.count(&mut plane, index);
        Ok(frame)
    }

    /// The number as digits on a black box in the middle of the bars.
    fn count(&self, plane: &mut PlaneMut<'_>, index: u64) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let text = format!("{index:0DIGITS$}");
        let columns = text.len() * (digits::COLUMNS + 1) + 1;
        let rows = digits::ROWS + 2;
        let dot = (width * 5 / 8 / columns).min(height * 3 / 8 / rows).max(1);
        // smaller than any picture: the most digits there are take 121 dots, the smallest picture is 64 wide
        let left = width.saturating_sub(columns * dot) / 2;
        let top = (height * 5 / 8).saturating_sub(rows * dot) / 2;
        fill(plane, left..left + columns * dot, top..top + rows * dot, BLACK);
        for (place, digit) in text.bytes().enumerate() {
            let left = left + (place * (digits::COLUMNS + 1) + 1) * dot;
            for (x, y) in digits::dots(digit - b'0') {
                let (x, y) = (left + x * dot, top + (y + 1) * dot);
                fill(plane, x..x + dot, y..y + dot, WHITE);
            }
        }
    }
}

/// Where frame `index` begins within its second, as a fraction.
fn place_in_second(index: u64, rate: FrameRate) -> (u128, u128) {
    let num = u128::from(rate.num());
    (u128::from(index) * u128::from(rate.den()) % num, num)
}

/// Fills a rectangle; what lies outside the picture is left out.
fn fill(plane: &mut PlaneMut<'_>, columns: Range<usize>, rows: Range<usize>, color: Bgr) {
    let (width, height) = (plane.width / 3, plane.rows);
    let (start, end) = (columns.start.min(width), columns.end.min(width));
    for y in rows.start.min(height)..rows.end.min(height) {
        for pixel in plane.row_mut(y)[3 * start..3 * end.max(start)].chunks_exact_mut(3) {
            pixel.copy_from_slice(&color);
        }
    }
}
