// SPDX-License-Identifier: GPL-2.0-or-later
//! A process that records is killed, at any instant and while it ends the file: what it had taken plays, but for
//! the last moment. The recording process is this test program, started again.

use crate::clip::{live, safe};
use crate::support::{Folder, bytes, has_programs};
use lk_io::mux::MuxerSettings;
use lk_media::Wake;
use lk_media::clock::Stopwatch;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Media runs this much faster than time.
const SPEED: u32 = 4;

/// The recording process: packets in real time, each accepted one told on the standard output; after `seconds`, if
/// any are given, the end of the file.
#[test]
#[ignore = "the process that the other tests kill"]
fn recorder() {
    let Ok(file) = std::env::var("LK_KILLED_FILE") else { return };
    let whole = std::env::var("LK_KILLED_WHOLE").is_ok();
    let length = Duration::from_secs(8);
    let clip = live(240).clip(!file.ends_with(".ts")).up_to(length);
    let muxer = clip.open(&file, &MuxerSettings { live: !whole, ..safe() });
    let mut out = std::io::stdout().lock();
    // behind the words of the test harness
    writeln!(out, "\nbegun").unwrap();
    let (watch, wake) = (Stopwatch::start(), Wake::new());
    for round in 0..if whole { 20 } else { 1000 } {
        for (stream, packet) in &clip.later(length * round).packets {
            let at = Duration::from_nanos(packet.dts_nanos().unwrap().max(0) as u64);
            while !whole && watch.elapsed() * SPEED < at {
                wake.wait(Duration::from_millis(1));
            }
            muxer.write(*stream, packet.clone()).unwrap();
            if *stream == 0 && !whole {
                let end = Duration::from_nanos(packet.pts_nanos().unwrap() as u64) + packet.duration();
                writeln!(out, "accepted {}", end.as_micros()).unwrap();
            }
        }
    }
    writeln!(out, "finishing").unwrap();
    wake.wait(Duration::from_millis(2));
    muxer.finish().unwrap();
    writeln!(out, "finished").unwrap();
}

fn start(file: &str, whole: bool) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "killed::recorder", "--nocapture"]).env("LK_KILLED_FILE", file);
    if whole {
        command.env("LK_KILLED_WHOLE", "1");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut out, if whole { "finishing" } else { "begun" });
    (child, out)
}

fn wait_for(out: &mut impl BufRead, word: &str) {
    let mut line = String::new();
    while line.trim() != word {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the recording process ended before {word:?}");
    }
}

/// Kills it after `wait`; seconds of picture it had accepted.
fn kill(mut child: Child, out: BufReader<ChildStdout>, wait: Duration) -> f64 {
    Wake::new().wait(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    let accepted = out.lines().map_while(Result::ok).filter_map(|l| {
        let (word, micros) = l.split_once(' ')?;
        (word == "accepted").then(|| micros.parse::<f64>().ok()).flatten()
    });
    accepted.fold(0.0, f64::max) / 1e6
}

/// Seconds of picture that can be decoded from the front without a hole.
pub fn decodable(file: &str) -> f64 {
    let out = Command::new("ffprobe")
        .args([
            "-v",
            "quiet",
            "-select_streams",
            "v",
            "-show_entries",
            "frame=pts_time",
            "-of",
            "csv=p=0",
            file,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let times = text.lines().filter_map(|l| l.trim_matches(',').trim().parse::<f64>().ok());
    let times: Vec<f64> = times.collect();
    let hole = times.windows(2).position(|p| (p[1] - p[0] - 1.0 / 30.0).abs() > 0.0021);
    // the last picture may be there without those that were to come before it
    let whole = hole.map_or(times.len(), |at| at + 1);
    assert!(whole + 3 > times.len(), "{file}: a hole after {whole} of {} frames", times.len());
    whole as f64 / 30.0
}

fn random(seed: u64, below: u64) -> u64 {
    let mut v = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    v = (v ^ (v >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (v ^ (v >> 31)) % below
}

fn at_random(times: u64) {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv", "mov", "ts", "flv"] {
        let times = if matches!(extension, "mp4" | "mkv") { times } else { times.div_ceil(10) };
        let mut lost = Vec::new();
        for n in 0..times {
            let file = folder.file(&format!("{n}.{extension}"));
            let (child, out) = start(&file, false);
            let accepted = kill(child, out, Duration::from_micros(random(n, 1_500_000)));
            let left = decodable(&file);
            lost.push(accepted - left);
            assert!(accepted - left <= 1.0, "{file}: {accepted} s accepted, {left} s left");
            std::fs::remove_file(&file).unwrap();
        }
        lost.sort_by(f64::total_cmp);
        let (median, most) = (lost[lost.len() / 2], lost[lost.len() - 1]);
        println!("{extension}: {times} kills, lost {median:.3} s in the median, {most:.3} s at most");
        assert!(median <= 0.5, "{extension}: {lost:?}");
    }
}

#[test]
fn at_ten_instants() {
    at_random(10);
}

#[test]
#[ignore = "long: make verify"]
fn at_a_hundred_instants() {
    at_random(100);
}

/// Kills it while it makes the file ordinary.
fn at_the_end(times: u64) {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let (mut fragments, mut ordinary) = (0, 0);
    for n in 0..times {
        let file = folder.file(&format!("{n}.mp4"));
        let (child, out) = start(&file, true);
        kill(child, out, Duration::from_micros(random(n, 5_000)));
        let left = decodable(&file);
        if bytes(&file)[..64].windows(4).any(|w| w == b"mdat") {
            ordinary += 1;
            assert!((left - 160.0).abs() < 0.01, "{left}");
        } else {
            fragments += 1;
            assert!(left > 150.0, "{left}: 8 s of two streams may wait for the disk");
        }
        std::fs::remove_file(&file).unwrap();
    }
    println!("killed at the end: {fragments} files in fragments, {ordinary} ordinary ones, all play");
}

#[test]
fn while_ending() {
    at_the_end(5);
}

#[test]
#[ignore = "long: make verify"]
fn while_ending_often() {
    at_the_end(100);
}
