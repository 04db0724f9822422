// SPDX-License-Identifier: GPL-2.0-or-later
//! Separable resampling in 16 bits (see [`super::wide`]): all but the strongest reductions, and sources that reach
//! below 0 or above 255, go this way.

use super::kernels16::{self as kernels, high};
use super::resample::{Block, Kept, Sheet};
use super::scratch::Scratch;
use super::source::CHANNELS;
use super::weights::Taps;
use std::ops::Range;

/// As many samples along an axis may make one: each costs up to 1/256.
const MOST: usize = 16;

/// Whether [`sample`] can make the block.
pub(super) fn fits(block: &Block<'_>) -> bool {
    block.reader.is_bounded() && block.across.len().max(block.down.len()) <= MOST
}

/// The block, a plane of bytes for each channel.
pub(super) fn sample(block: &Block<'_>, planes: &mut [Vec<u8>]) {
    let half = half_of(block);
    // decided for the layer as a whole: parts of it must be the same wherever they are cut
    if block.down.enlarges() {
        columns_first(block, half, planes);
    } else if let (Some(colours), true) = (block.reader.colours(), shrinks(block.across)) {
        colours_first(block, colours, half, planes);
    } else {
        rows_first(block, half, planes);
    }
}

/// Whether [`rows_in_place`] can make the block.
pub(super) fn is_in_place(block: &Block<'_>) -> bool {
    let colours = block.reader.colours().is_some() && shrinks(block.across);
    block.reader.has_slices() && fits(block) && !block.down.enlarges() && !colours
}

fn shrinks(taps: &Taps) -> bool {
    taps.len() > 1 && !taps.enlarges()
}

/// What sums are rounded by: halves must not be lost by products that were cut off.
fn half_of(block: &Block<'_>) -> u16 {
    128 + (block.across.len() + block.down.len()) as u16
}

/// Shrinking: sums up source rows, then weights what is left across.
fn rows_first(block: &Block<'_>, half: u16, planes: &mut [Vec<u8>]) {
    let Block { reader, across, down, .. } = *block;
    let (channels, width) = (reader.channels(), block.columns.len());
    let x = across.reads(block.columns.clone());
    let mut kept = Kept::<u16>::new(channels, x.len(), down.len() + 1);
    // vectors may be read beyond the end
    let (mut middle, mut made) = (Scratch::new(x.len() + 32), Scratch::new(width));
    for (i, y) in block.rows.clone().enumerate() {
        let (start, weights) = (down.start(y), down.wide(y..y + 1));
        for row in start..start + weights.len() {
            kept.get(row, |out| {
                reader.ahead(row, x.clone());
                reader.wide(row, x.clone(), out);
            });
        }
        for (channel, plane) in planes.iter_mut().enumerate() {
            let mut rows = [&[][..]; MOST];
            (0..weights.len()).for_each(|j| rows[j] = kept.row(start + j, channel));
            let out = &mut plane[i * width..(i + 1) * width];
            if across.is_identity() {
                kernels::mix_rows_to_bytes(&rows[..weights.len()], weights, half, out);
                continue;
            }
            let line = if let [row] = &rows[..weights.len()] {
                row
            } else {
                kernels::mix_rows(&rows[..weights.len()], weights, &mut middle[..x.len()]);
                &middle[..]
            };
            weigh(across, line, x.start, block.columns.clone(), &mut made);
            kernels::to_bytes(&made, half, out);
        }
    }
}

/// The same of a channel whose rows lie in the frame just so.
pub(super) fn rows_in_place(block: &Block<'_>, channel: usize, out: &mut Sheet<'_>) {
    let Block { reader, across, down, .. } = *block;
    let half = half_of(block);
    let x = across.reads(block.columns.clone());
    let Some(lines) = reader.slices(channel, &x) else { return };
    let (mut middle, mut made) = (Scratch::new(x.len() + 32), Scratch::new(block.columns.len()));
    let mut unread = 0;
    for (i, y) in block.rows.clone().enumerate() {
        let (start, weights) = (down.start(y), down.wide(y..y + 1));
        (unread.max(start)..start + weights.len()).for_each(|row| lines.ahead(row));
        unread = start + weights.len();
        if let (Some(weights), true) = (across.eighths(), down.halves_at(y)) {
            eighths(block, [lines.row(start), lines.row(start + 1)], x.start, weights, half, out.row(i));
            continue;
        }
        let mut rows = [&[][..]; MOST];
        for (j, row) in rows.iter_mut().enumerate().take(weights.len()) {
            *row = lines.row(start + j);
        }
        kernels::mix_bytes(&rows[..weights.len()], weights, &mut middle[..x.len()]);
        weigh(across, &middle, x.start, block.columns.clone(), &mut made);
        kernels::to_bytes(&made, half, out.row(i));
    }
}

/// Shrinking to chroma: what is left of the colours is made chroma.
fn colours_first(block: &Block<'_>, colours: usize, half: u16, planes: &mut [Vec<u8>]) {
    let Block { reader, across, down, .. } = *block;
    let width = block.columns.len();
    let x = across.reads(block.columns.clone());
    let mut kept = Kept::<u16>::new(colours, x.len(), down.len() + 1);
    // vectors may be read beyond the end
    let mut middle: [Scratch<u16>; CHANNELS] = std::array::from_fn(|_| Scratch::new(x.len() + 32));
    let mut made: [Scratch<u16>; CHANNELS] =
        std::array::from_fn(|c| Scratch::new(if c < colours { width } else { 0 }));
    let mut chroma: [Scratch<u16>; CHANNELS] =
        std::array::from_fn(|c| Scratch::new(if c < reader.channels() { width } else { 0 }));
    for (i, y) in block.rows.clone().enumerate() {
        let (start, weights) = (down.start(y), down.wide(y..y + 1));
        let halves = down.halves_at(y);
        if halves {
            // most chroma there is: rows are added up while their pixels are taken apart
            (start..start + 2).for_each(|row| reader.ahead(row, x.clone()));
            let mut lines = middle.each_mut().map(|line| &mut line[..x.len()]);
            if colours < CHANNELS {
                lines[CHANNELS - 1] = &mut [];
            }
            reader.mean_own_colours(start, x.clone(), &mut lines);
        } else {
            for row in start..start + weights.len() {
                kept.get(row, |out| {
                    reader.ahead(row, x.clone());
                    reader.wide_own_colours(row, x.clone(), out);
                });
            }
        }
        for (channel, (made, middle)) in made.iter_mut().zip(&mut middle).enumerate().take(colours) {
            let line = match weights {
                [_] => kept.row(start, channel),
                _ if halves => middle,
                _ => {
                    let mut rows = [&[][..]; MOST];
                    (0..weights.len()).for_each(|j| rows[j] = kept.row(start + j, channel));
                    kernels::mix_rows(&rows[..weights.len()], weights, &mut middle[..x.len()]);
                    middle
                }
            };
            weigh(across, line, x.start, block.columns.clone(), made);
        }
        reader.chroma_of(made.each_ref().map(|made| &made[..]), &mut chroma.each_mut().map(|c| &mut c[..]));
        for (plane, chroma) in planes.iter_mut().zip(&chroma) {
            kernels::to_bytes(chroma, half, &mut plane[i * width..(i + 1) * width]);
        }
    }
}

/// Enlarging: weights each source row across once, then mixes rows, of which there are few.
fn columns_first(block: &Block<'_>, half: u16, planes: &mut [Vec<u8>]) {
    let Block { reader, across, down, .. } = *block;
    let (channels, width) = (reader.channels(), block.columns.len());
    let x = across.reads(block.columns.clone());
    let mut kept = Kept::<u16>::new(channels, width, down.len() + 1);
    let mut read: [Vec<u16>; CHANNELS] = Default::default();
    read.iter_mut().take(channels).for_each(|r| r.resize(x.len(), 0));
    for (i, y) in block.rows.clone().enumerate() {
        let (start, weights) = (down.start(y), down.wide(y..y + 1));
        for row in start..start + weights.len() {
            kept.get(row, |out| {
                reader.ahead(row, x.clone());
                reader.wide(row, x.clone(), &mut read.each_mut().map(Vec::as_mut_slice));
                for (line, out) in read.iter().zip(out.iter_mut()).take(channels) {
                    weigh(across, line, x.start, block.columns.clone(), out);
                }
            });
        }
        for (channel, plane) in planes.iter_mut().enumerate() {
            let mut rows = [&[][..]; MOST];
            (0..weights.len()).for_each(|j| rows[j] = kept.row(start + j, channel));
            let out = &mut plane[i * width..(i + 1) * width];
            kernels::mix_rows_to_bytes(&rows[..weights.len()], weights, half, out);
        }
    }
}

/// Means of two rows with, but for the edges, whole eighths across: chroma at half the size. No product has a fraction
/// that could be cut off, so that bytes make the same as wider numbers do.
fn eighths(block: &Block<'_>, rows: [&[u8]; 2], first: usize, weights: [u8; 3], half: u16, out: &mut [u8]) {
    let Block { across, columns, .. } = block;
    let pairs = across.by_pairs(columns.clone());
    for column in (columns.start..pairs.start).chain(pairs.end..columns.end) {
        let weights = across.wide(column..column + 1).iter().zip(across.start(column) - first..);
        let sum: u16 = weights.map(|(w, x)| high(rows.map(|r| u16::from(r[x]) << 7).iter().sum(), *w)).sum();
        out[column - columns.start] = (sum.saturating_add(half) >> 8) as u8;
    }
    if !pairs.is_empty() {
        let from = across.start(pairs.start) - first;
        let out = &mut out[pairs.start - columns.start..pairs.end - columns.start];
        kernels::eighths(rows.map(|row| &row[from..]), weights, out);
    }
}

/// One row across: `line` begins with source column `first`.
fn weigh(taps: &Taps, line: &[u16], first: usize, columns: Range<usize>, out: &mut [u16]) {
    if taps.is_identity() {
        // no weight at all, so nothing is cut off
        return out.copy_from_slice(&line[..out.len()]);
    }
    let pairs = taps.by_pairs(columns.clone());
    let in_out = |run: &Range<usize>| run.start - columns.start..run.end - columns.start;
    let (run, done) = match taps.picks(columns.clone()) {
        Some((run, groups, narrow)) => {
            let done = kernels::picked(line, first, groups, narrow, &mut out[in_out(&run)]);
            (run, done)
        }
        None if pairs.is_empty() => (pairs, 0),
        None => {
            let (from, weights) = (taps.start(pairs.start) - first, taps.wide(pairs.start..pairs.start + 1));
            let done = kernels::strided(&line[from..], weights, &mut out[in_out(&pairs)]);
            (pairs, done)
        }
    };
    let at = in_out(&run);
    scattered(taps, line, first, columns.start..run.start, &mut out[..at.start]);
    scattered(taps, line, first, run.start + done..columns.end, &mut out[at.start + done..]);
}

fn scattered(taps: &Taps, line: &[u16], first: usize, columns: Range<usize>, out: &mut [u16]) {
    let starts = taps.starts(columns.clone());
    let done = kernels::scattered(line, starts, first as u32, taps.wide_padded(columns.clone()), out);
    let weights = taps.wide(columns.start + done..columns.end).chunks_exact(taps.len());
    for ((o, start), weights) in out[done..].iter_mut().zip(&starts[done..]).zip(weights) {
        let samples = &line[*start as usize - first..][..weights.len()];
        *o = samples.iter().zip(weights).map(|(v, w)| high(*v, *w)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::cpu::geometry::{Axis, AxisMap};

    /// Whatever vectors a row is made in, each sample is the sum of its products.
    #[test]
    fn every_sample_is_its_own_sum() {
        let line: Vec<u16> = (0..432u32).map(|i| (i * 40_503 % 65_281) as u16).collect();
        for (source_len, target_len) in [
            (400.0, 400.0),
            (400.0, 267.0),
            (300.0, 400.0),
            (400.0, 333.3),
            (400.0, 230.0),
            (400.0, 150.0),
            (400.0, 90.0),
        ] {
            for flip in [false, true] {
                let map = AxisMap { source: 0.0, source_len, target: 0.3, target_len, flip };
                let outputs = target_len as usize;
                let taps = Taps::new(Axis::LUMA, 0..outputs, &map, Axis::LUMA, 0..source_len as usize);
                for columns in [0..outputs, 5..outputs - 3, 16..48, 17..40, 3..4] {
                    let read = taps.reads(columns.clone());
                    for slack in [0, 32] {
                        let line = &line[read.start..(read.end + slack).min(line.len())];
                        for portable in [false, true] {
                            lk_media::kernel::portable_only(portable);
                            let mut out = vec![1; columns.len()];
                            weigh(&taps, line, read.start, columns.clone(), &mut out);
                            lk_media::kernel::portable_only(false);
                            for (out, i) in out.iter().zip(columns.clone()) {
                                let samples = &line[taps.start(i) - read.start..];
                                let products = samples.iter().zip(taps.wide(i..i + 1));
                                let sum: u16 = match taps.is_identity() {
                                    true => samples[0],
                                    false => products.map(|(v, w)| high(*v, *w)).sum(),
                                };
                                assert_eq!(
                                    *out, sum,
                                    "{target_len} {flip} {columns:?} {slack} {portable}: {i}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_mixed_alike_in_any_number() {
        let rows: Vec<Vec<u8>> =
            (0..6usize).map(|r| (0..131).map(|i| (i * 37 + r * 91 + i * i % 7) as u8).collect()).collect();
        for count in 1..=6 {
            let rows: Vec<&[u8]> = rows[..count].iter().map(|row| &row[..]).collect();
            let weights: Vec<u16> = (0..count).map(|i| (65_536 / count - i) as u16).collect();
            let made = [false, true].map(|portable| {
                lk_media::kernel::portable_only(portable);
                let mut out = vec![0; 131];
                kernels::mix_bytes(&rows, &weights, &mut out);
                lk_media::kernel::portable_only(false);
                out
            });
            let sum = |i: usize| rows.iter().zip(&weights).map(|(r, w)| high(u16::from(r[i]) << 8, *w)).sum();
            let expected: Vec<u16> = match count {
                1 => rows[0].iter().map(|v| u16::from(*v) << 8).collect(),
                _ => (0..131).map(sum).collect(),
            };
            assert_eq!(made, [expected.clone(), expected], "{count}");
        }
    }
}
