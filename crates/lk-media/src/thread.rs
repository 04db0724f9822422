// SPDX-License-Identifier: GPL-2.0-or-later
//! Every thread of the engine is made here: named, traced, joined when its handle is dropped.

use crate::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most threads that can be asked for.
const MAX: usize = 1024;

/// The process something was made in. A forked child has the parent's objects but none of its threads: whatever
/// waits for threads when dropped must not do so there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process.
    pub fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether it is the one that is running.
    pub fn is_this(self) -> bool {
        self == Self::here()
    }
}

/// A running thread; dropping the handle waits for it. Tell the thread to stop first. In a forked child, where
/// the thread does not exist, dropping does nothing.
pub struct Thread {
    handle: Option<std::thread::JoinHandle<()>>,
    process: Process,
}

/// Starts a thread called `name` (shown by debuggers and `top -H`; Linux keeps 15 bytes).
#[allow(clippy::disallowed_methods)] // this is the place it is allowed in
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<Thread> {
    let label = name.to_owned();
    std::thread::Builder::new()
        .name(label.clone())
        .spawn(move || {
            tracing::trace!(thread = label, "started");
            body();
            tracing::trace!(thread = label, "ended");
        })
        .map(|handle| Thread { handle: Some(handle), process: Process::here() })
        .map_err(|e| {
            Error::internal(format!("cannot start thread {name}"))
                .with_hint("the system is out of threads or memory")
                .with_source(e)
        })
}

impl Thread {
    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }

    /// Lets the thread go on by itself; nobody waits for it any more.
    pub fn detach(mut self) {
        self.handle = None;
    }

    /// Waits for the thread; an error if it panicked.
    pub fn join(mut self) -> Result<()> {
        if !self.process.is_this() {
            return Err(Error::new(
                ErrorKind::Closed,
                "the thread belongs to the process this one was forked from",
            ));
        }
        self.handle
            .take()
            .map_or(Ok(()), |h| h.join().map_err(|_| Error::internal("a thread of the engine panicked")))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // a thread that drops its own handle cannot wait for itself
        let mine = |h: &std::thread::JoinHandle<()>| h.thread().id() == std::thread::current().id();
        let Some(handle) = self.handle.take().filter(|h| !mine(h)) else { return };
        if !self.process.is_this() {
            std::mem::forget(handle);
        } else if handle.join().is_err() {
            tracing::error!("a thread of the engine panicked");
        }
    }
}

/// Asks the system to run the calling thread before all others, for work that is short and has its time: real-time
/// priority, or niceness where only that is allowed and on a single core, which work that is not short would have to
/// itself. Goes on without where neither is allowed. Threads it starts have no real-time priority. Says whether either was.
#[allow(unsafe_code)]
pub fn ask_for_priority() -> bool {
    #[cfg(target_os = "linux")]
    {
        let low = libc::sched_param { sched_priority: 1 };
        let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
        let several = std::thread::available_parallelism().is_ok_and(|n| n.get() > 1);
        // SAFETY: 0 is the calling thread, and the structure lives through the call.
        let real_time = several && unsafe { libc::sched_setscheduler(0, policy, &raw const low) } == 0;
        // on Linux, niceness belongs to the thread
        let granted = real_time || rustix::process::setpriority_process(None, -10).is_ok();
        tracing::trace!(granted, real_time, "asked for priority");
        granted
    }
    #[cfg(windows)]
    {
        use windows_sys::Win32::Media::timeBeginPeriod;
        use windows_sys::Win32::System::Threading::{
            GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_TIME_CRITICAL,
        };
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: asks for waits of a millisecond in place of sixteen, for as long as the process lives.
        ONCE.call_once(|| unsafe {
            timeBeginPeriod(1);
        });
        // SAFETY: the handle is that of the calling thread and needs no closing.
        let granted = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL) } != 0;
        tracing::trace!(granted, "asked for priority");
        granted
    }
    #[cfg(not(any(target_os = "linux", windows)))]
    false
}

static BUDGET: AtomicUsize = AtomicUsize::new(0);

/// Sets how many threads new runs and decoders may use, in place of what [`budget`] would find.
pub fn set_budget(threads: usize) -> Result<()> {
    check(threads)?;
    BUDGET.store(threads, Ordering::Relaxed);
    Ok(())
}

/// An error unless `threads` is a sensible number of threads.
pub fn check(threads: usize) -> Result<()> {
    if (1..=MAX).contains(&threads) {
        Ok(())
    } else {
        Err(Error::parameter(format!("{threads} threads are not between 1 and {MAX}")))
    }
}

/// The number of threads the engine may use: what [`set_budget`] said, else `LIVEKIT_THREADS`, else what the
/// affinity mask and the cgroup allow.
pub fn budget() -> usize {
    let set = BUDGET.load(Ordering::Relaxed);
    if set > 0 {
        return set;
    }
    std::env::var("LIVEKIT_THREADS")
        .ok()
        .and_then(|v| v.trim().parse::<usize>().ok())
        .filter(|n| check(*n).is_ok())
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
}
