// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures that are not of the size that is shared.

#[cfg(feature = "media")]
use crate::av::resize::Resizer;
use lk_media::{
    AlphaKind, Error, Frame, FrameMap, FrameMut, FrameSpec, PixelFormat, Range, Result, Size, kernel,
};

/// How a picture of another size is scaled before it is shared. Without scaling it is centred, and cut off or
/// surrounded by black (transparent, where there is alpha).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpcFit {
    /// To the size, whatever that does to the shape.
    Stretch,
    /// As large as fits, shape kept.
    Contain,
    /// As small as fills the size, shape kept, the rest cut off.
    Cover,
}

impl std::str::FromStr for IpcFit {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word {
            "stretch" => Self::Stretch,
            "contain" => Self::Contain,
            "cover" => Self::Cover,
            _ => {
                return Err(Error::parameter(format!("fit {word:?} is not known")).with_hint(
                    "\"stretch\", \"contain\" or \"cover\"; None keeps pictures at their own size",
                ));
            }
        })
    }
}

impl IpcFit {
    /// The size that a picture of `from` is scaled to, to be shared as `to`.
    fn size(self, from: Size, to: Size, format: PixelFormat) -> Size {
        let wide =
            u64::from(from.width) * u64::from(to.height) >= u64::from(from.height) * u64::from(to.width);
        let by_width = match self {
            Self::Stretch => return to,
            Self::Contain => wide,
            Self::Cover => !wide,
        };
        let scaled = |side: u32, by: u32, of: u32, step: u32| {
            let exact = (u64::from(side) * u64::from(by) + u64::from(of) / 2) / u64::from(of);
            let side = u32::try_from(exact).unwrap_or(Size::MAX_SIDE).min(Size::MAX_SIDE);
            (side / step * step).max(step)
        };
        let (sx, sy) = format.chroma_step();
        match by_width {
            true => Size::new(to.width, scaled(from.height, to.width, from.width, sy)),
            false => Size::new(scaled(from.width, to.height, from.height, sx), to.height),
        }
    }
}

/// `frame`, scaled if that is asked for.
#[cfg(feature = "media")]
pub(crate) fn scaled(resizer: &mut Resizer, frame: &Frame, fit: Option<IpcFit>, to: Size) -> Result<Frame> {
    match fit {
        Some(fit) if frame.size() != to => resizer.resize(frame, fit.size(frame.size(), to, frame.format())),
        _ => Ok(frame.clone()),
    }
}

/// Copies a picture into the middle of another of the same format.
pub(crate) fn place(from: &FrameMap, to: &mut FrameMut) {
    let (source, spec) = (from.spec(), to.spec());
    if source.size != spec.size {
        blacken(to);
    } else if is_alike(from, to) {
        // in one go: large copies are made past the cache
        for (index, plane) in to.planes_mut().iter_mut().enumerate() {
            let len = plane.data.len();
            kernel::copy(&from.plane(index).data[..len], plane.data);
        }
        return;
    }
    let (sx, sy) = spec.format.chroma_step();
    // where the middle begins: (in the source, in the target, how much), in pixels that chroma allows
    let middle = |from: u32, to: u32, step: u32| {
        let skip = |more: u32, less: u32| more.saturating_sub(less) / 2 / step * step;
        (skip(from, to) as usize, skip(to, from) as usize, from.min(to) as usize)
    };
    let (from_x, to_x, columns) = middle(source.size.width, spec.size.width, sx);
    let (from_y, to_y, rows) = middle(source.size.height, spec.size.height, sy);
    for (index, plane) in to.planes_mut().iter_mut().enumerate() {
        let (bytes, step_x, step_y) = steps(spec.format, index);
        let columns = columns.div_ceil(step_x) * bytes;
        let (from_x, to_x) = (from_x / step_x * bytes, to_x / step_x * bytes);
        let there = from.plane(index);
        for y in 0..rows.div_ceil(step_y) {
            let row = &there.row(from_y / step_y + y)[from_x..from_x + columns];
            plane.row_mut(to_y / step_y + y)[to_x..to_x + columns].copy_from_slice(row);
        }
    }
}

/// Whether the planes of both lie in memory in the same way.
fn is_alike(from: &FrameMap, to: &FrameMut) -> bool {
    (0..to.spec().format.planes()).all(|index| {
        let (from, to) = (from.plane(index), to.plane(index));
        from.stride == to.stride && from.data.len() >= to.data.len()
    })
}

/// Bytes from sample to sample of a plane, and how many pixels across and down share one.
fn steps(format: PixelFormat, plane: usize) -> (usize, usize, usize) {
    match (format, plane) {
        (PixelFormat::Bgra | PixelFormat::Rgba, _) => (4, 1, 1),
        (PixelFormat::Bgr | PixelFormat::Rgb, _) => (3, 1, 1),
        (PixelFormat::I420 | PixelFormat::Nv12, 0) => (1, 1, 1),
        (PixelFormat::I420, _) => (1, 2, 2),
        (PixelFormat::Nv12, _) => (2, 2, 2),
        (PixelFormat::Yuy2, _) => (4, 2, 1),
    }
}

/// Paints it black (transparent, where there is alpha).
pub(crate) fn blacken(frame: &mut FrameMut) {
    let FrameSpec { format, color, alpha, .. } = frame.spec();
    for (index, plane) in frame.planes_mut().iter_mut().enumerate() {
        let value = match (format.is_yuv(), index, color.range) {
            (false, ..) | (true, 0, Range::Full) => 0,
            (true, 0, Range::Limited) => 16,
            (true, ..) => 128,
        };
        for y in 0..plane.rows {
            let row = plane.row_mut(y);
            row.fill(value);
            if format == PixelFormat::Yuy2 {
                row.iter_mut().skip(1).step_by(2).for_each(|c| *c = 128);
            }
            if format.has_alpha() && alpha == AlphaKind::Opaque {
                row.iter_mut().skip(3).step_by(4).for_each(|a| *a = 255);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FramePool, Timestamp};

    fn placed(format: PixelFormat, from: Size, to: Size) -> Frame {
        let bytes: Vec<u8> = (0..format.packed_len(from)).map(|n| (n % 200) as u8 + 20).collect();
        let from = Frame::from_packed(FrameSpec::of(format, from), &bytes, Timestamp::ZERO).unwrap();
        let mut frame = FramePool::shared().frame(FrameSpec::of(format, to)).unwrap();
        place(&from.map_native(), &mut frame);
        frame.publish(Timestamp::ZERO)
    }

    #[test]
    fn the_middle_stays_in_the_middle() {
        for format in [PixelFormat::Bgr, PixelFormat::Bgra, PixelFormat::I420, PixelFormat::Nv12] {
            let (small, large) = (Size::new(8, 6), Size::new(14, 16));
            let smaller = placed(format, large, small);
            assert_eq!(smaller.size(), small);
            // there and back: the middle is what it was
            let whole = placed(format, small, small).map_native().to_packed();
            let around = placed(format, small, large);
            let mut back = FramePool::shared().frame(FrameSpec::of(format, small)).unwrap();
            place(&around.map_native(), &mut back);
            assert_eq!(back.publish(Timestamp::ZERO).map_native().to_packed(), whole, "{format}");
            let map = around.map_native();
            let corner = map.plane(0).row(0)[0];
            assert_eq!(corner, if format.is_yuv() { 16 } else { 0 });
            if format == PixelFormat::Bgra {
                assert_eq!(map.plane(0).row(0)[3], 0, "straight alpha: nothing there");
            }
        }
    }

    #[test]
    fn sizes_keep_the_shape() {
        let (hd, square) = (Size::new(1920, 1080), Size::new(500, 500));
        let fit = |fit: IpcFit, from, to| fit.size(from, to, PixelFormat::I420);
        assert_eq!(fit(IpcFit::Contain, hd, square), Size::new(500, 280));
        assert_eq!(fit(IpcFit::Cover, hd, square), Size::new(888, 500));
        assert_eq!(fit(IpcFit::Contain, square, hd), Size::new(1080, 1080));
        assert_eq!(fit(IpcFit::Cover, square, hd), Size::new(1920, 1920));
        assert_eq!(fit(IpcFit::Stretch, square, hd), hd);
        assert_eq!(fit(IpcFit::Cover, Size::new(16384, 2), Size::new(2, 16384)).width, Size::MAX_SIDE);
        assert_eq!(fit(IpcFit::Contain, Size::new(16384, 2), Size::new(2, 2)), Size::new(2, 2));
    }
}
