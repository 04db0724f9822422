// SPDX-License-Identifier: GPL-2.0-or-later
//! What a live run did, in numbers.

use crate::statistics::{Parts, explain};
use lk_compositor::RenderStatistics;
use parking_lot::Mutex;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Width of a bin of lateness.
const BIN: Duration = Duration::from_micros(20);
/// Bins; what is later than all of them is counted in the last.
const BINS: usize = 2500;

/// Counts of a live run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LiveStatistics {
    /// Frame indices that came due.
    pub ticks: u64,
    /// Of these, skipped because the tick before was still busy or the process did not run. Recorders repeat the
    /// frame before at these indices.
    pub missed: u64,
    /// Readings of sources that had to repeat an older frame because the one due was not decoded in time.
    pub late_frames: u64,
    /// Sound samples mixed, per channel.
    pub samples: u64,
    /// Samples of all inputs together that were not there in time and are silent.
    pub late_samples: u64,
    /// Time since the start.
    pub elapsed: Duration,
    /// CPU time of the tick, further render threads not included. Sources that decode do so on other threads.
    pub tick_cpu: Duration,
    /// CPU time of the mixer.
    pub mixer_cpu: Duration,
    /// Where the real time of tick and mixer went.
    pub parts: Parts,
    /// What the renderer did.
    pub render: RenderStatistics,
    /// How late ticks began after their time, by share of ticks.
    pub lateness: Lateness,
}

impl LiveStatistics {
    /// Frames made: ticks that were not missed.
    pub fn frames(&self) -> u64 {
        self.ticks - self.missed
    }

    /// CPU time of compositing, by the clocks of the threads that do it: the tick and the render threads.
    pub fn compositing(&self) -> Duration {
        self.tick_cpu + self.render.pool_cpu
    }
}

impl fmt::Display for LiveStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        explain(f, self.frames(), self.compositing(), &self.parts, &self.render)?;
        let late = self.lateness.p999.as_secs_f64() * 1000.0;
        write!(f, "\n{} of {} ticks missed; 99.9 % began within {late:.2} ms", self.missed, self.ticks)
    }
}

/// Shares of ticks that began no later than this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lateness {
    /// Half of them.
    pub p50: Duration,
    /// 99 of 100.
    pub p99: Duration,
    /// 999 of 1000.
    pub p999: Duration,
    /// All.
    pub max: Duration,
}

/// Counts while they are being made; written by the run's threads, read by anybody.
#[derive(Default)]
pub(super) struct Counting(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    sum: LiveStatistics,
    bins: Vec<u32>,
}

impl Counting {
    /// Changes the counts.
    pub(super) fn count(&self, change: impl FnOnce(&mut LiveStatistics)) {
        change(&mut self.0.lock().sum);
    }

    /// A tick began so late.
    pub(super) fn late_by(&self, lateness: Duration) {
        let mut counts = self.0.lock();
        if counts.bins.is_empty() {
            counts.bins = vec![0; BINS];
        }
        let bin = (lateness.as_nanos() / BIN.as_nanos()).min(BINS as u128 - 1) as usize;
        counts.bins[bin] = counts.bins[bin].saturating_add(1);
        counts.sum.lateness.max = counts.sum.lateness.max.max(lateness);
    }

    /// The counts so far.
    pub(super) fn read(&self) -> LiveStatistics {
        let counts = self.0.lock();
        let mut sum = counts.sum.clone();
        let all: u64 = counts.bins.iter().map(|n| u64::from(*n)).sum();
        let max = sum.lateness.max;
        let share = |per_mille: u64| {
            let mut left = (all * per_mille).div_ceil(1000);
            for (bin, count) in counts.bins.iter().enumerate() {
                left = left.saturating_sub(u64::from(*count));
                if left == 0 {
                    return (BIN * (bin as u32 + 1)).min(max);
                }
            }
            max
        };
        if all > 0 {
            sum.lateness = Lateness { p50: share(500), p99: share(990), p999: share(999), max };
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_lateness() {
        let counting = Counting::default();
        (0..990).for_each(|_| counting.late_by(Duration::from_micros(30)));
        (0..9).for_each(|_| counting.late_by(Duration::from_millis(1)));
        counting.late_by(Duration::from_secs(3));
        let lateness = counting.read().lateness;
        assert_eq!(lateness.p50, Duration::from_micros(40));
        assert_eq!(lateness.p99, Duration::from_micros(40));
        assert_eq!(lateness.p999, Duration::from_micros(1020));
        assert_eq!(lateness.max, Duration::from_secs(3));
    }
}
