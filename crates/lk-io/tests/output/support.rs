// SPDX-License-Identifier: GPL-2.0-or-later
//! Test pictures and sound, a folder that goes away, and what ffprobe says.

use lk_io::encode::{AudioSettings, FileOutput, OutputReport, OutputSettings, VideoSettings};
use lk_media::clock::Deadline;
use lk_media::{
    AudioBlock, AudioTarget, CHANNELS, ColorSpace, Delivery, Frame, FramePool, FrameRate, FrameSpec, Offered,
    PixelFormat, SAMPLE_RATE, Size, VideoTarget, Wake,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const SIZE: Size = Size::new(128, 96);

pub fn fps30() -> FrameRate {
    FrameRate::new(30, 1).unwrap()
}

/// A folder of its own for a test; removed with everything in it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lk-output-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a film shows: the luma of pixel (x, y) of frame n.
pub type Paint = fn(u64, usize, usize) -> u8;

/// A gradient that moves.
pub fn moving(n: u64, x: usize, y: usize) -> u8 {
    (40 + (x * 2 + y + n as usize * 3) % 160) as u8
}

/// Black, and white at frame 45 and the two after it.
pub fn flash(n: u64, _: usize, _: usize) -> u8 {
    if (45..48).contains(&n) { 235 } else { 16 }
}

/// Noise, which no codec makes small.
pub fn noise(n: u64, x: usize, y: usize) -> u8 {
    let mut v = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((x * 7919 + y * 104_729) as u64);
    v = (v ^ (v >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (v >> 40) as u8
}

pub fn picture(size: Size, rate: FrameRate, n: u64, paint: Paint) -> Frame {
    let spec = FrameSpec::of(PixelFormat::I420, size).with_color(ColorSpace::BT709);
    let mut frame = FramePool::shared().frame(spec).unwrap();
    for plane in 0..3 {
        let mut to = frame.plane_mut(plane);
        for y in 0..to.rows {
            let row = to.row_mut(y);
            for (x, v) in row.iter_mut().enumerate() {
                *v = if plane == 0 { paint(n, x, y) } else { 128 };
            }
        }
    }
    frame.publish(rate.time_of(n))
}

/// A tone of 1 kHz from sample `from` to `to`, silence around it.
pub fn tone(position: u64, len: usize, from: u64, to: u64) -> AudioBlock {
    let mut samples = Vec::with_capacity(len * CHANNELS);
    for n in position..position + len as u64 {
        let phase = n as f64 * 1000.0 / f64::from(SAMPLE_RATE) * std::f64::consts::TAU;
        let value = if (from..to).contains(&n) { 0.8 * phase.cos() as f32 } else { 0.0 };
        samples.extend([value; CHANNELS]);
    }
    AudioBlock { position, samples: samples.into() }
}

/// Offers until it is taken.
pub fn until_taken(
    wake: &Wake,
    mut offer: impl FnMut() -> lk_media::Result<Offered>,
) -> lk_media::Result<()> {
    let deadline = Deadline::after(Duration::from_secs(60));
    while offer()? == Offered::Busy {
        wake.wait(deadline.left(Duration::from_secs(60)));
        assert!(!deadline.has_passed(), "busy for a minute");
    }
    Ok(())
}

/// Offers `frames` frames and their sound as an offline run does: a frame, then the blocks that begin in it.
pub fn feed(
    output: &FileOutput,
    size: Size,
    rate: FrameRate,
    frames: u64,
    paint: Paint,
) -> lk_media::Result<()> {
    let wake = Wake::new();
    output.wake_on_ready(&wake);
    let beep = rate.sample_of(45, SAMPLE_RATE);
    let end = rate.sample_of(frames, SAMPLE_RATE);
    let mut mixed = 0;
    for n in 0..frames {
        if output.has_video() {
            let frame = picture(size, rate, n, paint);
            until_taken(&wake, || output.offer(&frame, Delivery::Lossless))?;
        }
        while mixed < rate.sample_of(n + 1, SAMPLE_RATE) {
            let len = 480.min(end - mixed);
            let block = tone(mixed, len as usize, beep, beep + 4800);
            until_taken(&wake, || output.offer_audio(&block, Delivery::Lossless))?;
            mixed += len;
        }
    }
    Ok(())
}

pub fn both(video: VideoSettings) -> OutputSettings {
    OutputSettings { video: Some(video), audio: Some(AudioSettings::default()), ..OutputSettings::default() }
}

pub fn pictures(video: VideoSettings) -> OutputSettings {
    OutputSettings { video: Some(video), ..OutputSettings::default() }
}

/// Settings that do not take long.
pub fn quick(rate: FrameRate) -> VideoSettings {
    VideoSettings::new(SIZE, rate)
}

/// Writes a whole film.
pub fn film(name: &str, settings: OutputSettings, frames: u64, paint: Paint) -> OutputReport {
    let (size, rate) = settings.video.as_ref().map_or((SIZE, fps30()), |v| (v.size, v.rate));
    let output = FileOutput::create(name, settings).unwrap_or_else(|e| panic!("{name}: {e}"));
    feed(&output, size, rate, frames, paint).unwrap_or_else(|e| panic!("{name}: {e}"));
    output.finish().unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Whether there is an encoder of that name; says so if not.
pub fn has_encoder(name: &str) -> bool {
    let there = lk_io::encode::encoders().iter().any(|e| e.name == name);
    if !there {
        println!("skipped: this FFmpeg has no encoder {name}");
    }
    there
}

/// Whether FFmpeg's programs are there; says so if not.
pub fn has_programs() -> bool {
    let there = ["ffmpeg", "ffprobe"]
        .iter()
        .all(|p| Command::new(p).arg("-version").output().is_ok_and(|o| o.status.success()));
    if !there {
        println!("skipped: the programs ffmpeg and ffprobe are not installed");
    }
    there
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let out = Command::new(program).arg("-v").arg("error").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {arguments:?}: {said}");
    out.stdout
}

/// The file as FFmpeg's programs are to be given it, whatever its name is.
pub fn url(file: &str) -> String {
    format!("file:{file}")
}

/// ffprobe's streams and format, with frames counted.
pub fn probe(file: &str) -> Value {
    let file = url(file);
    let json = run("ffprobe", &["-count_frames", "-show_streams", "-show_format", "-of", "json", &file]);
    serde_json::from_slice(&json).unwrap()
}

/// The stream of that kind.
pub fn stream<'a>(probed: &'a Value, kind: &str) -> &'a Value {
    let streams = probed["streams"].as_array().unwrap();
    streams.iter().find(|s| s["codec_type"] == kind).unwrap_or_else(|| panic!("no {kind} in {probed}"))
}

pub fn number(value: &Value) -> f64 {
    value.as_str().and_then(|s| s.parse().ok()).or_else(|| value.as_f64()).unwrap_or(f64::NAN)
}

/// The times of all frames of a stream, "v" or "a".
pub fn times(file: &str, kind: &str) -> Vec<f64> {
    let file = url(file);
    let entries = ["-select_streams", kind, "-show_entries", "frame=pts_time", "-of", "json", &file];
    let json: Value = serde_json::from_slice(&run("ffprobe", &entries)).unwrap();
    json["frames"].as_array().unwrap().iter().map(|f| number(&f["pts_time"])).collect()
}

/// All frames, decoded to `pixels`.
pub fn decode(file: &str, pixels: &str) -> Vec<u8> {
    let file = url(file);
    run("ffmpeg", &["-i", &file, "-an", "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", pixels, "-"])
}

/// The left channel.
pub fn listen(file: &str) -> Vec<f32> {
    let file = url(file);
    let raw = run("ffmpeg", &["-i", &file, "-vn", "-f", "f32le", "-ac", "2", "-ar", "48000", "-"]);
    raw.chunks_exact(8).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

pub fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(file)).unwrap()
}
