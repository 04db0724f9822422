// SPDX-License-Identifier: GPL-2.0-or-later
//! Running the program and making media for it.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program left behind.
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Standard output as one JSON object.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {:?}", self.stdout))
    }

    /// Fails the test unless the program succeeded.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.status, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the program ended with this status, and not by a panic.
    #[track_caller]
    pub fn bad(self, status: i32) -> Self {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.status, status, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// The program, not started yet.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livekit-studio"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the program in `folder` to its end.
#[track_caller]
pub fn run_in(folder: &Path, args: &[&str]) -> Outcome {
    let done = program(args).current_dir(folder).output().unwrap();
    Outcome {
        status: done.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(done.stdout).unwrap(),
        stderr: String::from_utf8(done.stderr).unwrap(),
    }
}

/// Runs the program wherever the tests run.
#[track_caller]
pub fn run(args: &[&str]) -> Outcome {
    run_in(Path::new("."), args)
}

/// A folder of one test's own, taken away at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lk-cli-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn run(&self, args: &[&str]) -> Outcome {
        run_in(&self.0, args)
    }

    /// Runs FFmpeg here; everything it is asked for in tests works.
    #[track_caller]
    pub fn ffmpeg(&self, args: &str) {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-y"]).args(args.split_whitespace()).current_dir(&self.0);
        let done = command.output().unwrap();
        assert!(done.status.success(), "ffmpeg {args}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A lossless clip of one colour; with a tone if `tone`.
    pub fn clip(&self, name: &str, color: &str, size: &str, seconds: f64, tone: bool) {
        let picture = format!("-f lavfi -i color=c={color}:s={size}:r=30:d={seconds}");
        let sound = format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}");
        let video = "-c:v libx264 -qp 0 -pix_fmt yuv444p";
        match tone {
            true => self.ffmpeg(&format!("{picture} {sound} {video} -c:a pcm_s16le {name}")),
            false => self.ffmpeg(&format!("{picture} {video} {name}")),
        }
    }

    /// The RGB bytes of frame `index` of a file.
    #[track_caller]
    pub fn rgb(&self, name: &str, index: u32) -> Vec<u8> {
        self.ffmpeg(&format!(
            "-i {name} -vf select=eq(n\\,{index}) -frames:v 1 -f rawvideo -pix_fmt rgb24 frame.rgb"
        ));
        std::fs::read(self.0.join("frame.rgb")).unwrap()
    }

    /// The number of pictures that can be decoded.
    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        let wanted =
            "-v error -select_streams v -count_frames -show_entries stream=nb_read_frames -of csv=p=0";
        let done =
            Command::new("ffprobe").args(wanted.split(' ')).arg(name).current_dir(&self.0).output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        text.trim().trim_end_matches(',').parse().unwrap_or_else(|_| panic!("{name}: {text:?}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what cannot be deleted lies in the system's folder for temporary files
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A folder for `test`, or None, with the reason noted, where FFmpeg's command line is missing.
pub fn folder(test: &str) -> Option<Folder> {
    let there = |tool: &str| Command::new(tool).arg("-version").output().is_ok_and(|o| o.status.success());
    if there("ffmpeg") && there("ffprobe") {
        return Some(Folder::new(test));
    }
    let line = format!("command_line::{test}: needs the programs ffmpeg and ffprobe");
    println!("skipped {line}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut f| writeln!(f, "{line}")).unwrap();
    }
    None
}
