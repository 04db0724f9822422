// SPDX-License-Identifier: GPL-2.0-or-later
//! Weighted sums of rows and of samples.

use super::super::picks::Groups;
use super::*;

/// Calls a kernel with some rows and their weights. For a few known rows the compiler keeps the weights in registers.
macro_rules! by_count {
    ($kernel:ident, $rows:ident, $weights:ident, $($rest:expr),*) => {
        match $rows.len().min($weights.len()) {
            2 => $kernel(&$rows[..2], &$weights[..2], $($rest),*),
            3 => $kernel(&$rows[..3], &$weights[..3], $($rest),*),
            4 => $kernel(&$rows[..4], &$weights[..4], $($rest),*),
            _ => $kernel($rows, $weights, $($rest),*),
        }
    };
}

/// Vector `i` of the weighted sum of rows, cut off product by product.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_of(rows: &[&[u16]], weights: &[u16], i: usize) -> Option<__m256i> {
    let mut sum = _mm256_setzero_si256();
    for (row, weight) in rows.iter().zip(weights) {
        let chunk = row.get(i * LANES..(i + 1) * LANES)?.first_chunk()?;
        sum = _mm256_add_epi16(sum, high(load(chunk), all(*weight)));
    }
    Some(sum)
}

/// The weighted sum of rows, cut off product by product.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mix_rows(rows: &[&[u16]], weights: &[u16], out: &mut [u16]) -> usize {
    by_count!(mix_any_rows, rows, weights, out)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mix_any_rows(rows: &[&[u16]], weights: &[u16], out: &mut [u16]) -> usize {
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let Some(sum) = sum_of(rows, weights, i) else { return i * LANES };
        store(sum, o);
    }
    out.len() / LANES * LANES
}

/// The same, to bytes after adding `half`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mix_rows_to_bytes(
    rows: &[&[u16]],
    weights: &[u16],
    half: u16,
    out: &mut [u8],
) -> usize {
    by_count!(mix_any_to_bytes, rows, weights, half, out)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mix_any_to_bytes(rows: &[&[u16]], weights: &[u16], half: u16, out: &mut [u8]) -> usize {
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let Some(sum) = sum_of(rows, weights, i) else { return i * LANES };
        store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(sum, all(half))), o);
    }
    out.len() / LANES * LANES
}

/// Weighted sums of `N` samples, two samples on from one sum to the next.
#[target_feature(enable = "avx2")]
pub(in super::super) fn strided<const N: usize>(line: &[u16], weights: [u16; N], out: &mut [u16]) -> usize {
    // pairs of samples; those from the third on lie in the next pair
    let pair = |a: u16, b: u16| _mm256_set1_epi32((u32::from(a) | u32::from(b) << 16) as i32);
    let weight = |i: usize| weights.get(i).copied().unwrap_or(0);
    let (first, second) = (pair(weight(0), weight(1)), pair(weight(2), weight(3)));
    let low = _mm256_set1_epi32(0xffff);
    let sums = |at: usize| {
        let chunk = |at: usize| line.get(at..at + LANES).and_then(|l| l.first_chunk::<LANES>());
        let mut sum = high(load(chunk(at)?), first);
        if N > 2 {
            sum = _mm256_add_epi16(sum, high(load(chunk(at + 2)?), second));
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
pub(in super::super) fn scattered<const N: usize>(
    line: &[u16],
    starts: &[u32],
    skipped: u32,
    weights: &[u16],
    out: &mut [u16],
) -> usize {
    let len = out.len().min(starts.len());
    let mut at = 0;
    while at < len {
        if at + LANES > len && len >= LANES {
            // the last ones together with some that are made already
            at = len - LANES;
        }
        let (Some(starts), Some(weights), Some(out)) =
            (starts[at..].first_chunk(), weights.get(N * at..N * (at + LANES)), out[at..].first_chunk_mut())
        else {
            return at;
        };
        let weights = weights.as_chunks().0;
        let Some(made) = some_scattered::<N>(line, starts, skipped, weights) else { return at };
        store(made, out);
        at += LANES;
    }
    len
}

/// 16 of [`scattered`]; none if one of them reaches beyond the line.
#[inline]
#[target_feature(enable = "avx2")]
fn some_scattered<const N: usize>(
    line: &[u16],
    starts: &[u32; LANES],
    skipped: u32,
    weights: &[[u16; LANES]],
) -> Option<__m256i> {
    let last = _mm256_set1_epi32(line.len().checked_sub(N)?.min(i32::MAX as usize) as i32);
    // SAFETY: the reference is to 16 numbers, of which 8 from 0 or 8 on are read.
    #[allow(unsafe_code)]
    let at = [0, 8].map(|from| unsafe { _mm256_loadu_si256(starts.as_ptr().add(from).cast()) });
    let at = at.map(|at| _mm256_sub_epi32(at, _mm256_set1_epi32(skipped as i32)));
    let farthest = _mm256_max_epu32(at[0], at[1]);
    // 16 at once: one after the other they cost as much as the sums
    if _mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(farthest, last), last)) != -1 {
        return None;
    }
    if N == 2 {
        let low = pairs(line, at[0], &weights[0]);
        let high = pairs(line, at[1], &weights[1]);
        return Some(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi16(low, high)));
    }
    let low = _mm256_hadd_epi16(
        quads(line, starts, 0, skipped, &weights[0]),
        quads(line, starts, 4, skipped, &weights[1]),
    );
    let high = _mm256_hadd_epi16(
        quads(line, starts, 8, skipped, &weights[2]),
        quads(line, starts, 12, skipped, &weights[3]),
    );
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    Some(_mm256_permutevar8x32_epi32(_mm256_hadd_epi16(low, high), order))
}

/// Eight pairs of samples weighted, two samples from each index `at` on.
#[inline]
#[target_feature(enable = "avx2")]
fn pairs(line: &[u16], at: __m256i, weights: &[u16; LANES]) -> __m256i {
    // SAFETY: the caller found every index to be two samples or more before the end of the line; index times two bytes
    // is where a sample begins, and two are read from there.
    #[allow(unsafe_code)]
    let pairs = unsafe { _mm256_i32gather_epi32::<2>(line.as_ptr().cast(), at) };
    high(pairs, load(weights))
}

/// Four quads of samples weighted; `starts` less `skipped` are followed by four samples each. Gathering would fetch a
/// pair at a time.
#[inline]
#[target_feature(enable = "avx2")]
fn quads(line: &[u16], starts: &[u32; LANES], from: usize, skipped: u32, weights: &[u16; LANES]) -> __m256i {
    let [a, b, c, d] = [starts[from], starts[from + 1], starts[from + 2], starts[from + 3]];
    // SAFETY: the caller found every start to be four samples or more before the end of the line; they are read as one
    // number, for which no alignment is asked.
    #[allow(unsafe_code)]
    let read =
        |start: u32| unsafe { line.as_ptr().add((start - skipped) as usize).cast::<i64>().read_unaligned() };
    high(_mm256_set_epi64x(read(d), read(c), read(b), read(a)), load(weights))
}

/// The groups of `N` samples each, picked out of a line whose first sample is `skipped`; `NARROW` if eight source samples
/// are enough.
#[target_feature(enable = "avx2")]
pub(in super::super) fn picked<const N: usize, const NARROW: bool>(
    line: &[u16],
    skipped: usize,
    groups: Groups<'_>,
    out: &mut [u16],
) -> usize {
    let weights = groups.weights.as_chunks::<N>().0.iter();
    let groups = groups.from.iter().zip(groups.first).zip(weights);
    let mut done = 0;
    for (((from, first), weights), out) in groups.zip(out.as_chunks_mut().0) {
        let read = |at: u32| line.get(at as usize - skipped..).and_then(|line| line.first_chunk::<LANES>());
        let (Some(a), Some(b)) = (read(from[0]), read(from[1])) else { return done };
        let (a, b) = (load(a), load(b));
        // the first eight samples of both, and the next
        let (low, upper) = (_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b));
        let (mut at, mut sum) = (load_row(first), _mm256_setzero_si256());
        for weights in weights {
            let mut samples = _mm256_shuffle_epi8(low, at);
            if !NARROW {
                let others = _mm256_xor_si256(at, _mm256_set1_epi8(-128));
                samples = _mm256_or_si256(samples, _mm256_shuffle_epi8(upper, others));
            }
            sum = _mm256_add_epi16(sum, high(samples, load(weights)));
            at = _mm256_add_epi8(at, _mm256_set1_epi8(2));
        }
        store(sum, out);
        done += LANES;
    }
    done
}

/// Means of two columns of two rows.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mean_of_four(a: &[u8], b: &[u8], out: &mut [u8]) -> usize {
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
pub(in super::super) fn eighths(a: &[u8], b: &[u8], weights: [u8; 3], out: &mut [u8]) -> usize {
    // the first of three samples, the second and third
    let (first, others) = (u16::from(weights[0]), u16::from_le_bytes([weights[1], weights[2]]));
    let (first, others, half) = (all(first), all(others), all(8));
    let sums = |at: usize| {
        let chunk =
            |row: &[u8], at: usize| row.get(at..at + 32).and_then(|r| r.first_chunk().map(|c| load_row(c)));
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

/// The weighted sum of rows of bytes, cut off product by product, in 1/256.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mix_bytes(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) -> usize {
    by_count!(mix_any_bytes, rows, weights, out)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mix_any_bytes(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) -> usize {
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
