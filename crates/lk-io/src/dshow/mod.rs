// SPDX-License-Identifier: GPL-2.0-or-later
//! What our filters of DirectShow have in common: the one at the end of a camera's graph, and the virtual camera.
#![allow(unsafe_code)] // structures that COM hands about

mod filter;
mod lists;
mod pin;

pub use filter::{Part, Place, filter};
pub use lists::{hand_out, skip};
pub use pin::{pin_id, tell_pin};

use windows::Win32::Media::MediaFoundation::{AM_MEDIA_TYPE, FORMAT_VideoInfo, VIDEOINFOHEADER};

/// Objects of COM that are reached from several threads, and the types they tell of, which nobody changes then.
/// DirectShow's are made for that: filters live in no apartment.
#[derive(Clone, Debug)]
pub struct Shared<T>(pub T);

// SAFETY: see above: the interfaces of filters, pins, allocators and clocks may be called from any thread, and types are
// only read.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

/// What a type says of pictures, if it says it in the usual way.
pub fn header_of(kind: &AM_MEDIA_TYPE) -> Option<VIDEOINFOHEADER> {
    let is_whole = kind.cbFormat as usize >= size_of::<VIDEOINFOHEADER>() && !kind.pbFormat.is_null();
    // SAFETY: as long as its own word says; whoever made it vouches for that. It may lie anywhere.
    (kind.formattype == FORMAT_VideoInfo && is_whole)
        .then(|| unsafe { kind.pbFormat.cast::<VIDEOINFOHEADER>().read_unaligned() })
}
