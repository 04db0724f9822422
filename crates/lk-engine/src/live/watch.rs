// SPDX-License-Identifier: GPL-2.0-or-later
//! Tells of sources and targets that come, stall, end or fail.

use super::{Run, Work};
use crate::compositor::Shared;
use crate::draft::SoundId;
use lk_compositor::SourceId;
use lk_media::{Event, EventKind, SourceState, Timestamp};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// Looks at the states of a run's sources and targets and tells what has changed.
pub(super) struct Watch {
    run: Arc<Run>,
    due: Timestamp,
    pictures: HashMap<SourceId, &'static str>,
    sounds: HashMap<SoundId, &'static str>,
}

impl Watch {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self { due: run.start, run, pictures: HashMap::new(), sounds: HashMap::new() }
    }
}

impl Work for Watch {
    fn due(&self) -> Timestamp {
        self.due
    }

    fn is_over(&self) -> bool {
        self.run.is_over()
    }

    fn counts(&self) -> bool {
        false
    }

    fn advance(&mut self, shared: &Shared, now: Timestamp) {
        self.due = now + LOOK;
        let commit = shared.committed();
        self.pictures.retain(|id, _| commit.sources.contains_key(id));
        self.sounds.retain(|id, _| commit.sounds.contains_key(id));
        for (id, source) in &commit.sources {
            let state = source.state();
            let lost =
                matches!(state, SourceState::Stalled | SourceState::Reconnecting | SourceState::Failed(_));
            let mut all = self.run.lost.lock();
            let changed = if lost { all.insert(*id) } else { all.remove(id) };
            drop(all);
            tracing::trace!(changed, "{}", source.name());
            tell(&self.run, &mut self.pictures, *id, || source.name(), &state);
        }
        for (id, sound) in &commit.sounds {
            let pictures = |name: &str| commit.sources.values().any(|s| s.name() == name);
            let state = sound.state();
            // pictures and sound of one file are told of once
            if !pictures(&sound.name()) {
                tell(&self.run, &mut self.sounds, *id, || sound.name(), &state);
            }
        }
        for target in shared.targets() {
            if let Some(error) = target.error() {
                shared.target_failed(&target, error);
            }
        }
    }
}

fn tell<K: Eq + Hash>(
    run: &Run,
    known: &mut HashMap<K, &'static str>,
    id: K,
    name: impl FnOnce() -> String,
    state: &SourceState,
) {
    let word = state.word();
    let before = known.insert(id, word).unwrap_or_default();
    if before == word {
        return;
    }
    let event = Event::now(EventKind::SourceState, name(), before, word);
    run.events.emit(match state {
        SourceState::Failed(error) => event.because(error),
        _ => event,
    });
}
