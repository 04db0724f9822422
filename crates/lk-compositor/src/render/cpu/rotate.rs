// SPDX-License-Identifier: GPL-2.0-or-later
//! Free turns: the source, shrunk where the target is smaller, is interpolated at the canvas samples turned
//! back. Only the part of the shrunk source that can be seen is made, in pieces, by whoever needs one first.

use super::geometry::{Area, Axis, AxisMap, Geometry, Grid};
use super::plan::Samples;
use super::resample::Block;
use super::source::{Reader, round};
use super::weights::{Taps, shrinks};
use std::ops::Range;
use std::sync::OnceLock;

/// Canvas pixels from the target beyond which no sample's cell can touch it.
const NEAR: f64 = 4.0;
/// Rows of a piece.
const PIECE: usize = 32;

/// A turned layer's samples of one grid.
pub(super) struct Turned {
    grid: Grid,
    sin: f64,
    cos: f64,
    centre: (f64, f64),
    x: Side,
    y: Side,
    rough: bool,
}

/// Rows of the shrunk source of one frame, made by whoever needs them first.
pub(super) type Pieces = Vec<OnceLock<Piece>>;

/// One axis of the shrunk source.
struct Side {
    map: AxisMap,
    /// Where its samples lie on the source.
    axis: Axis,
    /// The samples that exist; reading clamps to them.
    samples: Range<usize>,
    /// Those that can be seen.
    seen: Range<usize>,
    taps: Taps,
}

/// Some rows of the shrunk source, a plane for each channel.
pub(super) enum Piece {
    Bytes(Samples<u8>),
    Floats(Vec<Vec<f32>>),
}

impl Turned {
    /// For canvas samples `area` of `grid`; `window` is the part of the reader's planes that may be read.
    pub fn new(
        geometry: &Geometry,
        (sin, cos): (f64, f64),
        (grid, area): (Grid, &Area),
        (source, window): (Grid, &Area),
        rough: bool,
    ) -> Self {
        let t = geometry.target;
        let centre = (t.x + t.width / 2.0, t.y + t.height / 2.0);
        let (x_map, y_map) = (geometry.x_map(), geometry.y_map());
        // the map is affine, so the corners of the area hold the extremes
        let corners = [area.x.start, area.x.end - 1].map(|x| {
            [area.y.start, area.y.end - 1].map(|y| {
                let (tx, ty) = turn_back(centre, sin, cos, grid.x.at(x), grid.y.at(y));
                (x_map.apply(tx), y_map.apply(ty))
            })
        });
        let points = [corners[0][0], corners[0][1], corners[1][0], corners[1][1]];
        let x = Side::new(x_map, grid.x, source.x, window.x.clone(), points.map(|p| p.0));
        let y = Side::new(y_map, grid.y, source.y, window.y.clone(), points.map(|p| p.1));
        Self { grid, sin, cos, centre, x, y, rough }
    }

    /// For one frame, nothing made yet.
    pub fn pieces(&self) -> Pieces {
        (0..self.y.seen.len().div_ceil(PIECE)).map(|_| OnceLock::new()).collect()
    }

    /// Samples `area`, a plane of bytes for each channel. Samples far from the target stay 0.
    pub fn sample(&self, reader: &Reader, made: &Pieces, area: &Area) -> Samples<u8> {
        let (w, h) = (area.x.len(), area.y.len());
        let mut planes: Samples<u8> = (0..reader.channels()).map(|_| vec![0; w * h]).collect();
        for (row, y) in area.y.clone().enumerate() {
            let line = Line::new(self, y);
            let columns = line.near(area.x.clone());
            if columns.is_empty() {
                continue;
            }
            let ends = [columns.start, columns.end - 1].map(|x| self.y.neighbours(line.y(x)));
            let (first, last) = (ends[0].0.min(ends[1].0), ends[0].1.max(ends[1].1));
            let pieces: Vec<&Piece> =
                (first / PIECE..=last / PIECE).map(|i| self.piece(reader, made, i * PIECE)).collect();
            let skipped = first / PIECE * PIECE;
            let out = row * w + columns.start - area.x.start..row * w + columns.end - area.x.start;
            for (channel, plane) in planes.iter_mut().enumerate() {
                // all pieces of a layer are of one kind
                let bytes: Option<Vec<&[u8]>> = pieces.iter().map(|p| p.bytes(channel)).collect();
                let floats: Option<Vec<&[f32]>> = pieces.iter().map(|p| p.floats(channel)).collect();
                let out = &mut plane[out.clone()];
                match (bytes, floats) {
                    (Some(pieces), _) => self.interpolate(&line, columns.clone(), &pieces, skipped, out),
                    (_, Some(pieces)) => self.interpolate(&line, columns.clone(), &pieces, skipped, out),
                    _ => {}
                }
            }
        }
        planes
    }

    /// One channel of one line from pieces whose first row is `skipped`.
    fn interpolate<T: Copy + Into<f32>>(
        &self,
        line: &Line,
        columns: Range<usize>,
        pieces: &[&[T]],
        skipped: usize,
        out: &mut [u8],
    ) {
        let width = self.x.seen.len();
        let mix = |a: f32, b: f32, f: f32| a * (1.0 - f) + b * f;
        for (out, x) in out.iter_mut().zip(columns) {
            let (x0, x1, fx) = self.x.neighbours(line.x(x));
            let (y0, y1, fy) = self.y.neighbours(line.y(x));
            let across = |y: usize| {
                let y = y.saturating_sub(skipped);
                let row = &pieces[(y / PIECE).min(pieces.len() - 1)][y % PIECE * width..][..width];
                mix(row[x0].into(), row[x1].into(), fx)
            };
            *out = round(mix(across(y0), across(y1), fy));
        }
    }

    /// The piece that holds row `row` of the seen rows.
    fn piece<'p>(&self, reader: &Reader, made: &'p Pieces, row: usize) -> &'p Piece {
        made[row / PIECE].get_or_init(|| {
            let start = self.y.seen.start + row / PIECE * PIECE;
            let block = Block {
                reader,
                across: &self.x.taps,
                down: &self.y.taps,
                columns: self.x.seen.clone(),
                rows: start..(start + PIECE).min(self.y.seen.end),
                rough: self.rough,
            };
            if self.rough && reader.fits_bytes() {
                Piece::Bytes(block.sample())
            } else {
                Piece::Floats(block.sample_floats())
            }
        })
    }
}

impl Piece {
    fn bytes(&self, channel: usize) -> Option<&[u8]> {
        match self {
            Self::Bytes(planes) => Some(&planes[channel]),
            Self::Floats(_) => None,
        }
    }

    fn floats(&self, channel: usize) -> Option<&[f32]> {
        match self {
            Self::Bytes(_) => None,
            Self::Floats(planes) => Some(&planes[channel]),
        }
    }
}

/// A row of canvas samples as seen from the source: indices into the shrunk source are linear along it.
struct Line {
    x: (f64, f64),
    y: (f64, f64),
    /// Samples that may touch the target, before clipping.
    near: (f64, f64),
}

impl Line {
    fn new(turned: &Turned, y: usize) -> Self {
        let at = |x: f64| {
            let (tx, ty) = turn_back(
                turned.centre,
                turned.sin,
                turned.cos,
                turned.grid.x.origin + x * turned.grid.x.pitch,
                turned.grid.y.at(y),
            );
            ((tx, ty), (turned.x.index(tx), turned.y.index(ty)))
        };
        let ((start, (x0, y0)), (next, (x1, y1))) = (at(0.0), at(1.0));
        let mut near = (f64::NEG_INFINITY, f64::INFINITY);
        for (map, at, step) in
            [(turned.x.map, start.0, next.0 - start.0), (turned.y.map, start.1, next.1 - start.1)]
        {
            let (low, high) = (map.target - NEAR - at, map.target + map.target_len + NEAR - at);
            if step.abs() > 1e-9 {
                let (a, b) = (low / step, high / step);
                near = (near.0.max(a.min(b)), near.1.min(a.max(b)));
            } else if low > 0.0 || high < 0.0 {
                near.1 = f64::NEG_INFINITY;
            }
        }
        Self { x: (x0, x1 - x0), y: (y0, y1 - y0), near }
    }

    fn near(&self, x: Range<usize>) -> Range<usize> {
        let clip = |v: f64| v.clamp(x.start as f64, x.end as f64) as usize;
        clip(self.near.0.floor())..clip(self.near.1.ceil() + 1.0)
    }

    fn x(&self, x: usize) -> f64 {
        self.x.0 + x as f64 * self.x.1
    }

    fn y(&self, x: usize) -> f64 {
        self.y.0 + x as f64 * self.y.1
    }
}

/// A canvas point turned back around `centre`.
fn turn_back((cx, cy): (f64, f64), sin: f64, cos: f64, x: f64, y: f64) -> (f64, f64) {
    let (dx, dy) = (x - cx, y - cy);
    (cx + dx * cos + dy * sin, cy - dx * sin + dy * cos)
}

impl Side {
    fn new(map: AxisMap, out: Axis, source: Axis, window: Range<usize>, points: [f64; 4]) -> Self {
        let shrinks = shrinks(out, &map, source);
        let (axis, samples) = if shrinks {
            let n = (map.target_len / out.pitch).round().max(1.0);
            let pitch = map.source_len / n;
            (Axis { origin: map.source + pitch / 2.0, pitch }, 0..n as usize)
        } else {
            (source, window.clone())
        };
        let index = |p: f64| (p - axis.origin) / axis.pitch;
        let lowest = points.map(index).into_iter().fold(f64::INFINITY, f64::min).floor();
        let highest = points.map(index).into_iter().fold(f64::NEG_INFINITY, f64::max).ceil();
        let (first, last) = (samples.start as f64, samples.end as f64 - 1.0);
        // one more on each side for the rounding of the corners
        let seen =
            (lowest - 1.0).clamp(first, last) as usize..(highest + 1.0).clamp(first, last) as usize + 1;
        let taps = if shrinks {
            let over = AxisMap { target: 0.0, target_len: samples.end as f64, flip: false, ..map };
            Taps::average(Axis::LUMA, seen.clone(), &over, source, window)
        } else {
            Taps::new(source, seen.clone(), &AxisMap::SAME, source, window)
        };
        Self { map, axis, samples, seen, taps }
    }

    /// The index, with its fraction, that shows at a target position.
    fn index(&self, position: f64) -> f64 {
        (self.map.apply(position) - self.axis.origin) / self.axis.pitch
    }

    /// The samples left and right of an index, counted from the first seen, and how far it lies between them.
    #[inline(always)]
    fn neighbours(&self, index: f64) -> (usize, usize, f32) {
        let t = index.max(self.samples.start as f64).min(self.samples.end as f64 - 1.0);
        let left = t as usize;
        let seen = |i: usize| i.max(self.seen.start).min(self.seen.end - 1) - self.seen.start;
        (seen(left), seen(left + 1), (t - left as f64) as f32)
    }
}
