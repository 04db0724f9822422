// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures from files: png, jpeg, bmp, webp and gif, told apart by their bytes and not by their names.
//!
//! A file is read and decoded when it is opened and costs nothing afterwards. What comes out is upright
//! (EXIF), in sRGB (ICC), 8 bits a component:
//!
//! * `bgra` with straight alpha if any pixel is not opaque;
//! * `bgr` otherwise: a quarter less memory than `bgra`, and the shape that readers of arrays expect of a
//!   picture without alpha.
//!
//! Animated gif, webp and apng play from the start of the run that shows them. All their pictures are kept decoded, so that any
//! time costs the same; animations that need more than 256 MB are refused, and are better off as video.

mod animation;
mod color;
mod decode;
mod jpeg;
mod read;
mod save;
#[cfg(test)]
mod tests;

use animation::Timeline;
use image::ImageFormat;
use lk_media::{
    ClockId, Error, Exactness, Frame, LeaseGuard, Origin, Result, Sample, Sampling, Size, SourceState,
    Timestamp, VideoSource,
};
pub use save::{encode_png, save};
use std::path::Path;
use std::time::Duration;

/// A picture or an animation from a file, wholly in memory.
pub struct ImageFile {
    name: String,
    /// At least one; more only with a timeline.
    pictures: Vec<Frame>,
    timeline: Option<Timeline>,
    origin: Origin,
}

impl ImageFile {
    /// Reads and decodes a local file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read::read(path)?;
        let mut image = Self::decode(&bytes, path.to_string_lossy())?;
        if let Some(name) = path.file_name() {
            image.name = name.to_string_lossy().into_owned();
        }
        Ok(image)
    }

    /// Decodes the bytes of a file; `name` is for messages.
    pub fn decode(bytes: &[u8], name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let decoded = decode::decode(bytes, &name).map_err(|error| error.context(&name))?;
        let timeline = (decoded.pictures.len() > 1).then(|| Timeline::new(&decoded.delays, decoded.plays));
        Ok(Self { name, pictures: decode::publish(decoded.pictures)?, timeline, origin: Origin::default() })
    }

    /// The picture, or the first one of an animation.
    pub fn frame(&self) -> &Frame {
        &self.pictures[0]
    }

    /// Whether it moves.
    pub fn is_animated(&self) -> bool {
        self.timeline.is_some()
    }

    /// The number of pictures: 1 unless it is animated.
    pub fn picture_count(&self) -> usize {
        self.pictures.len()
    }
}

impl VideoSource for ImageFile {
    fn name(&self) -> String {
        self.name.clone()
    }

    /// Both samplings give the same: the picture depends on nothing but the time.
    fn sample(&self, at: Timestamp, _sampling: Sampling) -> Result<Sample> {
        let Some(timeline) = &self.timeline else {
            return Ok(Sample::Frame(self.pictures[0].clone()));
        };
        let shown = timeline.at(self.origin.since(at));
        let picture = self.pictures.get(shown.index).ok_or_else(|| Error::internal("no such picture"))?;
        let frame = picture.at(self.origin.start().offset(shown.since.as_nanos()));
        Ok(if shown.over { Sample::Ended(Some(frame)) } else { Sample::Frame(frame) })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn size(&self) -> Option<Size> {
        Some(self.pictures[0].size())
    }

    /// None for pictures that stand still and animations that go on for ever.
    fn duration(&self) -> Option<Duration> {
        self.timeline.as_ref().and_then(Timeline::duration)
    }

    fn state(&self) -> SourceState {
        SourceState::Live
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.timeline.as_ref().map(|_| self.origin.take(clock, start, &self.name)).transpose()
    }
}

impl std::fmt::Debug for ImageFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageFile({:?} {}, {} pictures)", self.name, self.pictures[0].size(), self.pictures.len())
    }
}

/// Whether `path` is a regular file that begins as the pictures read here do. False for anything unreadable.
pub fn is_image(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    if !path.is_file() {
        return false;
    }
    let mut start = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start));
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Gif];
    read.ok()
        .and_then(|n| image::guess_format(&start[..n]).ok())
        .is_some_and(|format| known.contains(&format))
}
