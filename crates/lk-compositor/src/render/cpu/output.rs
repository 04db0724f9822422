// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes rows of a finished canvas into output frames: interleaves, undoes premultiplication.

use super::canvas::cells;
use super::geometry::Area;
use super::rgb16::interleave;
use super::source::Slices;
use lk_media::kernel::{prefetch, rows_ahead};
use lk_media::{AlphaKind, FramePart, PixelFormat, PlanePart};
use std::ops::Range;

/// Samples of a finished picture in the planes of a family.
pub(super) trait Rows {
    /// Columns `x` of row `y` of a plane.
    fn row(&self, plane: usize, y: usize, x: Range<usize>) -> &[u8];
    /// The rows of `area` of a plane, if they lie in a frame just so, and the number of the first of them there.
    fn in_frame(&self, _plane: usize, _area: &Area) -> Option<(Slices<'_>, usize)> {
        None
    }
    /// Whether there is a plane of alpha.
    fn has_alpha(&self) -> bool;
}

/// Writes pixels `area` of `c` (of the frame's family) into `frame`, the part of it that has these pixels.
pub(super) fn write(c: &impl Rows, area: &Area, frame: &mut FramePart<'_>) {
    let spec = frame.spec();
    let step = spec.format.chroma_step();
    let Area { x, y: rows } = area.clone();
    let chroma = cells(area, (step.0 as usize, step.1 as usize));
    let (cx, chroma_rows) = (chroma.x, chroma.y);
    match spec.format {
        PixelFormat::I420 => {
            copy(c, 0, area, &mut frame.plane_mut(0));
            let chroma = Area { x: cx, y: chroma_rows };
            copy(c, 1, &chroma, &mut frame.plane_mut(1));
            copy(c, 2, &chroma, &mut frame.plane_mut(2));
        }
        PixelFormat::Nv12 => {
            copy(c, 0, area, &mut frame.plane_mut(0));
            each_row(&mut frame.plane_mut(1), &chroma_rows, |y, out| {
                pair(c.row(1, y, cx.clone()), c.row(2, y, cx.clone()), out);
            });
        }
        PixelFormat::Yuy2 => {
            each_row(&mut frame.plane_mut(0), &rows, |y, out| {
                let luma = c.row(0, y, x.clone()).as_chunks().0;
                quads(luma, c.row(1, y, cx.clone()), c.row(2, y, cx.clone()), out.as_chunks_mut().0);
            });
        }
        PixelFormat::Rgb => packed::<3>(c, area, [0, 1, 2], AlphaKind::Opaque, &mut frame.plane_mut(0)),
        PixelFormat::Bgr => packed::<3>(c, area, [2, 1, 0], AlphaKind::Opaque, &mut frame.plane_mut(0)),
        PixelFormat::Rgba => packed::<4>(c, area, [0, 1, 2], spec.alpha, &mut frame.plane_mut(0)),
        PixelFormat::Bgra => packed::<4>(c, area, [2, 1, 0], spec.alpha, &mut frame.plane_mut(0)),
    }
}

/// Calls `f` with rows `y` of a plane, which it writes. Rows below are on their way by then: memory is fetched
/// before it is written, and unlike what is read the processor does not see it come.
fn each_row(to: &mut PlanePart<'_>, y: &Range<usize>, mut f: impl FnMut(usize, &mut [u8])) {
    let ahead = rows_ahead(to.width());
    (0..ahead.min(y.len())).for_each(|i| prefetch(to.row_mut(i)));
    for (i, row) in y.clone().enumerate() {
        if i + ahead < y.len() {
            prefetch(to.row_mut(i + ahead));
        }
        f(row, to.row_mut(i));
    }
}

fn copy(from: &impl Rows, plane: usize, area: &Area, to: &mut PlanePart<'_>) {
    if let Some((rows, first)) = from.in_frame(plane, area) {
        let row = |y: usize| first + y - area.y.start;
        return each_row(to, &area.y, |y, out| {
            rows.ahead(row(y));
            out.copy_from_slice(rows.row(row(y)));
        });
    }
    each_row(to, &area.y, |y, out| out.copy_from_slice(from.row(plane, y, area.x.clone())));
}

/// Pixels of N bytes, colours from planes `order`.
fn packed<const N: usize>(
    from: &impl Rows,
    area: &Area,
    order: [usize; 3],
    kind: AlphaKind,
    to: &mut PlanePart<'_>,
) {
    let keeps_alpha = N == 4 && from.has_alpha() && kind != AlphaKind::Opaque;
    let x = &area.x;
    each_row(to, &area.y, |y, out| {
        let [a, b, c] = order.map(|p| from.row(p, y, x.clone()));
        interleave::<N>([a, b, c], out);
        if keeps_alpha {
            for (out, alpha) in out.chunks_exact_mut(N).zip(from.row(3, y, x.clone())) {
                out[3] = *alpha;
                if kind == AlphaKind::Straight && *alpha != 255 {
                    out[..3].iter_mut().for_each(|v| *v = divide(*v, *alpha));
                }
            }
        }
    });
}

lk_media::kernel! {
    /// Y0 U Y1 V.
    fn quads(luma: &[[u8; 2]], u: &[u8], v: &[u8], out: &mut [[u8; 4]]) {
        for (((out, l), u), v) in out.iter_mut().zip(luma).zip(u).zip(v) {
            let (u, v) = (u32::from(*u) << 8, u32::from(*v) << 24);
            *out = (u32::from(l[0]) | u | u32::from(l[1]) << 16 | v).to_le_bytes();
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
