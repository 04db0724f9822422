// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of YUV made R'G'B' or luma of another YUV; see `super::super::yuv16`.

use super::*;
use crate::render::cpu::yuv16::{Chroma, ToRgb};

/// Chroma samples that 32 luma samples take.
const CHROMA: usize = LANES + 2;

#[inline]
#[target_feature(enable = "avx2")]
fn twice(v: __m256i) -> __m256i {
    _mm256_slli_epi16::<1>(v)
}

/// Chroma at 32 luma samples less 128, in sixteenths: those of the low and the high halves of 128-bit lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn spread<const CENTRED: bool>(line: &[u16; CHROMA]) -> (__m256i, __m256i) {
    let [before @ .., _, _] = line;
    let [_, own @ .., _] = line;
    let [_, _, after @ ..] = line;
    let (own, after) = (load(own), load(after));
    let (even, odd) = if CENTRED {
        let three = _mm256_add_epi16(own, twice(own));
        (_mm256_add_epi16(load(before), three), _mm256_add_epi16(three, after))
    } else {
        (twice(twice(own)), twice(_mm256_add_epi16(own, after)))
    };
    let middle = all(2048);
    let (low, high) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
    (_mm256_sub_epi16(low, middle), _mm256_sub_epi16(high, middle))
}

/// What a chroma component adds. Constants say what of its weight there is: a branch in the loop would have the compiler
/// take products apart.
#[inline]
#[target_feature(enable = "avx2")]
fn term<const WHOLE: bool>(chroma: __m256i, (whole, part): (i16, i16)) -> __m256i {
    let term = high_signed(_mm256_slli_epi16::<4>(chroma), _mm256_set1_epi16(part));
    if !WHOLE {
        return term;
    }
    _mm256_add_epi16(term, _mm256_mullo_epi16(_mm256_slli_epi16::<2>(chroma), _mm256_set1_epi16(whole)))
}

/// The sum for a channel in 1/64, not clamped; `PLAIN` as [`ToRgb::is_plain`] says.
#[inline]
#[target_feature(enable = "avx2")]
fn sum<const PLAIN: bool>(y: __m256i, u: __m256i, v: __m256i, m: &ToRgb, c: usize) -> __m256i {
    let sum = _mm256_adds_epi16(y, _mm256_set1_epi16(m.offset[c]));
    let [by_u, by_v] = m.chroma[c];
    match (PLAIN, c) {
        (true, 0) => _mm256_adds_epi16(sum, term::<true>(v, by_v)),
        (true, 1) => {
            _mm256_adds_epi16(_mm256_adds_epi16(sum, term::<false>(u, by_u)), term::<false>(v, by_v))
        }
        (true, _) => _mm256_adds_epi16(sum, term::<true>(u, by_u)),
        _ => _mm256_adds_epi16(_mm256_adds_epi16(sum, term::<true>(u, by_u)), term::<true>(v, by_v)),
    }
}

/// The first `CHANNELS` of R', G' and B': `put` gets channel, place and 32 sums, those of the low and of the high
/// halves of 128-bit lanes. How many were made.
#[inline]
#[target_feature(enable = "avx2")]
fn sums<const CHANNELS: usize, const CENTRED: bool, const PLAIN: bool>(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    mut put: impl FnMut(usize, usize, __m256i, __m256i),
) -> usize {
    let (weight, zero, even) = (all(m.luma), _mm256_setzero_si256(), luma.len() / 2 * 2);
    let mut at = 0;
    while at < even {
        if at + 32 > even && even >= 32 {
            // the last ones together with some that are made already
            at = even - 32;
        }
        let chunk = |line: usize| chroma.lines[line].get(at / 2..).and_then(|l| l.first_chunk());
        let (Some(y), Some(u), Some(v)) = (luma[at..].first_chunk(), chunk(0), chunk(1)) else { return at };
        let y = load_row(y);
        let y_low = high(_mm256_unpacklo_epi8(zero, y), weight);
        let y_high = high(_mm256_unpackhi_epi8(zero, y), weight);
        let (u_low, u_high) = spread::<CENTRED>(u);
        let (v_low, v_high) = spread::<CENTRED>(v);
        for c in 0..CHANNELS {
            put(c, at, sum::<PLAIN>(y_low, u_low, v_low, m, c), sum::<PLAIN>(y_high, u_high, v_high, m, c));
        }
        at += 32;
    }
    even
}

/// 32 sums as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(low: __m256i, high: __m256i) -> __m256i {
    let half = all(32);
    let low = _mm256_srai_epi16::<6>(_mm256_adds_epi16(low, half));
    _mm256_packus_epi16(low, _mm256_srai_epi16::<6>(_mm256_adds_epi16(high, half)))
}

/// Luma as bytes.
#[target_feature(enable = "avx2")]
pub(in super::super) fn luma_of_yuv(luma: &[u8], chroma: &Chroma<'_>, m: &ToRgb, out: &mut [u8]) -> usize {
    let put = |_, at: usize, low, high| {
        if let Some(out) = out.get_mut(at..at + 32).and_then(|o| o.first_chunk_mut()) {
            store_row(bytes(low, high), out);
        }
    };
    if chroma.centred {
        sums::<1, true, false>(luma, chroma, m, put)
    } else {
        sums::<1, false, false>(luma, chroma, m, put)
    }
}

/// R', G' and B' for [`sums`].
macro_rules! rgb_sums {
    ($luma:ident, $chroma:ident, $m:ident, $put:ident) => {
        match ($chroma.centred, $m.is_plain()) {
            (false, true) => sums::<3, false, true>($luma, $chroma, $m, $put),
            (true, true) => sums::<3, true, true>($luma, $chroma, $m, $put),
            (false, false) => sums::<3, false, false>($luma, $chroma, $m, $put),
            (true, false) => sums::<3, true, false>($luma, $chroma, $m, $put),
        }
    };
}

/// R', G' and B' as bytes.
#[target_feature(enable = "avx2")]
pub(in super::super) fn rgb_of_yuv(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    out: &mut [&mut [u8]; 3],
) -> usize {
    let put = |c: usize, at: usize, low, high| {
        if let Some(out) = out[c].get_mut(at..at + 32).and_then(|o| o.first_chunk_mut()) {
            store_row(bytes(low, high), out);
        }
    };
    rgb_sums!(luma, chroma, m, put)
}

/// R', G' and B' in 1/256.
#[target_feature(enable = "avx2")]
pub(in super::super) fn wide_rgb_of_yuv(
    luma: &[u8],
    chroma: &Chroma<'_>,
    m: &ToRgb,
    out: &mut [&mut [u16]; 3],
) -> usize {
    let put = |c: usize, at: usize, low, high| {
        let Some(out) = out[c].get_mut(at..at + 32) else { return };
        if let [first, second] = out.as_chunks_mut().0 {
            let (low, high) = (clamped(low), clamped(high));
            store(_mm256_permute2x128_si256::<0x20>(low, high), first);
            store(_mm256_permute2x128_si256::<0x31>(low, high), second);
        }
    };
    rgb_sums!(luma, chroma, m, put)
}

/// Sums between 0 and 255, in 1/256.
#[inline]
#[target_feature(enable = "avx2")]
fn clamped(sums: __m256i) -> __m256i {
    let low = _mm256_max_epi16(sums, _mm256_setzero_si256());
    _mm256_slli_epi16::<2>(_mm256_min_epi16(low, all(255 * 64)))
}
