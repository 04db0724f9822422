// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a recording stands, and what went into it.

use lk_media::Error;
use std::time::Duration;

/// Where a recorder stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RecorderState {
    /// The file is open and nothing is recorded yet.
    Ready,
    /// Frames are recorded.
    Recording,
    /// Time is cut out.
    Paused,
    /// What was taken is being encoded, and the file ended.
    Finalising,
    /// The file is whole.
    Stopped,
    /// It could not go on; what was written before stays.
    Failed(Error),
}

impl RecorderState {
    /// The state in a word: "recording".
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Recording => "recording",
            Self::Paused => "paused",
            Self::Finalising => "finalising",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
        }
    }
}

/// Counts of a sound track, in samples per channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackStatistics {
    /// What people call it.
    pub name: String,
    /// The encoder: "aac".
    pub encoder: String,
    /// Samples encoded.
    pub samples: u64,
    /// Those of them that are silence because nothing came for them.
    pub silent: u64,
}

/// Exact counts of a recording. Every index of the file holds a frame of its own or repeats the one before it:
/// `frames + repeated` is its length, once it has stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderStatistics {
    /// Frames encoded that were offered.
    pub frames: u64,
    /// Indices of the file at which the frame before is shown again, since theirs was missing or dropped.
    pub repeated: u64,
    /// Those of them that were not encoded again: the frame before lasts longer.
    pub held: u64,
    /// Frames dropped because the encoder was behind.
    pub dropped: u64,
    /// Frames whose index had gone by already.
    pub surplus: u64,
    /// Encoded packets that were left out because the disk was too slow.
    pub unwritten: u64,
    /// Frames that wait for the encoder.
    pub waiting: u64,
    /// The length of the file so far.
    pub duration: Duration,
    /// Real time spent encoding pictures, waiting for the disk included.
    pub encoding: Duration,
    /// Sound, one entry a track.
    pub tracks: Vec<TrackStatistics>,
}

/// What went into a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingReport {
    /// The counts.
    pub statistics: RecorderStatistics,
    /// The size of the file; 0 if nothing was recorded, and then there is no file.
    pub bytes: u64,
    /// The container: "mp4".
    pub format: String,
    /// What one should know of the file, which plays nevertheless.
    pub warning: Option<String>,
    /// The encoder of the pictures: "libx264".
    pub video: Option<String>,
}
