// SPDX-License-Identifier: GPL-2.0-or-later
//! The thread of a capture, whatever it speaks to: it captures until it is told to end, and looks for a display that
//! went away.

use super::{Shared, Target};
use crate::desktop::answer;
use lk_media::thread::{self, Thread};
use lk_media::{Result, SourceState};
use std::sync::Arc;
use std::time::Duration;

/// How often a window that was closed, or a display that went away, is looked for.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// Pictures that may be in use at a time; who holds more gets copies.
#[cfg(target_os = "linux")]
pub(super) const MOST: usize = 16;
/// Unused pictures are given back after this long without a new one.
#[cfg(target_os = "linux")]
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// A display and what is captured of it.
pub(super) trait Link: Sized {
    /// Opens the display and takes the first frame, if there is something to see; errors say what there is.
    fn begin(shared: &Arc<Shared>, display: Option<&str>, target: &mut Target) -> Result<Self>;

    /// Opens the display again, after it went away.
    fn resume(shared: &Arc<Shared>, display: Option<&str>, target: &Target) -> Result<Self>;

    /// Captures until it is told to end, or what is captured cannot come back. An error means that the display is
    /// gone.
    fn run(&mut self, target: &Target) -> Result<()>;
}

/// Starts a capture; what is chosen is there by then.
pub(super) fn serve<L: Link>(
    shared: Arc<Shared>,
    mut target: Target,
    display: Option<String>,
) -> Result<Thread> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = thread::spawn("lk-capture", move || {
        let display = display.as_deref();
        match L::begin(&shared, display, &mut target) {
            // nobody hears of it when the display took too long
            Ok(link) if sender.send(Ok(())).is_ok() => go_on(&shared, display, link, &target),
            Ok(_) => {}
            Err(error) => drop(sender.send(Err(error))),
        }
        shared.ended.ring();
    })?;
    answer(&receiver, thread).map(|((), thread)| thread)
}

/// Captures until it is told to end; a display that went away is looked for.
fn go_on<L: Link>(shared: &Arc<Shared>, display: Option<&str>, first: L, target: &Target) {
    let mut link = Some(first);
    while !shared.cancel.is_cancelled() {
        let outcome = match link.take() {
            Some(mut link) => link.run(target),
            None => L::resume(shared, display, target).map(|found| link = Some(found)),
        };
        match outcome {
            Ok(()) if link.is_none() => return,
            Ok(()) => {}
            Err(error) => {
                if shared.state.lock().word() != SourceState::Reconnecting.word() {
                    tracing::warn!("{}: {error}", shared.name);
                }
                shared.enter(SourceState::Reconnecting);
                shared.bell.wait(LOOK);
            }
        }
    }
}
