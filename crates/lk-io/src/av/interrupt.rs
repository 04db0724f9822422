// SPDX-License-Identifier: GPL-2.0-or-later
//! Giving up: what FFmpeg asks, many times a second, while it waits for a file or a peer.

use ffmpeg_next::ffi;
use lk_media::clock::Deadline;
use lk_media::{Cancel, Error, ErrorKind};
use parking_lot::Mutex;
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::Duration;

/// A deadline that is armed before every operation, and the caller's request to give up.
pub(crate) struct Interrupt {
    cancel: Cancel,
    limit: Duration,
    deadline: Mutex<Deadline>,
}

impl Interrupt {
    /// Each operation may take `limit`; `cancel` ends it at once. Not armed yet.
    pub(crate) fn new(cancel: Cancel, limit: Duration) -> Arc<Self> {
        Arc::new(Self { cancel, limit, deadline: Mutex::new(Deadline::NEVER) })
    }

    /// Starts the time of the next operation.
    pub(crate) fn arm(&self) {
        *self.deadline.lock() = Deadline::after(self.limit);
    }

    /// The next operation may take as long as it likes.
    pub(crate) fn disarm(&self) {
        *self.deadline.lock() = Deadline::NEVER;
    }

    /// Whether the operation is to be given up.
    pub(crate) fn is_due(&self) -> bool {
        self.cancel.is_cancelled() || self.deadline.lock().has_passed()
    }

    /// The error of an operation that was given up: Cancelled or Deadline. None if neither was the reason.
    pub(crate) fn error(&self) -> Option<Error> {
        self.is_due().then(|| self.given_up())
    }

    /// The same when FFmpeg says that it gave up because it was asked to; it may say so long after.
    pub(crate) fn given_up(&self) -> Error {
        if self.cancel.is_cancelled() {
            return Error::new(ErrorKind::Cancelled, "cancelled");
        }
        Error::new(ErrorKind::Deadline, format!("no answer within {:.1} s", self.limit.as_secs_f64()))
            .with_hint("the other side is silent or slow: try again, or give it a longer timeout")
    }

    /// For `AVFormatContext.interrupt_callback` and `avio_open2`. The pointer is good for as long as the `Arc`
    /// lives: keep the `Arc` next to the context, declared after it.
    pub(crate) fn callback(self: &Arc<Self>) -> ffi::AVIOInterruptCB {
        ffi::AVIOInterruptCB { callback: Some(asked), opaque: Arc::as_ptr(self).cast_mut().cast() }
    }
}

/// # Safety
/// `opaque` comes from [`Interrupt::callback`], and its owner is alive.
#[allow(unsafe_code)]
unsafe extern "C" fn asked(opaque: *mut c_void) -> c_int {
    // SAFETY: the pointer comes from `Interrupt::callback`, whose owner outlives the context; the type is Sync
    // and only shared references are made. Nothing in it can panic.
    let interrupt = unsafe { &*opaque.cast::<Interrupt>() };
    c_int::from(interrupt.is_due())
}
