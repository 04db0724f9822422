// SPDX-License-Identifier: GPL-2.0-or-later
//! How compositors write pixels.

use lk_media::{AlphaKind, Error, ErrorKind, PixelFormat, Result};
use wayland_client::protocol::wl_shm;

/// A format that is read in place.
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub pixels: PixelFormat,
    pub alpha: AlphaKind,
    /// Bytes of a pixel.
    pub bytes: usize,
}

impl Format {
    /// What the compositor calls `number`.
    pub fn of(number: u32) -> Result<Self> {
        use wl_shm::Format as Shm;
        let format = Shm::try_from(number);
        // named from the highest bit to the lowest: in memory the other way round
        let (pixels, bytes) = match format {
            Ok(Shm::Argb8888 | Shm::Xrgb8888) => (PixelFormat::Bgra, 4),
            Ok(Shm::Abgr8888 | Shm::Xbgr8888) => (PixelFormat::Rgba, 4),
            Ok(Shm::Bgr888) => (PixelFormat::Rgb, 3),
            Ok(Shm::Rgb888) => (PixelFormat::Bgr, 3),
            _ => {
                let name = format.map_or_else(|()| format!("number 0x{number:08x}"), |f| format!("{f:?}"));
                return Err(Error::new(
                    ErrorKind::Display,
                    format!("the screen's format, {name}, is not supported"),
                )
                .with_hint("let the compositor use 8 bits a colour"));
            }
        };
        // a screen has nothing behind it, whatever its memory says
        Ok(Self { pixels, alpha: AlphaKind::Opaque, bytes })
    }
}
