// SPDX-License-Identifier: GPL-2.0-or-later
//! Waiting without polling, and giving up early.

use crate::clock::Deadline;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A bell. Sources and targets ring it when what was pending may be ready; the engine waits on it.
/// Clones are the same bell. A ring before the wait is not lost.
#[derive(Clone, Default)]
pub struct Wake(Arc<(Mutex<bool>, Condvar)>);

impl Wake {
    /// A silent bell.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rings it.
    pub fn ring(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Waits until it rings or `limit` has passed; whether it rang. Takes the ring away.
    pub fn wait(&self, limit: Duration) -> bool {
        let deadline = Deadline::after(limit);
        let mut rung = self.0.0.lock();
        // a notification may come late, when the ring it belongs to has been taken already
        while !*rung && !deadline.has_passed() {
            self.0.1.wait_for(&mut rung, deadline.left(limit));
        }
        std::mem::take(&mut *rung)
    }

    /// Whether the two are the same bell.
    pub fn is_same(&self, other: &Wake) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A set of bells that are all rung together; those nobody else holds any more are forgotten.
#[derive(Default)]
pub struct Wakes(Mutex<Vec<Wake>>);

impl Wakes {
    /// Adds a bell once.
    pub fn add(&self, wake: &Wake) {
        let mut wakes = self.0.lock();
        wakes.retain(|w| Arc::strong_count(&w.0) > 1);
        if !wakes.iter().any(|w| w.is_same(wake)) {
            wakes.push(wake.clone());
        }
    }

    /// Rings all of them.
    pub fn ring(&self) {
        for wake in self.0.lock().iter() {
            wake.ring();
        }
    }
}

/// A request to give up, shared between the one who asks and the ones who work. Clones are the same request.
#[derive(Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone who holds it to give up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether someone asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Waits for `wake`, looking for a cancel every 20 ms; false when cancelled or past `deadline`.
    pub fn wait(&self, wake: &Wake, deadline: Deadline) -> bool {
        loop {
            if self.is_cancelled() {
                return false;
            }
            if wake.wait(deadline.left(Duration::from_millis(20))) {
                return true;
            }
            if deadline.has_passed() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_kept_and_a_cancel_ends_it() {
        let wake = Wake::new();
        wake.ring();
        assert!(wake.wait(Duration::ZERO));
        assert!(!wake.wait(Duration::ZERO));
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(!cancel.wait(&wake, Deadline::NEVER));
    }
}
