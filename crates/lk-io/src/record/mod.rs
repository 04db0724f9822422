// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording what is live into a file.
//!
//! [`Recorder`] is a target of a running scene ([`lk_media::VideoTarget`], and an [`lk_media::AudioTarget`] for
//! each sound track), or asks any source itself on a grid of its own ([`Recorder::record_source`]). `timeline`
//! says which frames and samples are recorded and where they go; `picture` and `track` are the threads of the
//! encoders, one each; `finish` ends a file whatever happened.

mod feed;
mod finish;
mod picture;
mod recorder;
mod report;
mod settings;
mod timeline;
mod track;

pub use recorder::Recorder;
pub use report::{RecorderState, RecorderStatistics, RecordingReport, TrackStatistics};
pub use settings::{AudioTrack, RecorderSettings};

use crate::encode::Packet;
use crate::encode::queue::Queue;
use crate::mux::Muxer;
use lk_media::event::{Event, EventKind};
use lk_media::wake::Wakes;
use lk_media::{Error, ErrorKind, Events, FrameRate, FrameSpec, Result, Wake};
use parking_lot::Mutex;
use picture::Indexed;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::ThreadId;
use timeline::Timeline;
use track::Track;

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    frames: AtomicU64,
    repeated: AtomicU64,
    held: AtomicU64,
    dropped: AtomicU64,
    surplus: AtomicU64,
    encoding_nanos: AtomicU64,
    /// The end of what the muxer was given, on the file's time line.
    packed_nanos: AtomicI64,
}

/// What the recorder and its threads have in common. Locks are taken in the order track, timeline, queue.
struct Shared {
    name: String,
    has_video: bool,
    /// What pictures must be; None without pictures.
    spec: Option<FrameSpec>,
    rate: FrameRate,
    timeline: Mutex<Timeline>,
    frames: Queue<Indexed>,
    tracks: Vec<Track>,
    state: Mutex<RecorderState>,
    error: Mutex<Option<Error>>,
    events: Events,
    /// Rung when there is room again.
    wakes: Wakes,
    /// Rung when sound comes.
    heard: Wake,
    /// Rung when a thread ends.
    ended: Wake,
    /// The encoders' threads.
    own: Mutex<Vec<ThreadId>>,
    count: Counts,
}

impl Shared {
    /// Goes to another state and tells everyone who listens. Failed and Stopped are for good.
    fn enter(&self, new: RecorderState) {
        let mut state = self.state.lock();
        if matches!(*state, RecorderState::Failed(_) | RecorderState::Stopped) {
            return;
        }
        let event = Event::now(EventKind::RecorderState, &self.name, state.word(), new.word());
        let event = match &new {
            RecorderState::Failed(e) => event.because(e),
            _ => event,
        };
        *state = new;
        drop(state);
        self.events.emit(event);
    }

    /// Notes the first error; nothing more is taken.
    fn fail(&self, error: Error) {
        let first = {
            let mut noted = self.error.lock();
            let first = noted.is_none();
            noted.get_or_insert(error.clone());
            first
        };
        if first {
            self.enter(RecorderState::Failed(error));
        }
        self.timeline.lock().close();
        self.frames.abandon();
        self.tracks.iter().for_each(Track::abandon);
        self.wakes.ring();
    }

    /// The error that ended it.
    fn check_open(&self) -> Result<()> {
        self.error.lock().clone().map_or(Ok(()), Err)
    }

    /// What is said to those who come too late.
    fn closed(&self) -> Error {
        let error = self.error.lock().clone();
        error.unwrap_or_else(|| {
            Error::new(ErrorKind::Closed, format!("{} is stopped and takes no more", self.name))
                .with_hint("make another recorder")
        })
    }

    /// Hands a packet to the muxer. How far the recording has come is told by its first stream.
    fn write(&self, muxer: &Muxer, stream: usize, packet: Packet) -> Result<()> {
        let end = packet.pts_nanos().unwrap_or(0) + packet.duration().as_nanos() as i64;
        muxer.write(stream, packet)?;
        if stream == 0 {
            self.count.packed_nanos.fetch_max(end, Ordering::Relaxed);
        }
        Ok(())
    }
}
