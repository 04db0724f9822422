// SPDX-License-Identifier: GPL-2.0-or-later
//! A mix played to a target that may be slow: a queue and a thread between the two.

use crate::compositor::Shared;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use lk_media::thread::{self, Process, Thread};
use lk_media::{AudioBlock, AudioTarget, Cancel, Delivery, Error, Offered, Result, Wake};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Blocks that wait for the target: 200 ms. When they are full the oldest is lost.
const QUEUE: usize = 20;
/// Idle threads look around this often.
const IDLE: Duration = Duration::from_millis(500);
/// How long an end waits for a target that is busy.
const LAST_BLOCK: Duration = Duration::from_millis(200);

/// A mix that is played to a target. Dropping this ends nothing.
pub struct Playing {
    feed: Arc<Feed>,
    scene: Weak<Shared>,
}

impl Playing {
    pub(crate) fn new(target: Arc<dyn AudioTarget>, scene: Weak<Shared>) -> Result<Self> {
        Ok(Self { feed: Feed::new(target)?, scene })
    }

    pub(crate) fn target(&self) -> Arc<dyn AudioTarget> {
        self.feed.clone()
    }

    /// What the target is called.
    pub fn name(&self) -> String {
        self.feed.name()
    }

    /// Whether it has neither failed nor been stopped, and its mix is still there.
    pub fn is_playing(&self) -> bool {
        let target = self.target();
        !self.feed.state.failed.load(Ordering::Acquire)
            && self.scene.upgrade().is_some_and(|scene| scene.sound_targets.contains(&target))
    }

    /// Samples (per channel) that the target was given.
    pub fn played(&self) -> u64 {
        self.feed.state.played.load(Ordering::Relaxed)
    }

    /// Samples lost because the target was slower than the mix.
    pub fn dropped(&self) -> u64 {
        self.feed.state.dropped.load(Ordering::Relaxed)
    }

    /// The error it failed with.
    pub fn error(&self) -> Option<Error> {
        self.feed.state.error.lock().clone()
    }

    /// Ends it; waits a moment for the target to take what it has begun with.
    pub fn stop(&self) {
        if let Some(scene) = self.scene.upgrade() {
            scene.sound_targets.remove(&self.target());
        }
        self.feed.end();
        if self.feed.process.is_this() && self.feed.thread.lock().as_ref().is_some_and(|t| !t.is_finished()) {
            self.feed.state.ended.wait(LAST_BLOCK);
        }
    }
}

#[derive(Default)]
struct State {
    played: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicBool,
    error: Mutex<Option<Error>>,
    ended: Wake,
}

/// The queue before a target.
struct Feed {
    name: String,
    queue: Sender<AudioBlock>,
    oldest: Receiver<AudioBlock>,
    state: Arc<State>,
    stop: Cancel,
    wake: Wake,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

impl Feed {
    fn new(target: Arc<dyn AudioTarget>) -> Result<Arc<Self>> {
        let (queue, blocks) = bounded(QUEUE);
        let (state, stop, wake) = (Arc::new(State::default()), Cancel::new(), Wake::new());
        let name = target.name();
        let thread = {
            let (blocks, state, stop, wake) = (blocks.clone(), state.clone(), stop.clone(), wake.clone());
            thread::spawn("lk-sound-out", move || {
                play(&*target, &blocks, &state, &stop, &wake);
                drop(target);
                state.ended.ring();
            })?
        };
        let (thread, process) = (Mutex::new(Some(thread)), Process::here());
        Ok(Arc::new(Self { name, queue, oldest: blocks, state, stop, wake, thread, process }))
    }

    fn end(&self) {
        self.stop.cancel();
        self.wake.ring();
    }
}

fn play(target: &dyn AudioTarget, blocks: &Receiver<AudioBlock>, state: &State, stop: &Cancel, wake: &Wake) {
    while !stop.is_cancelled() {
        let Ok(block) = blocks.try_recv() else {
            wake.wait(IDLE);
            continue;
        };
        match target.offer_audio(&block, Delivery::Live) {
            Ok(Offered::Taken) => state.played.fetch_add(block.len() as u64, Ordering::Relaxed),
            Ok(_) => state.dropped.fetch_add(block.len() as u64, Ordering::Relaxed),
            Err(e) => {
                *state.error.lock() = Some(e);
                state.failed.store(true, Ordering::Release);
                return;
            }
        };
    }
}

impl AudioTarget for Feed {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        if self.state.failed.load(Ordering::Acquire)
            && let Some(error) = self.state.error.lock().clone()
        {
            return Err(error);
        }
        let mut waiting = block.clone();
        let mut answer = Offered::Taken;
        while let Err(TrySendError::Full(back)) = self.queue.try_send(waiting) {
            if delivery == Delivery::Lossless {
                return Ok(Offered::Busy);
            }
            if let Ok(lost) = self.oldest.try_recv() {
                self.state.dropped.fetch_add(lost.len() as u64, Ordering::Relaxed);
                answer = Offered::Dropped;
            }
            waiting = back;
        }
        self.wake.ring();
        Ok(answer)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.end();
        // this may be the mixer's thread: the other ends by itself, as soon as its target lets it
        self.thread.get_mut().take().into_iter().for_each(Thread::detach);
    }
}
