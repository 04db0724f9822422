// SPDX-License-Identifier: GPL-2.0-or-later
//! Test media, made at run time with the `ffmpeg` command line from frames that carry their number.
#![allow(dead_code)] // each test file uses its part

use lk_media::{Frame, PixelFormat, Sample, Timestamp};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub const WIDTH: usize = 256;
pub const HEIGHT: usize = 64;
const BITS: usize = 16;

/// Says that the test that calls it is skipped, and why, also where the runner hides what tests print.
pub fn skip(reason: &str) {
    println!("SKIPPED: {reason}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        let written = file.and_then(|mut file| writeln!(file, "{test}: {reason}"));
        written.expect("the log of skips can be written");
    }
}

/// Whether there is an `ffmpeg`; says so if the test is skipped.
pub fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|s| s.success());
    if !there {
        skip("there is no ffmpeg command line to make test media with");
    }
    there
}

/// A place for `name` that no other test uses.
pub fn place(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("lk-io-media");
    std::fs::create_dir_all(&folder).expect("the build folder is writable");
    folder.join(format!("{}-{name}", std::process::id()))
}

/// Runs ffmpeg with `args`, feeding it `input`; what it writes to its output.
pub fn ffmpeg(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"].iter().filter(|a| **a != "-nostdin"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg starts");
    let mut stdin = child.stdin.take().expect("piped");
    // only one side is ever large: frames in or samples out
    if let Err(e) = stdin.write_all(input) {
        println!("ffmpeg stopped reading: {e}");
    }
    drop(stdin);
    let out = child.wait_with_output().expect("ffmpeg ends");
    assert!(out.status.success(), "ffmpeg {args:?} failed");
    out.stdout
}

/// Yuv420p bytes of frame `number`: its bits as black and white columns, the least first.
pub fn numbered_frame(number: usize) -> Vec<u8> {
    let mut row = vec![0u8; WIDTH];
    for (x, y) in row.iter_mut().enumerate() {
        *y = if number >> (x * BITS / WIDTH) & 1 == 1 { 235 } else { 16 };
    }
    let mut frame = row.repeat(HEIGHT);
    frame.extend(std::iter::repeat_n(128, WIDTH * HEIGHT / 2));
    frame
}

/// A clip of `frames` numbered frames at `rate` ("30000/1001"), encoded as `args` say into a file of `name`.
pub fn clip(name: &str, frames: usize, rate: &str, args: &[&str]) -> String {
    let raw: Vec<u8> = (0..frames).flat_map(numbered_frame).collect();
    let path = place(name).to_string_lossy().into_owned();
    let size = format!("{WIDTH}x{HEIGHT}");
    let mut all = vec!["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-r", rate, "-i", "-"];
    all.extend(args);
    all.push(&path);
    ffmpeg(&all, &raw);
    path
}

/// H.264 with three B-frames between the others and a key frame every 30.
pub const H264: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "3",
    "-g",
    "30",
    "-x264-params",
    "b-adapt=0:scenecut=0",
];

/// The number a frame carries.
pub fn number(frame: &Frame) -> usize {
    let map = frame.map_native();
    let (plane, size) = (map.plane(0), frame.size());
    let (step, first) = match frame.format() {
        PixelFormat::I420 | PixelFormat::Nv12 => (1, 0),
        PixelFormat::Yuy2 => (2, 0),
        PixelFormat::Bgr | PixelFormat::Rgb => (3, 1),
        PixelFormat::Bgra | PixelFormat::Rgba => (4, 1),
    };
    let row = plane.row(size.height as usize / 2);
    let width = size.width as usize;
    (0..BITS)
        .map(|bit| usize::from(row[(bit * width / BITS + width / BITS / 2) * step + first] > 128) << bit)
        .sum()
}

/// The number of a sampled frame and whether it is still running.
pub fn sampled(sample: &Sample) -> (usize, bool) {
    match sample {
        Sample::Frame(frame) => (number(frame), true),
        Sample::Ended(Some(frame)) => (number(frame), false),
        other => panic!("no frame: {other:?}"),
    }
}

/// A small repeatable source of random numbers.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

pub fn seconds(s: f64) -> Timestamp {
    Timestamp::from_secs_f64(s)
}
