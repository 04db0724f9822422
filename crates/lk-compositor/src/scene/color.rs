// SPDX-License-Identifier: GPL-2.0-or-later
//! Colours as people write them.

use lk_media::{Error, Result};
use serde::{Deserialize, Serialize};

/// An sRGB colour with straight alpha, 8 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// 255 covers.
    pub a: u8,
}

impl Color {
    /// Opaque black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self { r: 0, g: 0, b: 0, a: 0 };

    /// An opaque colour.
    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b, a: 255 }
    }

    /// Whether nothing behind it is seen.
    pub const fn is_opaque(self) -> bool {
        self.a == 255
    }
}

impl std::str::FromStr for Color {
    type Err = Error;
    /// CSS colours: "#203040", "#20304080", "red", "rgb(10 20 30 / 50%)", "hsl(...)".
    fn from_str(s: &str) -> Result<Self> {
        let [r, g, b, a] = csscolorparser::parse(s)
            .map_err(|_| {
                Error::parameter(format!("{s:?} is not a colour")).with_hint(
                    "for example \"#203040\", \"#20304080\" (with alpha), \"black\" or \"rgb(32 48 64)\"",
                )
            })?
            .to_rgba8();
        Ok(Self { r, g, b, a })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn css_colours() {
        assert_eq!("#203040".parse::<Color>().unwrap(), Color::rgb(0x20, 0x30, 0x40));
        assert_eq!("red".parse::<Color>().unwrap(), Color::rgb(255, 0, 0));
        assert_eq!("#00000000".parse::<Color>().unwrap(), Color::TRANSPARENT);
        assert!("".parse::<Color>().is_err() && "nope".parse::<Color>().is_err());
    }
}
