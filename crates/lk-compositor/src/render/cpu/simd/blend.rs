// SPDX-License-Identifier: GPL-2.0-or-later
//! Blending rows.

use super::*;

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

/// `P·k + D·(1 − A·k)`; see `blend::over`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn over(dst: &mut [u8], values: &[u8], alpha: &[u8], k: u16) -> usize {
    let (k, full, half, spread) = (all(k), all(65535), all(129), all(257));
    let (dst, values, alpha) = (dst.as_chunks_mut().0, values.as_chunks().0, alpha.as_chunks().0);
    for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
        let covered = high(_mm256_mullo_epi16(load_bytes(a), spread), k);
        let below = times(load_bytes(d), _mm256_sub_epi16(full, covered));
        let sum = _mm256_adds_epu16(times(load_bytes(p), k), below);
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, half)), d);
    }
    dst.len().min(values.len()).min(alpha.len()) * LANES
}

/// `P + D·(1 − A)`; see `blend::over_full`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn over_full(dst: &mut [u8], values: &[u8], alpha: &[u8]) -> usize {
    let (full, half) = (all(255), all(128));
    let (dst, values, alpha) = (dst.as_chunks_mut().0, values.as_chunks().0, alpha.as_chunks().0);
    for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
        let product = _mm256_mullo_epi16(load_bytes(d), _mm256_sub_epi16(full, load_bytes(a)));
        let t = _mm256_add_epi16(product, half);
        let below = _mm256_srli_epi16::<8>(_mm256_add_epi16(t, _mm256_srli_epi16::<8>(t)));
        // packing saturates
        store_bytes(_mm256_add_epi16(load_bytes(p), below), d);
    }
    dst.len().min(values.len()).min(alpha.len()) * LANES
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
