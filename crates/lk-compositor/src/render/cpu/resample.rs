// SPDX-License-Identifier: GPL-2.0-or-later
//! Separable resampling of a block: rows and columns are weighted one after the other, in the order that
//! leaves less work. Pictures whose tolerance allows it go through fixed-point numbers, the rest through floats.

use super::canvas::spare;
use super::kernels16;
use super::plan::Samples;
use super::resample16;
use super::scratch::{Number, Scratch};
use super::source::{CHANNELS, Reader, Rows, round};
use super::weights::Taps;
use lk_media::PlanePart;
use lk_media::kernel::{prefetch, rows_ahead};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::ops::{AddAssign, DerefMut, Range};

/// A block of output samples and how it is made.
pub(super) struct Block<'a> {
    pub reader: &'a Reader,
    /// Weights of source columns.
    pub across: &'a Taps,
    /// Weights of source rows.
    pub down: &'a Taps,
    /// Output samples along `across`.
    pub columns: Range<usize>,
    /// Output samples along `down`.
    pub rows: Range<usize>,
    /// Whether rounding in between is allowed where the reader permits it.
    pub rough: bool,
}

/// Rows of samples that are to be made: all of a plane, or a part of one.
pub(super) struct Sheet<'a> {
    plane: PlanePart<'a>,
    /// Rows that are asked for before they are written.
    ahead: usize,
}

impl<'a> Sheet<'a> {
    /// All of a plane whose rows have no gaps.
    fn own(plane: &'a mut [u8], width: usize) -> Self {
        Self { plane: PlanePart::whole(plane, width), ahead: 0 }
    }

    /// Samples of a plane of an output.
    pub fn new(plane: PlanePart<'a>) -> Self {
        let ahead = rows_ahead(plane.width());
        let mut sheet = Self { plane, ahead };
        (0..ahead).for_each(|i| sheet.fetch(i));
        sheet
    }

    fn fetch(&mut self, i: usize) {
        if i < self.plane.rows() {
            prefetch(self.plane.row_mut(i));
        }
    }

    /// Row `i`, to be written.
    pub fn row(&mut self, i: usize) -> &mut [u8] {
        if self.ahead > 0 {
            self.fetch(i + self.ahead);
        }
        self.plane.row_mut(i)
    }
}

impl Block<'_> {
    /// The block, a plane of bytes for each channel, rows without gaps.
    pub fn sample(&self) -> Samples<u8> {
        let (w, h) = (self.columns.len(), self.rows.len());
        let mut planes: Samples<u8> = (0..self.reader.channels()).map(|_| spare(w * h)).collect();
        if w == 0 || h == 0 {
            return planes;
        }
        if self.across.is_identity() && self.down.is_identity() {
            let x = self.across.reads(self.columns.clone());
            for (i, y) in self.rows.clone().enumerate() {
                let y = self.down.start(y);
                self.reader.ahead(y, x.clone());
                self.reader.bytes(y, x.clone(), &mut rows_of(&mut planes, i, w));
            }
        } else if self.is_in_place() {
            for (channel, plane) in planes.iter_mut().enumerate() {
                self.sample_in_place(channel, &mut Sheet::own(plane, w));
            }
        } else if resample16::fits(self) {
            resample16::sample(self, &mut planes);
        } else if self.rough && self.reader.fits_bytes() {
            fixed(self, &mut planes);
        } else {
            rounded(self, &mut planes);
        }
        planes
    }

    /// Whether output samples are means of two by two bytes that lie in the frame.
    fn is_half(&self) -> bool {
        let halves = self.across.is_halves() && self.down.is_halves();
        halves && self.rough && self.reader.fits_bytes() && self.reader.has_slices()
    }

    /// Whether each row is made of a few rows that lie in the frame: [`Block::sample_in_place`] has an answer.
    pub fn is_in_place(&self) -> bool {
        self.is_half() || resample16::is_in_place(self)
    }

    /// Makes a channel of the block, wherever its rows are to lie.
    pub fn sample_in_place(&self, channel: usize, out: &mut Sheet<'_>) {
        if self.is_half() {
            self.halve(channel, out);
        } else {
            resample16::rows_in_place(self, channel, out);
        }
    }

    /// The same bytes as [`fixed`] makes: sums of four, rounded once.
    fn halve(&self, channel: usize, out: &mut Sheet<'_>) {
        let x = self.across.reads(self.columns.clone());
        let Some(rows) = self.reader.slices(channel, &x) else { return };
        for (i, y) in self.rows.clone().enumerate() {
            let first = self.down.start(y);
            (first..first + 2).for_each(|y| rows.ahead(y));
            kernels16::mean_of_four(rows.row(first), rows.row(first + 1), out.row(i));
        }
    }

    /// The block not rounded (or, of pictures that fit bytes, rounded and widened).
    pub fn sample_floats(&self) -> Vec<Vec<f32>> {
        let (w, h) = (self.columns.len(), self.rows.len());
        let mut planes = vec![vec![0.0; w * h]; self.reader.channels()];
        if w > 0 && h > 0 {
            floats(self, &mut planes);
        }
        planes
    }
}

lk_media::kernel! {
    fn fixed(block: &Block<'_>, planes: &mut [Vec<u8>]) {
        Resampler::<Fixed>::new(block).run(planes);
    }
}

lk_media::kernel! {
    fn rounded(block: &Block<'_>, planes: &mut [Vec<u8>]) {
        Resampler::<Float>::new(block).run(planes);
    }
}

lk_media::kernel! {
    fn floats(block: &Block<'_>, planes: &mut [Vec<f32>]) {
        Resampler::<Float>::new(block).run(planes);
    }
}

/// Row `i` of planes `w` samples wide.
fn rows_of<T>(planes: &mut [impl DerefMut<Target = [T]>], i: usize, w: usize) -> Rows<'_, T> {
    let mut planes = planes.iter_mut();
    std::array::from_fn(|_| planes.next().map_or(&mut [][..], |p| &mut p[i * w..(i + 1) * w]))
}

/// A kind of numbers to calculate in.
pub(super) trait Numbers {
    /// Samples of sources.
    type Sample: Number;
    /// Samples between the two passes.
    type Middle: Number;
    type Weight: Copy;
    type Sum: Copy + Default + AddAssign;
    /// Whether rows may be read in place.
    const SLICES: bool;

    fn read(reader: &Reader, y: usize, x: Range<usize>, out: &mut Rows<'_, Self::Sample>);
    fn slice(reader: &Reader, channel: usize, y: usize, x: Range<usize>) -> Option<&[Self::Sample]>;
    fn weights(taps: &Taps, range: Range<usize>) -> &[Self::Weight];
    fn first(v: Self::Sample, w: Self::Weight) -> Self::Sum;
    fn second(v: Self::Middle, w: Self::Weight) -> Self::Sum;
    fn middle(sum: Self::Sum, shift: u32) -> Self::Middle;
}

/// What a pass ends in.
pub(super) trait Output<N: Numbers>: Copy + Default {
    fn finish(sum: N::Sum, shift: u32) -> Self;
}

/// Bytes, 14 to 17 bits of weight, four bits of fraction between the passes.
struct Fixed;
/// 32-bit floats.
struct Float;

const FRACTION: u32 = 4;

/// Up to so many rows of a sum are held at the same time.
const FEW: usize = 8;

impl Numbers for Fixed {
    type Sample = u8;
    type Middle = i16;
    type Weight = i16;
    type Sum = i32;
    const SLICES: bool = true;

    fn read(reader: &Reader, y: usize, x: Range<usize>, out: &mut Rows<'_, u8>) {
        reader.bytes(y, x, out);
    }
    fn slice(reader: &Reader, channel: usize, y: usize, x: Range<usize>) -> Option<&[u8]> {
        reader.slice(channel, y, x)
    }
    fn weights(taps: &Taps, range: Range<usize>) -> &[i16] {
        taps.fixed(range)
    }
    #[inline(always)]
    fn first(v: u8, w: i16) -> i32 {
        i32::from(v) * i32::from(w)
    }
    #[inline(always)]
    fn second(v: i16, w: i16) -> i32 {
        i32::from(v) * i32::from(w)
    }
    #[inline(always)]
    fn middle(sum: i32, shift: u32) -> i16 {
        ((sum + (1 << (shift - FRACTION - 1))) >> (shift - FRACTION)) as i16
    }
}

impl Output<Fixed> for u8 {
    #[inline(always)]
    fn finish(sum: i32, shift: u32) -> u8 {
        ((sum + (1 << (shift + FRACTION - 1))) >> (shift + FRACTION)) as u8
    }
}

impl Numbers for Float {
    type Sample = f32;
    type Middle = f32;
    type Weight = f32;
    type Sum = f32;
    const SLICES: bool = false;

    fn read(reader: &Reader, y: usize, x: Range<usize>, out: &mut Rows<'_, f32>) {
        reader.floats(y, x, out);
    }
    fn slice(_: &Reader, _: usize, _: usize, _: Range<usize>) -> Option<&[f32]> {
        None
    }
    fn weights(taps: &Taps, range: Range<usize>) -> &[f32] {
        taps.float(range)
    }
    #[inline(always)]
    fn first(v: f32, w: f32) -> f32 {
        v * w
    }
    #[inline(always)]
    fn second(v: f32, w: f32) -> f32 {
        v * w
    }
    #[inline(always)]
    fn middle(sum: f32, _: u32) -> f32 {
        sum
    }
}

impl Output<Float> for u8 {
    #[inline(always)]
    fn finish(sum: f32, _: u32) -> u8 {
        round(sum)
    }
}

impl Output<Float> for f32 {
    #[inline(always)]
    fn finish(sum: f32, _: u32) -> f32 {
        sum
    }
}

struct Resampler<'a, N: Numbers> {
    block: &'a Block<'a>,
    /// The source columns read.
    x: Range<usize>,
    numbers: PhantomData<N>,
}

impl<'a, N: Numbers> Resampler<'a, N> {
    fn new(block: &'a Block<'a>) -> Self {
        Self { block, x: block.across.reads(block.columns.clone()), numbers: PhantomData }
    }

    #[inline(always)]
    fn run<O: Output<N>>(mut self, planes: &mut [Vec<O>]) {
        // decided for the layer as a whole: parts of it must be the same wherever they are cut
        if self.block.down.enlarges() {
            self.columns_first(planes);
        } else {
            self.rows_first(planes);
        }
    }

    /// Shrinking: sums up source rows, then weights what is left across.
    #[inline(always)]
    fn rows_first<O: Output<N>>(&mut self, planes: &mut [Vec<O>]) {
        let Block { reader, down, .. } = *self.block;
        let (channels, w, shift) = (reader.channels(), self.block.columns.len(), down.shift());
        let in_place = N::SLICES && reader.has_slices();
        let mut kept = Kept::<N::Sample>::new(channels, self.x.len(), down.len().min(FEW) + 1);
        let mut middle = vec![N::Middle::default(); self.x.len()];
        let mut sums = Sums::<N>::new(channels, self.x.len());
        for (i, y) in self.block.rows.clone().enumerate() {
            let weights = N::weights(down, y..y + 1);
            let (start, few) = (down.start(y), weights.len() <= FEW);
            if !in_place {
                for (j, w) in weights.iter().enumerate() {
                    let slot = kept.get(start + j, |out| N::read(reader, start + j, self.x.clone(), out));
                    if !few {
                        (0..channels).for_each(|c| sums.add(c, kept.at(slot, c), *w, j == 0, N::first));
                    }
                }
            }
            for (channel, plane) in planes.iter_mut().enumerate() {
                let row = |j| match N::slice(reader, channel, start + j, self.x.clone()) {
                    Some(row) if in_place => row,
                    _ => kept.row(start + j, channel),
                };
                if few {
                    mix::<N, _, _>(row, weights, N::first, |sum| N::middle(sum, shift), &mut middle);
                } else {
                    if in_place {
                        let rows = weights.iter().enumerate();
                        rows.for_each(|(j, w)| sums.add(channel, row(j), *w, j == 0, N::first));
                    }
                    sums.finish(channel, |sum| N::middle(sum, shift), &mut middle);
                }
                self.across(&middle, N::second, O::finish, &mut plane[i * w..(i + 1) * w]);
            }
        }
    }

    /// Enlarging: weights each source row across once, then mixes rows, of which there are few.
    #[inline(always)]
    fn columns_first<O: Output<N>>(&mut self, planes: &mut [Vec<O>]) {
        let Block { reader, down, .. } = *self.block;
        let (channels, w, shift) = (reader.channels(), self.block.columns.len(), down.shift());
        let mut kept = Kept::<N::Middle>::new(channels, w, down.len() + 1);
        let mut read: [Vec<N::Sample>; CHANNELS] = Default::default();
        read.iter_mut().take(channels).for_each(|r| r.resize(self.x.len(), N::Sample::default()));
        for (i, y) in self.block.rows.clone().enumerate() {
            let weights = N::weights(down, y..y + 1);
            let start = down.start(y);
            for row in start..start + weights.len() {
                kept.get(row, |out| {
                    N::read(reader, row, self.x.clone(), &mut read.each_mut().map(Vec::as_mut_slice));
                    for (line, out) in read.iter().zip(out.iter_mut()).take(channels) {
                        self.across(line, N::first, N::middle, out);
                    }
                });
            }
            for (channel, plane) in planes.iter_mut().enumerate() {
                let out = &mut plane[i * w..(i + 1) * w];
                mix::<N, _, _>(
                    |j| kept.row(start + j, channel),
                    weights,
                    N::second,
                    |s| O::finish(s, shift),
                    out,
                );
            }
        }
    }

    /// One row across: `line` holds source columns `self.x`.
    #[inline(always)]
    fn across<S: Copy, O>(
        &self,
        line: &[S],
        mul: impl Fn(S, N::Weight) -> N::Sum + Copy,
        finish: impl Fn(N::Sum, u32) -> O + Copy,
        out: &mut [O],
    ) {
        let (taps, columns) = (self.block.across, self.block.columns.clone());
        let pairs = taps.by_pairs(columns.clone());
        let (mut from, end) = (columns.start, columns.end);
        if !pairs.is_empty() {
            self.some_across(line, from..pairs.start, mul, finish, &mut out[..pairs.start - from]);
            let shift = taps.shift();
            let weights = N::weights(taps, pairs.start..pairs.start + 1);
            let line = &line[taps.start(pairs.start) - self.x.start..];
            let out = &mut out[pairs.start - from..pairs.end - from];
            from = pairs.start
                + match *weights {
                    [u, v] => strided::<N, S, O, 2>(line, [u, v], mul, |s| finish(s, shift), out),
                    [u, v, w] => strided::<N, S, O, 3>(line, [u, v, w], mul, |s| finish(s, shift), out),
                    [u, v, w, x] => strided::<N, S, O, 4>(line, [u, v, w, x], mul, |s| finish(s, shift), out),
                    _ => 0,
                };
        }
        self.some_across(line, from..end, mul, finish, &mut out[from - columns.start..]);
    }

    /// Output samples `columns` of a row.
    #[inline(always)]
    fn some_across<S: Copy, O>(
        &self,
        line: &[S],
        columns: Range<usize>,
        mul: impl Fn(S, N::Weight) -> N::Sum + Copy,
        finish: impl Fn(N::Sum, u32) -> O + Copy,
        out: &mut [O],
    ) {
        let taps = self.block.across;
        let shift = taps.shift();
        let starts = taps.starts(columns.clone()).iter().map(|s| *s as usize - self.x.start);
        let weights = N::weights(taps, columns);
        match taps.len() {
            1 => fixed_taps::<N, S, O, 1>(line, starts, weights, mul, |s| finish(s, shift), out),
            2 => fixed_taps::<N, S, O, 2>(line, starts, weights, mul, |s| finish(s, shift), out),
            3 => fixed_taps::<N, S, O, 3>(line, starts, weights, mul, |s| finish(s, shift), out),
            4 => fixed_taps::<N, S, O, 4>(line, starts, weights, mul, |s| finish(s, shift), out),
            n => {
                for ((o, start), w) in out.iter_mut().zip(starts).zip(weights.chunks_exact(n)) {
                    let mut sum = N::Sum::default();
                    line[start..start + n].iter().zip(w).for_each(|(v, w)| sum += mul(*v, *w));
                    *o = finish(sum, shift);
                }
            }
        }
    }
}

/// Sums of TAPS samples with the same weights, two samples on from one sum to the next: plain vector code. Returns
/// how many it made; the last may need a sample that the last pair of the line does not have.
#[inline(always)]
fn strided<N: Numbers, S: Copy, O, const TAPS: usize>(
    line: &[S],
    weights: [N::Weight; TAPS],
    mul: impl Fn(S, N::Weight) -> N::Sum,
    finish: impl Fn(N::Sum) -> O,
    out: &mut [O],
) -> usize {
    let pairs = line.as_chunks::<2>().0;
    let next = if TAPS > 2 { pairs.get(1..).unwrap_or_default() } else { pairs };
    let count = out.len().min(next.len());
    for ((o, [a, b]), [c, d]) in out[..count].iter_mut().zip(pairs).zip(next) {
        let samples = [*a, *b, *c, *d];
        let mut sum = mul(samples[0], weights[0]);
        for i in 1..TAPS {
            sum += mul(samples[i], weights[i]);
        }
        *o = finish(sum);
    }
    count
}

#[inline(always)]
fn fixed_taps<N: Numbers, S: Copy, O, const TAPS: usize>(
    line: &[S],
    starts: impl Iterator<Item = usize>,
    weights: &[N::Weight],
    mul: impl Fn(S, N::Weight) -> N::Sum,
    finish: impl Fn(N::Sum) -> O,
    out: &mut [O],
) {
    for ((o, start), w) in out.iter_mut().zip(starts).zip(weights.chunks_exact(TAPS)) {
        let samples = &line[start..start + TAPS];
        let mut sum = mul(samples[0], w[0]);
        for i in 1..TAPS {
            sum += mul(samples[i], w[i]);
        }
        *o = finish(sum);
    }
}

/// The weighted sum of rows `row(0)`, `row(1)`, ..., finished.
#[inline(always)]
fn mix<'a, N: Numbers, S: Copy + 'a, T>(
    row: impl Fn(usize) -> &'a [S],
    weights: &[N::Weight],
    mul: impl Fn(S, N::Weight) -> N::Sum,
    finish: impl Fn(N::Sum) -> T,
    out: &mut [T],
) {
    match *weights {
        [w] => out.iter_mut().zip(row(0)).for_each(|(o, a)| *o = finish(mul(*a, w))),
        [v, w] => {
            for ((o, a), b) in out.iter_mut().zip(row(0)).zip(row(1)) {
                let mut sum = mul(*a, v);
                sum += mul(*b, w);
                *o = finish(sum);
            }
        }
        [u, v, w] => {
            for (((o, a), b), c) in out.iter_mut().zip(row(0)).zip(row(1)).zip(row(2)) {
                let mut sum = mul(*a, u);
                sum += mul(*b, v);
                sum += mul(*c, w);
                *o = finish(sum);
            }
        }
        _ => {
            let mut sums = Sums::<N>::new(1, out.len());
            weights.iter().enumerate().for_each(|(j, w)| sums.add(0, row(j), *w, j == 0, &mul));
            sums.finish(0, finish, out);
        }
    }
}

/// Weighted sums of many rows, a plane for each channel.
struct Sums<N: Numbers>(Vec<Vec<N::Sum>>);

impl<N: Numbers> Sums<N> {
    fn new(channels: usize, width: usize) -> Self {
        Self(vec![vec![N::Sum::default(); width]; channels])
    }

    #[inline(always)]
    fn add<S: Copy>(
        &mut self,
        channel: usize,
        row: &[S],
        w: N::Weight,
        begin: bool,
        mul: impl Fn(S, N::Weight) -> N::Sum,
    ) {
        let pairs = self.0[channel].iter_mut().zip(row);
        if begin {
            pairs.for_each(|(s, v)| *s = mul(*v, w));
        } else {
            pairs.for_each(|(s, v)| *s += mul(*v, w));
        }
    }

    #[inline(always)]
    fn finish<T>(&self, channel: usize, finish: impl Fn(N::Sum) -> T, out: &mut [T]) {
        out.iter_mut().zip(&self.0[channel]).for_each(|(o, s)| *o = finish(*s));
    }
}

/// The rows read last.
pub(super) struct Kept<T: Number> {
    rows: Scratch<Option<usize>>,
    planes: SmallVec<[Scratch<T>; CHANNELS]>,
    width: usize,
}

impl<T: Number> Kept<T> {
    pub fn new(channels: usize, width: usize, capacity: usize) -> Self {
        let mut rows = Scratch::new(capacity);
        rows.fill(None);
        Self { rows, planes: (0..channels).map(|_| Scratch::new(width * capacity)).collect(), width }
    }

    /// Where row `row` is kept; `read` fetches it if it is not.
    pub fn get(&mut self, row: usize, read: impl FnOnce(&mut Rows<'_, T>)) -> usize {
        let slot = row % self.rows.len();
        if self.rows[slot] != Some(row) {
            read(&mut rows_of(&mut self.planes, slot, self.width));
            self.rows[slot] = Some(row);
        }
        slot
    }

    /// A channel of a row that was got and not replaced since.
    pub fn row(&self, row: usize, channel: usize) -> &[T] {
        self.at(row % self.rows.len(), channel)
    }

    fn at(&self, slot: usize, channel: usize) -> &[T] {
        &self.planes[channel][slot * self.width..(slot + 1) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{Axis, AxisMap};
    use super::super::source::Wanted;
    use super::*;
    use lk_media::{Frame, FrameSpec, PixelFormat, Size, Timestamp};

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 12345u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    /// Both kinds of numbers agree with sums in double precision, at every ratio.
    #[test]
    fn any_ratio_stays_within_one() {
        let size = Size::new(37, 29);
        let bytes = noise(37 * 29 * 3);
        let spec = FrameSpec::of(PixelFormat::Rgb, size);
        let frame = Frame::from_packed(spec, &bytes, Timestamp::ZERO).unwrap();
        let reader = Reader::new(&frame, Wanted::Rgb);
        for (tw, th, flip) in
            [(5.0, 7.5, false), (37.0, 14.0, true), (80.0, 3.3, false), (61.5, 90.0, true), (1.0, 1.0, false)]
        {
            let map = |len: f64, target: f64| AxisMap {
                source: 0.25,
                source_len: len - 0.5,
                target: 0.0,
                target_len: target,
                flip,
            };
            let taps = |m: AxisMap, out: f64, len: usize| {
                Taps::new(Axis::LUMA, 0..out.ceil() as usize, &m, Axis::LUMA, 0..len)
            };
            let (across, down) = (taps(map(37.0, tw), tw, 37), taps(map(29.0, th), th, 29));
            let (columns, rows) = (0..tw.ceil() as usize, 0..th.ceil() as usize);
            for rough in [true, false] {
                let (columns, rows) = (columns.clone(), rows.clone());
                let block = Block { reader: &reader, across: &across, down: &down, columns, rows, rough };
                let planes = block.sample();
                for y in block.rows.clone() {
                    for x in block.columns.clone() {
                        for (c, plane) in planes.iter().enumerate() {
                            let mut sum = 0.0f64;
                            for (j, wy) in down.float(y..y + 1).iter().enumerate() {
                                for (i, wx) in across.float(x..x + 1).iter().enumerate() {
                                    let at = (down.start(y) + j) * 37 + across.start(x) + i;
                                    sum += f64::from(bytes[at * 3 + c]) * f64::from(*wx) * f64::from(*wy);
                                }
                            }
                            let got = f64::from(plane[y * block.columns.len() + x]);
                            assert!((got - sum).abs() < 0.56, "{tw}x{th} at {x},{y}: {got} for {sum}");
                        }
                    }
                }
            }
        }
    }
}
