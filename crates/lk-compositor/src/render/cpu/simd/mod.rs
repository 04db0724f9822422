// SPDX-License-Identifier: GPL-2.0-or-later
//! Row kernels written out for AVX2 where the compiler makes less of plain code: it widens 16-bit products to 32 bits
//! and back. Each returns how many samples it made, always whole vectors; its caller makes the rest, and all of them
//! elsewhere, by the plain code whose results these equal bit for bit.
#![cfg(target_arch = "x86_64")]

mod blend;
mod color;
mod resample;
mod yuv;

pub(super) use blend::*;
pub(super) use color::*;
pub(super) use resample::*;
use std::arch::asm;
use std::arch::x86_64::*;
pub(super) use yuv::*;

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

/// The upper halves of products. As an intrinsic it would be known to the compiler as wider products cut off, and where
/// these are used more than once it makes them in 32 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn high(a: __m256i, b: __m256i) -> __m256i {
    let product;
    // SAFETY: one instruction of AVX2 on registers, which this function requires.
    #[allow(unsafe_code)]
    unsafe {
        asm!("vpmulhuw {}, {}, {}", lateout(ymm_reg) product, in(ymm_reg) a, in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    product
}

/// The same of signed numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn high_signed(a: __m256i, b: __m256i) -> __m256i {
    let product;
    // SAFETY: as in `high`.
    #[allow(unsafe_code)]
    unsafe {
        asm!("vpmulhw {}, {}, {}", lateout(ymm_reg) product, in(ymm_reg) a, in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    product
}

/// A byte value times a weight, in 1/256.
#[inline]
#[target_feature(enable = "avx2")]
fn times(value: __m256i, weight: __m256i) -> __m256i {
    high(_mm256_slli_epi16::<8>(value), weight)
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
