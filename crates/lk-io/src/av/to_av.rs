// SPDX-License-Identifier: GPL-2.0-or-later
//! Our frames as FFmpeg's: the bytes are lent, not copied, and given back when FFmpeg is done with them.

use super::error::{self, Doing};
use ffmpeg_next::format::Pixel as AvPixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{color, ffi, frame};
use lk_media::{
    AlphaKind, ColorSpace, Error, ErrorKind, Frame, FrameMap, FramePool, FrameSpec, Matrix, PixelFormat,
    Range, Result, Siting, Size,
};
use std::ffi::{c_int, c_void};

/// FFmpeg's SIMD code reads whole vectors: rows and planes must start and end on such a boundary.
const VECTOR: usize = 32;

/// A pixel format of FFmpeg.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pixel(pub(super) AvPixel);

/// What one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PixelInfo {
    pub(crate) name: String,
    pub(crate) rgb: bool,
    pub(crate) alpha: bool,
    /// How many pixels share a chroma sample, across and down.
    pub(crate) chroma_step: (u32, u32),
}

/// The tags of encoded pictures.
pub(super) struct Tags {
    pub(super) space: color::Space,
    pub(super) range: color::Range,
    pub(super) transfer: color::TransferCharacteristic,
    pub(super) location: ffi::AVChromaLocation,
}

impl From<AvPixel> for Pixel {
    fn from(pixel: AvPixel) -> Self {
        Self(pixel)
    }
}

impl Pixel {
    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        name.parse::<AvPixel>().ok().filter(|p| *p != AvPixel::None).map(Self)
    }

    /// What it is; None for formats that are only handles of devices.
    #[allow(unsafe_code)]
    pub(crate) fn info(self) -> Option<PixelInfo> {
        let descriptor = self.0.descriptor()?;
        // SAFETY: descriptors live as long as the process.
        let flags = unsafe { (*descriptor.as_ptr()).flags };
        let has = |flag: u64| flags & flag != 0;
        if has(ffi::AV_PIX_FMT_FLAG_HWACCEL as u64) {
            return None;
        }
        let name = descriptor.name().to_owned();
        Some(PixelInfo {
            // a palette and the 8-bit RGB formats count as RGB, grey as YUV
            rgb: has(ffi::AV_PIX_FMT_FLAG_RGB as u64) || has(ffi::AV_PIX_FMT_FLAG_PAL as u64),
            alpha: has(ffi::AV_PIX_FMT_FLAG_ALPHA as u64) && name != "pal8",
            chroma_step: (1 << descriptor.log2_chroma_w(), 1 << descriptor.log2_chroma_h()),
            name,
        })
    }

    /// What to give an encoder of this format: exactly it where we have it, else the nearest we have that loses
    /// nothing.
    pub(crate) fn wish(self, size: Size) -> FrameSpec {
        let info = self.info();
        let (format, alpha) = match self.0 {
            AvPixel::YUV420P | AvPixel::YUVJ420P => (PixelFormat::I420, AlphaKind::Opaque),
            AvPixel::NV12 => (PixelFormat::Nv12, AlphaKind::Opaque),
            AvPixel::YUYV422 => (PixelFormat::Yuy2, AlphaKind::Opaque),
            AvPixel::RGB24 => (PixelFormat::Rgb, AlphaKind::Opaque),
            AvPixel::BGR24 => (PixelFormat::Bgr, AlphaKind::Opaque),
            AvPixel::RGBA => (PixelFormat::Rgba, AlphaKind::Straight),
            AvPixel::RGBZ => (PixelFormat::Rgba, AlphaKind::Opaque),
            _ => match info {
                Some(i) if i.alpha => (PixelFormat::Bgra, AlphaKind::Straight),
                Some(i) if !i.rgb && i.chroma_step == (2, 2) && !self.is_full_range() => {
                    (PixelFormat::I420, AlphaKind::Opaque)
                }
                _ => (PixelFormat::Bgra, AlphaKind::Opaque),
            },
        };
        let alpha = if self.0 == AvPixel::BGRA { AlphaKind::Straight } else { alpha };
        let color = if self.0 == AvPixel::YUVJ420P { ColorSpace::JPEG } else { ColorSpace::BT709 };
        FrameSpec::of(format, size).with_color(color).with_alpha(alpha)
    }

    /// The `yuvj` formats of motion JPEG.
    fn is_full_range(self) -> bool {
        matches!(self.0, AvPixel::YUVJ420P | AvPixel::YUVJ422P | AvPixel::YUVJ444P | AvPixel::YUVJ440P)
    }

    pub(super) fn tags(self) -> Tags {
        use color::{Range as R, Space as S, TransferCharacteristic as T};
        use ffi::AVChromaLocation as L;
        let rgb = self.info().is_some_and(|i| i.rgb);
        let location = |info: Option<PixelInfo>| match info {
            Some(i) if i.chroma_step != (1, 1) => L::AVCHROMA_LOC_LEFT,
            _ => L::AVCHROMA_LOC_UNSPECIFIED,
        };
        if rgb {
            Tags {
                space: S::RGB,
                range: R::JPEG,
                transfer: T::IEC61966_2_1,
                location: L::AVCHROMA_LOC_UNSPECIFIED,
            }
        } else if self.is_full_range() {
            Tags { space: S::BT470BG, range: R::JPEG, transfer: T::BT709, location: L::AVCHROMA_LOC_CENTER }
        } else {
            Tags { space: S::BT709, range: R::MPEG, transfer: T::BT709, location: location(self.info()) }
        }
    }

    /// The format whose bytes are exactly those of our `spec`.
    pub(super) fn of(spec: FrameSpec) -> AvPixel {
        let opaque = spec.alpha == AlphaKind::Opaque;
        match spec.format {
            PixelFormat::Bgra if opaque => AvPixel::BGRZ,
            PixelFormat::Bgra => AvPixel::BGRA,
            PixelFormat::Bgr => AvPixel::BGR24,
            PixelFormat::Rgba if opaque => AvPixel::RGBZ,
            PixelFormat::Rgba => AvPixel::RGBA,
            PixelFormat::Rgb => AvPixel::RGB24,
            PixelFormat::I420 => AvPixel::YUV420P,
            PixelFormat::Nv12 => AvPixel::NV12,
            PixelFormat::Yuy2 => AvPixel::YUYV422,
        }
    }

    /// Whether pictures of `spec` are this format as they are.
    fn is_given_by(self, spec: FrameSpec) -> bool {
        let ours = Self::of(spec);
        self.0 == ours
            || matches!(
                (self.0, ours),
                (AvPixel::YUVJ420P, AvPixel::YUV420P)
                    | (AvPixel::BGRZ, AvPixel::BGRA)
                    | (AvPixel::RGBZ, AvPixel::RGBA)
            )
    }
}

/// Makes FFmpeg's frames of ours for one encoder.
pub(crate) struct Feeder {
    pixel: Pixel,
    spec: FrameSpec,
    scaler: Option<Scaler>,
}

impl Feeder {
    /// For an encoder that takes `pixel`.
    pub(crate) fn new(pixel: Pixel, size: Size) -> Result<Self> {
        let spec = pixel.wish(size);
        let scaler = if pixel.is_given_by(spec) { None } else { Some(Scaler::new(spec, pixel)?) };
        Ok(Self { pixel, spec, scaler })
    }

    /// What it is best given.
    pub(crate) fn wish(&self) -> FrameSpec {
        self.spec
    }

    /// The frame for the encoder; its time is `index`.
    pub(crate) fn feed(&mut self, frame: &Frame, index: u64) -> Result<frame::Video> {
        let frame = frame.convert(self.spec)?;
        let lent = lend(&frame)?;
        let mut out = match &mut self.scaler {
            None => lent,
            Some(scaler) => scaler.run(&lent)?,
        };
        out.set_format(self.pixel.0);
        tag(&mut out, self.pixel);
        out.set_pts(Some(index as i64));
        Ok(out)
    }
}

#[allow(unsafe_code)]
fn tag(frame: &mut frame::Video, pixel: Pixel) {
    let tags = pixel.tags();
    frame.set_color_space(tags.space);
    frame.set_color_range(tags.range);
    frame.set_color_primaries(color::Primaries::BT709);
    frame.set_color_transfer_characteristic(tags.transfer);
    // SAFETY: the frame is ours.
    unsafe {
        (*frame.as_mut_ptr()).chroma_location = tags.location;
        (*frame.as_mut_ptr()).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
    }
}

/// A frame of FFmpeg that shares the bytes of `frame`, and holds on to them until FFmpeg lets go. Memory that
/// FFmpeg's vector code could read past the end of is copied first; the pool's never is.
#[allow(unsafe_code)]
pub(super) fn lend(frame: &Frame) -> Result<frame::Video> {
    let frame = if is_lendable(&frame.map_native()) { frame.clone() } else { copied(frame)? };
    let spec = frame.spec();
    let map = frame.map_native();
    let mut out = frame::Video::empty();
    out.set_format(Pixel::of(spec));
    out.set_width(spec.size.width);
    out.set_height(spec.size.height);
    for index in 0..spec.format.planes() {
        let plane = map.plane(index);
        let (data, len) = (plane.data.as_ptr().cast_mut(), plane.data.len());
        let holder = Box::into_raw(Box::new(map.clone())).cast::<c_void>();
        // SAFETY: the bytes live as long as the frame that `holder` owns, which `give_back` drops when the last
        // reference goes; the buffer is marked read-only, so nobody writes through the pointer made mutable.
        let buffer = unsafe {
            ffi::av_buffer_create(data, len, Some(give_back), holder, ffi::AV_BUFFER_FLAG_READONLY as c_int)
        };
        if buffer.is_null() {
            // SAFETY: nobody took the holder.
            drop(unsafe { Box::from_raw(holder.cast::<FrameMap>()) });
            return Err(Error::new(ErrorKind::Memory, "no memory for a frame to encode"));
        }
        let stride =
            c_int::try_from(plane.stride).map_err(|_| Error::format("rows of a frame are too long"))?;
        // SAFETY: the frame is ours, has at least four places, and frees the buffer with itself.
        unsafe {
            let raw = out.as_mut_ptr();
            (*raw).buf[index] = buffer;
            (*raw).data[index] = data;
            (*raw).linesize[index] = stride;
        }
    }
    Ok(out)
}

/// # Safety
/// `holder` is a box that `lend` gave away, and this is called once for it.
#[allow(unsafe_code)]
unsafe extern "C" fn give_back(holder: *mut c_void, _data: *mut u8) {
    // SAFETY: `lend` made it of a box, and FFmpeg calls this once. Dropping a frame takes a lock and frees or
    // keeps memory; a panic in it would abort, not unwind, as in any function with this calling convention.
    drop(unsafe { Box::from_raw(holder.cast::<FrameMap>()) });
}

fn is_lendable(map: &FrameMap) -> bool {
    (0..map.spec().format.planes()).all(|index| {
        let plane = map.plane(index);
        (plane.data.as_ptr() as usize).is_multiple_of(VECTOR)
            && plane.stride.is_multiple_of(VECTOR)
            && plane.data.len() >= plane.stride * plane.rows
    })
}

fn copied(frame: &Frame) -> Result<Frame> {
    let from = frame.map_native();
    let mut to = FramePool::shared().frame(frame.spec())?;
    for index in 0..frame.spec().format.planes() {
        let source = from.plane(index);
        let mut target = to.plane_mut(index);
        for y in 0..target.rows {
            target.row_mut(y).copy_from_slice(source.row(y));
        }
    }
    Ok(to.publish(frame.timestamp()))
}

/// Conversion to formats we do not have, by swscale in its exact mode.
struct Scaler {
    context: scaling::Context,
    pixel: Pixel,
}

#[allow(unsafe_code)]
// SAFETY: the context belongs to this value alone and FFmpeg binds it to no thread.
unsafe impl Send for Scaler {}

impl Scaler {
    #[allow(unsafe_code)]
    fn new(spec: FrameSpec, pixel: Pixel) -> Result<Self> {
        use scaling::Flags;
        let (width, height) = (spec.size.width, spec.size.height);
        let flags = Flags::BICUBIC
            | Flags::ACCURATE_RND
            | Flags::FULL_CHR_H_INT
            | Flags::FULL_CHR_H_INP
            | Flags::BITEXACT;
        let context = scaling::Context::get(Pixel::of(spec), width, height, pixel.0, width, height, flags);
        let fail =
            |e| error::convert(e, Doing::Writing, format_args!("pictures cannot become {}", name(pixel)));
        let mut context = context.map_err(fail)?;
        let full = |is: bool| c_int::from(is);
        // SAFETY: the context is ours; the tables live as long as the process.
        unsafe {
            let table = |matrix| ffi::sws_getCoefficients(matrix);
            let to = if pixel.is_full_range() { table(5) } else { table(ffi::SWS_CS_ITU709 as c_int) };
            let from = match spec.color.matrix {
                Matrix::Bt601 => table(5),
                Matrix::Bt709 => table(ffi::SWS_CS_ITU709 as c_int),
                Matrix::Bt2020 => table(9),
            };
            let from_full = spec.color.range == Range::Full;
            let to_full = pixel.is_full_range() || pixel.info().is_some_and(|i| i.rgb);
            let one = 1 << 16;
            ffi::sws_setColorspaceDetails(
                context.as_mut_ptr(),
                from,
                full(from_full),
                to,
                full(to_full),
                0,
                one,
                one,
            );
        }
        debug_assert!(spec.color.siting != Siting::TopLeft);
        Ok(Self { context, pixel })
    }

    fn run(&mut self, frame: &frame::Video) -> Result<frame::Video> {
        let mut out = frame::Video::empty();
        let done = self.context.run(frame, &mut out);
        done.map_err(|e| {
            error::convert(e, Doing::Writing, format_args!("a picture for {}", name(self.pixel)))
        })?;
        Ok(out)
    }
}

fn name(pixel: Pixel) -> String {
    pixel.info().map_or_else(|| "this pixel format".to_owned(), |i| i.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::Timestamp;

    #[test]
    fn bytes_are_shared_and_given_back() {
        let pool = FramePool::new(1 << 20);
        let spec = FrameSpec::of(PixelFormat::I420, Size::new(128, 64));
        let frame = pool.frame(spec).unwrap().publish(Timestamp::ZERO);
        let first = frame.map_native().plane(0).data.as_ptr();
        let lent = lend(&frame).unwrap();
        assert_eq!(lent.data(0).as_ptr(), first);
        assert_eq!((lent.width(), lent.height(), lent.stride(1)), (128, 64, 64));
        drop(frame);
        assert!(pool.usage().0 > 0);
        drop(lent);
        assert_eq!(pool.usage().0, 0);
    }

    #[test]
    fn wishes() {
        let wish = |name: &str| Pixel::named(name).unwrap().wish(Size::new(16, 16));
        assert_eq!(wish("yuv420p").color, ColorSpace::BT709);
        assert_eq!(wish("yuvj420p").color, ColorSpace::JPEG);
        assert_eq!(wish("yuv420p10le").format, PixelFormat::I420);
        assert_eq!((wish("bgra").format, wish("bgra").alpha), (PixelFormat::Bgra, AlphaKind::Straight));
        assert_eq!(
            (wish("yuv422p10le").format, wish("yuv422p10le").alpha),
            (PixelFormat::Bgra, AlphaKind::Opaque)
        );
        assert_eq!(wish("yuva444p10le").alpha, AlphaKind::Straight);
        assert_eq!(wish("rgb24").format, PixelFormat::Rgb);
        assert!(Pixel::named("nonsense").is_none());
    }
}
