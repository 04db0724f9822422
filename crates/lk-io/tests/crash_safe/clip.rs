// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets from real encoders, and what is in the files made of them.

use crate::support::{moving, picture, tone};
use lk_io::encode::{AudioEncoder, AudioSettings, Packet, StreamInfo, VideoEncoder, VideoSettings};
use lk_io::mux::{ContainerChoice, CrashSafe, MuxReport, Muxer, MuxerSettings};
use lk_media::{FrameRate, Size};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

pub const SIZE: Size = Size::new(128, 96);

/// Streams, and their packets in the order in which a recording gives them out.
pub struct Clip {
    pub streams: Vec<StreamInfo>,
    pub packets: Vec<(usize, Packet)>,
}

/// What a clip is made of.
#[derive(Clone)]
pub struct Make {
    pub rate: FrameRate,
    pub frames: u64,
    /// The index of the first frame.
    pub first: u64,
    pub video: Option<VideoSettings>,
    pub audio: Vec<AudioSettings>,
}

impl Make {
    pub fn new(num: u32, den: u32, frames: u64) -> Self {
        let rate = FrameRate::new(num, den).unwrap();
        let video = VideoSettings::new(SIZE, rate)
            .with_option("preset", "veryfast")
            .with_option("bf", "2")
            .with_option("g", "40");
        Self { rate, frames, first: 0, video: Some(video), audio: vec![AudioSettings::default()] }
    }

    pub fn silent(mut self) -> Self {
        self.audio.clear();
        self
    }

    pub fn sound_only(mut self) -> Self {
        self.video = None;
        self
    }

    pub fn with_sound(mut self, codec: &str) -> Self {
        self.audio.push(AudioSettings::with_codec(codec));
        self
    }

    /// Encodes it for a container that wants headers beside the packets, or does not.
    pub fn clip(&self, global_header: bool) -> Clip {
        let mut video = self.video.as_ref().map(|v| VideoEncoder::open(v, global_header).unwrap());
        let mut audio: Vec<_> =
            self.audio.iter().map(|a| AudioEncoder::open(a, global_header).unwrap()).collect();
        let streams =
            video.iter().map(VideoEncoder::stream).chain(audio.iter().map(AudioEncoder::stream)).collect();
        let mut packets = Vec::new();
        let start = usize::from(video.is_some());
        let sample = |n| self.rate.sample_of(n, 48_000);
        for n in 0..self.frames {
            if let Some(video) = &mut video {
                let frame = picture(SIZE, self.rate, n, moving);
                let mut sink = |p| {
                    packets.push((0, p));
                    Ok(())
                };
                video.encode(&frame, self.first + n, &mut sink).unwrap();
            }
            let (from, to) = (sample(n), sample(n + 1));
            for (index, audio) in audio.iter_mut().enumerate() {
                let mut sink = |p| {
                    packets.push((start + index, p));
                    Ok(())
                };
                audio.encode(&tone(from, (to - from) as usize, 0, u64::MAX), &mut sink).unwrap();
            }
        }
        if let Some(video) = &mut video {
            let mut sink = |p| {
                packets.push((0, p));
                Ok(())
            };
            video.finish(&mut sink).unwrap();
        }
        for (index, audio) in audio.iter_mut().enumerate() {
            let mut sink = |p| {
                packets.push((start + index, p));
                Ok(())
            };
            audio.finish(&mut sink).unwrap();
        }
        Clip { streams, packets }
    }
}

/// Like `Make::new`, with the few frames in the encoder that a live recording has.
pub fn live(frames: u64) -> Make {
    let mut make = Make::new(30, 1, frames);
    make.video =
        make.video.map(|v| v.with_option("x264-params", "rc-lookahead=4:sync-lookahead=0:b-adapt=0"));
    make
}

pub fn ordinary() -> MuxerSettings {
    MuxerSettings { overwrite: true, ..MuxerSettings::default() }
}

pub fn safe() -> MuxerSettings {
    MuxerSettings { crash_safe: Some(CrashSafe::default()), ..ordinary() }
}

impl Clip {
    pub fn open(&self, file: &str, settings: &MuxerSettings) -> Muxer {
        let container = ContainerChoice::of(file, None).unwrap();
        Muxer::open(&container, file, &self.streams, settings).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    /// A whole file of it.
    pub fn file(&self, file: &str, settings: &MuxerSettings) -> MuxReport {
        let muxer = self.open(file, settings);
        for (stream, packet) in &self.packets {
            muxer.write(*stream, packet.clone()).unwrap();
        }
        let report = muxer.finish().unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(report.packets, self.packets.len() as u64, "{file}");
        report
    }

    /// What begins in the first `length` of each stream, so that it can be repeated.
    pub fn up_to(mut self, length: Duration) -> Self {
        let mut first = vec![None; self.streams.len()];
        self.packets.retain(|(stream, packet)| {
            let dts = packet.dts_nanos().unwrap();
            dts - *first[*stream].get_or_insert(dts) + 1000 < length.as_nanos() as i64
        });
        self
    }

    /// All of it `by` later.
    pub fn later(&self, by: Duration) -> Self {
        let packets = self.packets.iter().map(|(n, p)| (*n, p.later(by).unwrap())).collect();
        Self { streams: self.streams.clone(), packets }
    }
}

fn json(arguments: &[&str], file: &str) -> Value {
    let out = Command::new("ffprobe").args(["-v", "error", "-of", "json"]).args(arguments).arg(file).output();
    let out = out.unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "ffprobe {file}: {said}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// All packets of a stream: times, durations, sizes, flags, and a hash of their bytes, but not where they stand.
pub fn packets(file: &str, stream: usize) -> Vec<String> {
    let stream = stream.to_string();
    let arguments = ["-show_packets", "-show_data_hash", "md5", "-select_streams", &stream];
    let all = json(&arguments, file);
    let packets = all["packets"].as_array().unwrap().iter();
    let without_place = packets.map(|p| {
        let mut p = p.clone();
        p.as_object_mut().unwrap().remove("pos");
        p.to_string()
    });
    without_place.collect()
}

/// What is said of the streams and the file; bit rates are left out, which ffprobe takes from FFmpeg's estimates.
pub fn said(file: &str) -> (Vec<Value>, Value) {
    let all = json(&["-show_streams", "-show_format"], file);
    let without = |value: &Value, names: &[&str]| {
        let mut value = value.clone();
        let map = value.as_object_mut().unwrap();
        names.iter().for_each(|n| _ = map.remove(*n));
        value
    };
    let streams = all["streams"].as_array().unwrap().iter();
    let streams = streams.map(|s| without(s, &["bit_rate", "extradata_size"])).collect();
    (streams, without(&all["format"], &["filename", "size", "bit_rate", "tags"]))
}
