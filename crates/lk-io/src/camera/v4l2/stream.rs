// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera that runs: its buffers in turn, filled by the driver and read here.

use super::formats::{self, Known, color_of, letters};
use super::offers::{self, rate_of};
use super::trouble::{lost, refused};
use crate::camera::CameraOptions;
use crate::camera::backend::{Found, Stream, Taken};
use crate::camera::mode::{CameraFormat, CameraMode, Offer, choose};
use crate::camera::picture::{Layout, Pictures};
use crate::v4l2::buffers::Flow;
use crate::v4l2::raw::{self, Buffer, Device, Fract, PixFormat};
use lk_media::{Clock, Error, ErrorKind, FrameRate, Result, Size, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::path::Path;
use std::time::Duration;

/// More pictures than that are not lost at a time: the driver has begun to count anew.
const MOST_LOST: u32 = 10_000;

pub(super) struct V4l2Stream {
    name: String,
    mode: CameraMode,
    flow: Flow,
    pictures: Pictures,
    /// The driver's number of the last picture.
    last: Option<u32>,
}

/// Starts a camera.
pub(super) fn open(camera: &Found, options: &CameraOptions) -> Result<V4l2Stream> {
    let name = &camera.info.name;
    let node = camera.node.as_deref().unwrap_or(Path::new(&camera.info.address));
    let refuse = |errno| refused(name, node, errno);
    let device = Device::open(node).map_err(refuse)?;
    let capability = device.capability().map_err(refuse)?;
    if !capability.can(raw::CAN_CAPTURE | raw::CAN_STREAM) {
        return Err(Error::new(ErrorKind::DeviceNotFound, format!("{name} gives no pictures")));
    }
    let offers = offers::all(&device);
    let plain: Vec<_> = offers.iter().map(|(_, offer)| offer.clone()).collect();
    let mode = choose(name, &plain, options)?;
    let of_mode = |(_, offer): &&(Known, Offer)| offer.has(&mode);
    let (known, _) = offers.iter().find(of_mode).ok_or_else(|| Error::internal("a mode from nowhere"))?;
    let pix = device.set_format(known.fourcc, (mode.size.width, mode.size.height)).map_err(refuse)?;
    check(name, &mode, known, &pix)?;
    let rate = set_rate(&device, mode.rate).map_err(refuse)?;
    let color = color_of(&pix, known.format);
    let stride = if known.format == CameraFormat::Mjpeg { 0 } else { pix.bytesperline as usize };
    let layout = Layout { stride, order: known.order, ..Layout::of(&mode, color) };
    let pictures = Pictures::new(name, layout)?;
    let flow = Flow::start(device).map_err(refuse)?;
    tracing::debug!("{name}: {mode} as {}", letters(known.fourcc));
    let mode = CameraMode { rate: rate.unwrap_or(mode.rate), ..mode };
    Ok(V4l2Stream { name: name.clone(), mode, flow, pictures, last: None })
}

/// Whether the driver took what it had offered.
fn check(name: &str, mode: &CameraMode, known: &Known, pix: &PixFormat) -> Result<()> {
    let size = Size::new(pix.width, pix.height);
    let fields =
        [0, raw::FIELD_NONE, raw::FIELD_INTERLACED, raw::FIELD_INTERLACED_TB, raw::FIELD_INTERLACED_BT];
    let wrong = if pix.pixelformat != known.fourcc {
        let known = formats::find(pix.pixelformat).map(|(_, k)| k.format.to_string());
        known.unwrap_or_else(|| letters(pix.pixelformat))
    } else if size != mode.size {
        size.to_string()
    } else if !fields.contains(&pix.field) {
        "single fields".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::format(format!("{name} gives {wrong} where it offers {mode}"))
        .with_hint("choose another size or format; another program may have set it"))
}

/// Asks for a rate where that can be set; the one that it is, if the driver says.
fn set_rate(device: &Device, wanted: FrameRate) -> std::result::Result<Option<FrameRate>, Errno> {
    let Ok(now) = device.parameters() else { return Ok(None) };
    if now.capability & raw::CAN_SET_RATE == 0 {
        return Ok(rate_of(now.timeperframe));
    }
    let interval = Fract { numerator: wanted.den(), denominator: wanted.num() };
    match device.set_interval(interval) {
        Ok(set) => Ok(rate_of(set)),
        Err(Errno::NODEV) => Err(Errno::NODEV),
        Err(e) => {
            tracing::debug!("the rate cannot be set: {e}");
            Ok(rate_of(now.timeperframe))
        }
    }
}

impl Stream for V4l2Stream {
    fn mode(&self) -> CameraMode {
        self.mode
    }

    fn next(&mut self, limit: Duration) -> Result<Taken> {
        let limit =
            Timespec { tv_sec: limit.as_secs().min(60) as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut fds = [PollFd::new(self.flow.device(), PollFlags::IN)];
        let broken = match poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Taken::Nothing),
            Ok(_) => fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            Err(e) => return Err(lost(&self.name, e)),
        };
        let (pictures, last) = (&mut self.pictures, &mut self.last);
        let taken = self.flow.take(|buffer, bytes| {
            let lost = count_lost(last, buffer.sequence);
            if buffer.flags & raw::FLAG_ERROR != 0 {
                return Ok(Taken::Damaged);
            }
            let frame = pictures.make(bytes, time_of(buffer))?;
            Ok(frame.map_or(Taken::Damaged, |frame| Taken::Frame(frame, lost)))
        });
        match taken.map_err(|e| lost(&self.name, e))? {
            Some(taken) => taken,
            None if broken => {
                // what is wrong, if it is to be known
                let gone = self.flow.device().capability().err();
                Err(lost(&self.name, gone.unwrap_or(Errno::IO)))
            }
            None => Ok(Taken::Nothing),
        }
    }
}

/// How many pictures there were between the last and the one numbered `sequence`.
fn count_lost(last: &mut Option<u32>, sequence: u32) -> u64 {
    let gap = last.map_or(0, |last| sequence.wrapping_sub(last).saturating_sub(1));
    *last = Some(sequence);
    if gap < MOST_LOST { u64::from(gap) } else { 0 }
}

/// When a picture was taken.
#[allow(clippy::useless_conversion)] // 32 bits on some machines
fn time_of(buffer: &Buffer) -> Timestamp {
    if buffer.flags & raw::FLAG_CLOCK != raw::FLAG_MONOTONIC {
        return <dyn Clock>::live().now();
    }
    let time = buffer.timestamp;
    Timestamp::from_nanos(
        i64::from(time.tv_sec).saturating_mul(1_000_000_000) + i64::from(time.tv_usec) * 1000,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v4l2::raw::Plain;

    #[test]
    fn lost_pictures_are_counted() {
        let mut last = None;
        let counts = [5, 6, 9, 10, 0, 1, u32::MAX, 0].map(|n| count_lost(&mut last, n));
        assert_eq!(counts, [0, 0, 2, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn times_of_the_monotonic_clock_are_ours() {
        let mut buffer = Buffer { flags: raw::FLAG_MONOTONIC, ..Buffer::zeroed() };
        (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec) = (7, 250_001);
        assert_eq!(time_of(&buffer).as_nanos(), 7_250_001_000);
        let before = <dyn Clock>::live().now();
        assert!(time_of(&Buffer { flags: 0, ..buffer }) >= before);
    }
}
