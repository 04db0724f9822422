// SPDX-License-Identifier: GPL-2.0-or-later
//! What can be asked of a recorder.

use crate::encode::{AudioSettings, OutputSettings, VideoSettings};
use lk_media::{FrameRate, Size};

/// A sound track of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioTrack {
    /// How it is encoded.
    pub settings: AudioSettings,
    /// What people call it, for messages: "microphone".
    pub name: String,
}

/// What a recorder writes.
///
/// Pictures have the size and the rate of `output.video`. Its number of threads is not used: a live encoder has
/// the threads of [`lk_media::thread::budget`], at most 3, unless the option `threads` says otherwise. The
/// options come after those of a live encoder (x264: preset veryfast, 4 frames of look-ahead, 2 B-frames; a key
/// frame every two seconds), and win.
#[derive(Clone, Debug, PartialEq)]
pub struct RecorderSettings {
    /// Pictures, the first sound track, the container. Without pictures, sound alone is recorded.
    pub output: OutputSettings,
    /// Sound tracks after that of `output`.
    pub tracks: Vec<AudioTrack>,
    /// Whether what is written is brought to the disk again and again, so that it survives a loss of power.
    pub durable: bool,
}

impl RecorderSettings {
    /// Pictures of this size and rate, and one sound track if `sound`.
    pub fn new(size: Size, rate: FrameRate, sound: bool) -> Self {
        Self {
            output: OutputSettings {
                video: Some(VideoSettings::new(size, rate)),
                audio: sound.then(AudioSettings::default),
                ..OutputSettings::default()
            },
            tracks: Vec::new(),
            durable: false,
        }
    }

    /// What the recorders of 2020 wrote: 30 frames a second, H.264 and AAC, as MP4 or as FLV. Odd sides become
    /// the next smaller even ones.
    pub fn of_2020(mp4: bool, size: Size, record_audio: bool) -> Self {
        let even = Size::new((size.width & !1).max(2), (size.height & !1).max(2));
        let rate = FrameRate::new(30, 1).expect("30 frames a second are a valid rate");
        let mut settings = Self::new(even, rate, record_audio);
        settings.output.format = Some(if mp4 { "mp4" } else { "flv" }.to_owned());
        if let Some(video) = &mut settings.output.video {
            video.codec = Some("h264".to_owned());
        }
        if let Some(audio) = &mut settings.output.audio {
            audio.codec = Some("aac".to_owned());
        }
        settings
    }

    /// The same with a sound track more.
    #[must_use]
    pub fn with_track(mut self, name: impl Into<String>, settings: AudioSettings) -> Self {
        self.tracks.push(AudioTrack { settings, name: name.into() });
        self
    }
}
