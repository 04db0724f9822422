// SPDX-License-Identifier: GPL-2.0-or-later
//! Blending rows. Bytes are taken apart within 128-bit lanes and packed again the same way; planes of a layer share what
//! is made of its alpha.

use super::*;

/// Samples that all of some rows have.
fn common<const N: usize>(dst: &[&mut [u8]; N], values: &[&[u8]; N], alpha: &[u8]) -> usize {
    dst.iter().map(|d| d.len()).chain(values.iter().map(|v| v.len())).fold(alpha.len(), usize::min)
}

/// Sixteen bytes, and nothing.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half(from: &[u8; LANES]) -> __m256i {
    // SAFETY: the reference is to 16 readable bytes; no alignment is asked for.
    #[allow(unsafe_code)]
    _mm256_zextsi128_si256(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
}

/// The first sixteen bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn store_half(v: __m256i, to: &mut [u8; LANES]) {
    // SAFETY: the reference is to 16 bytes that may be written; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_castsi256_si128(v));
    }
}

/// Bytes in the high halves of numbers: those of the low and of the high halves of lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn raised(v: __m256i) -> [__m256i; 2] {
    let zero = _mm256_setzero_si256();
    [_mm256_unpacklo_epi8(zero, v), _mm256_unpackhi_epi8(zero, v)]
}

/// Bytes as numbers, in the same order.
#[inline]
#[target_feature(enable = "avx2")]
fn widened(v: __m256i) -> [__m256i; 2] {
    let zero = _mm256_setzero_si256();
    [_mm256_unpacklo_epi8(v, zero), _mm256_unpackhi_epi8(v, zero)]
}

/// What an alpha leaves of the canvas, in 1/65536.
#[inline]
#[target_feature(enable = "avx2")]
fn left_by(a: __m256i, k: __m256i) -> [__m256i; 2] {
    let full = all(65535);
    // twice the same byte is the byte times 257
    [
        _mm256_xor_si256(high(_mm256_unpacklo_epi8(a, a), k), full),
        _mm256_xor_si256(high(_mm256_unpackhi_epi8(a, a), k), full),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn weighed(d: __m256i, p: __m256i, left: [__m256i; 2], k: __m256i) -> __m256i {
    let ([d0, d1], [p0, p1], half) = (raised(d), raised(p), all(129));
    let sum0 = _mm256_adds_epu16(_mm256_adds_epu16(high(p0, k), high(d0, left[0])), half);
    let sum1 = _mm256_adds_epu16(_mm256_adds_epu16(high(p1, k), high(d1, left[1])), half);
    _mm256_packus_epi16(_mm256_srli_epi16::<8>(sum0), _mm256_srli_epi16::<8>(sum1))
}

/// `v · (255 - a) / 255`, to the nearest; `rest` is the latter widened.
#[inline]
#[target_feature(enable = "avx2")]
fn reduced(v: __m256i, rest: [__m256i; 2]) -> __m256i {
    let ([v0, v1], half, spread) = (widened(v), all(128), all(257));
    // the same as adding a 256th and dividing by 256
    let t0 = high(_mm256_add_epi16(_mm256_mullo_epi16(v0, rest[0]), half), spread);
    let t1 = high(_mm256_add_epi16(_mm256_mullo_epi16(v1, rest[1]), half), spread);
    _mm256_packus_epi16(t0, t1)
}

/// `P·k + D·(1 − A·k)`; see `blend::over`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn over<const N: usize>(
    dst: &mut [&mut [u8]; N],
    values: &[&[u8]; N],
    alpha: &[u8],
    k: u16,
) -> usize {
    let (len, k) = (common(dst, values, alpha), all(k));
    let mut at = 0;
    while let Some(a) = alpha[..len].get(at..).and_then(|a| a.first_chunk()) {
        let left = left_by(load_row(a), k);
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_row(weighed(load_row(d), load_row(p), left, k), d);
        }
        at += 32;
    }
    if let Some(a) = alpha[..len].get(at..).and_then(|a| a.first_chunk()) {
        let left = left_by(load_half(a), k);
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_half(weighed(load_half(d), load_half(p), left, k), d);
        }
        at += LANES;
    }
    at
}

/// `P + D·(1 − A)`; see `blend::over_full`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn over_full<const N: usize>(
    dst: &mut [&mut [u8]; N],
    values: &[&[u8]; N],
    alpha: &[u8],
) -> usize {
    let (len, full) = (common(dst, values, alpha), _mm256_set1_epi8(-1));
    let mut at = 0;
    while let Some(a) = alpha[..len].get(at..).and_then(|a| a.first_chunk()) {
        let rest = widened(_mm256_xor_si256(load_row(a), full));
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_row(_mm256_adds_epu8(load_row(p), reduced(load_row(d), rest)), d);
        }
        at += 32;
    }
    if let Some(a) = alpha[..len].get(at..).and_then(|a| a.first_chunk()) {
        let rest = widened(_mm256_xor_si256(load_half(a), full));
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_half(_mm256_adds_epu8(load_half(p), reduced(load_half(d), rest)), d);
        }
        at += LANES;
    }
    at
}

/// `P·k + D·rest`; see `blend::mix`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mix(dst: &mut [u8], values: &[u8], k: u16, rest: u16) -> usize {
    let (k, rest, half) = (all(k), all(rest), all(129));
    let (dst, values) = (dst.as_chunks_mut().0, values.as_chunks().0);
    for (d, p) in dst.iter_mut().zip(values) {
        let sum = _mm256_add_epi16(times(load_bytes(p), k), times(load_bytes(d), rest));
        store_bytes(_mm256_srli_epi16::<8>(_mm256_add_epi16(sum, half)), d);
    }
    dst.len().min(values.len()) * LANES
}

/// `D + P·k`; see `blend::add`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn add(dst: &mut [u8], values: &[u8], k: u16) -> usize {
    let (k, half) = (all(k), all(128));
    let (dst, values) = (dst.as_chunks_mut().0, values.as_chunks().0);
    for (d, p) in dst.iter_mut().zip(values) {
        let sum = _mm256_adds_epu16(_mm256_slli_epi16::<8>(load_bytes(d)), times(load_bytes(p), k));
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, half)), d);
    }
    dst.len().min(values.len()) * LANES
}
