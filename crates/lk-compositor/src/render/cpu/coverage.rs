// SPDX-License-Identifier: GPL-2.0-or-later
//! How much of each sample's cell a layer covers: products of overlaps for upright rectangles, clipped polygons
//! for turned ones.

use super::geometry::{Geometry, Turn, corners};
use std::ops::Range;

/// A layer's outline on the canvas.
#[derive(Clone, Debug)]
pub(super) enum Outline {
    Upright { x: (f64, f64), y: (f64, f64) },
    Turned([(f64, f64); 4]),
}

/// The weights of a row of samples.
#[derive(Debug, Default)]
pub(super) struct RowWeights {
    /// The weight of each sample outside `whole`; anything inside.
    pub each: Vec<f32>,
    /// Samples that all weigh `weight`.
    pub whole: Range<usize>,
    pub weight: f32,
}

impl RowWeights {
    /// Of no samples.
    pub const EMPTY: Self = Self { each: Vec::new(), whole: 0..0, weight: 0.0 };
}

impl Outline {
    pub fn of(geometry: &Geometry) -> Self {
        let t = geometry.target;
        match geometry.turn {
            Turn::Free { sin, cos } => Self::Turned(corners(t, sin, cos)),
            _ => Self::Upright { x: (t.x, t.x + t.width), y: (t.y, t.y + t.height) },
        }
    }

    /// Whether all rows that it says so of have the same weights, of the same columns.
    pub fn is_even(&self, cell: (usize, usize), y: usize) -> bool {
        let rows = (y * cell.1) as f64..=((y + 1) * cell.1) as f64;
        matches!(self, Self::Upright { y: (upper, lower), .. } if rows.start() >= upper && rows.end() <= lower)
    }

    /// Coverage times `opacity` of samples `x` of row `y`, whose cells are `cell` pixels wide and high.
    pub fn row(&self, cell: (usize, usize), y: usize, x: Range<usize>, opacity: f64, out: &mut RowWeights) {
        out.each.resize(x.len(), 0.0);
        let (cw, ch) = (cell.0 as f64, cell.1 as f64);
        let (top, bottom) = (y as f64 * ch, (y + 1) as f64 * ch);
        match self {
            Self::Upright { x: (left, right), y: (upper, lower) } => {
                let k = opacity * (bottom.min(*lower) - top.max(*upper)).max(0.0) / ch;
                let covered =
                    |i: usize| (((i + 1) as f64 * cw).min(*right) - (i as f64 * cw).max(*left)).max(0.0) / cw;
                let first = x.clone().find(|i| covered(*i) == 1.0).unwrap_or(x.end);
                let last = x.clone().rev().find(|i| covered(*i) == 1.0).map_or(first, |i| i + 1);
                for i in (x.start..first).chain(last..x.end) {
                    out.each[i - x.start] = (covered(i) * k) as f32;
                }
                out.whole = first - x.start..last - x.start;
                out.weight = k as f32;
            }
            Self::Turned(corners) => {
                out.each.fill(0.0);
                let edges = edges_of(corners);
                let (mut first, mut last) = (x.end, x.end);
                for i in x.clone() {
                    let left = i as f64 * cw;
                    let c = match position(&edges, left, top, cw, ch) {
                        Position::Outside => continue,
                        Position::Inside => 1.0,
                        Position::OnEdge => overlap(corners, left, top, cw, ch) / (cw * ch),
                    };
                    if c == 1.0 {
                        first = first.min(i);
                        last = i + 1;
                    }
                    out.each[i - x.start] = (c * opacity) as f32;
                }
                let first = first.min(last);
                // a turned rectangle is convex, but its last corner may round to a full cell: check the run
                let full = opacity as f32;
                let run = out.each[first - x.start..].iter().take_while(|k| **k == full).count();
                out.whole = first - x.start..(first - x.start + run).min(last - x.start);
                out.weight = full;
            }
        }
    }
}

enum Position {
    Outside,
    Inside,
    OnEdge,
}

/// Inward normal and offset of each edge: positive inside.
fn edges_of(corners: &[(f64, f64); 4]) -> [(f64, f64, f64); 4] {
    std::array::from_fn(|i| {
        let ((ax, ay), (bx, by)) = (corners[i], corners[(i + 1) % 4]);
        let (dx, dy) = (bx - ax, by - ay);
        let len = dx.hypot(dy).max(f64::MIN_POSITIVE);
        let (nx, ny) = (-dy / len, dx / len);
        (nx, ny, -(nx * ax + ny * ay))
    })
}

/// Where a cell lies, judged by its distance from the edges; cells near a corner may count as on an edge.
fn position(edges: &[(f64, f64, f64); 4], left: f64, top: f64, w: f64, h: f64) -> Position {
    let (cx, cy) = (left + w / 2.0, top + h / 2.0);
    let mut inside = true;
    for (nx, ny, offset) in edges {
        let distance = nx * cx + ny * cy + offset;
        let reach = (nx.abs() * w + ny.abs() * h) / 2.0;
        if distance <= -reach {
            return Position::Outside;
        }
        inside &= distance >= reach;
    }
    if inside { Position::Inside } else { Position::OnEdge }
}

/// The area of a convex polygon within a cell.
fn overlap(corners: &[(f64, f64); 4], left: f64, top: f64, w: f64, h: f64) -> f64 {
    // at most four corners and one more for each side of the cell
    let mut polygon: Vec<(f64, f64)> = corners.iter().map(|(x, y)| (x - left, y - top)).collect();
    let mut clipped = Vec::with_capacity(8);
    for side in 0..4 {
        let depth = |(x, y): (f64, f64)| match side {
            0 => x,
            1 => w - x,
            2 => y,
            _ => h - y,
        };
        clipped.clear();
        for (i, a) in polygon.iter().enumerate() {
            let b = polygon[(i + 1) % polygon.len()];
            let (da, db) = (depth(*a), depth(b));
            if da >= 0.0 {
                clipped.push(*a);
            }
            if (da < 0.0) != (db < 0.0) {
                let t = da / (da - db);
                clipped.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
            }
        }
        std::mem::swap(&mut polygon, &mut clipped);
    }
    let twice: f64 = polygon
        .iter()
        .enumerate()
        .map(|(i, a)| {
            let b = polygon[(i + 1) % polygon.len()];
            a.0 * b.1 - a.1 * b.0
        })
        .sum();
    (twice.abs() / 2.0).min(w * h)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::RectF;

    fn weights(outline: &Outline, cell: (usize, usize), y: usize, x: Range<usize>) -> Vec<f32> {
        let mut row = RowWeights::default();
        outline.row(cell, y, x, 0.5, &mut row);
        row.each[row.whole.clone()].fill(row.weight);
        row.each
    }

    #[test]
    fn upright_edges_are_products_of_overlaps() {
        let outline = Outline::Upright { x: (1.25, 4.0), y: (0.5, 9.0) };
        assert_eq!(weights(&outline, (1, 1), 0, 0..5), [0.0, 0.1875, 0.25, 0.25, 0.0]);
        assert_eq!(weights(&outline, (1, 1), 3, 1..4), [0.375, 0.5, 0.5]);
        assert_eq!(weights(&outline, (2, 2), 0, 0..3), [0.375 * 0.75 * 0.5, 0.75 * 0.5, 0.0]);
        let thin = Outline::Upright { x: (1.25, 1.5), y: (0.0, 1.0) };
        assert_eq!(weights(&thin, (1, 1), 0, 1..2), [0.125]);
    }

    #[test]
    fn a_diamond_has_half_pixels_and_its_area() {
        // a square of side sqrt(32) turned by 45 degrees around (8, 8)
        let side = 32f64.sqrt();
        let rect = RectF { x: 8.0 - side / 2.0, y: 8.0 - side / 2.0, width: side, height: side };
        let (sin, cos) = 45f64.to_radians().sin_cos();
        let outline = Outline::Turned(corners(rect, sin, cos));
        for cell in [1, 2] {
            let rows = (0..16 / cell).map(|y| weights(&outline, (cell, cell), y, 0..16 / cell));
            let area: f64 = rows.flatten().map(f64::from).sum::<f64>() * 2.0 * (cell * cell) as f64;
            assert!((area - 32.0).abs() < 1e-3, "{area}");
        }
        let row = weights(&outline, (1, 1), 7, 0..16);
        assert!((row[4] - 0.25).abs() < 1e-6 && row[5] == 0.5 && row[3] == 0.0);
    }
}
