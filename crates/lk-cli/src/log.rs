// SPDX-License-Identifier: GPL-2.0-or-later
//! The engine's warnings, as lines on standard error. What FFmpeg says is left out unless asked for: what matters
//! of it stands in errors already.

use crate::progress;
use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// What prints them.
pub(crate) fn lines(verbose: bool, quiet: bool) -> Dispatch {
    Dispatch::new(Lines { verbose, quiet, last: Mutex::default() })
}

struct Lines {
    verbose: bool,
    quiet: bool,
    last: Mutex<String>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let from_ffmpeg = metadata.target() == "ffmpeg";
        let limit = if self.verbose { Level::INFO } else { Level::WARN };
        !metadata.is_span() && *metadata.level() <= limit && (self.verbose || !(from_ffmpeg || self.quiet))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(match *event.metadata().level() {
            Level::ERROR => "engine error: ".to_owned(),
            Level::WARN => "warning: ".to_owned(),
            _ => "info: ".to_owned(),
        });
        event.record(&mut text);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // a broken file can make one line of every frame
        if *last != text.0 {
            progress::line(&text.0);
            *last = text.0;
        }
    }

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
