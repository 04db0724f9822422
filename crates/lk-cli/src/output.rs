// SPDX-License-Identifier: GPL-2.0-or-later
//! Where words go: results to standard output, everything else to standard error. Neither being closed is an
//! error, and nothing here panics.

use crate::failure::Failure;
use livekit_studio::{Error, ErrorKind};
use serde_json::Value;
use std::io::{self, ErrorKind as IoKind, Write};

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Results and errors are JSON objects on standard output.
    pub json: bool,
    /// Nothing but errors and what was asked for.
    pub quiet: bool,
}

impl Output {
    /// The result of a command: the object with `--json`, the text otherwise.
    pub fn result(&self, json: &Value, text: &str) -> Result<(), Failure> {
        if self.json { print_json(json) } else { print(text) }
    }

    /// How it went wrong.
    pub fn fail(&self, failure: &Failure) {
        if self.json {
            // if nobody reads it, the exit status still says it
            let _ = print_json(&failure.to_json());
            return;
        }
        complain(&format!("error: {}", failure.message));
        if let Some(hint) = &failure.hint {
            complain(&format!("hint: {hint}"));
        }
    }
}

/// One object, indented.
fn print_json(json: &Value) -> Result<(), Failure> {
    print(&format!("{json:#}"))
}

/// Text and a newline on standard output. A reader that has gone (`| head`) has seen enough: no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()) {
        Err(error) if error.kind() != IoKind::BrokenPipe => {
            let error = Error::new(ErrorKind::Output, format!("standard output: {error}"));
            Err(error.with_hint("is the disk full?").into())
        }
        _ => Ok(()),
    }
}

/// A line on standard error, if anybody listens.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A number of bytes for people.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_have_units() {
        let shown = [999, 1_500, 2_340_000, 1_234_000_000].map(super::bytes);
        assert_eq!(shown, ["999 bytes", "1.5 kB", "2.3 MB", "1.23 GB"]);
    }
}
