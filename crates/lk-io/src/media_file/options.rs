// SPDX-License-Identifier: GPL-2.0-or-later
//! How a file is opened and played.

use lk_media::{Cancel, Error, Result};
use std::time::Duration;

/// What happens to interlaced pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deinterlace {
    /// Pictures flagged as interlaced become progressive, one for one.
    #[default]
    Auto,
    /// Both fields stay woven into one picture.
    Off,
}

/// How a file or address is opened and played.
#[derive(Clone)]
pub struct OpenOptions {
    /// How long opening may take, and each read after it.
    pub timeout: Duration,
    /// Ends whatever is being waited for, at once.
    pub cancel: Cancel,
    /// Start again at the end. Files whose length is unknown play once.
    pub looping: bool,
    /// Media seconds a second, 1/64 to 64. Sound changes its pitch with it.
    pub rate: f64,
    /// Threads of the decoder; None: its share of [`lk_media::thread::budget`], at most 4.
    pub threads: Option<usize>,
    /// FFmpeg's name of the decoder of pictures, such as "h264_cuvid", "h264_v4l2m2m" or "libdav1d"; None: the one
    /// FFmpeg prefers, in software. One that is not there, or does not work here, is an error.
    pub decoder: Option<String>,
    /// What happens to interlaced pictures.
    pub deinterlace: Deinterlace,
    /// The container format where it cannot be recognised, by FFmpeg's name.
    pub format: Option<String>,
    /// FFmpeg's options for the container and the protocol.
    pub options: Vec<(String, String)>,
    /// Which stream to play, by its index in the file; None: the best of its kind.
    pub stream: Option<usize>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            cancel: Cancel::new(),
            looping: false,
            rate: 1.0,
            threads: None,
            decoder: None,
            deinterlace: Deinterlace::Auto,
            format: None,
            options: Vec::new(),
            stream: None,
        }
    }
}

impl OpenOptions {
    /// An error if a value is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1.0 / 64.0..=64.0).contains(&self.rate) {
            return Err(Error::parameter(format!("rate {} is not between 1/64 and 64", self.rate)));
        }
        if self.threads == Some(0) {
            return Err(Error::parameter("a decoder needs at least one thread"));
        }
        Ok(())
    }
}
