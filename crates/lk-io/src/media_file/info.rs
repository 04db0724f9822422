// SPDX-License-Identifier: GPL-2.0-or-later
//! What is in a file.

use super::OpenOptions;
use crate::av::decode::codec_name;
use crate::av::filter::shown_size;
use crate::av::from_av::{color_of, pixel_format_name};
use crate::av::input::{Input, Medium};
use crate::av::probe;
use lk_media::{ColorSpace, FrameRate, Result, Size, Timestamp};
use serde::{Serialize, Serializer};

/// One stream of pictures.
#[derive(Clone, Debug, Serialize)]
pub struct VideoInfo {
    /// Its index in the file.
    pub index: usize,
    /// FFmpeg's name of the codec, such as "h264".
    pub codec: String,
    /// The size of the pictures as they are shown: upright, square pixels.
    pub size: Size,
    /// The size as they are stored.
    pub coded_size: Size,
    /// Pictures a second.
    #[serde(serialize_with = "as_text")]
    pub fps: Option<FrameRate>,
    /// Bits a second.
    pub bitrate: Option<u64>,
    /// FFmpeg's name of the stored pixel format, such as "yuv420p10le".
    pub pixel_format: Option<String>,
    /// The colour space the pictures are taken for.
    pub color: ColorSpace,
    /// Degrees clockwise that the stored picture is turned by to be upright.
    pub rotation: u32,
    /// Whether the container says that pictures are interlaced.
    pub interlaced: bool,
}

/// One stream of sound.
#[derive(Clone, Debug, Serialize)]
pub struct AudioInfo {
    /// Its index in the file.
    pub index: usize,
    /// FFmpeg's name of the codec, such as "aac".
    pub codec: String,
    /// Samples a second and channel.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// The channels' places, such as "stereo" or "5.1".
    pub layout: String,
    /// Bits a second.
    pub bitrate: Option<u64>,
}

/// What is in a file: its length, its pictures, its sound. The streams that are played by default come first.
#[derive(Clone, Debug, Serialize)]
pub struct MediaInfo {
    /// The path or address, passwords and keys masked.
    pub name: String,
    /// FFmpeg's names of the container, such as "mov,mp4,m4a,3gp,3g2,mj2".
    pub format: String,
    /// Seconds; None when it is not known or has no end.
    #[serde(serialize_with = "as_seconds")]
    pub duration: Option<Timestamp>,
    /// Bits a second, everything together.
    pub bitrate: Option<u64>,
    /// Streams of pictures; cover pictures of sound files are none.
    pub video: Vec<VideoInfo>,
    /// Streams of sound.
    pub audio: Vec<AudioInfo>,
}

impl MediaInfo {
    /// Opens `name` (a path or an address), looks and closes it again.
    pub fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        let mut input = Input::open(name, &OpenOptions { stream: None, ..options.clone() })?;
        let mut info = Self::of(&input);
        if info.video.is_empty() && info.audio.is_empty() {
            return Err(input.media_error("neither video nor sound in it"));
        }
        let best = input.choose(Medium::Video)?;
        info.video.sort_by_key(|v| Some(v.index) != best);
        let best = input.choose(Medium::Audio)?;
        info.audio.sort_by_key(|a| Some(a.index) != best);
        Ok(info)
    }

    pub(crate) fn of(input: &Input) -> Self {
        let streams = || 0..input.stream_count();
        let only = (0..input.stream_count()).filter(|s| input.medium(*s).is_some()).count() == 1;
        let total = input.bit_rate();
        let fallback = |rate: Option<u64>| rate.or(if only { total } else { None });
        Self {
            name: input.label().to_owned(),
            format: input.format_names(),
            duration: input.duration(),
            bitrate: total,
            video: streams()
                .filter(|s| input.medium(*s) == Some(Medium::Video))
                .filter_map(|s| video(input, s))
                .map(|v| VideoInfo { bitrate: fallback(v.bitrate), ..v })
                .collect(),
            audio: streams()
                .filter(|s| input.medium(*s) == Some(Medium::Audio))
                .map(|s| audio(input, s))
                .map(|a| AudioInfo { bitrate: fallback(a.bitrate), ..a })
                .collect(),
        }
    }

    /// The length.
    pub fn duration(&self) -> Option<Timestamp> {
        self.duration
    }

    /// Whether there are pictures.
    pub fn has_video(&self) -> bool {
        !self.video.is_empty()
    }

    /// The size of the pictures as they are shown.
    pub fn video_size(&self) -> Option<Size> {
        self.video.first().map(|v| v.size)
    }

    /// Pictures a second.
    pub fn video_fps(&self) -> Option<FrameRate> {
        self.video.first().and_then(|v| v.fps)
    }

    /// Bits a second of the pictures.
    pub fn video_bitrate(&self) -> Option<u64> {
        self.video.first().and_then(|v| v.bitrate)
    }

    /// Whether there is sound.
    pub fn has_audio(&self) -> bool {
        !self.audio.is_empty()
    }

    /// Samples a second and channel.
    pub fn audio_sample_rate(&self) -> Option<u32> {
        self.audio.first().map(|a| a.sample_rate)
    }

    /// Channels of the sound.
    pub fn audio_number_of_channels(&self) -> Option<u32> {
        self.audio.first().map(|a| a.channels)
    }

    /// Bits a second of the sound.
    pub fn audio_bitrate(&self) -> Option<u64> {
        self.audio.first().and_then(|a| a.bitrate)
    }
}

/// None for streams whose pictures have no size: headers lie, and there is nothing to show.
fn video(input: &Input, stream: usize) -> Option<VideoInfo> {
    let raw = probe::video(input, stream);
    let coded_size = Size::checked(raw.width, raw.height).ok()?;
    let orientation = crate::av::video::orientation(input, stream);
    let fps = crate::av::video::frame_rate(input, stream)
        .and_then(|(num, den)| FrameRate::new(num.unsigned_abs(), den.unsigned_abs()).ok());
    Some(VideoInfo {
        index: stream,
        codec: codec_name(probe::parameters(input, stream)),
        size: shown_size(coded_size, raw.aspect, orientation),
        coded_size,
        fps,
        bitrate: probe::bit_rate(input, stream),
        pixel_format: pixel_format_name(raw.tags.format),
        color: color_of(raw.tags, coded_size.height),
        rotation: orientation.degrees(),
        interlaced: raw.interlaced,
    })
}

fn audio(input: &Input, stream: usize) -> AudioInfo {
    let (sample_rate, channels, layout) = probe::audio(input, stream);
    let codec = codec_name(probe::parameters(input, stream));
    AudioInfo { index: stream, codec, sample_rate, channels, layout, bitrate: probe::bit_rate(input, stream) }
}

fn as_seconds<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::as_secs_f64).serialize(to)
}

fn as_text<S: Serializer>(rate: &Option<FrameRate>, to: S) -> Result<S::Ok, S::Error> {
    rate.map(|r| r.to_string()).serialize(to)
}
