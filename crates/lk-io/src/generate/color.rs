// SPDX-License-Identifier: GPL-2.0-or-later
//! A colour as a source.

use lk_media::{Error, Frame, FramePool, FrameSpec, PixelFormat, Result, Size, Still, Timestamp};

/// What a colour that is only ever stretched takes: small, and even for every pixel format.
const SMALL: Size = Size::new(16, 16);

/// A picture of one colour, given as red, green, blue and straight alpha. Without a size it is a small one, to be
/// stretched over the canvas or a box: that gives the same colour in every pixel. Opaque colours are `bgr24`, as
/// pictures without alpha from files are, others `bgra`.
pub fn color([r, g, b, a]: [u8; 4], size: Option<Size>) -> Result<Still> {
    let size = size.unwrap_or(SMALL);
    let size = Size::checked(size.width, size.height)?;
    let pixel = [b, g, r, a];
    let (format, pixel) =
        if a == 255 { (PixelFormat::Bgr, &pixel[..3]) } else { (PixelFormat::Bgra, &pixel[..]) };
    let frame = fill(FrameSpec::of(format, size), pixel).map_err(|e| e.context("the colour"))?;
    Ok(Still::new(format!("the colour #{r:02x}{g:02x}{b:02x}{a:02x}"), frame))
}

fn fill(spec: FrameSpec, pixel: &[u8]) -> Result<Frame, Error> {
    let mut frame = FramePool::shared().frame(spec)?;
    let mut plane = frame.plane_mut(0);
    for y in 0..plane.rows {
        for to in plane.row_mut(y).chunks_exact_mut(pixel.len()) {
            to.copy_from_slice(pixel);
        }
    }
    Ok(frame.publish(Timestamp::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{AlphaKind, ErrorKind, Exactness, Sample, Sampling, VideoSource};

    fn frame(source: &Still, nanos: i64) -> Frame {
        match source.sample(Timestamp::from_nanos(nanos), Sampling::Exact).expect("a colour can be read") {
            Sample::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_pixel_is_the_colour_and_every_time_the_same_picture() {
        let source = color([1, 2, 3, 255], Some(Size::new(5, 3))).unwrap();
        let shown = frame(&source, 0);
        assert_eq!((shown.size(), shown.spec().alpha), (Size::new(5, 3), AlphaKind::Opaque));
        assert_eq!(shown.map_native().to_packed(), [3, 2, 1].repeat(15));
        assert_eq!(frame(&source, 77).id(), shown.id());
        assert_eq!(source.exactness(), Exactness::Exact);
    }

    #[test]
    fn alpha_is_kept_straight_and_a_size_is_not_needed() {
        let source = color([255, 0, 9, 128], None).unwrap();
        let shown = frame(&source, 0);
        assert_eq!(shown.spec().alpha, AlphaKind::Straight);
        assert_eq!(shown.map_native().plane(0).row(0)[..4], [9, 0, 255, 128]);
        assert_eq!(source.name(), "the colour #ff000980");
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for size in [Size::new(0, 4), Size::new(4, 16385)] {
            let error = color([0; 4], Some(size)).err().map(|e| e.kind());
            assert_eq!(error, Some(ErrorKind::Format), "{size}");
        }
    }
}
