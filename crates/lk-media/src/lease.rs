// SPDX-License-Identifier: GPL-2.0-or-later
//! A source that keeps its own place in time is on one clock at a time.

use crate::{Error, ErrorKind, Result};
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

/// Gives the lease back when dropped.
pub struct LeaseGuard(ClockLease);

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
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::Busy,
                    format!("{name} is in use by another running scene"),
                )
                .with_hint("open it a second time, or stop the other scene first"));
            }
            None => {
                *held = Some((clock, 1));
                true
            }
        };
        drop(held);
        Ok((LeaseGuard(self.clone()), first))
    }

    /// Whether a run holds it.
    pub fn is_taken(&self) -> bool {
        self.0.lock().is_some()
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let mut held = self.0.0.lock();
        *held = match *held {
            Some((owner, count)) if count > 1 => Some((owner, count - 1)),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
