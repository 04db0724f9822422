// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a layer's samples come from: sampling grids, and the map from canvas to source.

use crate::scene::{Flip, Layer, RectF};
use lk_media::{PixelFormat, Siting, Size};
use std::ops::Range;

/// What lies this near to a whole number, or a ratio of scales to 1, is taken for it.
pub(super) const WHOLE: f64 = 1e-6;
/// Targets thinner than this cover nothing that could be seen.
const THIN: f64 = 1e-6;

/// Sample positions along one axis: sample i lies at `origin + i * pitch`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub origin: f64,
    pub pitch: f64,
}

impl Axis {
    /// Centres of pixels.
    pub const LUMA: Self = Self { origin: 0.5, pitch: 1.0 };

    pub fn at(self, index: usize) -> f64 {
        self.origin + index as f64 * self.pitch
    }
}

/// Sample positions of a plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub x: Axis,
    pub y: Axis,
}

impl Grid {
    pub const LUMA: Self = Self { x: Axis::LUMA, y: Axis::LUMA };

    pub fn chroma(format: PixelFormat, siting: Siting) -> Self {
        Self::chroma_of(format.chroma_step(), siting)
    }

    pub fn chroma_of(step: (u32, u32), siting: Siting) -> Self {
        let (x, y) = siting.origin(step);
        let axis = |origin, step: u32| Axis { origin, pitch: f64::from(step) };
        Self { x: axis(x, step.0), y: axis(y, step.1) }
    }
}

/// The map from canvas to source positions along one source axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AxisMap {
    pub source: f64,
    pub source_len: f64,
    pub target: f64,
    pub target_len: f64,
    pub flip: bool,
}

impl AxisMap {
    /// Every position is its own.
    pub const SAME: Self = Self { source: 0.0, source_len: 1.0, target: 0.0, target_len: 1.0, flip: false };

    /// The source position of a canvas position.
    pub fn apply(&self, position: f64) -> f64 {
        let u = self.source + (position - self.target) * self.source_len / self.target_len;
        if self.flip { 2.0 * self.source + self.source_len - u } else { u }
    }

    /// Source pixels per canvas pixel.
    pub fn scale(&self) -> f64 {
        self.source_len / self.target_len
    }

    /// The smallest range of whole source pixels that is shown, of a picture `len` pixels long.
    pub fn window(&self, len: u32) -> Range<usize> {
        let lo = self.source.floor().clamp(0.0, f64::from(len) - 1.0);
        let hi = (self.source + self.source_len).ceil().clamp(lo + 1.0, f64::from(len).max(lo + 1.0));
        lo as usize..hi as usize
    }
}

/// How a layer is turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    /// Not at all, or by 180 degrees (then the flips say it).
    Upright,
    /// By 90 or 270 degrees: the source's columns run along canvas rows; flips and target say the rest.
    Transposed,
    /// By any angle around the target's centre.
    Free { sin: f64, cos: f64 },
}

/// Pixels of the canvas, half open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Area {
    pub x: Range<usize>,
    pub y: Range<usize>,
}

/// Where a layer lies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Geometry {
    pub source: RectF,
    /// Before a free turn, after any other.
    pub target: RectF,
    pub flip: Flip,
    pub turn: Turn,
    /// The pixels of the canvas it may touch.
    pub visible: Area,
}

/// A geometry bit by bit, to be compared and looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GeometryKey {
    /// Source and target rectangle and the turn.
    numbers: [u64; 11],
    flip: (bool, bool),
    visible: Area,
}

impl Geometry {
    pub fn key(&self) -> GeometryKey {
        let (s, t) = (self.source, self.target);
        let turn = match self.turn {
            Turn::Upright => [0.0, 0.0, 0.0],
            Turn::Transposed => [1.0, 0.0, 0.0],
            Turn::Free { sin, cos } => [2.0, sin, cos],
        };
        let numbers = [s.x, s.y, s.width, s.height, t.x, t.y, t.width, t.height, turn[0], turn[1], turn[2]]
            .map(f64::to_bits);
        let Flip { horizontal, vertical } = self.flip;
        GeometryKey { numbers, flip: (horizontal, vertical), visible: self.visible.clone() }
    }

    /// The same for every place to which whole chroma samples lead, where all of it lies on the canvas: the samples of
    /// its picture are the same at each of them.
    pub fn key_anywhere(&self, canvas: Size) -> Option<GeometryKey> {
        let t = self.target;
        // numbers so short that no sum of theirs is rounded
        let short = |v: f64| (v * 256.0).fract() == 0.0;
        let on = |start: f64, len: f64, canvas: u32| start >= 0.0 && start + len <= f64::from(canvas);
        let wholly = on(t.x, t.width, canvas.width) && on(t.y, t.height, canvas.height);
        if matches!(self.turn, Turn::Free { .. }) || !wholly || !short(t.x) || !short(t.y) {
            return None;
        }
        let target = RectF { x: t.x % 2.0, y: t.y % 2.0, ..t };
        let Area { x, y } = &self.visible;
        let visible = Area { x: 0..x.len(), y: 0..y.len() };
        Some(Self { target, visible, ..self.clone() }.key())
    }

    /// None if nothing of the layer can be seen.
    pub fn resolve(layer: &Layer, canvas: Size, picture: Size) -> Option<Self> {
        let placed = layer.placement.resolve(canvas, picture, layer.crop)?;
        let (source, target) = (snapped(placed.source), snapped(placed.target));
        let sound = [source, target].iter().all(|r| r.x.is_finite() && r.y.is_finite());
        let seen = target.width > THIN && target.height > THIN && source.width > 0.0 && source.height > 0.0;
        if !(sound && seen) {
            return None;
        }
        let (turn, flip, target) = turned(layer.rotation, layer.flip, target);
        let bounds = match turn {
            Turn::Free { sin, cos } => bounds_of(&corners(target, sin, cos)),
            _ => target,
        };
        let visible = Area {
            x: clip(bounds.x, bounds.width, canvas.width)?,
            y: clip(bounds.y, bounds.height, canvas.height)?,
        };
        Some(Self { source, target, flip, turn, visible })
    }

    /// The map along the source's x axis; for a transposed layer it takes canvas y.
    pub fn x_map(&self) -> AxisMap {
        let (target, target_len) = match self.turn {
            Turn::Transposed => (self.target.y, self.target.height),
            _ => (self.target.x, self.target.width),
        };
        AxisMap {
            source: self.source.x,
            source_len: self.source.width,
            target,
            target_len,
            flip: self.flip.horizontal,
        }
    }

    /// The map along the source's y axis; for a transposed layer it takes canvas x.
    pub fn y_map(&self) -> AxisMap {
        let (target, target_len) = match self.turn {
            Turn::Transposed => (self.target.x, self.target.width),
            _ => (self.target.y, self.target.height),
        };
        AxisMap {
            source: self.source.y,
            source_len: self.source.height,
            target,
            target_len,
            flip: self.flip.vertical,
        }
    }

    /// Whether pixels keep their size and are not turned freely.
    pub fn is_unscaled(&self) -> bool {
        !matches!(self.turn, Turn::Free { .. }) && self.x_map().scale() == 1.0 && self.y_map().scale() == 1.0
    }

    /// The pixels of a canvas that lie wholly inside, with even edges inside the canvas.
    pub fn inside(&self, canvas: Size) -> Option<Area> {
        let t = self.target;
        let along = |start: f64, len: f64, canvas: u32| {
            let canvas = canvas as usize;
            let lo = (start.ceil().max(0.0) as usize).next_multiple_of(2);
            let hi = (start + len).floor().clamp(0.0, canvas as f64) as usize;
            let hi = if hi == canvas { hi } else { hi & !1 };
            (lo < hi).then_some(lo..hi)
        };
        let free = matches!(self.turn, Turn::Free { .. });
        let area = Area { x: along(t.x, t.width, canvas.width)?, y: along(t.y, t.height, canvas.height)? };
        (!free).then_some(area)
    }
}

/// The corners of `rect` turned clockwise around its centre.
pub(super) fn corners(rect: RectF, sin: f64, cos: f64) -> [(f64, f64); 4] {
    let (w, h) = (rect.width / 2.0, rect.height / 2.0);
    let (cx, cy) = (rect.x + w, rect.y + h);
    [(-w, -h), (w, -h), (w, h), (-w, h)].map(|(x, y)| (cx + x * cos - y * sin, cy + x * sin + y * cos))
}

fn bounds_of(points: &[(f64, f64); 4]) -> RectF {
    let min = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).fold(f64::INFINITY, f64::min);
    let max = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (min(|p| p.0), min(|p| p.1));
    RectF { x, y, width: max(|p| p.0) - x, height: max(|p| p.1) - y }
}

/// The rectangle with edges that are nearly whole made whole.
fn snapped(r: RectF) -> RectF {
    let edge = |e: f64| if (e - e.round()).abs() < WHOLE { e.round() } else { e };
    let (x, right, y, bottom) = (edge(r.x), edge(r.x + r.width), edge(r.y), edge(r.y + r.height));
    RectF { x, y, width: right - x, height: bottom - y }
}

/// Whether all edges are whole.
fn whole(r: RectF) -> bool {
    [r.x, r.y, r.x + r.width, r.y + r.height].iter().all(|e| e.fract() == 0.0)
}

fn clip(start: f64, len: f64, canvas: u32) -> Option<Range<usize>> {
    let lo = start.floor().clamp(0.0, f64::from(canvas)) as usize;
    let hi = (start + len).ceil().clamp(0.0, f64::from(canvas)) as usize;
    (lo < hi).then_some(lo..hi)
}

/// Multiples of 90 degrees that keep whole edges become flips and transposition.
fn turned(degrees: f64, flip: Flip, target: RectF) -> (Turn, Flip, RectF) {
    let angle = degrees.rem_euclid(360.0);
    let quarters = if angle % 90.0 == 0.0 { (angle / 90.0) as u32 % 4 } else { 4 };
    let (cx, cy) = (target.x + target.width / 2.0, target.y + target.height / 2.0);
    let across = snapped(RectF {
        x: cx - target.height / 2.0,
        y: cy - target.width / 2.0,
        width: target.height,
        height: target.width,
    });
    let Flip { horizontal, vertical } = flip;
    match quarters {
        0 => (Turn::Upright, flip, target),
        1 if whole(across) => (Turn::Transposed, Flip { horizontal, vertical: !vertical }, across),
        2 if whole(target) => (Turn::Upright, Flip { horizontal: !horizontal, vertical: !vertical }, target),
        3 if whole(across) => (Turn::Transposed, Flip { horizontal: !horizontal, vertical }, across),
        1 => (Turn::Free { sin: 1.0, cos: 0.0 }, flip, target),
        2 => (Turn::Free { sin: 0.0, cos: -1.0 }, flip, target),
        3 => (Turn::Free { sin: -1.0, cos: 0.0 }, flip, target),
        _ => {
            let (sin, cos) = angle.to_radians().sin_cos();
            (Turn::Free { sin, cos }, flip, target)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Placement, SourceId};

    fn layer(placement: Placement, rotation: f64) -> Layer {
        Layer { placement, rotation, ..Layer::new(SourceId::unique()) }
    }

    #[test]
    fn only_the_part_on_the_canvas_is_visible() {
        let canvas = Size::new(64, 32);
        let area = |p, r| Geometry::resolve(&layer(p, r), canvas, Size::new(8, 8)).map(|g| g.visible);
        assert_eq!(area(Placement::moved(60.5, -3.0), 0.0), Some(Area { x: 60..64, y: 0..5 }));
        assert_eq!(area(Placement::moved(64.0, 0.0), 0.0), None);
        assert_eq!(area(Placement::moved(-8.0, 0.0), 0.0), None);
        assert_eq!(area(Placement::rectangle(-5e5, -5e5, 1e6, 1e6), 0.0), Some(Area { x: 0..64, y: 0..32 }));
        assert_eq!(area(Placement::rectangle(3.2, 4.0, 0.3, 1.0), 0.0), Some(Area { x: 3..4, y: 4..5 }));
        assert_eq!(area(Placement::rectangle(3.2, 4.0, 1e-300, 1.0), 0.0), None);
    }

    #[test]
    fn quarter_turns_with_whole_edges_are_transpositions() {
        let canvas = Size::new(64, 64);
        let turn = |r: f64, w: u32| {
            let g =
                Geometry::resolve(&layer(Placement::moved(10.0, 10.0), r), canvas, Size::new(w, 4)).unwrap();
            (g.turn, g.flip.horizontal, g.flip.vertical, g.target)
        };
        let across = RectF { x: 12.0, y: 8.0, width: 4.0, height: 8.0 };
        assert_eq!(turn(90.0, 8), (Turn::Transposed, false, true, across));
        assert_eq!(turn(-90.0, 8), (Turn::Transposed, true, false, across));
        assert!(turn(180.0, 7).1);
        assert_eq!(turn(720.0, 7).0, Turn::Upright);
        // an odd sum of sides puts the turned edges between pixels
        assert_eq!(turn(90.0, 7).0, Turn::Free { sin: 1.0, cos: 0.0 });
    }

    #[test]
    fn windows_hold_the_source_rectangle() {
        let map = AxisMap { source: 21.875, source_len: 56.25, ..AxisMap::SAME };
        assert_eq!(map.window(100), 21..79);
        assert_eq!(AxisMap { source: 99.5, source_len: 3.0, ..map }.window(100), 99..100);
    }
}
