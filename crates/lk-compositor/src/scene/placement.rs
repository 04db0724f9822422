// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a layer lies on the canvas.

use super::Crop;
use lk_media::{Error, Result, Size};
use serde::{Deserialize, Serialize};

/// A point on the canvas in pixels; (0, 0) is the top left corner of the top left pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RectF {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// How a picture fills the box it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fit {
    /// Fills the box, whatever that does to the shape.
    Stretch,
    /// As large as fits inside the box, shape kept.
    Contain,
    /// As small as fills the box, shape kept, the rest cut off.
    Cover,
    /// Its own size, cut off at the box.
    None,
}

/// One of nine points of a rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the names say it
pub enum Anchor {
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

impl Anchor {
    /// All nine, with the names used in Python and on the command line.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("top-left", Self::TopLeft),
        ("top", Self::Top),
        ("top-right", Self::TopRight),
        ("left", Self::Left),
        ("center", Self::Center),
        ("right", Self::Right),
        ("bottom-left", Self::BottomLeft),
        ("bottom", Self::Bottom),
        ("bottom-right", Self::BottomRight),
    ];

    /// The point as fractions of width and height.
    pub const fn fractions(self) -> (f64, f64) {
        match self {
            Self::TopLeft => (0.0, 0.0),
            Self::Top => (0.5, 0.0),
            Self::TopRight => (1.0, 0.0),
            Self::Left => (0.0, 0.5),
            Self::Center => (0.5, 0.5),
            Self::Right => (1.0, 0.5),
            Self::BottomLeft => (0.0, 1.0),
            Self::Bottom => (0.5, 1.0),
            Self::BottomRight => (1.0, 1.0),
        }
    }
}

impl std::str::FromStr for Anchor {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == s).map(|(_, a)| *a).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(n, _)| *n).collect();
            Error::parameter(format!("{s:?} is not an anchor"))
                .with_hint(format!("one of {}", names.join(", ")))
        })
    }
}

/// Where a layer lies, as the user says it; [`Placement::resolve`] makes rectangles of it.
///
/// The *box*: with a `size` it is that (a missing side follows from the picture's shape; whole pixels); with
/// only a position (`at`, `anchor` or `margin`) and no fit but `None` it is the picture's own size; otherwise
/// it is the canvas less the margin. The box's anchor point is put at `at`, or, without `at`, at the same
/// point of the canvas, `margin` pixels further in. The picture fills the box as `fit` says; where it does not
/// fill it exactly it is aligned by the anchor, or centred if none was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The canvas point at which the box's anchor point lies.
    pub at: Option<Point>,
    /// The width of the box.
    pub width: Option<f64>,
    /// The height of the box.
    pub height: Option<f64>,
    /// How the picture fills the box; None is stretch.
    pub fit: Option<Fit>,
    /// Which point of the box `at` means; None is the top left.
    pub anchor: Option<Anchor>,
    /// The distance to the canvas edges when there is no `at`.
    pub margin: f64,
}

/// Where a picture goes: all of `source` (pixels of the uncropped picture) onto `target` (canvas pixels).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The part of the picture that is shown.
    pub source: RectF,
    /// Where it is shown, before rotation.
    pub target: RectF,
}

impl Placement {
    /// Stretched over the whole canvas.
    pub const STRETCH: Self =
        Self { at: None, width: None, height: None, fit: None, anchor: None, margin: 0.0 };

    /// In its own size with the top left corner at (x, y).
    pub fn moved(x: f64, y: f64) -> Self {
        Self { at: Some(Point { x, y }), ..Self::STRETCH }
    }

    /// Stretched over a rectangle.
    pub fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { width: Some(width), height: Some(height), ..Self::moved(x, y) }
    }

    /// An error if a value is not a number, or a side is not between 0 and 1,000,000.
    pub fn validate(&self) -> Result<()> {
        const FAR: f64 = 1e6;
        let far = |v: f64| !v.is_finite() || v.abs() > FAR;
        if let Some(p) = self.at
            && (far(p.x) || far(p.y))
        {
            return Err(Error::parameter(format!("position ({}, {}) is not on any canvas", p.x, p.y)));
        }
        for side in [self.width, self.height].into_iter().flatten() {
            if far(side) || side <= 0.0 {
                return Err(Error::parameter(format!("a layer cannot be {side} pixels wide or high"))
                    .with_hint("sides are greater than 0; leave a side out to keep the shape"));
            }
        }
        if far(self.margin) {
            return Err(Error::parameter(format!("margin {} is not a number of pixels", self.margin)));
        }
        Ok(())
    }

    /// The rectangles for a picture of `picture` pixels on `canvas`. None when nothing is left to show (the
    /// crop takes everything, or a margin leaves no room).
    pub fn resolve(&self, canvas: Size, picture: Size, crop: Crop) -> Option<Placed> {
        let width = picture.width.checked_sub(crop.left)?.checked_sub(crop.right).filter(|w| *w > 0)?;
        let height = picture.height.checked_sub(crop.top)?.checked_sub(crop.bottom).filter(|h| *h > 0)?;
        let (w, h) = (f64::from(width), f64::from(height));
        let (cw, ch) = (f64::from(canvas.width), f64::from(canvas.height));
        let positioned = self.at.is_some() || self.anchor.is_some();
        let own_size = matches!(self.fit, None | Some(Fit::None));

        let (bw, bh) = match (self.width, self.height) {
            (Some(bw), Some(bh)) => (bw, bh),
            (Some(bw), None) => (bw, (bw * h / w).round().max(1.0)),
            (None, Some(bh)) => ((bh * w / h).round().max(1.0), bh),
            (None, None) if positioned && own_size => (w, h),
            (None, None) => (cw - 2.0 * self.margin, ch - 2.0 * self.margin),
        };
        if bw <= 0.0 || bh <= 0.0 {
            return None;
        }

        let (ax, ay) = self.anchor.unwrap_or(Anchor::TopLeft).fractions();
        let (px, py) = match self.at {
            Some(p) => (p.x - ax * bw, p.y - ay * bh),
            None => {
                let along =
                    |f: f64, canvas: f64, side: f64| f * (canvas - side) + (1.0 - 2.0 * f) * self.margin;
                (along(ax, cw, bw), along(ay, ch, bh))
            }
        };
        // an anchor other than the corner can fall between pixels; edges stay sharp if the user's numbers are whole
        let whole = |given: f64, v: f64| if given.fract() == 0.0 { v.floor() } else { v };
        let bx = whole(self.at.map_or(0.0, |p| p.x), px);
        let by = whole(self.at.map_or(0.0, |p| p.y), py);

        let (fx, fy) = self.anchor.unwrap_or(Anchor::Center).fractions();
        let (cl, ct) = (f64::from(crop.left), f64::from(crop.top));
        let whole_picture = RectF { x: cl, y: ct, width: w, height: h };
        let boxed = RectF { x: bx, y: by, width: bw, height: bh };
        Some(match self.fit.unwrap_or(Fit::Stretch) {
            Fit::Stretch => Placed { source: whole_picture, target: boxed },
            Fit::Contain => {
                let scale = (bw / w).min(bh / h);
                let (tw, th) = (
                    (w * scale).round().clamp(1.0, bw.max(1.0)),
                    (h * scale).round().clamp(1.0, bh.max(1.0)),
                );
                let target = RectF {
                    x: bx + (fx * (bw - tw)).floor(),
                    y: by + (fy * (bh - th)).floor(),
                    width: tw,
                    height: th,
                };
                Placed { source: whole_picture, target }
            }
            Fit::Cover => {
                let scale = (bw / w).max(bh / h);
                let (sw, sh) = ((bw / scale).min(w), (bh / scale).min(h));
                let source = RectF { x: cl + fx * (w - sw), y: ct + fy * (h - sh), width: sw, height: sh };
                Placed { source, target: boxed }
            }
            Fit::None => {
                // pixels keep their size: what sticks out of the box is cut in whole pixels
                let (tw, th) = (w.min(bw.round().max(1.0)), h.min(bh.round().max(1.0)));
                let source = RectF {
                    x: cl + (fx * (w - tw)).floor(),
                    y: ct + (fy * (h - th)).floor(),
                    width: tw,
                    height: th,
                };
                let target = RectF {
                    x: bx + (fx * (bw - tw)).floor(),
                    y: by + (fy * (bh - th)).floor(),
                    width: tw,
                    height: th,
                };
                Placed { source, target }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: Size = Size::new(1280, 720);

    fn placed(p: Placement, w: u32, h: u32) -> Placed {
        p.resolve(CANVAS, Size::new(w, h), Crop::default()).unwrap()
    }

    fn rect(x: f64, y: f64, width: f64, height: f64) -> RectF {
        RectF { x, y, width, height }
    }

    #[test]
    fn the_three_placements_of_2020() {
        assert_eq!(placed(Placement::STRETCH, 100, 50).target, rect(0.0, 0.0, 1280.0, 720.0));
        assert_eq!(placed(Placement::moved(10.0, -20.0), 100, 50).target, rect(10.0, -20.0, 100.0, 50.0));
        assert_eq!(
            placed(Placement::rectangle(1.0, 2.0, 3.0, 4.0), 100, 50).target,
            rect(1.0, 2.0, 3.0, 4.0)
        );
    }

    #[test]
    fn a_missing_side_keeps_the_shape() {
        let p = Placement { width: Some(420.0), ..Placement::moved(820.0, 440.0) };
        assert_eq!(placed(p, 1920, 1080).target, rect(820.0, 440.0, 420.0, 236.0));
    }

    #[test]
    fn contain_cover_and_none() {
        let fit = |fit| Placement { fit: Some(fit), ..Placement::STRETCH };
        assert_eq!(placed(fit(Fit::Contain), 100, 100).target, rect(280.0, 0.0, 720.0, 720.0));
        let cover = placed(fit(Fit::Cover), 100, 100);
        assert_eq!(cover.target, rect(0.0, 0.0, 1280.0, 720.0));
        assert_eq!(cover.source, rect(0.0, 21.875, 100.0, 56.25));
        let none = placed(fit(Fit::None), 100, 100);
        assert_eq!(
            (none.target, none.source),
            (rect(590.0, 310.0, 100.0, 100.0), rect(0.0, 0.0, 100.0, 100.0))
        );
        let large = placed(fit(Fit::None), 2000, 100);
        assert_eq!(
            (large.target, large.source),
            (rect(0.0, 310.0, 1280.0, 100.0), rect(360.0, 0.0, 1280.0, 100.0))
        );
    }

    #[test]
    fn anchors_and_margins() {
        let p = Placement { anchor: Some(Anchor::BottomRight), margin: 20.0, ..Placement::STRETCH };
        assert_eq!(placed(p, 100, 50).target, rect(1160.0, 650.0, 100.0, 50.0));
        let p = Placement { anchor: Some(Anchor::Center), ..Placement::moved(640.0, 360.0) };
        assert_eq!(placed(p, 101, 51).target, rect(589.0, 334.0, 101.0, 51.0));
        let p = Placement { margin: 400.0, ..Placement::STRETCH };
        assert_eq!(p.resolve(CANVAS, Size::new(10, 10), Crop::default()), None);
    }

    #[test]
    fn a_crop_that_takes_everything_leaves_nothing() {
        let crop = Crop { left: 60, right: 40, ..Crop::default() };
        assert_eq!(Placement::STRETCH.resolve(CANVAS, Size::new(100, 50), crop), None);
        let crop = Crop { left: 10, top: 5, ..Crop::default() };
        let p = Placement::moved(0.0, 0.0).resolve(CANVAS, Size::new(100, 50), crop).unwrap();
        assert_eq!(p.source, rect(10.0, 5.0, 90.0, 45.0));
    }
}
