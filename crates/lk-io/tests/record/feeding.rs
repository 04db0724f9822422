// SPDX-License-Identifier: GPL-2.0-or-later
//! Feeding a recorder as a running scene does: numbered frames and known samples at absolute places.

use crate::media;
use crate::support::{decode, listen};
use lk_io::encode::{AudioSettings, VideoSettings};
use lk_io::record::{Recorder, RecorderSettings, RecordingReport};
use lk_media::clock::Deadline;
use lk_media::{
    AudioBlock, AudioTarget, CHANNELS, ColorSpace, Delivery, Frame, FrameRate, FrameSpec, Offered,
    PixelFormat, Result, SAMPLE_RATE, Size, Timestamp, VideoTarget, Wake,
};
use std::sync::Arc;
use std::time::Duration;

pub const SIZE: Size = Size::new(media::WIDTH as u32, media::HEIGHT as u32);
/// The session's first frame: a machine that has been up for months.
pub const BASE: u64 = 400_000_017;

pub fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).unwrap()
}

/// Frame `BASE + number` of the session, which shows its number.
pub fn frame(rate: FrameRate, number: u64) -> Frame {
    let spec = FrameSpec::of(PixelFormat::I420, SIZE).with_color(ColorSpace::BT709);
    let bytes = media::numbered_frame(number as usize);
    Frame::from_packed(spec, &bytes, rate.time_of(BASE + number)).unwrap()
}

/// The numbers of all frames of a file.
pub fn numbers(file: &str) -> Vec<u64> {
    let spec = FrameSpec::of(PixelFormat::I420, SIZE);
    let luma = decode(file, "gray");
    let frames = luma.chunks_exact(SIZE.area()).map(|y| {
        let mut bytes = y.to_vec();
        bytes.resize(SIZE.area() * 3 / 2, 128);
        let frame = Frame::from_packed(spec, &bytes, Timestamp::ZERO).unwrap();
        media::number(&frame) as u64
    });
    frames.collect()
}

/// The session's sample at `position` of a track: noise that repeats nowhere near.
pub fn sample(position: u64, track: usize) -> f32 {
    let mut v = (position + 1 + ((track as u64) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ position;
    v = (v ^ (v >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (v >> 40) as u8 as f32 / 256.0 - 0.4
}

pub fn block(position: u64, len: u64, track: usize) -> AudioBlock {
    let samples = (position..position + len).flat_map(|p| [sample(p, track); CHANNELS]).collect();
    AudioBlock { position, samples }
}

/// Whether the left channel of `got` is the session's sound from `position` on.
pub fn is_sound(got: &[f32], position: u64, track: usize) -> bool {
    got.iter().enumerate().all(|(n, s)| (s - sample(position + n as u64, track)).abs() < 1e-4)
}

pub fn settings(rate: FrameRate) -> RecorderSettings {
    RecorderSettings::new(SIZE, rate, false)
}

/// With sound that loses nothing.
pub fn with_sound(rate: FrameRate) -> RecorderSettings {
    let mut settings = settings(rate);
    settings.output.audio = Some(AudioSettings::with_codec("flac"));
    settings
}

pub fn video(settings: &mut RecorderSettings) -> &mut VideoSettings {
    settings.output.video.as_mut().unwrap()
}

/// A recorder and where its session stands.
pub struct Session {
    pub recorder: Recorder,
    pub rate: FrameRate,
    tracks: Vec<Arc<dyn AudioTarget>>,
    mixed: u64,
    wake: Wake,
}

impl Session {
    pub fn new(file: &str, settings: RecorderSettings) -> Self {
        let recorder = Recorder::open(file, settings).unwrap_or_else(|e| panic!("{file}: {e}"));
        let rate = recorder.rate().unwrap_or(rate(30, 1));
        let tracks = (0..recorder.tracks()).map(|n| recorder.track(n).unwrap()).collect();
        // the mixer's blocks begin anywhere in a frame
        let mixed = rate.sample_of(BASE, SAMPLE_RATE) / 480 * 480;
        let wake = Wake::new();
        recorder.wake_on_ready(&wake);
        Self { recorder, rate, tracks, mixed, wake }
    }

    /// Started at once.
    pub fn started(file: &str, settings: RecorderSettings) -> Self {
        let session = Self::new(file, settings);
        session.recorder.start().unwrap();
        session
    }

    pub fn sample_of(&self, number: u64) -> u64 {
        self.rate.sample_of(BASE + number, SAMPLE_RATE)
    }

    /// Frame `number`, when the encoder has room for it.
    pub fn picture(&self, number: u64) -> Result<Offered> {
        self.picture_at(number, self.rate.time_of(BASE + number))
    }

    /// A frame that shows `number`, due at `t`.
    pub fn picture_at(&self, number: u64, t: Timestamp) -> Result<Offered> {
        let deadline = Deadline::after(Duration::from_secs(60));
        while self.recorder.statistics().waiting > 4 {
            self.wake.wait(Duration::from_millis(20));
            assert!(!deadline.has_passed(), "the encoder stands still");
        }
        self.recorder.offer(&frame(self.rate, number).at(t), Delivery::Live)
    }

    /// Sound until frame `number`, on all tracks.
    pub fn sound_until(&mut self, number: u64) {
        while self.mixed < self.sample_of(number) {
            for (index, track) in self.tracks.iter().enumerate() {
                let block = block(self.mixed, 480, index);
                assert_eq!(track.offer_audio(&block, Delivery::Live).unwrap(), Offered::Taken);
            }
            self.mixed += 480;
        }
    }

    /// Sound is not mixed until frame `number`.
    pub fn skip_sound_until(&mut self, number: u64) {
        self.mixed = self.sample_of(number) / 480 * 480;
    }

    /// Frames and their sound.
    pub fn run(&mut self, numbers: std::ops::Range<u64>) {
        for n in numbers {
            assert_eq!(self.picture(n).unwrap(), Offered::Taken);
            self.sound_until(n + 1);
        }
    }

    pub fn stop(&self) -> RecordingReport {
        self.recorder.stop().unwrap()
    }
}

/// The left channel of sound track `track`.
pub fn listen_to(file: &str, track: usize) -> Vec<f32> {
    if track == 0 {
        return listen(file);
    }
    let (file, map) = (crate::support::url(file), format!("0:a:{track}"));
    let raw =
        media::ffmpeg(&["-i", &file, "-map", &map, "-f", "f32le", "-ac", "2", "-ar", "48000", "-"], &[]);
    raw.chunks_exact(8).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}
