// SPDX-License-Identifier: GPL-2.0-or-later
//! From settings to open encoders and an open file: what is common to offline and live outputs.

use super::{
    AudioEncoder, AudioSettings, EncoderInfo, OutputSettings, StreamInfo, StreamKind, VideoEncoder,
    VideoSettings, choose,
};
use crate::mux::{ContainerChoice, CrashSafe, Muxer, MuxerSettings};
use lk_media::{Error, ErrorKind, Result};
use std::time::Duration;

/// Fragments an offline MP4 is written in until it is whole.
const FRAGMENT: Duration = Duration::from_secs(1);

/// What is to be opened, with every codec decided and found fit for the container. Nothing is touched yet.
pub(crate) struct Plan {
    container: ContainerChoice,
    /// Pictures, unless the container has no place for them.
    pub(crate) video: Option<(VideoSettings, &'static EncoderInfo)>,
    /// Sound, one entry a track; empty if the container has no place for it.
    pub(crate) tracks: Vec<AudioSettings>,
    muxer: MuxerSettings,
}

/// Open encoders. The muxer's streams are the pictures, if there are any, and then the tracks in their order.
pub(crate) struct Encoders {
    pub(crate) video: Option<VideoEncoder>,
    pub(crate) tracks: Vec<AudioEncoder>,
}

impl Plan {
    /// Decides how to write `name`. `more` are sound tracks after that of the settings.
    pub(crate) fn new(name: &str, settings: OutputSettings, more: Vec<AudioSettings>) -> Result<Self> {
        let container = ContainerChoice::of(name, settings.format.as_deref())?;
        let asked = (settings.video.is_some(), settings.audio.is_some() || !more.is_empty());
        let codec = |named: Option<String>, kind| named.or_else(|| container.usual_codec(kind));
        let mut video = None;
        if let Some(mut v) = settings.video {
            v.codec = codec(v.codec.take(), StreamKind::Video);
            // what the container has no place for, and nobody insisted on, is left out
            if let Some(name) = &v.codec {
                let encoder = choose::encoder_for(name, StreamKind::Video, &v.options)?;
                container.check(StreamKind::Video, &encoder.codec)?;
                video = Some((v, encoder));
            }
        }
        let mut tracks = Vec::new();
        for mut a in settings.audio.into_iter().chain(more) {
            a.codec = codec(a.codec.take(), StreamKind::Audio);
            if let Some(name) = &a.codec {
                let encoder = choose::encoder_for(name, StreamKind::Audio, &a.options)?;
                container.check(StreamKind::Audio, &encoder.codec)?;
                tracks.push(a);
            }
        }
        if video.is_none() && tracks.is_empty() {
            let what = match asked {
                (false, false) => return Err(Error::parameter("an output needs pictures, sound or both")),
                (_, true) => "sound",
                (true, false) => "pictures",
            };
            let format = &container.info().name;
            return Err(Error::new(
                ErrorKind::Encoder,
                format!("the container {format} of {name} holds no {what}"),
            )
            .with_hint("use another container, such as mp4"));
        }
        let muxer = MuxerSettings {
            options: settings.options,
            overwrite: settings.overwrite,
            // an MP4 that is killed, or whose disk is full, plays up to there
            crash_safe: container.is_fragmented().then_some(CrashSafe { fragment: FRAGMENT, durable: false }),
            live: false,
        };
        Ok(Self { container, video, tracks, muxer })
    }

    /// For packets that come in real time: the file can be played at any moment, and if `durable` after a loss of
    /// power.
    pub(crate) fn live(mut self, durable: bool) -> Self {
        self.muxer.crash_safe = Some(CrashSafe { durable, ..CrashSafe::default() });
        self.muxer.live = true;
        self
    }

    /// The container's name: "mp4".
    pub(crate) fn format(&self) -> String {
        self.container.info().name.clone()
    }

    /// Opens the encoders, then the output `name`, and writes its header.
    pub(crate) fn open(self, name: &str) -> Result<(Encoders, Muxer)> {
        let header = self.container.wants_global_header();
        let video = self.video.as_ref().map(|(v, _)| VideoEncoder::open(v, header)).transpose()?;
        let tracks: Vec<AudioEncoder> =
            self.tracks.iter().map(|a| AudioEncoder::open(a, header)).collect::<Result<_>>()?;
        let streams: Vec<StreamInfo> =
            video.iter().map(VideoEncoder::stream).chain(tracks.iter().map(AudioEncoder::stream)).collect();
        let muxer = Muxer::open(&self.container, name, &streams, &self.muxer)?;
        Ok((Encoders { video, tracks }, muxer))
    }
}

/// The name of an output in messages: a file's own, without its folder.
pub(crate) fn label(name: &str) -> String {
    let file = std::path::Path::new(name).file_name();
    file.map_or_else(|| name.to_owned(), |n| n.to_string_lossy().into_owned())
}
