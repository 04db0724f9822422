// SPDX-License-Identifier: GPL-2.0-or-later
//! The pictures of a file, pulled.

use super::cursor::Cursor;
use super::play::{Play, transport_methods};
use super::{MediaInfo, OpenOptions};
use crate::av::video::VideoReader;
use lk_media::{
    Clock, ClockId, Error, Exactness, Frame, LeaseGuard, Result, Sample, Sampling, Size, SourceState,
    Timestamp, VideoSource,
};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A file's pictures, frame-exact and without threads of its own: it decodes on the thread that asks.
///
/// The picture for media time m is the last one whose timestamp is due at m, the first one before that; media
/// time 0 is the container's start. Nothing is dropped or repeated on the way: any sequence of times gives the
/// same pictures as reading the file through.
///
/// Read by a scene it is on the scene's clock (see [`VideoSource::claim`]) from where `set_position` put it, and
/// stays there for the next scene. Pulled by itself it plays on the live clock from the first pull on.
pub struct LazyPlayer {
    name: String,
    info: MediaInfo,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    cursor: Cursor,
    play: Play,
    failed: Option<Error>,
}

impl LazyPlayer {
    /// Opens a file or address and decodes its first picture; errors say what is wrong with it.
    pub fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        Self::open_on(name, options, <dyn Clock>::live())
    }

    /// The same with another clock for unclaimed pulls.
    pub fn open_on(name: &str, options: &OpenOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let reader = VideoReader::open(name, options)?;
        let info = MediaInfo::of(reader.input());
        let play = Play::new(options.looping, options.rate, reader.input().duration(), clock);
        Ok(Self {
            name: reader.input().short_name(),
            info,
            timeout: options.timeout,
            state: Mutex::new(State { cursor: Cursor::new(reader), play, failed: None }),
        })
    }

    /// What is in the file.
    pub fn info(&self) -> &MediaInfo {
        &self.info
    }

    /// The picture for media time `media`, whatever is playing: due at its own media time. Past the end: Ended
    /// with the last picture.
    pub fn frame_at(&self, media: Timestamp) -> Result<Sample> {
        let mut state = self.state.lock();
        let found = state.cursor.find(media);
        let found = state.note(found)?;
        Ok(if found.ended { Sample::Ended(Some(found.frame)) } else { Sample::Frame(found.frame) })
    }

    /// The picture after the one due at media time `media` (None: the first of all); None after the last. Asked
    /// with the time of each picture it gave, it gives every picture once.
    pub fn frame_after(&self, media: Option<Timestamp>) -> Result<Option<Frame>> {
        let mut state = self.state.lock();
        let found = state.cursor.after(media);
        if let Err(error) = &found {
            state.failed = Some(error.clone());
        }
        Ok(found?.map(|found| found.frame))
    }

    /// The length of the whole file in media time, if its container tells.
    pub fn media_duration(&self) -> Option<Timestamp> {
        self.info.duration()
    }

    /// Damaged packets that were skipped so far.
    pub fn damaged(&self) -> u64 {
        self.state.lock().cursor.reader().damaged()
    }
}

transport_methods!(LazyPlayer);

impl State {
    fn note<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn sample(&mut self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        let (track, at) = self.play.at(at, sampling);
        let (media, lap) = track.picture_at(at);
        let found = self.cursor.find(media)?;
        let timestamp = track.session_of(found.pts, lap);
        let frame: Frame = found.frame.at(timestamp);
        let ended = found.ended && !track.is_looping();
        self.play.note_ended(ended);
        Ok(if ended { Sample::Ended(Some(frame)) } else { Sample::Frame(frame) })
    }
}

impl VideoSource for LazyPlayer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        let mut state = self.state.lock();
        let sample = state.sample(at, sampling);
        state.note(sample)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn size(&self) -> Option<Size> {
        let state = self.state.lock();
        state.cursor.shown().map(Frame::size).or_else(|| self.info.video_size())
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }

    fn duration(&self) -> Option<Duration> {
        let state = self.state.lock();
        let end = state.cursor.reader().end()?;
        state.play.remaining(end)
    }

    fn state(&self) -> SourceState {
        let state = self.state.lock();
        match (&state.failed, state.play.is_eof_reached()) {
            (Some(error), _) => SourceState::Failed(error.clone()),
            (None, true) => SourceState::Ended,
            (None, false) => SourceState::Live,
        }
    }

    fn file(&self) -> Option<PathBuf> {
        self.state.lock().cursor.reader().input().file()
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.state.lock().play.claim(clock, start, &self.name).map(Some)
    }

    fn may_block(&self) -> bool {
        true
    }
}
