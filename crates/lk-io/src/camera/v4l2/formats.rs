// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's words for formats and colours.

use crate::camera::mode::CameraFormat;
use crate::camera::picture::Order;
use crate::v4l2::raw::{PixFormat, fourcc};
use lk_media::{ColorSpace, Matrix, PixelFormat, Range, Siting};

/// A format of the kernel's, and what it is here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub fourcc: u32,
    pub format: CameraFormat,
    pub order: Order,
}

const fn known(letters: &[u8; 4], format: PixelFormat, order: Order) -> Known {
    Known { fourcc: fourcc(letters), format: CameraFormat::Raw(format), order }
}

const fn jpegs(letters: &[u8; 4]) -> Known {
    Known { fourcc: fourcc(letters), format: CameraFormat::Mjpeg, order: Order::Ours }
}

/// The formats that are understood; of those that are the same here the first is taken.
const KNOWN: [Known; 14] = [
    known(b"NV12", PixelFormat::Nv12, Order::Ours),
    known(b"YU12", PixelFormat::I420, Order::Ours),
    known(b"YV12", PixelFormat::I420, Order::ChromaSwapped),
    known(b"YUYV", PixelFormat::Yuy2, Order::Ours),
    known(b"UYVY", PixelFormat::Yuy2, Order::PairsSwapped),
    known(b"BGR4", PixelFormat::Bgra, Order::Ours),
    known(b"XR24", PixelFormat::Bgra, Order::Ours),
    known(b"AR24", PixelFormat::Bgra, Order::Ours),
    known(b"XB24", PixelFormat::Rgba, Order::Ours),
    known(b"AB24", PixelFormat::Rgba, Order::Ours),
    known(b"BGR3", PixelFormat::Bgr, Order::Ours),
    known(b"RGB3", PixelFormat::Rgb, Order::Ours),
    jpegs(b"MJPG"),
    jpegs(b"JPEG"),
];

/// What a format of the kernel's is here, and its place in the order of preference.
pub(super) fn find(fourcc: u32) -> Option<(usize, Known)> {
    KNOWN.into_iter().enumerate().find(|(_, k)| k.fourcc == fourcc)
}

/// The four letters of a format, for messages.
pub(super) fn letters(fourcc: u32) -> String {
    let printable = |b: u8| if b.is_ascii_graphic() { char::from(b) } else { '?' };
    fourcc.to_le_bytes().map(printable).iter().collect()
}

/// What the bytes of a picture mean: what the driver says, and what the kernel's header says of what it leaves open.
pub(super) fn color_of(pix: &PixFormat, format: CameraFormat) -> ColorSpace {
    let CameraFormat::Raw(format) = format else { return ColorSpace::JPEG };
    if !format.is_yuv() {
        return ColorSpace::RGB;
    }
    const SMPTE240M: u32 = 2;
    const REC709: u32 = 3;
    const JPEG: u32 = 7;
    const BT2020: u32 = 10;
    const DCI_P3: u32 = 12;
    let natural = match pix.colorspace {
        REC709 | DCI_P3 | SMPTE240M => Matrix::Bt709,
        BT2020 => Matrix::Bt2020,
        // nothing is said
        0 if pix.height >= 720 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    let matrix = match pix.ycbcr_enc {
        1 | 3 | 5 => Matrix::Bt601,
        2 | 4 | 8 => Matrix::Bt709,
        6 | 7 => Matrix::Bt2020,
        _ => natural,
    };
    let range = match pix.quantization {
        1 => Range::Full,
        2 => Range::Limited,
        _ if pix.colorspace == JPEG => Range::Full,
        _ => Range::Limited,
    };
    let siting = if pix.colorspace == JPEG { Siting::Center } else { Siting::Left };
    ColorSpace { matrix, range, siting }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v4l2::raw::{Format, Plain};

    #[test]
    fn colours_are_what_the_header_says() {
        let pix = |colorspace, ycbcr_enc, quantization, height| PixFormat {
            colorspace,
            ycbcr_enc,
            quantization,
            height,
            ..Format::zeroed().pix
        };
        let yuv = CameraFormat::Raw(PixelFormat::Yuy2);
        // sRGB, as most webcams say: BT.601, limited
        assert_eq!(color_of(&pix(8, 0, 0, 1080), yuv), ColorSpace::BT601);
        assert_eq!(color_of(&pix(3, 0, 0, 480), yuv), ColorSpace::BT709);
        assert_eq!(color_of(&pix(0, 0, 0, 720), yuv), ColorSpace::BT709);
        assert_eq!(color_of(&pix(0, 0, 0, 480), yuv), ColorSpace::BT601);
        assert_eq!(color_of(&pix(8, 2, 1, 480), yuv), ColorSpace { range: Range::Full, ..ColorSpace::BT709 });
        assert_eq!(color_of(&pix(7, 0, 0, 480), yuv), ColorSpace::JPEG);
        assert_eq!(color_of(&pix(10, 0, 0, 480), yuv).matrix, Matrix::Bt2020);
        assert_eq!(color_of(&pix(3, 0, 0, 480), CameraFormat::Mjpeg), ColorSpace::JPEG);
        assert_eq!(color_of(&pix(8, 0, 0, 480), CameraFormat::Raw(PixelFormat::Bgr)), ColorSpace::RGB);
    }

    #[test]
    fn formats_are_known_by_their_letters() {
        assert_eq!(find(fourcc(b"YUYV")).unwrap().1.format, CameraFormat::Raw(PixelFormat::Yuy2));
        assert!(find(fourcc(b"H264")).is_none());
        assert_eq!(letters(fourcc(b"H264")), "H264");
        assert_eq!(letters(1), "????");
    }
}
