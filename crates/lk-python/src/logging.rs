// SPDX-License-Identifier: GPL-2.0-or-later
//! The engine's `tracing` events, FFmpeg's log among them, as lines for Python's `logging`.
//!
//! Whether a line is wanted is known without the GIL: the levels of the loggers are looked up by the service
//! thread about once a second. Secrets in addresses are masked.

use crate::service::{self, Job};
use livekit_studio::{Clock, Timestamp, log};
use parking_lot::RwLock;
use pyo3::prelude::*;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The levels of Python's `logging`, the one for traces by its number.
const LEVELS: [(Level, u8); 5] =
    [(Level::ERROR, 40), (Level::WARN, 30), (Level::INFO, 20), (Level::DEBUG, 10), (Level::TRACE, 5)];

/// The lowest level that is wanted: of the engine, of FFmpeg.
static WANTED: [AtomicU8; 2] = [AtomicU8::new(30), AtomicU8::new(30)];

/// What listens in place of `logging` while the command line runs.
static INSTEAD: RwLock<Option<Dispatch>> = RwLock::new(None);

fn number(level: Level) -> u8 {
    LEVELS.iter().find(|(l, _)| *l == level).map_or(0, |(_, number)| *number)
}

fn filter(wanted: u8) -> LevelFilter {
    LEVELS.iter().rfind(|(_, n)| *n >= wanted).map_or(LevelFilter::OFF, |(l, _)| LevelFilter::from_level(*l))
}

/// A line on its way to `logging`.
pub(crate) struct Line {
    from_ffmpeg: bool,
    level: u8,
    text: String,
    time: Timestamp,
    thread: Option<String>,
}

impl Line {
    fn new(from_ffmpeg: bool, level: u8, text: String) -> Self {
        let thread = std::thread::current().name().map(str::to_owned);
        Self { from_ffmpeg, level, text, time: <dyn Clock>::live().now(), thread }
    }

    /// Says that so many lines are missing.
    pub(crate) fn lost(count: u64) -> Self {
        Self::new(
            false,
            number(Level::WARN),
            format!("{count} lines of the log were lost: they came too fast"),
        )
    }

    /// The call that logs it.
    pub(crate) fn job(self, py: Python<'_>) -> PyResult<Job> {
        let log = py.import("livekit_studio._logging")?.getattr("log")?;
        let time = self.time.as_secs_f64();
        let arguments = (self.from_ffmpeg, self.level, self.text, time, self.thread).into_pyobject(py)?;
        Ok((log.unbind(), arguments.unbind()))
    }
}

struct Forward;

fn is_ffmpeg(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "ffmpeg"
}

impl Subscriber for Forward {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes() // levels change while the program runs
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        if INSTEAD.read().is_some() {
            return Some(LevelFilter::TRACE);
        }
        WANTED.iter().map(|w| filter(w.load(Ordering::Relaxed))).max()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if let Some(instead) = &*INSTEAD.read() {
            return instead.enabled(metadata);
        }
        let wanted = WANTED[usize::from(is_ffmpeg(metadata))].load(Ordering::Relaxed);
        !metadata.is_span() && number(*metadata.level()) >= wanted
    }

    fn event(&self, event: &Event<'_>) {
        if let Some(instead) = &*INSTEAD.read() {
            return instead.event(event);
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        let metadata = event.metadata();
        service::current().log(Line::new(is_ffmpeg(metadata), number(*metadata.level()), log::mask(&text.0)));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // a String takes everything
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

/// Starts forwarding, for as long as the process lives. A program that listens already goes on doing so.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    // an error means that somebody listens already
    let _ = tracing::subscriber::set_global_default(Forward);
    look_up_levels(py)
}

/// Lets `listener` have everything until called again with None.
pub(crate) fn listen_instead(listener: Option<Dispatch>) {
    *INSTEAD.write() = listener;
    tracing::callsite::rebuild_interest_cache();
}

/// Takes over the levels of the loggers.
pub(crate) fn look_up_levels(py: Python<'_>) -> PyResult<()> {
    let levels = py.import("livekit_studio._logging")?.call_method0("levels")?;
    let (engine, ffmpeg) = levels.extract::<(u8, u8)>()?;
    let mut changed = false;
    for (level, wanted) in [engine, ffmpeg].into_iter().zip(&WANTED) {
        changed |= wanted.swap(level, Ordering::Relaxed) != level;
    }
    if changed {
        log::set_level(filter(ffmpeg));
        tracing::callsite::rebuild_interest_cache();
    }
    Ok(())
}
