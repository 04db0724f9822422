// SPDX-License-Identifier: GPL-2.0-or-later
//! What can be asked of encoders and files, in words.

use lk_media::{FrameRate, Size};

/// How pictures are to be encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoSettings {
    /// A codec ("h264", "hevc", "vp9", "av1", "prores", "gif") or an encoder of FFmpeg by its name ("libx264",
    /// "ffv1", "prores_ks"). None is what the container is usually filled with; h264 without a container. For a
    /// codec the best software encoder there is is taken; hardware encoders are used when named.
    pub codec: Option<String>,
    /// The size of the pictures. Formats that share colour between neighbours, yuv420p above all, need even sides.
    pub size: Size,
    /// The rate of the pictures.
    pub rate: FrameRate,
    /// A constant quality, on x264's CRF scale for every encoder: 0 is the best, 51 the worst, 18 looks like the
    /// original, 23 is usual, and six more halve the size. VP9, AV1 and others have scales of their own: the
    /// number is put at the same place of theirs. Lossless codecs ignore it. None leaves x264, x265 and the
    /// codecs of studios at their own default and is 23 for all others.
    pub quality: Option<f64>,
    /// An average bit rate in bits per second, instead of a quality.
    pub bitrate: Option<u64>,
    /// Options of FFmpeg, as on its command line without the dash: the encoder's own (`preset`, `crf`,
    /// `x264-params`), those of all encoders (`g`, `bf`, `profile`, `threads`), `pix_fmt`, and `qscale`. They come
    /// last and win over everything above.
    pub options: Vec<(String, String)>,
    /// Threads of the encoder. What x264 makes of a picture depends on it, so that it is fixed and not taken
    /// from the machine.
    pub threads: u32,
}

impl VideoSettings {
    /// Threads of an encoder in an offline run.
    pub const OFFLINE_THREADS: u32 = 4;

    /// The defaults for pictures of this size and rate.
    pub fn new(size: Size, rate: FrameRate) -> Self {
        Self {
            codec: None,
            size,
            rate,
            quality: None,
            bitrate: None,
            options: Vec::new(),
            threads: Self::OFFLINE_THREADS,
        }
    }

    /// The same with another codec or encoder.
    #[must_use]
    pub fn with_codec(mut self, codec: impl Into<String>) -> Self {
        self.codec = Some(codec.into());
        self
    }

    /// The same with an option more.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }
}

/// How sound is to be encoded. It is given as 48 kHz stereo and converted to what the codec can.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioSettings {
    /// A codec ("aac", "opus", "flac", "mp3") or an encoder of FFmpeg by its name. None is what the container is
    /// usually filled with; aac without a container.
    pub codec: Option<String>,
    /// Bits per second; None is 160,000 for codecs that lose something.
    pub bitrate: Option<u64>,
    /// Samples per second; None is 48,000 or the nearest the codec can.
    pub sample_rate: Option<u32>,
    /// Options of FFmpeg, as for pictures.
    pub options: Vec<(String, String)>,
}

impl AudioSettings {
    /// The bit rate of sound when nothing is said.
    pub const DEFAULT_BITRATE: u64 = 160_000;

    /// The defaults with this codec or encoder.
    pub fn with_codec(codec: impl Into<String>) -> Self {
        Self { codec: Some(codec.into()), ..Self::default() }
    }
}

/// What goes into a file.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSettings {
    /// Pictures. Without a codec named, they are left out of a container that has none (wav).
    pub video: Option<VideoSettings>,
    /// Sound. Without a codec named, it is left out of a container that has none (gif).
    pub audio: Option<AudioSettings>,
    /// The container by its name ("mp4", "mkv", "matroska"); None goes by the file's extension.
    pub format: Option<String>,
    /// Options of the container ("movflags").
    pub options: Vec<(String, String)>,
    /// Whether an existing file is replaced; otherwise it is an error.
    pub overwrite: bool,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self { video: None, audio: None, format: None, options: Vec::new(), overwrite: true }
    }
}
