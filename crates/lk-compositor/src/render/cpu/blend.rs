// SPDX-License-Identifier: GPL-2.0-or-later
//! Lays rows of a layer over rows of a canvas plane. Premultiplied values P, alpha A, weight k:
//! normal is P·k + D·(1 − A·k), additive is D + P·k, both rounded to nearest.
//!
//! Weights are whole numbers of 1/65536 and products keep eight bits of fraction, so that a sum is within 0.012 of
//! the real value and a row is made of 16-bit operations alone. A sample comes out the same in whatever run of
//! samples it stands.

use super::coverage::RowWeights;
use super::kernels16::{avx2, high};
use super::source::mul_255;
use crate::scene::Blend;

/// From this weight on, in 1/65536, a layer has its full weight.
const FULL: u16 = 65535;

fn fixed(weight: f32) -> u16 {
    (weight * 65536.0 + 0.5).min(f32::from(FULL)) as u16
}

/// Blends rows of the planes of a layer that share its alpha; without `alpha` the layer is opaque.
pub(super) fn rows(
    blend: Blend,
    dst: &mut [&mut [u8]],
    values: &[&[u8]],
    alpha: Option<&[u8]>,
    weights: &RowWeights,
) {
    let (from, to) = (weights.whole.start, weights.whole.end);
    for (dst, values) in dst.iter_mut().zip(values) {
        for range in [0..from, to..dst.len()].into_iter().filter(|range| !range.is_empty()) {
            let (p, a) = (&values[range.clone()], alpha.map(|a| &a[range.clone()]));
            varying(blend, &mut dst[range.clone()], p, a, &weights.each[range]);
        }
    }
    if from >= to {
        return;
    }
    let (k, alpha) = (fixed(weights.weight), alpha.map(|a| &a[from..to]));
    match (dst, values) {
        ([a, b, c], [p, q, r]) => {
            let dst = [a, b, c].map(|d| &mut d[from..to]);
            uniform(blend, dst, [p, q, r].map(|p| &p[from..to]), alpha, k);
        }
        ([a, b], [p, q]) => {
            let dst = [a, b].map(|d| &mut d[from..to]);
            uniform(blend, dst, [p, q].map(|p| &p[from..to]), alpha, k);
        }
        (dst, values) => {
            for (d, p) in dst.iter_mut().zip(values) {
                uniform(blend, [&mut d[from..to]], [&p[from..to]], alpha, k);
            }
        }
    }
}

/// Lays pixels of four bytes, alpha the last, over the planes of their colours, whose order `dst` follows: normal blending
/// without taking the pixels apart first.
pub(super) fn pixels(dst: [&mut [u8]; 3], row: &[u8], straight: bool, weights: &RowWeights) {
    let (whole, k) = (weights.whole.clone(), fixed(weights.weight));
    let mut dst = dst;
    let done = if whole.is_empty() {
        0
    } else {
        let row = &row[4 * whole.start..4 * whole.end];
        let mut dst = dst.each_mut().map(|d| &mut d[whole.clone()]);
        match (straight, k) {
            (true, FULL) => avx2!(pixels::<true, true>(&mut dst, row, k)),
            (true, _) => avx2!(pixels::<true, false>(&mut dst, row, k)),
            (false, FULL) => avx2!(pixels::<false, true>(&mut dst, row, k)),
            (false, _) => avx2!(pixels::<false, false>(&mut dst, row, k)),
        }
    };
    let (pixels, done) = (row.as_chunks::<4>().0, whole.start + done);
    for i in (0..whole.start).chain(done..pixels.len()) {
        let k = if whole.contains(&i) { k } else { fixed(weights.each[i]) };
        let alpha = pixels[i][3];
        for (dst, v) in dst.iter_mut().zip(pixels[i]) {
            let p = if straight { mul_255(v, alpha) } else { v };
            dst[i] = sample(Blend::Normal, dst[i], p, Some(alpha), k);
        }
    }
}

fn uniform<const N: usize>(
    blend: Blend,
    mut dst: [&mut [u8]; N],
    values: [&[u8]; N],
    alpha: Option<&[u8]>,
    k: u16,
) {
    let done = match (blend, alpha, k) {
        (Blend::Normal, Some(alpha), FULL) => avx2!(over_full(&mut dst, &values, alpha)),
        (Blend::Normal, Some(alpha), 1..FULL) => avx2!(over(&mut dst, &values, alpha, k)),
        _ => 0,
    };
    let alpha = alpha.map(|a| &a[done..]);
    for (dst, values) in dst.into_iter().zip(values) {
        plane(blend, &mut dst[done..], &values[done..], alpha, k);
    }
}

fn plane(blend: Blend, dst: &mut [u8], values: &[u8], alpha: Option<&[u8]>, k: u16) {
    let done = match (blend, alpha, k) {
        (_, _, 0 | FULL) => 0,
        (Blend::Normal, None, _) => avx2!(mix(dst, values, k, k.wrapping_neg())),
        (Blend::Normal, Some(_), _) => 0,
        (Blend::Additive, ..) => avx2!(add(dst, values, k)),
    };
    let (dst, values, alpha) = (&mut dst[done..], &values[done..], alpha.map(|a| &a[done..]));
    match (blend, alpha, k) {
        (_, _, 0) => {}
        (Blend::Normal, None, FULL) => dst.copy_from_slice(values),
        (Blend::Normal, Some(alpha), FULL) => {
            for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
                *d = over_full(*d, *p, *a);
            }
        }
        (Blend::Additive, _, FULL) => {
            dst.iter_mut().zip(values).for_each(|(d, p)| *d = d.saturating_add(*p));
        }
        (Blend::Normal, None, _) => {
            let rest = k.wrapping_neg();
            dst.iter_mut().zip(values).for_each(|(d, p)| *d = mix(*d, *p, k, rest));
        }
        (Blend::Normal, Some(alpha), _) => {
            for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
                *d = over(*d, *p, *a, k);
            }
        }
        (Blend::Additive, ..) => {
            dst.iter_mut().zip(values).for_each(|(d, p)| *d = add(*d, *p, k));
        }
    }
}

fn varying(blend: Blend, dst: &mut [u8], values: &[u8], alpha: Option<&[u8]>, weights: &[f32]) {
    for (i, (d, k)) in dst.iter_mut().zip(weights).enumerate() {
        *d = sample(blend, *d, values[i], alpha.map(|a| a[i]), fixed(*k));
    }
}

fn sample(blend: Blend, d: u8, p: u8, alpha: Option<u8>, k: u16) -> u8 {
    match (blend, alpha, k) {
        (_, _, 0) => d,
        (Blend::Normal, None, FULL) => p,
        (Blend::Normal, Some(alpha), FULL) => over_full(d, p, alpha),
        (Blend::Additive, _, FULL) => d.saturating_add(p),
        (Blend::Normal, None, _) => mix(d, p, k, k.wrapping_neg()),
        (Blend::Normal, Some(alpha), _) => over(d, p, alpha, k),
        (Blend::Additive, ..) => add(d, p, k),
    }
}

/// A value times a weight, in 1/256.
#[inline(always)]
fn times(value: u8, weight: u16) -> u16 {
    high(u16::from(value) << 8, weight)
}

#[inline(always)]
fn over_full(d: u8, p: u8, a: u8) -> u8 {
    p.saturating_add(mul_255(d, 255 - a))
}

/// P·k + D·(1 − A·k).
#[inline(always)]
fn over(d: u8, p: u8, a: u8, k: u16) -> u8 {
    // an opaque sample gets k - 1 here, and so the same as from `mix`
    let covered = high(u16::from(a) * 257, k);
    // products are cut off, by half a step each in the middle
    (times(p, k).saturating_add(times(d, FULL - covered)).saturating_add(129) >> 8) as u8
}

/// P·k + D·rest; both weights together are 65536.
#[inline(always)]
fn mix(d: u8, p: u8, k: u16, rest: u16) -> u8 {
    ((times(p, k) + times(d, rest) + 129) >> 8) as u8
}

/// D + P·k.
#[inline(always)]
fn add(d: u8, p: u8, k: u16) -> u8 {
    ((u16::from(d) << 8).saturating_add(times(p, k)).saturating_add(128) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blended(blend: Blend, d: u8, p: u8, a: Option<u8>, k: f32) -> u8 {
        let weights = RowWeights { each: vec![k; 3], whole: 1..2, weight: k };
        let mut dst = [d; 3];
        rows(blend, &mut [&mut dst], &[&[p; 3]], a.map(|a| [a; 3]).as_ref().map(|a| &a[..]), &weights);
        assert!(dst.iter().all(|v| *v == dst[0]), "single pixels and runs agree: {dst:?}");
        dst[0]
    }

    #[test]
    fn every_byte_is_the_rounded_exact_value() {
        for d in 0..=255u8 {
            for a in 0..=255u8 {
                let p = mul_255(200, a);
                let exact = f64::from(p) + f64::from(d) * (1.0 - f64::from(a) / 255.0);
                assert_eq!(blended(Blend::Normal, d, p, Some(a), 1.0), exact.round() as u8);
                let exact = f64::from(p) * 0.3 + f64::from(d) * (1.0 - f64::from(a) / 255.0 * 0.3);
                let near = exact + 0.5 - exact.round() < 0.012 || exact.round() + 0.5 - exact < 0.012;
                let got = blended(Blend::Normal, d, p, Some(a), 0.3);
                assert!(got == exact.round() as u8 || near, "{d} {a}: {got} for {exact}");
            }
            for p in 0..=255u8 {
                let half = (u16::from(d) + u16::from(p)).div_ceil(2) as u8;
                assert_eq!(blended(Blend::Normal, d, p, None, 0.5), half);
                assert_eq!(blended(Blend::Normal, d, p, Some(255), 0.5), half);
                assert_eq!(blended(Blend::Additive, d, p, None, 1.0), d.saturating_add(p));
                let sum = (f64::from(d) + f64::from(p) * 0.5).round().min(255.0) as u8;
                assert_eq!(blended(Blend::Additive, d, p, None, 0.5), sum);
            }
        }
    }

    #[test]
    fn a_sample_is_the_same_in_any_run() {
        for blend in [Blend::Normal, Blend::Additive] {
            for k in [0.0, 1e-6, 0.1, 0.5, 0.77, 0.99999, 1.0] {
                for d in 0..=255u8 {
                    for (p, a) in [(0, 0), (3, 3), (100, 200), (200, 255), (255, 128)] {
                        blended(blend, d, p, Some(a), k);
                        blended(blend, d, p, None, k);
                    }
                    let opaque = blended(blend, d, 77, Some(255), k);
                    assert_eq!(opaque, blended(blend, d, 77, None, k), "{d} {k}");
                }
            }
        }
    }

    #[test]
    fn pixels_are_what_their_planes_are() {
        let byte = |i: usize| [0, 255, (i * 37) as u8, (i * 151 / 3) as u8][(i * 7 + i / 5) % 4];
        for len in [0, 1, 31, 32, 33, 100, 321] {
            let row: Vec<u8> = (0..4 * len).map(byte).collect();
            let below: Vec<u8> = (0..len).map(|i| byte(i * 3 + 1)).collect();
            for (straight, k) in [(true, 1.0), (false, 1.0), (true, 0.4), (false, 0.77), (true, 0.0)] {
                let whole = len / 7..len - len / 9;
                let weights = RowWeights { each: vec![k * 0.5; len], whole, weight: k };
                let alpha: Vec<u8> = row.chunks(4).map(|p| p[3]).collect();
                let colour = |c: usize| {
                    let colours = row.chunks(4).map(|p| if straight { mul_255(p[c], p[3]) } else { p[c] });
                    colours.collect::<Vec<u8>>()
                };
                let colours = [colour(0), colour(1), colour(2)];
                let values = colours.each_ref().map(|c| &c[..]);
                let mut expected = [below.clone(), below.clone(), below.clone()];
                let mut dst = expected.each_mut().map(|d| &mut d[..]);
                rows(Blend::Normal, &mut dst, &values, Some(&alpha), &weights);
                for portable in [true, false] {
                    lk_media::kernel::portable_only(portable);
                    let mut got = [below.clone(), below.clone(), below.clone()];
                    pixels(got.each_mut().map(|d| &mut d[..]), &row, straight, &weights);
                    assert_eq!(got, expected, "{len} {straight} {k} {portable}");
                }
            }
        }
    }

    #[test]
    fn colours_brighter_than_their_alpha_saturate() {
        assert_eq!(blended(Blend::Normal, 255, 255, Some(0), 1.0), 255);
        assert_eq!(blended(Blend::Normal, 255, 255, Some(0), 0.7), 255);
    }
}
