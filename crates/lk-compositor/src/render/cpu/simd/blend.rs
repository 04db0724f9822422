// SPDX-License-Identifier: GPL-2.0-or-later
//! Blending rows. Bytes are taken apart within 128-bit lanes and packed again the same way; planes of a layer share what
//! is made of its alpha.

use super::color::{apart_in_lanes, mul_255};
use super::*;
use lk_media::kernel::prefetch_beyond;

/// How far ahead of the pixels being blended memory is asked for.
const AHEAD: usize = 2048;

/// Samples that all of some rows have.
fn common<const N: usize>(dst: &[&mut [u8]; N], values: &[&[u8]; N], alpha: &[u8]) -> usize {
    dst.iter().map(|d| d.len()).chain(values.iter().map(|v| v.len())).fold(alpha.len(), usize::min)
}

/// Asks for what is laid after the samples from `at` on, a line at a time.
#[inline(always)]
fn ask<const N: usize>(values: &[&[u8]; N], alpha: &[u8], at: usize) {
    if at.is_multiple_of(64) {
        prefetch_beyond(alpha, at + AHEAD);
        values.iter().for_each(|values| prefetch_beyond(values, at + AHEAD));
    }
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

/// The same of an alpha that is a number.
#[inline]
#[target_feature(enable = "avx2")]
fn left_by_number(a: __m256i, k: __m256i) -> __m256i {
    _mm256_xor_si256(high(_mm256_mullo_epi16(a, all(257)), k), all(65535))
}

/// Values and what is left of the canvas, in high halves of numbers, weighted and added up to bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn weighed([d0, d1]: [__m256i; 2], [p0, p1]: [__m256i; 2], left: [__m256i; 2], k: __m256i) -> __m256i {
    let half = all(129);
    let sum0 = _mm256_adds_epu16(_mm256_adds_epu16(high(p0, k), high(d0, left[0])), half);
    let sum1 = _mm256_adds_epu16(_mm256_adds_epu16(high(p1, k), high(d1, left[1])), half);
    _mm256_packus_epi16(_mm256_srli_epi16::<8>(sum0), _mm256_srli_epi16::<8>(sum1))
}

/// `v · (255 - a) / 255`, to the nearest; `rest` is the latter widened.
#[inline]
#[target_feature(enable = "avx2")]
fn reduced(v: __m256i, rest: [__m256i; 2]) -> __m256i {
    let [v0, v1] = widened(v);
    _mm256_packus_epi16(mul_255(v0, rest[0]), mul_255(v1, rest[1]))
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
        ask(values, alpha, at);
        let left = left_by(load_row(a), k);
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_row(weighed(raised(load_row(d)), raised(load_row(p)), left, k), d);
        }
        at += 32;
    }
    if let Some(a) = alpha[..len].get(at..).and_then(|a| a.first_chunk()) {
        let left = left_by(load_half(a), k);
        for (dst, values) in dst.iter_mut().zip(values) {
            let (Some(d), Some(p)) = (dst[at..].first_chunk_mut(), values[at..].first_chunk()) else {
                return at;
            };
            store_half(weighed(raised(load_half(d)), raised(load_half(p)), left, k), d);
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
        ask(values, alpha, at);
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

/// Pixels of four bytes laid over planes of their colours; see `blend::pixels`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn pixels<const STRAIGHT: bool, const WHOLE: bool>(
    dst: &mut [&mut [u8]; 3],
    row: &[u8],
    k: u16,
) -> usize {
    let k = all(k);
    for (i, group) in row.as_chunks::<128>().0.iter().enumerate() {
        prefetch_beyond(group, AHEAD);
        prefetch_beyond(group, AHEAD + 64);
        let [low, upper] = apart_in_lanes(group);
        let alpha = [low[3], upper[3]];
        let left = match WHOLE {
            true => [_mm256_xor_si256(alpha[0], all(255)), _mm256_xor_si256(alpha[1], all(255))],
            false => [left_by_number(alpha[0], k), left_by_number(alpha[1], k)],
        };
        for (c, dst) in dst.iter_mut().enumerate() {
            let mut p = [low[c], upper[c]];
            if STRAIGHT {
                p = [mul_255(p[0], alpha[0]), mul_255(p[1], alpha[1])];
            }
            let Some(d) = dst.get_mut(32 * i..).and_then(|d| d.first_chunk_mut()) else { return 32 * i };
            let before = load_row(d);
            let made = match WHOLE {
                true => {
                    let [d0, d1] = widened(before);
                    let (d0, d1) = (mul_255(d0, left[0]), mul_255(d1, left[1]));
                    _mm256_packus_epi16(_mm256_add_epi16(p[0], d0), _mm256_add_epi16(p[1], d1))
                }
                false => {
                    let p = [_mm256_slli_epi16::<8>(p[0]), _mm256_slli_epi16::<8>(p[1])];
                    weighed(raised(before), p, left, k)
                }
            };
            store_row(made, d);
        }
    }
    row.len() / 128 * 32
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
