// SPDX-License-Identifier: GPL-2.0-or-later
//! A sound track: blocks in, samples at their places in the file.

use super::Shared;
use super::timeline::{Phase, SoundPlace};
use crate::encode::{AudioEncoder, Packet};
use crate::mux::Muxer;
use lk_media::clock::Stopwatch;
use lk_media::{AudioBlock, AudioTarget, CHANNELS, Delivery, Error, Offered, Result, SAMPLE_RATE};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Samples that may wait; then the oldest become silence.
const WAITING: u64 = 10 * SAMPLE_RATE as u64;
/// With so many waiting for a frame to say where they belong, time goes on without frames.
const PATIENCE: u64 = 2 * SAMPLE_RATE as u64;
/// A track that is this far behind the pictures, and that nothing is heard of meanwhile, is filled with
/// silence.
const BEHIND: u64 = SAMPLE_RATE as u64;
/// How far behind it stays then: sound may be about to come.
const REST: u64 = SAMPLE_RATE as u64 / 2;
/// How long that takes. It is measured from when the track was seen to be behind, since a process that was
/// stopped finds itself far behind at once.
const QUIET: Duration = Duration::from_millis(500);

/// One sound track of a recorder.
pub(super) struct Track {
    pub(super) name: String,
    pub(super) encoder: String,
    state: Mutex<State>,
    changed: Condvar,
    samples: AtomicU64,
    silent: AtomicU64,
}

struct State {
    blocks: VecDeque<AudioBlock>,
    waiting: u64,
    closed: bool,
    lossless: bool,
    /// Since when it is behind and nothing has come.
    behind: Option<Stopwatch>,
    /// The session sample after the newest block.
    reached: Option<u64>,
}

/// What a track's thread does next.
enum Next {
    /// Encode the first `count` samples of `block` at the file's sample `first`.
    Encode {
        block: AudioBlock,
        first: u64,
        count: u64,
    },
    /// Encode silence up to the file's sample.
    Fill(u64),
    End,
}

impl Track {
    pub(super) fn new(name: String, encoder: String) -> Self {
        let state = State {
            blocks: VecDeque::new(),
            waiting: 0,
            closed: false,
            lossless: false,
            behind: None,
            reached: None,
        };
        Self {
            name,
            encoder,
            state: Mutex::new(state),
            changed: Condvar::new(),
            samples: AtomicU64::new(0),
            silent: AtomicU64::new(0),
        }
    }

    /// Samples encoded, and those of them that are silence for want of sound.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.samples.load(Ordering::Relaxed), self.silent.load(Ordering::Relaxed))
    }

    /// Counts samples that a source filled with silence for want of sound.
    pub(super) fn late(&self, count: u64) {
        self.silent.fetch_add(count, Ordering::Relaxed);
    }

    /// Tells its thread that the timeline has changed.
    pub(super) fn ring(&self) {
        drop(self.state.lock());
        self.changed.notify_all();
    }

    /// Takes nothing more; what waits is still encoded.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes nothing more and throws away what waits.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.blocks.clear();
        state.waiting = 0;
        drop(state);
        self.changed.notify_all();
    }

    /// Whether sound up to session sample `end` has come, or none is to be expected.
    pub(super) fn has_reached(&self, end: u64) -> bool {
        let state = self.state.lock();
        state.closed
            || state.reached.is_none_or(|r| r >= end || r.saturating_add(u64::from(SAMPLE_RATE)) < end)
    }

    fn offer(&self, block: &AudioBlock, delivery: Delivery) -> Option<Offered> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        let count = block.len() as u64;
        state.lossless = delivery == Delivery::Lossless;
        if state.lossless && state.waiting > 0 && state.waiting + count > WAITING {
            return Some(Offered::Busy);
        }
        state.blocks.push_back(block.clone());
        state.waiting += count;
        let mut offered = Offered::Taken;
        while state.waiting > WAITING && state.blocks.len() > 1 {
            state.waiting -= state.blocks.pop_front().map_or(0, |b| b.len() as u64);
            offered = Offered::Dropped;
        }
        state.reached = Some(block.position.saturating_add(count));
        state.behind = None;
        drop(state);
        self.changed.notify_all();
        Some(offered)
    }

    fn next(&self, shared: &Shared, done: u64) -> Next {
        let mut state = self.state.lock();
        loop {
            let place = state.blocks.front().map(|b| {
                let mut timeline = shared.timeline.lock();
                let place = timeline.place(b.position, b.len() as u64);
                let end = b.position.saturating_add(b.len() as u64);
                let near = timeline.end_sample().is_some_and(|seen| end.saturating_sub(seen) < WAITING);
                if place == SoundPlace::Unknown
                    && state.waiting > PATIENCE
                    && timeline.phase() == Phase::Running
                    && near
                {
                    timeline.reach(end);
                    return timeline.place(b.position, b.len() as u64);
                }
                place
            });
            let skip = match place {
                Some(SoundPlace::Unwanted(skip)) => skip,
                Some(SoundPlace::File { count, .. }) => count,
                Some(SoundPlace::Unknown) | None => {
                    if state.closed {
                        return Next::End;
                    }
                    let behind = shared.timeline.lock().file_samples().saturating_sub(done);
                    if behind <= BEHIND || !state.blocks.is_empty() || state.lossless {
                        state.behind = None;
                    } else if state.behind.get_or_insert_with(Stopwatch::start).elapsed() >= QUIET {
                        return Next::Fill(done + behind - REST);
                    }
                    self.changed.wait_for(&mut state, QUIET);
                    continue;
                }
            };
            let Some(block) = state.blocks.pop_front() else { continue };
            state.waiting -= skip;
            if skip < block.len() as u64 {
                let rest = block.samples[skip as usize * CHANNELS..].into();
                state.blocks.push_front(AudioBlock { position: block.position + skip, samples: rest });
            }
            if let Some(SoundPlace::File { first, count }) = place {
                return Next::Encode { block, first, count };
            }
            shared.wakes.ring();
        }
    }

    /// Encodes what comes until it is closed, and silence to the end of the pictures.
    pub(super) fn run(
        &self,
        shared: &Shared,
        mut encoder: AudioEncoder,
        muxer: &Muxer,
        stream: usize,
    ) -> Result<()> {
        let sink = &mut |packet: Packet| shared.write(muxer, stream, packet);
        encoder.start_at(0);
        loop {
            let silent = match self.next(shared, encoder.samples()) {
                Next::Encode { block, first, count } => {
                    encoder.encode_at(first, &block.samples[..count as usize * CHANNELS], sink)?
                }
                Next::Fill(to) => encoder.fill_until(to, sink)?,
                Next::End => break,
            };
            self.note(&encoder, silent);
            shared.wakes.ring();
        }
        let silent = encoder.fill_until(shared.timeline.lock().file_samples(), sink)?;
        self.note(&encoder, silent);
        encoder.finish(sink)
    }

    fn note(&self, encoder: &AudioEncoder, silent: u64) {
        self.silent.fetch_add(silent, Ordering::Relaxed);
        self.samples.store(encoder.samples(), Ordering::Relaxed);
    }
}

/// A track as a target, for whoever mixes.
pub(super) struct TrackTarget {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
}

impl AudioTarget for TrackTarget {
    fn name(&self) -> String {
        let name = &self.shared.tracks[self.index].name;
        if name.is_empty() { self.shared.name.clone() } else { format!("{} ({name})", self.shared.name) }
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        self.shared.check_open()?;
        if !block.samples.len().is_multiple_of(CHANNELS) {
            return Err(Error::format(format!("{} samples are not whole pairs", block.samples.len())));
        }
        if block.is_empty() {
            return Ok(Offered::Taken);
        }
        {
            let mut timeline = self.shared.timeline.lock();
            if !self.shared.has_video {
                // the blocks are the frames
                let end = block.position.saturating_add(block.len() as u64);
                let index = timeline.index_of_sample(block.position);
                timeline.frame(index);
                timeline.reach(end);
            }
            if timeline.phase() == Phase::Ready {
                return Ok(Offered::Taken);
            }
        }
        let offered = self.shared.tracks[self.index].offer(block, delivery);
        self.shared.heard.ring();
        if !self.shared.has_video {
            self.shared.tracks.iter().for_each(Track::ring);
        }
        offered.ok_or_else(|| self.shared.closed())
    }
}
