// SPDX-License-Identifier: GPL-2.0-or-later
//! Threads that speak to a display which may hang: they are asked with a limit, and let go if they hang with it.

use lk_media::clock::Deadline;
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Result};
use std::time::Duration;

/// How long a display may take to answer when it is opened.
const ANSWER: Duration = Duration::from_secs(5);

/// Runs `body` on a thread of its own and gives its answer, or an error if the display takes too long.
#[cfg(target_os = "linux")]
pub(crate) fn ask<T: Send + 'static>(body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = lk_media::thread::spawn("lk-display", move || drop(sender.send(body())))?;
    answer(&receiver, thread).map(|(answer, _)| answer)
}

/// The first answer of a thread that speaks to a display, or an error if it takes too long.
pub(crate) fn answer<T>(
    receiver: &crossbeam_channel::Receiver<Result<T>>,
    thread: Thread,
) -> Result<(T, Thread)> {
    match receiver.recv_timeout(ANSWER) {
        Ok(answer) => Ok((answer?, thread)),
        Err(_) => {
            // it may hang for as long as the display does
            thread.detach();
            let message = format!("the display does not answer within {} s", ANSWER.as_secs());
            Err(Error::new(ErrorKind::Display, message)
                .with_hint("it may be stopped or overloaded; try again"))
        }
    }
}

/// What the owner of a thread that speaks to a display does at its end: waits a moment, and lets it go if the display
/// hangs.
pub(crate) fn let_go(thread: Option<Thread>, ended: &lk_media::Wake) {
    const PATIENCE: Duration = Duration::from_secs(1);
    const LOOK: Duration = Duration::from_millis(10);
    let Some(thread) = thread else { return };
    let deadline = Deadline::after(PATIENCE);
    while !thread.is_finished() && !deadline.has_passed() {
        // others may wait for the same ring
        ended.wait(deadline.left(LOOK));
    }
    if !thread.is_finished() {
        thread.detach();
    }
}
