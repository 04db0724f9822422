// SPDX-License-Identifier: GPL-2.0-or-later
//! Sources that decode, read files or run user code when asked, read ahead on a thread each, so that the tick and
//! the mixer never wait for them.

use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{
    AudioPort, AudioRead, AudioSource, CHANNELS, Cancel, ClockId, Exactness, Frame, FrameRate, LeaseGuard,
    Result, SAMPLE_RATE, Sample, Sampling, Timestamp, VideoSource, Wake, audio_port,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Pictures prepared before they are asked for.
const PICTURES: u64 = 3;
/// Sound prepared before it is asked for: 200 ms.
const SOUND: i64 = SAMPLE_RATE as i64 / 5;
/// Samples read at a time.
const PART: i64 = 480;
/// How long the end of a run waits for a source that is busy.
const LAST_READING: Duration = Duration::from_millis(200);
/// Idle threads look around this often.
const IDLE: Duration = Duration::from_millis(500);

/// A thread that reads ahead. Dropped, it is told to end and waited for a moment; one that is stuck in its source
/// ends when the source lets go.
struct Worker {
    stop: Cancel,
    wake: Wake,
    ended: Wake,
    thread: Option<Thread>,
}

impl Worker {
    fn spawn(name: &str, body: impl FnOnce(&Cancel, &Wake) + Send + 'static) -> Result<Self> {
        let (stop, wake, ended) = (Cancel::new(), Wake::new(), Wake::new());
        let (inner_stop, inner_wake, inner_ended) = (stop.clone(), wake.clone(), ended.clone());
        let thread = thread::spawn(name, move || {
            body(&inner_stop, &inner_wake);
            inner_ended.ring();
        })?;
        Ok(Self { stop, wake, ended, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
        self.wake.ring();
        let ended = self.ended.wait(LAST_READING);
        if let (Some(thread), false) = (self.thread.take(), ended) {
            thread.detach();
        }
    }
}

/// How a source comes onto the clock of a run.
pub(super) struct Entry {
    /// The session time its place belongs to.
    pub(super) start: Timestamp,
    /// The run.
    pub(super) clock: ClockId,
    /// Its claim, if it was claimed before: otherwise the thread that reads it does, which may take a while.
    pub(super) claim: Option<Option<LeaseGuard>>,
}

struct Pictures {
    /// The index last asked for.
    asked: u64,
    /// The next to prepare.
    next: u64,
    ready: VecDeque<(u64, Option<Frame>)>,
}

/// A picture from a reader ahead.
pub(super) struct Got {
    pub(super) frame: Option<Frame>,
    /// Whether it is an older one, because the one due is not there yet.
    pub(super) late: bool,
}

/// Reads the pictures of one source ahead.
pub(super) struct PicturesAhead {
    pictures: Arc<Mutex<Pictures>>,
    worker: Worker,
}

impl PicturesAhead {
    /// Reads `source` at `rate` from its start on.
    pub(super) fn new(source: Arc<dyn VideoSource>, rate: FrameRate, entry: Entry) -> Result<Self> {
        let first = rate.index_at(entry.start);
        let pictures = Pictures { asked: first, next: first, ready: VecDeque::new() };
        let pictures = Arc::new(Mutex::new(pictures));
        let shared = pictures.clone();
        let worker = Worker::spawn("lk-ahead", move |stop, wake| {
            match entry.claim.map_or_else(|| source.claim(entry.clock, entry.start), Ok) {
                Ok(_guard) => read_pictures(&*source, rate, &shared, stop, wake),
                Err(e) => tracing::error!("{}: {e}", source.name()),
            }
        })?;
        Ok(Self { pictures, worker })
    }

    /// The picture of frame `index`.
    pub(super) fn get(&self, index: u64) -> Got {
        let mut pictures = self.pictures.lock();
        pictures.asked = index;
        while pictures.ready.get(1).is_some_and(|(n, _)| *n <= index) {
            pictures.ready.pop_front();
        }
        let got = match pictures.ready.front() {
            Some((n, frame)) => Got { frame: frame.clone(), late: *n < index },
            None => Got { frame: None, late: true },
        };
        drop(pictures);
        self.worker.wake.ring();
        got
    }
}

fn read_pictures(
    source: &dyn VideoSource,
    rate: FrameRate,
    pictures: &Mutex<Pictures>,
    stop: &Cancel,
    wake: &Wake,
) {
    source.wake_on_ready(wake);
    let mut failing = false;
    while !stop.is_cancelled() {
        let index = {
            let mut pictures = pictures.lock();
            // what is over already is not worth preparing
            pictures.next = pictures.next.max(pictures.asked);
            (pictures.next <= pictures.asked + PICTURES).then_some(pictures.next)
        };
        let Some(index) = index else {
            wake.wait(IDLE);
            continue;
        };
        match read_picture(source, rate, index, stop, wake) {
            Ok(Some(frame)) => {
                failing = false;
                let mut pictures = pictures.lock();
                pictures.next = index + 1;
                pictures.ready.push_back((index, frame));
            }
            Ok(None) => {}
            Err(e) => {
                // the last picture stays; the source's state says that it has failed
                if !failing {
                    tracing::warn!("{}: {e}", source.name());
                }
                failing = true;
                pictures.lock().next = index + 1;
                wake.wait(IDLE);
            }
        }
    }
}

/// The frame at `index`; None when there is none to be had in time or the run is over.
fn read_picture(
    source: &dyn VideoSource,
    rate: FrameRate,
    index: u64,
    stop: &Cancel,
    wake: &Wake,
) -> Result<Option<Option<Frame>>> {
    let sampling = if source.exactness() == Exactness::Exact { Sampling::Exact } else { Sampling::Live };
    let deadline = Deadline::after(source.deadline());
    loop {
        match source.sample(rate.time_of(index), sampling)? {
            Sample::Frame(frame) => return Ok(Some(Some(frame))),
            Sample::Ended(last) => return Ok(Some(last)),
            Sample::Empty => return Ok(Some(None)),
            Sample::Pending if stop.is_cancelled() || deadline.has_passed() => return Ok(None),
            Sample::Pending => drop(wake.wait(deadline.left(IDLE))),
        }
    }
}

/// Reads the sound of one source ahead.
pub(super) struct SoundAhead {
    port: Arc<AudioPort>,
    asked: Arc<AtomicI64>,
    worker: Worker,
}

impl SoundAhead {
    /// Reads `source` from its start on.
    pub(super) fn new(source: Arc<dyn AudioSource>, entry: Entry) -> Result<Self> {
        let first = audio_port::sample_at(entry.start);
        let port = Arc::new(AudioPort::named(source.name()));
        let asked = Arc::new(AtomicI64::new(first));
        let (to, place) = (port.clone(), asked.clone());
        let worker = Worker::spawn("lk-sound-ahead", move |stop, wake| {
            match entry.claim.map_or_else(|| source.claim(entry.clock, entry.start), Ok) {
                Ok(_guard) => read_sound(&*source, first, &place, &to, stop, wake),
                Err(e) => tracing::error!("{}: {e}", source.name()),
            }
        })?;
        Ok(Self { port, asked, worker })
    }

    /// Fills `out`; how many samples were not there.
    pub(super) fn get(&self, first: i64, out: &mut [f32]) -> usize {
        self.asked.store(first, Ordering::Release);
        self.worker.wake.ring();
        match self.port.read(first, out, Sampling::Live) {
            Ok(AudioRead::Late(n)) => n,
            _ => 0,
        }
    }
}

fn read_sound(
    source: &dyn AudioSource,
    first: i64,
    asked: &AtomicI64,
    port: &AudioPort,
    stop: &Cancel,
    wake: &Wake,
) {
    source.wake_on_ready(wake);
    let sampling = if source.exactness() == Exactness::Exact { Sampling::Exact } else { Sampling::Live };
    let mut part = vec![0.0; PART as usize * CHANNELS];
    let mut next = first;
    let mut failing = false;
    while !stop.is_cancelled() {
        let wanted = asked.load(Ordering::Acquire);
        // late, or moved by a change of the offset: go on where the reading is
        if next < wanted || next > wanted + SOUND + i64::from(SAMPLE_RATE) {
            next = wanted;
        }
        if next > wanted + SOUND {
            wake.wait(IDLE);
            continue;
        }
        match source.read(next, &mut part, sampling) {
            Ok(AudioRead::Pending) => drop(wake.wait(IDLE)),
            Ok(_) => {
                failing = false;
                port.write(next, &part);
                next += PART;
            }
            Err(e) => {
                if !failing {
                    tracing::warn!("{}: {e}", source.name());
                }
                failing = true;
                wake.wait(IDLE);
            }
        }
    }
}
