// SPDX-License-Identifier: GPL-2.0-or-later
//! The mixer of a live run: blocks of sound, 60 ms behind the clock, each sample position once.

use super::ahead::{Entry, SoundAhead};
use super::{Run, Work};
use crate::compositor::Shared;
use crate::draft::{Commit, SoundId};
use crate::mixing::Mixing;
use lk_compositor::MixId;
use lk_media::clock::{Stopwatch, thread_cpu_time};
use lk_media::{
    AudioBlock, AudioRead, AudioSource, AudioTarget, Delivery, Event, EventKind, LeaseGuard, Offered, Result,
    SAMPLE_RATE, Sampling, Timestamp, audio_port,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How far behind the clock sound is mixed: what comes later than this is silent.
const BEHIND: Duration = Duration::from_millis(60);

/// Mixes the sound of a live run. Whoever calls [`Sounds::advance`] is the clock.
pub(super) struct Sounds {
    run: Arc<Run>,
    mixing: Mixing,
    revision: Option<u64>,
    claims: HashMap<SoundId, Option<LeaseGuard>>,
    ahead: HashMap<SoundId, SoundAhead>,
    told: HashSet<SoundId>,
}

impl Sounds {
    /// Takes up the sounds as they are: Busy if one of them is in use.
    pub(super) fn new(run: Arc<Run>, shared: &Shared) -> Result<Self> {
        let mut sounds = Self {
            mixing: Mixing::new(run.rate.sample_of(run.first, SAMPLE_RATE)),
            revision: None,
            claims: HashMap::new(),
            ahead: HashMap::new(),
            told: HashSet::new(),
            run,
        };
        let commit = shared.committed();
        for (id, source) in &commit.sounds {
            let claim = source.claim(sounds.run.clock_id, sounds.run.start)?;
            sounds.enter(*id, source, sounds.run.start, Some(claim))?;
        }
        Ok(sounds)
    }

    fn block(&mut self, shared: &Shared) -> u64 {
        let commit = shared.committed();
        self.take_up(&commit);
        let first = self.mixing.next();
        let (ahead, told) = (&self.ahead, &mut self.told);
        let mixed = self.mixing.block(&commit, |id, source, first, out| {
            Ok(match ahead.get(&id) {
                Some(ahead) => ahead.get(first, out),
                None => read(source, first, out, || told.insert(id)),
            })
        });
        let Ok(late) = mixed else { return 0 };
        self.let_go();
        self.run.counting.count(|c| c.late_samples += late as u64);
        if shared.reset_meters.swap(false, Ordering::AcqRel) {
            self.mixing.reset_meters();
        }
        // who looks at them now does not hold the mixer up: it writes them again with the next block
        if let Some(mut levels) = shared.levels.try_lock() {
            self.mixing.read_levels(&mut levels);
        }
        for (mix, port) in &commit.ports {
            self.mixing.samples(*mix).into_iter().for_each(|samples| port.write(first as i64, samples));
        }
        // the last block may reach past the last frame's sound
        let limit = self.run.limit();
        let end = if limit == u64::MAX { u64::MAX } else { self.run.rate.sample_of(limit, SAMPLE_RATE) };
        let mut made: Option<(MixId, AudioBlock)> = None;
        for (mix, target) in shared.sound_targets.all().iter() {
            if made.as_ref().is_none_or(|(id, _)| id != mix) {
                made = self.mixing.last(*mix).map(|block| (*mix, crate::mixing::cut(block, end)));
            }
            made.iter().for_each(|(_, block)| self.hand_out(shared, target, block));
        }
        self.mixing.next().min(end) - first.min(end)
    }

    /// Lets sources go that have been taken away, and have faded.
    fn let_go(&mut self) {
        let mixing = &self.mixing;
        self.claims.retain(|id, _| mixing.hears(*id));
        self.ahead.retain(|id, _| mixing.hears(*id));
        self.told.retain(|id| mixing.hears(*id));
    }

    fn hand_out(&self, shared: &Shared, target: &Arc<dyn AudioTarget>, block: &AudioBlock) {
        loop {
            match target.offer_audio(block, self.run.delivery) {
                Ok(Offered::Busy) if self.run.delivery == Delivery::Lossless => {
                    self.run.wait_for_target(|_| {});
                }
                Ok(_) => return,
                Err(e) => return shared.sound_target_failed(target, e),
            }
        }
    }

    fn take_up(&mut self, commit: &Commit) {
        if self.revision == Some(commit.revision) {
            return;
        }
        self.revision = Some(commit.revision);
        for (id, source) in &commit.sounds {
            if self.claims.contains_key(id) || self.ahead.contains_key(id) {
                continue;
            }
            let start = commit.starts.sounds.get(id).copied().unwrap_or(self.run.start).max(self.run.start);
            if let Err(e) = self.enter(*id, source, start, None) {
                self.claims.insert(*id, None);
                self.run
                    .events
                    .emit(Event::now(EventKind::SourceState, source.name(), "", "failed").because(&e));
                tracing::error!("{}: {e}", source.name());
            }
        }
    }

    fn enter(
        &mut self,
        id: SoundId,
        source: &Arc<dyn AudioSource>,
        start: Timestamp,
        claim: Option<Option<LeaseGuard>>,
    ) -> Result<()> {
        let clock = self.run.clock_id;
        if source.may_block() {
            self.ahead.insert(id, SoundAhead::new(source.clone(), Entry { start, clock, claim })?);
        } else {
            let claim = claim.map_or_else(|| source.claim(clock, start), Ok)?;
            self.claims.insert(id, claim);
        }
        Ok(())
    }
}

impl Work for Sounds {
    // When the next block may be mixed.
    fn due(&self) -> Timestamp {
        let end = i128::from(self.mixing.next_end()) * 1_000_000_000 / i128::from(SAMPLE_RATE);
        Timestamp::from_nanos(end as i64 + 1) + BEHIND
    }

    // Whether the sound of the run's last frame has been mixed.
    fn is_over(&self) -> bool {
        let limit = self.run.limit();
        limit != u64::MAX && self.mixing.next() >= self.run.rate.sample_of(limit, SAMPLE_RATE)
    }

    // Mixes every block due at `now`.
    fn advance(&mut self, shared: &Shared, now: Timestamp) {
        let (before, watch) = (thread_cpu_time(), Stopwatch::start());
        let due = audio_port::sample_at(now - BEHIND);
        let mut samples = 0;
        while self.mixing.next_end() as i64 <= due && !self.is_over() {
            samples += self.block(shared);
        }
        let (cpu, mixing) = (thread_cpu_time().saturating_sub(before), watch.elapsed());
        self.run.counting.count(|c| {
            c.samples += samples;
            c.mixer_cpu += cpu;
            c.parts.mixing += mixing;
        });
    }
}

/// Fills `out`; how many samples were not there. The first error of a source is told, all of them are silence.
fn read(source: &dyn AudioSource, first: i64, out: &mut [f32], tell: impl FnOnce() -> bool) -> usize {
    match source.read(first, out, Sampling::Live) {
        Ok(AudioRead::Late(n)) => n,
        Ok(_) => 0,
        Err(e) => {
            out.fill(0.0);
            if tell() {
                tracing::error!("{}: {e}", source.name());
            }
            0
        }
    }
}
