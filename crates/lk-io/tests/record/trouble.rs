// SPDX-License-Identifier: GPL-2.0-or-later
//! Encoders that are too slow, disks that are full, readers that go away.

use crate::feeding::*;
use crate::support::{
    Folder, has_encoder, has_programs, listen, noise, number, picture, probe, stream, times,
};
use lk_io::record::{Recorder, RecorderSettings, RecorderState};
use lk_media::clock::Deadline;
use lk_media::{Delivery, Error, ErrorKind, EventReader, Offered, Size, VideoTarget, Wake};
use std::process::{Command, Stdio};
use std::time::Duration;

const LARGE: Size = Size::new(640, 360);

/// An encoder that takes far more time than there is.
fn slow() -> RecorderSettings {
    let mut settings = with_sound(rate(30, 1));
    let video = video(&mut settings);
    video.size = LARGE;
    *video = video.clone().with_codec("libx264").with_option("preset", "medium").with_option("crf", "18");
    settings
}

fn idle(recorder: &Recorder) {
    let deadline = Deadline::after(Duration::from_secs(120));
    while recorder.statistics().waiting > 0 {
        assert!(!deadline.has_passed(), "the encoder stands still");
        Wake::new().wait(Duration::from_millis(20));
    }
}

#[test]
fn a_slow_encoder_drops_frames_and_nothing_else() {
    if !has_programs() || !has_encoder("libx264") {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let mut session = Session::started(&file, slow());
    let frames: Vec<_> = (0..8).map(|n| picture(LARGE, session.rate, n, noise)).collect();
    let offer = |session: &Session, n: u64| {
        let frame = frames[n as usize % 8].at(session.rate.time_of(BASE + n));
        session.recorder.offer(&frame, Delivery::Live).unwrap()
    };
    let mut dropped = 0;
    for n in 0..150 {
        dropped += u64::from(offer(&session, n) == Offered::Dropped);
        session.sound_until(n + 1);
        assert!(session.recorder.statistics().waiting <= 30);
    }
    assert!(dropped > 50, "the encoder was fast enough: {dropped}");
    // it has caught up: nothing is dropped any more
    idle(&session.recorder);
    for n in 150..165 {
        assert_eq!(offer(&session, n), Offered::Taken);
        session.sound_until(n + 1);
    }
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.dropped, s.frames + s.repeated), (165 - dropped, dropped, 165));
    assert!(s.held <= s.repeated);
    let seen = times(&file, "v");
    assert_eq!(seen.len() as u64, 165 - s.held);
    let last = seen.last().unwrap() - seen[0];
    assert!((last - 164.0 / 30.0).abs() < 0.002, "the last frame is at {last}");
    assert_eq!((s.tracks[0].samples, s.tracks[0].silent), (165 * 1600, 0));
    let got = listen(&file);
    assert!(got.len() == 165 * 1600 && is_sound(&got, session.sample_of(0), 0));
}

#[test]
fn stopping_encodes_what_waits() {
    if !has_programs() || !has_encoder("libx264") {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let mut settings = settings(rate(30, 1));
    *video(&mut settings) = video(&mut settings).clone().with_option("preset", "veryslow");
    let session = Session::started(&file, settings);
    for n in 0..30 {
        let offered = session.recorder.offer(&frame(session.rate, n), Delivery::Live);
        assert_eq!(offered.unwrap(), Offered::Taken);
    }
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.repeated), (30, 0));
    assert_eq!(numbers(&file), (0..30).collect::<Vec<_>>());
}

#[test]
fn little_is_at_risk() {
    let folder = Folder::new();
    let session = Session::started(&folder.file("film.mkv"), settings(rate(30, 1)));
    for n in 0..60 {
        session.picture(n).unwrap();
    }
    idle(&session.recorder);
    let deadline = Deadline::after(Duration::from_secs(20));
    // what the encoder looks ahead, the frame it works on, and two pieces of the file
    while session.recorder.at_risk() > Duration::from_millis(8 * 34 + 2 * 250) {
        assert!(!deadline.has_passed(), "{:?}", session.recorder.at_risk());
        Wake::new().wait(Duration::from_millis(10));
    }
    session.stop();
    assert_eq!(session.recorder.at_risk(), Duration::ZERO);
}

/// Records noise until the recorder fails; the error, and the frames it had taken.
fn until_it_fails(session: &mut Session, events: &EventReader) -> Error {
    let frames: Vec<_> = (0..8).map(|n| picture(SIZE, session.rate, n, noise)).collect();
    for n in 0..20_000 {
        let deadline = Deadline::after(Duration::from_secs(30));
        while session.recorder.statistics().waiting > 4 && session.recorder.error().is_none() {
            assert!(!deadline.has_passed());
            Wake::new().wait(Duration::from_millis(1));
        }
        let frame = frames[n as usize % 8].at(session.rate.time_of(BASE + n));
        if let Err(e) = session.recorder.offer(&frame, Delivery::Live) {
            let told = events.next(Duration::from_secs(20)).unwrap();
            assert_eq!(told.new, "failed");
            assert!(told.reason.is_some_and(|r| r.contains(e.message())));
            assert!(matches!(session.recorder.state(), RecorderState::Failed(_)));
            assert_eq!(session.recorder.error().map(|e| e.kind()), Some(e.kind()));
            let again = session.recorder.offer(&frame, Delivery::Live).err().unwrap();
            assert_eq!(again.message(), e.message());
            assert_eq!(session.recorder.stop().err().map(|e| e.kind()), Some(e.kind()));
            assert!(matches!(session.recorder.state(), RecorderState::Failed(_)));
            return e;
        }
    }
    panic!("it never failed");
}

fn lossless(format: &str) -> RecorderSettings {
    let mut settings = settings(rate(30, 1));
    settings.output.format = Some(format.to_owned());
    *video(&mut settings) = video(&mut settings).clone().with_option("crf", "5");
    settings
}

#[test]
#[cfg(target_os = "linux")]
fn a_device_that_is_always_full() {
    let mut session = Session::new("/dev/full", lossless("matroska"));
    let events = session.recorder.events().reader();
    session.recorder.start().unwrap();
    assert_eq!(events.try_next().map(|e| e.new).as_deref(), Some("recording"));
    let e = until_it_fails(&mut session, &events);
    assert_eq!((e.kind(), e.errno()), (ErrorKind::DiskFull, Some(28)));
    drop(session);
    assert!(std::path::Path::new("/dev/full").exists());
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away() {
    let folder = Folder::new();
    let pipe = folder.file("pipe");
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success()) {
        return crate::media::skip("there is no mkfifo");
    }
    let mut reader =
        Command::new("head").args(["-c", "100000", &pipe]).stdout(Stdio::null()).spawn().unwrap();
    let mut session = Session::new(&pipe, lossless("matroska"));
    let events = session.recorder.events().reader();
    session.recorder.start().unwrap();
    let _ = events.try_next();
    let e = until_it_fails(&mut session, &events);
    assert_eq!(e.errno(), Some(32), "{e}");
    reader.wait().unwrap();
}

/// A file system of that many megabytes, gone when dropped.
struct Small(Folder);

impl Small {
    fn new(megabytes: u32) -> Option<Self> {
        let folder = Folder::new();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "livekit-test", &folder.file("")])
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|s| s.success()) {
            return Some(Self(folder));
        }
        crate::media::skip("a small file system cannot be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.file("")).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_a_file_that_plays() {
    if !has_programs() {
        return;
    }
    let Some(small) = Small::new(2) else { return };
    for extension in ["mp4", "mkv", "mov", "ts", "flv"] {
        let file = small.0.file(&format!("film.{extension}"));
        let name = if extension == "mkv" { "matroska" } else { extension };
        let format = if name == "ts" { "mpegts" } else { name };
        let mut session = Session::new(&file, lossless(format));
        let events = session.recorder.events().reader();
        session.recorder.start().unwrap();
        let _ = events.try_next();
        let e = until_it_fails(&mut session, &events);
        assert_eq!(e.kind(), ErrorKind::DiskFull, "{extension}: {e}");
        drop(session);
        let frames = number(&stream(&probe(&file), "video")["nb_read_frames"]);
        assert!(frames > 30.0, "{extension}: {frames} frames");
        std::fs::remove_file(&file).unwrap();
    }
}
