// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of YUV made R'G'B' or luma of another YUV; see `super::super::yuv16`.

use super::*;
use crate::render::cpu::yuv16::{Chroma, ToRgb};

/// Chroma at 32 luma samples less 128, in sixteenths: those of the low and the high halves of 128-bit lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(line: &[u16], centred: bool) -> Option<[__m256i; 2]> {
    let at = |i: usize| line.get(i..i + LANES).and_then(|l| l.first_chunk()).map(|l| load(l));
    let (own, after) = (at(1)?, at(2)?);
    let twice = |v| _mm256_slli_epi16::<1>(v);
    let (even, odd) = if centred {
        let three = _mm256_add_epi16(own, twice(own));
        (_mm256_add_epi16(at(0)?, three), _mm256_add_epi16(three, after))
    } else {
        (twice(twice(own)), twice(_mm256_add_epi16(own, after)))
    };
    let middle = all(2048);
    let (low, high) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
    Some([_mm256_sub_epi16(low, middle), _mm256_sub_epi16(high, middle)])
}

/// The first of `CHANNELS` of R', G' and B' in 1/64, not clamped: `put` gets channel, place and 32 sums, those of the
/// low and the high halves of 128-bit lanes. How many were made.
#[inline]
#[target_feature(enable = "avx2")]
fn sums<const CHANNELS: usize>(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    mut put: impl FnMut(usize, usize, [__m256i; 2]),
) -> usize {
    let (weight, zero) = (all(m.luma), _mm256_setzero_si256());
    let number = |v: i16| _mm256_set1_epi16(v);
    let mut make = |at: usize| {
        let y = luma.get(at..at + 32).and_then(|y| y.first_chunk()).map(|y| load_row(y))?;
        let y = [_mm256_unpacklo_epi8(zero, y), _mm256_unpackhi_epi8(zero, y)];
        let y = y.map(|y| _mm256_mulhi_epu16(y, weight));
        let [u, v] = chroma.lines;
        let chroma = [spread(u.get(at / 2..)?, chroma.centred)?, spread(v.get(at / 2..)?, chroma.centred)?];
        for c in 0..CHANNELS {
            let sums = [0, 1].map(|half: usize| {
                let mut sum = _mm256_adds_epi16(y[half], number(m.offset[c]));
                for (chroma, (whole, part)) in chroma.iter().zip(m.chroma[c]) {
                    // most weights of R' and B' are nothing, and those of G' have no whole part
                    let mut term = zero;
                    if part != 0 {
                        term = _mm256_mulhi_epi16(_mm256_slli_epi16::<4>(chroma[half]), number(part));
                    }
                    if whole != 0 {
                        let product = _mm256_mullo_epi16(_mm256_slli_epi16::<2>(chroma[half]), number(whole));
                        term = _mm256_add_epi16(term, product);
                    }
                    sum = _mm256_adds_epi16(sum, term);
                }
                sum
            });
            put(c, at, sums);
        }
        Some(())
    };
    let len = luma.len();
    for done in (0..len).step_by(32) {
        if make(done).is_none() {
            // the last ones together with some that are made already
            let last = len.checked_sub(32).filter(|at| at % 2 == 0);
            return last.and_then(make).map_or(done, |()| len);
        }
    }
    len
}

/// 32 sums as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes([low, high]: [__m256i; 2]) -> __m256i {
    let half = all(32);
    let rounded = |v| _mm256_srai_epi16::<6>(_mm256_adds_epi16(v, half));
    _mm256_packus_epi16(rounded(low), rounded(high))
}

/// Luma as bytes.
#[target_feature(enable = "avx2")]
pub(in super::super) fn luma_of_yuv(luma: &[u8], chroma: &Chroma<'_>, m: &ToRgb, out: &mut [u8]) -> usize {
    sums::<1>(luma, chroma, m, |_, at, made| {
        if let Some(out) = out.get_mut(at..at + 32).and_then(|o| o.first_chunk_mut()) {
            store_row(bytes(made), out);
        }
    })
}

/// R', G' and B' as bytes.
#[target_feature(enable = "avx2")]
pub(in super::super) fn rgb_of_yuv(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    out: &mut [&mut [u8]; 3],
) -> usize {
    sums::<3>(luma, chroma, m, |c, at, made| {
        if let Some(out) = out[c].get_mut(at..at + 32).and_then(|o| o.first_chunk_mut()) {
            store_row(bytes(made), out);
        }
    })
}

/// R', G' and B' in 1/256.
#[target_feature(enable = "avx2")]
pub(in super::super) fn wide_rgb_of_yuv(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    out: &mut [&mut [u16]; 3],
) -> usize {
    let (zero, most) = (_mm256_setzero_si256(), all(255 * 64));
    let clamped = |v| _mm256_slli_epi16::<2>(_mm256_min_epi16(_mm256_max_epi16(v, zero), most));
    sums::<3>(luma, chroma, m, |c, at, made| {
        let [low, high] = made.map(clamped);
        let halves = [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)];
        if let Some(out) = out[c].get_mut(at..at + 32) {
            out.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(out, half)| store(half, out));
        }
    })
}
