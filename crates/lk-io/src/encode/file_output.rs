// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording to a file without loss: pictures and sound in, a file out.

use super::open::{Plan, label};
use super::queue::{Load, Queue, Reader, Refused};
use super::{AudioEncoder, AudioSettings, OutputSettings, Packet, VideoEncoder};
use crate::mux::Muxer;
use lk_media::clock::Stopwatch;
use lk_media::thread::{self, Thread};
use lk_media::wake::Wakes;
use lk_media::{
    AudioBlock, AudioTarget, Delivery, Error, ErrorKind, Frame, FrameRate, FrameSpec, Offered, Result,
    SAMPLE_RATE, TargetStatistics, VideoTarget, VideoWish, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Frames that may wait for the encoder.
const FRAMES: u64 = 8;
/// Samples that may wait for the encoder: a second.
const SAMPLES: u64 = SAMPLE_RATE as u64;

/// What went into a file.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputReport {
    /// Frames.
    pub frames: u64,
    /// Sound samples, per channel; of the longest track.
    pub samples: u64,
    /// The size of the file.
    pub bytes: u64,
    /// The longer of picture and sound.
    pub duration: Duration,
    /// The container: "mp4".
    pub format: String,
    /// The encoder of the pictures: "libx264".
    pub video: Option<String>,
    /// The encoders of the sound tracks: "aac".
    pub audio: Vec<String>,
    /// Real time spent encoding pictures, waiting for the disk included.
    pub encoding: Duration,
}

/// A file being recorded from an offline run: a target for pictures, and one for each sound track. Offered to the file
/// itself, sound goes to its first track.
///
/// Pictures and each track are encoded on threads of their own and written on another. The queues before the encoders hold 8
/// frames and one second of sound; a full one answers Busy to [`Delivery::Lossless`] (and rings when there is
/// room) and drops for [`Delivery::Live`]. A picture encoder looks ahead, so that sound is encoded long before
/// the pictures that belong to it: it waits in the interleaver, which is bounded by memory only, and so no
/// order of offers blocks.
///
/// [`FileOutput::finish`] makes the file whole; so does dropping it, and so does a run that was cancelled.
pub struct FileOutput {
    name: String,
    format: String,
    shared: Arc<Shared>,
    muxer: Arc<Muxer>,
    video: Option<(FrameSpec, String, FrameRate)>,
    threads: Mutex<Vec<Thread>>,
    done: Mutex<Option<Result<OutputReport>>>,
}

struct Shared {
    frames: Queue<Frame>,
    tracks: Vec<Track>,
    wakes: Wakes,
    error: Mutex<Option<Error>>,
    taken: AtomicU64,
    dropped: AtomicU64,
    encoded: AtomicU64,
    encoding_nanos: AtomicU64,
}

struct Track {
    encoder: String,
    blocks: Queue<AudioBlock>,
    samples: AtomicU64,
}

impl Track {
    fn new(encoder: &AudioEncoder) -> Self {
        Self {
            encoder: encoder.name().to_owned(),
            blocks: Queue::new(Load { units: SAMPLES, bytes: u64::MAX }),
            samples: AtomicU64::new(0),
        }
    }
}

/// A sound track of a file, as a target.
struct TrackTarget(Arc<FileOutput>, usize);

impl FileOutput {
    /// Opens the encoders, then the file `name` (or address), and writes its header: whatever is wrong with the
    /// settings or the place is an error here. An existing file stays as it is if the settings are wrong.
    pub fn create(name: &str, settings: OutputSettings) -> Result<Self> {
        Self::with_tracks(name, settings, Vec::new())
    }

    /// The same with sound tracks after that of the settings.
    pub fn with_tracks(name: &str, settings: OutputSettings, more: Vec<AudioSettings>) -> Result<Self> {
        let plan = Plan::new(name, settings, more)?;
        let format = plan.format();
        let rate = plan.video.as_ref().map(|(v, _)| v.rate);
        let (encoders, muxer) = plan.open(name)?;
        let muxer = Arc::new(muxer);

        let mut output = Self {
            name: label(name),
            format,
            shared: Arc::new(Shared {
                frames: Queue::new(Load { units: FRAMES, bytes: u64::MAX }),
                tracks: encoders.tracks.iter().map(Track::new).collect(),
                wakes: Wakes::default(),
                error: Mutex::default(),
                taken: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                encoded: AtomicU64::new(0),
                encoding_nanos: AtomicU64::new(0),
            }),
            muxer: muxer.clone(),
            video: None,
            threads: Mutex::default(),
            done: Mutex::default(),
        };
        let first = usize::from(encoders.video.is_some());
        if let (Some(encoder), Some(rate)) = (encoders.video, rate) {
            output.video = Some((encoder.wish(), encoder.name().to_owned(), rate));
            let (shared, muxer) = (output.shared.clone(), muxer.clone());
            output
                .threads
                .lock()
                .push(thread::spawn("lk-encode", move || shared.run_video(encoder, &muxer))?);
        }
        for (index, encoder) in encoders.tracks.into_iter().enumerate() {
            let (shared, muxer) = (output.shared.clone(), muxer.clone());
            let body = move || shared.run_audio(&shared.tracks[index], encoder, &muxer, first + index);
            output.threads.lock().push(thread::spawn("lk-encode-snd", body)?);
        }
        Ok(output)
    }

    /// Whether it takes pictures; if not, those offered are let go.
    pub fn has_video(&self) -> bool {
        self.video.is_some()
    }

    /// Whether it takes sound; if not, what is offered is let go.
    pub fn has_audio(&self) -> bool {
        self.tracks() > 0
    }

    /// How many sound tracks it has.
    pub fn tracks(&self) -> usize {
        self.shared.tracks.len()
    }

    /// A sound track as a target; one that is not there lets go what it is offered.
    pub fn track(self: &Arc<Self>, index: usize) -> Arc<dyn AudioTarget> {
        Arc::new(TrackTarget(self.clone(), index))
    }

    /// The frame that is encoded without conversion.
    pub fn wish_spec(&self) -> Option<FrameSpec> {
        self.video.as_ref().map(|(spec, ..)| *spec)
    }

    /// The error that ended it. Offers answer the same.
    pub fn error(&self) -> Option<Error> {
        self.shared.error.lock().clone().or_else(|| self.muxer.error())
    }

    /// Encodes and writes all that was taken, ends the file and closes it. Further calls answer the same.
    pub fn finish(&self) -> Result<OutputReport> {
        let mut done = self.done.lock();
        if let Some(answer) = &*done {
            return answer.clone();
        }
        self.shared.frames.close();
        self.shared.tracks.iter().for_each(|track| track.blocks.close());
        for thread in self.threads.lock().drain(..) {
            if let Err(e) = thread.join() {
                self.shared.fail(e);
            }
        }
        // the file is ended even if an encoder failed: what came before stays playable
        let written = self.muxer.finish();
        let answer = match self.shared.error.lock().clone() {
            Some(e) => Err(e),
            None => written.map(|w| self.report(w.bytes)),
        };
        *done = Some(answer.clone());
        drop(done);
        self.shared.wakes.ring();
        answer
    }

    fn report(&self, bytes: u64) -> OutputReport {
        let frames = self.shared.encoded.load(Ordering::Relaxed);
        let tracks = &self.shared.tracks;
        let samples = tracks.iter().map(|track| track.samples.load(Ordering::Relaxed)).max().unwrap_or(0);
        let pictures =
            self.video.as_ref().map_or(0, |(.., rate)| rate.time_of(frames).as_nanos().unsigned_abs());
        let sound = (u128::from(samples) * 1_000_000_000 / u128::from(SAMPLE_RATE)) as u64;
        OutputReport {
            frames,
            samples,
            bytes,
            duration: Duration::from_nanos(pictures.max(sound)),
            format: self.format.clone(),
            video: self.video.as_ref().map(|(_, name, _)| name.clone()),
            audio: tracks.iter().map(|track| track.encoder.clone()).collect(),
            encoding: Duration::from_nanos(self.shared.encoding_nanos.load(Ordering::Relaxed)),
        }
    }

    fn offer_to(&self, track: usize, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        if let Some(e) = self.error() {
            return Err(e);
        }
        let Some(track) = self.shared.tracks.get(track).filter(|_| !block.is_empty()) else {
            return Ok(Offered::Taken);
        };
        match track.blocks.try_push(block.clone(), Load { units: block.len() as u64, bytes: 0 }) {
            Ok(()) => Ok(Offered::Taken),
            // what is dropped becomes silence of the same length
            Err(refused) => self.answer(refused, delivery),
        }
    }

    fn answer<T>(&self, refused: Refused<T>, delivery: Delivery) -> Result<Offered> {
        match (refused, delivery) {
            (Refused::Closed(_), _) => Err(self.error().unwrap_or_else(|| {
                Error::new(ErrorKind::Closed, format!("{} is finished and takes no more", self.name))
            })),
            (Refused::Full(_), Delivery::Lossless) => Ok(Offered::Busy),
            (Refused::Full(_), Delivery::Live) => {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(Offered::Dropped)
            }
        }
    }
}

impl VideoTarget for FileOutput {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn wish(&self) -> VideoWish {
        self.wish_spec().map_or_else(VideoWish::default, |spec| VideoWish {
            format: Some(spec.format),
            color: Some(spec.color),
            size: Some(spec.size),
        })
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        if let Some(e) = self.error() {
            return Err(e);
        }
        let Some(spec) = self.wish_spec() else { return Ok(Offered::Taken) };
        if frame.size() != spec.size {
            return Err(Error::format(format!(
                "{}: a frame of {} for an output of {}",
                self.name,
                frame.size(),
                spec.size
            ))
            .with_hint("all frames of an output have one size; scale with a compositor layer"));
        }
        match self.shared.frames.try_push(frame.clone(), Load { units: 1, bytes: 0 }) {
            Ok(()) => {
                self.shared.taken.fetch_add(1, Ordering::Relaxed);
                Ok(Offered::Taken)
            }
            Err(refused) => self.answer(refused, delivery),
        }
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.shared.wakes.add(wake);
    }

    fn statistics(&self) -> TargetStatistics {
        TargetStatistics {
            frames: self.shared.taken.load(Ordering::Relaxed),
            dropped: self.shared.dropped.load(Ordering::Relaxed),
        }
    }
}

impl AudioTarget for FileOutput {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        self.offer_to(0, block, delivery)
    }
}

impl AudioTarget for TrackTarget {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        self.0.offer_to(self.1, block, delivery)
    }
}

impl Drop for FileOutput {
    fn drop(&mut self) {
        let first = self.done.lock().is_none();
        if let Err(e) = self.finish()
            && first
        {
            tracing::warn!("{}: {e}", self.name);
        }
    }
}

impl Shared {
    /// Notes the first error and lets everyone go who waits.
    fn fail(&self, error: Error) {
        self.error.lock().get_or_insert(error);
        self.frames.abandon();
        for track in &self.tracks {
            track.blocks.abandon();
        }
        self.wakes.ring();
    }

    fn run_video(&self, mut encoder: VideoEncoder, muxer: &Muxer) {
        let reader = Reader(&self.frames);
        let mut sink = |packet: Packet| muxer.write(0, packet);
        let mut index = 0;
        while let Some(frame) = reader.0.pop() {
            self.wakes.ring();
            let watch = Stopwatch::start();
            if let Err(e) = encoder.encode(&frame, index, &mut sink) {
                return self.fail(e);
            }
            index += 1;
            self.encoded.store(index, Ordering::Relaxed);
            self.encoding_nanos.fetch_add(watch.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
        let watch = Stopwatch::start();
        if let Err(e) = encoder.finish(&mut sink) {
            self.fail(e);
        }
        self.encoding_nanos.fetch_add(watch.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    fn run_audio(&self, track: &Track, mut encoder: AudioEncoder, muxer: &Muxer, stream: usize) {
        let reader = Reader(&track.blocks);
        let mut sink = |packet: Packet| muxer.write(stream, packet);
        while let Some(block) = reader.0.pop() {
            self.wakes.ring();
            if let Err(e) = encoder.encode(&block, &mut sink) {
                return self.fail(e);
            }
            track.samples.store(encoder.samples(), Ordering::Relaxed);
        }
        if let Err(e) = encoder.finish(&mut sink) {
            self.fail(e);
        }
    }
}
