// SPDX-License-Identifier: GPL-2.0-or-later
//! A process that does not run for a while: nothing piles up, nothing is lost but the time.

use super::pattern::{Recorded, number, place};
use super::sync::{recorder, scene};
use livekit_studio::{FrameRate, Heard, Recorded as What, Recording, Wake};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const FILE: &str = "LK_TEST_STOPPED";

/// What the child does: records, and says when it has begun and how it went.
#[test]
fn a_process_that_is_stopped_records_on() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let rate = FrameRate::new(30, 1).unwrap();
    let scene = scene(rate);
    let recording = Recording::new(recorder(&file, rate));
    recording.recorder().start().unwrap();
    recording.connect(What::Scene(scene.clone(), vec![Heard::Mix])).unwrap();
    Wake::new().wait(Duration::from_secs(1));
    let before = scene.live_statistics().unwrap();
    // the parent stops this process now
    println!("RECORDING");
    while scene.live_statistics().unwrap().missed == before.missed {
        Wake::new().wait(Duration::from_millis(50));
    }
    Wake::new().wait(Duration::from_secs(1));
    let report = recording.stop().unwrap();
    let live = scene.live_statistics().unwrap();
    scene.stop();
    let s = &report.statistics;
    println!(
        "COUNTS {} {} {} {} {} {} {}",
        s.frames,
        s.repeated,
        s.dropped,
        s.tracks[0].samples,
        live.ticks,
        live.missed,
        s.duration.as_millis()
    );
}

fn stop_for(pause: Duration) {
    let path = place(&format!("stopped-{}.mp4", pause.as_secs()));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stopped::a_process_that_is_stopped_records_on", "--nocapture"])
        .env(FILE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let mut counts: Vec<u64> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("RECORDING") {
            kill_process(pid, Signal::STOP).unwrap();
            Wake::new().wait(pause);
            kill_process(pid, Signal::CONT).unwrap();
        }
        if let Some((_, numbers)) = line.split_once("COUNTS ") {
            counts = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
        }
    }
    assert!(child.wait().unwrap().success());
    let [frames, repeated, dropped, samples, ticks, missed, duration] = counts[..] else {
        panic!("{counts:?}")
    };
    let away = pause.as_millis() as u64 * 30 / 1000;
    assert!(missed + 2 >= away, "{missed} missed of {ticks}");
    assert!(ticks >= frames + repeated, "{counts:?}");
    // the length of the file is that of the time that passed, for picture and sound
    assert_eq!(duration, (frames + repeated) * 1000 / 30);
    assert_eq!(samples, (frames + repeated) * 1600, "{counts:?}");
    assert_eq!(dropped, 0);
    let file = Recorded::open(&path);
    let shown: Vec<(u64, i64)> =
        file.frames().map(|f| (number(&f), (f.timestamp().as_secs_f64() * 30.0).round() as i64)).collect();
    // each frame stands where it belongs, before and after
    let first = shown[0].0 as i64;
    let right = shown.iter().filter(|(number, at)| *number as i64 == first + at).count() as u64;
    assert!(right + 3 >= frames, "{right} of {frames} are in their place: {shown:?}");
    std::fs::remove_file(&path).unwrap();
    println!(
        "RELIABILITY stopped for {pause:?}: {frames} frames, {repeated} repeated, {samples} samples, all in place"
    );
}

#[test]
fn a_stopped_process_loses_nothing_but_the_time() {
    stop_for(Duration::from_secs(2));
}

/// Half a minute.
#[test]
#[ignore = "takes half a minute"]
fn a_process_stopped_for_half_a_minute() {
    stop_for(Duration::from_secs(30));
}
