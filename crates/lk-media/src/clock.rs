// SPDX-License-Identifier: GPL-2.0-or-later
//! The only file that reads the real time or sleeps. Everything else takes the time as an argument.
#![allow(clippy::disallowed_methods)] // this is the place they are allowed in

use crate::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Something that tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

struct LiveClock;

impl Clock for LiveClock {
    #[cfg(unix)]
    fn now(&self) -> Timestamp {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Timestamp::from_nanos(t.tv_sec * 1_000_000_000 + t.tv_nsec)
    }

    #[cfg(windows)]
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(crate::qpc::now_nanos())
    }
}

impl dyn Clock {
    /// The one live clock of this process: CLOCK_MONOTONIC from its own zero, or the performance counter on Windows, so
    /// that times compare between processes.
    pub fn live() -> Arc<dyn Clock> {
        static LIVE: OnceLock<Arc<LiveClock>> = OnceLock::new();
        LIVE.get_or_init(|| Arc::new(LiveClock)).clone()
    }
}

/// A clock that stands still until told otherwise: offline runs and tests.
#[derive(Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock at 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the clock to `t`.
    pub fn set(&self, t: Timestamp) {
        self.0.store(t.as_nanos(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Acquire))
    }
}

/// A moment in real time after which something has taken too long.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    /// A deadline that never passes.
    pub const NEVER: Self = Self(None);

    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        self.0.is_some_and(|t| Instant::now() >= t)
    }

    /// The time left, at most `cap`; zero once passed.
    pub fn left(&self, cap: Duration) -> Duration {
        self.0.map_or(cap, |t| t.saturating_duration_since(Instant::now()).min(cap))
    }
}

/// CPU time used so far by all threads of this process.
pub fn process_cpu_time() -> Duration {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(t.tv_sec.unsigned_abs(), t.tv_nsec.unsigned_abs() as u32)
    }
    #[cfg(windows)]
    crate::qpc::process_cpu_time()
}

/// CPU time used so far by the calling thread.
pub fn thread_cpu_time() -> Duration {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(t.tv_sec.unsigned_abs(), t.tv_nsec.unsigned_abs() as u32)
    }
    #[cfg(windows)]
    crate::qpc::thread_cpu_time()
}

/// Measures how long something took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_clock_moves_only_when_told() {
        let c = ManualClock::new();
        assert_eq!(c.now(), Timestamp::ZERO);
        c.set(Timestamp::from_nanos(5));
        assert_eq!(c.now(), Timestamp::from_nanos(5));
    }

    #[test]
    fn the_live_clock_is_one_and_monotonic() {
        let (a, b) = (<dyn Clock>::live(), <dyn Clock>::live());
        let t = a.now();
        assert!(b.now() >= t);
        assert!(!Deadline::NEVER.has_passed());
        assert!(Deadline::after(Duration::ZERO).has_passed());
    }
}
