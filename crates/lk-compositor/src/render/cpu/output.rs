// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes rows of a finished canvas into output frames: interleaves, undoes premultiplication.

use lk_media::{AlphaKind, FrameMut, PixelFormat, PlaneMut};
use std::ops::Range;

/// Whole rows of a finished picture in the planes of a family.
pub(super) trait Rows {
    /// Row `y` of a plane.
    fn row(&self, plane: usize, y: usize) -> &[u8];
    /// Whether there is a plane of alpha.
    fn has_alpha(&self) -> bool;
}

/// Writes pixel rows `rows` of `c` (of the frame's family) into `frame`.
pub(super) fn write(c: &impl Rows, rows: Range<usize>, frame: &mut FrameMut) {
    let spec = frame.spec();
    let down = spec.format.chroma_step().1 as usize;
    let chroma_rows = rows.start / down..rows.end.div_ceil(down);
    let mut planes = frame.planes_mut();
    match spec.format {
        PixelFormat::I420 => {
            copy(c, 0, rows, &mut planes[0]);
            copy(c, 1, chroma_rows.clone(), &mut planes[1]);
            copy(c, 2, chroma_rows, &mut planes[2]);
        }
        PixelFormat::Nv12 => {
            copy(c, 0, rows, &mut planes[0]);
            for y in chroma_rows {
                pair(c.row(1, y), c.row(2, y), planes[1].row_mut(y));
            }
        }
        PixelFormat::Yuy2 => {
            for y in rows {
                let quads = planes[0].row_mut(y).chunks_exact_mut(4);
                let luma = c.row(0, y).chunks_exact(2);
                for (((out, l), u), v) in quads.zip(luma).zip(c.row(1, y)).zip(c.row(2, y)) {
                    out.copy_from_slice(&[l[0], *u, l[1], *v]);
                }
            }
        }
        PixelFormat::Rgb => packed::<3>(c, rows, [0, 1, 2], AlphaKind::Opaque, &mut planes[0]),
        PixelFormat::Bgr => packed::<3>(c, rows, [2, 1, 0], AlphaKind::Opaque, &mut planes[0]),
        PixelFormat::Rgba => packed::<4>(c, rows, [0, 1, 2], spec.alpha, &mut planes[0]),
        PixelFormat::Bgra => packed::<4>(c, rows, [2, 1, 0], spec.alpha, &mut planes[0]),
    }
}

fn copy(from: &impl Rows, plane: usize, rows: Range<usize>, to: &mut PlaneMut<'_>) {
    for y in rows {
        to.row_mut(y).copy_from_slice(from.row(plane, y));
    }
}

/// Pixels of N bytes, colours from planes `order`.
fn packed<const N: usize>(
    from: &impl Rows,
    rows: Range<usize>,
    order: [usize; 3],
    kind: AlphaKind,
    to: &mut PlaneMut<'_>,
) {
    let keeps_alpha = N == 4 && from.has_alpha() && kind != AlphaKind::Opaque;
    for y in rows {
        let [a, b, c] = order.map(|p| from.row(p, y));
        let out = to.row_mut(y);
        interleave::<N>([a, b, c], out);
        if keeps_alpha {
            for (out, alpha) in out.chunks_exact_mut(N).zip(from.row(3, y)) {
                out[3] = *alpha;
                if kind == AlphaKind::Straight && *alpha != 255 {
                    out[..3].iter_mut().for_each(|v| *v = divide(*v, *alpha));
                }
            }
        }
    }
}

lk_media::kernel! {
    /// Pixels of N bytes, the fourth 255.
    fn interleave[const N: usize](from: [&[u8]; 3], out: &mut [u8]) {
        let [a, b, c] = from;
        for (((out, a), b), c) in out.as_chunks_mut::<N>().0.iter_mut().zip(a).zip(b).zip(c) {
            let [a, b, c] = [*a, *b, *c].map(u32::from);
            // one whole number per pixel becomes vector code
            let pixel = (a | b << 8 | c << 16 | 255 << 24).to_le_bytes();
            out.copy_from_slice(&pixel[..N]);
        }
    }
}

lk_media::kernel! {
    fn pair(a: &[u8], b: &[u8], out: &mut [u8]) {
        for ((out, a), b) in out.as_chunks_mut().0.iter_mut().zip(a).zip(b) {
            *out = (u16::from(*a) | u16::from(*b) << 8).to_le_bytes();
        }
    }
}

/// round(value · 255 / alpha), at most 255; 0 without alpha.
fn divide(value: u8, alpha: u8) -> u8 {
    let (v, a) = (u32::from(value), u32::from(alpha));
    (v * 510 + a).checked_div(2 * a).unwrap_or(0).min(255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplication_is_undone_to_nearest() {
        for a in 1..=255u8 {
            for v in 0..=255u8 {
                let exact = (f64::from(v) * 255.0 / f64::from(a)).round().min(255.0);
                assert_eq!(f64::from(divide(v, a)), exact);
            }
        }
        assert_eq!(divide(7, 0), 0);
    }
}
