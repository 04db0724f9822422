// SPDX-License-Identifier: GPL-2.0-or-later
//! What happened: changes of state that people and programs want to hear of. Writers never wait for readers.

use crate::clock::{Clock, Deadline};
use crate::wake::Wake;
use crate::{SourceState, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Events a reader may leave unread; the oldest go first, and are counted.
const KEEP: usize = 1024;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A source came, stalled, ended or failed.
    SourceState,
    /// A target started, failed or was closed.
    TargetState,
    /// A run started or stopped.
    RunState,
    /// A recording: recording, paused, finalising, stopped, failed.
    RecorderState,
}

impl EventKind {
    /// The word for it: "source_state".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceState => "source_state",
            Self::TargetState => "target_state",
            Self::RunState => "run_state",
            Self::RecorderState => "recorder_state",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, on the clock of what it happened to.
    pub time: Timestamp,
    /// What it is about.
    pub kind: EventKind,
    /// What it happened to, by the name messages use.
    pub source: String,
    /// The state before, in a word; empty at first.
    pub old: String,
    /// The state now, in a word.
    pub new: String,
    /// Why, where there is a reason.
    pub reason: Option<String>,
}

impl Event {
    /// An event of now on the live clock.
    pub fn now(kind: EventKind, source: impl Into<String>, old: &str, new: &str) -> Self {
        Self {
            time: <dyn Clock>::live().now(),
            kind,
            source: source.into(),
            old: old.to_owned(),
            new: new.to_owned(),
            reason: None,
        }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(mut self, reason: impl ToString) -> Self {
        self.reason = Some(reason.to_string());
        self
    }
}

impl SourceState {
    /// The state in a word: "live".
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Stalled => "stalled",
            Self::Reconnecting => "reconnecting",
            Self::Ended => "ended",
            Self::Failed(_) => "failed",
        }
    }
}

struct Queue {
    events: VecDeque<Event>,
    lost: u64,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Wake,
}

/// Where events go in. Clones are the same.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<Weak<Shared>>>>);

impl Events {
    /// Without readers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells every reader. Never waits for one.
    pub fn emit(&self, event: Event) {
        let mut readers = self.0.lock();
        readers.retain(|reader| {
            let Some(reader) = reader.upgrade() else { return false };
            let mut queue = reader.queue.lock();
            if queue.events.len() >= KEEP {
                queue.events.pop_front();
                queue.lost += 1;
            }
            queue.events.push_back(event.clone());
            drop(queue);
            reader.wake.ring();
            true
        });
    }

    /// A reader of everything from now on.
    pub fn reader(&self) -> EventReader {
        let queue = Mutex::new(Queue { events: VecDeque::new(), lost: 0 });
        let shared = Arc::new(Shared { queue, wake: Wake::new() });
        self.0.lock().push(Arc::downgrade(&shared));
        EventReader(shared)
    }
}

/// Where events come out, in order. At most 1024 wait; then the oldest are lost and counted.
pub struct EventReader(Arc<Shared>);

impl EventReader {
    /// The next event, if one has happened.
    pub fn try_next(&self) -> Option<Event> {
        self.0.queue.lock().events.pop_front()
    }

    /// The next event; waits for it at most `limit`.
    pub fn next(&self, limit: Duration) -> Option<Event> {
        let deadline = Deadline::after(limit);
        loop {
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if deadline.has_passed() {
                return None;
            }
            self.0.wake.wait(deadline.left(limit));
        }
    }

    /// Rung when there is something to read.
    pub fn wake(&self) -> Wake {
        self.0.wake.clone()
    }

    /// Events lost because nobody read them.
    pub fn lost(&self) -> u64 {
        self.0.queue.lock().lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_hears_everything_and_nobody_waits() {
        let events = Events::new();
        events.emit(Event::now(EventKind::RunState, "scene", "", "running"));
        let (a, b) = (events.reader(), events.reader());
        for n in 0..KEEP + 3 {
            events.emit(Event::now(EventKind::SourceState, n.to_string(), "live", "stalled").because("x"));
        }
        assert_eq!(a.lost(), 3);
        assert_eq!(a.next(Duration::ZERO).map(|e| e.source), Some("3".to_owned()));
        drop(b);
        assert_eq!(std::iter::from_fn(|| a.try_next()).count(), KEEP - 1);
        assert!(a.next(Duration::from_millis(1)).is_none());
    }
}
