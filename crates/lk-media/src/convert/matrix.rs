// SPDX-License-Identifier: GPL-2.0-or-later
//! The affine step between three components and three others.
//!
//! The arithmetic is 32-bit floating point: as fast as integers of enough bits on every processor we meet,
//! the same on all of them, and within 0.001 of the real value, so that only values that near to a half can
//! be rounded to the other side.

use crate::kernel;

/// Three real weights and an offset: one component from three.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub by: [f32; 3],
    pub offset: f32,
}

impl Weights {
    fn apply(&self, a: u16, b: u16, c: u16) -> f32 {
        self.by[0] * f32::from(a) + self.by[1] * f32::from(b) + self.by[2] * f32::from(c) + self.offset
    }
}

/// Three components from three.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine(pub [Weights; 3]);

impl Affine {
    /// The affine function `f`, for inputs that are `scale` times too large.
    pub fn of(f: impl Fn([f64; 3]) -> [f64; 3], scale: [f64; 3]) -> Self {
        let zero = f([0.0; 3]);
        let columns = [f([1.0, 0.0, 0.0]), f([0.0, 1.0, 0.0]), f([0.0, 0.0, 1.0])];
        Self([0, 1, 2].map(|out| Weights {
            by: [0, 1, 2].map(|c| ((columns[c][out] - zero[out]) / scale[c]) as f32),
            offset: zero[out] as f32,
        }))
    }

    /// For inputs that come last component first.
    #[must_use]
    pub fn with_inputs_reversed(self) -> Self {
        Self(self.0.map(|w| Weights { by: [w.by[2], w.by[1], w.by[0]], offset: w.offset }))
    }

    /// For inputs that are `scale` times larger still.
    #[must_use]
    pub fn with_inputs_scaled(self, scale: f32) -> Self {
        Self(self.0.map(|w| Weights { by: w.by.map(|x| x / scale), offset: w.offset }))
    }
}

/// YUV to RGB: red and blue take one chroma component each, green takes both.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToRgb {
    luma: f32,
    /// First component: weight of the first chroma, offset.
    first: [f32; 2],
    /// Green: weights of both, offset.
    green: [f32; 3],
    /// Third component: weight of the second chroma, offset.
    third: [f32; 2],
}

impl ToRgb {
    /// From the full matrix. For red first the chroma components are V and U; for blue first, U and V.
    pub fn of(m: &Affine, blue_first: bool) -> Self {
        let [red, green, blue] = m.0;
        let (red, blue) = ([red.by[2], red.offset], [blue.by[1], blue.offset]);
        let [_, by_u, by_v] = green.by;
        let luma = green.by[0];
        if blue_first {
            Self { luma, first: blue, green: [by_u, by_v, green.offset], third: red }
        } else {
            Self { luma, first: red, green: [by_v, by_u, green.offset], third: blue }
        }
    }
}

/// Rounds a real value to the nearest byte, clamped.
fn to_byte(value: f32) -> u32 {
    let low = if value > 0.0 { value } else { 0.0 };
    let both = if low < 255.0 { low } else { 255.0 };
    rounded(both)
}

/// Rounds a real value between -0.5 and 255.5 to the nearest byte.
///
/// Adding 1.5 * 2^23 leaves no room for a fraction, so the addition itself rounds and the integer stands in
/// the low bits: cheaper than a conversion that has to answer for every input.
#[inline(always)]
pub(super) fn rounded(value: f32) -> u32 {
    const MAGIC: f32 = 12_582_912.0;
    (value + MAGIC).to_bits() & 0xff
}

kernel! {
    /// One row of packed four-byte pixels, alpha 255; see [`ToRgb::of`] for the order of the chroma.
    pub(super) fn pack4(luma: &[u16], p: &[u16], q: &[u16], m: &ToRgb, out: &mut [[u8; 4]]) {
        for (((px, &y), &p), &q) in out.iter_mut().zip(luma).zip(p).zip(q) {
            let (y, p, q) = (f32::from(y) * m.luma, f32::from(p), f32::from(q));
            let first = to_byte(y + (p * m.first[0] + m.first[1]));
            let green = to_byte(y + (p * m.green[0] + q * m.green[1] + m.green[2]));
            let third = to_byte(y + (q * m.third[0] + m.third[1]));
            *px = (first | green << 8 | third << 16 | 0xff00_0000).to_le_bytes();
        }
    }
}

kernel! {
    /// One row of one component.
    pub(super) fn project(a: &[u16], b: &[u16], c: &[u16], w: &Weights, out: &mut [u8]) {
        for (((px, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
            *px = to_byte(w.apply(a, b, c)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rounded_to_nearest_and_clamped() {
        for (value, byte) in
            [(-7.0, 0), (0.4, 0), (0.6, 1), (127.51, 128), (254.4, 254), (255.9, 255), (1e9, 255)]
        {
            assert_eq!(to_byte(value), byte, "{value}");
        }
    }

    #[test]
    fn an_affine_function_is_found_again() {
        let m = Affine::of(|[a, b, c]| [a + 2.0 * b + 3.0, c - a, 0.5 * b], [1.0, 2.0, 1.0]);
        assert_eq!(m.0[0].apply(1, 4, 9), 8.0);
        assert_eq!(m.0[1].apply(1, 4, 9), 8.0);
        assert_eq!(m.with_inputs_reversed().0[0].apply(9, 4, 1), 8.0);
        assert_eq!(m.with_inputs_scaled(2.0).0[0].apply(2, 8, 18), 8.0);
    }
}
