// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a layer lies: from canvas positions back to source positions, and how much of a pixel it covers.

use super::plane::Plane;
use lk_compositor::{Flip, Layer, Placed, RectF};
use lk_media::Size;
use std::ops::Range;

/// How the layer is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Not at all.
    Upright,
    /// By a multiple of 90 degrees onto whole pixels; at 90 and 270 degrees x and y change places.
    Exact {
        /// Whether x and y change places.
        transposed: bool,
    },
    /// In any other way.
    Free,
}

/// The rectangles of one layer.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// S, in source pixels.
    pub source: RectF,
    /// T, in canvas pixels, before the rotation.
    pub target: RectF,
    flip: Flip,
    /// Cosine and sine of the rotation.
    cos_sin: (f64, f64),
    turn: Turn,
}

impl Geometry {
    /// The geometry of a layer that shows a picture of `picture` pixels; None if it shows nothing.
    pub fn of(layer: &Layer, canvas: Size, picture: Size) -> Option<Self> {
        let Placed { source, target } = layer.placement.resolve(canvas, picture, layer.crop)?;
        let (source, target) = (whole_edges(source), whole_edges(target));
        let degrees = layer.rotation.rem_euclid(360.0);
        let cos_sin = if degrees == 0.0 {
            (1.0, 0.0)
        } else if degrees == 90.0 {
            (0.0, 1.0)
        } else if degrees == 180.0 {
            (-1.0, 0.0)
        } else if degrees == 270.0 {
            (0.0, -1.0)
        } else {
            (degrees.to_radians().cos(), degrees.to_radians().sin())
        };
        let transposed = degrees == 90.0 || degrees == 270.0;
        let turn = if degrees == 0.0 {
            Turn::Upright
        } else if degrees % 90.0 == 0.0 && has_whole_edges(turned(target, transposed)) {
            Turn::Exact { transposed }
        } else {
            Turn::Free
        };
        Some(Self { source, target, flip: layer.flip, cos_sin, turn })
    }

    /// How it is turned.
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// Source pixels for one canvas pixel, along the source's x and y.
    pub fn scale(&self) -> (f64, f64) {
        (self.source.width / self.target.width, self.source.height / self.target.height)
    }

    fn centre(&self) -> (f64, f64) {
        (self.target.x + self.target.width / 2.0, self.target.y + self.target.height / 2.0)
    }

    /// The source position shown at a canvas position: turned back, scaled, flipped.
    pub fn source_point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (s, t) = (self.source, self.target);
        let ((cx, cy), (cos, sin)) = (self.centre(), self.cos_sin);
        let (dx, dy) = (x - cx, y - cy);
        let (x, y) = (cx + dx * cos + dy * sin, cy - dx * sin + dy * cos);
        let u = s.x + (x - t.x) * s.width / t.width;
        let v = s.y + (y - t.y) * s.height / t.height;
        (
            if self.flip.horizontal { 2.0 * s.x + s.width - u } else { u },
            if self.flip.vertical { 2.0 * s.y + s.height - v } else { v },
        )
    }

    /// The samples of `plane` that may be read: those of the crop window, the smallest rectangle of whole
    /// pixels around S; of chroma planes those whose boxes cover it.
    pub fn window(&self, plane: &Plane) -> (Range<usize>, Range<usize>) {
        let range = |start: f64, extent: f64, pitch: f64, count: usize| {
            let (first, end) = (start.floor(), (start + extent).ceil());
            let (first, end) = ((first / pitch).floor() as usize, (end / pitch).ceil() as usize);
            first.min(count - 1)..end.clamp(first.min(count - 1) + 1, count)
        };
        (
            range(self.source.x, self.source.width, plane.x.pitch, plane.x.count),
            range(self.source.y, self.source.height, plane.y.pitch, plane.y.count),
        )
    }

    /// The corners of the turned target rectangle, in order around it.
    fn corners(&self) -> [(f64, f64); 4] {
        let ((cx, cy), (cos, sin)) = (self.centre(), self.cos_sin);
        let (w, h) = (self.target.width / 2.0, self.target.height / 2.0);
        [(-w, -h), (w, -h), (w, h), (-w, h)]
            .map(|(dx, dy)| (cx + dx * cos - dy * sin, cy + dx * sin + dy * cos))
    }

    /// The fraction of the box [x0, x1) by [y0, y1) that the turned target rectangle covers.
    ///
    /// At height y the rectangle covers an interval of x, and the box's share of it is a function of y that is
    /// linear between a few kinks: the corners' heights and where the sides cross x0 and x1. Between two kinks
    /// the integral is the value half way times the distance.
    pub fn coverage(&self, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> f64 {
        let corners = self.corners();
        let sides: [_; 4] = std::array::from_fn(|i| (corners[i], corners[(i + 1) % 4]));

        let mut kinks = vec![y0, y1];
        for ((ax, ay), (bx, by)) in sides {
            kinks.push(ay);
            for x in [x0, x1] {
                if (ax < x) != (bx < x) {
                    kinks.push(ay + (x - ax) / (bx - ax) * (by - ay));
                }
            }
        }
        kinks.retain(|y| (y0..=y1).contains(y));
        kinks.sort_by(f64::total_cmp);

        let covered_at = |y: f64| {
            let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
            for ((ax, ay), (bx, by)) in sides {
                if (ay < y) != (by < y) {
                    let x = ax + (y - ay) / (by - ay) * (bx - ax);
                    (left, right) = (left.min(x), right.max(x));
                }
            }
            (right.min(x1) - left.max(x0)).max(0.0)
        };
        let area: f64 = kinks.windows(2).map(|k| (k[1] - k[0]) * covered_at((k[0] + k[1]) / 2.0)).sum();
        area / ((x1 - x0) * (y1 - y0))
    }
}

fn whole(v: f64) -> bool {
    (v - v.round()).abs() < 1e-6
}

/// The rectangle with every edge that is whole within 1e-6 exactly whole.
fn whole_edges(r: RectF) -> RectF {
    let edge = |v: f64| if whole(v) { v.round() } else { v };
    let (x, y) = (edge(r.x), edge(r.y));
    RectF { x, y, width: edge(r.x + r.width) - x, height: edge(r.y + r.height) - y }
}

fn has_whole_edges(r: RectF) -> bool {
    [r.x, r.y, r.x + r.width, r.y + r.height].into_iter().all(whole)
}

/// A rectangle turned around its centre, by 90 degrees if `transposed`, else by 180.
fn turned(r: RectF, transposed: bool) -> RectF {
    if !transposed {
        return r;
    }
    let (cx, cy) = (r.x + r.width / 2.0, r.y + r.height / 2.0);
    RectF { x: cx - r.height / 2.0, y: cy - r.width / 2.0, width: r.height, height: r.width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_compositor::{Placement, SourceId};

    fn geometry(x: f64, y: f64, w: f64, h: f64, rotation: f64) -> Geometry {
        let placement = Placement::rectangle(x, y, w, h);
        let layer = Layer { placement, rotation, ..Layer::new(SourceId::unique()) };
        Geometry::of(&layer, Size::new(100, 100), Size::new(8, 8)).expect("something to show")
    }

    fn covers(g: &Geometry, x: f64, y: f64) -> f64 {
        g.coverage((x, y), (x + 1.0, y + 1.0))
    }

    #[test]
    fn coverage_of_upright_rectangles() {
        let g = geometry(2.25, 3.0, 4.0, 0.5, 0.0);
        for ((x, y), expected) in [
            ((1.0, 3.0), 0.0),
            ((2.0, 3.0), 0.375),
            ((3.0, 3.0), 0.5),
            ((6.0, 3.0), 0.125),
            ((3.0, 4.0), 0.0),
        ] {
            assert!((covers(&g, x, y) - expected).abs() < 1e-12, "({x}, {y})");
        }
    }

    #[test]
    fn coverage_of_turned_rectangles() {
        // a square of side √2·2 standing on its corner has its corners at (±2, 0) and (0, ±2) around (5, 5)
        let side = 8f64.sqrt();
        let g = geometry(5.0 - side / 2.0, 5.0 - side / 2.0, side, side, 45.0);
        assert!((covers(&g, 5.0, 5.0) - 1.0).abs() < 1e-12);
        assert!((covers(&g, 6.0, 5.0) - 0.5).abs() < 1e-12);
        assert!((covers(&g, 5.0, 3.0) - 0.5).abs() < 1e-12);
        assert!(covers(&g, 6.0, 6.0).abs() < 1e-12);
        // whatever the angle, the parts sum to the area
        let g = geometry(20.3, 30.7, 13.1, 2.9, 12.3);
        let sum: f64 = (0..100)
            .flat_map(|y| (0..100).map(move |x| (x, y)))
            .map(|(x, y)| covers(&g, f64::from(x), f64::from(y)))
            .sum();
        assert!((sum - 13.1 * 2.9).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn points_turn_clockwise() {
        // turned by 90 degrees clockwise, the source's top left is seen at the top right
        let g = geometry(10.0, 10.0, 8.0, 8.0, 90.0);
        assert_eq!(g.turn(), Turn::Exact { transposed: true });
        assert_eq!(g.source_point((17.5, 10.5)), (0.5, 0.5));
        assert_eq!(g.source_point((17.5, 17.5)), (7.5, 0.5));
        assert_eq!(geometry(10.0, 10.0, 8.0, 8.0, -270.0).source_point((17.5, 10.5)), (0.5, 0.5));
        assert_eq!(geometry(10.0, 10.0, 8.0, 7.0, 90.0).turn(), Turn::Free);
        assert_eq!(geometry(10.0, 10.0, 8.0, 7.0, 180.0).turn(), Turn::Exact { transposed: false });
        assert_eq!(geometry(10.0, 10.0, 8.0, 7.0, 720.0).turn(), Turn::Upright);
    }
}
