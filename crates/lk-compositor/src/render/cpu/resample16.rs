// SPDX-License-Identifier: GPL-2.0-or-later
//! Separable resampling in 16 bits (see [`super::wide`]): all but the strongest reductions, and sources that reach
//! below 0 or above 255, go this way.

use super::kernels16::{self as kernels, high};
use super::resample::{Block, Kept};
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
    // halves must not be lost by products that were cut off
    let half = 128 + (block.across.len() + block.down.len()) as u16;
    // decided for the layer as a whole: parts of it must be the same wherever they are cut
    if block.down.enlarges() {
        columns_first(block, half, planes);
    } else {
        rows_first(block, half, planes);
    }
}

/// Shrinking: sums up source rows, then weights what is left across.
fn rows_first(block: &Block<'_>, half: u16, planes: &mut [Vec<u8>]) {
    let Block { reader, across, down, .. } = *block;
    let (channels, width) = (reader.channels(), block.columns.len());
    let x = across.reads(block.columns.clone());
    let in_place = reader.has_slices();
    let mut kept = Kept::<u16>::new(if in_place { 0 } else { channels }, x.len(), down.len() + 1);
    // vectors may be read beyond the end
    let (mut middle, mut made) = (Scratch::new(x.len() + 32), Scratch::new(width));
    for (i, y) in block.rows.clone().enumerate() {
        let (start, weights) = (down.start(y), down.wide(y..y + 1));
        if in_place {
            for (channel, plane) in planes.iter_mut().enumerate() {
                let mut rows = [&[][..]; MOST];
                for (j, row) in rows.iter_mut().enumerate().take(weights.len()) {
                    *row = reader.slice(channel, start + j, x.clone()).unwrap_or_default();
                }
                kernels::mix_bytes(&rows[..weights.len()], weights, &mut middle[..x.len()]);
                weigh(across, &middle, x.start, block.columns.clone(), &mut made);
                kernels::to_bytes(&made, half, &mut plane[i * width..(i + 1) * width]);
            }
            continue;
        }
        for row in start..start + weights.len() {
            kept.get(row, |out| reader.wide(row, x.clone(), out));
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

/// One row across: `line` begins with source column `first`.
fn weigh(taps: &Taps, line: &[u16], first: usize, columns: Range<usize>, out: &mut [u16]) {
    if taps.is_identity() {
        // no weight at all, so nothing is cut off
        return out.copy_from_slice(&line[..out.len()]);
    }
    let pairs = taps.by_pairs(columns.clone());
    let at = pairs.start - columns.start..pairs.end - columns.start;
    scattered(taps, line, first, columns.start..pairs.start, &mut out[..at.start]);
    let mut done = 0;
    if !pairs.is_empty() {
        let weights = taps.wide(pairs.start..pairs.start + 1);
        done = kernels::strided(&line[taps.start(pairs.start) - first..], weights, &mut out[at.clone()]);
    }
    scattered(taps, line, first, pairs.start + done..columns.end, &mut out[at.start + done..]);
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
