// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures at another size, stretched by libswscale.

use super::error::{self, Doing};
use super::to_av::{Pixel, lend};
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{Context, Flags};
use lk_media::{Error, Frame, FramePool, FrameSpec, Result, Size};

/// Stretches pictures to one size. It keeps its tables for as long as the pictures stay alike.
#[derive(Default)]
pub(crate) struct Resizer(Option<(FrameSpec, Size, Context)>);

#[allow(unsafe_code)]
// SAFETY: the context belongs to this value alone and FFmpeg binds it to no thread.
unsafe impl Send for Resizer {}

impl Resizer {
    /// `frame` with the sides of `size`, in its own format; sizes that the format cannot have are an error. A
    /// frame of that size comes back as it is.
    pub(crate) fn resize(&mut self, frame: &Frame, size: Size) -> Result<Frame> {
        let spec = frame.spec();
        if spec.size == size {
            return Ok(frame.clone());
        }
        let fail = |e| error::convert(e, Doing::Writing, format_args!("a picture of {size}"));
        let pixel = Pixel::of(spec);
        if self.0.as_ref().is_none_or(|(from, to, _)| (*from, *to) != (spec, size)) {
            let flags = Flags::BILINEAR | Flags::ACCURATE_RND | Flags::BITEXACT;
            let (from, to) = ((spec.size.width, spec.size.height), (size.width, size.height));
            let context = Context::get(pixel, from.0, from.1, pixel, to.0, to.1, flags).map_err(fail)?;
            self.0 = Some((spec, size, context));
        }
        let Some((.., context)) = &mut self.0 else { return Err(Error::internal("a scaler went away")) };
        let mut out = frame::Video::empty();
        context.run(&lend(frame)?, &mut out).map_err(fail)?;
        let mut to = FramePool::shared().frame(FrameSpec { size, ..spec })?;
        for index in 0..spec.format.planes() {
            let (data, stride) = (out.data(index), out.stride(index));
            let mut plane = to.plane_mut(index);
            for y in 0..plane.rows {
                let row = plane.row_mut(y);
                let from = data.get(y * stride..y * stride + row.len());
                row.copy_from_slice(from.ok_or_else(|| Error::internal("a scaled picture is too small"))?);
            }
        }
        Ok(to.publish(frame.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{PixelFormat, Timestamp};

    #[test]
    fn every_format_is_stretched() {
        use PixelFormat::*;
        let mut resizer = Resizer::default();
        for format in [Bgra, Bgr, Rgba, Rgb, I420, Nv12, Yuy2] {
            let spec = FrameSpec::of(format, Size::new(64, 48));
            let mut frame = FramePool::shared().frame(spec).unwrap();
            for mut plane in frame.planes_mut() {
                for y in 0..plane.rows {
                    plane.row_mut(y).fill(77);
                }
            }
            let frame = frame.publish(Timestamp::from_nanos(5));
            for size in [Size::new(32, 96), Size::new(130, 50), Size::new(64, 48)] {
                let scaled = resizer.resize(&frame, size).unwrap();
                assert_eq!(
                    (scaled.size(), scaled.format(), scaled.timestamp().as_nanos()),
                    (size, format, 5)
                );
                let bytes = scaled.map_native().to_packed();
                assert!(bytes.iter().all(|b| b.abs_diff(77) <= 1), "{format} at {size}");
            }
        }
    }
}
