// SPDX-License-Identifier: GPL-2.0-or-later
//! From open to gone: every order of calls leaves a whole file or none.

use crate::feeding::*;
use crate::support::{Folder, has_programs};
use lk_io::encode::AudioSettings;
use lk_io::record::{Recorder, RecorderSettings, RecorderState};
use lk_media::{Delivery, ErrorKind, EventKind, Size, VideoTarget};
use std::path::Path;
use std::time::Duration;

#[test]
fn stopping_twice_answers_the_same_and_offers_are_refused() {
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let mut session = Session::new(&file, RecorderSettings::new(SIZE, rate(30, 1), true));
    let events = session.recorder.events().reader();
    session.recorder.start().unwrap();
    session.run(0..20);
    session.recorder.pause().unwrap();
    session.recorder.resume().unwrap();
    let report = session.stop();
    assert_eq!(session.stop(), report);
    assert!(matches!(session.recorder.state(), RecorderState::Stopped));
    assert_eq!(session.recorder.at_risk(), Duration::ZERO);
    let offered = session.recorder.offer(&frame(session.rate, 20), Delivery::Live);
    assert_eq!(offered.err().map(|e| e.kind()), Some(ErrorKind::Closed));
    let track = session.recorder.track(0).unwrap();
    let offered = track.offer_audio(&block(session.sample_of(20), 480, 0), Delivery::Live);
    assert_eq!(offered.err().map(|e| e.kind()), Some(ErrorKind::Closed));
    for refused in [session.recorder.start(), session.recorder.pause(), session.recorder.resume()] {
        assert_eq!(refused.err().map(|e| e.kind()), Some(ErrorKind::Closed));
    }
    let told: Vec<String> = std::iter::from_fn(|| events.try_next())
        .inspect(|e| assert_eq!((e.kind, e.source.as_str()), (EventKind::RecorderState, "film.mp4")))
        .map(|e| e.new)
        .collect();
    assert_eq!(told, ["recording", "paused", "recording", "finalising", "stopped"]);
    // the tracks outlive the recorder
    drop(session);
    assert!(track.offer_audio(&block(0, 480, 0), Delivery::Live).is_err());
}

#[test]
fn dropping_is_stopping() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv", "flv"] {
        let file = folder.file(&format!("film.{extension}"));
        let mut session = Session::started(&file, RecorderSettings::new(SIZE, rate(30, 1), true));
        session.run(0..50);
        drop(session);
        assert_eq!(numbers(&file), (0..50).collect::<Vec<_>>(), "{extension}");
    }
}

#[test]
fn a_durable_file() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv"] {
        let file = folder.file(&format!("film.{extension}"));
        let settings = RecorderSettings { durable: true, ..RecorderSettings::new(SIZE, rate(30, 1), true) };
        let mut session = Session::started(&file, settings);
        session.run(0..60);
        assert_eq!(session.stop().warning, None);
        assert_eq!(numbers(&file), (0..60).collect::<Vec<_>>(), "{extension}");
    }
}

#[test]
fn what_never_began_leaves_no_file() {
    let folder = Folder::new();
    for (start, stop) in [(false, false), (false, true), (true, false), (true, true)] {
        let file = folder.file("film.mp4");
        let recorder = Recorder::open(&file, RecorderSettings::new(SIZE, rate(30, 1), true)).unwrap();
        assert!(Path::new(&file).exists());
        if start {
            recorder.start().unwrap();
        }
        if stop {
            let report = recorder.stop().unwrap();
            assert_eq!((report.bytes, report.statistics.frames), (0, 0));
        }
        drop(recorder);
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn a_frame_of_another_size_is_an_error_at_once() {
    let folder = Folder::new();
    let mut settings = settings(rate(30, 1));
    video(&mut settings).size = Size::new(128, 96);
    let session = Session::started(&folder.file("film.mp4"), settings);
    let e = session.recorder.offer(&frame(session.rate, 0), Delivery::Live).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::Format);
    assert!(e.to_string().contains("256x64") && e.to_string().contains("128x96"), "{e}");
}

#[test]
fn what_is_wrong_is_said_when_it_is_opened() {
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let refused = |settings: RecorderSettings| Recorder::open(&file, settings).err().unwrap().kind();
    let mut odd = settings(rate(30, 1));
    video(&mut odd).size = Size::new(101, 64);
    assert_eq!(refused(odd), ErrorKind::Format);
    let mut unknown = settings(rate(30, 1));
    video(&mut unknown).codec = Some("libx246".to_owned());
    assert_eq!(refused(unknown), ErrorKind::Encoder);
    let tracks = settings(rate(30, 1)).with_track("x", AudioSettings::with_codec("libx264"));
    assert_eq!(refused(tracks), ErrorKind::Encoder);
    assert!(!Path::new(&file).exists());
    let e = Recorder::open(&folder.file("no/film.mp4"), settings(rate(30, 1))).err().unwrap();
    assert_eq!(e.errno(), Some(2));
}

#[test]
fn the_recorders_of_2020() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for (mp4, name, sound) in [(true, "a.mp4", true), (false, "b.flv", false), (false, "c.mp4", true)] {
        let settings = RecorderSettings::of_2020(mp4, Size::new(SIZE.width + 1, SIZE.height + 1), sound);
        let file = folder.file(name);
        let mut session = Session::started(&file, settings);
        assert_eq!((session.recorder.size(), session.recorder.rate()), (Some(SIZE), Some(rate(30, 1))));
        session.run(0..40);
        let report = session.stop();
        assert_eq!(report.format, if mp4 { "mp4" } else { "flv" });
        assert_eq!(report.statistics.tracks.len(), usize::from(sound));
        assert_eq!(numbers(&file).len(), 40);
    }
}

/// Threads and descriptors of this process.
#[cfg(target_os = "linux")]
fn held() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[cfg(target_os = "linux")]
fn cycles(count: usize) {
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let before = held();
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let mut early = 0;
    for n in 0..count {
        let mut session = Session::new(&file, RecorderSettings::new(SIZE, rate(30, 1), true));
        if n % 3 > 0 {
            session.recorder.start().unwrap();
        }
        if n % 3 > 1 {
            session.run(0..5);
        }
        if n % 2 > 0 {
            session.stop();
        }
        if n == count / 4 {
            early = memory();
        }
    }
    // other tests run beside this one: only growth with the cycles shows
    let after = held();
    assert!(after.0 < before.0 + 60 && after.1 < before.1 + 60, "{before:?} {after:?}");
    assert!(memory() < early + (40 << 10), "{} kB after {early} kB", memory());
}

#[test]
#[cfg(target_os = "linux")]
fn many_recorders_leave_nothing_behind() {
    cycles(100);
}

#[test]
#[ignore = "long: run by make verify"]
#[cfg(target_os = "linux")]
fn a_thousand_recorders_leave_nothing_behind() {
    cycles(1000);
}
