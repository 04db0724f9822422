// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures that say which they are, and other programs that read cameras.

use super::media::skip;
use super::session::{HANG, until};
use lk_io::pipewire::{VideoNode, video_nodes};
use lk_io::virtual_camera::{CameraDevice, VirtualCamera, VirtualCameraOptions};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{Cancel, Frame, FrameRate, FrameSpec, PixelFormat, Size, Timestamp, Wake};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

pub const SIZE: Size = Size::new(320, 180);

pub fn rate() -> FrameRate {
    FrameRate::new(30, 1).unwrap()
}

/// Picture `n`: every byte depends on it and on its place.
pub fn bytes(format: PixelFormat, n: u8) -> Vec<u8> {
    let at = |at: usize| ((at * 31 + at / 640) as u8).wrapping_add(n.wrapping_mul(57));
    (0..format.packed_len(SIZE)).map(at).collect()
}

pub fn picture(format: PixelFormat, n: u8) -> Frame {
    Frame::from_packed(FrameSpec::of(format, SIZE), &bytes(format, n), Timestamp::ZERO).unwrap()
}

/// A camera in PipeWire, called `name`.
pub fn camera(name: &str, format: PixelFormat) -> VirtualCamera {
    let options = VirtualCameraOptions {
        name: name.to_owned(),
        device: CameraDevice::PipeWire,
        format: Some(format),
        ..VirtualCameraOptions::default()
    };
    VirtualCamera::open(SIZE, rate(), &options).unwrap()
}

/// The node of that name, once programs can find it.
pub fn node(name: &str) -> VideoNode {
    let mut found = None;
    until(name, || {
        found = video_nodes().ok().and_then(|nodes| nodes.into_iter().find(|n| n.description == name));
        found.is_some()
    });
    found.unwrap()
}

/// Sends picture after picture at the camera's rate until dropped.
pub struct Sender {
    stop: Cancel,
    _thread: Thread,
}

impl Sender {
    pub fn start(camera: Arc<VirtualCamera>, format: PixelFormat) -> Self {
        let stop = Cancel::new();
        let (asked, pause) = (stop.clone(), Wake::new());
        let send = move || {
            for n in (1..=u8::MAX).cycle() {
                if asked.is_cancelled() {
                    return;
                }
                camera.send(&picture(format, n)).unwrap();
                pause.wait(camera.until_next());
            }
        };
        Self { stop, _thread: thread::spawn("sender", send).unwrap() }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Whether there is such a program; says so if the test is skipped.
pub fn has(program: &str, package: &str) -> bool {
    let there = std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(program).exists()));
    if !there {
        skip(&format!("there is no {program}: apt install {package}"));
    }
    there
}

/// Whether GStreamer reads PipeWire here.
pub fn has_gstreamer() -> bool {
    let package = "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-pipewire";
    if !has("gst-inspect-1.0", package) {
        return false;
    }
    let asked = Command::new("gst-inspect-1.0").arg("pipewiresrc").stdout(Stdio::null()).status().unwrap();
    if !asked.success() {
        skip(&format!("GStreamer has no pipewiresrc: apt install {package}"));
    }
    asked.success()
}

/// What a program writes to its standard output, split into pictures.
pub fn pictures(command: &[&str], bytes: usize) -> Vec<Vec<u8>> {
    let limit = HANG.as_secs().to_string();
    let done = Command::new("timeout")
        .args(["-s", "KILL", &limit])
        .args(command)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    assert_eq!(done.stdout.len() % bytes, 0, "{command:?}: {said}");
    done.stdout.chunks(bytes).map(<[u8]>::to_vec).collect()
}

/// What GStreamer reads of a node.
pub fn gstreamer(node: &VideoNode, caps: &str, count: usize, bytes: usize) -> Vec<Vec<u8>> {
    let (path, count) = (format!("path={}", node.id), format!("num-buffers={count}"));
    let caps = format!("video/x-raw,{caps}");
    let pipeline = ["pipewiresrc", &path, &count, "!", &caps, "!", "fdsink", "fd=1"];
    pictures(&[&["gst-launch-1.0", "-q"], pipeline.as_slice()].concat(), bytes)
}

/// The numbers of pictures, each of which must be one to the byte; black ones are 0.
pub fn numbers(format: PixelFormat, pictures: &[Vec<u8>]) -> Vec<u8> {
    let number = |(index, picture): (usize, &Vec<u8>)| {
        (1..=u8::MAX).find(|n| *picture == bytes(format, *n)).unwrap_or_else(|| {
            assert!(is_black(format, picture), "picture {index} is none that was sent: {:?}", &picture[..8]);
            0
        })
    };
    pictures.iter().enumerate().map(number).collect()
}

fn is_black(format: PixelFormat, picture: &[u8]) -> bool {
    match format {
        PixelFormat::Yuy2 => picture.chunks(2).all(|pair| pair == [16, 128]),
        PixelFormat::I420 | PixelFormat::Nv12 => picture.iter().all(|b| matches!(b, 16 | 128)),
        _ => picture.iter().all(|b| *b == 0),
    }
}

/// Whether each is the one after the one before: 0 once at most.
pub fn follow(numbers: &[u8]) -> usize {
    let next = |n: u8| if n == u8::MAX { 1 } else { n + 1 };
    numbers.windows(2).filter(|w| w[1] == next(w[0])).count()
}

pub fn nap(limit: Duration) {
    let (deadline, wake) = (Deadline::after(limit), Wake::new());
    while !deadline.has_passed() {
        wake.wait(deadline.left(limit));
    }
}
