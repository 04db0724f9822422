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

/// Asks for the cache line that lies so far beyond the first of some bytes, whatever it is: for loops that ask as they go.
#[inline]
pub fn prefetch_beyond(bytes: &[u8], ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: only a hint: it may be given for any address.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(ahead).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, ahead);
}

/// From so many bytes on no cache keeps a copy until it is read.
const LARGE: usize = 1 << 20;

/// Copies a picture's worth of bytes. Large copies go around the caches: lines that are written as a whole are not fetched
/// first, which is a third of the work.
pub fn copy(from: &[u8], to: &mut [u8]) {
    assert_eq!(from.len(), to.len(), "copies are of equal length");
    // SAFETY: both are that long, and a slice that may be written overlaps no other.
    #[allow(unsafe_code)]
    unsafe {
        copy_from(from.as_ptr(), to);
    }
}

/// The same of memory that others may be writing: what comes out is any mixture then. All of it is written when this
/// returns, for other threads and processes too.
///
/// # Safety
/// As many bytes as `to` has can be read at `from`, and they do not overlap it.
#[allow(unsafe_code)]
pub unsafe fn copy_from(from: *const u8, to: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if to.len() >= LARGE && has_avx2() {
        // SAFETY: the processor has AVX2, and the rest is what the caller promises.
        return unsafe { copy_streaming(from, to) };
    }
    // SAFETY: what the caller promises.
    unsafe { std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
}

/// # Safety
/// As for [`copy_from`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
unsafe fn copy_streaming(from: *const u8, to: &mut [u8]) {
    use std::arch::x86_64::{__m256i, _mm_sfence, _mm256_loadu_si256, _mm256_stream_si256};
    let head = to.as_ptr().align_offset(LINE).min(to.len());
    let body = (to.len() - head) / LINE * LINE;
    let out = to.as_mut_ptr();
    // SAFETY: everything lies within what the caller promises; lines of the body begin at multiples of their length.
    unsafe {
        std::ptr::copy_nonoverlapping(from, out, head);
        for at in (head..head + body).step_by(LINE) {
            let low = _mm256_loadu_si256(from.add(at).cast());
            let high = _mm256_loadu_si256(from.add(at + LINE / 2).cast());
            _mm256_stream_si256(out.add(at).cast::<__m256i>(), low);
            _mm256_stream_si256(out.add(at + LINE / 2).cast::<__m256i>(), high);
        }
        let rest = head + body;
        std::ptr::copy_nonoverlapping(from.add(rest), out.add(rest), to.len() - rest);
    }
    // such stores are ordered with nothing else
    _mm_sfence();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_whole_wherever_they_begin() {
        let from: Vec<u8> = (0..LARGE + 300).map(|i| (i * 7 + i / 251) as u8).collect();
        for (start, len) in
            [(0, 0), (1, 100), (0, LARGE), (3, LARGE), (1, LARGE + 77), (64, LARGE + 1), (13, LARGE + 200)]
        {
            let mut to = vec![0; LARGE + 300];
            copy(&from[start..start + len], &mut to[start / 2..start / 2 + len]);
            assert_eq!(to[start / 2..start / 2 + len], from[start..start + len], "{start} {len}");
            assert!(to[start / 2 + len..].iter().chain(&to[..start / 2]).all(|b| *b == 0));
        }
    }
}
