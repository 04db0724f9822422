// SPDX-License-Identifier: GPL-2.0-or-later
//! The `livekit-studio` program.

use lk_cli::{CANCELLED, USAGE, run};
use std::io::Write;
use std::process::exit;

fn main() {
    let cancel = livekit_studio::Cancel::new();
    let asked = cancel.clone();
    let handler = ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            exit(CANCELLED);
        }
        asked.cancel();
    });
    if let Err(error) = handler {
        complain(&format!("warning: Ctrl-C will end the program without finishing its file: {error}"));
    }
    let args: Result<Vec<String>, _> = std::env::args_os().skip(1).map(|a| a.into_string()).collect();
    match args {
        Ok(args) => exit(run(args, &cancel)),
        Err(bad) => {
            complain(&format!("error: the argument {bad:?} is not valid Unicode"));
            exit(USAGE);
        }
    }
}

fn complain(line: &str) {
    // nobody is left to hear that standard error is closed
    let _ = writeln!(std::io::stderr(), "{line}");
}
