// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of RGB pixels: order of components, premultiplication, packed to planar and back.

use super::matrix::rounded;
use crate::kernel;
use crate::{AlphaKind, FrameMap, FrameMut, FrameSpec, PixelFormat};

/// The components of a pixel as numbers, first to fourth.
#[inline(always)]
fn split(px: [u8; 4]) -> [u32; 4] {
    let v = u32::from_le_bytes(px);
    [v & 0xff, v >> 8 & 0xff, v >> 16 & 0xff, v >> 24]
}

kernel! {
    /// Multiplies the first three components of each pixel by the fourth, each rounded to nearest.
    pub fn premultiply_row(row: &mut [[u8; 4]]) {
        for px in row {
            let [x, y, z, a] = split(*px);
            // products of bytes over 255 are at least 1/510 away from a half, so 32-bit numbers round right
            let alpha = a as f32 * (1.0 / 255.0);
            let times = |c: u32| rounded(c as f32 * alpha);
            *px = (times(x) | times(y) << 8 | times(z) << 16 | a << 24).to_le_bytes();
        }
    }
}

kernel! {
    /// Takes the fourth component out of the first three, each rounded to nearest; colour 0 where it is 0.
    pub fn unmultiply_row(row: &mut [[u8; 4]]) {
        for px in row {
            let [x, y, z, a] = split(*px);
            let inverse = if a == 0 { 0.0 } else { 255.0 / a as f32 };
            // quotients of bytes are on a half or at least 1/510 away from it; 0.0005 rounds halves up
            let over = |c: u32| {
                let value = c as f32 * inverse + 0.0005;
                rounded(if value < 255.0 { value } else { 255.0 })
            };
            *px = (over(x) | over(y) << 8 | over(z) << 16 | a << 24).to_le_bytes();
        }
    }
}

kernel! {
    /// Makes each pixel cover.
    pub fn opaque_row(row: &mut [[u8; 4]]) {
        for px in row {
            *px = (u32::from_le_bytes(*px) | 0xff00_0000).to_le_bytes();
        }
    }
}

kernel! {
    fn swap_4_to_4(from: &[[u8; 4]], to: &mut [[u8; 4]]) {
        for (&px, out) in from.iter().zip(to) {
            let v = u32::from_le_bytes(px);
            *out = (v & 0xff00_ff00 | (v & 0xff) << 16 | v >> 16 & 0xff).to_le_bytes();
        }
    }
}

kernel! {
    fn widen[const SWAP: bool](from: &[[u8; 3]], to: &mut [[u8; 4]]) {
        for (&[x, y, z], out) in from.iter().zip(to) {
            *out = if SWAP { [z, y, x, 255] } else { [x, y, z, 255] };
        }
    }
}

kernel! {
    fn narrow[const SWAP: bool](from: &[[u8; 4]], to: &mut [[u8; 3]]) {
        for (&[x, y, z, _], out) in from.iter().zip(to) {
            *out = if SWAP { [z, y, x] } else { [x, y, z] };
        }
    }
}

kernel! {
    fn swap_3_to_3(from: &[[u8; 3]], to: &mut [[u8; 3]]) {
        for (&[x, y, z], out) in from.iter().zip(to) {
            *out = [z, y, x];
        }
    }
}

kernel! {
    fn planar_3(from: &[[u8; 3]], a: &mut [u16], b: &mut [u16], c: &mut [u16]) {
        for (((&[x, y, z], a), b), c) in from.iter().zip(a).zip(b).zip(c) {
            (*a, *b, *c) = (u16::from(x), u16::from(y), u16::from(z));
        }
    }
}

kernel! {
    fn planar_4(from: &[[u8; 4]], a: &mut [u16], b: &mut [u16], c: &mut [u16]) {
        for (((&px, a), b), c) in from.iter().zip(a).zip(b).zip(c) {
            let v = u32::from_le_bytes(px);
            (*a, *b, *c) = ((v & 0xff) as u16, (v >> 8 & 0xff) as u16, (v >> 16 & 0xff) as u16);
        }
    }
}

/// A row as pixels of `N` bytes.
pub(super) fn pixels<const N: usize>(row: &[u8]) -> &[[u8; N]] {
    row.as_chunks().0
}

/// A row as pixels of `N` bytes, to write.
pub(super) fn pixels_mut<const N: usize>(row: &mut [u8]) -> &mut [[u8; N]] {
    row.as_chunks_mut().0
}

/// Whether blue comes first.
pub(super) fn is_bgr(format: PixelFormat) -> bool {
    matches!(format, PixelFormat::Bgra | PixelFormat::Bgr)
}

/// What alpha means in fact: formats without are opaque whatever the spec says.
pub(super) fn alpha_of(spec: FrameSpec) -> AlphaKind {
    if spec.format.has_alpha() { spec.alpha } else { AlphaKind::Opaque }
}

/// RGB to RGB.
pub(super) fn convert(from: &FrameMap, to: &mut FrameMut) {
    let (source, target) = (from.spec(), to.spec());
    let swap = is_bgr(source.format) != is_bgr(target.format);
    let alpha_step = alpha_step(alpha_of(source), alpha_of(target));
    let (from, mut to) = (from.plane(0), to.plane_mut(0));
    let mut temporary = vec![[0; 4]; source.size.width as usize];
    for y in 0..source.size.height as usize {
        let (input, output) = (from.row(y), to.row_mut(y));
        if target.format.has_alpha() {
            let output = pixels_mut::<4>(output);
            to_four(input, source.format, swap, output);
            alpha_step.inspect(|step| step(output));
        } else if source.format.has_alpha() {
            let pixels = match alpha_step {
                None => pixels::<4>(input),
                Some(step) => {
                    temporary.copy_from_slice(pixels::<4>(input));
                    step(&mut temporary);
                    &temporary
                }
            };
            to_three(pixels, swap, pixels_mut::<3>(output));
        } else if swap {
            swap_3_to_3(pixels::<3>(input), pixels_mut::<3>(output));
        } else {
            output.copy_from_slice(input);
        }
    }
}

/// Four-byte pixels of a row of any RGB format; those without alpha get 255.
fn to_four(input: &[u8], format: PixelFormat, swap: bool, output: &mut [[u8; 4]]) {
    match (format.has_alpha(), swap) {
        (true, false) => output.copy_from_slice(pixels::<4>(input)),
        (true, true) => swap_4_to_4(pixels::<4>(input), output),
        (false, false) => widen::<false>(pixels::<3>(input), output),
        (false, true) => widen::<true>(pixels::<3>(input), output),
    }
}

/// Drops the fourth component.
pub(super) fn to_three(input: &[[u8; 4]], swap: bool, output: &mut [[u8; 3]]) {
    if swap { narrow::<true>(input, output) } else { narrow::<false>(input, output) }
}

/// What has to be done to pixels whose alpha means `from` to make it mean `to`. Making a straight picture
/// opaque keeps its colours.
fn alpha_step(from: AlphaKind, to: AlphaKind) -> Option<fn(&mut [[u8; 4]])> {
    use AlphaKind::{Opaque, Premultiplied, Straight};
    match (from, to) {
        (Straight, Straight) | (Premultiplied, Premultiplied) => None,
        // the bytes of an opaque picture's alpha may be anything
        (Opaque, _) | (Straight, Opaque) => Some(opaque_row),
        (Straight, Premultiplied) => Some(premultiply_row),
        (Premultiplied, Straight) => Some(unmultiply_row),
        (Premultiplied, Opaque) => Some(|row| {
            unmultiply_row(row);
            opaque_row(row);
        }),
    }
}

/// Reads rows of an RGB picture as three planes of straight colour, in the order they are stored in.
pub(super) struct PlanarReader<'a> {
    from: &'a FrameMap,
    temporary: Vec<[u8; 4]>,
}

impl<'a> PlanarReader<'a> {
    pub fn new(from: &'a FrameMap) -> Self {
        let premultiplied = alpha_of(from.spec()) == AlphaKind::Premultiplied;
        let width = if premultiplied { from.spec().size.width as usize } else { 0 };
        Self { from, temporary: vec![[0; 4]; width] }
    }

    pub fn read(&mut self, y: usize, [a, b, c]: [&mut [u16]; 3]) {
        let row = self.from.plane(0).row(y);
        if !self.temporary.is_empty() {
            self.temporary.copy_from_slice(pixels(row));
            unmultiply_row(&mut self.temporary);
            planar_4(&self.temporary, a, b, c);
        } else if self.from.spec().format.has_alpha() {
            planar_4(pixels(row), a, b, c);
        } else {
            planar_3(pixels(row), a, b, c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::portable_only;

    #[test]
    fn premultiplication_is_exact_for_every_pair() {
        for portable in [false, true] {
            portable_only(portable);
            for a in 0..=255u8 {
                let straight: Vec<[u8; 4]> = (0..=255u8).map(|c| [c, c, c, a]).collect();
                let mut row = straight.clone();
                premultiply_row(&mut row);
                for (c, px) in row.iter().enumerate() {
                    let want = (c as f64 * f64::from(a) / 255.0).round() as u8;
                    assert_eq!(*px, [want, want, want, a], "{c} * {a}");
                }
                let mut row = straight.clone();
                unmultiply_row(&mut row);
                for (c, px) in row.iter().enumerate() {
                    let exact = (c as f64 * 255.0 / f64::from(a)).round().min(255.0) as u8;
                    let want = if a == 0 { 0 } else { exact };
                    assert_eq!(*px, [want, want, want, a], "{c} / {a}");
                }
            }
        }
    }

    #[test]
    fn what_was_premultiplied_comes_back_as_near_as_the_bytes_allow() {
        let straight: Vec<[u8; 4]> =
            (0..=255u8).flat_map(|a| (0..=255u8).map(move |c| [c, c, c, a])).collect();
        let mut row = straight.clone();
        premultiply_row(&mut row);
        unmultiply_row(&mut row);
        for (before, after) in straight.iter().zip(&row) {
            let step = 128.0 / f64::from(before[3]).max(1.0);
            let off = (f64::from(before[0]) - f64::from(after[0])).abs();
            assert!(before[3] == 0 && after[0] == 0 || off <= step + 0.5, "{before:?} {after:?}");
        }
    }
}
