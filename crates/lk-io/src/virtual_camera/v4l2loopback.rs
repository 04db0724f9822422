// SPDX-License-Identifier: GPL-2.0-or-later
//! Devices of the kernel module v4l2loopback: what is written to one is what its readers see.

use super::output::{Output, Wanted, no_loopback};
use super::v4l2::{self, About, Taken};
use lk_media::{Error, ErrorKind, Frame, FrameMap, FrameSpec, PixelFormat, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The module's name for itself.
const DRIVER: &str = "v4l2 loopback";

/// An open device, ours alone as far as programs like this one are concerned.
pub(super) struct Loopback {
    fd: OwnedFd,
    path: String,
    taken: Taken,
    spec: FrameSpec,
    /// A picture as it lies in the device.
    bytes: Vec<u8>,
}

impl Loopback {
    /// Opens the device with that file or name, or the first one that is free.
    pub fn open(name: Option<&str>, wanted: &Wanted) -> Result<Self> {
        if let Some(path) = name.filter(|n| n.contains('/')) {
            return Self::open_path(path, wanted);
        }
        let there: Vec<(String, About)> = present().into_iter().filter(|(_, a)| a.driver == DRIVER).collect();
        if there.is_empty() {
            return Err(no_loopback());
        }
        let Some(name) = name else { return first_free(&there, wanted) };
        let lower = name.to_lowercase();
        let is = |card: &str| card.to_lowercase() == lower;
        let part = |card: &str| card.to_lowercase().contains(&lower);
        let found = there.iter().find(|(_, a)| is(&a.card));
        match found.or_else(|| there.iter().find(|(_, a)| part(&a.card))) {
            Some((path, _)) => Self::open_path(path, wanted),
            None => Err(Error::new(
                ErrorKind::DeviceNotFound,
                format!("no v4l2loopback device is called {name:?}"),
            )
            .with_hint(format!("there are {}", listed(&there)))),
        }
    }

    fn open_path(path: &str, wanted: &Wanted) -> Result<Self> {
        let fail = |errno| failed(path, errno);
        let fd =
            open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).map_err(fail)?;
        let about = v4l2::about(&fd).map_err(|errno| match errno {
            Errno::NOTTY | Errno::INVAL => not_an_output(path, "it is no video device"),
            errno => fail(errno),
        })?;
        if about.driver != DRIVER {
            return Err(not_an_output(path, &format!("{:?} is no v4l2loopback device", about.card)));
        }
        // with exclusive_caps a device says that it is an output for as long as nobody writes to it
        if !about.is_output {
            return Err(busy(path));
        }
        // two writers would take turns in one picture; the kernel does not always keep them apart
        flock(&fd, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::AGAIN => busy(path),
            errno => fail(errno),
        })?;
        let taken = agree(&fd, path, wanted)?;
        let format = taken.format.ok_or_else(|| Error::internal("a format nobody knows was agreed on"))?;
        // a rate that the device does not know is no reason to do without it
        if let Err(errno) = v4l2::set_rate(&fd, wanted.rate) {
            tracing::debug!("{path}: the rate is not set: {errno}");
        }
        // 0.12 keeps count of writers only if they say so; later versions want buffers first, and do it by themselves
        if let Err(errno) = v4l2::stream_on(&fd) {
            tracing::debug!("{path}: {errno}");
        }
        let spec = FrameSpec::of(format, taken.size);
        Ok(Self { fd, path: path.to_owned(), taken, spec, bytes: Vec::new() })
    }
}

impl Output for Loopback {
    fn backend(&self) -> &'static str {
        "v4l2loopback"
    }

    fn device(&self) -> &str {
        &self.path
    }

    fn spec(&self) -> FrameSpec {
        self.spec
    }

    fn show(&mut self, picture: &Frame) -> Result<()> {
        lay_out(&picture.map_native(), &self.taken, &mut self.bytes);
        match rustix::io::write(&self.fd, &self.bytes) {
            Ok(written) if written < self.bytes.len() => {
                let message = format!("{}: it takes only {written} of {} bytes", self.path, self.bytes.len());
                Err(Error::new(ErrorKind::Device, message))
            }
            // no room at this moment: a picture less
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(errno) => Err(failed(&self.path, errno)),
        }
    }
}

/// Agrees with the device on the first of the formats it takes, or on what it insists on.
fn agree(fd: &OwnedFd, path: &str, wanted: &Wanted) -> Result<Taken> {
    let mut other = None;
    let mut refused = None;
    for format in &wanted.formats {
        match v4l2::set_format(fd, *format, wanted.size) {
            Ok(taken) if taken.format == Some(*format) && taken.size == wanted.size => return Ok(taken),
            Ok(taken) if taken.format.is_some_and(|f| f.check_even(taken.size).is_ok()) => {
                other = Some(taken)
            }
            Ok(_) => {}
            Err(errno) => refused = Some(errno),
        }
    }
    // what was said last is what it is set to
    if let Some(taken) = other {
        tracing::info!("{path} is fixed to {} {:?}", taken.size, taken.format);
        return Ok(taken);
    }
    Err(match refused {
        Some(Errno::BUSY) => busy(path),
        Some(errno) => failed(path, errno),
        None => Error::new(ErrorKind::Device, format!("{path} takes pictures of a kind that is not known here"))
            .with_hint("its format is kept by v4l2loopback-ctl set-caps or by a reader: close that, or use another device"),
    })
}

/// The bytes of a picture with the device's distance from row to row.
fn lay_out(map: &FrameMap, taken: &Taken, bytes: &mut Vec<u8>) {
    let format = map.spec().format;
    bytes.clear();
    let order: &[usize] = match (format, taken.swapped) {
        (PixelFormat::I420, true) => &[0, 2, 1],
        (PixelFormat::I420, false) => &[0, 1, 2],
        (PixelFormat::Nv12, _) => &[0, 1],
        _ => &[0],
    };
    for index in order {
        let plane = map.plane(*index);
        let halved = format == PixelFormat::I420 && *index > 0;
        let gap = (if halved { taken.stride / 2 } else { taken.stride }).saturating_sub(plane.width);
        for y in 0..plane.rows {
            bytes.extend_from_slice(plane.row(y));
            bytes.resize(bytes.len() + gap, 0);
        }
    }
}

/// All devices /dev/videoN that can be asked, by number.
fn present() -> Vec<(String, About)> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let number = |name: &str| name.strip_prefix("video").and_then(|n| n.parse::<u32>().ok());
    let mut numbers: Vec<u32> =
        entries.flatten().filter_map(|e| e.file_name().to_str().and_then(number)).collect();
    numbers.sort_unstable();
    let asked = numbers.into_iter().filter_map(|number| {
        let path = format!("/dev/video{number}");
        let about = open(&path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
            .and_then(|fd| v4l2::about(&fd))
            .inspect_err(|e| tracing::debug!("{path}: {e}"))
            // one that may not be opened is told of when it is tried
            .or_else(|e| if is_loopback(number) { Ok(unknown()) } else { Err(e) });
        about.ok().map(|about| (path, about))
    });
    asked.collect()
}

fn unknown() -> About {
    About { driver: DRIVER.to_owned(), card: String::new(), is_output: false }
}

/// Whether the system's files say that a device is the module's.
fn is_loopback(number: u32) -> bool {
    Path::new(&format!("/sys/devices/virtual/video4linux/video{number}/format")).exists()
}

/// The devices of this module, for people.
pub(super) fn devices() -> Vec<String> {
    let ours = present().into_iter().filter(|(_, a)| a.driver == DRIVER);
    ours.map(|(path, a)| format!("{path} ({})", a.card)).collect()
}

fn first_free(there: &[(String, About)], wanted: &Wanted) -> Result<Loopback> {
    let mut why = None;
    for (path, _) in there {
        match Loopback::open_path(path, wanted) {
            Ok(device) => return Ok(device),
            Err(e) => why = Some(e),
        }
    }
    Err(why.unwrap_or_else(no_loopback))
}

fn listed(there: &[(String, About)]) -> String {
    there.iter().map(|(path, a)| format!("{:?} ({path})", a.card)).collect::<Vec<_>>().join(", ")
}

fn busy(path: &str) -> Error {
    Error::new(ErrorKind::DeviceBusy, format!("another program writes to {path}")).with_hint(
        "end that program, or make more devices: sudo modprobe -r v4l2loopback && sudo modprobe v4l2loopback devices=2 \
         exclusive_caps=1,1",
    )
}

fn not_an_output(path: &str, why: &str) -> Error {
    Error::new(ErrorKind::DeviceNotFound, format!("no pictures can be written to {path}: {why}"))
        .with_hint("name a v4l2loopback device; v4l2-ctl --list-devices shows them")
}

fn failed(path: &str, errno: Errno) -> Error {
    let (kind, hint) = match errno {
        Errno::NOENT => (ErrorKind::DeviceNotFound, Some("v4l2-ctl --list-devices shows what there is")),
        Errno::ACCESS | Errno::PERM => {
            (ErrorKind::Device, Some("this user may not: sudo usermod -aG video $USER, then log in again"))
        }
        Errno::BUSY => return busy(path),
        Errno::NODEV | Errno::NXIO => {
            (ErrorKind::DeviceLost, Some("the module was unloaded or the device removed"))
        }
        _ => (ErrorKind::DeviceLost, None),
    };
    let error =
        Error::new(kind, format!("{path}: {}", std::io::Error::from(errno))).with_errno(errno.raw_os_error());
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameRate, Size, Timestamp};

    fn wanted() -> Wanted {
        Wanted {
            name: "LiveKit".to_owned(),
            size: Size::new(8, 4),
            rate: FrameRate::new(30, 1).unwrap(),
            formats: vec![PixelFormat::Yuy2],
        }
    }

    #[test]
    fn what_is_no_output_is_said_to_be_none() {
        let error = |name: &str| Loopback::open(Some(name), &wanted()).err().unwrap();
        assert_eq!(error("/dev/video250").kind(), ErrorKind::DeviceNotFound);
        let null = error("/dev/null");
        assert_eq!(null.kind(), ErrorKind::DeviceNotFound);
        assert!(null.message().contains("no video device"), "{null}");
        let folder = error("/dev/");
        assert_eq!(folder.errno(), Some(Errno::ISDIR.raw_os_error()), "{folder}");
    }

    #[test]
    fn rows_lie_as_the_device_has_them() {
        let (size, stride) = (Size::new(4, 2), 6);
        for format in PixelFormat::ALL {
            let spec = FrameSpec::of(format, size);
            let packed: Vec<u8> = (1..=format.packed_len(size) as u8).collect();
            let frame = Frame::from_packed(spec, &packed, Timestamp::ZERO).unwrap();
            let mut bytes = Vec::new();
            let row = format.plane_extent(size, 0).0;
            let taken = Taken { size, format: Some(format), swapped: false, stride: row };
            lay_out(&frame.map_native(), &taken, &mut bytes);
            assert_eq!(bytes, packed, "{format}");
        }
        let frame = Frame::from_packed(
            FrameSpec::of(PixelFormat::I420, size),
            &(1..=12).collect::<Vec<u8>>(),
            Timestamp::ZERO,
        )
        .unwrap();
        let taken = Taken { size, format: Some(PixelFormat::I420), swapped: true, stride };
        let mut bytes = Vec::new();
        lay_out(&frame.map_native(), &taken, &mut bytes);
        assert_eq!(bytes, [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 0, 9, 10, 0]);
    }
}
