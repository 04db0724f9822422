// SPDX-License-Identifier: GPL-2.0-or-later
//! Source pictures in every format, colour space and kind of alpha, with padded rows.

use super::{Prng, padded};
use lk_media::{
    AlphaKind, ColorSpace, Frame, FrameSpec, Matrix, PixelFormat, Range, Siting, Size, Timestamp,
};
use std::fmt;

/// The colour spaces the suites use: every matrix, range and siting appears.
pub const COLOR_SPACES: [ColorSpace; 5] = [
    ColorSpace::BT601,
    ColorSpace::BT709,
    ColorSpace::JPEG,
    ColorSpace { matrix: Matrix::Bt709, range: Range::Full, siting: Siting::Left },
    ColorSpace { matrix: Matrix::Bt2020, range: Range::Limited, siting: Siting::TopLeft },
];

/// What is on a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motif {
    /// Every byte random, in YUV also such as no RGB colour has.
    Noise(u64),
    /// Noise that hardly covers: alpha is below 32 where there is alpha.
    Veil(u64),
    /// Smooth in all channels, alpha too.
    Gradient,
    /// Stripes and blocks of strong colours, opaque next to transparent.
    Edges,
    /// The eight bars, 100 %.
    Bars,
    /// One colour with straight alpha.
    Flat([u8; 4]),
}

/// White, yellow, cyan, green, magenta, red, blue, black.
pub const BARS: [[u8; 3]; 8] = [
    [255, 255, 255],
    [255, 255, 0],
    [0, 255, 255],
    [0, 255, 0],
    [255, 0, 255],
    [255, 0, 0],
    [0, 0, 255],
    [0, 0, 0],
];

/// A source picture, as a value that can be printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picture {
    /// Its size, format, colour space and kind of alpha.
    pub spec: FrameSpec,
    /// What is on it.
    pub motif: Motif,
}

impl Picture {
    /// A picture in the natural spec of a format.
    pub fn new(format: PixelFormat, width: u32, height: u32, motif: Motif) -> Self {
        Self { spec: FrameSpec::of(format, Size::new(width, height)), motif }
    }

    /// The same in another colour space.
    #[must_use]
    pub fn color(mut self, color: ColorSpace) -> Self {
        self.spec = self.spec.with_color(color);
        self
    }

    /// The same with another kind of alpha.
    #[must_use]
    pub fn alpha(mut self, alpha: AlphaKind) -> Self {
        self.spec = self.spec.with_alpha(alpha);
        self
    }

    /// Draws it.
    pub fn frame(&self) -> Frame {
        match self.motif {
            Motif::Noise(seed) => return noise(self.spec, seed, 255),
            Motif::Veil(seed) => return noise(self.spec, seed, 31),
            _ => (),
        }
        paint(self.spec, |x, y| self.pixel(x, y))
    }

    fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let Size { width, height } = self.spec.size;
        let ramp = |v: u32, of: u32| (v * 255 / of.max(2).saturating_sub(1).max(1)).min(255) as u8;
        match self.motif {
            Motif::Noise(_) | Motif::Veil(_) => unreachable!("noise is made of bytes"),
            Motif::Gradient => {
                let (across, down) = (ramp(x, width), ramp(y, height));
                [across, down, 255 - across, 255 - down / 2]
            }
            Motif::Edges => match ((x / 2) % 4, (y / 3) % 3) {
                (0, _) => [255, 255, 255, 255],
                (1, 0) => [255, 0, 0, 255],
                (1, _) => [0, 0, 255, 0],
                (2, 1) => [0, 255, 0, 128],
                (2, _) => [0, 0, 0, 255],
                _ => [255, 0, 255, 20],
            },
            Motif::Bars => {
                let [r, g, b] = BARS[(x * 8 / width) as usize];
                [r, g, b, 255]
            }
            Motif::Flat(color) => color,
        }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FrameSpec { size, format, color, alpha } = self.spec;
        write!(f, "{format} {size} {:?}", self.motif)?;
        if format.is_yuv() {
            write!(f, " {:?} {:?} {:?}", color.matrix, color.range, color.siting)?;
        }
        if format.has_alpha() { write!(f, " {alpha:?}") } else { Ok(()) }
    }
}

/// Every format, with every colour space of the suites or every kind of alpha.
pub fn every_spec(size: Size) -> Vec<FrameSpec> {
    let mut specs = Vec::new();
    for format in PixelFormat::ALL {
        let natural = FrameSpec::of(format, size);
        if format.is_yuv() {
            specs.extend(COLOR_SPACES.map(|color| natural.with_color(color)));
        } else if format.has_alpha() {
            let kinds = [AlphaKind::Opaque, AlphaKind::Straight, AlphaKind::Premultiplied];
            specs.extend(kinds.map(|alpha| natural.with_alpha(alpha)));
        } else {
            specs.push(natural);
        }
    }
    specs
}

/// Random bytes, alpha masked by `alpha_mask`; premultiplied colours are at most their alpha.
fn noise(spec: FrameSpec, seed: u64, alpha_mask: u8) -> Frame {
    let mut prng = Prng::new(seed);
    let mut frame = padded(spec, 7);
    for mut plane in frame.planes_mut() {
        for y in 0..plane.rows {
            plane.row_mut(y).iter_mut().for_each(|byte| *byte = prng.byte());
            if spec.format.has_alpha() {
                plane.row_mut(y).iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha &= alpha_mask);
            }
            if spec.alpha == AlphaKind::Premultiplied {
                plane.row_mut(y).chunks_exact_mut(4).for_each(premultiply);
            }
        }
    }
    frame.publish(Timestamp::ZERO)
}

fn premultiply(pixel: &mut [u8]) {
    let alpha = u16::from(pixel[3]);
    pixel[..3].iter_mut().for_each(|c| *c = ((u16::from(*c) * alpha + 127) / 255) as u8);
}

/// A picture of `spec` with the straight RGBA colour that `pixel` gives at each place.
fn paint(spec: FrameSpec, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
    let mut frame = padded(spec, 5);
    let Size { width, height } = spec.size;
    if !spec.format.is_yuv() {
        let mut plane = frame.plane_mut(0);
        let (place, len) = crate::reference::picture::rgb_layout(spec.format);
        for y in 0..height {
            let row = plane.row_mut(y as usize);
            for (x, stored) in row.chunks_exact_mut(len).enumerate() {
                let color = pixel(x as u32, y);
                (0..len).for_each(|channel| stored[place[channel]] = color[channel]);
                if spec.alpha == AlphaKind::Premultiplied {
                    premultiply(stored);
                }
            }
        }
        return frame.publish(Timestamp::ZERO);
    }

    // chroma is that of the first pixel which shares it: sharp, and legal where the colours are
    let yuv = |x: u32, y: u32| {
        let [r, g, b, _] = pixel(x.min(width - 1), y).map(f64::from);
        spec.color.rgb_to_yuv([r, g, b]).map(|v| v.round().clamp(0.0, 255.0) as u8)
    };
    let (step_x, step_y) = spec.format.chroma_step();
    for (index, mut plane) in frame.planes_mut().into_iter().enumerate() {
        for j in 0..plane.rows as u32 {
            for (i, byte) in plane.row_mut(j as usize).iter_mut().enumerate() {
                let i = i as u32;
                *byte = match (spec.format, index) {
                    (PixelFormat::Yuy2, _) if i.is_multiple_of(2) => yuv(i / 2, j)[0],
                    (PixelFormat::Yuy2, _) => yuv(i / 4 * step_x, j)[if i % 4 == 1 { 1 } else { 2 }],
                    (_, 0) => yuv(i, j)[0],
                    (PixelFormat::I420, _) => yuv(i * step_x, j * step_y)[index],
                    _ => yuv(i / 2 * step_x, j * step_y)[if i.is_multiple_of(2) { 1 } else { 2 }],
                };
            }
        }
    }
    frame.publish(Timestamp::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_what_they_say() {
        let red = |format, color| {
            let picture = Picture::new(format, 3, 1, Motif::Flat([255, 0, 0, 128])).color(color);
            picture.frame().map_native().to_packed()
        };
        assert_eq!(red(PixelFormat::Bgr, ColorSpace::RGB), [0, 0, 255].repeat(3));
        assert_eq!(red(PixelFormat::Rgba, ColorSpace::RGB), [255, 0, 0, 128].repeat(3));
        assert_eq!(red(PixelFormat::I420, ColorSpace::BT709), [63, 63, 63, 102, 102, 240, 240]);
        assert_eq!(red(PixelFormat::Nv12, ColorSpace::BT709), [63, 63, 63, 102, 240, 102, 240]);
        assert_eq!(red(PixelFormat::Yuy2, ColorSpace::BT601), [81, 90, 81, 240].repeat(2));
        let premultiplied = Picture::new(PixelFormat::Bgra, 1, 1, Motif::Flat([255, 100, 0, 128]))
            .alpha(AlphaKind::Premultiplied);
        assert_eq!(premultiplied.frame().map_native().to_packed(), [0, 50, 128, 128]);
    }

    #[test]
    fn noise_is_the_same_every_time_and_differs_by_seed() {
        let bytes =
            |seed| Picture::new(PixelFormat::Nv12, 9, 5, Motif::Noise(seed)).frame().map_native().to_packed();
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }
}
