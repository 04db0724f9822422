// SPDX-License-Identifier: GPL-2.0-or-later
//! The few calls of V4L2 that an output needs.
#![allow(unsafe_code)] // ioctl: the kernel reads and writes the structures below

use lk_media::{FrameRate, PixelFormat, Size};
use rustix::io::Errno;
use rustix::ioctl::{Getter, Setter, Updater, ioctl, opcode};
use std::ffi::c_int;
use std::os::fd::AsFd;

/// V4L2_BUF_TYPE_VIDEO_OUTPUT.
const OUTPUT: u32 = 2;
const FIELD_NONE: u32 = 1;
const CAP_VIDEO_OUTPUT: u32 = 0x2;
const CAP_READWRITE: u32 = 0x0100_0000;
const CAP_DEVICE_CAPS: u32 = 0x8000_0000;

/// struct v4l2_capability.
#[derive(Clone, Copy)]
#[repr(C)]
struct Capability {
    driver: [u8; 16],
    card: [u8; 32],
    bus_info: [u8; 32],
    version: u32,
    capabilities: u32,
    device_caps: u32,
    reserved: [u32; 3],
}

/// struct v4l2_pix_format.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct PixFormat {
    width: u32,
    height: u32,
    pixelformat: u32,
    field: u32,
    bytesperline: u32,
    sizeimage: u32,
    colorspace: u32,
    private: u32,
    flags: u32,
    ycbcr_enc: u32,
    quantization: u32,
    xfer_func: u32,
}

/// struct v4l2_format: other members of its union have pointers, hence the alignment.
#[derive(Clone, Copy)]
#[repr(C)]
struct Format {
    kind: u32,
    pix: Union,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Union {
    pix: PixFormat,
    rest: [usize; 152 / size_of::<usize>()],
}

/// struct v4l2_streamparm with an output's member.
#[derive(Clone, Copy)]
#[repr(C)]
struct StreamParm {
    kind: u32,
    capability: u32,
    mode: u32,
    numerator: u32,
    denominator: u32,
    rest: [u32; 46],
}

const _: () = assert!(size_of::<Capability>() == 104 && size_of::<StreamParm>() == 204);
const _: () = assert!(size_of::<Format>() == 200 + align_of::<usize>());

/// Who a device is.
pub(super) struct About {
    pub driver: String,
    pub card: String,
    /// Pictures can be written to it now.
    pub is_output: bool,
}

/// What a device takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub size: Size,
    /// None: one that we do not know.
    pub format: Option<PixelFormat>,
    /// U and V are the other way round.
    pub swapped: bool,
    /// Bytes from row to row of the first plane.
    pub stride: usize,
}

/// VIDIOC_QUERYCAP.
pub(super) fn about(fd: impl AsFd) -> Result<About, Errno> {
    // SAFETY: the kernel fills a structure of the size that is part of the number.
    let told: Capability =
        unsafe { ioctl(fd, Getter::<{ opcode::read::<Capability>(b'V', 0) }, Capability>::new()) }?;
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let has_own = told.capabilities & CAP_DEVICE_CAPS != 0;
    let capabilities = if has_own { told.device_caps } else { told.capabilities };
    let needed = CAP_VIDEO_OUTPUT | CAP_READWRITE;
    Ok(About {
        driver: text(&told.driver),
        card: text(&told.card),
        is_output: capabilities & needed == needed,
    })
}

/// VIDIOC_S_FMT: asks for pictures of a kind and says which it will be.
pub(super) fn set_format(fd: impl AsFd, format: PixelFormat, size: Size) -> Result<Taken, Errno> {
    let stride = format.plane_extent(size, 0).0 as u32;
    let pix = PixFormat {
        width: size.width,
        height: size.height,
        pixelformat: code(format),
        field: FIELD_NONE,
        bytesperline: stride,
        sizeimage: format.packed_len(size) as u32,
        ..PixFormat::default()
    };
    let mut asked = Format { kind: OUTPUT, pix: Union { pix, rest: [0; 152 / size_of::<usize>()] } };
    // SAFETY: as in `about`; the structure is read and written.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<Format>(b'V', 5) }, Format>::new(&mut asked)) }?;
    let pix = asked.pix.pix;
    let (format, swapped) = known(pix.pixelformat);
    let size = Size::new(pix.width, pix.height);
    let least = format.map_or(0, |f| f.plane_extent(size, 0).0);
    // some drivers say nothing of rows without gaps
    Ok(Taken { size, format, swapped, stride: (pix.bytesperline as usize).max(least) })
}

/// VIDIOC_S_PARM: the time between two pictures.
pub(super) fn set_rate(fd: impl AsFd, rate: FrameRate) -> Result<(), Errno> {
    let mut parm = StreamParm {
        kind: OUTPUT,
        capability: 0,
        mode: 0,
        numerator: rate.den(),
        denominator: rate.num(),
        rest: [0; 46],
    };
    // SAFETY: as in `set_format`.
    unsafe {
        ioctl(fd, Updater::<{ opcode::read_write::<StreamParm>(b'V', 22) }, StreamParm>::new(&mut parm))
    }
}

/// VIDIOC_STREAMON.
pub(super) fn stream_on(fd: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the kernel reads one number.
    unsafe { ioctl(fd, Setter::<{ opcode::write::<c_int>(b'V', 18) }, c_int>::new(OUTPUT as c_int)) }
}

const fn fourcc(code: [u8; 4]) -> u32 {
    u32::from_le_bytes(code)
}

/// Formats by their codes, and whether U and V are the other way round.
const CODES: [(u32, PixelFormat, bool); 10] = [
    (fourcc(*b"YUYV"), PixelFormat::Yuy2, false),
    (fourcc(*b"YU12"), PixelFormat::I420, false),
    (fourcc(*b"YV12"), PixelFormat::I420, true),
    (fourcc(*b"NV12"), PixelFormat::Nv12, false),
    (fourcc(*b"RGB3"), PixelFormat::Rgb, false),
    (fourcc(*b"BGR3"), PixelFormat::Bgr, false),
    (fourcc(*b"BGR4"), PixelFormat::Bgra, false),
    (fourcc(*b"AR24"), PixelFormat::Bgra, false),
    (fourcc(*b"AB24"), PixelFormat::Rgba, false),
    (fourcc(*b"XR24"), PixelFormat::Bgra, false),
];

fn code(format: PixelFormat) -> u32 {
    CODES.iter().find(|(_, f, swapped)| *f == format && !swapped).map_or(0, |(code, ..)| *code)
}

fn known(code: u32) -> (Option<PixelFormat>, bool) {
    let found = CODES.iter().find(|(c, ..)| *c == code);
    (found.map(|(_, format, _)| *format), found.is_some_and(|(.., swapped)| *swapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_code_and_is_known_by_it() {
        for format in PixelFormat::ALL {
            assert_eq!(known(code(format)), (Some(format), false), "{format}");
        }
        assert_eq!(known(fourcc(*b"MJPG")), (None, false));
        assert_eq!(known(fourcc(*b"YV12")), (Some(PixelFormat::I420), true));
    }

    #[test]
    fn the_numbers_of_the_calls_are_the_kernels() {
        // as <linux/videodev2.h> makes them on 64-bit machines
        if size_of::<usize>() == 8 {
            assert_eq!(opcode::read::<Capability>(b'V', 0) as u32, 0x8068_5600);
            assert_eq!(opcode::read_write::<Format>(b'V', 5) as u32, 0xc0d0_5605);
            assert_eq!(opcode::read_write::<StreamParm>(b'V', 22) as u32, 0xc0cc_5616);
            assert_eq!(opcode::write::<c_int>(b'V', 18) as u32, 0x4004_5612);
        }
    }

    #[test]
    fn what_is_no_video_device_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(about(&null).err(), Some(Errno::NOTTY));
        assert_eq!(set_format(&null, PixelFormat::Yuy2, Size::new(8, 8)).err(), Some(Errno::NOTTY));
        assert_eq!(set_rate(&null, FrameRate::new(30, 1).unwrap()).err(), Some(Errno::NOTTY));
        assert_eq!(stream_on(&null).err(), Some(Errno::NOTTY));
    }
}
