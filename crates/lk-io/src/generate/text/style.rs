// SPDX-License-Identifier: GPL-2.0-or-later
//! How text looks.

use lk_media::{Error, Result};
use std::ops::RangeInclusive;

/// Where the lines of a text lie between its sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Along the left side.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// Along the right side.
    Right,
}

impl Align {
    /// All of them, by name.
    pub const NAMES: [(&'static str, Self); 3] =
        [("left", Self::Left), ("center", Self::Center), ("right", Self::Right)];
}

/// How text looks. Lengths are in pixels; colours are red, green, blue and straight alpha.
#[derive(Clone, Debug, PartialEq)]
pub struct TextStyle {
    /// A family's name, or the path of a font file; None is the built-in DejaVu Sans.
    pub font: Option<String>,
    /// The size of the font, 1 to 2000.
    pub font_size: f64,
    /// Of the letters.
    pub color: [u8; 4],
    /// Bold letters; made from regular ones where the family has none.
    pub bold: bool,
    /// Slanted letters; made from upright ones where the family has none.
    pub italic: bool,
    /// The colour of a line around the letters.
    pub outline: Option<[u8; 4]>,
    /// How far the outline reaches from the letters; None is a sixteenth of the font's size.
    pub outline_width: Option<f64>,
    /// The colour of a box behind the lines.
    pub background: Option<[u8; 4]>,
    /// Between the lines and the edge of the box.
    pub padding: f64,
    /// Of the corners of the box.
    pub radius: f64,
    /// The width of the lines: longer ones are broken, shorter ones aligned in it. None is the longest line's.
    pub width: Option<f64>,
    /// Where lines lie.
    pub align: Align,
    /// The distance of lines as a multiple of the font's own.
    pub line_spacing: f64,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            font: None,
            font_size: 32.0,
            color: [255; 4],
            bold: false,
            italic: false,
            outline: None,
            outline_width: None,
            background: None,
            padding: 0.0,
            radius: 0.0,
            width: None,
            align: Align::Left,
            line_spacing: 1.0,
        }
    }
}

impl TextStyle {
    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        check("font_size", self.font_size, 1.0..=2000.0)?;
        check("line_spacing", self.line_spacing, 0.1..=10.0)?;
        check("padding", self.padding, 0.0..=2000.0)?;
        check("radius", self.radius, 0.0..=2000.0)?;
        self.outline_width.map_or(Ok(()), |width| check("outline_width", width, 0.0..=500.0))?;
        self.width.map_or(Ok(()), |width| check("width", width, 1.0..=16384.0))
    }

    /// The outline to draw: how far it reaches, and its colour.
    pub(super) fn line(&self) -> Option<(f64, [u8; 4])> {
        let width = self.outline_width.unwrap_or(self.font_size / 16.0);
        self.outline.filter(|_| width > 0.0).map(|color| (width, color))
    }
}

fn check(name: &str, value: f64, range: RangeInclusive<f64>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let unit = if name == "line_spacing" { "" } else { " pixels" };
    let hint = format!("it lies between {} and {}{unit}", range.start(), range.end());
    Err(Error::parameter(format!("a {name} of {value} is not possible")).with_hint(hint))
}
