// SPDX-License-Identifier: GPL-2.0-or-later
//! Draws the tiles of a canvas and writes them to the outputs.

use super::additive;
use super::blend;
use super::cache::Kept;
use super::canvas::{Canvas, Family, cells, give_back, spare};
use super::coverage::RowWeights;
use super::flat::Flat;
use super::geometry::Area;
use super::output;
use super::plan::{LayerPlan, Part, PartPlan, Parts};
use super::pool::Task;
use super::resample::Sheet;
use super::source::{CHANNELS, Slices};
use super::tiles::{Bands, Tile};
use crate::scene::{Blend, Color};
use lk_media::{FrameMut, PixelFormat, SharedFrameMut, Size};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A frame to be written, and the requests it answers.
pub(super) struct Target<F = SharedFrameMut> {
    pub frame: F,
    pub requests: SmallVec<[usize; 4]>,
    /// What it shows already.
    pub shown: Option<Arc<super::damage::Shown>>,
    /// Whether its memory was brought by who asked for it.
    pub brought: bool,
}

impl Target<FrameMut> {
    /// The same, to be written by several threads.
    pub fn shared(self) -> Target {
        let Self { frame, requests, shown, brought } = self;
        Target { frame: SharedFrameMut::new(frame), requests, shown, brought }
    }
}

/// One canvas being drawn.
pub(super) struct Drawing {
    pub family: Family,
    pub background: Color,
    pub layers: Vec<LayerPlan>,
    pub bands: Bands,
    pub tiles: Vec<Tile>,
    /// The background and the lowest layers drawn before, and how many layers that are.
    pub flat: Option<(Arc<Flat>, usize)>,
    pub next: AtomicUsize,
    pub targets: Vec<Target>,
}

thread_local! {
    /// Memory for the weights of a row.
    static WEIGHTS: Cell<RowWeights> = const { Cell::new(RowWeights::EMPTY) };
    /// Memory for a row of each channel.
    static LINES: Cell<[Vec<u8>; CHANNELS]> = const { Cell::new([const { Vec::new() }; CHANNELS]) };
}

impl Default for Drawing {
    /// Nothing to draw.
    fn default() -> Self {
        Self {
            family: Family::Rgb { alpha: false },
            background: Color::BLACK,
            layers: Vec::new(),
            bands: Bands::new(Size::new(1, 1), 0, 0),
            tiles: Vec::new(),
            flat: None,
            next: AtomicUsize::new(0),
            targets: Vec::new(),
        }
    }
}

impl Task for Drawing {
    fn work(&self) {
        while let Some(tile) = self.tiles.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.draw(tile);
        }
    }
}

impl Drawing {
    /// Whether all there is to a tile is one picture that lies in its frame as it is needed.
    pub fn copies(&self, tile: &Tile) -> bool {
        tile.plain && tile.bottom.is_some_and(|bottom| self.layers[bottom].is_in_place())
    }

    fn draw(&self, tile: &Tile) {
        let area = &tile.area;
        if let (true, Some(bottom), Family::Yuv { .. } | Family::Rgb { alpha: false }) =
            (tile.plain, tile.bottom, self.family)
        {
            // the picture of this layer is all there is: no canvas is needed
            let layer = &self.layers[bottom];
            if layer.kept.is_none() && self.straight(layer, area) {
                return;
            }
            return self.with_parts(layer, (tile.band, area), true, |parts| {
                self.write(&LayerRows { layer, parts }, area);
            });
        }
        let flat = self.flat.as_ref().filter(|(_, layers)| tile.bottom.is_none_or(|b| b < *layers));
        let Some((flat, layers)) = flat else {
            let drawn = if self.bands.halo > 0 { self.bands.get(tile.band).1 } else { area.clone() };
            let layers = tile.bottom.unwrap_or(0)..self.layers.len();
            return self.write(&self.canvas(&drawn, tile.band, layers, None), area);
        };
        let below = flat.band(tile.band, || {
            let (band, _) = self.bands.get(tile.band);
            self.canvas(&band, tile.band, 0..*layers, None)
        });
        if self.layers[*layers..].iter().any(|l| l.geometry.visible.touches(area)) {
            let canvas = self.canvas(area, tile.band, *layers..self.layers.len(), Some(below));
            self.write(&canvas, area);
        } else {
            self.write(below, area);
        }
    }

    /// Makes a layer that is all there is in the memory of the only output, if it can be made there.
    fn straight(&self, layer: &LayerPlan, area: &Area) -> bool {
        let [target] = &self.targets[..] else { return false };
        let blocks: SmallVec<[_; 2]> = layer.parts.iter().filter_map(|plan| plan.in_rows(area)).collect();
        // its planes are those of the canvas
        if blocks.len() != layer.parts.len() || target.frame.spec().format != PixelFormat::I420 {
            return false;
        }
        let mut part = target.frame.part(area.x.clone(), area.y.clone());
        for (plan, block) in layer.parts.iter().zip(&blocks) {
            for (channel, plane) in plan.shape.planes.clone().enumerate() {
                block.sample_in_place(channel, &mut Sheet::new(part.plane_mut(plane)));
            }
        }
        true
    }

    fn write(&self, picture: &impl output::Rows, area: &Area) {
        for target in &self.targets {
            output::write(picture, area, &mut target.frame.part(area.x.clone(), area.y.clone()));
        }
    }

    /// Calls `f` with what a layer shows in some pixels of a band; see [`PartPlan::make`] for `whole`.
    fn with_parts<R>(
        &self,
        layer: &LayerPlan,
        (band, area): (usize, &Area),
        whole: bool,
        f: impl FnOnce(&Parts) -> R,
    ) -> R {
        let make =
            |area: &Area, whole| -> Parts { layer.parts.iter().map(|p| p.make(area, whole)).collect() };
        match &layer.kept {
            Some(Kept::Still(entry)) => f(entry.band(band, || make(&self.bands.get(band).1, true))),
            Some(Kept::Moving(entry)) => f(&layer.part_of(entry, area)),
            None => f(&make(area, whole)),
        }
    }

    /// Layers `layers` in `area`, over what `below` holds. Without it the lowest of them hides the background,
    /// or the background is seen.
    fn canvas(&self, area: &Area, band: usize, layers: Range<usize>, below: Option<&Canvas>) -> Canvas {
        let mut lowest = layers.start;
        if below.is_none() {
            let hides = |l: &LayerPlan| l.hides.as_ref().is_some_and(|h| h.common(area) == *area);
            lowest += self.layers[layers.clone()].iter().rposition(hides).unwrap_or(0);
        }
        let hidden = self.layers[lowest..layers.end].first();
        let hidden = hidden.and_then(|l| l.hides.as_ref()).is_some_and(|h| h.common(area) == *area);
        let background = (below.is_none() && !hidden).then_some(self.background);
        let mut canvas = Canvas::new(self.family, area, background);
        if let Some(below) = below {
            canvas.copy_from(below);
        }
        let mut weights = WEIGHTS.take();
        for layer in &self.layers[lowest..layers.end] {
            if !layer.geometry.visible.touches(area) {
                continue;
            }
            self.with_parts(layer, (band, area), layer.additive_yuv, |parts| {
                if layer.additive_yuv {
                    additive::add(&mut canvas, layer, &parts[0], self.bands.size);
                    return;
                }
                for (plan, part) in layer.parts.iter().zip(parts) {
                    lay(&mut canvas, area, layer, plan, part, &mut weights);
                }
            });
        }
        WEIGHTS.set(weights);
        canvas
    }
}

/// The samples of an opaque layer.
struct LayerRows<'a> {
    layer: &'a LayerPlan,
    parts: &'a [Part],
}

impl LayerRows<'_> {
    /// What makes a plane, and which of its channels that is.
    fn part(&self, plane: usize) -> Option<(&PartPlan, &Part, usize)> {
        let mut parts = self.layer.parts.iter().zip(self.parts);
        let (plan, part) = parts.find(|(plan, _)| plan.shape.planes.contains(&plane))?;
        Some((plan, part, plane - plan.shape.planes.start))
    }
}

impl output::Rows for LayerRows<'_> {
    fn row(&self, plane: usize, y: usize, x: Range<usize>) -> &[u8] {
        self.part(plane).map_or(&[], |(plan, part, channel)| part.row(&plan.reader, channel, y, x))
    }

    fn in_frame(&self, plane: usize, area: &Area) -> Option<(Slices<'_>, usize)> {
        let (plan, part, channel) = self.part(plane)?;
        part.in_frame(&plan.reader, channel, area)
    }

    fn has_alpha(&self) -> bool {
        false
    }
}

/// Blends one part of a layer onto the canvas planes of its grid, in `pixels` of the canvas.
fn lay(
    canvas: &mut Canvas,
    pixels: &Area,
    layer: &LayerPlan,
    plan: &PartPlan,
    part: &Part,
    weights: &mut RowWeights,
) {
    let (reader, shape) = (&plan.reader, &plan.shape);
    let area = cells(pixels, shape.cell).common(&part.area);
    if area.pixels() == 0 {
        return;
    }
    let alpha_channel = (!reader.opaque).then(|| reader.channels() - 1);
    let planes = shape.planes.clone();
    let has_alpha_plane = matches!(canvas.family, Family::Rgb { .. }) && planes.len() > 3;
    let colours = planes.len() - usize::from(has_alpha_plane);
    let only_colours = layer.blend == Blend::Normal && !has_alpha_plane;
    let mut lines = LINES.take();
    let mut covered = spare(if has_alpha_plane { area.x.len() } else { 0 });
    covered.fill(255);
    let whole = canvas.planes[planes.clone()].iter().all(|plane| plane.columns == area.x);
    let gapless = whole && !has_alpha_plane && part.is_gapless(reader, &area.x, only_colours);
    let is_even = |y: usize| layer.outline.is_even(shape.cell, y);
    let (mut even, mut next, mut of_run) = (false, area.y.start, RowWeights::EMPTY);
    while next < area.y.end {
        let y = next;
        if !std::mem::replace(&mut even, is_even(y)) || !even {
            layer.outline.row(shape.cell, y, area.x.clone(), layer.opacity, weights);
        }
        next = y + 1;
        let mut weights = &*weights;
        if gapless && even && weights.whole == (0..area.x.len()) {
            // rows without gaps that weigh the same are laid as one
            next = (next..area.y.end).find(|y| !is_even(*y)).unwrap_or(area.y.end);
            (of_run.whole, of_run.weight) = (0..(next - y) * area.x.len(), weights.weight);
            weights = &of_run;
        }
        let (run, x) = (y..next, area.x.clone());
        if let Some(pixels) = part.pixels(reader, &run, x.clone()).filter(|_| only_colours)
            && let [a, b, c] = &mut canvas.planes[planes.clone()]
        {
            let [a, b, c] = [a, b, c].map(|plane| plane.part_mut(run.clone(), x.clone()));
            let dst = if pixels.blue_first { [c, b, a] } else { [a, b, c] };
            blend::pixels(dst, pixels.bytes, pixels.straight, weights);
            continue;
        }
        let rows = part.rows(reader, run.clone(), x.clone(), &mut lines);
        let alpha = alpha_channel.map(|channel| rows[channel]);
        let own = canvas.planes[planes.clone()].iter_mut();
        let mut dst: SmallVec<[&mut [u8]; 4]> = own.map(|p| p.part_mut(run.clone(), x.clone())).collect();
        let (dst, rest) = dst.split_at_mut(colours);
        blend::rows(layer.blend, dst, &rows[..colours], alpha, weights);
        blend::rows(layer.blend, rest, &[alpha.unwrap_or(&covered)], alpha, weights);
    }
    give_back(covered);
    LINES.set(lines);
}
