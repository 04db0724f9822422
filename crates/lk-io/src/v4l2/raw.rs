// SPDX-License-Identifier: GPL-2.0-or-later
//! The structures of `linux/videodev2.h` as the kernel lays them out, and the calls that take them. Names are those of
//! the header without `v4l2_`, fields nobody here looks at are `_`.
#![allow(unsafe_code)]

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
pub(crate) const CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`.
pub(crate) const MMAP: u32 = 1;
/// Capabilities of a device.
pub(crate) const CAN_CAPTURE: u32 = 0x1;
pub(crate) const CAN_STREAM: u32 = 0x0400_0000;
const HAS_DEVICE_CAPS: u32 = 0x8000_0000;
/// `V4L2_CAP_TIMEPERFRAME`: the rate can be set.
pub(crate) const CAN_SET_RATE: u32 = 0x1000;
/// A buffer whose bytes are damaged.
pub(crate) const FLAG_ERROR: u32 = 0x40;
/// Which clock a buffer's time is of, and the value for CLOCK_MONOTONIC.
pub(crate) const FLAG_CLOCK: u32 = 0xe000;
pub(crate) const FLAG_MONOTONIC: u32 = 0x2000;
/// Whole pictures, and pictures woven of two fields.
pub(crate) const FIELD_NONE: u32 = 1;
pub(crate) const FIELD_INTERLACED: u32 = 4;
pub(crate) const FIELD_INTERLACED_TB: u32 = 8;
pub(crate) const FIELD_INTERLACED_BT: u32 = 9;
/// Kinds of sizes and intervals that are listed.
pub(crate) const DISCRETE: u32 = 1;
/// Says that the fields after `priv_` of [`PixFormat`] count.
const PIX_FMT_MAGIC: u32 = 0xfeed_cafe;

/// A pixel format by its four letters.
pub(crate) const fn fourcc(letters: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*letters)
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub _reserved: [u32; 3],
}

impl Capability {
    /// What this device can do (not the others of the same hardware).
    pub(crate) fn can(&self, what: u32) -> bool {
        let has_own = self.capabilities & HAS_DEVICE_CAPS != 0;
        (if has_own { self.device_caps } else { self.capabilities }) & what == what
    }
}

/// The text in a field that ends at its first zero.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).trim().to_owned()
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FmtDesc {
    pub index: u32,
    pub kind: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixelformat: u32,
    pub _mbus_code: u32,
    pub _reserved: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct PixFormat {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub colorspace: u32,
    pub priv_: u32,
    pub flags: u32,
    pub ycbcr_enc: u32,
    pub quantization: u32,
    pub xfer_func: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub kind: u32,
    /// The union in the header holds pointers.
    pub _align: [usize; 0],
    pub pix: PixFormat,
    pub _rest: [u8; 152],
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fract {
    pub numerator: u32,
    pub denominator: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FrmSizeEnum {
    pub index: u32,
    pub pixel_format: u32,
    pub kind: u32,
    /// Discrete: width and height. Else min, max and step of the width, then of the height.
    pub numbers: [u32; 6],
    pub _reserved: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FrmIvalEnum {
    pub index: u32,
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub kind: u32,
    /// Discrete: the first. Else min, max and step.
    pub intervals: [Fract; 3],
    pub _reserved: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct StreamParm {
    pub kind: u32,
    pub capability: u32,
    pub capturemode: u32,
    pub timeperframe: Fract,
    pub _rest: [u32; 46],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub _flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytesused: u32,
    pub flags: u32,
    pub field: u32,
    pub timestamp: libc::timeval,
    pub _timecode: [u32; 4],
    pub sequence: u32,
    pub memory: u32,
    /// The offset to map, in the first four bytes.
    pub offset: [u32; size_of::<usize>() / 4],
    pub length: u32,
    pub _reserved: [u32; 2],
}

/// Structures of numbers without gaps that matter: any bytes make one.
///
/// # Safety
/// Every bit pattern must be a value, all zeros among them.
pub(crate) unsafe trait Plain: Copy {
    /// All zeros.
    fn zeroed() -> Self {
        // SAFETY: the promise of the trait.
        unsafe { std::mem::zeroed() }
    }
}

macro_rules! plain {
    ($($kind:ty),*) => {
        // SAFETY: made of numbers and arrays of numbers.
        $(unsafe impl Plain for $kind {})*
    };
}
plain!(Capability, FmtDesc, Format, FrmSizeEnum, FrmIvalEnum, StreamParm, RequestBuffers, Buffer, u32);

const QUERYCAP: Opcode = opcode::read::<Capability>(b'V', 0);
const ENUM_FMT: Opcode = opcode::read_write::<FmtDesc>(b'V', 2);
const G_FMT: Opcode = opcode::read_write::<Format>(b'V', 4);
const S_FMT: Opcode = opcode::read_write::<Format>(b'V', 5);
const REQBUFS: Opcode = opcode::read_write::<RequestBuffers>(b'V', 8);
const QUERYBUF: Opcode = opcode::read_write::<Buffer>(b'V', 9);
const QBUF: Opcode = opcode::read_write::<Buffer>(b'V', 15);
const DQBUF: Opcode = opcode::read_write::<Buffer>(b'V', 17);
const STREAMON: Opcode = opcode::write::<u32>(b'V', 18);
const STREAMOFF: Opcode = opcode::write::<u32>(b'V', 19);
const G_PARM: Opcode = opcode::read_write::<StreamParm>(b'V', 21);
const S_PARM: Opcode = opcode::read_write::<StreamParm>(b'V', 22);
const ENUM_FRAMESIZES: Opcode = opcode::read_write::<FrmSizeEnum>(b'V', 74);
const ENUM_FRAMEINTERVALS: Opcode = opcode::read_write::<FrmIvalEnum>(b'V', 75);

/// An open device; calls on it do not wait.
pub(crate) struct Device(OwnedFd);

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Device {
    /// Opens a device node.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).map(Self)
    }

    fn call<const OPCODE: Opcode, T: Plain>(&self, argument: &mut T) -> Result<(), Errno> {
        loop {
            // SAFETY: private, and called only with the operations above, each with the structure of the header that
            // it was made of; the kernel reads and writes no more than that structure, any bytes of which are a value.
            match unsafe { ioctl(&self.0, Updater::<OPCODE, T>::new(argument)) } {
                Err(Errno::INTR) => {}
                answer => return answer,
            }
        }
    }

    /// What it is.
    pub(crate) fn capability(&self) -> Result<Capability, Errno> {
        let mut found = Capability::zeroed();
        self.call::<QUERYCAP, _>(&mut found).map(|()| found)
    }

    /// The pixel format of number `index`; None after the last.
    pub(crate) fn format_at(&self, index: u32) -> Option<FmtDesc> {
        let mut found = FmtDesc { index, kind: CAPTURE, ..FmtDesc::zeroed() };
        self.call::<ENUM_FMT, _>(&mut found).ok().map(|()| found)
    }

    /// The size (or range of sizes) of number `index`; None after the last.
    pub(crate) fn size_at(&self, index: u32, pixel_format: u32) -> Option<FrmSizeEnum> {
        let mut found = FrmSizeEnum { index, pixel_format, ..FrmSizeEnum::zeroed() };
        self.call::<ENUM_FRAMESIZES, _>(&mut found).ok().map(|()| found)
    }

    /// The time between frames (or range of times) of number `index`; None after the last.
    pub(crate) fn interval_at(
        &self,
        index: u32,
        pixel_format: u32,
        (width, height): (u32, u32),
    ) -> Option<FrmIvalEnum> {
        let mut found = FrmIvalEnum { index, pixel_format, width, height, ..FrmIvalEnum::zeroed() };
        self.call::<ENUM_FRAMEINTERVALS, _>(&mut found).ok().map(|()| found)
    }

    /// The format in force.
    pub(crate) fn format(&self) -> Result<PixFormat, Errno> {
        let mut found = Format { kind: CAPTURE, ..Format::zeroed() };
        self.call::<G_FMT, _>(&mut found).map(|()| found.pix)
    }

    /// Asks for a format; the one that it is from now on.
    pub(crate) fn set_format(
        &self,
        pixelformat: u32,
        (width, height): (u32, u32),
    ) -> Result<PixFormat, Errno> {
        let mut format = Format { kind: CAPTURE, ..Format::zeroed() };
        let pix = &mut format.pix;
        (pix.width, pix.height, pix.pixelformat) = (width, height, pixelformat);
        (pix.field, pix.priv_) = (FIELD_NONE, PIX_FMT_MAGIC);
        self.call::<S_FMT, _>(&mut format)?;
        let pix = &mut format.pix;
        if pix.priv_ != PIX_FMT_MAGIC {
            // an old driver: what follows is not filled in
            (pix.ycbcr_enc, pix.quantization) = (0, 0);
        }
        Ok(format.pix)
    }

    /// Its parameters: whether the rate can be set, and what it is.
    pub(crate) fn parameters(&self) -> Result<StreamParm, Errno> {
        let mut found = StreamParm { kind: CAPTURE, ..StreamParm::zeroed() };
        self.call::<G_PARM, _>(&mut found).map(|()| found)
    }

    /// Asks for a time between frames; what it is from now on.
    pub(crate) fn set_interval(&self, timeperframe: Fract) -> Result<Fract, Errno> {
        let mut wanted = StreamParm { kind: CAPTURE, timeperframe, ..StreamParm::zeroed() };
        self.call::<S_PARM, _>(&mut wanted).map(|()| wanted.timeperframe)
    }

    /// Has `count` buffers made (0: given back); how many there are.
    pub(crate) fn request_buffers(&self, count: u32) -> Result<u32, Errno> {
        let mut request = RequestBuffers { count, kind: CAPTURE, memory: MMAP, ..RequestBuffers::zeroed() };
        self.call::<REQBUFS, _>(&mut request).map(|()| request.count)
    }

    /// Where buffer `index` is to be mapped.
    pub(crate) fn query_buffer(&self, index: u32) -> Result<Buffer, Errno> {
        let mut buffer = Buffer { index, kind: CAPTURE, memory: MMAP, ..Buffer::zeroed() };
        self.call::<QUERYBUF, _>(&mut buffer).map(|()| buffer)
    }

    /// Gives buffer `index` to the device to be filled.
    pub(crate) fn queue(&self, index: u32) -> Result<(), Errno> {
        let mut buffer = Buffer { index, kind: CAPTURE, memory: MMAP, ..Buffer::zeroed() };
        self.call::<QBUF, _>(&mut buffer)
    }

    /// Takes back a buffer that was filled; AGAIN if none is.
    pub(crate) fn dequeue(&self) -> Result<Buffer, Errno> {
        let mut buffer = Buffer { kind: CAPTURE, memory: MMAP, ..Buffer::zeroed() };
        self.call::<DQBUF, _>(&mut buffer).map(|()| buffer)
    }

    /// Starts the flow of pictures.
    pub(crate) fn stream_on(&self) -> Result<(), Errno> {
        self.call::<STREAMON, _>(&mut { CAPTURE })
    }

    /// Ends it.
    pub(crate) fn stream_off(&self) -> Result<(), Errno> {
        self.call::<STREAMOFF, _>(&mut { CAPTURE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn structures_and_calls_are_those_of_the_header() {
        // what a C compiler says of linux/videodev2.h on 64-bit machines
        let sizes = [
            size_of::<Capability>(),
            size_of::<FmtDesc>(),
            size_of::<Format>(),
            size_of::<FrmSizeEnum>(),
            size_of::<FrmIvalEnum>(),
            size_of::<StreamParm>(),
            size_of::<RequestBuffers>(),
            size_of::<Buffer>(),
        ];
        assert_eq!(sizes, [104, 64, 208, 44, 52, 204, 20, 88]);
        let places = [
            std::mem::offset_of!(Format, pix),
            std::mem::offset_of!(Buffer, timestamp),
            std::mem::offset_of!(Buffer, sequence),
            std::mem::offset_of!(Buffer, offset),
            std::mem::offset_of!(Buffer, length),
            std::mem::offset_of!(StreamParm, timeperframe),
        ];
        assert_eq!(places, [8, 24, 56, 64, 72, 12]);
        let calls = [QUERYCAP, ENUM_FMT, G_FMT, S_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF].map(u64::from);
        assert_eq!(
            calls,
            [
                0x8068_5600,
                0xc040_5602,
                0xc0d0_5604,
                0xc0d0_5605,
                0xc014_5608,
                0xc058_5609,
                0xc058_560f,
                0xc058_5611
            ]
        );
        let calls = [STREAMON, STREAMOFF, G_PARM, S_PARM, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS];
        assert_eq!(
            calls.map(u64::from),
            [0x4004_5612, 0x4004_5613, 0xc0cc_5615, 0xc0cc_5616, 0xc02c_564a, 0xc034_564b]
        );
    }

    #[test]
    fn capabilities_are_those_of_the_node() {
        let mut found = Capability { capabilities: CAN_CAPTURE | HAS_DEVICE_CAPS, ..Capability::zeroed() };
        assert!(!found.can(CAN_CAPTURE), "another node of the hardware captures");
        found.device_caps = CAN_CAPTURE | CAN_STREAM;
        assert!(found.can(CAN_CAPTURE | CAN_STREAM));
        found.card[..5].copy_from_slice(b"vivid");
        assert_eq!(
            (text(&found.card), text(&[b'x'; 4]), text(b" a \0b")),
            ("vivid".into(), "xxxx".into(), "a".into())
        );
    }
}
