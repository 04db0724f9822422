// SPDX-License-Identifier: GPL-2.0-or-later
//! Lays rows of a layer over rows of a canvas plane. Premultiplied values P, alpha A, weight k:
//! normal is P·k + D·(1 − A·k), additive is D + P·k, both rounded to nearest.

use super::coverage::RowWeights;
use super::source::{mul_255, round_positive};
use crate::scene::Blend;

lk_media::kernel! {
/// Blends a row; without `alpha` the layer is opaque.
pub(super) fn row(blend: Blend, dst: &mut [u8], values: &[u8], alpha: Option<&[u8]>, weights: &RowWeights) {
    let part = |range: std::ops::Range<usize>| (&values[range.clone()], alpha.map(|a| &a[range]));
    let (from, to, end) = (weights.whole.start, weights.whole.end, dst.len());
    for range in [0..from, to..end] {
        if !range.is_empty() {
            let (p, a) = part(range.clone());
            varying(blend, &mut dst[range.clone()], p, a, &weights.each[range]);
        }
    }
    if from < to {
        let (p, a) = part(from..to);
        uniform(blend, &mut dst[from..to], p, a, weights.weight);
    }
}
}

#[inline(always)]
fn uniform(blend: Blend, dst: &mut [u8], values: &[u8], alpha: Option<&[u8]>, k: f32) {
    match (blend, alpha) {
        _ if k <= 0.0 => {}
        (Blend::Normal, None) if k >= 1.0 => dst.copy_from_slice(values),
        (Blend::Normal, Some(alpha)) if k >= 1.0 => {
            for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
                *d = p.saturating_add(mul_255(*d, 255 - a));
            }
        }
        (Blend::Additive, _) if k >= 1.0 => {
            dst.iter_mut().zip(values).for_each(|(d, p)| *d = d.saturating_add(*p));
        }
        (Blend::Normal, None) => {
            let rest = 1.0 - k;
            dst.iter_mut()
                .zip(values)
                .for_each(|(d, p)| *d = round_positive(f32::from(*p) * k + f32::from(*d) * rest));
        }
        (Blend::Normal, Some(alpha)) => {
            for ((d, p), a) in dst.iter_mut().zip(values).zip(alpha) {
                *d = over(*d, *p, *a, k);
            }
        }
        (Blend::Additive, _) => {
            dst.iter_mut()
                .zip(values)
                .for_each(|(d, p)| *d = round_positive(f32::from(*d) + f32::from(*p) * k));
        }
    }
}

#[inline(always)]
fn varying(blend: Blend, dst: &mut [u8], values: &[u8], alpha: Option<&[u8]>, weights: &[f32]) {
    for (i, (d, k)) in dst.iter_mut().zip(weights).enumerate() {
        *d = match (blend, alpha) {
            (Blend::Normal, None) => round_positive(f32::from(values[i]) * k + f32::from(*d) * (1.0 - k)),
            (Blend::Normal, Some(alpha)) => over(*d, values[i], alpha[i], *k),
            (Blend::Additive, _) => round_positive(f32::from(*d) + f32::from(values[i]) * k),
        };
    }
}

#[inline(always)]
fn over(d: u8, p: u8, a: u8, k: f32) -> u8 {
    // 255 * (1 / 255) is exactly 1 in this precision, so opaque pixels blend exactly
    let covered = f32::from(a) * (1.0 / 255.0) * k;
    round_positive(f32::from(p) * k + f32::from(d) * (1.0 - covered))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blended(blend: Blend, d: u8, p: u8, a: Option<u8>, k: f32) -> u8 {
        let weights = RowWeights { each: vec![k; 3], whole: 1..2, weight: k };
        let mut dst = [d; 3];
        row(blend, &mut dst, &[p; 3], a.map(|a| [a; 3]).as_ref().map(|a| &a[..]), &weights);
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
                let near = exact + 0.5 - exact.round() < 1e-3 || exact.round() + 0.5 - exact < 1e-3;
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
    fn colours_brighter_than_their_alpha_saturate() {
        assert_eq!(blended(Blend::Normal, 255, 255, Some(0), 1.0), 255);
        assert_eq!(blended(Blend::Normal, 255, 255, Some(0), 0.7), 255);
    }
}
