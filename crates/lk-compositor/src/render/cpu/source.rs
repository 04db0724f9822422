// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of a source as the numbers a family of truth composes: its planes as they are, or R'G'B' of YUV, Y'CbCr
//! of RGB, premultiplied by alpha. Nothing is converted but the rows and columns asked for.

use super::geometry::{Axis, AxisMap, Grid};
use super::kernels16;
use super::rgb16;
use super::rows;
use super::weights::Taps;
use super::yuv16::ToRgb;
use lk_media::kernel::{prefetch, rows_ahead};
use lk_media::{AlphaKind, ColorSpace, Frame, FrameMap, PixelFormat, Plane};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;
use std::sync::OnceLock;

/// Rows of so many bytes the processor reads on by itself, and up to so many between them.
const LONG: usize = 4096;
const GAP: usize = 128;
/// The most channels a reader has.
pub(super) const CHANNELS: usize = 4;

/// Rows of the channels of one block.
pub(super) type Rows<'a, T> = [&'a mut [T]; CHANNELS];

/// What is wanted of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wanted {
    /// Premultiplied R', G', B'.
    Rgb,
    /// Luma of a colour space.
    Luma(ColorSpace),
    /// Both chroma channels of a colour space.
    Chroma(ColorSpace),
}

/// Reads rows of some channels of a frame; the last channel is alpha, 0 to 255, unless the source is opaque.
pub(super) struct Reader {
    map: FrameMap,
    pub kind: Kind,
    channels: usize,
    /// Whether there is no alpha channel.
    pub opaque: bool,
    /// Where the samples lie on the source.
    pub grid: Grid,
    /// Columns and rows.
    pub extent: (usize, usize),
}

/// Bytes at `offset`, `offset + step`, ... of the rows of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    plane: usize,
    pub offset: usize,
    pub step: usize,
}

/// Where the channels lie.
pub(super) type Components = SmallVec<[Component; CHANNELS]>;

/// A colour conversion: out = m·in + offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix {
    pub m: [[f32; 3]; 3],
    pub offset: [f32; 3],
}

pub(super) enum Kind {
    /// Bytes as they are.
    Bytes(Components),
    /// R, G, B times alpha.
    Premultiplied([Component; 4]),
    /// R'G'B' of YUV at the luma grid, clamped.
    Rgb { yuv: [Component; 3], matrix: Matrix, numbers: ToRgb },
    /// Some of Y, Cb and Cr of R'G'B', times alpha.
    Yuv { rgb: Components, straight: bool, matrix: Matrix, outputs: Range<usize> },
    /// Luma of YUV of another kind, with chroma at the luma grid; not clamped.
    Luma { yuv: [Component; 3], matrix: Matrix, numbers: ToRgb },
    /// Chroma of YUV of another kind, with mean luma at the chroma grid; not clamped.
    Chroma { yuv: [Component; 3], matrix: Matrix, numbers: ToRgb, mean: OnceLock<Box<(Taps, Taps)>> },
}

/// Which chroma samples make those of a row of luma samples.
pub(super) struct ChromaRows {
    pub above: usize,
    pub below: usize,
    /// How far from one to the other.
    pub below_quarters: u16,
    pub columns: Range<usize>,
    /// Samples to be repeated before and after them.
    pub pad: (usize, usize),
    /// Whether chroma lies between two luma samples, not on the first.
    pub centred: bool,
}

/// Pixels of four bytes as they lie in the frame.
pub(super) struct Pixels<'a> {
    pub bytes: &'a [u8],
    /// Whether colours are still to be multiplied by alpha.
    pub straight: bool,
    /// Whether blue comes first and not red.
    pub blue_first: bool,
}

/// Some columns of a channel as they lie in the frame.
pub(super) struct Slices<'a> {
    plane: Plane<'a>,
    x: Range<usize>,
}

/// Whether so much of each row is read, without a gap, that the processor sees the next one come by itself: asking for it
/// is work then.
fn is_foreseen(plane: &Plane<'_>, bytes: usize) -> bool {
    bytes >= LONG && bytes + GAP >= plane.stride
}

impl<'a> Slices<'a> {
    #[inline]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.plane.row(y)[self.x.clone()]
    }

    /// See [`Reader::ahead`].
    #[inline]
    pub fn ahead(&self, y: usize) {
        if is_foreseen(&self.plane, self.x.len()) {
            return;
        }
        let y = y + rows_ahead(self.x.len());
        if y < self.plane.rows {
            prefetch(self.row(y));
        }
    }
}

impl Reader {
    pub fn new(frame: &Frame, wanted: Wanted) -> Self {
        let spec = frame.spec();
        let (w, h) = (spec.size.width as usize, spec.size.height as usize);
        let mut reader = Self {
            map: frame.map_native(),
            kind: Kind::Bytes(Components::new()),
            channels: 3,
            opaque: true,
            grid: Grid::LUMA,
            extent: (w, h),
        };
        if !spec.format.is_yuv() {
            reader.opaque = frame.is_opaque();
            let components = components(spec.format);
            let straight = spec.alpha == AlphaKind::Straight;
            let outputs = match wanted {
                Wanted::Rgb => 0..3,
                Wanted::Luma(_) => 0..1,
                Wanted::Chroma(_) => 1..3,
            };
            reader.channels = outputs.len() + usize::from(!reader.opaque);
            reader.kind = match wanted {
                Wanted::Luma(space) | Wanted::Chroma(space) => Kind::Yuv {
                    rgb: components[..if reader.opaque { 3 } else { 4 }].into(),
                    straight,
                    matrix: Matrix::of(|rgb| space.rgb_to_yuv(rgb)),
                    outputs,
                },
                Wanted::Rgb if reader.opaque => Kind::Bytes(components[..3].into()),
                Wanted::Rgb if straight => Kind::Premultiplied(components),
                Wanted::Rgb => Kind::Bytes(components.into()),
            };
            return reader;
        }
        let [y, u, v, _] = components(spec.format);
        let own = spec.color;
        let same = |space: ColorSpace| (space.matrix, space.range) == (own.matrix, own.range);
        let step = spec.format.chroma_step();
        let chroma_grid = Grid::chroma(spec.format, own.siting);
        let chroma_extent = (w.div_ceil(step.0 as usize), h.div_ceil(step.1 as usize));
        let other = |space: ColorSpace| Matrix::of(|yuv| space.rgb_to_yuv(own.yuv_to_rgb(yuv)));
        match wanted {
            Wanted::Rgb => {
                let matrix = Matrix::of(|yuv| own.yuv_to_rgb(yuv));
                reader.kind = Kind::Rgb { yuv: [y, u, v], matrix, numbers: ToRgb::of(&matrix) };
            }
            Wanted::Luma(space) => {
                reader.channels = 1;
                reader.kind = if same(space) {
                    Kind::Bytes(smallvec![y])
                } else {
                    let matrix = other(space);
                    Kind::Luma { yuv: [y, u, v], matrix, numbers: ToRgb::of(&matrix) }
                };
            }
            Wanted::Chroma(space) => {
                reader.channels = 2;
                reader.grid = chroma_grid;
                reader.extent = chroma_extent;
                reader.kind = if same(space) {
                    Kind::Bytes(smallvec![u, v])
                } else {
                    let matrix = other(space);
                    let numbers = ToRgb::of(&matrix);
                    Kind::Chroma { yuv: [y, u, v], matrix, numbers, mean: OnceLock::new() }
                };
            }
        }
        reader
    }

    /// Channels of values, and one of alpha unless opaque.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Whether rows of bytes are all there is to know: no fraction is lost that is not also lost by rounding
    /// an opaque picture, and nothing lies outside 0 to 255.
    pub fn fits_bytes(&self) -> bool {
        self.opaque && !matches!(self.kind, Kind::Luma { .. } | Kind::Chroma { .. })
    }

    /// Whether [`Reader::slice`] has an answer.
    pub fn has_slices(&self) -> bool {
        matches!(&self.kind, Kind::Bytes(c) if c.iter().all(|c| c.step == 1))
    }

    /// Columns `x` of a channel, if they lie in the frame just so: for callers that want many rows.
    pub fn slices(&self, channel: usize, x: &Range<usize>) -> Option<Slices<'_>> {
        match &self.kind {
            Kind::Bytes(components) if components[channel].step == 1 => {
                let c = components[channel];
                Some(Slices { plane: self.map.plane(c.plane), x: c.offset + x.start..c.offset + x.end })
            }
            _ => None,
        }
    }

    /// Whether the frame has pixels of R, G, B and alpha and no more than `width` of them in a row.
    pub fn is_gapless(&self, width: usize) -> bool {
        self.pixels(0..1, 0..1).is_some() && self.map.plane(0).stride == 4 * width
    }

    /// Pixels of R, G, B and alpha, if they are what lies in the frame, of one row or of several without a gap.
    pub fn pixels(&self, y: Range<usize>, x: Range<usize>) -> Option<Pixels<'_>> {
        let (components, straight) = match &self.kind {
            Kind::Premultiplied(components) => (&components[..], true),
            Kind::Bytes(components) if components.len() == 4 && are_pixels_of_four(components) => {
                (&components[..], false)
            }
            _ => return None,
        };
        let plane = self.map.plane(components[0].plane);
        let bytes = &plane.data[y.start * plane.stride + 4 * x.start..(y.end - 1) * plane.stride + 4 * x.end];
        Some(Pixels { bytes, straight, blue_first: components[0].offset == 2 })
    }

    /// The bytes of a channel in row `y`, if they lie in the frame just so.
    pub fn slice(&self, channel: usize, y: usize, x: Range<usize>) -> Option<&[u8]> {
        match &self.kind {
            Kind::Bytes(components) if components[channel].step == 1 => {
                let c = components[channel];
                Some(&self.map.plane(c.plane).row(y)[c.offset + x.start..c.offset + x.end])
            }
            _ => None,
        }
    }

    /// Row `y`, columns `x`, as bytes, rounded.
    pub fn bytes(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u8>) {
        match &self.kind {
            Kind::Bytes(components) if are_pixels_of_four(components) => {
                rgb16::planes_4::<false>(self.row(components[0], y, x), in_byte_order(components, out));
            }
            Kind::Bytes(components) => {
                for (c, out) in components.iter().zip(out) {
                    self.bytes_of(*c, y, x.clone(), out);
                }
            }
            Kind::Premultiplied(components) => {
                rgb16::planes_4::<true>(self.row(components[0], y, x), in_byte_order(components, out));
            }
            Kind::Rgb { yuv, numbers, .. } => self.rgb_of_yuv(yuv, numbers, y, x, out),
            Kind::Yuv { rgb, outputs, .. } if outputs.start == 0 => {
                let (row, m) = (self.row(rgb[0], y, x), self.to_luma());
                let [luma, alpha, ..] = out;
                match rgb[0].step {
                    3 => rgb16::luma::<3>(row, &m, luma, alpha),
                    _ => rgb16::luma::<4>(row, &m, luma, alpha),
                }
            }
            Kind::Yuv { .. } => {
                let mut rows: [Vec<u16>; CHANNELS] = Default::default();
                rows.iter_mut().take(self.channels).for_each(|r| r.resize(x.len(), 0));
                self.wide(y, x, &mut rows.each_mut().map(Vec::as_mut_slice));
                for (out, row) in out.iter_mut().zip(&rows).take(self.channels) {
                    kernels16::narrow(row, out);
                }
            }
            Kind::Luma { .. } | Kind::Chroma { .. } => self.other_yuv(y, x, out),
        }
    }

    /// Row `y`, columns `x`, not rounded.
    pub fn floats(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, f32>) {
        match &self.kind {
            Kind::Bytes(components) => {
                for (c, out) in components.iter().zip(out) {
                    self.floats_of(*c, y, x.clone(), out);
                }
            }
            Kind::Premultiplied(components) => {
                for (c, out) in components.iter().zip(out.iter_mut()) {
                    self.floats_of(*c, y, x.clone(), out);
                }
                let [r, g, b, alpha] = out;
                for out in [r, g, b] {
                    rows::premultiply(out, alpha);
                }
            }
            Kind::Rgb { yuv, matrix, .. } => {
                let [luma, u, v] = self.at_luma(yuv, y, x);
                for (channel, out) in out.iter_mut().take(3).enumerate() {
                    matrix.apply(channel, [&luma, &u, &v], out);
                    rows::clamp(out);
                }
            }
            Kind::Luma { yuv, matrix, .. } => {
                let [luma, u, v] = self.at_luma(yuv, y, x);
                matrix.apply(0, [&luma, &u, &v], out[0]);
            }
            Kind::Yuv { rgb, outputs, .. } => {
                for (channel, out) in outputs.clone().zip(out.iter_mut()) {
                    self.project(channel, y, x.clone(), out);
                }
                if !self.opaque {
                    self.floats_of(rgb[3], y, x, out[outputs.len()]);
                }
            }
            Kind::Chroma { yuv, matrix, mean, .. } => {
                let [mut u, mut v] = [vec![0.0; x.len()], vec![0.0; x.len()]];
                self.floats_of(yuv[1], y, x.clone(), &mut u);
                self.floats_of(yuv[2], y, x.clone(), &mut v);
                let mean = mean.get_or_init(|| Box::new(self.mean_taps()));
                let luma = self.mean_luma(yuv[0], mean, y, x);
                for (channel, out) in out.iter_mut().take(2).enumerate() {
                    matrix.apply(channel + 1, [&luma, &u, &v], out);
                }
            }
        }
    }

    /// Channel `channel` of the Y'CbCr of R'G'B' pixels, premultiplied.
    fn project(&self, channel: usize, y: usize, x: Range<usize>, out: &mut [f32]) {
        let Kind::Yuv { rgb, straight, matrix, .. } = &self.kind else { return };
        let mut by = [0.0; 3];
        // colours lie in the first three bytes of every format
        rgb[..3].iter().zip(matrix.m[channel]).for_each(|(c, weight)| by[c.offset] = weight);
        let (row, offset) = (self.row(rgb[0], y, x), matrix.offset[channel]);
        match (rgb[0].step, self.opaque, straight) {
            (3, ..) => rows::project_3(row, by, offset, out),
            (_, true, _) => rows::project_4::<{ rows::OPAQUE }>(row, by, offset, out),
            (_, _, true) => rows::project_4::<{ rows::STRAIGHT }>(row, by, offset, out),
            _ => rows::project_4::<{ rows::PREMULTIPLIED }>(row, by, offset, out),
        }
    }

    pub fn bytes_of(&self, c: Component, y: usize, x: Range<usize>, out: &mut [u8]) {
        let row = self.row(c, y, x);
        match c.step {
            1 => out.copy_from_slice(row),
            2 => rows::pick::<2>(row, c.offset, out),
            3 => kernels16::pick_3(row, c.offset, out),
            _ => rows::pick::<4>(row, c.offset, out),
        }
    }

    fn floats_of(&self, c: Component, y: usize, x: Range<usize>, out: &mut [f32]) {
        let row = self.row(c, y, x);
        match c.step {
            1 => rows::pick_floats::<1>(row, 0, out),
            2 => rows::pick_floats::<2>(row, c.offset, out),
            3 => rows::pick_floats::<3>(row, c.offset, out),
            _ => rows::pick_floats::<4>(row, c.offset, out),
        }
    }

    /// The pixels `x` of row `y` of the plane of `c`.
    pub fn row(&self, c: Component, y: usize, x: Range<usize>) -> &[u8] {
        let x = match c.step {
            1 => c.offset + x.start..c.offset + x.end,
            step => x.start * step..x.end * step,
        };
        &self.map.plane(c.plane).row(y)[x]
    }

    /// Has what lies some rows below row `y` fetched, for callers that go on downwards.
    pub fn ahead(&self, y: usize, x: Range<usize>) {
        let components = match &self.kind {
            Kind::Bytes(components) => components,
            Kind::Premultiplied(components) => &components[..],
            Kind::Yuv { rgb, .. } => rgb,
            Kind::Rgb { yuv, .. } | Kind::Luma { yuv, .. } | Kind::Chroma { yuv, .. } => &yuv[..1],
        };
        let mut plane = None;
        for c in components {
            // components of one plane lie side by side
            if plane.replace(c.plane) == Some(c.plane) {
                continue;
            }
            let (own, bytes) = (self.map.plane(c.plane), x.len() * c.step);
            let y = y + rows_ahead(bytes);
            if y < own.rows && !is_foreseen(&own, bytes) {
                prefetch(self.row(*c, y, x.clone()));
            }
        }
    }

    /// The chroma of the luma samples `x` of row `y`.
    pub fn chroma_rows(&self, y: usize, x: Range<usize>) -> ChromaRows {
        let spec = self.map.spec();
        let grid = Grid::chroma(spec.format, spec.color.siting);
        let step = spec.format.chroma_step();
        let columns = (spec.size.width.div_ceil(step.0) as usize).max(1);
        let rows = (spec.size.height.div_ceil(step.1) as usize).max(1);
        let t = (Axis::LUMA.at(y) - grid.y.origin) / grid.y.pitch;
        let row = |t: f64| (t.max(0.0) as usize).min(rows - 1);
        // chroma pairs with luma two to one in every subsampled format; one more on each side, edges repeated
        let (first, last) = (x.start / 2, (x.end - 1) / 2);
        ChromaRows {
            above: row(t.floor()),
            below: row(t.floor() + 1.0),
            // every distance is a multiple of a quarter
            below_quarters: ((t - t.floor()) * 4.0).round() as u16,
            columns: first.saturating_sub(1)..(last + 2).min(columns),
            pad: (usize::from(first == 0), usize::from(last + 2 > columns)),
            centred: grid.x.origin >= 1.0,
        }
    }

    /// Luma, and chroma interpolated to it.
    fn at_luma(&self, yuv: &[Component; 3], y: usize, x: Range<usize>) -> [Vec<f32>; 3] {
        let mut luma = vec![0.0; x.len()];
        self.floats_of(yuv[0], y, x.clone(), &mut luma);
        let at = self.chroma_rows(y, x.clone());
        let mut other = vec![0.0; at.columns.len()];
        let chroma = [yuv[1], yuv[2]].map(|c| {
            let mut line = vec![0.0; at.columns.len()];
            self.floats_of(c, at.above, at.columns.clone(), &mut line);
            if at.below_quarters > 0 && at.below != at.above {
                self.floats_of(c, at.below, at.columns.clone(), &mut other);
                rows::approach(&mut line, &other, f32::from(at.below_quarters) / 4.0);
            }
            let mut padded = Vec::with_capacity(line.len() + 2);
            padded.extend((0..at.pad.0).map(|_| line[0]));
            padded.extend_from_slice(&line);
            padded.extend((0..at.pad.1).map(|_| line[line.len() - 1]));
            spread(&padded, at.centred, x.start % 2, x.len())
        });
        let [u, v] = chroma;
        [luma, u, v]
    }

    /// Weights of the luma samples within the extents of chroma samples.
    fn mean_taps(&self) -> (Taps, Taps) {
        let size = self.map.spec().size;
        let taps = |axis, len: u32, outputs| {
            Taps::new(axis, 0..outputs, &AxisMap::SAME, Axis::LUMA, 0..len as usize)
        };
        (taps(self.grid.x, size.width, self.extent.0), taps(self.grid.y, size.height, self.extent.1))
    }

    /// Mean luma over the extents of chroma samples.
    fn mean_luma(&self, c: Component, (across, down): &(Taps, Taps), y: usize, x: Range<usize>) -> Vec<f32> {
        let columns = across.reads(x.clone());
        let mut sum = vec![0.0f32; columns.len()];
        let mut line = vec![0.0f32; columns.len()];
        for (row, w) in (down.start(y)..).zip(down.float(y..y + 1)) {
            self.floats_of(c, row, columns.clone(), &mut line);
            sum.iter_mut().zip(&line).for_each(|(s, v)| *s += v * w);
        }
        let weights = across.float(x.clone()).chunks_exact(across.len());
        let starts = across.starts(x);
        starts
            .iter()
            .zip(weights)
            .map(|(start, w)| w.iter().zip(&sum[*start as usize - columns.start..]).map(|(w, v)| w * v).sum())
            .collect()
    }
}

/// Whether components are the colours of four-byte pixels, and not chroma of Y0 U Y1 V.
pub(super) fn are_pixels_of_four(components: &[Component]) -> bool {
    are_pixels(components) && components[0].step == 4
}

/// Whether they are those of pixels that have all colours.
pub(super) fn are_pixels(components: &[Component]) -> bool {
    components.len() > 2 && components[0].step > 2
}

/// Rows of R, G, B and alpha in the order of a pixel's bytes.
pub(super) fn in_byte_order<'a, T>(components: &[Component], out: &'a mut Rows<'_, T>) -> [&'a mut [T]; 4] {
    let [r, g, b, alpha] = out;
    if components[0].offset == 0 { [r, g, b, alpha] } else { [b, g, r, alpha] }
}

/// Twice as many samples, linearly between `chroma`; the first sample of `chroma` belongs to the pair before.
/// `odd` output samples are left out at the start.
fn spread(chroma: &[f32], centred: bool, odd: usize, len: usize) -> Vec<f32> {
    // of the even sample: weight of the chroma before and its own; of the odd sample: its own and the next
    let even = if centred { (0.25, 0.75) } else { (0.0, 1.0) };
    let odd_one = if centred { (0.75, 0.25) } else { (0.5, 0.5) };
    let pairs = (len + odd).div_ceil(2);
    let mut out = vec![0.0f32; pairs * 2];
    rows::spread(chroma, even, odd_one, out.as_chunks_mut().0);
    out.truncate(len + odd);
    out.drain(..odd);
    out
}

/// a·b / 255, rounded to nearest.
#[inline(always)]
pub(super) fn mul_255(a: u8, b: u8) -> u8 {
    let t = u16::from(a) * u16::from(b) + 128;
    ((t + (t >> 8)) >> 8) as u8
}

/// A number that is not negative to the nearest byte.
///
/// Adding 1.5 * 2^23 leaves no room for a fraction, so the addition itself rounds and the integer stands in the
/// low bits. It rounds halves to even; 0.0004, less than any tolerance sees, sends them up.
#[inline(always)]
pub(super) fn round_positive(v: f32) -> u8 {
    const MAGIC: f32 = 12_582_912.0;
    let high = if v < 255.0 { v } else { 255.0 };
    (high + 0.0004 + MAGIC).to_bits() as u8
}

/// To the nearest byte.
#[inline(always)]
pub(super) fn round(v: f32) -> u8 {
    // plain comparisons become vector code, f32::clamp and conversions that saturate do not
    let low = if v > 0.0 { v } else { 0.0 };
    round_positive(low)
}

impl Matrix {
    /// The matrix of an affine function.
    pub fn of(f: impl Fn([f64; 3]) -> [f64; 3]) -> Self {
        let zero = f([0.0; 3]);
        let column = |i: usize| {
            let mut unit = [0.0; 3];
            unit[i] = 255.0;
            f(unit)
        };
        let columns = [column(0), column(1), column(2)];
        let m = std::array::from_fn(|row| {
            std::array::from_fn(|i| ((columns[i][row] - zero[row]) / 255.0) as f32)
        });
        Self { m, offset: zero.map(|v| v as f32) }
    }

    /// Row `row` of the result.
    pub fn apply(&self, row: usize, [a, b, c]: [&[f32]; 3], out: &mut [f32]) {
        rows::affine(self.m[row], self.offset[row], [a, b, c], out);
    }

    /// What differences of the input make of the output.
    pub fn linear(mut self) -> Self {
        self.offset = [0.0; 3];
        self
    }
}

/// R, G, B, alpha of RGB formats (alpha is meaningless without one), Y, U, V, - of YUV formats.
fn components(format: PixelFormat) -> [Component; CHANNELS] {
    let packed = |offsets: [usize; 4], step| offsets.map(|offset| Component { plane: 0, offset, step });
    let c = |plane, offset, step| Component { plane, offset, step };
    match format {
        PixelFormat::Bgra => packed([2, 1, 0, 3], 4),
        PixelFormat::Rgba => packed([0, 1, 2, 3], 4),
        PixelFormat::Bgr => packed([2, 1, 0, 0], 3),
        PixelFormat::Rgb => packed([0, 1, 2, 0], 3),
        PixelFormat::I420 => [c(0, 0, 1), c(1, 0, 1), c(2, 0, 1), c(0, 0, 1)],
        PixelFormat::Nv12 => [c(0, 0, 1), c(1, 0, 2), c(1, 1, 2), c(0, 0, 1)],
        PixelFormat::Yuy2 => [c(0, 0, 2), c(0, 1, 4), c(0, 3, 4), c(0, 0, 2)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameSpec, Siting, Size, Timestamp};

    fn frame(spec: FrameSpec, bytes: &[u8]) -> Frame {
        Frame::from_packed(spec, bytes, Timestamp::ZERO).unwrap()
    }

    fn floats(reader: &Reader, y: usize, x: Range<usize>) -> Vec<Vec<f32>> {
        let mut rows: [Vec<f32>; CHANNELS] = std::array::from_fn(|_| vec![0.0; x.len()]);
        reader.floats(y, x, &mut rows.each_mut().map(Vec::as_mut_slice));
        rows.into_iter().take(reader.channels()).collect()
    }

    #[test]
    fn chroma_is_interpolated_at_its_siting() {
        for (siting, expected) in
            [(Siting::Left, [100.0, 120.0, 140.0, 140.0]), (Siting::Center, [100.0, 110.0, 130.0, 140.0])]
        {
            let color = ColorSpace { siting, ..ColorSpace::JPEG };
            let spec = FrameSpec::of(PixelFormat::Yuy2, Size::new(4, 1)).with_color(color);
            let f = frame(spec, &[10, 100, 20, 128, 30, 140, 40, 128]);
            let reader = Reader::new(&f, Wanted::Rgb);
            let Kind::Rgb { yuv, .. } = &reader.kind else { panic!("not RGB of YUV") };
            let [luma, u, _] = reader.at_luma(yuv, 0, 0..4);
            assert_eq!(luma, [10.0, 20.0, 30.0, 40.0]);
            assert_eq!(u, expected);
            for x in [0..1, 1..2, 1..4, 3..4, 2..3] {
                assert_eq!(reader.at_luma(yuv, 0, x.clone())[1], expected[x]);
            }
        }
    }

    #[test]
    fn straight_alpha_is_multiplied_in_and_opaque_alpha_ignored() {
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(1, 1));
        let bytes = [10, 20, 200, 51];
        let straight = Reader::new(&frame(spec, &bytes), Wanted::Rgb);
        assert_eq!(floats(&straight, 0, 0..1), [[40.0], [4.0], [2.0], [51.0]]);
        let opaque = Reader::new(&frame(spec.with_alpha(AlphaKind::Opaque), &bytes), Wanted::Rgb);
        assert_eq!(floats(&opaque, 0, 0..1), [[200.0], [20.0], [10.0]]);
        let already = Reader::new(&frame(spec.with_alpha(AlphaKind::Premultiplied), &bytes), Wanted::Rgb);
        assert_eq!(floats(&already, 0, 0..1), [[200.0], [20.0], [10.0], [51.0]]);
        // 128 of chroma is stored too: it is multiplied like any other byte
        let chroma = Reader::new(&frame(spec, &[0, 0, 0, 51]), Wanted::Chroma(ColorSpace::BT709));
        assert!((floats(&chroma, 0, 0..1)[0][0] - 128.0 / 5.0).abs() < 1e-4);
    }

    #[test]
    fn odd_sizes_read_to_their_edges() {
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuy2] {
            for size in [Size::new(1, 1), Size::new(3, 5), Size::new(5, 3)] {
                let spec = FrameSpec::of(format, size);
                let f = frame(spec, &vec![90; format.packed_len(size)]);
                for wanted in [Wanted::Rgb, Wanted::Luma(ColorSpace::JPEG), Wanted::Chroma(ColorSpace::JPEG)]
                {
                    let reader = Reader::new(&f, wanted);
                    let all = floats(&reader, reader.extent.1 - 1, 0..reader.extent.0);
                    assert!(all.iter().flatten().all(|v| (v - all[0][0]).abs() < 300.0));
                }
            }
        }
    }
}
