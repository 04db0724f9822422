// SPDX-License-Identifier: GPL-2.0-or-later
//! The row kernels of [`super::source`]: picking components apart, premultiplying, colour conversion.

use super::source::round;
use lk_media::kernel;

/// What the fourth byte of a pixel means.
pub(super) const OPAQUE: u8 = 0;
pub(super) const PREMULTIPLIED: u8 = 1;
pub(super) const STRAIGHT: u8 = 2;

/// Byte `offset` of a pixel; shifts of whole numbers become vector code where single bytes do not.
#[inline(always)]
fn byte<const STEP: usize>(pixel: &[u8; STEP], offset: usize) -> u8 {
    match STEP {
        2 => (u16::from_le_bytes([pixel[0], pixel[1]]) >> (8 * offset)) as u8,
        4 => (u32::from_le_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]) >> (8 * offset)) as u8,
        _ => pixel[offset],
    }
}

kernel! {
    /// One byte of each pixel.
    pub(super) fn pick[const STEP: usize](row: &[u8], offset: usize, out: &mut [u8]) {
        for (o, pixel) in out.iter_mut().zip(row.as_chunks::<STEP>().0) {
            *o = byte(pixel, offset);
        }
    }
}

kernel! {
    /// One byte of each pixel as a number.
    pub(super) fn pick_floats[const STEP: usize](row: &[u8], offset: usize, out: &mut [f32]) {
        for (o, pixel) in out.iter_mut().zip(row.as_chunks::<STEP>().0) {
            *o = f32::from(byte(pixel, offset));
        }
    }
}

kernel! {
    /// Values times alpha / 255.
    pub(super) fn premultiply(values: &mut [f32], alpha: &[f32]) {
        values.iter_mut().zip(alpha).for_each(|(v, a)| *v = *v * a / 255.0);
    }
}

kernel! {
    /// a·x + b·y + c·z + offset.
    pub(super) fn affine(by: [f32; 3], offset: f32, rows: [&[f32]; 3], out: &mut [f32]) {
        let ([x, y, z], [a, b, c]) = (by, rows);
        for (((o, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
            *o = a * x + b * y + c * z + offset;
        }
    }
}

kernel! {
    pub(super) fn clamp(row: &mut [f32]) {
        row.iter_mut().for_each(|v| {
            let low = if *v > 0.0 { *v } else { 0.0 };
            *v = if low < 255.0 { low } else { 255.0 };
        });
    }
}

kernel! {
    /// To the nearest bytes.
    pub(super) fn round_row(row: &[f32], out: &mut [u8]) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o = round(*v));
    }
}

kernel! {
    /// A weighted sum of the colours of four-byte pixels, times what the fourth byte means. `by` follows the
    /// bytes.
    pub(super) fn project_4[const ALPHA: u8](row: &[u8], by: [f32; 3], offset: f32, out: &mut [f32]) {
        let part = offset * (1.0 / 255.0);
        for (o, pixel) in out.iter_mut().zip(row.as_chunks().0) {
            let v = u32::from_le_bytes(*pixel);
            let [a, b, c, alpha] = [v & 0xff, v >> 8 & 0xff, v >> 16 & 0xff, v >> 24].map(|c| c as i32 as f32);
            let sum = a * by[0] + b * by[1] + c * by[2];
            *o = match ALPHA {
                OPAQUE => sum + offset,
                PREMULTIPLIED => sum + alpha * part,
                // 255 * (1 / 255) is exactly 1 in this precision
                _ => (sum + offset) * (alpha * (1.0 / 255.0)),
            };
        }
    }
}

kernel! {
    /// The same of three-byte pixels.
    pub(super) fn project_3(row: &[u8], by: [f32; 3], offset: f32, out: &mut [f32]) {
        for (o, [a, b, c]) in out.iter_mut().zip(row.as_chunks().0) {
            *o = f32::from(*a) * by[0] + f32::from(*b) * by[1] + f32::from(*c) * by[2] + offset;
        }
    }
}

kernel! {
    /// `f` of the way from `line` to `other`.
    pub(super) fn approach(line: &mut [f32], other: &[f32], f: f32) {
        line.iter_mut().zip(other).for_each(|(a, b)| *a = *a * (1.0 - f) + b * f);
    }
}

kernel! {
    /// Two samples from each sample of a row with one more at either end: weights of the sample before and its
    /// own, and of its own and the next.
    pub(super) fn spread(from: &[f32], even: (f32, f32), odd: (f32, f32), out: &mut [[f32; 2]]) {
        let n = out.len();
        let (before, own, after) = (&from[..n], &from[1..n + 1], &from[2..n + 2]);
        for (((out, a), b), c) in out.iter_mut().zip(before).zip(own).zip(after) {
            *out = [a * even.0 + b * even.1, b * odd.0 + c * odd.1];
        }
    }
}
