// SPDX-License-Identifier: GPL-2.0-or-later
//! The thread that asks a function what a text says.

use super::Core;
use lk_media::thread::{self, Thread};
use lk_media::wake::Wakes;
use lk_media::{Cancel, Error, ErrorKind, Frame, Result, Timestamp, Wake};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What a text says at a time.
pub(super) type Say = Box<dyn FnMut(Timestamp) -> Result<String> + Send>;

/// A moment asked for may lie this little before its turn: times of frames are rounded.
const EARLY: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Exchange {
    wanted: Option<Timestamp>,
    /// The last answer, with the time it is for.
    made: Option<(Timestamp, Result<Frame>)>,
    /// When a live reader last had the function asked.
    asked_at: Option<Timestamp>,
    has_answered: bool,
    failed: Option<Error>,
}

struct Shared {
    exchange: Mutex<Exchange>,
    asked: Wake,
    stop: Cancel,
    answered: Wakes,
}

/// A function and its thread, which asks when somebody reads.
pub(super) struct Function {
    shared: Arc<Shared>,
    period: Duration,
    thread: Mutex<Option<Thread>>,
}

impl Function {
    pub(super) fn start(core: Arc<Core>, mut say: Say, period: Duration) -> Result<Self> {
        let shared = Arc::new(Shared {
            exchange: Mutex::default(),
            asked: Wake::new(),
            stop: Cancel::new(),
            answered: Wakes::default(),
        });
        let worker = shared.clone();
        let thread = thread::spawn("lk-text", move || {
            worker.serve(&core, &mut say);
        })?;
        Ok(Self { shared, period, thread: Mutex::new(Some(thread)) })
    }

    /// The picture of exactly `at`; None: not yet.
    pub(super) fn exact(&self, at: Timestamp) -> Option<Result<Frame>> {
        let mut exchange = self.shared.exchange.lock();
        if let Some((_, made)) = exchange.made.as_ref().filter(|(made_at, _)| *made_at == at) {
            return Some(made.clone());
        }
        exchange.wanted = Some(at);
        drop(exchange);
        self.shared.asked.ring();
        None
    }

    /// Has the function asked if it is its turn at `at`; whether it has ever answered.
    pub(super) fn live(&self, at: Timestamp) -> bool {
        let mut exchange = self.shared.exchange.lock();
        let is_turn = |last: Timestamp| at < last || at + EARLY >= last + self.period;
        if exchange.asked_at.is_none_or(is_turn) {
            exchange.asked_at = Some(at);
            exchange.wanted = Some(at);
            self.shared.asked.ring();
        }
        exchange.has_answered
    }

    /// Forgets answers made in a style that is no longer wanted.
    pub(super) fn forget(&self) {
        self.shared.exchange.lock().made = None;
    }

    /// The error the function ended with last, and whether it has ever answered.
    pub(super) fn state(&self) -> (Option<Error>, bool) {
        let exchange = self.shared.exchange.lock();
        (exchange.failed.clone(), exchange.has_answered)
    }

    pub(super) fn wake_on_ready(&self, wake: &Wake) {
        self.shared.answered.add(wake);
    }

    fn tell_to_end(&self) {
        self.shared.stop.cancel();
        self.shared.asked.ring();
    }
}

impl Shared {
    fn serve(&self, core: &Core, say: &mut Say) {
        while !self.stop.is_cancelled() {
            let wanted = self.exchange.lock().wanted;
            let Some(at) = wanted else {
                self.asked.wait(Duration::from_secs(3600));
                continue;
            };
            let said = catch_unwind(AssertUnwindSafe(|| say(at))).unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Callback, "the function that says what a text shows panicked"))
            });
            let made = said.and_then(|text| core.show(&text));
            let mut exchange = self.exchange.lock();
            exchange.wanted = exchange.wanted.filter(|wanted| *wanted != at);
            exchange.has_answered |= made.is_ok();
            if let Err(e) = &made
                && exchange.failed.is_none()
            {
                tracing::warn!("the text from a function: {e}");
            }
            exchange.failed = made.as_ref().err().cloned();
            exchange.made = Some((at, made));
            drop(exchange);
            self.answered.ring();
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.tell_to_end();
        // the function may be waiting for a lock that the caller holds: it is told to end, not waited for
        if let Some(thread) = self.thread.lock().take() {
            thread.detach();
        }
    }
}
