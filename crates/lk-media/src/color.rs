// SPDX-License-Identifier: GPL-2.0-or-later
//! Colour spaces: which matrix and range YUV bytes are in and where chroma samples sit.

use crate::{PixelFormat, Size};
use serde::{Deserialize, Serialize};

/// The matrix between R'G'B' and Y'CbCr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition and JPEG.
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// The weights of red and blue in luma, (Kr, Kb); green has the rest.
    /// Sources: ITU-R BT.601-7, BT.709-6, BT.2020-2.
    pub const fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// Which byte values black and white have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Range {
    /// Luma 16 to 235, chroma 16 to 240 (video).
    Limited,
    /// 0 to 255 (JPEG).
    Full,
}

/// Where a chroma sample sits among the luma pixels that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Siting {
    /// Horizontally on the first of the pixels, vertically between (MPEG-2, H.264).
    Left,
    /// Between both ways (JPEG, MPEG-1).
    Center,
    /// On the first pixel both ways (BT.2020 UHD).
    TopLeft,
}

impl Siting {
    /// The position of chroma sample 0 on the luma grid, where luma pixel 0 covers [0, 1) and has its centre
    /// at 0.5; `step` is [`PixelFormat::chroma_step`]. Sample i lies `i * step` further.
    pub fn origin(self, step: (u32, u32)) -> (f64, f64) {
        let centre = |s: u32| f64::from(s) / 2.0;
        match self {
            Self::Left => (0.5, centre(step.1)),
            Self::Center => (centre(step.0), centre(step.1)),
            Self::TopLeft => (0.5, 0.5),
        }
    }
}

/// How YUV bytes become colours. RGB pictures are always sRGB, full range, and carry [`ColorSpace::RGB`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColorSpace {
    /// The matrix.
    pub matrix: Matrix,
    /// The range.
    pub range: Range,
    /// The chroma siting; meaningless without chroma subsampling.
    pub siting: Siting,
}

impl ColorSpace {
    /// What RGB pictures carry.
    pub const RGB: Self = Self { matrix: Matrix::Bt709, range: Range::Full, siting: Siting::Center };
    /// High-definition video.
    pub const BT709: Self = Self { matrix: Matrix::Bt709, range: Range::Limited, siting: Siting::Left };
    /// Standard-definition video.
    pub const BT601: Self = Self { matrix: Matrix::Bt601, range: Range::Limited, siting: Siting::Left };
    /// JPEG and MJPEG.
    pub const JPEG: Self = Self { matrix: Matrix::Bt601, range: Range::Full, siting: Siting::Center };

    /// What untagged pictures of this format and size are taken for: BT.709 limited from 720 lines up, else
    /// BT.601 limited; RGB for RGB.
    pub fn default_for(format: PixelFormat, size: Size) -> Self {
        if !format.is_yuv() {
            Self::RGB
        } else if size.height >= 720 {
            Self::BT709
        } else {
            Self::BT601
        }
    }

    /// Bytes to numbers: luma = (Y - offset) / scale in 0..1, chroma = (C - 128) / scale in -0.5..0.5;
    /// returned as (luma offset, luma scale, chroma scale).
    pub const fn scales(self) -> (f64, f64, f64) {
        match self.range {
            Range::Limited => (16.0, 219.0, 224.0),
            Range::Full => (0.0, 255.0, 255.0),
        }
    }

    /// Y'CbCr bytes (any real value) to R'G'B' in 0..255 (not clamped).
    pub fn yuv_to_rgb(self, yuv: [f64; 3]) -> [f64; 3] {
        let (offset, luma, chroma) = self.scales();
        let (kr, kb) = self.matrix.weights();
        let kg = 1.0 - kr - kb;
        let y = (yuv[0] - offset) / luma;
        let (cb, cr) = ((yuv[1] - 128.0) / chroma, (yuv[2] - 128.0) / chroma);
        let r = y + 2.0 * (1.0 - kr) * cr;
        let b = y + 2.0 * (1.0 - kb) * cb;
        let g = (y - kr * r - kb * b) / kg;
        [r * 255.0, g * 255.0, b * 255.0]
    }

    /// R'G'B' in 0..255 to Y'CbCr bytes (real values, not rounded).
    pub fn rgb_to_yuv(self, rgb: [f64; 3]) -> [f64; 3] {
        let (offset, luma, chroma) = self.scales();
        let (kr, kb) = self.matrix.weights();
        let [r, g, b] = rgb.map(|c| c / 255.0);
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        [offset + luma * y, 128.0 + chroma * cb, 128.0 + chroma * cr]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        // 100 % bars, BT.709 limited: red is 63, 102, 240; BT.601: 81, 90, 240
        let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 0.51);
        assert!(near(ColorSpace::BT709.rgb_to_yuv([255.0, 0.0, 0.0]), [63.0, 102.0, 240.0]));
        assert!(near(ColorSpace::BT601.rgb_to_yuv([255.0, 0.0, 0.0]), [81.0, 90.0, 240.0]));
        assert!(near(ColorSpace::JPEG.rgb_to_yuv([255.0, 255.0, 255.0]), [255.0, 128.0, 128.0]));
    }

    #[test]
    fn the_two_directions_are_inverse() {
        for space in [ColorSpace::BT601, ColorSpace::BT709, ColorSpace::JPEG] {
            let back = space.yuv_to_rgb(space.rgb_to_yuv([12.0, 200.0, 77.0]));
            assert!(back.iter().zip([12.0, 200.0, 77.0]).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}
