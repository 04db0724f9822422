// SPDX-License-Identifier: GPL-2.0-or-later
//! Pixels taken apart and put together, and R'G'B' made luma and chroma.

use super::*;
use lk_media::AlphaKind;

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
pub(in super::super) fn widen_3(row: &[u8], offset: usize, out: &mut [u16]) -> usize {
    let masks = PICKS[offset].each_ref().map(|mask| load_sixteen(mask));
    let (pixels, out) = (row.as_chunks().0, out.as_chunks_mut().0);
    for (pixels, out) in pixels.iter().zip(out.iter_mut()) {
        store(_mm256_slli_epi16::<8>(pick(pixels, &masks)), out);
    }
    pixels.len().min(out.len()) * LANES
}

/// Byte `offset` of three-byte pixels.
#[target_feature(enable = "avx2")]
pub(in super::super) fn pick_3(row: &[u8], offset: usize, out: &mut [u8]) -> usize {
    let masks = PICKS[offset].each_ref().map(|mask| load_sixteen(mask));
    let (pixels, out) = (row.as_chunks().0, out.as_chunks_mut().0);
    for (pixels, out) in pixels.iter().zip(out.iter_mut()) {
        store_bytes(pick(pixels, &masks), out);
    }
    pixels.len().min(out.len()) * LANES
}

/// See `kernels16::times_alpha`.
#[inline]
#[target_feature(enable = "avx2")]
fn times_alpha(v: __m256i, a: __m256i) -> __m256i {
    let product = high(v, _mm256_or_si256(a, _mm256_srli_epi16::<8>(a)));
    let zero = _mm256_setzero_si256();
    let none = _mm256_or_si256(_mm256_cmpeq_epi16(v, zero), _mm256_cmpeq_epi16(a, zero));
    // plus one unless there is nothing
    _mm256_add_epi16(product, _mm256_andnot_si256(none, all(1)))
}

/// See `kernels16::project`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn project<const NEG: u8>(
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
            [high(r, by[0]), high(g, by[1]), high(b, by[2])];
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
