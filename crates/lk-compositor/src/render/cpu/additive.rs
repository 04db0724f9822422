// SPDX-License-Identifier: GPL-2.0-or-later
//! Additive layers on a YUV canvas: the light is added in R'G'B', and the canvas moves by the difference that
//! makes in Y'CbCr. Where nothing is added nothing changes.

use super::canvas::{Canvas, Family, cells};
use super::coverage::RowWeights;
use super::geometry::{Area, Axis, AxisMap, Grid};
use super::plan::{LayerPlan, Part};
use super::source::{Matrix, round};
use super::weights::Taps;
use lk_media::{ColorSpace, Size};
use std::ops::Range;

/// Rows of canvas around a band that each additive layer below it needs, so that the band itself is right:
/// chroma moves by luma rows beyond its own, which look at chroma one sample further.
pub(super) const REACH: usize = 4;

/// Adds `part`, R'G'B' on the luma grid, to `canvas`, which holds whole rows.
pub(super) fn add(canvas: &mut Canvas, layer: &LayerPlan, part: &Part, size: Size) {
    let Family::Yuv { step, color } = canvas.family else { return };
    let area = &part.area;
    if area.x.is_empty() || area.y.is_empty() {
        return;
    }
    let chroma = Chroma::new(canvas, step, color, area, size);
    let sums = light(canvas, &chroma, layer, part, color);

    for y in area.y.clone() {
        let row = &mut canvas.planes[0].row_mut(y)[area.x.clone()];
        for (value, change) in row.iter_mut().zip(&sums.y[(y - area.y.start) * area.x.len()..]) {
            *value = round(f32::from(*value) + change);
        }
    }
    let touched = chroma.touched(area, step, canvas.planes[1].rows.clone(), canvas.planes[1].columns.len());
    for (plane, changes) in canvas.planes[1..3].iter_mut().zip([&sums.u, &sums.v]) {
        for y in touched.y.clone() {
            let means = chroma.means(area, changes, touched.x.clone(), y);
            for (value, change) in plane.row_mut(y)[touched.x.clone()].iter_mut().zip(means) {
                *value = round(f32::from(*value) + change);
            }
        }
    }
}

/// How chroma and luma samples of the canvas lie to each other.
struct Chroma {
    /// Chroma for luma columns and rows.
    columns: Taps,
    rows: Taps,
    /// Luma for chroma columns and rows.
    across: Taps,
    down: Taps,
}

/// How much each luma sample of an area changes in Y, Cb and Cr.
struct Changes {
    y: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
}

impl Chroma {
    fn new(canvas: &Canvas, step: (u32, u32), color: ColorSpace, area: &Area, size: Size) -> Self {
        let grid = Grid::chroma_of(step, color.siting);
        let plane = &canvas.planes[1];
        let to_luma = |range: &Range<usize>, axis, window| {
            Taps::new(Axis::LUMA, range.clone(), &AxisMap::SAME, axis, window)
        };
        let to_chroma = |outputs: Range<usize>, axis, len: u32| {
            Taps::new(axis, outputs, &AxisMap::SAME, Axis::LUMA, 0..len as usize)
        };
        Self {
            columns: to_luma(&area.x, grid.x, 0..plane.columns.len()),
            rows: to_luma(&area.y, grid.y, plane.rows.clone()),
            across: to_chroma(0..plane.columns.len(), grid.x, size.width),
            down: to_chroma(plane.rows.clone(), grid.y, size.height),
        }
    }

    /// The chroma samples whose mean holds luma samples of `area`.
    fn touched(&self, area: &Area, step: (u32, u32), rows: Range<usize>, width: usize) -> Area {
        let own = cells(area, (step.0 as usize, step.1 as usize));
        let wider = |r: Range<usize>, all: Range<usize>| {
            r.start.saturating_sub(1).max(all.start)..(r.end + 1).min(all.end)
        };
        Area { x: wider(own.x, 0..width), y: wider(own.y, rows) }
    }

    /// The mean changes over the boxes of chroma samples `x` of row `y`; luma outside `area` does not change.
    fn means(&self, area: &Area, changes: &[f32], x: Range<usize>, y: usize) -> Vec<f32> {
        let columns = self.across.reads(x.clone());
        let mut line = vec![0.0f32; columns.len()];
        let common = columns.start.max(area.x.start)..columns.end.min(area.x.end);
        for (row, w) in (self.down.start(y)..).zip(self.down.float(y..y + 1)) {
            if area.y.contains(&row) && !common.is_empty() {
                let from = (row - area.y.start) * area.x.len() + common.start - area.x.start;
                let sums = &mut line[common.start - columns.start..common.end - columns.start];
                sums.iter_mut().zip(&changes[from..]).for_each(|(s, v)| *s += v * w);
            }
        }
        weigh(&self.across, x, &line, columns.start)
    }
}

/// `line`, which begins with source sample `first`, at output samples `x`.
fn weigh(taps: &Taps, x: Range<usize>, line: &[f32], first: usize) -> Vec<f32> {
    let weights = taps.float(x.clone()).chunks_exact(taps.len());
    let sum = |(start, w): (&u32, &[f32])| -> f32 {
        w.iter().zip(&line[*start as usize - first..]).map(|(w, v)| w * v).sum()
    };
    taps.starts(x).iter().zip(weights).map(sum).collect()
}

/// What adding the layer changes at each luma sample of the part.
fn light(canvas: &Canvas, chroma: &Chroma, layer: &LayerPlan, part: &Part, color: ColorSpace) -> Changes {
    let area = &part.area;
    let width = area.x.len();
    let len = width * area.y.len();
    let mut changes = Changes { y: vec![0.0; len], u: vec![0.0; len], v: vec![0.0; len] };
    let to_rgb = Matrix::of(|yuv| color.yuv_to_rgb(yuv));
    let to_yuv = Matrix::of(|rgb| color.rgb_to_yuv(rgb)).linear();
    let mut weights = RowWeights::default();
    let mut added = [vec![0.0f32; width], vec![0.0; width], vec![0.0; width]];
    let reader = &layer.parts[0].reader;
    for (row, y) in area.y.clone().enumerate() {
        layer.outline.row((1, 1), y, area.x.clone(), layer.opacity, &mut weights);
        weights.each[weights.whole.clone()].fill(weights.weight);
        let [u, v] = [1, 2].map(|plane| upsampled(canvas, plane, chroma, y, area.x.clone()));
        let luma: Vec<f32> = canvas.planes[0].row(y)[area.x.clone()].iter().map(|v| f32::from(*v)).collect();
        for (channel, added) in added.iter_mut().enumerate() {
            to_rgb.apply(channel, [&luma, &u, &v], added);
            let values = part.row(reader, channel, y, area.x.clone());
            for ((a, p), k) in added.iter_mut().zip(values).zip(&weights.each) {
                // as much as there is room for above what is there
                *a = (f32::from(*p) * k).min(255.0 - a.clamp(0.0, 255.0));
            }
        }
        let [r, g, b] = &added;
        let at = row * width..(row + 1) * width;
        for (channel, out) in [&mut changes.y, &mut changes.u, &mut changes.v].into_iter().enumerate() {
            to_yuv.apply(channel, [r, g, b], &mut out[at.clone()]);
        }
    }
    changes
}

/// Chroma of a canvas plane at the luma samples `x` of row `y`.
fn upsampled(canvas: &Canvas, plane: usize, chroma: &Chroma, y: usize, x: Range<usize>) -> Vec<f32> {
    let plane = &canvas.planes[plane];
    let needed = chroma.columns.reads(x.clone());
    let mut line = vec![0.0f32; needed.len()];
    for (row, w) in (chroma.rows.start(y)..).zip(chroma.rows.float(y..y + 1)) {
        let samples = &plane.row(row)[needed.clone()];
        line.iter_mut().zip(samples).for_each(|(sum, s)| *sum += f32::from(*s) * w);
    }
    weigh(&chroma.columns, x, &line, needed.start)
}
