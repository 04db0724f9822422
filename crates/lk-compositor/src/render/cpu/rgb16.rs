// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of packed pixels taken apart: planes of bytes or of 16-bit numbers, premultiplied, or luma at once. Colours and
//! what belongs to them come in the order of a pixel's bytes.

use super::kernels16::{avx2, high, times_alpha};
use super::source::mul_255;
use lk_media::AlphaKind;

/// What luma is made of, in the order of a pixel's bytes.
#[derive(Clone, Copy)]
pub(super) struct ToLuma {
    /// Weights in 1/65536.
    pub by: [u16; 3],
    /// In 1/256.
    pub offset: u16,
    pub kind: AlphaKind,
}

impl ToLuma {
    /// What luma is at alpha 0 if that matters, and else everywhere; what is cut off from each product is given back.
    pub fn base(&self) -> u16 {
        if self.kind == AlphaKind::Premultiplied { self.offset } else { self.offset + 2 }
    }

    /// Luma of a pixel in 1/256, times alpha.
    fn of(&self, pixel: &[u8], alpha: u8) -> u16 {
        let alpha = u16::from(alpha) << 8;
        let base = match self.kind {
            AlphaKind::Premultiplied => times_alpha(self.base(), alpha),
            _ => self.base(),
        };
        let colours = pixel.iter().zip(self.by);
        let sum = colours.fold(base, |sum, (v, by)| sum.saturating_add(high(u16::from(*v) << 8, by)));
        if self.kind == AlphaKind::Straight { times_alpha(sum, alpha) } else { sum }
    }
}

/// A colour times alpha / 255, in 1/256; exact where either is 255.
fn product(v: u8, a: u8) -> u16 {
    let product = u16::from(v) * u16::from(a);
    product + ((product + 255) >> 8)
}

/// The bytes of four-byte pixels, colours times alpha if that is `STRAIGHT`. Without a slice for it alpha is left out.
pub(super) fn planes_4<const STRAIGHT: bool>(row: &[u8], mut out: [&mut [u8]; 4]) {
    let done = avx2!(planes_4::<STRAIGHT>(row, &mut out));
    for (i, pixel) in row.as_chunks::<4>().0.iter().enumerate().skip(done) {
        for (out, v) in out.iter_mut().zip(pixel).take(3) {
            out[i] = if STRAIGHT { mul_255(*v, pixel[3]) } else { *v };
        }
        if let Some(alpha) = out[3].get_mut(i) {
            *alpha = pixel[3];
        }
    }
}

/// The same in 1/256.
pub(super) fn wide_4<const STRAIGHT: bool>(row: &[u8], mut out: [&mut [u16]; 4]) {
    let done = avx2!(wide_4::<STRAIGHT>(row, &mut out));
    for (i, pixel) in row.as_chunks::<4>().0.iter().enumerate().skip(done) {
        for (out, v) in out.iter_mut().zip(pixel).take(3) {
            out[i] = if STRAIGHT { product(*v, pixel[3]) } else { u16::from(*v) << 8 };
        }
        if let Some(alpha) = out[3].get_mut(i) {
            *alpha = u16::from(pixel[3]) << 8;
        }
    }
}

/// Means of the pixels of two rows in 1/256, taken apart as [`wide_4`] does.
pub(super) fn mean_4<const STRAIGHT: bool>(rows: [&[u8]; 2], mut out: [&mut [u16]; 4]) {
    let done = avx2!(mean_4::<STRAIGHT>(rows, &mut out));
    let pixels = rows.map(|row| &row.as_chunks::<4>().0[done..]);
    for (i, (a, b)) in pixels[0].iter().zip(pixels[1]).enumerate() {
        for (c, out) in out.iter_mut().enumerate() {
            let wide = |p: &[u8; 4]| match (STRAIGHT, c) {
                (true, ..3) => product(p[c], p[3]) >> 1,
                _ => u16::from(p[c]) << 7,
            };
            if let Some(out) = out.get_mut(done + i) {
                *out = wide(a) + wide(b);
            }
        }
    }
}

/// The bytes of three-byte pixels in 1/256.
pub(super) fn wide_3(row: &[u8], mut out: [&mut [u16]; 3]) {
    let done = avx2!(threes::<false>([row, row], &mut out));
    for (i, pixel) in row.as_chunks::<3>().0.iter().enumerate().skip(done) {
        out.iter_mut().zip(pixel).for_each(|(out, v)| out[i] = u16::from(*v) << 8);
    }
}

/// Means of the bytes of the pixels of two rows.
pub(super) fn mean_3(rows: [&[u8]; 2], mut out: [&mut [u16]; 3]) {
    let done = avx2!(threes::<true>(rows, &mut out));
    let pixels = rows.map(|row| row.as_chunks::<3>().0.iter());
    let [a, b] = pixels;
    for (i, (a, b)) in a.zip(b).enumerate().skip(done) {
        let sums = a.iter().zip(b).map(|(a, b)| (u16::from(*a) + u16::from(*b)) << 7);
        out.iter_mut().zip(sums).for_each(|(out, sum)| out[i] = sum);
    }
}

/// Luma of pixels of `STEP` bytes, and their alpha if it is asked for, as bytes.
pub(super) fn luma<const STEP: usize>(row: &[u8], m: &ToLuma, out: &mut [u8], alpha: &mut [u8]) {
    let done = avx2!(luma::<STEP>(row, m, out, alpha));
    for (i, pixel) in row.as_chunks::<STEP>().0.iter().enumerate().skip(done) {
        let a = pixel.get(3).copied().unwrap_or(255);
        out[i] = (m.of(&pixel[..3], a).saturating_add(128) >> 8) as u8;
        if let Some(alpha) = alpha.get_mut(i) {
            *alpha = a;
        }
    }
}

/// The same in 1/256.
pub(super) fn wide_luma<const STEP: usize>(row: &[u8], m: &ToLuma, out: &mut [u16], alpha: &mut [u16]) {
    let done = avx2!(wide_luma::<STEP>(row, m, out, alpha));
    for (i, pixel) in row.as_chunks::<STEP>().0.iter().enumerate().skip(done) {
        let a = pixel.get(3).copied().unwrap_or(255);
        out[i] = m.of(&pixel[..3], a);
        if let Some(alpha) = alpha.get_mut(i) {
            *alpha = u16::from(a) << 8;
        }
    }
}

/// Pixels of `N` bytes, the fourth 255.
pub(super) fn interleave<const N: usize>(from: [&[u8]; 3], out: &mut [u8]) {
    let done = avx2!(interleave::<N>(from, out));
    let [a, b, c] = from.map(|row| &row[done..]);
    for (((out, a), b), c) in out.as_chunks_mut::<N>().0[done..].iter_mut().zip(a).zip(b).zip(c) {
        out.copy_from_slice(&[*a, *b, *c, 255][..N]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::kernel::portable_only;

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 77u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // extremes are seen often
            [0, 255, (state >> 24) as u8, (state >> 16) as u8][(state >> 10) as usize % 4]
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn products_are_exact_at_both_ends_and_near_between() {
        for v in 0..=255u8 {
            assert_eq!(product(v, 255), u16::from(v) << 8);
            assert_eq!(product(v, 0), 0);
            for a in 1..255u8 {
                let exact = f64::from(v) * f64::from(a) / 255.0 * 256.0;
                assert!((f64::from(product(v, a)) - exact).abs() <= 1.0);
            }
        }
    }

    /// All that `f` makes of rows of many lengths, with and without AVX2.
    fn same(f: impl Fn(&[u8], &[u8], usize) -> Vec<u16>) {
        for pixels in [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257] {
            let (three, four) = (noise(3 * pixels), noise(4 * pixels));
            portable_only(true);
            let plain = f(&three, &four, pixels);
            portable_only(false);
            assert_eq!(f(&three, &four, pixels), plain, "{pixels}");
        }
    }

    #[test]
    fn vectors_make_what_plain_code_makes() {
        let bytes = |planes: [Vec<u8>; 4]| planes.concat().into_iter().map(u16::from).collect::<Vec<u16>>();
        for with_alpha in [0, 1] {
            same(|_, four, n| {
                let mut out: [Vec<u8>; 4] = [vec![0; n], vec![0; n], vec![0; n], vec![0; n * with_alpha]];
                let mut other = out.clone();
                planes_4::<true>(four, out.each_mut().map(Vec::as_mut_slice));
                planes_4::<false>(four, other.each_mut().map(Vec::as_mut_slice));
                [bytes(out), bytes(other)].concat()
            });
            same(|_, four, n| {
                let mut out: [Vec<u16>; 4] = [vec![0; n], vec![0; n], vec![0; n], vec![0; n * with_alpha]];
                let mut other = out.clone();
                wide_4::<true>(four, out.each_mut().map(Vec::as_mut_slice));
                wide_4::<false>(four, other.each_mut().map(Vec::as_mut_slice));
                [out.concat(), other.concat()].concat()
            });
            same(|_, four, n| {
                let mut out: [Vec<u16>; 4] = [vec![0; n], vec![0; n], vec![0; n], vec![0; n * with_alpha]];
                let mut other = out.clone();
                let rows = [four, &noise(8 * n)[4 * n..]];
                mean_4::<true>(rows, out.each_mut().map(Vec::as_mut_slice));
                mean_4::<false>(rows, other.each_mut().map(Vec::as_mut_slice));
                [out.concat(), other.concat()].concat()
            });
            for kind in [AlphaKind::Opaque, AlphaKind::Premultiplied, AlphaKind::Straight] {
                let m = ToLuma { by: [3000, 39000, 17000], offset: 4096, kind };
                same(|three, four, n| {
                    let (mut out, mut alpha) = (vec![0; n], vec![0; n * with_alpha]);
                    let (mut wide, mut wide_alpha) = (vec![0; n], vec![0; n * with_alpha]);
                    let mut all = Vec::new();
                    luma::<4>(four, &m, &mut out, &mut alpha);
                    wide_luma::<4>(four, &m, &mut wide, &mut wide_alpha);
                    all.extend(out.iter().chain(&alpha).map(|v| u16::from(*v)));
                    all.extend(wide.iter().chain(&wide_alpha));
                    if kind == AlphaKind::Opaque {
                        luma::<3>(three, &m, &mut out, &mut alpha);
                        wide_luma::<3>(three, &m, &mut wide, &mut wide_alpha);
                        all.extend(out.iter().chain(&alpha).map(|v| u16::from(*v)));
                        all.extend(wide.iter().chain(&wide_alpha));
                    }
                    all
                });
            }
        }
        same(|three, _, n| {
            let mut out: [Vec<u16>; 3] = [vec![0; n], vec![0; n], vec![0; n]];
            let mut mean = out.clone();
            wide_3(three, out.each_mut().map(Vec::as_mut_slice));
            mean_3([three, &noise(6 * n)[3 * n..]], mean.each_mut().map(Vec::as_mut_slice));
            [out.concat(), mean.concat()].concat()
        });
        same(|three, _, n| {
            let rows = [&three[..n], &three[n..2 * n], &three[2 * n..]];
            let (mut four, mut out) = (vec![0; 4 * n], vec![0; 3 * n]);
            interleave::<4>(rows, &mut four);
            interleave::<3>(rows, &mut out);
            four.into_iter().chain(out).map(u16::from).collect()
        });
    }
}
