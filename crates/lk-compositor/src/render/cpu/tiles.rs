// SPDX-License-Identifier: GPL-2.0-or-later
//! Cuts what is to be drawn into tiles of which each shows as few layers as possible: nothing under a layer that
//! covers it, and where one layer is all there is, nothing but that layer. How a canvas is cut never changes a sample.

use super::geometry::Area;
use lk_media::Size;
use std::ops::Range;

/// Edges beyond which a band is not cut any finer.
const MANY: usize = 64;
/// Pixels of a band, or up to twice as many: what a few planes of it take stays in a core's own cache.
pub(super) const BAND_PIXELS: usize = 1 << 16;

/// The rows of a canvas in bands of even height.
pub(super) struct Bands {
    pub size: Size,
    pub rows: usize,
    /// Rows drawn above and below a band for what reads around it.
    pub halo: usize,
}

impl Bands {
    pub fn new(size: Size, pixels: usize, halo: usize) -> Self {
        let rows = (pixels / size.width as usize).clamp(8, 256).next_multiple_of(2).max(4 * halo);
        Self { size, rows, halo }
    }

    pub fn count(&self) -> usize {
        (self.size.height as usize).div_ceil(self.rows)
    }

    /// The pixels of band `index`, and those drawn for it.
    pub fn get(&self, index: usize) -> (Area, Area) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let y = index * self.rows..((index + 1) * self.rows).min(height);
        let drawn = y.start.saturating_sub(self.halo)..(y.end + self.halo).min(height);
        (Area { x: 0..width, y }, Area { x: 0..width, y: drawn })
    }
}

/// Where a layer lies.
pub(super) struct Shape {
    /// The pixels it may touch.
    pub touches: Area,
    /// Whole chroma samples under which nothing is seen.
    pub hides: Option<Area>,
}

/// Pixels to be drawn, all within one band.
#[derive(Debug, PartialEq)]
pub(super) struct Tile {
    pub band: usize,
    pub area: Area,
    /// The layer that hides all below it; None: the background is seen, or what stands for it.
    pub bottom: Option<usize>,
    /// Whether the bottom is all there is.
    pub plain: bool,
}

impl Area {
    pub fn touches(&self, other: &Self) -> bool {
        touch(&self.x, &other.x) && touch(&self.y, &other.y)
    }

    pub fn holds(&self, other: &Self) -> bool {
        let within = |a: &Range<usize>, b: &Range<usize>| a.start <= b.start && a.end >= b.end;
        within(&self.x, &other.x) && within(&self.y, &other.y)
    }

    /// What both hold; may be empty.
    pub fn common(&self, other: &Self) -> Self {
        let common = |a: &Range<usize>, b: &Range<usize>| {
            let start = a.start.max(b.start);
            start..a.end.min(b.end).max(start)
        };
        Self { x: common(&self.x, &other.x), y: common(&self.y, &other.y) }
    }

    pub fn pixels(&self) -> usize {
        self.x.len() * self.y.len()
    }
}

fn touch(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Cuts canvases; keeps the memory it needs for that.
#[derive(Default)]
pub(super) struct Cutter {
    /// What is damaged and which layers are seen in a band, and in a row of it, by number.
    band: Found,
    row: Found,
    edges: [Vec<usize>; 2],
}

#[derive(Default)]
struct Found {
    damaged: Vec<usize>,
    seen: Vec<usize>,
}

impl Found {
    /// Takes out the layers under one that hides all that is damaged `within` an area: their edges do not matter.
    fn forget_hidden(&mut self, shapes: &[Shape], damage: Option<&[Area]>, within: &Area) {
        let hull = match damage {
            None => Some(within.clone()),
            Some(areas) => {
                let damaged = self.damaged.iter().map(|d| areas[*d].common(within));
                damaged.reduce(|a, b| Area { x: both(&a.x, &b.x), y: both(&a.y, &b.y) })
            }
        };
        if let Some(bottom) = hull.and_then(|hull| bottom_of(shapes, &self.seen, &hull)) {
            self.seen.retain(|i| *i >= bottom);
        }
    }
}

/// The range that holds two.
fn both(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

impl Cutter {
    /// Puts the tiles that cover `damage` (None: the whole canvas) into `tiles`; its areas have even edges.
    pub fn cut(&mut self, bands: &Bands, shapes: &[Shape], damage: Option<&[Area]>, tiles: &mut Vec<Tile>) {
        tiles.clear();
        let areas = damage.unwrap_or_default();
        let [rows, columns] = &mut self.edges;
        for band in 0..bands.count() {
            let (area, drawn) = bands.get(band);
            fill(&mut self.band.damaged, 0..areas.len(), |d| areas[d].touches(&area));
            if damage.is_some() && self.band.damaged.is_empty() {
                continue;
            }
            fill(&mut self.band.seen, 0..shapes.len(), |s| shapes[s].touches.touches(&drawn));
            if bands.halo > 0 {
                // layers that read around each sample: whole bands
                let bottom = bottom_of(shapes, &self.band.seen, &drawn);
                let plain = is_plain(shapes, &self.band.seen, &drawn, bottom);
                tiles.push(Tile { band, area, bottom, plain });
                continue;
            }
            self.band.forget_hidden(shapes, damage, &area);
            cuts(rows, (shapes, areas), &self.band, &area, |a| &a.y);
            for y in rows.windows(2).map(|w| w[0]..w[1]) {
                let row = Area { x: area.x.clone(), y: y.clone() };
                fill(&mut self.row.seen, self.band.seen.iter().copied(), |s| shapes[s].touches.touches(&row));
                fill(&mut self.row.damaged, self.band.damaged.iter().copied(), |d| areas[d].touches(&row));
                self.row.forget_hidden(shapes, damage, &row);
                let seen = &self.row.seen;
                cuts(columns, (shapes, areas), &self.row, &row, |a| &a.x);
                for x in columns.windows(2).map(|w| w[0]..w[1]) {
                    let area = Area { x, y: y.clone() };
                    if damage.is_some() && !self.row.damaged.iter().any(|d| areas[*d].touches(&area)) {
                        continue;
                    }
                    let bottom = bottom_of(shapes, seen, &area);
                    let plain = is_plain(shapes, seen, &area, bottom);
                    match tiles.last_mut() {
                        Some(Tile { area: last, bottom: b, plain: p, .. })
                            if last.y == area.y
                                && last.x.end == area.x.start
                                && (*b, *p) == (bottom, plain) =>
                        {
                            last.x.end = area.x.end;
                        }
                        _ => tiles.push(Tile { band, area, bottom, plain }),
                    }
                }
            }
        }
    }
}

/// Those of `from` that are `wanted`.
fn fill(out: &mut Vec<usize>, from: impl Iterator<Item = usize>, wanted: impl Fn(usize) -> bool) {
    out.clear();
    out.extend(from.filter(|i| wanted(*i)));
}

/// The highest layer that hides what lies under `area`.
fn bottom_of(shapes: &[Shape], seen: &[usize], area: &Area) -> Option<usize> {
    let hides = |i: &&usize| shapes[**i].hides.as_ref().is_some_and(|h| h.holds(area));
    seen.iter().rfind(hides).copied()
}

/// Whether nothing above `bottom` is seen in `area`.
fn is_plain(shapes: &[Shape], seen: &[usize], area: &Area, bottom: Option<usize>) -> bool {
    !seen.iter().any(|i| bottom.is_none_or(|b| *i > b) && shapes[*i].touches.touches(area))
}

/// Where `area` is cut along one axis: at even places, at the edges of layers and of damage.
fn cuts(
    edges: &mut Vec<usize>,
    (shapes, areas): (&[Shape], &[Area]),
    found: &Found,
    area: &Area,
    axis: fn(&Area) -> &Range<usize>,
) {
    let whole = axis(area);
    edges.clear();
    edges.extend([whole.start, whole.end]);
    let mut add = |edge: usize| {
        if edge > whole.start && edge < whole.end {
            edges.push(edge);
        }
    };
    for d in &found.damaged {
        add(axis(&areas[*d]).start);
        add(axis(&areas[*d]).end);
    }
    if found.seen.len() <= MANY {
        for shape in found.seen.iter().map(|i| &shapes[*i]) {
            let touches = axis(&shape.touches);
            add(touches.start & !1);
            add(touches.end.next_multiple_of(2));
            if let Some(hides) = &shape.hides {
                add(axis(hides).start);
                add(axis(hides).end);
            }
        }
    }
    edges.sort_unstable();
    edges.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(bands: &Bands, shapes: &[Shape], damage: Option<&[Area]>) -> Vec<Tile> {
        let mut tiles = Vec::new();
        Cutter::default().cut(bands, shapes, damage, &mut tiles);
        tiles
    }

    fn area(x: Range<usize>, y: Range<usize>) -> Area {
        Area { x, y }
    }

    fn opaque(a: Area) -> Shape {
        Shape { hides: Some(a.clone()), touches: a }
    }

    #[test]
    fn every_damaged_pixel_is_in_exactly_one_tile() {
        let size = Size::new(101, 75);
        let mut random = 1u32;
        let mut next = |n: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) as usize % n
        };
        for _ in 0..300 {
            let bands = Bands::new(size, 1 << (8 + next(6)), 0);
            let mut any = |even: bool| {
                let mut range = |len: usize| {
                    let (a, b) = (next(len), next(len));
                    let (a, b) = (a.min(b), a.max(b) + 1);
                    if even { a & !1..b.next_multiple_of(2).min(len) } else { a..b }
                };
                area(range(101), range(75))
            };
            let shapes: Vec<Shape> =
                (0..5)
                    .map(|i| {
                        if i % 2 == 0 {
                            opaque(any(true))
                        } else {
                            Shape { touches: any(false), hides: None }
                        }
                    })
                    .collect();
            let damage = [any(true), any(true)];
            for damage in [None, Some(&damage[..])] {
                let tiles = cut(&bands, &shapes, damage);
                for y in 0..75 {
                    for x in 0..101 {
                        let pixel = area(x..x + 1, y..y + 1);
                        let wanted = damage.is_none_or(|d| d.iter().any(|d| d.touches(&pixel)));
                        let found: Vec<&Tile> = tiles.iter().filter(|t| t.area.touches(&pixel)).collect();
                        assert_eq!(found.len(), usize::from(wanted), "{x} {y}");
                        for tile in found {
                            let over = shapes.iter().rposition(|s| s.touches.touches(&pixel));
                            assert!(!tile.plain || over <= tile.bottom, "something is missing at {x} {y}");
                            let hidden = tile.bottom.and_then(|b| shapes[b].hides.as_ref());
                            assert!(tile.bottom.is_none() || hidden.is_some_and(|h| h.holds(&tile.area)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn four_quarters_are_four_plain_tiles() {
        let bands = Bands::new(Size::new(64, 64), 64 * 32, 0);
        let quarters = [0, 32].map(|y| [0, 32].map(|x| opaque(area(x..x + 32, y..y + 32))));
        let shapes: Vec<Shape> = quarters.into_iter().flatten().collect();
        let tiles = cut(&bands, &shapes, None);
        assert_eq!(tiles.len(), 4);
        assert!(tiles.iter().all(|t| t.plain && t.bottom.is_some()));
        let damage = [area(40..44, 2..6)];
        let tiles = cut(&bands, &shapes, Some(&damage));
        assert_eq!(tiles, [Tile { band: 0, area: area(40..44, 2..6), bottom: Some(1), plain: true }]);
    }
}
