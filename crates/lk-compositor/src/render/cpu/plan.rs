// SPDX-License-Identifier: GPL-2.0-or-later
//! What is to be drawn for a family: each visible layer with its geometry, its readers and its weights, ready
//! for any number of threads to draw any part of it.

use super::cache::{Entry, Kept};
use super::canvas::{Family, Layout, cells, give_back, span};
use super::coverage::Outline;
use super::geometry::{Area, AxisMap, Geometry, GeometryKey, Grid, Turn};
use super::resample::Block;
use super::rotate::{Pieces, Turned};
use super::source::{CHANNELS, Pixels, Reader, Slices, Wanted};
use super::tiles::Shape;
use super::weights::Taps;
use crate::scene::{Blend, Layer};
use lk_media::{Frame, FrameId, FrameSpec, Size};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A layer ready to be drawn.
pub(super) struct LayerPlan {
    pub frame: FrameId,
    pub geometry: Geometry,
    pub outline: Outline,
    pub opacity: f64,
    pub blend: Blend,
    /// Whether it goes through RGB and reads the canvas around each sample.
    pub additive_yuv: bool,
    /// Whether its picture may be rounded before it is resampled. Errors of opaque normal layers do not add up,
    /// those of others would.
    pub rough: bool,
    /// Its picture on each grid of the canvas; additive layers on YUV have one, R'G'B' on the luma grid.
    pub parts: SmallVec<[PartPlan; 2]>,
    /// Whole chroma samples of the canvas under which nothing is seen.
    pub hides: Option<Area>,
    /// Where its finished picture is kept, if it stays the same.
    pub kept: Option<Kept>,
}

/// A layer's picture on one grid.
pub(super) struct PartPlan {
    pub reader: Reader,
    pub shape: Arc<PartShape>,
    pieces: Pieces,
}

/// What of a layer's picture on one grid does not depend on the picture.
pub(super) struct PartShape {
    sampling: Sampling,
    /// The samples it may touch.
    pub area: Area,
    pub cell: (usize, usize),
    /// The canvas planes it is drawn on.
    pub planes: Range<usize>,
    rough: bool,
}

/// Shapes made for the last jobs, to be used again by layers that stay where they are.
#[derive(Default)]
pub(super) struct Shapes {
    made: HashMap<ShapeKey, (Arc<PartShape>, u64)>,
    job: u64,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ShapeKey {
    source: FrameSpec,
    family: Family,
    part: usize,
    additive_yuv: bool,
    rough: bool,
    geometry: GeometryKey,
}

enum Sampling {
    Upright {
        across: Taps,
        down: Taps,
    },
    /// `across` weights source columns for canvas rows.
    Transposed {
        across: Taps,
        down: Taps,
    },
    Free(Box<Turned>),
}

/// Some samples of a layer's picture: premultiplied bytes, alpha last.
pub(super) struct Part {
    pub area: Area,
    planes: Planes,
}

/// A layer's picture on each grid of the canvas.
pub(super) type Parts = SmallVec<[Part; 2]>;

/// Planes of samples without gaps.
pub(super) type Samples<T> = SmallVec<[Vec<T>; CHANNELS]>;

enum Planes {
    Own(Samples<u8>),
    /// The reader's frame, from this column and row.
    InFrame(usize, usize),
    /// The same, but its bytes have to be taken apart: row by row, as they are asked for.
    Unread(usize, usize),
    /// This part of a picture that is kept whole, from this column and row.
    Kept(Arc<Entry>, usize, usize, usize),
}

impl Shapes {
    /// A new job begins; what the last one did not use goes.
    pub fn begin_job(&mut self) {
        let job = self.job;
        self.made.retain(|_, (_, used)| *used == job);
        self.job += 1;
    }

    fn get(&mut self, key: ShapeKey, make: impl FnOnce() -> PartShape) -> Arc<PartShape> {
        let (shape, used) = self.made.entry(key).or_insert_with(|| (Arc::new(make()), 0));
        *used = self.job;
        shape.clone()
    }
}

impl LayerPlan {
    /// None if nothing of it can be seen.
    pub fn new(
        layer: &Layer,
        frame: &Frame,
        family: Family,
        canvas: Size,
        shapes: &mut Shapes,
    ) -> Option<Self> {
        if !layer.visible || layer.opacity <= 0.0 {
            return None;
        }
        let geometry = Geometry::resolve(layer, canvas, frame.size())?;
        let rough = layer.blend == Blend::Normal && !geometry.is_unscaled();
        let additive_yuv = layer.blend == Blend::Additive && matches!(family, Family::Yuv { .. });
        let rgb = || smallvec![Layout { grid: Grid::LUMA, cell: (1, 1), planes: 0..3, wanted: Wanted::Rgb }];
        let layouts = if additive_yuv { rgb() } else { family.layouts() };
        let parts = layouts.iter().enumerate().map(|(part, layout)| {
            let reader = Reader::new(frame, layout.wanted);
            let source = frame.spec();
            let key = ShapeKey { source, family, part, additive_yuv, rough, geometry: geometry.key() };
            let shape = shapes.get(key, || PartShape::new(&geometry, frame.size(), &reader, layout, rough));
            PartPlan { reader, pieces: shape.pieces(), shape }
        });
        let parts: SmallVec<[PartPlan; 2]> = parts.collect();
        let (outline, frame) = (Outline::of(&geometry), frame.id());
        let (opacity, blend) = (layer.opacity, layer.blend);
        let covers = blend == Blend::Normal && opacity >= 1.0 && parts.iter().all(|p| p.reader.opaque);
        let hides = covers.then(|| geometry.inside(canvas)).flatten();
        Some(Self { frame, geometry, outline, opacity, blend, additive_yuv, rough, parts, hides, kept: None })
    }

    /// Where it lies and what it hides.
    pub fn shape(&self) -> Shape {
        Shape { touches: self.geometry.visible.clone(), hides: self.hides.clone() }
    }

    /// Whether its picture lies in the frame as it is needed.
    pub fn is_in_place(&self) -> bool {
        self.parts.iter().all(|p| p.in_place())
    }

    /// What `pixels` of the canvas need of its picture, which is kept whole wherever it lies.
    pub fn part_of(&self, entry: &Arc<Entry>, pixels: &Area) -> Parts {
        entry.band(0, || self.parts.iter().map(|p| p.make(&self.geometry.visible, true)).collect());
        let parts = self.parts.iter().enumerate().map(|(index, plan)| {
            let (whole, area) = (&plan.shape.area, cells(pixels, plan.shape.cell).common(&plan.shape.area));
            let (left, top) = (area.x.start - whole.x.start, area.y.start - whole.y.start);
            Part { area, planes: Planes::Kept(entry.clone(), index, left, top) }
        });
        parts.collect()
    }

    /// Bytes of its whole finished picture.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|p| p.shape.area.pixels() * p.reader.channels()).sum()
    }
}

impl PartShape {
    fn new(geometry: &Geometry, picture: Size, reader: &Reader, layout: &Layout, rough: bool) -> Self {
        let area = cells(&geometry.visible, layout.cell);
        let (x_map, y_map) = (geometry.x_map(), geometry.y_map());
        let window = Area {
            x: window(&x_map, picture.width, reader.grid.x.pitch, reader.extent.0),
            y: window(&y_map, picture.height, reader.grid.y.pitch, reader.extent.1),
        };
        let grid = layout.grid;
        let taps = |out, range: &Range<usize>, map, source, window: &Range<usize>| {
            Taps::new(out, range.clone(), map, source, window.clone())
        };
        let sampling = match geometry.turn {
            Turn::Upright => Sampling::Upright {
                across: taps(grid.x, &area.x, &x_map, reader.grid.x, &window.x),
                down: taps(grid.y, &area.y, &y_map, reader.grid.y, &window.y),
            },
            Turn::Transposed => Sampling::Transposed {
                across: taps(grid.y, &area.y, &x_map, reader.grid.x, &window.x),
                down: taps(grid.x, &area.x, &y_map, reader.grid.y, &window.y),
            },
            Turn::Free { sin, cos } => {
                let (grid, source) = ((grid, &area), (reader.grid, &window));
                Sampling::Free(Box::new(Turned::new(geometry, (sin, cos), grid, source, rough)))
            }
        };
        Self { sampling, area, cell: layout.cell, planes: layout.planes.clone(), rough }
    }

    fn is_unscaled(&self) -> bool {
        match &self.sampling {
            Sampling::Upright { across, down } => across.is_identity() && down.is_identity(),
            _ => false,
        }
    }

    fn pieces(&self) -> Pieces {
        match &self.sampling {
            Sampling::Free(turned) => turned.pieces(),
            _ => Vec::new(),
        }
    }
}

impl PartPlan {
    fn in_place(&self) -> bool {
        self.reader.has_slices() && self.shape.is_unscaled()
    }

    fn block<'a>(
        &'a self,
        across: &'a Taps,
        down: &'a Taps,
        columns: &Range<usize>,
        rows: &Range<usize>,
    ) -> Block<'a> {
        let (columns, rows) = (columns.clone(), rows.clone());
        Block { reader: &self.reader, across, down, columns, rows, rough: self.shape.rough }
    }

    /// What makes the samples of `pixels`, if all of them are in the picture and they may be made row by row and anywhere.
    pub fn in_rows(&self, pixels: &Area) -> Option<Block<'_>> {
        let Sampling::Upright { across, down } = &self.shape.sampling else { return None };
        let area = cells(pixels, self.shape.cell);
        if !self.shape.area.holds(&area) || self.shape.is_unscaled() {
            return None;
        }
        let block = self.block(across, down, &area.x, &area.y);
        (area.pixels() > 0 && block.is_in_place()).then_some(block)
    }

    /// The part of the picture that `pixels` of the canvas need; unless it is to be `whole`, rows that only have to be
    /// read may be left to [`Part::rows`].
    pub fn make(&self, pixels: &Area, whole: bool) -> Part {
        let area = cells(pixels, self.shape.cell).common(&self.shape.area);
        if area.pixels() == 0 {
            return Part { area, planes: Planes::Own(Samples::new()) };
        }
        let planes = match &self.shape.sampling {
            Sampling::Upright { across, down } if self.in_place() => {
                Planes::InFrame(across.start(area.x.start), down.start(area.y.start))
            }
            Sampling::Upright { across, down } if !whole && self.shape.is_unscaled() => {
                Planes::Unread(across.start(area.x.start), down.start(area.y.start))
            }
            Sampling::Upright { across, down } => {
                Planes::Own(self.block(across, down, &area.x, &area.y).sample())
            }
            Sampling::Transposed { across, down } => {
                let turned = self.block(across, down, &area.y, &area.x).sample();
                Planes::Own(turned.iter().map(|p| transpose(p, area.y.len(), area.x.len())).collect())
            }
            Sampling::Free(turned) => Planes::Own(turned.sample(&self.reader, &self.pieces, &area)),
        };
        Part { area, planes }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Planes::Own(planes) = &mut self.planes {
            planes.drain(..).for_each(give_back);
        }
    }
}

impl Part {
    /// Columns `x` of row `y` of a channel.
    pub fn row<'a>(&'a self, reader: &'a Reader, channel: usize, y: usize, x: Range<usize>) -> &'a [u8] {
        let (w, row) = (self.area.x.len(), y - self.area.y.start);
        let x = x.start - self.area.x.start..x.end - self.area.x.start;
        match &self.planes {
            Planes::Own(planes) => &planes[channel][row * w + x.start..row * w + x.end],
            Planes::InFrame(left, top) => {
                reader.slice(channel, top + row, left + x.start..left + x.end).unwrap_or_default()
            }
            Planes::Unread(..) => &[],
            Planes::Kept(entry, index, left, top) => {
                let Some(whole) = entry.whole().map(|parts| &parts[*index]) else { return &[] };
                let left = whole.area.x.start + left;
                whole.row(reader, channel, whole.area.y.start + top + row, left + x.start..left + x.end)
            }
        }
    }

    /// The rows of `area` of a channel, if they lie in the frame just so, and the number of the first of them there.
    pub fn in_frame<'a>(
        &self,
        reader: &'a Reader,
        channel: usize,
        area: &Area,
    ) -> Option<(Slices<'a>, usize)> {
        let Planes::InFrame(left, top) = self.planes else { return None };
        let left = left + area.x.start - self.area.x.start;
        let slices = reader.slices(channel, &(left..left + area.x.len()))?;
        Some((slices, top + area.y.start - self.area.y.start))
    }

    /// Columns `x` of rows `y` (one, or more without a gap) if they are pixels of four bytes that nothing was made of yet,
    /// with alpha.
    pub fn pixels<'a>(&self, reader: &'a Reader, y: &Range<usize>, x: Range<usize>) -> Option<Pixels<'a>> {
        let Planes::Unread(left, top) = self.planes else { return None };
        let left = left + x.start - self.area.x.start;
        let top = top + y.start - self.area.y.start;
        reader.pixels(top..top + y.len(), left..left + x.len())
    }

    /// Whether columns `x` of all rows lie one after the other without a gap, `as_pixels` too.
    pub fn is_gapless(&self, reader: &Reader, x: &Range<usize>, as_pixels: bool) -> bool {
        match &self.planes {
            Planes::Own(_) => self.area.x == *x,
            Planes::Unread(..) => as_pixels && reader.is_gapless(x.len()),
            Planes::InFrame(..) | Planes::Kept(..) => false,
        }
    }

    /// Columns `x` of rows `y` of every channel: one row, or more if they are without a gap. What has to be read first
    /// goes to `lines`, a row for each.
    pub fn rows<'a>(
        &'a self,
        reader: &'a Reader,
        y: Range<usize>,
        x: Range<usize>,
        lines: &'a mut [Vec<u8>; CHANNELS],
    ) -> SmallVec<[&'a [u8]; CHANNELS]> {
        if let Planes::Own(planes) = &self.planes {
            let span = span(self.area.x.len(), &y, &x, (self.area.x.start, self.area.y.start));
            return planes.iter().map(|plane| &plane[span.clone()]).collect();
        }
        let y = y.start;
        if let Planes::Unread(left, top) = self.planes {
            let row = top + y - self.area.y.start;
            let left = left + x.start - self.area.x.start;
            let columns = left..left + x.len();
            reader.ahead(row, columns.clone());
            lines.iter_mut().take(reader.channels()).for_each(|line| line.resize(x.len(), 0));
            reader.bytes(row, columns, &mut lines.each_mut().map(Vec::as_mut_slice));
            return lines.iter().take(reader.channels()).map(|line| &line[..]).collect();
        }
        (0..reader.channels()).map(|channel| self.row(reader, channel, y, x.clone())).collect()
    }
}

/// The samples of a plane that belong to the crop window of a source `len` pixels long.
fn window(map: &AxisMap, len: u32, pitch: f64, samples: usize) -> Range<usize> {
    let luma = map.window(len);
    let pitch = pitch as usize;
    luma.start / pitch..luma.end.div_ceil(pitch).min(samples)
}

/// A plane of `width` by `height` with columns as rows.
fn transpose(plane: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut out = vec![0; plane.len()];
    for (x, column) in out.chunks_exact_mut(height).enumerate() {
        for (y, value) in column.iter_mut().enumerate() {
            *value = plane[y * width + x];
        }
    }
    out
}
