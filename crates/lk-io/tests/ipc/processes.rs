// SPDX-License-Identifier: GPL-2.0-or-later
//! Other processes: this test program, started again in a role.

use crate::support::*;
use lk_io::ipc::{IpcFolder, IpcSource, IpcTarget, IpcTargetOptions};
use lk_media::clock::Stopwatch;
use lk_media::{ErrorKind, PixelFormat, Size};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const ROLE: &str = "LK_IPC_ROLE";
pub const SMALL: Size = Size::new(320, 180);

/// Not a test by itself: does what it is told, until it is killed or done.
#[test]
#[ignore = "the processes that the other tests start"]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let folder = PathBuf::from(std::env::var("LK_IPC_FOLDER").unwrap());
    match words[..] {
        ["write", name] => write(&folder, name),
        ["read", name, seed] => read(&folder, name, seed.parse().unwrap()),
        ["produce", mode, frames] => crate::measured::produce(&folder, mode, frames.parse().unwrap()),
        ["consume", mode, frames] => crate::measured::consume(&folder, mode, frames.parse().unwrap()),
        ["scribble", name, seed] => crate::scribbled::scribble(&folder, name, seed.parse().unwrap()),
        ["open", name] => open_few(&folder, name),
        _ => panic!("{role}"),
    }
}

pub fn say(words: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{words}").unwrap();
    out.flush().unwrap();
}

fn options(folder: &Path, format: PixelFormat) -> IpcTargetOptions {
    IpcTargetOptions { format, folder: IpcFolder::at(folder), ..IpcTargetOptions::default() }
}

/// Shares pictures as fast as it can; every third is copied, the others are made in place.
fn write(folder: &Path, name: &str) {
    let watch = Stopwatch::start();
    let target = loop {
        match IpcTarget::open(name, SMALL, &options(folder, PixelFormat::Bgra)) {
            Err(e) if e.kind() == ErrorKind::Busy => nap(Duration::from_millis(1)),
            made => break made.unwrap(),
        }
    };
    let opened = watch.elapsed().as_micros();
    // pictures of different writers differ
    let first = u64::from(std::process::id()) << 32;
    let spec = lk_media::FrameSpec::of(PixelFormat::Bgra, SMALL);
    for n in 1.. {
        if n % 3 == 0 {
            let frame = picture(spec, first + n);
            lk_media::VideoTarget::offer(&target, &frame, lk_media::Delivery::Live).unwrap();
        } else {
            share(&target, first + n);
        }
        if n == 1 {
            say(format_args!("opened {opened}"));
        }
    }
}

/// Looks at every picture, and holds some for a while.
fn read(folder: &Path, name: &str, seed: u64) {
    let mut random = Random(seed);
    let source = IpcSource::open(name, &IpcFolder::at(folder)).unwrap();
    let (mut seq, mut held) = (0, VecDeque::new());
    for n in 0u64.. {
        let Some((at, frame)) = source.next(seq, lk_media::clock::Deadline::after(PATIENCE)) else { return };
        seq = at + 1;
        number_of(&frame);
        held.push_back(frame);
        while held.len() as u64 > random.below(20) {
            if let Some(frame) = held.pop_front() {
                number_of(&frame);
            }
        }
        if n == 0 {
            say(format_args!("reading"));
        }
    }
}

/// Opens what it can with few descriptors, and says what came of it.
fn open_few(folder: &Path, name: &str) {
    let mut open = Vec::new();
    let error = loop {
        match IpcTarget::open(&format!("{name}{}", open.len()), SMALL, &options(folder, PixelFormat::Bgr)) {
            Ok(target) => open.push(target),
            Err(error) => break error,
        }
    };
    say(format_args!("target {:?} {} {}", error.kind(), error.errno().unwrap_or(0), error.hint().is_some()));
    let mut sources = Vec::new();
    let error = loop {
        match IpcSource::open(name, &IpcFolder::at(folder)) {
            Ok(source) => sources.push(source),
            Err(error) => break error,
        }
    };
    say(format_args!("source {:?} {} {}", error.kind(), error.errno().unwrap_or(0), error.hint().is_some()));
    drop((open, sources));
    let again = IpcTarget::open(name, SMALL, &options(folder, PixelFormat::Bgr));
    say(format_args!("again {}", again.is_ok()));
}

/// A process in a role; killed when dropped.
pub struct Process {
    pub child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    pub fn command(folder: &Path, role: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "processes::role", "--nocapture"]);
        command.env(ROLE, role).env("LK_IPC_FOLDER", folder);
        command
    }

    pub fn start(folder: &Path, role: &str) -> Self {
        Self::run(&mut Self::command(folder, role))
    }

    pub fn run(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The rest of the next line that begins with `word`.
    #[track_caller]
    pub fn says(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended before it said {word:?}");
            if let Some(rest) = line.trim().strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, which must be a good one.
    pub fn ends_well(mut self) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What this process holds: descriptors, threads, mappings of shared memory.
#[derive(Debug)]
pub struct Held {
    pub descriptors: usize,
    pub threads: usize,
    pub mappings: usize,
}

impl Held {
    /// Whether this grew by what leaks would make of many rounds; other tests may run beside.
    pub fn leaked(&self, now: &Self) -> bool {
        let grew = |before: usize, now: usize| now > before + 40;
        grew(self.descriptors, now.descriptors)
            || grew(self.threads, now.threads)
            || grew(self.mappings, now.mappings)
    }

    pub fn now() -> Self {
        let count = |folder| std::fs::read_dir(folder).unwrap().count();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        Self {
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            mappings: maps.lines().filter(|l| l.contains("livekit-")).count(),
        }
    }
}

#[test]
fn pictures_go_from_process_to_process() {
    let folder = Folder::new();
    let mut reader = Process::start(folder.path(), "read cam 1");
    let source = folder.source("cam");
    let mut writer = Process::start(folder.path(), "write cam");
    writer.says("opened");
    reader.says("reading");
    let mut seen = 0;
    until("two hundred pictures", || {
        seen += usize::from(source.latest().is_some_and(|frame| number_of(&frame) > 0));
        seen >= 200 && source.counts().frames > 200
    });
    assert_eq!(source.writer(), Some(u64::from(writer.child.id())));
    assert!(reader.child.try_wait().unwrap().is_none(), "the other reader goes on");
}

#[test]
fn a_stopped_writer_is_stalled_and_goes_on() {
    let folder = Folder::new();
    let mut writer = Process::start(folder.path(), "write cam");
    writer.says("opened");
    let source = folder.source("cam");
    await_state(&source, "live");
    // one picture has no rhythm, and nothing is missed after it
    until("a few pictures", || source.counts().frames >= 5);
    let signal = |name: &str| {
        let id = writer.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    signal("-STOP");
    await_state(&source, "stalled");
    signal("-CONT");
    await_state(&source, "live");
}

#[test]
fn a_stopped_reader_does_not_stop_the_others() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SMALL);
    share(&target, 1);
    let mut reader = Process::start(folder.path(), "read cam 3");
    reader.says("reading");
    let id = reader.child.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &id]).status().unwrap().success());
    let source = folder.source("cam");
    for number in 2..2000 {
        share(&target, number);
        if number % 10 == 0 {
            await_number(&source, number);
        }
    }
    assert_eq!(target.counts().dropped, 0);
}

#[test]
fn descriptors_that_run_out_are_said_so() {
    let folder = Folder::new();
    let inner = Process::command(folder.path(), "open cam");
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.envs(inner.get_envs().map(|(name, value)| (name, value.unwrap())));
    let mut process = Process::run(&mut command);
    // EMFILE
    assert_eq!(process.says("target"), "Output 24 true");
    assert_eq!(process.says("source"), "Stream 24 true");
    assert_eq!(process.says("again"), "true");
    process.ends_well();
}
