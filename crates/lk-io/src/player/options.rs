// SPDX-License-Identifier: GPL-2.0-or-later
//! How a player opens and plays, and what it counts.

use crate::media_file::{Deinterlace, OpenOptions};
use lk_media::{Cancel, Error, Result};
use serde::Serialize;
use std::time::Duration;

/// How a [`super::Player`] opens and plays.
#[derive(Clone)]
pub struct PlayerOptions {
    /// Whether its sound is played.
    pub play_audio: bool,
    /// Whether its pictures are played.
    pub play_video: bool,
    /// Start again at the end. Media whose length is unknown play once.
    pub looping: bool,
    /// Media seconds a second, 1/64 to 64. Sound changes its pitch with it.
    pub rate: f64,
    /// How long opening may take.
    pub timeout: Duration,
    /// What happens to interlaced pictures.
    pub deinterlace: Deinterlace,
    /// Threads of the picture decoder; None: its share of [`lk_media::thread::budget`], at most 4.
    pub threads: Option<usize>,
    /// FFmpeg's name of the decoder of pictures, such as "h264_cuvid", "h264_v4l2m2m" or "libdav1d"; None: the one
    /// FFmpeg prefers, in software. One that is not there, or does not work here, is an error.
    pub decoder: Option<String>,
    /// The container format where it cannot be recognised, by FFmpeg's name.
    pub format: Option<String>,
    /// FFmpeg's options for the container and the protocol.
    pub options: Vec<(String, String)>,
}

impl Default for PlayerOptions {
    fn default() -> Self {
        Self {
            play_audio: true,
            play_video: true,
            looping: false,
            rate: 1.0,
            timeout: Duration::from_secs(10),
            deinterlace: Deinterlace::Auto,
            threads: None,
            decoder: None,
            format: None,
            options: Vec::new(),
        }
    }
}

impl PlayerOptions {
    /// The same for the pulled readers.
    pub(super) fn to_open(&self, cancel: Cancel) -> OpenOptions {
        OpenOptions {
            timeout: self.timeout,
            cancel,
            looping: self.looping,
            rate: self.rate,
            threads: self.threads,
            decoder: self.decoder.clone(),
            deinterlace: self.deinterlace,
            format: self.format.clone(),
            options: self.options.clone(),
            stream: None,
        }
    }

    /// An error if a value is out of its range.
    pub(super) fn check(&self) -> Result<()> {
        if !self.play_audio && !self.play_video {
            return Err(Error::parameter("neither pictures nor sound are to be played")
                .with_hint("leave play_video or play_audio on"));
        }
        self.to_open(Cancel::new()).check()
    }
}

/// Counts of a player since it was opened, and how full its queues are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlayerStatistics {
    /// Pictures decoded.
    pub decoded: u64,
    /// Frames published to the player's own port and all targets.
    pub published: u64,
    /// Frames among them that were published only after they were due.
    pub late: u64,
    /// Pictures thrown away before conversion because their time was over.
    pub dropped_late: u64,
    /// Packets that were damaged and skipped.
    pub damaged: u64,
    /// Samples that readers asked for and that were not there in time.
    pub late_samples: u64,
    /// Times that data ran out for more than a second.
    pub stalls: u64,
    /// Times the media began again.
    pub laps: u64,
    /// Bytes of packets that wait for the decoders.
    pub queued_bytes: u64,
    /// Packets of pictures and of sound that wait.
    pub queued_packets: [u64; 2],
}
