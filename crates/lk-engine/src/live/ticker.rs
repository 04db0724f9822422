// SPDX-License-Identifier: GPL-2.0-or-later
//! The tick: at the time of each frame sample the sources, render, hand out.

use super::ahead::{Entry, PicturesAhead};
use super::{Run, Work};
use crate::compositor::Shared;
use crate::draft::Commit;
use crate::outputs;
use crate::sampling::{self, Asked, Given};
use crate::statistics::Parts;
use lk_compositor::{CpuRenderer, RenderJob, Renderer, Sampled, SourceId};
use lk_media::clock::{Stopwatch, thread_cpu_time};
use lk_media::{
    Delivery, Event, EventKind, Frame, LeaseGuard, Offered, Result, Sample, Sampling, Timestamp, VideoSource,
    VideoTarget,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Makes the frames of a live run, one index after the other. Whoever calls [`Ticker::advance`] is the clock.
pub(super) struct Ticker {
    run: Arc<Run>,
    renderer: CpuRenderer,
    next: u64,
    revision: Option<u64>,
    claims: HashMap<SourceId, Option<LeaseGuard>>,
    ahead: HashMap<SourceId, PicturesAhead>,
    /// Sources whose errors have been told.
    told: HashSet<SourceId>,
}

impl Ticker {
    /// Takes up the scene as it is: Busy if one of its sources is in use.
    pub(super) fn new(run: Arc<Run>, shared: &Shared, threads: usize) -> Result<Self> {
        let mut ticker = Self {
            renderer: CpuRenderer::new(threads.max(1))?,
            next: run.first,
            revision: None,
            claims: HashMap::new(),
            ahead: HashMap::new(),
            told: HashSet::new(),
            run,
        };
        let commit = shared.committed();
        for (id, source) in &commit.sources {
            let claim = source.claim(ticker.run.clock_id, ticker.run.start)?;
            if source.may_block() {
                ticker.read_ahead(*id, source, ticker.run.start, Some(claim))?;
            } else {
                ticker.claims.insert(*id, claim);
            }
        }
        Ok(ticker)
    }

    /// The time of the next frame.
    pub(super) fn due(&self) -> Timestamp {
        self.run.rate.time_of(self.next)
    }

    fn tick(&mut self, shared: &Shared, index: u64, time: Timestamp, parts: &mut Parts) -> Result<()> {
        let commit = shared.committed();
        self.take_up(&commit, time);
        let watch = Stopwatch::start();
        let inputs = self.sample_all(&commit, index, time)?;
        parts.sampling = watch.elapsed();
        let (specs, videos) = outputs::wanted(&commit.scene, shared.live_targets(time));
        let outputs = outputs::requests(&specs, &videos);
        if outputs.is_empty() {
            return Ok(());
        }
        let watch = Stopwatch::start();
        self.renderer.submit(RenderJob { index, time, scene: &commit.scene, inputs: &inputs, outputs })?;
        let frames = self.renderer.poll().map(|r| r.frames).unwrap_or_default();
        parts.rendering = watch.elapsed();
        let watch = Stopwatch::start();
        for (number, target) in &videos {
            if let Some(frame) = frames.get(*number) {
                self.hand_out(shared, target, frame);
            }
        }
        parts.delivering = watch.elapsed();
        Ok(())
    }

    fn hand_out(&self, shared: &Shared, target: &Arc<dyn VideoTarget>, frame: &Frame) {
        loop {
            match target.offer(frame, self.run.delivery) {
                Ok(Offered::Busy) if self.run.delivery == Delivery::Lossless => {
                    self.run.wait_for_target(|wake| target.wake_on_ready(wake))
                }
                Ok(_) => return,
                Err(e) => return shared.target_failed(target, e),
            }
        }
    }

    /// Claims the sources that are new in a commit and lets those go that are gone.
    fn take_up(&mut self, commit: &Commit, time: Timestamp) {
        if self.revision == Some(commit.revision) {
            return;
        }
        self.revision = Some(commit.revision);
        self.claims.retain(|id, _| commit.sources.contains_key(id));
        self.ahead.retain(|id, _| commit.sources.contains_key(id));
        self.told.retain(|id| commit.sources.contains_key(id));
        for (id, source) in &commit.sources {
            if self.claims.contains_key(id) || self.ahead.contains_key(id) {
                continue;
            }
            let start = commit.starts.pictures.get(id).copied().unwrap_or(time).max(self.run.start);
            let taken = if source.may_block() {
                self.read_ahead(*id, source, start, None)
            } else {
                source.claim(self.run.clock_id, start).map(|claim| drop(self.claims.insert(*id, claim)))
            };
            if let Err(e) = taken {
                self.claims.insert(*id, None);
                self.run
                    .events
                    .emit(Event::now(EventKind::SourceState, source.name(), "", "failed").because(&e));
                tracing::error!("{}: {e}", source.name());
            }
        }
    }

    fn read_ahead(
        &mut self,
        id: SourceId,
        source: &Arc<dyn VideoSource>,
        start: Timestamp,
        claim: Option<Option<LeaseGuard>>,
    ) -> Result<()> {
        let entry = Entry { start, clock: self.run.clock_id, claim };
        let ahead = PicturesAhead::new(source.clone(), self.run.rate, entry)?;
        self.ahead.insert(id, ahead);
        Ok(())
    }

    fn sample_all(&mut self, commit: &Commit, index: u64, time: Timestamp) -> Result<Vec<Sampled>> {
        let mut asked = Asked::default();
        sampling::shown(&commit.scene, |_, id| {
            let Some(source) = commit.sources.get(&id) else { return Ok(Given::default()) };
            asked.once(id, || {
                let frame = self.sample(id, source, (index, time));
                Ok(Given { frame, lost: self.run.is_lost(id) })
            })
        })
    }

    fn sample(
        &mut self,
        id: SourceId,
        source: &Arc<dyn VideoSource>,
        (index, time): (u64, Timestamp),
    ) -> Option<Frame> {
        // a port may have been connected to a source that blocks since the commit
        if source.may_block() && !self.ahead.contains_key(&id) {
            self.claims.remove(&id);
            let start = self.run.rate.time_of(index + 2);
            if let Err(e) = self.read_ahead(id, source, start, None) {
                tracing::error!("{}: {e}", source.name());
            }
        }
        if let Some(ahead) = self.ahead.get(&id) {
            let got = ahead.get(index);
            if got.late && got.frame.is_some() {
                self.run.counting.count(|c| c.late_frames += 1);
            }
            return got.frame;
        }
        match source.sample(time, Sampling::Live) {
            Ok(Sample::Frame(frame)) => Some(frame),
            Ok(Sample::Ended(last)) => last,
            Ok(Sample::Pending | Sample::Empty) => None,
            Err(e) => {
                if self.told.insert(id) {
                    tracing::error!("{}: {e}", source.name());
                }
                None
            }
        }
    }
}

impl Work for Ticker {
    fn due(&self) -> Timestamp {
        Self::due(self)
    }

    fn is_over(&self) -> bool {
        self.next >= self.run.limit()
    }

    // Makes the newest frame due at `now`, if it has not been made. Indices that came due since the last one and
    // are older than that are missed.
    fn advance(&mut self, shared: &Shared, now: Timestamp) {
        if now < self.due() || self.is_over() {
            return;
        }
        let index = self.run.rate.index_at(now).min(self.run.limit() - 1);
        let missed = index - self.next;
        let time = self.run.rate.time_of(index);
        self.run.counting.late_by(Duration::from_nanos(now.nanos_since(time).max(0).unsigned_abs()));
        let before = thread_cpu_time();
        let mut parts = Parts::default();
        if let Err(e) = self.tick(shared, index, time, &mut parts) {
            tracing::error!("a frame could not be made: {e}");
        }
        let cpu = thread_cpu_time().saturating_sub(before);
        let render = self.renderer.statistics();
        self.run.counting.count(|c| {
            c.ticks += missed + 1;
            c.missed += missed;
            c.parts += parts;
            c.tick_cpu += cpu;
            c.render = render;
        });
        self.next = index + 1;
    }
}
