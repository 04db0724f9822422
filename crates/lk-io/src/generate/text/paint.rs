// SPDX-License-Identifier: GPL-2.0-or-later
//! Outlines to pixels: the box, the outline, the letters.

use super::layout::Laid;
use super::style::TextStyle;
use lk_media::{AlphaKind, Error, Frame, FrameSpec, PixelFormat, Result, Size, Timestamp};
use vello_cpu::color::{AlphaColor, Srgb};
use vello_cpu::kurbo::{Affine, Join, Rect, RoundedRect, Shape, Stroke};
use vello_cpu::peniko::{BlendMode, Compose, Mix};
use vello_cpu::{Level, Pixmap, RenderContext, RenderSettings, Resources};

/// Pixels a picture of text may have: 128 MB.
const MAX_AREA: f64 = (32 << 20) as f64;

/// The picture, `bgra`, premultiplied, just large enough for the lines, the box and all that reaches out of them.
pub(super) fn paint(laid: &Laid, style: &TextStyle) -> Result<Frame> {
    let line = style.line();
    let area = laid.lines.inflate(style.padding, style.padding);
    // the outline counts for whole lines, so that the picture keeps its place while digits change
    let reach = line.map_or(0.0, |(width, _)| width);
    let mut bounds = area.union(laid.lines.inflate(reach, reach));
    check_size(bounds)?;
    for (path, grown) in [(&laid.letters, 0.0), (&laid.regular, laid.embolden / 2.0)] {
        if !path.is_empty() {
            bounds = bounds.union(path.bounding_box().inflate(reach + grown, reach + grown));
        }
    }
    let bounds = Rect::new(bounds.x0.floor(), bounds.y0.floor(), bounds.x1.ceil(), bounds.y1.ceil());
    let size = check_size(bounds)?;
    let (Ok(w), Ok(h)) = (u16::try_from(size.width), u16::try_from(size.height)) else { return nothing() };
    if size.area() == 0 {
        return nothing();
    }
    // the same instructions on every machine of a kind, so that the pictures are the same too
    let settings = RenderSettings { level: Level::baseline(), ..RenderSettings::default() };
    let mut context = RenderContext::new_with(w, h, settings);
    context.set_transform(Affine::translate((-bounds.x0, -bounds.y0)));
    if let Some(color) = style.background {
        context.set_paint(color_of(color));
        let radius = style.radius.min(area.width() / 2.0).min(area.height() / 2.0);
        context.fill_path(&RoundedRect::from_rect(area, radius).to_path(0.05));
    }
    match line {
        None => fill(&mut context, laid, style.color),
        Some((width, color)) if style.color[3] == 255 => {
            outline(&mut context, laid, width, color);
            fill(&mut context, laid, style.color);
        }
        Some((width, color)) => {
            // letters that can be seen through show what is behind, not the outline's inner half
            context.push_layer(None, None, None, None, None);
            outline(&mut context, laid, width, color);
            for (how, color) in [(Compose::DestOut, [0, 0, 0, 255]), (Compose::Plus, style.color)] {
                context.push_blend_layer(BlendMode::new(Mix::Normal, how));
                fill(&mut context, laid, color);
                context.pop_layer();
            }
            context.pop_layer();
        }
    }
    context.flush();
    let mut picture = Pixmap::new(w, h);
    context.render(&mut picture, &mut Resources::new());
    let spec = FrameSpec::of(PixelFormat::Bgra, size).with_alpha(AlphaKind::Premultiplied);
    Frame::from_packed(spec, picture.data_as_u8_slice(), Timestamp::ZERO)
}

/// A picture of no text: one transparent pixel.
pub(super) fn nothing() -> Result<Frame> {
    let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(1, 1)).with_alpha(AlphaKind::Premultiplied);
    Frame::from_packed(spec, &[0; 4], Timestamp::ZERO)
}

fn fill(context: &mut RenderContext, laid: &Laid, color: [u8; 4]) {
    shape(context, color, !laid.regular.is_empty(), |context| {
        context.fill_path(&laid.letters);
        context.fill_path(&laid.regular);
        context.set_stroke(Stroke::new(laid.embolden).with_join(Join::Miter));
        context.stroke_path(&laid.regular);
    });
}

fn outline(context: &mut RenderContext, laid: &Laid, width: f64, color: [u8; 4]) {
    shape(context, color, !laid.regular.is_empty(), |context| {
        for (path, grown) in [(&laid.letters, 0.0), (&laid.regular, laid.embolden)] {
            context.set_stroke(Stroke::new(2.0 * width + grown).with_join(Join::Round));
            context.stroke_path(path);
        }
    });
}

/// Draws in `color`; `many` paths that overlap make one shape, so that a colour that can be seen through does not
/// add up where they meet.
fn shape(
    context: &mut RenderContext,
    [r, g, b, a]: [u8; 4],
    many: bool,
    draw: impl FnOnce(&mut RenderContext),
) {
    if !many || a == 255 {
        context.set_paint(color_of([r, g, b, a]));
        return draw(context);
    }
    context.push_opacity_layer(f32::from(a) / 255.0);
    context.set_paint(color_of([r, g, b, 255]));
    draw(context);
    context.pop_layer();
}

/// Blue takes red's place and red blue's: the pixels come out as `bgra`.
fn color_of([r, g, b, a]: [u8; 4]) -> AlphaColor<Srgb> {
    AlphaColor::from_rgba8(b, g, r, a)
}

fn check_size(bounds: Rect) -> Result<Size> {
    let side = f64::from(Size::MAX_SIDE);
    let (width, height) = (bounds.width().ceil(), bounds.height().ceil());
    if width <= side && height <= side && width * height <= MAX_AREA {
        return Ok(Size::new(width as u32, height as u32));
    }
    Err(Error::parameter(format!("a text of {width} by {height} pixels is too large"))
        .with_hint("use a smaller font_size, fewer lines, or width to break them"))
}
