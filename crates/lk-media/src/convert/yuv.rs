// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of YUV pictures: reading luma and chroma of every layout, chroma to luma positions and back.

use super::rgb::{pixels, pixels_mut};
use super::taps::{Axis, Taps};
use crate::kernel;
use crate::{FrameMap, FrameSpec, PixelFormat, Plane, PlaneMut, Size};

/// Chroma at luma positions is this many times the byte, which keeps it exact.
pub(super) const CHROMA_SCALE: f64 = 16.0;

kernel! {
    /// Adds every `N`th byte from `AT` on, times a weight.
    fn accumulate_bytes[const N: usize, const AT: usize](from: &[u8], weight: u16, to: &mut [u16]) {
        for (px, out) in pixels::<N>(from).iter().zip(to) {
            *out += u16::from(px[AT]) * weight;
        }
    }
}

kernel! {
    /// Adds a row times a weight.
    fn accumulate(from: &[u16], weight: u16, to: &mut [u16]) {
        for (&v, out) in from.iter().zip(to) {
            *out += v * weight;
        }
    }
}

kernel! {
    fn multiply(from: &[u16], weight: u16, to: &mut [u16]) {
        for (&v, out) in from.iter().zip(to) {
            *out = v * weight;
        }
    }
}

kernel! {
    fn widen_luma[const N: usize](from: &[u8], to: &mut [u16]) {
        for (px, out) in pixels::<N>(from).iter().zip(to) {
            *out = u16::from(px[0]);
        }
    }
}

kernel! {
    fn every_second(from: &[u8], to: &mut [u8]) {
        for (px, out) in pixels::<2>(from).iter().zip(to) {
            *out = px[0];
        }
    }
}

kernel! {
    /// Two luma positions from each sample of a row that has one more sample at either end.
    fn upsample(from: &[u16], weights: &[u16; 4], to: &mut [[u16; 2]]) {
        let [a, b, c, d] = *weights;
        let n = to.len();
        let (before, own, after) = (&from[..n], &from[1..n + 1], &from[2..n + 2]);
        for (((out, &x), &y), &z) in to.iter_mut().zip(before).zip(own).zip(after) {
            *out = [x * a + y * b, y * c + z * d];
        }
    }
}

kernel! {
    /// One sample from luma positions 2i - 1 to 2i + 1 of a row that has one more position in front.
    fn halve(from: &[u16], weights: &[u16; 3], to: &mut [u16]) {
        let [a, b, c] = *weights;
        let n = to.len();
        let (first, second) = (from[..2 * n].as_chunks::<2>().0, from[1..2 * n + 1].as_chunks::<2>().0);
        for ((out, &[x, y]), &[_, z]) in to.iter_mut().zip(first).zip(second) {
            *out = x * a + y * b + z * c;
        }
    }
}

kernel! {
    /// Moves samples by a part of a sample and rounds; the row has one more sample at either end.
    fn shift(from: &[u16], weights: &[u16; 3], to: &mut [u8]) {
        let [a, b, c] = *weights;
        let n = to.len();
        let (before, own, after) = (&from[..n], &from[1..n + 1], &from[2..n + 2]);
        for (((out, &x), &y), &z) in to.iter_mut().zip(before).zip(own).zip(after) {
            *out = ((x * a + y * b + z * c + 8) >> 4) as u8;
        }
    }
}

kernel! {
    fn interleave_2(u: &[u8], v: &[u8], to: &mut [[u8; 2]]) {
        for ((out, &u), &v) in to.iter_mut().zip(u).zip(v) {
            *out = [u, v];
        }
    }
}

kernel! {
    /// Puts luma into Y0 U Y1 V groups and leaves the rest.
    fn put_yuy2_luma(luma: &[[u8; 2]], to: &mut [[u8; 4]]) {
        for (group, &[y0, y1]) in to.iter_mut().zip(luma) {
            let kept = u32::from_le_bytes(*group) & 0xff00_ff00;
            *group = (kept | u32::from(y0) | u32::from(y1) << 16).to_le_bytes();
        }
    }
}

kernel! {
    /// Puts chroma into Y0 U Y1 V groups and leaves the rest.
    fn put_yuy2_chroma(u: &[u8], v: &[u8], to: &mut [[u8; 4]]) {
        for ((group, &u), &v) in to.iter_mut().zip(u).zip(v) {
            let kept = u32::from_le_bytes(*group) & 0x00ff_00ff;
            *group = (kept | u32::from(u) << 8 | u32::from(v) << 24).to_le_bytes();
        }
    }
}

/// Columns and rows of chroma.
fn chroma_size(spec: FrameSpec) -> (usize, usize) {
    let (across, down) = spec.format.chroma_step();
    (spec.size.width.div_ceil(across) as usize, spec.size.height.div_ceil(down) as usize)
}

/// Makes the ends of a row of `n` samples, kept from index 1 on, look continued.
fn extend_ends(row: &mut [u16], n: usize) {
    row[0] = row[1];
    row[n + 1] = row[n];
}

/// Repeats the last of `width` samples, for formats that store pixels in pairs.
pub(super) fn fill_up(luma: &mut [u8], width: usize) {
    let last = luma[width - 1];
    luma[width..].fill(last);
}

/// Reads a YUV picture.
pub(super) struct Reader<'a> {
    spec: FrameSpec,
    planes: Vec<Plane<'a>>,
    across: Axis,
    down: Axis,
    /// One row of chroma with a sample more at either end, times 4.
    sample_row: Vec<u16>,
}

impl<'a> Reader<'a> {
    pub fn new(from: &'a FrameMap) -> Self {
        let spec = from.spec();
        let (across, down) = Axis::of(spec.format, spec.color);
        let planes = (0..spec.format.planes()).map(|i| from.plane(i)).collect();
        Self { spec, planes, across, down, sample_row: vec![0; chroma_size(spec).0 + 2] }
    }

    /// Luma of row `y`, widened.
    fn luma_wide(&self, y: usize, to: &mut [u16]) {
        let row = self.planes[0].row(y);
        match self.spec.format {
            PixelFormat::Yuy2 => widen_luma::<2>(row, to),
            _ => widen_luma::<1>(row, to),
        }
    }

    /// Luma of row `y` as it is.
    fn luma(&self, y: usize, to: &mut [u8]) {
        let row = self.planes[0].row(y);
        match self.spec.format {
            PixelFormat::Yuy2 => every_second(row, to),
            _ => to.copy_from_slice(row),
        }
    }

    /// The weighted sum of chroma rows of component 0 or 1, into `sample_row`.
    fn blend_chroma(&mut self, component: usize, taps: Taps) {
        let (columns, _) = chroma_size(self.spec);
        self.sample_row.fill(0);
        let out = &mut self.sample_row[1..columns + 1];
        for (y, weight) in taps.into_iter().filter(|(_, weight)| *weight > 0) {
            match (self.spec.format, component) {
                (PixelFormat::Yuy2, 0) => accumulate_bytes::<4, 1>(self.planes[0].row(y), weight, out),
                (PixelFormat::Yuy2, _) => accumulate_bytes::<4, 3>(self.planes[0].row(y), weight, out),
                (PixelFormat::Nv12, 0) => accumulate_bytes::<2, 0>(self.planes[1].row(y), weight, out),
                (PixelFormat::Nv12, _) => accumulate_bytes::<2, 1>(self.planes[1].row(y), weight, out),
                _ => accumulate_bytes::<1, 0>(self.planes[1 + component].row(y), weight, out),
            }
        }
        extend_ends(&mut self.sample_row, columns);
    }

    /// Row `y` at full resolution: luma as it is, chroma bilinear at the pixels times [`CHROMA_SCALE`].
    /// The chroma rows have room for an even number of pixels.
    pub fn read(&mut self, y: usize, [luma, u, v]: [&mut [u16]; 3]) {
        self.luma_wide(y, luma);
        let taps = Axis::LUMA.taps(self.down, y, chroma_size(self.spec).1);
        let weights = self.across.upsample_weights();
        for (component, out) in [u, v].into_iter().enumerate() {
            self.blend_chroma(component, taps);
            upsample(&self.sample_row, &weights, out.as_chunks_mut().0);
        }
    }

    /// Chroma row `index` of a picture whose chroma sits on other axes of the same step across.
    fn resampled(&mut self, component: usize, index: usize, across: Axis, down: Axis, to: &mut [u8]) {
        let taps = down.taps(self.down, index, chroma_size(self.spec).1);
        self.blend_chroma(component, taps);
        shift(&self.sample_row, &across.shift_weights(self.across), to);
    }
}

/// Writes a YUV picture.
pub(super) struct Writer<'a> {
    spec: FrameSpec,
    planes: Vec<PlaneMut<'a>>,
}

impl<'a> Writer<'a> {
    pub fn new(spec: FrameSpec, planes: Vec<PlaneMut<'a>>) -> Self {
        Self { spec, planes }
    }

    /// Columns and rows of chroma.
    pub fn chroma_size(&self) -> (usize, usize) {
        chroma_size(self.spec)
    }

    /// Writes luma of row `y`; `luma` has an even number of pixels if the format needs it.
    pub fn put_luma(&mut self, y: usize, luma: &[u8]) {
        let row = self.planes[0].row_mut(y);
        match self.spec.format {
            PixelFormat::Yuy2 => put_yuy2_luma(pixels(luma), pixels_mut(row)),
            _ => row.copy_from_slice(&luma[..row.len()]),
        }
    }

    /// Writes chroma row `index`.
    pub fn put_chroma(&mut self, index: usize, u: &[u8], v: &[u8]) {
        match self.spec.format {
            PixelFormat::Yuy2 => put_yuy2_chroma(u, v, pixels_mut(self.planes[0].row_mut(index))),
            PixelFormat::Nv12 => interleave_2(u, v, pixels_mut(self.planes[1].row_mut(index))),
            _ => {
                self.planes[1].row_mut(index).copy_from_slice(u);
                self.planes[2].row_mut(index).copy_from_slice(v);
            }
        }
    }
}

/// Another layout or siting of the same matrix and range: luma is copied, chroma goes straight from grid to
/// grid. Where the grids are the same every byte stays what it was.
pub(super) fn repack(reader: &mut Reader, writer: &mut Writer) {
    let Size { width, height } = writer.spec.size;
    let (across, down) = Axis::of(writer.spec.format, writer.spec.color);
    let width = width as usize;
    let mut luma = vec![0; width.next_multiple_of(2)];
    for y in 0..height as usize {
        reader.luma(y, &mut luma[..width]);
        fill_up(&mut luma, width);
        writer.put_luma(y, &luma);
    }
    let (columns, rows) = writer.chroma_size();
    let (mut u, mut v) = (vec![0; columns], vec![0; columns]);
    for index in 0..rows {
        reader.resampled(0, index, across, down, &mut u);
        reader.resampled(1, index, across, down, &mut v);
        writer.put_chroma(index, &u, &v);
    }
}

/// Sums up three planes of luma positions into chroma positions: the mean over the extent of a chroma sample
/// around its site, times 16.
pub(super) struct BoxMean {
    width: usize,
    weights: [u16; 3],
    /// One row with one position more in front and, if odd, at the end; times 4.
    sums: [Vec<u16>; 3],
    halved: [Vec<u16>; 3],
}

impl BoxMean {
    /// What the results are multiplied by.
    pub const SCALE: f32 = 16.0;

    pub fn new(width: usize, across: Axis) -> Self {
        let columns = width.div_ceil(2);
        Self {
            width,
            weights: across.box_weights(),
            sums: std::array::from_fn(|_| vec![0; 2 * columns + 1]),
            halved: std::array::from_fn(|_| vec![0; columns]),
        }
    }

    /// Adds a luma row with its weight in quarters, to a new chroma row if it is the `first`.
    pub fn add(&mut self, rows: [&[u16]; 3], weight: u16, first: bool) {
        for (sum, row) in self.sums.iter_mut().zip(rows) {
            let sum = &mut sum[1..self.width + 1];
            if first {
                multiply(&row[..self.width], weight, sum);
            } else {
                accumulate(&row[..self.width], weight, sum);
            }
        }
    }

    /// The finished chroma row.
    pub fn finish(&mut self) -> [&[u16]; 3] {
        for (sum, halved) in self.sums.iter_mut().zip(&mut self.halved) {
            sum[0] = sum[1];
            if self.width % 2 == 1 {
                sum[self.width + 1] = sum[self.width];
            }
            halve(sum, &self.weights, halved);
        }
        self.halved.each_ref().map(Vec::as_slice)
    }
}
