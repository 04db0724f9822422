// SPDX-License-Identifier: GPL-2.0-or-later
//! How far a render is: a bar on standard error, if that is a terminal, and a count for what is said afterwards.

use crate::output::complain;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use livekit_studio::Progress;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The bar on the screen, which lines on standard error must not cut in two.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Follows one render.
#[derive(Clone)]
pub(crate) struct Follower {
    bar: Option<ProgressBar>,
    counts: Arc<(AtomicU64, AtomicU64)>,
}

impl Follower {
    /// With a bar if `wanted` and standard error is a terminal.
    pub fn new(wanted: bool) -> Self {
        let bar = (wanted && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            bar.with_style(style())
        });
        Self { bar, counts: Arc::default() }
    }

    /// Takes note of a frame.
    pub fn note(&self, progress: Progress) {
        self.counts.0.store(progress.done, Ordering::Relaxed);
        self.counts.1.store(progress.total, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            if bar.length() != Some(progress.total) {
                bar.set_length(progress.total);
                *shown() = Some(bar.clone());
            }
            bar.set_position(progress.done);
        }
    }

    /// Frames done and to do.
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.0.load(Ordering::Relaxed), self.counts.1.load(Ordering::Relaxed))
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        *shown() = None;
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_bar} {pos}/{len} frames, {speed} a second, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("speed", |state: &ProgressState, out: &mut dyn Write| {
            // a bar that cannot be drawn is no error
            let _ = write!(out, "{:.1}", state.per_sec());
        })
}

/// A line on standard error, above the bar if there is one.
pub(crate) fn line(text: &str) {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(|| complain(text)),
        None => complain(text),
    }
}

fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
