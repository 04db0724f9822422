// SPDX-License-Identifier: GPL-2.0-or-later
//! Kernels on rows of 16-bit numbers, bytes with eight bits of fraction unless a kernel says otherwise.

use super::picks::Groups;
use super::yuv16::ToRgb;
use lk_media::kernel;

/// Calls an AVX2 kernel where there is one; how many samples it made.
macro_rules! avx2 {
    ($($call:tt)*) => {{
        #[cfg(target_arch = "x86_64")]
        let done = if lk_media::kernel::has_avx2() {
            // SAFETY: the processor was just asked and has AVX2, all that the kernel requires.
            #[allow(unsafe_code)]
            unsafe { super::simd::$($call)* }
        } else {
            0
        };
        #[cfg(not(target_arch = "x86_64"))]
        let done = 0;
        done
    }};
}
pub(super) use avx2;

/// The upper half of a product.
#[inline(always)]
pub(super) fn high(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}

#[inline(always)]
pub(super) fn high_signed(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

kernel! {
    /// One byte of each pixel.
    pub(super) fn widen[const STEP: usize](row: &[u8], offset: usize, out: &mut [u16]) {
        for (o, pixel) in out.iter_mut().zip(row.as_chunks::<STEP>().0) {
            *o = match STEP {
                2 => u16::from_le_bytes([pixel[0], pixel[1]]) >> (8 * offset) << 8,
                4 => (u32::from_le_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]) >> (8 * offset) << 8) as u16,
                _ => u16::from(pixel[offset]) << 8,
            };
        }
    }
}

/// Byte `offset` of three-byte pixels.
pub(super) fn pick_3(row: &[u8], offset: usize, out: &mut [u8]) {
    let done = avx2!(pick_3(row, offset, out));
    for (o, pixel) in out[done..].iter_mut().zip(row[3 * done..].as_chunks::<3>().0) {
        *o = pixel[offset];
    }
}

/// A value times alpha / 255; times 255 it is itself.
#[inline(always)]
pub(super) fn times_alpha(v: u16, a: u16) -> u16 {
    // one more than the product before it is cut off
    high(v, a + (a >> 8)) + u16::from(v != 0 && a != 0)
}

kernel! {
    /// Rounded to bytes.
    pub(super) fn narrow(row: &[u16], out: &mut [u8]) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o = (v.saturating_add(128) >> 8) as u8);
    }
}

/// The sum of some rows, weighted, cut off product by product.
pub(super) fn mix_rows(rows: &[&[u16]], weights: &[u16], out: &mut [u16]) {
    let done = avx2!(mix_rows(rows, weights, out));
    for i in done..out.len() {
        out[i] = rows.iter().zip(weights).map(|(row, w)| high(row[i], *w)).sum();
    }
}

/// The same of rows of bytes; a single row is not weighted.
pub(super) fn mix_bytes(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) {
    if let [row] = rows {
        return widen::<1>(row, 0, out);
    }
    let done = avx2!(mix_bytes(rows, weights, out));
    for i in done..out.len() {
        out[i] = rows.iter().zip(weights).map(|(row, w)| high(u16::from(row[i]) << 8, *w)).sum();
    }
}

/// The same, to bytes after adding `half`; a single row is not weighted.
pub(super) fn mix_rows_to_bytes(rows: &[&[u16]], weights: &[u16], half: u16, out: &mut [u8]) {
    if let [row] = rows {
        return to_bytes(row, half, out);
    }
    let done = avx2!(mix_rows_to_bytes(rows, weights, half, out));
    for i in done..out.len() {
        let sum: u16 = rows.iter().zip(weights).map(|(row, w)| high(row[i], *w)).sum();
        out[i] = (sum.saturating_add(half) >> 8) as u8;
    }
}

/// Weighted sums of 2 to 4 samples, two samples on from one sum to the next: how many could be made.
pub(super) fn strided(line: &[u16], weights: &[u16], out: &mut [u16]) -> usize {
    match *weights {
        [a, b] => avx2!(strided(line, [a, b], out)),
        [a, b, c] => avx2!(strided(line, [a, b, c], out)),
        [a, b, c, d] => avx2!(strided(line, [a, b, c, d], out)),
        _ => 0,
    }
}

/// Weighted sums of 2 or 4 samples from `starts` on, less `skipped`: how many could be made.
pub(super) fn scattered(
    line: &[u16],
    starts: &[u32],
    skipped: u32,
    weights: &[u16],
    out: &mut [u16],
) -> usize {
    match weights.len().checked_div(starts.len()) {
        Some(2) => avx2!(scattered::<2>(line, starts, skipped, weights, out)),
        Some(4) => avx2!(scattered::<4>(line, starts, skipped, weights, out)),
        _ => 0,
    }
}

/// Groups of output samples made of 2 to 4 samples each, of a line whose first sample is `skipped`: how many could be made.
pub(super) fn picked(
    line: &[u16],
    skipped: usize,
    groups: Groups<'_>,
    narrow: bool,
    out: &mut [u16],
) -> usize {
    match (groups.weights.len().checked_div(groups.from.len()), narrow) {
        (Some(2), true) => avx2!(picked::<2, true>(line, skipped, groups, out)),
        (Some(2), false) => avx2!(picked::<2, false>(line, skipped, groups, out)),
        (Some(3), true) => avx2!(picked::<3, true>(line, skipped, groups, out)),
        (Some(3), false) => avx2!(picked::<3, false>(line, skipped, groups, out)),
        (Some(4), true) => avx2!(picked::<4, true>(line, skipped, groups, out)),
        (Some(4), false) => avx2!(picked::<4, false>(line, skipped, groups, out)),
        _ => 0,
    }
}

/// Means of two columns of two rows.
pub(super) fn mean_of_four(a: &[u8], b: &[u8], out: &mut [u8]) {
    let done = avx2!(mean_of_four(a, b, out));
    let pairs = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
    for (o, (a, b)) in out.iter_mut().zip(pairs).skip(done) {
        *o = ((u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]) + 2) >> 2) as u8;
    }
}

/// Means of two rows, three samples across weighted in eighths, two samples on from one to the next.
pub(super) fn eighths([a, b]: [&[u8]; 2], weights: [u8; 3], out: &mut [u8]) {
    let done = avx2!(eighths(a, b, weights, out));
    for (i, o) in out.iter_mut().enumerate().skip(done) {
        let at = 2 * i..2 * i + 3;
        let pairs = a[at.clone()].iter().zip(&b[at]).zip(weights);
        let sum: u16 = pairs.map(|((a, b), w)| (u16::from(*a) + u16::from(*b)) * u16::from(w)).sum();
        *o = ((sum + 8) >> 4) as u8;
    }
}

kernel! {
    /// To bytes after adding `half`.
    pub(super) fn to_bytes(row: &[u16], half: u16, out: &mut [u8]) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o = (v.saturating_add(half) >> 8) as u8);
    }
}

kernel! {
    /// One channel of chroma of another YUV, from chroma in sixteenths; see [`super::yuv16`].
    pub(super) fn other_chroma(u: &[u16], v: &[u16], m: &ToRgb, c: usize, out: &mut [u8]) {
        let (offset, [(uw, uf), (vw, vf)]) = (m.offset[c], m.chroma[c]);
        let n = out.len();
        let (u, v) = (&u[..n], &v[..n]);
        for (i, o) in out.iter_mut().enumerate() {
            let (u, v) = ((u[i] as i16).wrapping_sub(2048), (v[i] as i16).wrapping_sub(2048));
            let u = high_signed(u << 4, uf) + (u << 2) * uw;
            let v = high_signed(v << 4, vf) + (v << 2) * vw;
            let sum = offset.saturating_add(u).saturating_add(v).saturating_add(32) >> 6;
            let low = if sum > 0 { sum } else { 0 };
            *o = if low < 255 { low } else { 255 } as u8;
        }
    }
}

kernel! {
    /// Four of `a` and `b` together.
    pub(super) fn quarters(a: &[u8], b: &[u8], of_b: u16, out: &mut [u16]) {
        let of_a = 4 - of_b;
        for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
            *o = u16::from(*a) * of_a + u16::from(*b) * of_b;
        }
    }
}

/// A weighted sum of R', G' and B', whose weights are negative where `NEG` has a bit (from the lowest), and the
/// offset, times alpha if there is some.
pub(super) fn project<const NEG: u8>(
    rows: [&[u16]; 3],
    by: [u16; 3],
    offset: u16,
    alpha: Option<&[u16]>,
    out: &mut [u16],
) {
    let n = out.len();
    let rows = rows.map(|row| &row[..n]);
    let done = avx2!(project::<NEG>(rows, by, offset, alpha, out));
    for (i, o) in out.iter_mut().enumerate().skip(done) {
        let parts = [0, 1, 2].map(|c| (NEG & 1 << c != 0, high(rows[c][i], by[c])));
        let offset = alpha.map_or(offset, |alpha| times_alpha(offset, alpha[i]));
        let more = parts.iter().filter(|p| !p.0).fold(offset, |sum, p| sum.saturating_add(p.1));
        *o = parts.iter().filter(|p| p.0).fold(more, |sum, p| sum.saturating_sub(p.1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_exact_at_both_ends_and_near_between() {
        for v in (0..=255u16).map(|v| v << 8) {
            assert_eq!(times_alpha(v, 255 << 8), v);
            assert_eq!(times_alpha(v, 0), 0);
            // alpha has a fraction where it was resampled
            for a in (1..255 << 8).step_by(57) {
                let exact = f64::from(v) * f64::from(a) / 65280.0;
                assert!((f64::from(times_alpha(v, a)) - exact).abs() <= 2.0);
            }
        }
    }
}
