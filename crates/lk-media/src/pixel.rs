// SPDX-License-Identifier: GPL-2.0-or-later
//! Pixel formats, sizes and how planes lie in memory.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// The longest side the engine accepts.
    pub const MAX_SIDE: u32 = 16384;

    /// `width` by `height`, unchecked.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The size, if both sides are between 1 and [`Size::MAX_SIDE`].
    pub fn checked(width: u32, height: u32) -> Result<Self> {
        if (1..=Self::MAX_SIDE).contains(&width) && (1..=Self::MAX_SIDE).contains(&height) {
            Ok(Self { width, height })
        } else {
            Err(Error::format(format!("size {width}x{height} is not possible"))
                .with_hint(format!("both sides must lie between 1 and {} pixels", Self::MAX_SIDE)))
        }
    }

    /// Width times height.
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// How the bytes of a picture are laid out; 8 bits a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PixelFormat {
    /// Packed blue, green, red, alpha.
    Bgra,
    /// Packed blue, green, red.
    Bgr,
    /// Packed red, green, blue, alpha.
    Rgba,
    /// Packed red, green, blue.
    Rgb,
    /// Planar Y, U, V; chroma halved both ways (yuv420p).
    I420,
    /// Planar Y, interleaved UV; chroma halved both ways.
    Nv12,
    /// Packed Y0 U Y1 V; chroma halved horizontally (yuyv422).
    Yuy2,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 7] =
        [Self::Bgra, Self::Bgr, Self::Rgba, Self::Rgb, Self::I420, Self::Nv12, Self::Yuy2];

    /// The name PyAV and FFmpeg use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bgra => "bgra",
            Self::Bgr => "bgr24",
            Self::Rgba => "rgba",
            Self::Rgb => "rgb24",
            Self::I420 => "yuv420p",
            Self::Nv12 => "nv12",
            Self::Yuy2 => "yuyv422",
        }
    }

    /// Whether it stores luma and chroma.
    pub const fn is_yuv(self) -> bool {
        matches!(self, Self::I420 | Self::Nv12 | Self::Yuy2)
    }

    /// Whether it has an alpha channel.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Bgra | Self::Rgba)
    }

    /// How many luma pixels share one chroma sample, (across, down); (1, 1) for RGB.
    pub const fn chroma_step(self) -> (u32, u32) {
        match self {
            Self::I420 | Self::Nv12 => (2, 2),
            Self::Yuy2 => (2, 1),
            _ => (1, 1),
        }
    }

    /// The number of planes.
    pub const fn planes(self) -> usize {
        match self {
            Self::I420 => 3,
            Self::Nv12 => 2,
            _ => 1,
        }
    }

    /// Bytes in a row and rows of plane `index` of a picture of `size`, without padding. Chroma of odd
    /// sizes is rounded up.
    pub const fn plane_extent(self, size: Size, index: usize) -> (usize, usize) {
        let (w, h) = (size.width as usize, size.height as usize);
        match (self, index) {
            (Self::Bgra | Self::Rgba, _) => (w * 4, h),
            (Self::Bgr | Self::Rgb, _) => (w * 3, h),
            (Self::I420 | Self::Nv12, 0) => (w, h),
            (Self::I420, _) => (w.div_ceil(2), h.div_ceil(2)),
            (Self::Nv12, _) => (w.div_ceil(2) * 2, h.div_ceil(2)),
            (Self::Yuy2, _) => (w.div_ceil(2) * 4, h),
        }
    }

    /// Bytes of a picture of `size` without padding.
    pub fn packed_len(self, size: Size) -> usize {
        (0..self.planes()).map(|p| self.plane_extent(size, p)).map(|(w, h)| w * h).sum()
    }

    /// An error naming the next possible size if `size` is odd where the chroma needs it even.
    pub fn check_even(self, size: Size) -> Result<()> {
        let (sx, sy) = self.chroma_step();
        let next = Size::new(size.width.next_multiple_of(sx), size.height.next_multiple_of(sy));
        if next == size {
            Ok(())
        } else {
            Err(Error::format(format!(
                "{} pictures cannot be {size}: chroma is shared by pixel pairs",
                self.name()
            ))
            .with_hint(format!("use {next}")))
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for PixelFormat {
    type Err = Error;
    /// PyAV's names and the aliases `bgr`, `rgb`, `i420`, `yuy2`.
    fn from_str(s: &str) -> Result<Self> {
        Ok(match s.to_ascii_lowercase().as_str() {
            "bgra" => Self::Bgra,
            "bgr24" | "bgr" => Self::Bgr,
            "rgba" => Self::Rgba,
            "rgb24" | "rgb" => Self::Rgb,
            "yuv420p" | "i420" => Self::I420,
            "nv12" => Self::Nv12,
            "yuyv422" | "yuy2" => Self::Yuy2,
            _ => {
                return Err(Error::format(format!("unknown pixel format {s:?}"))
                    .with_hint("one of rgb24, bgr24, rgba, bgra, yuv420p, nv12, yuyv422"));
            }
        })
    }
}

/// What the alpha channel means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlphaKind {
    /// There is none, or it is to be ignored: every pixel covers.
    Opaque,
    /// Colours are stored unmultiplied; what files, NumPy and people use.
    Straight,
    /// Colours are already multiplied by alpha.
    Premultiplied,
}
