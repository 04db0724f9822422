// SPDX-License-Identifier: GPL-2.0-or-later
//! Checks a real camera, picture by picture. Made for the kernel's virtual ones, in the tests' guest:
//!
//!     camera_check vivid /dev/video0              everything, on a vivid device with its colour bars
//!     camera_check flat /dev/video1 mjpeg C81E1E  pictures of one colour in the format given
//!     camera_check denied /dev/video0             that opening it is not allowed
//!     camera_check list                           the cameras and their modes
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed check

mod bars;
mod vivid;

use lk_io::camera::{Camera, CameraChoice, CameraFormat, CameraOptions, cameras};
use lk_media::clock::Deadline;
use lk_media::{Clock, ErrorKind, Frame, FrameSpec, PixelFormat, Result, Size, Timestamp};
use std::time::Duration;

/// Nothing here takes so long, on a slow machine either.
const HANG: Duration = Duration::from_secs(60);
/// So old a picture may be where the processor is emulated.
const OLD: Duration = Duration::from_secs(2);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["vivid", node] => vivid::check(node),
        ["flat", node, format, color] => flat(node, format.parse().unwrap(), color),
        ["denied", node] => denied(node),
        ["list"] => list(),
        _ => panic!("what to check?"),
    }
}

fn open(node: &str, options: &CameraOptions) -> Result<Camera> {
    Camera::open(&CameraChoice::from(node), options)
}

fn next(camera: &Camera) -> Frame {
    let state = || camera.state();
    camera.frame(Deadline::after(HANG)).unwrap_or_else(|| panic!("no frame: {:?}", state()))
}

/// Takes `count` frames whose times make sense, and gives the last.
fn take(camera: &Camera, count: usize) -> Frame {
    let mut last = Timestamp::ZERO;
    let mut frame = None;
    for _ in 0..count {
        let got = next(camera);
        let (now, at) = (<dyn Clock>::live().now(), got.timestamp());
        assert!(at > last && at <= now && at + OLD >= now, "{at} after {last}, at {now}");
        last = at;
        frame = Some(got);
    }
    frame.unwrap()
}

/// The colour at a place of a picture, each from 0 to 1.
fn color_at(frame: &Frame, x: f64, y: f64) -> [u8; 3] {
    let shown = frame.convert(FrameSpec::of(PixelFormat::Rgb, frame.size())).unwrap().map_native();
    let (plane, size) = (shown.plane(0), frame.size());
    let column = (f64::from(size.width) * x) as usize;
    let pixel = &plane.row((f64::from(size.height) * y) as usize)[column * 3..column * 3 + 3];
    [pixel[0], pixel[1], pixel[2]]
}

fn is_near(a: [u8; 3], b: [u8; 3], by: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= by)
}

fn list() {
    for camera in cameras().unwrap() {
        println!("{} {:?} {} ({})", camera.address, camera.name, camera.id, camera.backend);
        camera.modes.iter().for_each(|mode| println!("    {mode}"));
    }
}

fn flat(node: &str, format: CameraFormat, color: &str) {
    let color = u32::from_str_radix(color, 16).unwrap().to_be_bytes();
    let camera = open(node, &CameraOptions { format: Some(format), ..CameraOptions::default() }).unwrap();
    println!("{}: {}", camera.name(), camera.mode());
    assert_eq!(camera.mode().format, format);
    let frame = take(&camera, 10);
    assert_eq!(frame.size(), camera.mode().size);
    for (x, y) in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)] {
        let seen = color_at(&frame, x, y);
        assert!(is_near(seen, [color[1], color[2], color[3]], 4), "{seen:?} at {x}, {y} is not {color:?}");
    }
    println!("{} frames, {:?}", camera.statistics().frames, camera.statistics());
}

fn denied(node: &str) {
    let listed = cameras().unwrap();
    assert!(listed.iter().any(|c| c.address == node && c.modes.is_empty()), "{listed:?}");
    let error = open(node, &CameraOptions::default()).err().expect("this user may not open it");
    println!("{error}");
    assert_eq!(error.kind(), ErrorKind::Device);
    assert!(error.hint().unwrap().contains("usermod -aG"), "{error}");
}

/// A size and nothing else.
fn sized(width: u32, height: u32) -> CameraOptions {
    CameraOptions { size: Some(Size::new(width, height)), ..CameraOptions::default() }
}
