// SPDX-License-Identifier: GPL-2.0-or-later
//! The canvas in the planes of a family of truth, one band of rows at a time.

use super::geometry::{Area, Grid};
use super::output::Rows;
use super::source::{Wanted, mul_255, round};
use crate::scene::Color;
use lk_media::{ColorSpace, FrameSpec};
use smallvec::{SmallVec, smallvec};
use std::cell::RefCell;
use std::ops::Range;

/// What a canvas is made of; outputs of the same family are made from one canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Planes R, G, B, and A if some output can keep it.
    Rgb { alpha: bool },
    /// Planes Y, U, V in a colour space; `step` luma pixels share a chroma sample, (across, down).
    Yuv { step: (u32, u32), color: ColorSpace },
}

/// A sampling grid of a canvas and the planes on it.
pub(super) struct Layout {
    pub grid: Grid,
    /// Pixels a sample stands for, (across, down).
    pub cell: (usize, usize),
    pub planes: Range<usize>,
    /// What it asks of sources.
    pub wanted: Wanted,
}

impl Family {
    /// The family that `spec` belongs to; `alpha` says whether RGB canvases keep it.
    pub fn of(spec: &FrameSpec, alpha: bool) -> Self {
        if spec.format.is_yuv() {
            Self::Yuv { step: spec.format.chroma_step(), color: spec.color }
        } else {
            Self::Rgb { alpha }
        }
    }

    pub fn layouts(self) -> SmallVec<[Layout; 2]> {
        let luma = |planes, wanted| Layout { grid: Grid::LUMA, cell: (1, 1), planes, wanted };
        match self {
            Self::Rgb { alpha } => smallvec![luma(0..3 + usize::from(alpha), Wanted::Rgb)],
            Self::Yuv { step, color } => smallvec![
                luma(0..1, Wanted::Luma(color)),
                Layout {
                    grid: Grid::chroma_of(step, color.siting),
                    cell: (step.0 as usize, step.1 as usize),
                    planes: 1..3,
                    wanted: Wanted::Chroma(color),
                },
            ],
        }
    }

    /// The bytes of `color` in each plane.
    pub fn background(self, color: Color) -> SmallVec<[u8; 4]> {
        let rgb = [color.r, color.g, color.b].map(|c| mul_255(c, color.a));
        match self {
            Self::Rgb { alpha } => rgb.into_iter().chain(alpha.then_some(color.a)).collect(),
            Self::Yuv { color: space, .. } => {
                let exact = [color.r, color.g, color.b].map(|c| f64::from(c) * f64::from(color.a) / 255.0);
                space.rgb_to_yuv(exact).iter().map(|v| round(*v as f32)).collect()
            }
        }
    }
}

/// Some samples of one plane of a canvas.
pub(super) struct CanvasPlane {
    pub columns: Range<usize>,
    pub rows: Range<usize>,
    data: Vec<u8>,
}

impl CanvasPlane {
    /// The samples of row `y`.
    pub fn row(&self, y: usize) -> &[u8] {
        let (at, width) = (y - self.rows.start, self.columns.len());
        &self.data[at * width..(at + 1) * width]
    }

    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let columns = self.columns.clone();
        self.part_mut(y..y + 1, columns)
    }

    /// The samples of row `y` that belong to columns `x` of the canvas.
    pub fn part(&self, y: usize, x: Range<usize>) -> &[u8] {
        &self.row(y)[x.start - self.columns.start..x.end - self.columns.start]
    }

    /// The same of several rows, from the first sample of the first to the last of the last.
    pub fn part_mut(&mut self, y: Range<usize>, x: Range<usize>) -> &mut [u8] {
        let (rows, columns) = (&self.rows, &self.columns);
        &mut self.data[span(columns.len(), &y, &x, (columns.start, rows.start))]
    }
}

impl Drop for CanvasPlane {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.data));
    }
}

/// From column `x.start` of row `y.start` to column `x.end` of the last row, in a plane without gaps that begins at
/// sample `first`.
pub(super) fn span(width: usize, y: &Range<usize>, x: &Range<usize>, first: (usize, usize)) -> Range<usize> {
    let at = |x: usize, y: usize| (y - first.1) * width + x - first.0;
    at(x.start, y.start)..at(x.end, y.end - 1)
}

/// Planes a thread keeps for its next tiles.
const MAX_SPARE: usize = 12;
const MAX_SPARE_BYTES: usize = 1 << 20;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// `len` bytes that hold anything.
pub(super) fn spare(len: usize) -> Vec<u8> {
    let mut data = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    data.resize(len, 0);
    data
}

/// Keeps memory for [`spare`].
pub(super) fn give_back(data: Vec<u8>) {
    // a thread that ends has nothing to spare any more
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < MAX_SPARE && data.capacity() <= MAX_SPARE_BYTES {
            spare.push(data);
        }
    });
}

/// Some pixels of a canvas.
pub(super) struct Canvas {
    pub family: Family,
    pub planes: SmallVec<[CanvasPlane; 4]>,
}

impl Canvas {
    /// Pixels `area` of a canvas, filled with the background; without one they hold anything and must be drawn
    /// over.
    pub fn new(family: Family, area: &Area, background: Option<Color>) -> Self {
        let bytes = background.map(|color| family.background(color));
        let planes = family.layouts().into_iter().flat_map(|layout| {
            let Area { x, y } = cells(area, layout.cell);
            let bytes = &bytes;
            layout.planes.map(move |p| {
                let mut data = spare(x.len() * y.len());
                if let Some(bytes) = bytes {
                    data.fill(bytes[p]);
                }
                CanvasPlane { columns: x.clone(), rows: y.clone(), data }
            })
        });
        Self { family, planes: planes.collect() }
    }

    /// Bytes of its planes.
    pub fn bytes(&self) -> usize {
        self.planes.iter().map(|p| p.data.len()).sum()
    }

    /// The same pixels as they are in `other`, which holds them.
    pub fn copy_from(&mut self, other: &Self) {
        for (to, from) in self.planes.iter_mut().zip(&other.planes) {
            for y in to.rows.clone() {
                let x = to.columns.clone();
                to.row_mut(y).copy_from_slice(from.part(y, x));
            }
        }
    }
}

impl Rows for Canvas {
    fn row(&self, plane: usize, y: usize, x: Range<usize>) -> &[u8] {
        self.planes[plane].part(y, x)
    }

    fn has_alpha(&self) -> bool {
        self.planes.len() > 3
    }
}

/// The samples whose cells touch `area`.
pub(super) fn cells(area: &Area, cell: (usize, usize)) -> Area {
    let of = |r: &Range<usize>, c: usize| r.start / c..r.end.div_ceil(c);
    Area { x: of(&area.x, cell.0), y: of(&area.y, cell.1) }
}
