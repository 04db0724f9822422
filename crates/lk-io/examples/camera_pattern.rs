// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes pictures to a virtual camera that tell by themselves whether a reader got every byte, and looks at what was
//! read:
//!
//!     camera_pattern write DEVICE FORMAT WIDTHxHEIGHT FPS SECONDS
//!     camera_pattern check FORMAT WIDTHxHEIGHT FILE       (frames one after the other, as v4l2-ctl --stream-to writes)
//!
//! `write` says where pictures go once they do, and prints the counts at its end. `check` fails unless every frame in
//! the file is one that was written, to the byte, or the black one from before; at least five of them written ones, and
//! none older than the one before it.

use lk_io::virtual_camera::{VirtualCamera, VirtualCameraOptions};
use lk_media::clock::{Deadline, Stopwatch};
use lk_media::{Error, Frame, FrameRate, FrameSpec, PixelFormat, Result, Size, Timestamp, Wake};
use std::time::Duration;

/// Picture `n`: its number, then bytes that depend on it and their place.
fn picture(format: PixelFormat, size: Size, n: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..format.packed_len(size) as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(n.wrapping_mul(40_503)) >> 13) as u8)
        .collect();
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// The least number there is: smaller ones are left to black pictures (16 or 0 in their first byte).
const FIRST: u32 = 0x5500;

fn write(device: &str, format: PixelFormat, size: Size, rate: FrameRate, seconds: f64) -> Result<()> {
    let options = VirtualCameraOptions {
        device: device.into(),
        format: Some(format),
        ..VirtualCameraOptions::default()
    };
    let camera = VirtualCamera::open(size, rate, &options)?;
    println!("{} {} {size} {}", camera.backend(), camera.device(), camera.format());
    let (end, pause, watch) =
        (Deadline::after(Duration::from_secs_f64(seconds)), Wake::new(), Stopwatch::start());
    let mut n = FIRST;
    while !end.has_passed() {
        let frame =
            Frame::from_packed(FrameSpec::of(format, size), &picture(format, size, n), Timestamp::ZERO)?;
        camera.send(&frame)?;
        n += 1;
        pause.wait(camera.until_next());
    }
    println!("{} sent in {:.2} s: {:?}", camera.sent(), watch.elapsed().as_secs_f64(), camera.counts());
    Ok(())
}

fn check(format: PixelFormat, size: Size, file: &str) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|e| Error::parameter(format!("{file}: {e}")))?;
    let (mut written, mut black, mut last) = (0, 0, 0);
    let frames = bytes.chunks(format.packed_len(size));
    for (index, frame) in frames.enumerate() {
        let number = frame.first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
        let is_black = number.to_le_bytes()[0] == number.to_le_bytes()[2] && written == 0;
        if number >= FIRST && frame == picture(format, size, number) {
            if number < last {
                return Err(Error::format(format!("frame {index} is {number}, after {last}")));
            }
            (written, last) = (written + 1, number);
        } else if is_black {
            black += 1;
        } else {
            return Err(Error::format(format!(
                "frame {index} ({} bytes) is none that was written",
                frame.len()
            )));
        }
    }
    println!("{written} written, {black} black, the last is {}", last.wrapping_sub(FIRST));
    if written < 5 { Err(Error::format(format!("only {written} frames are ours"))) } else { Ok(()) }
}

fn size(text: &str) -> Result<Size> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height) = sides.ok_or_else(|| Error::parameter(format!("{text:?} is no size")))?;
    Size::checked(width, height)
}

fn run(args: &[&str]) -> Result<()> {
    match args {
        ["write", device, format, wide, rate, seconds] => {
            let seconds = seconds.parse().map_err(|_| Error::parameter("seconds are a number"))?;
            write(device, format.parse()?, size(wide)?, rate.parse()?, seconds)
        }
        ["check", format, wide, file] => check(format.parse()?, size(wide)?, file),
        _ => Err(Error::parameter(
            "camera_pattern write DEVICE FORMAT WxH FPS SECONDS, or check FORMAT WxH FILE",
        )),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Err(e) = run(&args) {
        eprintln!("error: {e}");
        std::process::exit(1);
    }
}
