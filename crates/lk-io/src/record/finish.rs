// SPDX-License-Identifier: GPL-2.0-or-later
//! Ending a recording, whatever state it is in.

use super::feed::Feed;
use super::track::Track;
use super::{RecorderState, RecorderStatistics, RecordingReport, Shared};
use crate::mux::{MuxReport, Muxer};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the sound of the last frame is waited for.
const LAST_SOUND: Duration = Duration::from_millis(250);
/// How long everything that was taken may take to encode; then what waits is thrown away.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a thread may take to end then.
const GIVE_UP: Duration = Duration::from_secs(5);
/// How long writing what waits and the end of the file may take.
const WRITE_END: Duration = Duration::from_secs(30);
/// How long a source may take to answer a last time.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// Everything that has to be ended, and the answer once it is.
pub(super) struct Finish {
    path: String,
    /// Whether it is an ordinary file, of which the muxer knows what is safe.
    is_file: bool,
    format: String,
    video: Option<String>,
    shared: Arc<Shared>,
    muxer: Arc<Muxer>,
    threads: Mutex<Vec<Thread>>,
    feeds: Mutex<Vec<(Arc<Feed>, Vec<Thread>)>>,
    done: Mutex<Option<Result<RecordingReport>>>,
}

impl Finish {
    pub(super) fn new(
        path: &str,
        format: String,
        video: Option<String>,
        shared: Arc<Shared>,
        muxer: Arc<Muxer>,
    ) -> Self {
        let is_file = std::fs::metadata(path).is_ok_and(|m| m.is_file());
        let path = path.to_owned();
        let (threads, feeds, done) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { path, is_file, format, video, shared, muxer, threads, feeds, done }
    }

    pub(super) fn keep(&self, thread: Thread) {
        self.threads.lock().push(thread);
    }

    pub(super) fn has_feed(&self) -> bool {
        !self.feeds.lock().is_empty()
    }

    /// Tells its sources that the recording has begun.
    pub(super) fn begun(&self) {
        self.feeds.lock().iter().for_each(|(feed, _)| feed.begun());
    }

    pub(super) fn keep_feed(&self, threads: Vec<Thread>, feed: &Arc<Feed>) {
        self.feeds.lock().push((feed.clone(), threads));
    }

    pub(super) fn error(&self) -> Option<Error> {
        self.shared.error.lock().clone().or_else(|| self.muxer.error())
    }

    /// The time from the last frame that is safe to the newest one taken.
    pub(super) fn at_risk(&self) -> Duration {
        if matches!(*self.shared.state.lock(), RecorderState::Stopped) {
            return Duration::ZERO;
        }
        let taken = self.shared.rate.time_of(self.shared.timeline.lock().frames()).as_nanos();
        let safe = match self.muxer.safe_until() {
            Some(safe) => i64::try_from(safe.as_nanos()).unwrap_or(i64::MAX),
            None if self.is_file => 0,
            // nobody knows what an address or a device does with it
            None => self.shared.count.packed_nanos.load(Ordering::Relaxed),
        };
        Duration::from_nanos(taken.saturating_sub(safe).max(0).unsigned_abs())
    }

    pub(super) fn statistics(&self) -> RecorderStatistics {
        RecorderStatistics { unwritten: self.muxer.dropped(), ..self.shared.statistics() }
    }

    /// Ends the recording; the same answer every time. One of the recorder's own threads has another one do it.
    pub(super) fn run(self: &Arc<Self>) -> Result<RecordingReport> {
        if !self.shared.own.lock().contains(&std::thread::current().id()) {
            return self.end();
        }
        let this = self.clone();
        thread::spawn("lk-rec-end", move || this.log(&this.end()))?.detach();
        Err(Error::new(ErrorKind::Busy, format!("{} is being finished by another thread", self.shared.name)))
    }

    /// The same for a recorder that goes: an error nobody has heard of is logged.
    pub(super) fn run_at_last(self: &Arc<Self>) {
        let was_done = self.done.try_lock().is_some_and(|done| done.is_some());
        let answer = self.run();
        if !was_done && answer.as_ref().is_err_and(|e| e.kind() != ErrorKind::Busy) {
            self.log(&answer);
        }
    }

    fn log(&self, answer: &Result<RecordingReport>) {
        if let Err(e) = answer {
            tracing::warn!("{}: {e}", self.shared.name);
        }
    }

    fn end(&self) -> Result<RecordingReport> {
        let mut done = self.done.lock();
        if let Some(answer) = &*done {
            return answer.clone();
        }
        let shared = &self.shared;
        shared.enter(RecorderState::Finalising);
        let end = {
            let mut timeline = shared.timeline.lock();
            timeline.close();
            timeline.end_sample()
        };
        shared.tracks.iter().for_each(Track::ring);
        if let Some(end) = end {
            let deadline = Deadline::after(LAST_SOUND);
            while !shared.tracks.iter().all(|t| t.has_reached(end)) && !deadline.has_passed() {
                shared.heard.wait(deadline.left(LAST_SOUND));
            }
        }
        self.end_feeds();
        shared.frames.close();
        shared.tracks.iter().for_each(Track::close);
        self.end_encoders();
        // the file is ended even if an encoder failed: what came before stays playable
        let written = self.end_file();
        let noted = shared.error.lock().clone();
        let answer = match (noted, written) {
            (Some(e), _) | (None, Err(e)) => {
                shared.fail(e.clone());
                Err(e)
            }
            (None, Ok(written)) => {
                let statistics = self.statistics();
                let nothing = shared.timeline.lock().frames() == 0;
                let bytes = if nothing { 0 } else { written.bytes };
                let (format, video) = (self.format.clone(), self.video.clone());
                Ok(RecordingReport { statistics, bytes, format, warning: written.warning, video })
            }
        };
        if shared.timeline.lock().frames() == 0 {
            self.remove();
        }
        shared.enter(RecorderState::Stopped);
        *done = Some(answer.clone());
        drop(done);
        shared.wakes.ring();
        answer
    }

    /// Ends the threads that ask sources. One that does not answer is left to itself; what it offers is
    /// refused.
    fn end_feeds(&self) {
        let feeds = std::mem::take(&mut *self.feeds.lock());
        feeds.iter().for_each(|(feed, _)| feed.cancel());
        let deadline = Deadline::after(LAST_ANSWER);
        for (feed, threads) in feeds {
            for thread in threads {
                // asking: is this the thread of a source that drops its own recorder?
                while !thread.is_finished() && !deadline.has_passed() && !feed.is_this_thread() {
                    self.shared.ended.wait(deadline.left(Duration::from_millis(5)));
                }
                match thread.is_finished() {
                    true => drop(thread),
                    false => thread.detach(),
                }
            }
        }
    }

    /// Waits for the encoders, in the end without what still waits for them.
    fn end_encoders(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        let wait = |limit| {
            let deadline = Deadline::after(limit);
            while !threads.iter().all(Thread::is_finished) && !deadline.has_passed() {
                self.shared.ended.wait(deadline.left(Duration::from_millis(5)));
            }
            threads.iter().all(Thread::is_finished)
        };
        if !wait(DRAIN) {
            let thrown = self.shared.frames.abandon() as u64;
            self.shared.count.dropped.fetch_add(thrown, Ordering::Relaxed);
            self.shared.tracks.iter().for_each(Track::abandon);
            if !wait(GIVE_UP) {
                let message = format!("{}: an encoder does not come to its end", self.shared.name);
                self.shared.fail(Error::new(ErrorKind::Deadline, message));
            }
        }
        for thread in threads {
            match thread.is_finished() {
                true => drop(thread),
                false => thread.detach(),
            }
        }
    }

    /// Ends the file, on a thread of its own: a disk or a reader that stands still is not waited for without
    /// end.
    fn end_file(&self) -> Result<MuxReport> {
        let (answer, answered) = crossbeam_channel::bounded(1);
        let muxer = self.muxer.clone();
        let body = move || {
            // nobody may be listening any more
            let _ = answer.send(muxer.finish());
        };
        let thread = thread::spawn("lk-rec-file", body)?;
        match answered.recv_timeout(WRITE_END) {
            Ok(written) => {
                drop(thread);
                written
            }
            Err(_) => {
                thread.detach();
                let message = format!("{}: the end of the file cannot be written", self.shared.name);
                Err(Error::new(ErrorKind::Deadline, message)
                    .with_hint("the disk, or whoever reads it, stands still; what is there stays"))
            }
        }
    }

    /// Takes away the file of a recording that never began: it would be an empty one.
    fn remove(&self) {
        if self.is_file
            && let Err(e) = std::fs::remove_file(&self.path)
        {
            tracing::debug!("cannot remove {}: {e}", self.path);
        }
    }
}
