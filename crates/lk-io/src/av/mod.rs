// SPDX-License-Identifier: GPL-2.0-or-later
//! All FFmpeg calls. Nothing outside this folder names an FFmpeg type.
//!
//! Reading: `input` (a container), `decode` (packets to pictures or sound), `video` and `sound` (a stream's
//! pictures or samples from any place), `filter` (deinterlacing, rotation, square pixels), `from_av` and `sws` (an
//! FFmpeg picture as a [`lk_media::Frame`]), `resample` (any sound as 48 kHz stereo), `probe`. Writing: `output`,
//! `encoder`, `to_av`. Both: `error`, `interrupt`, `log`.

pub(crate) mod decode;
pub(crate) mod encoder;
pub(crate) mod error;
pub(crate) mod filter;
pub(crate) mod from_av;
pub(crate) mod input;
pub(crate) mod interrupt;
pub mod log;
pub(crate) mod output;
pub(crate) mod probe;
pub(crate) mod resample;
pub(crate) mod sound;
pub(crate) mod sws;
pub(crate) mod to_av;
pub(crate) mod video;

use std::sync::Once;

/// Prepares FFmpeg once: its log goes to `tracing`, warnings and worse. Every entry into this folder that can
/// be the first of a program calls it; later calls cost nothing.
pub(crate) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // the error texts; `init` of this version has nothing else that could fail
        if let Err(e) = ffmpeg_next::init() {
            tracing::error!("FFmpeg cannot be prepared: {e}");
        }
        log::install();
    });
}
