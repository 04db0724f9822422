// SPDX-License-Identifier: GPL-2.0-or-later
//! From the bytes a camera gives to frames.

use super::mode::{CameraFormat, CameraMode};
use crate::av::mjpeg::MjpegDecoder;
use lk_media::{
    AlphaKind, ColorSpace, Error, Frame, FramePool, FrameSpec, PixelFormat, PlaneMut, Result, Size, Timestamp,
};

/// How the bytes of a picture lie, where that is not how ours do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// As in [`PixelFormat`].
    #[default]
    Ours,
    /// The bytes of each pair are exchanged: UYVY.
    PairsSwapped,
    /// The planes of chroma are exchanged: YV12.
    ChromaSwapped,
    /// The last row comes first: RGB on Windows.
    #[cfg_attr(not(windows), allow(dead_code))]
    BottomUp,
}

/// What is known of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// What they show.
    pub size: Size,
    /// How they come.
    pub format: CameraFormat,
    /// What YUV means; JPEGs say it themselves.
    pub color: ColorSpace,
    /// Bytes from row to row of the first plane; 0: no padding.
    pub stride: usize,
    /// How they lie.
    pub order: Order,
}

impl Layout {
    /// The plain one of a mode.
    pub(super) fn of(mode: &CameraMode, color: ColorSpace) -> Self {
        Self { size: mode.size, format: mode.format, color, stride: 0, order: Order::Ours }
    }
}

/// Makes frames of bytes.
pub(super) struct Pictures {
    layout: Layout,
    jpegs: Option<MjpegDecoder>,
}

impl Pictures {
    /// For pictures that come as `layout` says; `name` is the camera's. Sizes and strides that make no picture are an
    /// error.
    pub(super) fn new(name: &str, layout: Layout) -> Result<Self> {
        Size::checked(layout.size.width, layout.size.height).map_err(|e| e.context(name))?;
        let jpegs = match layout.format {
            CameraFormat::Mjpeg => Some(MjpegDecoder::new(name)?),
            CameraFormat::Raw(format) => {
                let (width, _) = format.plane_extent(layout.size, 0);
                if layout.stride != 0 && layout.stride < width {
                    let message = format!("{name}: rows of {} bytes are too short", layout.stride);
                    return Err(
                        Error::format(message).with_hint("its driver is at fault; try another format")
                    );
                }
                None
            }
        };
        Ok(Self { layout, jpegs })
    }

    /// The picture that `bytes` show; None if they are damaged or cut off.
    pub(super) fn make(&mut self, bytes: &[u8], at: Timestamp) -> Result<Option<Frame>> {
        match (self.layout.format, &mut self.jpegs) {
            (CameraFormat::Raw(format), _) => raw(&self.layout, format, bytes, at),
            (CameraFormat::Mjpeg, Some(jpegs)) => jpegs.decode(bytes, at),
            (CameraFormat::Mjpeg, None) => Err(Error::internal("JPEGs without a decoder")),
        }
    }
}

fn raw(layout: &Layout, format: PixelFormat, bytes: &[u8], at: Timestamp) -> Result<Option<Frame>> {
    // what a camera puts where alpha would be means nothing
    let spec = FrameSpec::of(format, layout.size).with_color(layout.color).with_alpha(AlphaKind::Opaque);
    let (width, _) = format.plane_extent(layout.size, 0);
    let stride = if layout.stride == 0 { width } else { layout.stride };
    let mut frame = FramePool::shared().frame(spec)?;
    let mut rest = bytes;
    let mut planes = frame.planes_mut();
    if layout.order == Order::ChromaSwapped && planes.len() == 3 {
        planes.swap(1, 2);
    }
    for (index, plane) in planes.iter_mut().enumerate() {
        let stride = match format {
            PixelFormat::I420 if index > 0 => stride.div_ceil(2),
            PixelFormat::Nv12 if index > 0 => stride.next_multiple_of(2),
            _ => stride,
        };
        let whole = stride * (plane.rows - 1) + plane.width;
        if rest.len() < whole {
            return Ok(None);
        }
        copy(plane, rest, stride, layout.order);
        rest = rest.get(stride * plane.rows..).unwrap_or_default();
    }
    drop(planes);
    Ok(Some(frame.publish(at)))
}

fn copy(plane: &mut PlaneMut<'_>, bytes: &[u8], stride: usize, order: Order) {
    let rows = plane.rows;
    for (y, row) in bytes.chunks(stride).take(rows).enumerate() {
        let row = &row[..plane.width];
        let out = plane.row_mut(if order == Order::BottomUp { rows - 1 - y } else { y });
        match order {
            Order::PairsSwapped => {
                for (to, from) in out.chunks_exact_mut(2).zip(row.chunks_exact(2)) {
                    to.copy_from_slice(&[from[1], from[0]]);
                }
            }
            Order::Ours | Order::ChromaSwapped | Order::BottomUp => out.copy_from_slice(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(format: PixelFormat, width: u32, height: u32, stride: usize, order: Order) -> Layout {
        let size = Size::new(width, height);
        Layout { size, format: CameraFormat::Raw(format), color: ColorSpace::BT601, stride, order }
    }

    fn packed(layout: Layout, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut pictures = Pictures::new("cam", layout).unwrap();
        let frame = pictures.make(bytes, Timestamp::ZERO).unwrap();
        frame.map(|f| f.map_native().to_packed())
    }

    #[test]
    fn rows_and_planes_are_found() {
        let bytes: Vec<u8> = (0..200).collect();
        let plain = layout(PixelFormat::I420, 4, 2, 0, Order::Ours);
        assert_eq!(packed(plain, &bytes), Some((0..12).collect()));
        assert_eq!(packed(plain, &bytes[..12]), Some((0..12).collect()));
        assert_eq!(packed(plain, &bytes[..11]), None);
        let padded = layout(PixelFormat::I420, 4, 2, 8, Order::Ours);
        assert_eq!(packed(padded, &bytes), Some(vec![0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 20, 21]));
        let swapped = Layout { order: Order::ChromaSwapped, ..padded };
        assert_eq!(packed(swapped, &bytes), Some(vec![0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 16, 17]));
        let nv12 = layout(PixelFormat::Nv12, 4, 2, 6, Order::Ours);
        assert_eq!(packed(nv12, &bytes), Some(vec![0, 1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 15]));
        let uyvy = layout(PixelFormat::Yuy2, 2, 2, 0, Order::PairsSwapped);
        assert_eq!(packed(uyvy, &bytes), Some(vec![1, 0, 3, 2, 5, 4, 7, 6]));
        let upwards = layout(PixelFormat::Bgr, 1, 3, 4, Order::BottomUp);
        assert_eq!(packed(upwards, &bytes), Some(vec![8, 9, 10, 4, 5, 6, 0, 1, 2]));
    }

    #[test]
    fn what_makes_no_picture_is_an_error() {
        assert!(Pictures::new("cam", layout(PixelFormat::Bgr, 4, 4, 11, Order::Ours)).is_err());
        assert!(Pictures::new("cam", layout(PixelFormat::Bgr, 0, 4, 0, Order::Ours)).is_err());
        let mode = CameraMode {
            size: Size::new(16, 16),
            rate: lk_media::FrameRate::new(30, 1).unwrap(),
            format: CameraFormat::Mjpeg,
        };
        let mut jpegs = Pictures::new("cam", Layout::of(&mode, ColorSpace::JPEG)).unwrap();
        for bytes in [&b""[..], b"\xff\xd8\xff\xd9", b"nothing at all", &[0; 4096]] {
            assert!(jpegs.make(bytes, Timestamp::ZERO).unwrap().is_none());
        }
    }
}
