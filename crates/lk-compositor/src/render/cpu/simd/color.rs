// SPDX-License-Identifier: GPL-2.0-or-later
//! Pixels taken apart and put together, and R'G'B' made luma and chroma.

use super::*;
use crate::render::cpu::rgb16::ToLuma;
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

/// The bytes of three-byte pixels in 1/256; with `TWO` means of those of two rows.
#[target_feature(enable = "avx2")]
pub(in super::super) fn threes<const TWO: bool>(rows: [&[u8]; 2], out: &mut [&mut [u16]; 3]) -> usize {
    let [a, b] = rows.map(|row| row.as_chunks::<48>().0);
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        for (masks, out) in PICKS.iter().zip(out.iter_mut()) {
            let masks = masks.each_ref().map(|mask| load_sixteen(mask));
            let made = match TWO {
                true => _mm256_slli_epi16::<7>(_mm256_add_epi16(pick(a, &masks), pick(b, &masks))),
                false => _mm256_slli_epi16::<8>(pick(a, &masks)),
            };
            let Some(out) = out.get_mut(16 * i..).and_then(|o| o.first_chunk_mut()) else { return 16 * i };
            store(made, out);
        }
    }
    a.len().min(b.len()) * LANES
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

/// Which bytes of four pixels are colours `first` and `first + 1`, in the low or the high halves of numbers.
const fn quads(first: u8, high: usize) -> [u8; 32] {
    let mut mask = [0x80; 32];
    let mut i = 0;
    while i < 8 {
        let from = (i as u8 % 4) * 4 + first + i as u8 / 4;
        mask[2 * i + high] = from;
        mask[2 * i + high + 16] = from;
        i += 1;
    }
    mask
}

const QUADS: [[[u8; 32]; 2]; 2] = [[quads(0, 0), quads(2, 0)], [quads(0, 1), quads(2, 1)]];

/// The components of 16 four-byte pixels, as bytes or in 1/256, pixels 0 to 3, 8 to 11, 4 to 7, 12 to 15.
#[inline]
#[target_feature(enable = "avx2")]
fn apart<const HIGH: usize>(pixels: &[u8; 64]) -> [__m256i; 4] {
    let [first, second] = &QUADS[HIGH];
    let (first, second) = (load_row(first), load_row(second));
    let halves = pixels.as_chunks().0;
    let (a, b) = (load_row(&halves[0]), load_row(&halves[1]));
    let (a_01, b_01) = (_mm256_shuffle_epi8(a, first), _mm256_shuffle_epi8(b, first));
    let (a_23, b_23) = (_mm256_shuffle_epi8(a, second), _mm256_shuffle_epi8(b, second));
    [
        _mm256_unpacklo_epi64(a_01, b_01),
        _mm256_unpackhi_epi64(a_01, b_01),
        _mm256_unpacklo_epi64(a_23, b_23),
        _mm256_unpackhi_epi64(a_23, b_23),
    ]
}

/// The components of 32 four-byte pixels: of each, those of the pixels that lie in the low halves of lanes when 32 bytes
/// are widened within lanes, and those in the high halves.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn apart_in_lanes(pixels: &[u8; 128]) -> [[__m256i; 4]; 2] {
    let [first, second] = &QUADS[0];
    let (first, second) = (load_row(first), load_row(second));
    let fours = pixels.as_chunks().0;
    [eight_apart(fours, 0, first, second), eight_apart(fours, 2, first, second)]
}

/// The components of eight pixels, and of those that are sixteen further on.
#[inline]
#[target_feature(enable = "avx2")]
fn eight_apart(fours: &[[u8; 16]], from: usize, first: __m256i, second: __m256i) -> [__m256i; 4] {
    let (a, b) = (two_fours(fours, from), two_fours(fours, from + 1));
    let (a_01, b_01) = (_mm256_shuffle_epi8(a, first), _mm256_shuffle_epi8(b, first));
    let (a_23, b_23) = (_mm256_shuffle_epi8(a, second), _mm256_shuffle_epi8(b, second));
    [
        _mm256_unpacklo_epi64(a_01, b_01),
        _mm256_unpackhi_epi64(a_01, b_01),
        _mm256_unpacklo_epi64(a_23, b_23),
        _mm256_unpackhi_epi64(a_23, b_23),
    ]
}

/// Four pixels, and the four that are sixteen further on.
#[inline]
#[target_feature(enable = "avx2")]
fn two_fours(fours: &[[u8; 16]], at: usize) -> __m256i {
    let low = _mm256_castsi128_si256(load_sixteen(&fours[at]));
    _mm256_inserti128_si256::<1>(low, load_sixteen(&fours[at + 4]))
}

/// Puts the numbers of [`apart`] in order.
#[inline]
#[target_feature(enable = "avx2")]
fn in_order(v: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(v)
}

/// See `source::mul_255`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn mul_255(v: __m256i, a: __m256i) -> __m256i {
    // the same as adding a 256th and dividing by 256
    high(_mm256_add_epi16(_mm256_mullo_epi16(v, a), all(128)), all(257))
}

/// See `rgb16::product`.
#[inline]
#[target_feature(enable = "avx2")]
fn product(v: __m256i, a: __m256i) -> __m256i {
    let product = _mm256_mullo_epi16(v, a);
    _mm256_add_epi16(product, _mm256_srli_epi16::<8>(_mm256_add_epi16(product, all(255))))
}

/// See `rgb16::planes_4`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn planes_4<const STRAIGHT: bool>(row: &[u8], out: &mut [&mut [u8]; 4]) -> usize {
    let groups = row.as_chunks::<128>().0;
    for (i, group) in groups.iter().enumerate() {
        let [a, b] = apart_in_lanes(group);
        for c in 0..4 {
            let (mut low, mut high) = (a[c], b[c]);
            if STRAIGHT && c < 3 {
                (low, high) = (mul_255(low, a[3]), mul_255(high, b[3]));
            }
            if let Some(out) = out[c].get_mut(32 * i..32 * i + 32).and_then(|o| o.first_chunk_mut()) {
                store_row(_mm256_packus_epi16(low, high), out);
            }
        }
    }
    groups.len() * 32
}

/// See `rgb16::wide_4`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn wide_4<const STRAIGHT: bool>(row: &[u8], out: &mut [&mut [u16]; 4]) -> usize {
    let groups = row.as_chunks::<64>().0;
    for (i, group) in groups.iter().enumerate() {
        let v = if STRAIGHT { apart::<0>(group) } else { apart::<1>(group) };
        for c in 0..4 {
            let made = match (STRAIGHT, c) {
                (false, _) => v[c],
                (true, 3) => _mm256_slli_epi16::<8>(v[3]),
                _ => product(v[c], v[3]),
            };
            if let Some(out) = out[c].get_mut(16 * i..16 * i + 16).and_then(|o| o.first_chunk_mut()) {
                store(in_order(made), out);
            }
        }
    }
    groups.len() * LANES
}

/// See `rgb16::mean_4`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn mean_4<const STRAIGHT: bool>(rows: [&[u8]; 2], out: &mut [&mut [u16]; 4]) -> usize {
    let [a, b] = rows.map(|row| row.as_chunks::<64>().0);
    for (i, pixels) in a.iter().zip(b).enumerate() {
        let [a, b] = [pixels.0, pixels.1].map(|group| apart::<0>(group));
        for c in 0..4 {
            let made = match STRAIGHT && c < 3 {
                true => {
                    let half = |v: &[__m256i; 4]| _mm256_srli_epi16::<1>(product(v[c], v[3]));
                    _mm256_add_epi16(half(&a), half(&b))
                }
                false => _mm256_slli_epi16::<7>(_mm256_add_epi16(a[c], b[c])),
            };
            if let Some(out) = out[c].get_mut(16 * i..16 * i + 16).and_then(|o| o.first_chunk_mut()) {
                store(in_order(made), out);
            }
        }
    }
    a.len().min(b.len()) * LANES
}

/// Luma and alpha of 16 pixels of `STEP` bytes in 1/256; see `rgb16::ToLuma::of`.
#[inline]
#[target_feature(enable = "avx2")]
fn luma_of<const STEP: usize, const KIND: u8>(row: &[u8], at: usize, m: &ToLuma) -> Option<[__m256i; 2]> {
    let [a, b, c, alpha] = if STEP == 4 {
        apart::<1>(row.get(4 * at..)?.first_chunk()?)
    } else {
        let pixels = row.get(3 * at..)?.first_chunk()?;
        let wide = |offset: usize| {
            let [x, y, z] = &PICKS[offset];
            _mm256_slli_epi16::<8>(pick(pixels, &[load_sixteen(x), load_sixteen(y), load_sixteen(z)]))
        };
        [wide(0), wide(1), wide(2), all(255 << 8)]
    };
    let base = all(m.base());
    let base = if KIND == PREMULTIPLIED { times_alpha(base, alpha) } else { base };
    let sum = _mm256_adds_epu16(base, high(a, all(m.by[0])));
    let sum = _mm256_adds_epu16(sum, high(b, all(m.by[1])));
    let sum = _mm256_adds_epu16(sum, high(c, all(m.by[2])));
    let sum = if KIND == STRAIGHT { times_alpha(sum, alpha) } else { sum };
    Some(if STEP == 4 { [in_order(sum), in_order(alpha)] } else { [sum, alpha] })
}

const OPAQUE: u8 = 0;
const PREMULTIPLIED: u8 = 1;
const STRAIGHT: u8 = 2;

/// Calls a kernel for a kind of alpha.
macro_rules! by_kind {
    ($kind:expr, $f:ident, $step:ident, ($($arg:expr),*)) => {
        match $kind {
            AlphaKind::Opaque => $f::<$step, OPAQUE>($($arg),*),
            AlphaKind::Premultiplied => $f::<$step, PREMULTIPLIED>($($arg),*),
            AlphaKind::Straight => $f::<$step, STRAIGHT>($($arg),*),
        }
    };
}

/// See `rgb16::luma`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn luma<const STEP: usize>(
    row: &[u8],
    m: &ToLuma,
    out: &mut [u8],
    alpha: &mut [u8],
) -> usize {
    #[target_feature(enable = "avx2")]
    fn all_of<const STEP: usize, const KIND: u8>(
        row: &[u8],
        m: &ToLuma,
        out: &mut [u8],
        alpha: &mut [u8],
    ) -> usize {
        let mut alpha = alpha.as_chunks_mut().0.iter_mut();
        for (i, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            let Some([luma, a]) = luma_of::<STEP, KIND>(row, i * LANES, m) else { return i * LANES };
            store_bytes(_mm256_srli_epi16::<8>(_mm256_adds_epu16(luma, all(128))), out);
            if let Some(alpha) = alpha.next() {
                store_bytes(_mm256_srli_epi16::<8>(a), alpha);
            }
        }
        out.len() / LANES * LANES
    }
    by_kind!(m.kind, all_of, STEP, (row, m, out, alpha))
}

/// See `rgb16::wide_luma`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn wide_luma<const STEP: usize>(
    row: &[u8],
    m: &ToLuma,
    out: &mut [u16],
    alpha: &mut [u16],
) -> usize {
    #[target_feature(enable = "avx2")]
    fn all_of<const STEP: usize, const KIND: u8>(
        row: &[u8],
        m: &ToLuma,
        out: &mut [u16],
        alpha: &mut [u16],
    ) -> usize {
        let mut alpha = alpha.as_chunks_mut().0.iter_mut();
        for (i, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            let Some([luma, a]) = luma_of::<STEP, KIND>(row, i * LANES, m) else { return i * LANES };
            store(luma, out);
            if let Some(alpha) = alpha.next() {
                store(a, alpha);
            }
        }
        out.len() / LANES * LANES
    }
    by_kind!(m.kind, all_of, STEP, (row, m, out, alpha))
}

/// Three of every four bytes.
const TRIPLES: [u8; 32] = {
    let mut mask = [0x80; 32];
    let mut i = 0;
    while i < 12 {
        mask[i] = (i / 3 * 4 + i % 3) as u8;
        mask[i + 16] = mask[i];
        i += 1;
    }
    mask
};

/// See `rgb16::interleave`.
#[target_feature(enable = "avx2")]
pub(in super::super) fn interleave<const N: usize>(from: [&[u8]; 3], out: &mut [u8]) -> usize {
    let full = _mm256_set1_epi8(-1);
    let mut done = 0;
    let len = from[0].len().min(from[1].len()).min(from[2].len());
    while done < len {
        if N == 4 && done + 32 > len && len >= 32 {
            // the last ones together with some that are made already
            done = len - 32;
        }
        let (Some(a), Some(b), Some(c)) =
            (from[0][done..].first_chunk(), from[1][done..].first_chunk(), from[2][done..].first_chunk())
        else {
            return done;
        };
        let (a, b, c) = (load_row(a), load_row(b), load_row(c));
        let (ab, ab_high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
        let (c, c_high) = (_mm256_unpacklo_epi8(c, full), _mm256_unpackhi_epi8(c, full));
        // four pixels from 0, 4, 8 and 12 on, and as many from 16 on
        let groups = [
            _mm256_unpacklo_epi16(ab, c),
            _mm256_unpackhi_epi16(ab, c),
            _mm256_unpacklo_epi16(ab_high, c_high),
            _mm256_unpackhi_epi16(ab_high, c_high),
        ];
        if N == 4 {
            let Some(out) = out.get_mut(4 * done..4 * done + 128) else { return done };
            let out = out.as_chunks_mut().0;
            store_row(_mm256_permute2x128_si256::<0x20>(groups[0], groups[1]), &mut out[0]);
            store_row(_mm256_permute2x128_si256::<0x20>(groups[2], groups[3]), &mut out[1]);
            store_row(_mm256_permute2x128_si256::<0x31>(groups[0], groups[1]), &mut out[2]);
            store_row(_mm256_permute2x128_si256::<0x31>(groups[2], groups[3]), &mut out[3]);
        } else {
            // each twelve bytes are written with four more, which the next ones replace
            let Some(out) = out.get_mut(3 * done..3 * done + 100) else { return done };
            let mask = load_row(&TRIPLES);
            for (i, group) in groups.iter().enumerate() {
                let packed = _mm256_shuffle_epi8(*group, mask);
                store_sixteen(_mm256_castsi256_si128(packed), out, 12 * i);
            }
            for (i, group) in groups.iter().enumerate() {
                let packed = _mm256_shuffle_epi8(*group, mask);
                store_sixteen(_mm256_extracti128_si256::<1>(packed), out, 48 + 12 * i);
            }
        }
        done += 32;
    }
    done
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_sixteen(v: __m128i, to: &mut [u8], at: usize) {
    if let Some(to) = to.get_mut(at..).and_then(|to| to.first_chunk_mut::<16>()) {
        // SAFETY: the reference is to 16 bytes that may be written; no alignment is asked for.
        #[allow(unsafe_code)]
        unsafe {
            _mm_storeu_si128(to.as_mut_ptr().cast(), v);
        }
    }
}

/// See `kernels16::times_alpha`.
#[inline]
#[target_feature(enable = "avx2")]
fn times_alpha(v: __m256i, a: __m256i) -> __m256i {
    let product = high(v, _mm256_add_epi16(a, _mm256_srli_epi16::<8>(a)));
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
    alpha: Option<&[u16]>,
    out: &mut [u16],
) -> usize {
    let by = [all(by[0]), all(by[1]), all(by[2])];
    let offset = all(offset);
    for (i, o) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let chunk = |row: &[u16]| row.get(i * LANES..).and_then(|r| r.first_chunk()).map(|c| load(c));
        let (Some(r), Some(g), Some(b)) = (chunk(rows[0]), chunk(rows[1]), chunk(rows[2])) else {
            return i * LANES;
        };
        let mut sum = match alpha.map(chunk) {
            Some(Some(alpha)) => times_alpha(offset, alpha),
            Some(None) => return i * LANES,
            None => offset,
        };
        let parts = [high(r, by[0]), high(g, by[1]), high(b, by[2])];
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
        store(sum, o);
    }
    out.len() / LANES * LANES
}
