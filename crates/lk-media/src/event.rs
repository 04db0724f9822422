// SPDX-License-Identifier: GPL-2.0-or-later
//! What happened: changes of state that people and programs want to hear of. Writers never wait for readers.

use crate::clock::{Clock, Deadline};
use crate::wake::{Wake, Wakes};
use crate::{SourceState, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// A device of this machine: present, default, gone.
    DeviceState,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SourceState, Self::TargetState, Self::RunState, Self::RecorderState, Self::DeviceState];

    /// The word for it: "source_state".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceState => "source_state",
            Self::TargetState => "target_state",
            Self::RunState => "run_state",
            Self::RecorderState => "recorder_state",
            Self::DeviceState => "device_state",
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

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    lost: u64,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Wake,
    wakes: Wakes,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.queue.lock());
        self.wake.ring();
        self.wakes.ring();
    }
}

#[derive(Default)]
struct Hub {
    readers: Mutex<Vec<Weak<Shared>>>,
    closed: AtomicBool,
}

impl Hub {
    fn each(readers: &mut Vec<Weak<Shared>>, change: impl Fn(&mut Queue)) {
        readers.retain(|reader| {
            let Some(reader) = reader.upgrade() else { return false };
            reader.change(&change);
            true
        });
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        Self::each(self.readers.get_mut(), |queue| queue.closed = true);
    }
}

/// Where events go in. Clones are the same; when the last is gone, readers have come to the end.
#[derive(Clone, Default)]
pub struct Events(Arc<Hub>);

impl Events {
    /// Without readers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells every reader. Never waits for one.
    pub fn emit(&self, event: Event) {
        let mut readers = self.0.readers.lock();
        if self.0.closed.load(Ordering::Acquire) {
            return;
        }
        Hub::each(&mut readers, |queue| {
            if queue.events.len() >= KEEP {
                queue.events.pop_front();
                queue.lost += 1;
            }
            queue.events.push_back(event.clone());
        });
    }

    /// Says that nothing more will happen: readers come to the end once they have read the rest. What is emitted
    /// later is left out.
    pub fn close(&self) {
        let mut readers = self.0.readers.lock();
        self.0.closed.store(true, Ordering::Release);
        Hub::each(&mut readers, |queue| queue.closed = true);
    }

    /// A reader of everything from now on.
    pub fn reader(&self) -> EventReader {
        let mut readers = self.0.readers.lock();
        let closed = self.0.closed.load(Ordering::Acquire);
        let shared =
            Arc::new(Shared { queue: Mutex::new(Queue { closed, ..Queue::default() }), ..Shared::default() });
        readers.push(Arc::downgrade(&shared));
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

    /// The next event; waits for it at most `limit`, and not at all when none can come any more.
    pub fn next(&self, limit: Duration) -> Option<Event> {
        let deadline = Deadline::after(limit);
        loop {
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if deadline.has_passed() || self.is_over() {
                return None;
            }
            self.0.wake.wait(deadline.left(limit));
        }
    }

    /// Whether there is nothing to read now.
    pub fn is_empty(&self) -> bool {
        self.0.queue.lock().events.is_empty()
    }

    /// Whether everything was read and nothing more will come.
    pub fn is_over(&self) -> bool {
        let queue = self.0.queue.lock();
        queue.closed && queue.events.is_empty()
    }

    /// Rung when there is something to read, or nothing more will come.
    pub fn wake(&self) -> Wake {
        self.0.wake.clone()
    }

    /// Rings `wake` too whenever there is something to read, or nothing more will come.
    pub fn wake_on_ready(&self, wake: &Wake) {
        self.0.wakes.add(wake);
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

    #[test]
    fn readers_come_to_the_end_when_the_hub_is_closed_or_gone() {
        let event = || Event::now(EventKind::RunState, "scene", "running", "stopped");
        let events = Events::new();
        let (reader, bell) = (events.reader(), Wake::new());
        reader.wake_on_ready(&bell);
        events.emit(event());
        assert!(bell.wait(Duration::ZERO));
        events.close();
        events.emit(event());
        assert!(bell.wait(Duration::ZERO) && !reader.is_over() && !reader.is_empty());
        assert!(reader.try_next().is_some() && reader.is_over());
        assert!(reader.next(Duration::from_secs(600)).is_none());
        assert!(events.reader().is_over());

        let events = Events::new();
        let reader = events.reader();
        let clone = events.clone();
        drop(events);
        assert!(!reader.is_over());
        drop(clone);
        assert!(reader.is_over() && reader.wake().wait(Duration::ZERO));
    }
}
