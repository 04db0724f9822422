// SPDX-License-Identifier: GPL-2.0-or-later
//! Threads that wait for a task and work on it together with the caller. What a task's threads share and how
//! they divide it is the task's own affair.

use lk_media::clock::thread_cpu_time;
use lk_media::thread::{self, Thread};
use lk_media::{Error, Result};
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Work that any number of threads may do at the same time.
pub(super) trait Task: Send + Sync + 'static {
    /// Works until nothing is left to be begun.
    fn work(&self);
}

/// Threads made once.
pub(super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<Thread>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    done: Condvar,
}

#[derive(Default)]
struct State {
    task: Option<Arc<dyn Task>>,
    /// Counts the tasks, so that a worker does not take one twice.
    number: u64,
    running: usize,
    /// CPU time of the workers in and between tasks.
    cpu: Duration,
    panicked: bool,
    stop: bool,
}

impl Pool {
    /// `threads` threads, the caller's included.
    pub fn new(threads: usize) -> Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), done: Condvar::new() });
        let mut pool = Self { shared, workers: Vec::new() };
        for i in 1..threads {
            let shared = pool.shared.clone();
            pool.workers.push(thread::spawn(&format!("lk-render-{i}"), move || serve(&shared))?);
        }
        Ok(pool)
    }

    /// The number of threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// CPU time of all threads but the callers'.
    pub fn cpu(&self) -> Duration {
        self.shared.state.lock().cpu
    }

    /// Does `task` with at most `threads` threads, the calling one among them; returns when none works on it or refers
    /// to it any more.
    pub fn run(&self, task: Arc<impl Task>, threads: usize) -> Result<()> {
        let helpers = self.workers.len().min(threads.saturating_sub(1));
        if helpers > 0 {
            let mut state = self.shared.state.lock();
            state.task = Some(task.clone());
            state.number += 1;
            drop(state);
            for _ in 0..helpers {
                self.shared.work.notify_one();
            }
        }
        let own = attempt(&*task);
        let mut state = self.shared.state.lock();
        state.task = None;
        while state.running > 0 {
            self.shared.done.wait(&mut state);
        }
        if own && !std::mem::take(&mut state.panicked) {
            Ok(())
        } else {
            Err(Error::internal("a render thread panicked"))
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
        self.shared.work.notify_all();
        self.workers.clear();
    }
}

/// Whether the work ended without a panic. Nothing a task left half done is used afterwards.
fn attempt(task: &dyn Task) -> bool {
    catch_unwind(AssertUnwindSafe(|| task.work())).is_ok()
}

fn serve(shared: &Shared) {
    let mut last = 0;
    let mut counted = thread_cpu_time();
    let mut state = shared.state.lock();
    while !state.stop {
        match state.task.clone().filter(|_| state.number != last) {
            None => shared.work.wait(&mut state),
            Some(task) => {
                last = state.number;
                state.running += 1;
                drop(state);
                let fine = attempt(&*task);
                drop(task);
                let now = thread_cpu_time();
                state = shared.state.lock();
                state.cpu += now.saturating_sub(counted);
                counted = now;
                state.panicked |= !fine;
                state.running -= 1;
                if state.running == 0 {
                    shared.done.notify_all();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Count {
        next: AtomicUsize,
        sum: AtomicUsize,
        panic_at: usize,
    }

    impl Task for Count {
        fn work(&self) {
            loop {
                let i = self.next.fetch_add(1, Ordering::Relaxed);
                assert!(i != self.panic_at, "asked for");
                if i >= 1000 {
                    return;
                }
                self.sum.fetch_add(i, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn every_part_is_done_once_and_the_task_is_given_back() {
        for threads in [0, 1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            for _ in 0..50 {
                let task = Arc::new(Count { next: 0.into(), sum: 0.into(), panic_at: usize::MAX });
                pool.run(task.clone(), 3).unwrap();
                assert_eq!(Arc::into_inner(task).unwrap().sum.into_inner(), 499_500);
            }
        }
    }

    #[test]
    fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = Pool::new(3).unwrap();
        let broken = Count { next: 0.into(), sum: 0.into(), panic_at: 7 };
        assert!(pool.run(Arc::new(broken), 3).is_err());
        let task = Count { next: 0.into(), sum: 0.into(), panic_at: usize::MAX };
        assert!(pool.run(Arc::new(task), 1).is_ok());
    }
}
