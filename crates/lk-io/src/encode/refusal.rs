// SPDX-License-Identifier: GPL-2.0-or-later
//! What FFmpeg says in its log when it refuses something: there, and not in its error codes, stands the reason.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Runs `work` and returns what this thread logged under `ffmpeg` meanwhile, warnings and worse, as one line;
/// it does not reach the program's own log, since it goes into an error; if there is none, see [`pass_on`].
pub(crate) fn listen<T>(work: impl FnOnce() -> T) -> (T, String) {
    let heard = Heard::default();
    let result = tracing::subscriber::with_default(Listener(heard.clone()), work);
    let lines = heard.0.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
    (result, lines)
}

/// Logs what was heard after all: the work did succeed.
pub(crate) fn pass_on(lines: &str) {
    if !lines.is_empty() {
        tracing::warn!(target: "ffmpeg", "{lines}");
    }
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Listener(Heard);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ffmpeg" && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Message(String::new());
        event.record(&mut line);
        // "[libx264 @ 0x55d0c8] text": the address says nothing
        let text = match line.0.split_once("] ") {
            Some((head, rest)) if head.starts_with('[') => rest,
            _ => line.0.as_str(),
        };
        let text = text.trim().trim_end_matches('.');
        let mut lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !text.is_empty() && lines.len() < 8 && !lines.iter().any(|l| l == text) {
            lines.push(text.to_owned());
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // a String takes everything
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ffmpeg_is_heard() {
        let ((), said) = listen(|| {
            tracing::error!(target: "ffmpeg", "[libx264 @ 0x1234] bad preset.");
            tracing::error!(target: "ffmpeg", "[libx264 @ 0x1234] bad preset.");
            tracing::error!("something else");
            tracing::warn!(target: "ffmpeg", "and this");
        });
        assert_eq!(said, "bad preset; and this");
    }
}
