// SPDX-License-Identifier: GPL-2.0-or-later
//! A recording process that is killed, or stopped and continued, at any moment.
#![cfg(target_os = "linux")]

use crate::feeding::*;
use crate::grid::Computed;
use crate::media::{Random, ffmpeg};
use crate::support::{Folder, has_programs, number, times, url};
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::clock::Deadline;
use lk_media::{Clock, Wake};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const FILE: &str = "LIVEKIT_TEST_RECORD_TO";

fn nap(limit: Duration) {
    Wake::new().wait(limit);
}

/// Not a test by itself: records until its input ends, saying every 5 ms how many frames were taken.
#[test]
fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    let rate = rate(30, 1);
    let recorder = Recorder::open(&file, RecorderSettings::new(SIZE, rate, true)).unwrap();
    let source = Computed::new(rate, false);
    recorder.record_source(Some(source.clone()), vec![source], <dyn Clock>::live()).unwrap();
    recorder.start().unwrap();
    let over = lk_media::Cancel::new();
    let told = over.clone();
    let input = lk_media::thread::spawn("input", move || {
        let _ = std::io::stdin().read(&mut [0]);
        told.cancel();
    });
    while !over.is_cancelled() {
        let taken = recorder.statistics().duration.as_nanos() * 30 / 1_000_000_000;
        println!("\ntaken {taken}");
        std::io::stdout().flush().unwrap();
        nap(Duration::from_millis(5));
    }
    let report = recorder.stop().unwrap();
    println!("\nreport {:?}", report.statistics);
    drop(input);
}

/// A recording process.
struct Recording(Child);

impl Recording {
    fn begin(file: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// All it said.
    fn said(&mut self) -> Vec<String> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map_while(Result::ok).collect()
    }
}

/// The frames that can be decoded of a file that may end anywhere.
fn left_in(file: &str) -> usize {
    let bytes = ffmpeg(
        &["-fflags", "+genpts", "-i", &url(file), "-an", "-vsync", "passthrough", "-f", "framecrc", "-"],
        &[],
    );
    String::from_utf8_lossy(&bytes).lines().filter(|l| !l.starts_with('#')).count()
}

/// Kills recordings at random moments; the seconds lost of each.
fn kill_some(count: usize, seed: u64) -> Vec<f64> {
    let folder = Folder::new();
    let mut random = Random(seed);
    let mut lost = Vec::new();
    for n in 0..count {
        let file = folder.file(if n % 2 == 0 { "film.mp4" } else { "film.mkv" });
        let mut recording = Recording::begin(&file);
        let mut out = BufReader::new(recording.0.stdout.take().unwrap());
        let mut line = String::new();
        let mut taken = 0;
        let frames = 40 + random.below(60) as u64;
        // until so many frames were taken, and then at any place between two
        while taken < frames {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended by itself");
            taken = line.trim().strip_prefix("taken ").map_or(taken, |t| t.parse().unwrap());
        }
        nap(Duration::from_micros(random.below(33_000) as u64));
        recording.0.kill().unwrap();
        recording.0.wait().unwrap();
        for line in out.lines().map_while(Result::ok) {
            taken = line.trim().strip_prefix("taken ").and_then(|t| t.parse().ok()).unwrap_or(taken);
        }
        let there = left_in(&file) as u64;
        lost.push(taken.saturating_sub(there) as f64 / 30.0);
    }
    lost.sort_by(f64::total_cmp);
    lost
}

#[test]
fn a_killed_recording_plays() {
    if !has_programs() {
        return;
    }
    let lost = kill_some(4, 7);
    println!("lost, in seconds: {lost:?}");
    // a loaded machine encodes late: the bounds are those of the long proof
    assert!(lost.iter().all(|s| *s <= 2.0), "{lost:?}");
}

#[test]
#[ignore = "long: run by make verify"]
fn a_hundred_killed_recordings_lose_little() {
    if !has_programs() {
        return;
    }
    let lost = kill_some(100, 11);
    let (median, most) = (lost[lost.len() / 2], lost[lost.len() - 1]);
    println!("lost, in seconds: median {median:.3}, at most {most:.3}");
    assert!(median <= 0.5 && most <= 1.0, "{lost:?}");
}

fn stopped_for(seconds: u64) {
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let mut recording = Recording::begin(&file);
    nap(Duration::from_secs(2));
    recording.signal("-STOP");
    nap(Duration::from_secs(seconds));
    recording.signal("-CONT");
    nap(Duration::from_secs(2));
    drop(recording.0.stdin.take());
    let deadline = Deadline::after(Duration::from_secs(60));
    let said = recording.said();
    while recording.0.try_wait().unwrap().is_none() {
        assert!(!deadline.has_passed());
        nap(Duration::from_millis(10));
    }
    let report = said.iter().find(|l| l.starts_with("report")).unwrap();
    let seen = numbers(&file);
    let at = times(&file, "v");
    assert_eq!(seen.len(), at.len());
    let mut last = 0;
    for (n, t) in seen.iter().zip(&at) {
        let index = ((t - at[0]) * 30.0).round() as u64;
        let own = n.wrapping_sub(seen[0]) & 0xffff;
        // its own, or one that is repeated
        assert!(own == index || own == last, "{n} at {t}: {report}");
        last = own;
    }
    assert!(at[at.len() - 1] - at[0] > seconds as f64 + 1.0, "{report}");
    let sound = number(&crate::support::probe(&file)["format"]["duration"]);
    assert!((sound - (at[at.len() - 1] - at[0])).abs() < 0.3, "{sound} {report}");
}

#[test]
fn time_goes_on_while_the_process_is_stopped() {
    if has_programs() {
        stopped_for(3);
    }
}

#[test]
#[ignore = "long: run by make verify"]
fn time_goes_on_while_the_process_is_stopped_for_long() {
    if has_programs() {
        stopped_for(30);
    }
}
