// SPDX-License-Identifier: GPL-2.0-or-later
//! All FFmpeg calls. Nothing outside this folder names an FFmpeg type.
//!
//! Reading: `input` (a container), `decode` (packets to what FFmpeg makes of them), `picture_decoder` and
//! `sound_decoder` (packets to pictures in order and samples in place), `video` and `sound` (the same from any
//! place of a file), `demux` (packets of pictures and sound for other threads), `filter` (deinterlacing, rotation, square pixels), `from_av` and `sws` (an
//! FFmpeg picture as a [`lk_media::Frame`]), `mjpeg` (JPEGs one by one), `resample` (any sound as 48 kHz stereo), `probe`. Devices: `rate`. Writing: `output`,
//! `encoder`, `to_av`, `resize`; `copy` (packets from a container into another). Both: `error`, `interrupt`, `log`.

pub(crate) mod copy;
pub(crate) mod decode;
pub(crate) mod demux;
pub(crate) mod encoder;
pub(crate) mod error;
pub(crate) mod filter;
mod filter_library;
pub(crate) mod from_av;
pub(crate) mod input;
pub(crate) mod interrupt;
pub mod log;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // for cameras
pub(crate) mod mjpeg;
pub(crate) mod output;
pub(crate) mod picture_decoder;
pub(crate) mod pipe;
pub(crate) mod probe;
#[cfg(target_os = "linux")]
pub(crate) mod rate;
pub(crate) mod resample;
pub(crate) mod resize;
pub(crate) mod sound;
pub(crate) mod sound_decoder;
pub(crate) mod sws;
pub(crate) mod to_av;
pub(crate) mod video;

#[cfg(target_os = "linux")]
pub(crate) use rate::RateConverter;

use ffmpeg_next::ffi;
use std::ffi::CStr;
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

/// The version of the FFmpeg in use.
#[allow(unsafe_code)]
pub fn version() -> String {
    // SAFETY: asks nothing and gives a string that stays for as long as the library.
    let version = unsafe { CStr::from_ptr(ffi::av_version_info()) };
    version.to_string_lossy().into_owned()
}

/// The protocols of addresses that can be read from and of those that can be written to, by FFmpeg's names.
#[allow(unsafe_code)]
pub fn protocols() -> (Vec<String>, Vec<String>) {
    let list = |output| {
        let mut place = std::ptr::null_mut();
        let mut names = Vec::new();
        loop {
            // SAFETY: `place` is FFmpeg's own note of how far it got, null at first.
            let name = unsafe { ffi::avio_enum_protocols(&raw mut place, output) };
            if name.is_null() {
                return names;
            }
            // SAFETY: names of protocols stay for as long as the library.
            names.push(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
        }
    };
    (list(0), list(1))
}

/// What the FFmpeg in use says of its licence: "GPL version 2 or later".
#[allow(unsafe_code)]
pub fn license() -> String {
    // SAFETY: asks nothing and gives a string that stays for as long as the library.
    let license = unsafe { CStr::from_ptr(ffi::avutil_license()) };
    license.to_string_lossy().into_owned()
}
