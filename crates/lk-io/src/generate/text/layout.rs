// SPDX-License-Identifier: GPL-2.0-or-later
//! Text to outlines: lines, where they lie, and the letters in them as one path.

use super::fonts::{self, BUILT_IN, Fonts};
use super::style::{Align, TextStyle};
use lk_media::Result;
use parley::{
    FontFamily, FontFamilyName, FontStyle, FontWeight, GlyphRun, Layout, Line, LineHeight, OverflowWrap,
    PositionedLayoutItem, StyleProperty,
};
use skrifa::instance::{LocationRef, NormalizedCoord, Size};
use skrifa::outline::OutlinePen;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use vello_cpu::kurbo::{BezPath, Rect};

/// How much wider letters that are made bold become, as a part of the font's size.
const EMBOLDEN: f32 = 1.0 / 24.0;

/// A text laid out: its lines' area begins at 0, 0.
pub(super) struct Laid {
    /// The area of the lines.
    pub(super) lines: Rect,
    /// The letters whose outlines are used as they are.
    pub(super) letters: BezPath,
    /// The letters that are to be made bold.
    pub(super) regular: BezPath,
    /// How much wider those are to become, in pixels.
    pub(super) embolden: f64,
}

impl Laid {
    /// Whether there is nothing to see of the letters.
    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.regular.is_empty()
    }
}

/// Lays out `text`, one paragraph a line end.
pub(super) fn lay_out(fonts: &mut Fonts, text: &str, style: &TextStyle) -> Result<Laid> {
    let family = style.font.as_deref().map(|font| fonts::find(fonts, font)).transpose()?;
    let families = [family.as_deref(), Some(BUILT_IN)];
    let mut paragraphs = set(fonts, text, style, &families, 0.0);
    // only now are the fonts of the system needed
    if paragraphs.iter().any(lacks_letters) && fonts.load_system() {
        paragraphs = set(fonts, text, style, &families, 0.0);
    }
    let strength = style.font_size as f32 * EMBOLDEN;
    if paragraphs.iter().any(is_emboldened) {
        paragraphs = set(fonts, text, style, &families, strength);
    }
    Ok(gather(&paragraphs, style, f64::from(strength)))
}

fn set(
    fonts: &mut Fonts,
    text: &str,
    style: &TextStyle,
    families: &[Option<&str>],
    spacing: f32,
) -> Vec<Layout<()>> {
    text.split('\n').map(|p| paragraph(fonts, p, style, families, spacing)).collect()
}

fn paragraph(
    fonts: &mut Fonts,
    text: &str,
    style: &TextStyle,
    families: &[Option<&str>],
    spacing: f32,
) -> Layout<()> {
    let mut builder = fonts.layout.ranged_builder(&mut fonts.context, text, 1.0, true);
    let families = families.iter().flatten().map(|name| FontFamilyName::named(name).into_owned());
    let families: Vec<FontFamilyName<'static>> = families.collect();
    builder.push_default(StyleProperty::FontFamily(FontFamily::List(families.into())));
    builder.push_default(StyleProperty::FontSize(style.font_size as f32));
    if style.bold {
        builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
    }
    if style.italic {
        builder.push_default(StyleProperty::FontStyle(FontStyle::Italic));
    }
    if spacing > 0.0 {
        builder.push_default(StyleProperty::LetterSpacing(spacing));
    }
    builder.push_default(LineHeight::MetricsRelative(style.line_spacing as f32));
    builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
    let mut layout = builder.build(text);
    layout.break_all_lines(style.width.map(|w| w as f32));
    layout
}

fn runs<'a>(layout: &'a Layout<()>) -> impl Iterator<Item = GlyphRun<'a, ()>> {
    layout.lines().flat_map(|line| line.items().collect::<Vec<_>>()).filter_map(|item| match item {
        PositionedLayoutItem::GlyphRun(run) => Some(run),
        PositionedLayoutItem::InlineBox(_) => None,
    })
}

fn lacks_letters(layout: &Layout<()>) -> bool {
    runs(layout).any(|run| run.glyphs().any(|glyph| glyph.id == 0))
}

fn is_emboldened(layout: &Layout<()>) -> bool {
    runs(layout).any(|run| run.run().synthesis().embolden())
}

fn gather(paragraphs: &[Layout<()>], style: &TextStyle, strength: f64) -> Laid {
    let width_of = |line: &Line<'_, ()>| line.metrics().advance - line.metrics().hanging_advance;
    let lines = || paragraphs.iter().flat_map(|p| p.lines());
    let longest = lines().map(|line| width_of(&line)).fold(0.0, f32::max);
    let width = style.width.map_or(longest, |w| w as f32).ceil();
    let mut laid =
        Laid { lines: Rect::ZERO, letters: BezPath::new(), regular: BezPath::new(), embolden: strength };
    let mut top = 0.0;
    for paragraph in paragraphs {
        for line in paragraph.lines() {
            let space = width - width_of(&line);
            let left = match style.align {
                Align::Left => 0.0,
                Align::Center => (space / 2.0).round(),
                Align::Right => space.round(),
            };
            for item in line.items() {
                if let PositionedLayoutItem::GlyphRun(run) = item {
                    let bold = run.run().synthesis().embolden();
                    let path = if bold { &mut laid.regular } else { &mut laid.letters };
                    trace(&run, left, top, path);
                }
            }
        }
        top += paragraph.height().round();
    }
    laid.lines = Rect::new(0.0, 0.0, f64::from(width), f64::from(top));
    laid
}

/// Adds the outlines of a run of letters.
fn trace(run: &GlyphRun<'_, ()>, left: f32, top: f32, path: &mut BezPath) {
    let data = run.run().font();
    let Ok(font) = FontRef::from_index(data.data.as_ref(), data.index) else { return };
    let outlines = font.outline_glyphs();
    let coords: Vec<NormalizedCoord> =
        run.run().normalized_coords().iter().map(|c| NormalizedCoord::from_bits(c.to_bits())).collect();
    let size = Size::new(run.run().font_size());
    let slant = run.run().synthesis().skew().map_or(0.0, |degrees| degrees.to_radians().tan());
    for glyph in run.positioned_glyphs() {
        let Some(outline) = outlines.get(GlyphId::new(glyph.id)) else { continue };
        let mut pen = Pen { x: left + glyph.x, y: top + glyph.y, slant, path };
        // a letter whose outline is broken is left out, as browsers do
        let _ = outline.draw((size, LocationRef::new(&coords)), &mut pen);
    }
}

/// Draws letters at a place, turning their y, which goes up, round.
struct Pen<'a> {
    x: f32,
    y: f32,
    /// Pixels to the right for each pixel up.
    slant: f32,
    path: &'a mut BezPath,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f64, f64) {
        (f64::from(self.x + x + self.slant * y), f64::from(self.y - y))
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.at(x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.at(x, y));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.path.quad_to(self.at(cx, cy), self.at(x, y));
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.path.curve_to(self.at(ax, ay), self.at(bx, by), self.at(x, y));
    }

    fn close(&mut self) {
        self.path.close_path();
    }
}
