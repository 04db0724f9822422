// SPDX-License-Identifier: GPL-2.0-or-later
//! Row kernels written out for AVX2 where the compiler makes less of plain code: it widens 16-bit products to 32 bits
//! and back. Each returns how many samples it made, always whole vectors; its caller makes the rest, and all of them
//! elsewhere, by the plain code whose results these equal bit for bit.
#![cfg(target_arch = "x86_64")]

use super::wide::ToRgb;
use lk_media::AlphaKind;
use std::arch::x86_64::*;

/// Samples in a vector of 16-bit numbers.
const LANES: usize = 16;

#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &[u16; LANES]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm256_loadu_si256(from.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(v: __m256i, to: &mut [u16; LANES]) {
    // SAFETY: the reference is to 32 bytes that may be written; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm256_storeu_si256(to.as_mut_ptr().cast(), v);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_bytes(from: &[u8; LANES]) -> __m256i {
    // SAFETY: the reference is to 16 readable bytes; no alignment is asked for.
    #[allow(unsafe_code)]
    let bytes = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
    _mm256_cvtepu8_epi16(bytes)
}

/// Numbers below 256 as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn store_bytes(v: __m256i, to: &mut [u8; LANES]) {
    let packed = _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
    // SAFETY: the reference is to 16 bytes that may be written; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm_storeu_si128(to.as_mut_ptr().cast(), packed);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(v: u16) -> __m256i {
    _mm256_set1_epi16(v as i16)
}

/// A byte value times a weight, in 1/256.
#[inline]
#[target_feature(enable = "avx2")]
fn times(value: __m256i, weight: __m256i) -> __m256i {
    _mm256_mulhi_epu16(_mm256_slli_epi16::<8>(value), weight)
}

/// `P·k + D·rest`; see `blend::mix`.
#[target_feature(enable = "avx2")]
pub(super) fn mix(dst: &mut [u8], values: &[u8], k: u16, rest: u16) -> usize {
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
pub(super) fn over(dst: &mut [u8], values: &[u8], alpha: &[u8], k: u16) -> usize {
    let (k, full, half, spread) = (all(k), all(65535), all(129), all(257));
    let (dst, values, alpha) = (dst.as_chunks_mut().0, values.as_chunks().0, alpha.as_chunks().0);
    for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
        let covered = _mm256_mulhi_epu16(_mm256_mullo_epi16(load_bytes(a), spread), k);
        let below = times(load_bytes(d), _mm256_sub_epi16(full, covered));
        let sum = _mm256_adds_epu16(times(load_bytes(p), k), below);
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, half)), d);
    }
    dst.len().min(values.len()).min(alpha.len()) * LANES
}

/// `P + D·(1 − A)`; see `blend::over_full`.
#[target_feature(enable = "avx2")]
pub(super) fn over_full(dst: &mut [u8], values: &[u8], alpha: &[u8]) -> usize {
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
pub(super) fn add(dst: &mut [u8], values: &[u8], k: u16) -> usize {
    let (k, half) = (all(k), all(128));
    let (dst, values) = (dst.as_chunks_mut().0, values.as_chunks().0);
    for (d, p) in dst.iter_mut().zip(values) {
        let sum = _mm256_adds_epu16(_mm256_slli_epi16::<8>(load_bytes(d)), times(load_bytes(p), k));
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, half)), d);
    }
    dst.len().min(values.len()) * LANES
}

/// Vector `i` of the weighted sum of rows, cut off product by product.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_of(rows: &[&[u16]], weights: &[u16], i: usize) -> Option<__m256i> {
    let mut sum = _mm256_setzero_si256();
    for (row, weight) in rows.iter().zip(weights) {
        let chunk = row.get(i * LANES..(i + 1) * LANES)?.first_chunk()?;
        sum = _mm256_add_epi16(sum, _mm256_mulhi_epu16(load(chunk), all(*weight)));
    }
    Some(sum)
}

/// The weighted sum of rows, cut off product by product.
#[target_feature(enable = "avx2")]
pub(super) fn mix_rows(rows: &[&[u16]], weights: &[u16], out: &mut [u16]) -> usize {
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let Some(sum) = sum_of(rows, weights, i) else { return i * LANES };
        store(sum, o);
    }
    out.len() / LANES * LANES
}

/// The same, to bytes after adding `half`.
#[target_feature(enable = "avx2")]
pub(super) fn mix_rows_to_bytes(rows: &[&[u16]], weights: &[u16], half: u16, out: &mut [u8]) -> usize {
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let Some(sum) = sum_of(rows, weights, i) else { return i * LANES };
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, all(half))), o);
    }
    out.len() / LANES * LANES
}

/// Weighted sums of `N` samples, two samples on from one sum to the next.
#[target_feature(enable = "avx2")]
pub(super) fn strided<const N: usize>(line: &[u16], weights: [u16; N], out: &mut [u16]) -> usize {
    // pairs of samples; those from the third on lie in the next pair
    let pair = |a: u16, b: u16| _mm256_set1_epi32((u32::from(a) | u32::from(b) << 16) as i32);
    let weight = |i: usize| weights.get(i).copied().unwrap_or(0);
    let (first, second) = (pair(weight(0), weight(1)), pair(weight(2), weight(3)));
    let low = _mm256_set1_epi32(0xffff);
    let sums = |at: usize| {
        let chunk = |at: usize| line.get(at..at + LANES).and_then(|l| l.first_chunk::<LANES>());
        let mut sum = _mm256_mulhi_epu16(load(chunk(at)?), first);
        if N > 2 {
            sum = _mm256_add_epi16(sum, _mm256_mulhi_epu16(load(chunk(at + 2)?), second));
        }
        Some(_mm256_and_si256(_mm256_add_epi16(sum, _mm256_srli_epi32::<16>(sum)), low))
    };
    let both = |at: usize| {
        let (a, b) = (sums(2 * at)?, sums(2 * at + LANES)?);
        Some(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(a, b)))
    };
    let mut done = 0;
    for o in out.as_chunks_mut().0 {
        let Some(made) = both(done) else { return done };
        store(made, o);
        done += LANES;
    }
    // the last ones together with some that are made already
    let len = out.len();
    match (out.last_chunk_mut(), len.checked_sub(LANES).and_then(both)) {
        (Some(o), Some(made)) if done < len => {
            store(made, o);
            len
        }
        _ => done,
    }
}

/// Weighted sums of `N` (2 or 4) samples from `starts` on, less `skipped`. `weights` has `N` for each.
#[target_feature(enable = "avx2")]
pub(super) fn scattered<const N: usize>(
    line: &[u16],
    starts: &[u32],
    skipped: u32,
    weights: &[u16],
    out: &mut [u16],
) -> usize {
    let last = line.len().saturating_sub(N) as u32;
    let skip = _mm256_set1_epi32(skipped as i32);
    let low = _mm256_set1_epi32(0xffff);
    let mut done = 0;
    let (starts, weights) = (starts.as_chunks::<LANES>().0, weights.as_chunks::<LANES>().0);
    let groups = starts.iter().zip(weights.chunks_exact(N)).zip(out.as_chunks_mut::<LANES>().0);
    for ((starts, weights), out) in groups {
        if line.len() < N || starts.iter().any(|s| s.wrapping_sub(skipped) > last) {
            break;
        }
        let half = |h: usize| {
            // SAFETY: the reference is to 16 numbers, of which 8 from 0 or 8 on are read.
            #[allow(unsafe_code)]
            let at = unsafe { _mm256_loadu_si256(starts.as_ptr().add(8 * h).cast()) };
            let at = _mm256_sub_epi32(at, skip);
            // SAFETY: every index was just found to be `N` samples or more before the end of the line; index times
            // two bytes is where a sample begins, and two are read from there.
            #[allow(unsafe_code)]
            let pairs = unsafe { _mm256_i32gather_epi32::<2>(line.as_ptr().cast(), at) };
            if N == 2 {
                let sum = _mm256_mulhi_epu16(pairs, load(&weights[h]));
                return _mm256_and_si256(_mm256_add_epi16(sum, _mm256_srli_epi32::<16>(sum)), low);
            }
            let after = _mm256_add_epi32(at, _mm256_set1_epi32(2));
            // SAFETY: as before; the third and fourth of four samples.
            #[allow(unsafe_code)]
            let next = unsafe { _mm256_i32gather_epi32::<2>(line.as_ptr().cast(), after) };
            // four weights for each: first and second, third and fourth apart
            let (a, b) = (load(&weights[2 * h]), load(&weights[2 * h + 1]));
            let lower = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(
                _mm256_castsi256_ps(a),
                _mm256_castsi256_ps(b),
            ));
            let upper = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(
                _mm256_castsi256_ps(a),
                _mm256_castsi256_ps(b),
            ));
            let lower = _mm256_permute4x64_epi64::<0b11_01_10_00>(lower);
            let upper = _mm256_permute4x64_epi64::<0b11_01_10_00>(upper);
            let sum = _mm256_add_epi16(_mm256_mulhi_epu16(pairs, lower), _mm256_mulhi_epu16(next, upper));
            _mm256_and_si256(_mm256_add_epi16(sum, _mm256_srli_epi32::<16>(sum)), low)
        };
        let (a, b) = (half(0), half(1));
        store(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(a, b)), out);
        done += LANES;
    }
    done
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_row(from: &[u8; 32]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm256_loadu_si256(from.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_row(v: __m256i, to: &mut [u8; 32]) {
    // SAFETY: the reference is to 32 bytes that may be written; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm256_storeu_si256(to.as_mut_ptr().cast(), v);
    }
}

/// 32 numbers below 256 as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn pack(a: __m256i, b: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi16(a, b))
}

/// Means of two columns of two rows.
#[target_feature(enable = "avx2")]
pub(super) fn mean_of_four(a: &[u8], b: &[u8], out: &mut [u8]) -> usize {
    let (ones, half) = (_mm256_set1_epi8(1), all(2));
    let (a, b, out) = (a.as_chunks::<64>().0, b.as_chunks::<64>().0, out.as_chunks_mut().0);
    let means = |a: &[[u8; 32]], b: &[[u8; 32]], i: usize| {
        let pairs = |bytes| _mm256_maddubs_epi16(load_row(bytes), ones);
        _mm256_srli_epi16::<2>(_mm256_add_epi16(_mm256_add_epi16(pairs(&a[i]), pairs(&b[i])), half))
    };
    for ((a, b), o) in a.iter().zip(b).zip(out.iter_mut()) {
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        store_row(pack(means(a, b, 0), means(a, b, 1)), o);
    }
    a.len().min(b.len()).min(out.len()) * 32
}

/// See `kernels16::eighths`.
#[target_feature(enable = "avx2")]
pub(super) fn eighths(a: &[u8], b: &[u8], weights: [u8; 3], out: &mut [u8]) -> usize {
    // the first of three samples, the second and third
    let (first, others) = (u16::from(weights[0]), u16::from_le_bytes([weights[1], weights[2]]));
    let (first, others, half) = (all(first), all(others), all(8));
    let sums = |at: usize| {
        let chunk = |row: &[u8], at: usize| row.get(at..at + 32).and_then(|r| r.first_chunk().map(|c| load_row(c)));
        let sum = |row: &[u8]| {
            let before = _mm256_maddubs_epi16(chunk(row, at)?, first);
            Some(_mm256_add_epi16(before, _mm256_maddubs_epi16(chunk(row, at + 1)?, others)))
        };
        Some(_mm256_srli_epi16::<4>(_mm256_add_epi16(_mm256_add_epi16(sum(a)?, sum(b)?), half)))
    };
    let both = |at: usize| Some(pack(sums(2 * at)?, sums(2 * at + 32)?));
    let len = out.len();
    let mut done = 0;
    for o in out.as_chunks_mut().0 {
        let Some(made) = both(done) else { break };
        store_row(made, o);
        done += 32;
    }
    // the last ones together with some that are made already
    match (out.last_chunk_mut(), len.checked_sub(32).and_then(both)) {
        (Some(o), Some(made)) if done < len => {
            store_row(made, o);
            len
        }
        _ => done,
    }
}

/// Which byte of three vectors of 16, if it lies in vector `part`, is byte `offset` of each of 16 three-byte pixels.
const fn picks(offset: usize, part: usize) -> [u8; 16] {
    let mut mask = [0x80; 16];
    let mut i = 0;
    while i < 16 {
        let at = 3 * i + offset;
        if at / 16 == part {
            mask[i] = (at % 16) as u8;
        }
        i += 1;
    }
    mask
}

const PICKS: [[[u8; 16]; 3]; 3] = [
    [picks(0, 0), picks(0, 1), picks(0, 2)],
    [picks(1, 0), picks(1, 1), picks(1, 2)],
    [picks(2, 0), picks(2, 1), picks(2, 2)],
];

#[inline]
#[target_feature(enable = "avx2")]
fn load_sixteen(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is to 16 readable bytes; no alignment is asked for.
    #[allow(unsafe_code)]
    unsafe {
        _mm_loadu_si128(bytes.as_ptr().cast())
    }
}

/// One byte of each of 16 three-byte pixels.
#[inline]
#[target_feature(enable = "avx2")]
fn pick(pixels: &[u8; 48], masks: &[__m128i; 3]) -> __m256i {
    let parts = pixels.as_chunks::<16>().0;
    let part = |i: usize| _mm_shuffle_epi8(load_sixteen(&parts[i]), masks[i]);
    _mm256_cvtepu8_epi16(_mm_or_si128(_mm_or_si128(part(0), part(1)), part(2)))
}

/// Byte `offset` of three-byte pixels, in 1/256.
#[target_feature(enable = "avx2")]
pub(super) fn widen_3(row: &[u8], offset: usize, out: &mut [u16]) -> usize {
    let masks = PICKS[offset].each_ref().map(|mask| load_sixteen(mask));
    let (pixels, out) = (row.as_chunks().0, out.as_chunks_mut().0);
    for (pixels, out) in pixels.iter().zip(out.iter_mut()) {
        store(_mm256_slli_epi16::<8>(pick(pixels, &masks)), out);
    }
    pixels.len().min(out.len()) * LANES
}

/// Byte `offset` of three-byte pixels.
#[target_feature(enable = "avx2")]
pub(super) fn pick_3(row: &[u8], offset: usize, out: &mut [u8]) -> usize {
    let masks = PICKS[offset].each_ref().map(|mask| load_sixteen(mask));
    let (pixels, out) = (row.as_chunks().0, out.as_chunks_mut().0);
    for (pixels, out) in pixels.iter().zip(out.iter_mut()) {
        store_bytes(pick(pixels, &masks), out);
    }
    pixels.len().min(out.len()) * LANES
}

/// The weighted sum of rows of bytes, cut off product by product, in 1/256.
#[target_feature(enable = "avx2")]
pub(super) fn mix_bytes(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) -> usize {
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let mut sum = _mm256_setzero_si256();
        for (row, weight) in rows.iter().zip(weights) {
            let Some(chunk) = row.get(i * LANES..(i + 1) * LANES).and_then(|r| r.first_chunk()) else {
                return i * LANES;
            };
            sum = _mm256_add_epi16(sum, times(load_bytes(chunk), all(*weight)));
        }
        store(sum, o);
    }
    out.len() / LANES * LANES
}

/// See `kernels16::times_alpha`.
#[inline]
#[target_feature(enable = "avx2")]
fn times_alpha(v: __m256i, a: __m256i) -> __m256i {
    let product = _mm256_mulhi_epu16(v, _mm256_or_si256(a, _mm256_srli_epi16::<8>(a)));
    let zero = _mm256_setzero_si256();
    let none = _mm256_or_si256(_mm256_cmpeq_epi16(v, zero), _mm256_cmpeq_epi16(a, zero));
    // plus one unless there is nothing
    _mm256_add_epi16(product, _mm256_andnot_si256(none, all(1)))
}

/// See `kernels16::project`.
#[target_feature(enable = "avx2")]
pub(super) fn project<const NEG: u8>(
    rows: [&[u16]; 3],
    by: [u16; 3],
    offset: u16,
    kind: AlphaKind,
    alpha: &[u16],
    out: &mut [u16],
) -> usize {
    let by = by.map(|w| _mm256_set1_epi16(w as i16));
    let cut = if NEG == 0 { 2 } else { 0 };
    let (plain, whole) = (all(offset + cut), all(offset));
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let at = i * LANES..(i + 1) * LANES;
        let chunk = |row: &'_ [u16]| row.get(at.clone()).and_then(|r| r.first_chunk().map(|c| load(c)));
        let (Some(r), Some(g), Some(b)) = (chunk(rows[0]), chunk(rows[1]), chunk(rows[2])) else {
            return i * LANES;
        };
        let a = match kind {
            AlphaKind::Opaque => plain,
            _ => match chunk(alpha) {
                Some(a) => a,
                None => return i * LANES,
            },
        };
        let mut sum = if kind == AlphaKind::Premultiplied { times_alpha(whole, a) } else { plain };
        let parts =
            [_mm256_mulhi_epu16(r, by[0]), _mm256_mulhi_epu16(g, by[1]), _mm256_mulhi_epu16(b, by[2])];
        for (c, part) in parts.iter().enumerate() {
            if NEG & 1 << c == 0 {
                sum = _mm256_adds_epu16(sum, *part);
            }
        }
        for (c, part) in parts.iter().enumerate() {
            if NEG & 1 << c != 0 {
                sum = _mm256_subs_epu16(sum, *part);
            }
        }
        store(if kind == AlphaKind::Straight { times_alpha(sum, a) } else { sum }, o);
    }
    out.len() / LANES * LANES
}

/// See `kernels16::rgb_of_yuv`.
#[target_feature(enable = "avx2")]
pub(super) fn rgb_of_yuv(luma: &[u16], u: &[u16], v: &[u16], m: &ToRgb, out: &mut [&mut [u16]; 3]) -> usize {
    let (weight, middle) = (all(m.luma), all(2048));
    let (zero, most) = (_mm256_setzero_si256(), all(255 * 64));
    let (luma, u, v) = (luma.as_chunks().0, u.as_chunks().0, v.as_chunks().0);
    for (c, out) in out.iter_mut().enumerate() {
        let offset = _mm256_set1_epi16(m.offset[c]);
        let [(uw, uf), (vw, vf)] = m.chroma[c];
        let (uw, uf) = (_mm256_set1_epi16(uw), _mm256_set1_epi16(uf));
        let (vw, vf) = (_mm256_set1_epi16(vw), _mm256_set1_epi16(vf));
        for (((o, luma), u), v) in out.as_chunks_mut().0.iter_mut().zip(luma).zip(u).zip(v) {
            let y = _mm256_mulhi_epu16(load(luma), weight);
            let (u, v) = (_mm256_sub_epi16(load(u), middle), _mm256_sub_epi16(load(v), middle));
            let u = _mm256_add_epi16(
                _mm256_mulhi_epi16(_mm256_slli_epi16::<4>(u), uf),
                _mm256_mullo_epi16(_mm256_slli_epi16::<2>(u), uw),
            );
            let v = _mm256_add_epi16(
                _mm256_mulhi_epi16(_mm256_slli_epi16::<4>(v), vf),
                _mm256_mullo_epi16(_mm256_slli_epi16::<2>(v), vw),
            );
            let sum = _mm256_adds_epi16(_mm256_adds_epi16(_mm256_adds_epi16(y, offset), u), v);
            let clamped = _mm256_min_epi16(_mm256_max_epi16(sum, zero), most);
            store(_mm256_slli_epi16::<2>(clamped), o);
        }
    }
    luma.len() * LANES
}
