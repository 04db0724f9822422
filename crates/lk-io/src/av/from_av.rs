// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's pictures as [`Frame`]s: without copying where the layout is one of ours, converted otherwise.

use super::filter::reference;
use super::sws::Scaler;
use ffmpeg_next::{ffi, frame};
use lk_media::frame::PlaneLayout;
use lk_media::{
    AlphaKind, ColorSpace, Error, ErrorKind, Frame, FramePool, FrameSpec, HostMemory, Matrix, PixelFormat,
    Range, Result, Siting, Size, Timestamp,
};
use std::ffi::c_int;

/// A picture in memory that belongs to FFmpeg, kept alive by a reference to it.
struct AvMemory {
    /// Only holds the reference; `planes` points into its buffers.
    _picture: frame::Video,
    planes: Vec<(*const u8, usize, PlaneLayout)>,
}

// SAFETY: the buffers are reference counted with atomics, and nobody writes to them while a reference is held:
// decoders only read the pictures they have given out.
#[allow(unsafe_code)]
unsafe impl Send for AvMemory {}
// SAFETY: shared access only reads bytes that nobody writes.
#[allow(unsafe_code)]
unsafe impl Sync for AvMemory {}

impl HostMemory for AvMemory {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.planes[plane].2
    }

    #[allow(unsafe_code)]
    fn plane(&self, plane: usize) -> &[u8] {
        let (start, len, _) = self.planes[plane];
        // SAFETY: `wrap` checked that these bytes lie in one buffer of the picture, which `self` keeps alive.
        unsafe { std::slice::from_raw_parts(start, len) }
    }
}

/// What a picture's pixels are called here, and what has to be done first.
enum Layout {
    /// They are ours as they lie.
    Direct(PixelFormat, AlphaKind),
    /// libswscale makes them this.
    Convert(ffi::AVPixelFormat, PixelFormat, AlphaKind),
}

fn layout_of(format: c_int) -> Result<Layout> {
    use AlphaKind::{Opaque, Straight};
    use ffi::AVPixelFormat as P;
    const DIRECT: [(P, PixelFormat, AlphaKind); 10] = [
        (P::AV_PIX_FMT_YUV420P, PixelFormat::I420, Opaque),
        (P::AV_PIX_FMT_YUVJ420P, PixelFormat::I420, Opaque),
        (P::AV_PIX_FMT_NV12, PixelFormat::Nv12, Opaque),
        (P::AV_PIX_FMT_YUYV422, PixelFormat::Yuy2, Opaque),
        (P::AV_PIX_FMT_BGRA, PixelFormat::Bgra, Straight),
        (P::AV_PIX_FMT_RGBA, PixelFormat::Rgba, Straight),
        (P::AV_PIX_FMT_BGR0, PixelFormat::Bgra, Opaque),
        (P::AV_PIX_FMT_RGB0, PixelFormat::Rgba, Opaque),
        (P::AV_PIX_FMT_BGR24, PixelFormat::Bgr, Opaque),
        (P::AV_PIX_FMT_RGB24, PixelFormat::Rgb, Opaque),
    ];
    if let Some((_, ours, alpha)) = DIRECT.iter().find(|(p, ..)| *p as c_int == format) {
        return Ok(Layout::Direct(*ours, *alpha));
    }
    let described = describe(format)?;
    let flag = |bit| described.flags & bit as u64 != 0;
    if flag(ffi::AV_PIX_FMT_FLAG_HWACCEL) {
        return Err(Error::new(ErrorKind::Media, "the picture lies in a device's memory"));
    }
    let (to, ours, alpha) = if flag(ffi::AV_PIX_FMT_FLAG_ALPHA) {
        (P::AV_PIX_FMT_BGRA, PixelFormat::Bgra, Straight)
    } else if flag(ffi::AV_PIX_FMT_FLAG_RGB) || described.nb_components < 3 {
        (P::AV_PIX_FMT_BGR24, PixelFormat::Bgr, Opaque)
    } else {
        match (described.log2_chroma_w, described.log2_chroma_h) {
            (1, 1) => (P::AV_PIX_FMT_YUV420P, PixelFormat::I420, Opaque),
            (1, 0) => (P::AV_PIX_FMT_YUYV422, PixelFormat::Yuy2, Opaque),
            _ => (P::AV_PIX_FMT_BGR24, PixelFormat::Bgr, Opaque),
        }
    };
    Ok(Layout::Convert(to, ours, alpha))
}

#[allow(unsafe_code)]
fn describe(format: c_int) -> Result<&'static ffi::AVPixFmtDescriptor> {
    let known = (0..ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int).contains(&format);
    // SAFETY: the enum has the C type's size and the number was checked to be one of its values; descriptors
    // are static.
    let found = known.then(|| unsafe {
        let format = std::mem::transmute::<c_int, ffi::AVPixelFormat>(format);
        ffi::av_pix_fmt_desc_get(format).as_ref()
    });
    found.flatten().ok_or_else(|| Error::new(ErrorKind::Media, format!("unknown pixel format {format}")))
}

/// FFmpeg's name of a pixel format.
pub(crate) fn pixel_format_name(format: c_int) -> Option<String> {
    describe(format).ok().map(|d| super::input::static_name(d.name))
}

/// What a decoder or container says about colours, as numbers of FFmpeg's enums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tags {
    pub(crate) format: c_int,
    pub(crate) space: c_int,
    pub(crate) range: c_int,
    pub(crate) siting: c_int,
}

impl Tags {
    /// Those of a picture.
    #[allow(unsafe_code)]
    pub(crate) fn of(picture: &frame::Video) -> Self {
        // SAFETY: an allocated frame; the enums are read as the numbers they are.
        unsafe {
            let f = picture.as_ptr();
            Self {
                format: (*f).format,
                space: (&raw const (*f).colorspace).cast::<c_int>().read(),
                range: (&raw const (*f).color_range).cast::<c_int>().read(),
                siting: (&raw const (*f).chroma_location).cast::<c_int>().read(),
            }
        }
    }
}

/// The colour space of a picture of `rows` lines: what is tagged, and for what is not BT.709 from 720 lines up
/// and BT.601 below, limited range, left siting. JPEG formats are full range.
pub(crate) fn color_of(tags: Tags, rows: u32) -> ColorSpace {
    use ffi::{AVChromaLocation as L, AVColorRange as R, AVColorSpace as S, AVPixelFormat as P};
    let described = describe(tags.format).ok();
    if described.is_some_and(|d| d.flags & ffi::AV_PIX_FMT_FLAG_RGB as u64 != 0) {
        return ColorSpace::RGB;
    }
    let is = |number: c_int, any: &[c_int]| any.contains(&number);
    let matrix = if is(tags.space, &[S::AVCOL_SPC_BT709 as c_int, S::AVCOL_SPC_SMPTE240M as c_int]) {
        Matrix::Bt709
    } else if is(
        tags.space,
        &[S::AVCOL_SPC_BT470BG as c_int, S::AVCOL_SPC_SMPTE170M as c_int, S::AVCOL_SPC_FCC as c_int],
    ) {
        Matrix::Bt601
    } else if is(tags.space, &[S::AVCOL_SPC_BT2020_NCL as c_int, S::AVCOL_SPC_BT2020_CL as c_int]) {
        Matrix::Bt2020
    } else if rows >= 720 {
        Matrix::Bt709
    } else {
        Matrix::Bt601
    };
    let jpeg = [
        P::AV_PIX_FMT_YUVJ420P as c_int,
        P::AV_PIX_FMT_YUVJ422P as c_int,
        P::AV_PIX_FMT_YUVJ444P as c_int,
        P::AV_PIX_FMT_YUVJ440P as c_int,
        P::AV_PIX_FMT_YUVJ411P as c_int,
    ];
    let gray = described.is_some_and(|d| d.nb_components < 3);
    let untagged_full = is(tags.format, &jpeg) || gray && tags.range != R::AVCOL_RANGE_MPEG as c_int;
    let full = tags.range == R::AVCOL_RANGE_JPEG as c_int || untagged_full;
    let range = if full { Range::Full } else { Range::Limited };
    let siting =
        if tags.siting == L::AVCHROMA_LOC_CENTER as c_int || tags.siting == L::AVCHROMA_LOC_TOP as c_int {
            Siting::Center
        } else if tags.siting == L::AVCHROMA_LOC_TOPLEFT as c_int {
            Siting::TopLeft
        } else {
            Siting::Left
        };
    ColorSpace { matrix, range, siting }
}

/// `picture` as a frame due at `timestamp`, its YUV being in `color`.
#[allow(unsafe_code)]
pub(crate) fn to_frame(
    picture: &frame::Video,
    color: ColorSpace,
    scaler: &mut Scaler,
    timestamp: Timestamp,
) -> Result<Frame> {
    let size = Size::checked(picture.width(), picture.height())?;
    // SAFETY: a plain field of an allocated frame.
    let format = unsafe { (*picture.as_ptr()).format };
    let (picture, ours, alpha) = match layout_of(format)? {
        Layout::Direct(ours, alpha) => (reference(picture)?, ours, alpha),
        Layout::Convert(to, ours, alpha) => (scaler.convert(picture, color, to)?, ours, alpha),
    };
    let spec =
        FrameSpec { size, format: ours, color: if ours.is_yuv() { color } else { ColorSpace::RGB }, alpha };
    wrap(picture, spec, timestamp)
}

#[allow(unsafe_code)]
fn wrap(mut picture: frame::Video, spec: FrameSpec, timestamp: Timestamp) -> Result<Frame> {
    let mut planes = Vec::with_capacity(spec.format.planes());
    for index in 0..spec.format.planes() {
        let (width, rows) = spec.format.plane_extent(spec.size, index);
        // SAFETY: plain fields of an allocated frame, at an index below FFmpeg's eight.
        let (data, stride) =
            unsafe { ((*picture.as_ptr()).data[index], (*picture.as_ptr()).linesize[index]) };
        let Some(stride) = usize::try_from(stride).ok().filter(|s| *s >= width) else {
            return copy(&picture, spec, timestamp);
        };
        let len = stride * (rows - 1) + width;
        // SAFETY: looks for the buffer that holds the plane; compares addresses only.
        let inside = unsafe {
            let buffer = ffi::av_frame_get_plane_buffer(picture.as_mut_ptr(), index as c_int);
            buffer.as_ref().is_some_and(|b| {
                let (start, end) = (b.data as usize, b.data as usize + b.size);
                (start..end).contains(&(data as usize)) && data as usize + len <= end
            })
        };
        if !inside {
            return Err(Error::internal("a plane of a decoded picture lies outside its buffer"));
        }
        planes.push((data.cast_const(), len, PlaneLayout { stride, rows }));
    }
    Frame::from_memory(spec, Box::new(AvMemory { _picture: picture, planes }), timestamp)
}

/// Rows that lie upside down in memory are copied into their order.
#[allow(unsafe_code)]
fn copy(picture: &frame::Video, spec: FrameSpec, timestamp: Timestamp) -> Result<Frame> {
    let mut out = FramePool::shared().frame(spec)?;
    for index in 0..spec.format.planes() {
        let mut plane = out.plane_mut(index);
        for y in 0..plane.rows {
            // SAFETY: FFmpeg's promise for every picture: row y starts `y * linesize` bytes from the plane's
            // pointer, whatever the sign, and holds at least the picture's width.
            let row = unsafe {
                let (data, stride) = ((*picture.as_ptr()).data[index], (*picture.as_ptr()).linesize[index]);
                if data.is_null() {
                    return Err(Error::internal("a decoded picture without its planes"));
                }
                std::slice::from_raw_parts(data.offset(stride as isize * y as isize), plane.width)
            };
            plane.row_mut(y).copy_from_slice(row);
        }
    }
    Ok(out.publish(timestamp))
}
