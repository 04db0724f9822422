// SPDX-License-Identifier: GPL-2.0-or-later
//! Frames to picture files.

use image::{ExtendedColorType, ImageFormat};
use lk_media::{AlphaKind, Error, ErrorKind, Frame, PixelFormat, Result};
use std::io::Cursor;
use std::path::Path;

/// The endings that [`save`] knows.
const ENDINGS: &str = ".png, .jpg, .bmp or .webp";

/// Writes a picture file; its ending says which kind.
pub fn save(frame: &Frame, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let format = ImageFormat::from_path(path)
        .ok()
        .filter(|f| matches!(f, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::WebP))
        .ok_or_else(|| {
            Error::parameter(format!("{}: the ending does not name a kind of picture", path.display()))
                .with_hint(format!("use {ENDINGS}"))
        })?;
    let bytes = encode(frame, format)?;
    std::fs::write(path, bytes).map_err(|e| {
        let kind =
            if e.kind() == std::io::ErrorKind::StorageFull { ErrorKind::DiskFull } else { ErrorKind::Output };
        Error::new(kind, format!("{} cannot be written: {e}", path.display()))
            .with_errno_of(&e)
            .with_source(e)
    })
}

/// A frame as the bytes of a png file.
pub fn encode_png(frame: &Frame) -> Result<Vec<u8>> {
    encode(frame, ImageFormat::Png)
}

fn encode(frame: &Frame, format: ImageFormat) -> Result<Vec<u8>> {
    let size = frame.size();
    // jpeg has no alpha
    let alpha = frame.spec().alpha != AlphaKind::Opaque && format != ImageFormat::Jpeg;
    let (pixels, color) = if alpha {
        (PixelFormat::Rgba, ExtendedColorType::Rgba8)
    } else {
        (PixelFormat::Rgb, ExtendedColorType::Rgb8)
    };
    let bytes = frame.map(pixels)?.to_packed();
    let mut out = Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut out, &bytes, size.width, size.height, color, format)
        .map_err(|e| Error::internal(format!("a {size} picture could not be encoded")).with_source(e))?;
    Ok(out.into_inner())
}
