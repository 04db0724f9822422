// SPDX-License-Identifier: GPL-2.0-or-later
//! The recorder as its users see it.

use super::feed::Feed;
use super::finish::Finish;
use super::picture::Pictures;
use super::timeline::{FramePlace, Phase, Timeline};
use super::track::{Track, TrackTarget};
use super::{
    Counts, RecorderSettings, RecorderState, RecorderStatistics, RecordingReport, Shared, TrackStatistics,
};
use crate::encode::live::tuned;
use crate::encode::open::{Plan, label};
use crate::encode::queue::{Load, Queue};
use lk_media::thread::{self, Process};
use lk_media::wake::Wakes;
use lk_media::{
    AudioSource, AudioTarget, Clock, Delivery, Error, ErrorKind, Events, Frame, FrameRate, Offered, Result,
    Size, TargetStatistics, VideoSource, VideoTarget, VideoWish, Wake,
};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes of frames that may wait for the encoder.
const QUEUE_BYTES: u64 = 64 << 20;
/// Frames that may wait for the encoder at the least, at rates below that.
const LEAST: u64 = 8;
/// Sound alone is cut at multiples of this many parts of a second: blocks of 480 samples.
const SOUND_GRID: u32 = 100;

/// Records live pictures and sound into a file.
///
/// As a target of a scene it takes frames by their times: a frame due at `rate.time_of(n)` is the session's
/// frame n, and the first one after [`Recorder::start`] is the file's frame 0. Every index has its frame: one
/// that is missing, or that was dropped because a second of frames (or 64 MB) waited for the encoder, repeats
/// the one before. Holes of more than a second, and those of an encoder that is behind, are not encoded: the
/// frame before lasts longer. Sound stands where its position says; holes are silence, overlaps are left out,
/// so that it never moves against the picture. [`Recorder::pause`] and [`Recorder::resume`] cut time out of
/// both at the same place.
///
/// A recorder that fails (a full disk) enters [`RecorderState::Failed`], says so in its events, and answers
/// every offer with the error; what was written before stays. Dropping a recorder ends the file like
/// [`Recorder::stop`]. In a forked child it does nothing.
pub struct Recorder {
    inner: Inner,
}

struct Inner {
    shared: Arc<Shared>,
    finish: Arc<Finish>,
    process: Process,
}

impl Recorder {
    /// Opens the encoders, then the file `name` (or address): whatever is wrong with the settings or the place
    /// is an error here. Nothing is recorded yet.
    pub fn open(name: &str, settings: RecorderSettings) -> Result<Self> {
        let mut plan = {
            let more = settings.tracks.iter().map(|t| t.settings.clone()).collect();
            Plan::new(name, settings.output.clone(), more)?.live(settings.durable)
        };
        plan.video = plan.video.map(|(video, encoder)| (tuned(video, encoder, thread::budget()), encoder));
        let rate = plan.video.as_ref().map_or(FrameRate::new(SOUND_GRID, 1), |(v, _)| Ok(v.rate))?;
        let format = plan.format();
        let (encoders, muxer) = plan.open(name)?;
        let muxer = Arc::new(muxer);

        let own = settings.output.audio.is_some().then(String::new);
        let names = own.into_iter().chain(settings.tracks.into_iter().map(|t| t.name));
        let tracks = encoders
            .tracks
            .iter()
            .zip(names)
            .map(|(e, name)| Track::new(name, e.name().to_owned()))
            .collect();
        let second = (rate.as_f64().ceil() as u64).max(LEAST);
        let shared = Arc::new(Shared {
            name: label(name),
            has_video: encoders.video.is_some(),
            spec: encoders.video.as_ref().map(|v| v.wish()),
            rate,
            timeline: Mutex::new(Timeline::new(rate)),
            frames: Queue::new(Load { units: second, bytes: QUEUE_BYTES }),
            tracks,
            state: Mutex::new(RecorderState::Ready),
            error: Mutex::default(),
            events: Events::new(),
            wakes: Wakes::default(),
            heard: Wake::new(),
            ended: Wake::new(),
            own: Mutex::default(),
            count: Counts::default(),
        });
        let encoder = encoders.video.as_ref().map(|v| v.name().to_owned());
        let finish = Arc::new(Finish::new(name, format, encoder, shared.clone(), muxer.clone()));
        let inner = Inner { shared, finish, process: Process::here() };
        // from here on an error ends what was begun
        let recorder = Self { inner };
        let first = usize::from(encoders.video.is_some());
        if let Some(encoder) = encoders.video {
            let muxer = muxer.clone();
            recorder.encode_on("lk-encode", move |shared| Pictures::new(shared, &muxer, encoder).run())?;
        }
        for (index, encoder) in encoders.tracks.into_iter().enumerate() {
            let muxer = muxer.clone();
            recorder.encode_on("lk-encode-snd", move |shared| {
                shared.tracks[index].run(shared, encoder, &muxer, first + index)
            })?;
        }
        Ok(recorder)
    }

    fn encode_on(
        &self,
        name: &str,
        body: impl FnOnce(&Arc<Shared>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let shared = self.inner.shared.clone();
        let thread = thread::spawn(name, move || {
            shared.own.lock().push(std::thread::current().id());
            let mut ending = Ending { shared: &shared, done: false };
            if let Err(e) = body(&shared) {
                shared.fail(e);
            }
            ending.done = true;
        })?;
        self.inner.finish.keep(thread);
        Ok(())
    }

    /// Asks `source` for pictures and `sounds` for the tracks in their order, on threads of their own, from now
    /// until the recording stops. The file's frames are those due at the times of the grid of `clock` at the
    /// recorder's rate, asked for two periods (at most half a second) after their time, and stretched to the
    /// recorder's size; sound is asked for 60 ms after its time. What a thread waits for holds up nothing else.
    ///
    /// Recording begins with [`Recorder::start`]. Without pictures `source` is not asked. Busy if a source is
    /// on another clock, or if sources are recorded already.
    pub fn record_source(
        &self,
        source: Option<Arc<dyn VideoSource>>,
        sounds: Vec<Arc<dyn AudioSource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<()> {
        if source.is_none() && self.inner.shared.has_video {
            let error = Error::parameter("a recording of pictures needs a source of pictures");
            return Err(error.with_hint("leave the pictures out of the settings to record sound alone"));
        }
        self.record_with(source, sounds.into_iter().enumerate().collect(), clock)
    }

    /// The same for sounds that come with the numbers of their tracks; without `source` they are heard beside
    /// pictures that come by themselves, those of a scene.
    pub fn record_with(
        &self,
        source: Option<Arc<dyn VideoSource>>,
        sounds: Vec<(usize, Arc<dyn AudioSource>)>,
        clock: Arc<dyn Clock>,
    ) -> Result<()> {
        self.check_process()?;
        self.inner.shared.check_open()?;
        if self.inner.finish.has_feed() {
            let error =
                Error::new(ErrorKind::Busy, format!("{} records a source already", VideoTarget::name(self)));
            return Err(error.with_hint("record several sources through a scene"));
        }
        let feed = Feed::open(&self.inner.shared, clock);
        let threads = feed.threads(source, sounds)?;
        self.inner.finish.keep_feed(threads, &feed);
        Ok(())
    }

    /// Records from now on; the next frame is the file's first, or the first after a pause. Nothing if it
    /// records already; an error if it has stopped or failed.
    pub fn start(&self) -> Result<()> {
        let shared = &self.inner.shared;
        let mut timeline = self.open_timeline()?;
        if timeline.start() {
            // under the timeline's lock, so that states follow one another as phases do
            shared.enter(RecorderState::Recording);
        }
        drop(timeline);
        self.inner.finish.begun();
        Ok(())
    }

    /// Cuts here: the newest frame is the last one recorded until [`Recorder::resume`]. Nothing if it is not
    /// recording.
    pub fn pause(&self) -> Result<()> {
        let shared = &self.inner.shared;
        let mut timeline = self.open_timeline()?;
        if timeline.pause() {
            shared.enter(RecorderState::Paused);
        }
        drop(timeline);
        shared.tracks.iter().for_each(Track::ring);
        Ok(())
    }

    /// Goes on after a pause; the same as [`Recorder::start`].
    pub fn resume(&self) -> Result<()> {
        self.start()
    }

    /// Ends the recording after the newest frame, waits for its sound (at most 250 ms) and until all that was
    /// taken is encoded (at most 10 s; then what waits is thrown away), and ends the file. An encoder that
    /// needs 5 s more for what it holds, and a file that cannot be ended within 30 s, are errors. Further calls
    /// answer the same. If nothing was recorded there is no file. Called on one of the recorder's own threads
    /// it lets another thread finish.
    pub fn stop(&self) -> Result<RecordingReport> {
        self.check_process()?;
        self.inner.finish.run()
    }

    /// Sound track `index`, as a target: that of `output.audio` first, then the others in their order.
    pub fn track(&self, index: usize) -> Result<Arc<dyn AudioTarget>> {
        let count = self.inner.shared.tracks.len();
        if index >= count {
            let error = Error::new(ErrorKind::Index, format!("there is no sound track {index}"));
            return Err(error.with_hint(format!("the recording has {count}, counted from 0")));
        }
        Ok(Arc::new(TrackTarget { shared: self.inner.shared.clone(), index }))
    }

    /// The number of sound tracks: none where the container has no place for sound.
    pub fn tracks(&self) -> usize {
        self.inner.shared.tracks.len()
    }

    /// The size of the pictures; None if sound alone is recorded.
    pub fn size(&self) -> Option<Size> {
        self.inner.shared.spec.map(|s| s.size)
    }

    /// The rate of the pictures; None if sound alone is recorded.
    pub fn rate(&self) -> Option<FrameRate> {
        self.inner.shared.has_video.then_some(self.inner.shared.rate)
    }

    /// Where it stands.
    pub fn state(&self) -> RecorderState {
        self.inner.shared.state.lock().clone()
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.inner.finish.error()
    }

    /// Where its changes of state are told.
    pub fn events(&self) -> Events {
        self.inner.shared.events.clone()
    }

    /// The counts so far.
    pub fn statistics(&self) -> RecorderStatistics {
        self.inner.finish.statistics()
    }

    /// How much of what was taken would be lost if the process ended now: the time from the last frame that is
    /// safe in the file to the newest one.
    pub fn at_risk(&self) -> Duration {
        self.inner.finish.at_risk()
    }

    /// The timeline, locked, of a recording that has not ended.
    fn open_timeline(&self) -> Result<MutexGuard<'_, Timeline>> {
        self.check_process()?;
        let shared = &self.inner.shared;
        shared.check_open()?;
        let timeline = shared.timeline.lock();
        if timeline.phase() == Phase::Closed { Err(shared.closed()) } else { Ok(timeline) }
    }

    fn check_process(&self) -> Result<()> {
        if self.inner.process.is_this() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Closed, "the recorder belongs to the process this one was forked from")
            .with_hint("make another recorder after the fork"))
    }
}

impl Shared {
    pub(super) fn statistics(&self) -> RecorderStatistics {
        let get = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        let length = self.rate.time_of(self.timeline.lock().frames());
        RecorderStatistics {
            frames: get(&self.count.frames),
            repeated: get(&self.count.repeated),
            held: get(&self.count.held),
            dropped: get(&self.count.dropped),
            surplus: get(&self.count.surplus),
            waiting: self.frames.load().units,
            unwritten: 0,
            duration: Duration::from_nanos(length.as_nanos().unsigned_abs()),
            encoding: Duration::from_nanos(get(&self.count.encoding_nanos)),
            tracks: self
                .tracks
                .iter()
                .map(|t| {
                    let (samples, silent) = t.counts();
                    TrackStatistics { name: t.name.clone(), encoder: t.encoder.clone(), samples, silent }
                })
                .collect(),
        }
    }

    /// Takes a frame of the right size.
    pub(super) fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        self.check_open()?;
        let Some(spec) = self.spec else { return Ok(Offered::Taken) };
        if frame.size() != spec.size {
            return Err(Error::format(format!(
                "{}: a frame of {} for a recording of {}",
                self.name,
                frame.size(),
                spec.size
            ))
            .with_hint("give the recorder the size of the scene, or record_source, which scales"));
        }
        let load = Load { units: 1, bytes: frame.format().packed_len(frame.size()) as u64 };
        let mut timeline = self.timeline.lock();
        let index = timeline.index_of(frame.timestamp());
        if delivery == Delivery::Lossless && timeline.would_record(index) && !self.frames.has_room(load) {
            return Ok(Offered::Busy);
        }
        let offered = match timeline.frame(index) {
            FramePlace::File(index) => match self.frames.try_push((index, frame.clone()), load) {
                Ok(()) => {
                    self.count.taken.fetch_add(1, Ordering::Relaxed);
                    Offered::Taken
                }
                Err(_) => {
                    self.count.dropped.fetch_add(1, Ordering::Relaxed);
                    Offered::Dropped
                }
            },
            FramePlace::Past => {
                self.count.surplus.fetch_add(1, Ordering::Relaxed);
                Offered::Dropped
            }
            FramePlace::Unwanted if timeline.phase() == Phase::Closed => return Err(self.closed()),
            FramePlace::Unwanted => Offered::Taken,
        };
        drop(timeline);
        self.tracks.iter().for_each(Track::ring);
        Ok(offered)
    }
}

impl VideoTarget for Recorder {
    fn name(&self) -> String {
        self.inner.shared.name.clone()
    }

    fn wish(&self) -> VideoWish {
        self.inner.shared.spec.map_or_else(VideoWish::default, |spec| VideoWish {
            format: Some(spec.format),
            color: Some(spec.color),
            size: Some(spec.size),
        })
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        self.check_process()?;
        // the muxer's thread finds out first
        if let Some(e) = self.inner.finish.error() {
            self.inner.shared.fail(e);
        }
        self.inner.shared.offer(frame, delivery)
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.inner.shared.wakes.add(wake);
    }

    fn error(&self) -> Option<Error> {
        Recorder::error(self)
    }

    fn statistics(&self) -> TargetStatistics {
        let count = &self.inner.shared.count;
        let get = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        TargetStatistics { frames: get(&count.taken), dropped: get(&count.dropped) + get(&count.surplus) }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.inner.process.is_this() {
            self.inner.finish.run_at_last();
        } else {
            // the child has none of the threads, and perhaps locks that nobody will open: nothing is ended there
            std::mem::forget((self.inner.finish.clone(), self.inner.shared.clone()));
        }
    }
}

/// Tells that an encoder's thread has ended, and of a panic.
struct Ending<'a> {
    shared: &'a Shared,
    done: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.shared.fail(Error::internal("a thread of a recorder panicked"));
        }
        self.shared.ended.ring();
    }
}
