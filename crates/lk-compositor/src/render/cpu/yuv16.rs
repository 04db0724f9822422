// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of YUV made R'G'B' or luma of another YUV, in whole numbers. Luma comes in bytes and chroma in quarters, from
//! rows between which that of the luma row lies; it is exact in sixteenths at the luma samples. Sums are kept in 1/64,
//! where nothing overflows that is not far outside anyway.

use super::kernels16::{avx2, high, high_signed};
use super::source::Matrix;

/// YUV to R'G'B' in whole numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToRgb {
    /// What luma weighs, in 1/16384.
    pub luma: u16,
    /// For each of R, G and B what U and V weigh: whole, and the rest in 1/16384.
    pub chroma: [[(i16, i16); 2]; 3],
    /// In 1/64.
    pub offset: [i16; 3],
}

impl ToRgb {
    pub fn of(matrix: &Matrix) -> Self {
        let split = |w: f32| {
            let whole = w.trunc();
            (whole as i16, ((w - whole) * 16384.0).round() as i16)
        };
        // chroma counts from 128 there; what is cut off three times is given back here
        let offset = |i: usize| {
            let m = &matrix.m[i];
            ((matrix.offset[i] + 128.0 * (m[1] + m[2])) * 64.0 + 1.5).round() as i16
        };
        Self {
            luma: (matrix.m[0][0] * 16384.0).round() as u16,
            chroma: [0, 1, 2].map(|i| [split(matrix.m[i][1]), split(matrix.m[i][2])]),
            offset: [offset(0), offset(1), offset(2)],
        }
    }

    /// Whether R' takes no U, B' no V, and G' less than one of each.
    pub fn is_plain(&self) -> bool {
        let [[r, _], [g_u, g_v], [_, b]] = self.chroma;
        r == (0, 0) && g_u.0 == 0 && g_v.0 == 0 && b == (0, 0)
    }
}

/// The chroma of a row of luma samples.
#[derive(Clone, Copy)]
pub(super) struct Chroma<'a> {
    /// U and V in quarters, from the sample before that of the first pair to the one after that of the last.
    pub lines: [&'a [u16]; 2],
    /// Whether chroma lies between two luma samples, not on the first.
    pub centred: bool,
    /// How many samples of the first pair are left out.
    pub skip: usize,
}

impl Chroma<'_> {
    /// From the first whole pair on.
    fn whole(&self) -> Self {
        Self { lines: self.lines.map(|line| &line[self.skip..]), skip: 0, ..*self }
    }

    /// U and V at a luma sample less 128, in sixteenths.
    fn at(&self, luma: usize) -> [i16; 2] {
        let luma = luma + self.skip;
        self.lines.map(|line| {
            let [before, own, after] = [0, 1, 2].map(|i| line[luma / 2 + i]);
            let value = match (self.centred, luma % 2) {
                (true, 0) => before + 3 * own,
                (true, _) => 3 * own + after,
                (false, 0) => 4 * own,
                (false, _) => 2 * (own + after),
            };
            value as i16 - 2048
        })
    }

    /// The sum for a channel.
    fn sum(&self, luma: u8, at: usize, c: usize, m: &ToRgb) -> i16 {
        // luma weighs less than two
        let mut sum = (high(u16::from(luma) << 8, m.luma) as i16).saturating_add(m.offset[c]);
        for (v, (whole, part)) in self.at(at).into_iter().zip(m.chroma[c]) {
            sum = sum.saturating_add(high_signed(v << 4, part) + (v << 2) * whole);
        }
        sum
    }
}

fn byte(sum: i16) -> u8 {
    (sum.saturating_add(32) >> 6).clamp(0, 255) as u8
}

/// Luma of another YUV.
pub(super) fn luma_of_yuv(luma: &[u8], chroma: &Chroma<'_>, m: &ToRgb, out: &mut [u8]) {
    let skip = chroma.skip;
    let done = skip + avx2!(luma_of_yuv(&luma[skip..], &chroma.whole(), m, &mut out[skip..]));
    for at in (0..skip).chain(done..luma.len()) {
        out[at] = byte(chroma.sum(luma[at], at, 0, m));
    }
}

/// R'G'B' as bytes.
pub(super) fn rgb_of_yuv(luma: &[u8], chroma: &Chroma<'_>, m: &ToRgb, mut out: [&mut [u8]; 3]) {
    let skip = chroma.skip;
    let mut rest = out.each_mut().map(|out| &mut out[skip..]);
    let done = skip + avx2!(rgb_of_yuv(&luma[skip..], &chroma.whole(), m, &mut rest));
    for (c, out) in out.iter_mut().enumerate() {
        for at in (0..skip).chain(done..luma.len()) {
            out[at] = byte(chroma.sum(luma[at], at, c, m));
        }
    }
}

/// R'G'B' in 1/256, clamped.
pub(super) fn wide_rgb_of_yuv(luma: &[u8], chroma: &Chroma<'_>, m: &ToRgb, mut out: [&mut [u16]; 3]) {
    let skip = chroma.skip;
    let mut rest = out.each_mut().map(|out| &mut out[skip..]);
    let done = skip + avx2!(wide_rgb_of_yuv(&luma[skip..], &chroma.whole(), m, &mut rest));
    for (c, out) in out.iter_mut().enumerate() {
        for at in (0..skip).chain(done..luma.len()) {
            out[at] = (chroma.sum(luma[at], at, c, m).clamp(0, 255 * 64) as u16) << 2;
        }
    }
}
