// SPDX-License-Identifier: GPL-2.0-or-later
//! What is to be drawn for a family: each visible layer with its geometry, its readers and its weights, ready
//! for any number of threads to draw any band of it.

use super::cache::Entry;
use super::canvas::{Family, Layout, cells};
use super::coverage::Outline;
use super::geometry::{Area, AxisMap, Geometry, Grid, Turn};
use super::resample::Block;
use super::rotate::Turned;
use super::source::{Reader, Wanted};
use super::weights::Taps;
use crate::scene::{Blend, Layer};
use lk_media::{Frame, Size};
use std::ops::Range;
use std::sync::Arc;

/// A layer ready to be drawn.
pub(super) struct LayerPlan {
    pub geometry: Geometry,
    pub outline: Outline,
    pub opacity: f64,
    pub blend: Blend,
    /// Its picture on each grid of the canvas; additive layers on YUV have one, R'G'B' on the luma grid.
    pub parts: Vec<PartPlan>,
    /// Where its finished picture is kept, if it stands still.
    pub kept: Option<Arc<Entry>>,
}

/// A layer's picture on one grid.
pub(super) struct PartPlan {
    pub reader: Reader,
    sampling: Sampling,
    /// The samples it may touch.
    area: Area,
    pub cell: (usize, usize),
    /// The canvas planes it is drawn on.
    pub planes: Range<usize>,
    /// Whether the picture may be rounded before it is resampled. Errors of opaque normal layers do not add up,
    /// those of others would.
    rough: bool,
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

/// A band of a layer's picture: premultiplied bytes, alpha last.
pub(super) struct Part {
    pub area: Area,
    planes: Planes,
}

enum Planes {
    Own(Vec<Vec<u8>>),
    /// The reader's frame, from this column and row.
    InFrame(usize, usize),
}

impl LayerPlan {
    /// None if nothing of it can be seen.
    pub fn new(layer: &Layer, frame: &Frame, family: Family, canvas: Size) -> Option<Self> {
        if !layer.visible || layer.opacity <= 0.0 {
            return None;
        }
        let geometry = Geometry::resolve(layer, canvas, frame.size())?;
        let rough = layer.blend == Blend::Normal && !geometry.is_unscaled();
        let parts = if Self::is_additive_yuv(layer.blend, family) {
            let layout = Layout { grid: Grid::LUMA, cell: (1, 1), planes: 0..3, wanted: Wanted::Rgb };
            vec![PartPlan::new(&geometry, frame, &layout, rough)]
        } else {
            family.layouts().iter().map(|layout| PartPlan::new(&geometry, frame, layout, rough)).collect()
        };
        let outline = Outline::of(&geometry);
        Some(Self { geometry, outline, opacity: layer.opacity, blend: layer.blend, parts, kept: None })
    }

    /// Whether the layer goes through RGB and reads the canvas around each sample.
    pub fn is_additive_yuv(blend: Blend, family: Family) -> bool {
        blend == Blend::Additive && matches!(family, Family::Yuv { .. })
    }

    /// Whether nothing below is seen in pixel rows `rows` of a canvas `width` wide.
    pub fn hides(&self, width: usize, rows: &Range<usize>) -> bool {
        self.blend == Blend::Normal
            && self.opacity >= 1.0
            && self.parts.iter().all(|p| p.reader.opaque)
            && self.geometry.covers(0..width, rows.clone())
    }

    /// Whether its picture lies in the frame as it is needed.
    pub fn is_in_place(&self) -> bool {
        self.parts.iter().all(|p| p.in_place())
    }

    /// Bytes of its whole finished picture.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|p| p.area.x.len() * p.area.y.len() * p.reader.channels()).sum()
    }
}

impl PartPlan {
    fn new(geometry: &Geometry, frame: &Frame, layout: &Layout, rough: bool) -> Self {
        let reader = Reader::new(frame, layout.wanted);
        let area = cells(&geometry.visible, layout.cell);
        let (x_map, y_map) = (geometry.x_map(), geometry.y_map());
        let window = Area {
            x: window(&x_map, frame.size().width, reader.grid.x.pitch, reader.extent.0),
            y: window(&y_map, frame.size().height, reader.grid.y.pitch, reader.extent.1),
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
                let (grid, reader) = ((grid, &area), (&reader, &window));
                Sampling::Free(Box::new(Turned::new(geometry, (sin, cos), grid, reader, rough)))
            }
        };
        let (cell, planes) = (layout.cell, layout.planes.clone());
        Self { reader, sampling, area, cell, planes, rough }
    }

    fn in_place(&self) -> bool {
        match &self.sampling {
            Sampling::Upright { across, down } => {
                self.reader.has_slices() && across.is_identity() && down.is_identity()
            }
            _ => false,
        }
    }

    /// The part of the picture that pixel rows `rows` need.
    pub fn make(&self, rows: &Range<usize>) -> Part {
        let band = cells(&Area { x: 0..1, y: rows.clone() }, self.cell).y;
        let start = self.area.y.start.max(band.start);
        let area = Area { x: self.area.x.clone(), y: start..self.area.y.end.min(band.end).max(start) };
        if area.y.is_empty() {
            return Part { area, planes: Planes::Own(Vec::new()) };
        }
        let block = |across, down, columns: &Range<usize>, rows: &Range<usize>| Block {
            reader: &self.reader,
            across,
            down,
            columns: columns.clone(),
            rows: rows.clone(),
            rough: self.rough,
        };
        let planes = match &self.sampling {
            Sampling::Upright { across, down } if self.in_place() => {
                Planes::InFrame(across.start(area.x.start), down.start(area.y.start))
            }
            Sampling::Upright { across, down } => Planes::Own(block(across, down, &area.x, &area.y).sample()),
            Sampling::Transposed { across, down } => {
                let turned = block(across, down, &area.y, &area.x).sample();
                Planes::Own(turned.iter().map(|p| transpose(p, area.y.len(), area.x.len())).collect())
            }
            Sampling::Free(turned) => Planes::Own(turned.sample(&self.reader, &area)),
        };
        Part { area, planes }
    }
}

impl Part {
    /// Row `y` of a channel, columns `area.x`.
    pub fn row<'a>(&'a self, reader: &'a Reader, channel: usize, y: usize) -> &'a [u8] {
        let (w, row) = (self.area.x.len(), y - self.area.y.start);
        match &self.planes {
            Planes::Own(planes) => &planes[channel][row * w..(row + 1) * w],
            Planes::InFrame(x, y) => reader.slice(channel, y + row, *x..x + w).unwrap_or_default(),
        }
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
