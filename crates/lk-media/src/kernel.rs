// SPDX-License-Identifier: GPL-2.0-or-later
//! Compiles a row kernel twice, for the plain processor and for AVX2, and picks at run time.
//!
//! The code is the same, so the results are equal bit for bit: Rust never fuses a multiplication and an
//! addition on its own (and the fma feature stays off), and everything else is integers.

use std::cell::Cell;

/// Bytes of a cache line.
const LINE: usize = 64;
/// How far ahead of what is being read or written memory is asked for.
const AHEAD: usize = 8192;

/// Asks the processor to fetch bytes that will be read or written soon. It finds the next line of a row by itself, but
/// not the next row, and has few lines on their way at a time.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: only a hint, and the address is that of readable bytes.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, LINE);
}

/// How many rows ahead [`prefetch`] pays when `bytes` of each row are read or written.
#[inline]
pub fn rows_ahead(bytes: usize) -> usize {
    (AHEAD / bytes.max(1)).clamp(1, 16)
}

/// Defines a function whose body is compiled for the baseline and for AVX2. What the body calls takes part
/// only where it is inlined.
///
/// ```
/// lk_media::kernel! {
///     /// Adds a number to a row.
///     fn add[const BY: u8](row: &mut [u8]) {
///         row.iter_mut().for_each(|v| *v = v.wrapping_add(BY));
///     }
/// }
/// let mut row = [1, 255];
/// add::<2>(&mut row);
/// assert_eq!(row, [3, 1]);
/// ```
#[macro_export]
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident
        $([$(const $param:ident: $kind:ty),+])? ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name $(<$(const $param: $kind),+>)? ($($arg: $ty),*) {
            #[inline(always)]
            fn portable $(<$(const $param: $kind),+>)? ($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2 $(<$(const $param: $kind),+>)? ($($arg: $ty),*) {
                    portable $(::<$($param),+>)? ($($arg),*)
                }
                if $crate::kernel::has_avx2() {
                    // SAFETY: the processor was just asked and has AVX2, all that `avx2` requires.
                    #[allow(unsafe_code)]
                    return unsafe { avx2 $(::<$($param),+>)? ($($arg),*) };
                }
            }
            portable $(::<$($param),+>)? ($($arg),*)
        }
    };
}

thread_local! {
    static PORTABLE_ONLY: Cell<bool> = const { Cell::new(false) };
}

/// Whether the AVX2 versions may run. The standard library remembers the answer.
#[cfg(target_arch = "x86_64")]
pub fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && !PORTABLE_ONLY.get()
}

/// Makes this thread's kernels run without AVX2, or again with it: for tests, which expect the same of both.
pub fn portable_only(portable: bool) {
    PORTABLE_ONLY.set(portable);
}
