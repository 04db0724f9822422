// SPDX-License-Identifier: GPL-2.0-or-later
//! The `livekit-studio` command line: it turns arguments into a composition, hands it to the facade, and says
//! how it went. [`run`] is all of it; the program and the Python wheel's console script both call it.
//!
//! What a script reads goes to standard output (with `--json`, exactly one object, errors included); bars,
//! warnings and errors for people go to standard error.

mod args;
mod audio_spec;
mod desktop;
mod devices;
mod doctor;
mod failure;
mod ipc;
mod layer_spec;
mod licenses;
mod lists;
mod log;
mod output;
mod probe;
mod progress;
mod record;
mod render;
mod spec;
mod vcam;

use args::Command;
use livekit_studio::Cancel;
use output::Output;

/// Exit status when all went well.
pub const OK: i32 = 0;
/// Exit status when what was asked for could not be done.
pub const FAILED: i32 = 1;
/// Exit status when what was asked for could not be understood.
pub const USAGE: i32 = 2;
/// Exit status after Ctrl-C.
pub const CANCELLED: i32 = 130;

/// Runs the command line `args` (without the program's name) and returns the exit status. `cancel` ends it early:
/// a file being rendered is finished first and holds what was made.
pub fn run(args: Vec<String>, cancel: &Cancel) -> i32 {
    // an error means that the program listens to the engine already, and it goes on doing so
    let this = std::env::current_exe()
        .map_or_else(|_| "livekit-studio".into(), |p| p.to_string_lossy().into_owned());
    run_with(args, &[this], cancel, |lines| drop(tracing::dispatcher::set_global_default(lines)))
}

/// The same; `program` is how this command is started again, `listen` is given what prints the engine's warnings for
/// people, before anything is done.
pub fn run_with(
    args: Vec<String>,
    program: &[String],
    cancel: &Cancel,
    listen: impl FnOnce(tracing::Dispatch),
) -> i32 {
    let cli = match args::parse(&args) {
        Ok(cli) => cli,
        Err(stop) => return stop.tell(),
    };
    listen(log::lines(cli.verbose, cli.quiet));
    let output = Output { json: cli.json, quiet: cli.quiet };
    let done = match &cli.command {
        Command::Render(args) => render::command(args, output, cancel),
        Command::Probe(args) => probe::command(args, output, cancel),
        Command::Formats => lists::formats(output),
        Command::Encoders => lists::encoders(output),
        Command::Devices => devices::command(output),
        Command::Doctor => doctor::command(output),
        Command::Licenses => licenses::command(output),
        Command::Ipc(args) => ipc::command(args, output, cancel),
        Command::Vcam(command) => vcam::command(command, program, output, cancel),
        Command::View(args) => desktop::view(args, cancel),
        Command::Play(args) => desktop::play(args, cancel),
        Command::Record(args) => record::command(args, output, cancel),
        Command::Windows => desktop::windows(output),
    };
    match done {
        Ok(()) => OK,
        Err(failure) => {
            output.fail(&failure);
            failure.status
        }
    }
}
