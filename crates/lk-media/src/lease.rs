// SPDX-License-Identifier: GPL-2.0-or-later
//! A source that keeps its own place in time is on one clock at a time.

use crate::{Error, ErrorKind, Result, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names one run of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockId(u64);

impl ClockId {
    /// A name never given before.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Held by a source: which run it serves. The same run may take it several times (two layers, one source).
#[derive(Clone, Default)]
pub struct ClockLease(Arc<Mutex<Option<(ClockId, usize)>>>);

/// Gives what was taken back when dropped.
pub struct LeaseGuard(Taken);

enum Taken {
    Lease(ClockLease),
    Origin(Origin),
}

/// Held by a source that begins with the run that shows it, but can be shown by several: live runs share the origin
/// of the first. An offline run has it alone.
#[derive(Clone, Default)]
pub struct Origin(Arc<Mutex<Option<Held>>>);

struct Held {
    clock: ClockId,
    start: Timestamp,
    count: usize,
}

impl Origin {
    /// Takes the source for `clock`, from session time `start` on; Busy if a run has it that this one cannot share
    /// it with. `name` goes into the message.
    pub fn take(&self, clock: ClockId, start: Timestamp, name: &str) -> Result<LeaseGuard> {
        let mut held = self.0.lock();
        match &mut *held {
            None => *held = Some(Held { clock, start, count: 1 }),
            Some(h) if h.clock == clock || (h.start > Timestamp::ZERO && start > Timestamp::ZERO) => {
                h.count += 1
            }
            Some(_) => return Err(busy(name)),
        }
        drop(held);
        Ok(LeaseGuard(Taken::Origin(self.clone())))
    }

    /// The time since the run began that has the source, at session time `t`; `t` itself if none has.
    pub fn since(&self, t: Timestamp) -> Timestamp {
        let start = self.0.lock().as_ref().map_or(Timestamp::ZERO, |h| h.start);
        Timestamp::from_nanos(t.nanos_since(start).max(0))
    }

    /// The session time at which it began.
    pub fn start(&self) -> Timestamp {
        self.0.lock().as_ref().map_or(Timestamp::ZERO, |h| h.start)
    }
}

fn busy(name: &str) -> Error {
    Error::new(ErrorKind::Busy, format!("{name} is in use by another running scene"))
        .with_hint("open it a second time, or stop the other scene first")
}

impl ClockLease {
    /// Takes the source for `clock`; Busy if another run has it. `name` goes into the message.
    /// The flag says whether this is the first hold of the run.
    pub fn take(&self, clock: ClockId, name: &str) -> Result<(LeaseGuard, bool)> {
        let mut held = self.0.lock();
        let first = match *held {
            Some((owner, count)) if owner == clock => {
                *held = Some((owner, count + 1));
                false
            }
            Some(_) => return Err(busy(name)),
            None => {
                *held = Some((clock, 1));
                true
            }
        };
        drop(held);
        Ok((LeaseGuard(Taken::Lease(self.clone())), first))
    }

    /// Whether a run holds it.
    pub fn is_taken(&self) -> bool {
        self.0.lock().is_some()
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        match &self.0 {
            Taken::Lease(lease) => {
                let mut held = lease.0.lock();
                *held = match *held {
                    Some((owner, count)) if count > 1 => Some((owner, count - 1)),
                    _ => None,
                };
            }
            Taken::Origin(origin) => {
                let mut held = origin.0.lock();
                match &mut *held {
                    Some(h) if h.count > 1 => h.count -= 1,
                    _ => *held = None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_shared_by_live_runs() {
        let origin = Origin::default();
        let s = Timestamp::from_secs_f64;
        assert_eq!(origin.since(s(5.0)), s(5.0));
        let first = origin.take(ClockId::unique(), s(100.0), "x").unwrap();
        let second = origin.take(ClockId::unique(), s(103.0), "x").unwrap();
        assert!(origin.take(ClockId::unique(), s(0.0), "x").is_err());
        drop(first);
        assert_eq!((origin.since(s(104.0)), origin.since(s(1.0))), (s(4.0), s(0.0)));
        drop(second);
        let offline = origin.take(ClockId::unique(), s(0.0), "x").unwrap();
        assert!(origin.take(ClockId::unique(), s(7.0), "x").is_err());
        drop(offline);
    }

    #[test]
    fn one_run_at_a_time() {
        let lease = ClockLease::default();
        let (a, b) = (ClockId::unique(), ClockId::unique());
        let (first, is_first) = lease.take(a, "clip").unwrap();
        let (second, again) = lease.take(a, "clip").unwrap();
        assert!(is_first && !again);
        assert_eq!(lease.take(b, "clip").err().map(|e| e.kind()), Some(ErrorKind::Busy));
        drop(first);
        assert!(lease.is_taken());
        drop(second);
        assert!(lease.take(b, "clip").is_ok());
    }
}
