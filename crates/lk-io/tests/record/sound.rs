// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound stands where its position says, to the sample.

use crate::feeding::*;
use crate::support::{Folder, has_programs, listen, probe, stream, times};
use lk_io::encode::AudioSettings;
use lk_io::record::RecorderSettings;
use lk_media::{AudioBlock, CHANNELS, Delivery, Offered, SAMPLE_RATE};

#[test]
fn to_the_sample_at_every_rate() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for rate in [rate(30, 1), rate(30_000, 1001), rate(60_000, 1001), rate(24, 1), rate(7, 3)] {
        let file = folder.file("film.mkv");
        let mut session = Session::started(&file, with_sound(rate));
        // no more sound than may wait
        let frames = if rate.as_f64() < 10.0 { 15 } else { 60 };
        session.run(0..frames);
        let s = session.stop().statistics;
        let length = rate.sample_of(frames, SAMPLE_RATE);
        let got = listen(&file);
        assert_eq!((s.tracks[0].samples, s.tracks[0].silent, got.len() as u64), (length, 0, length));
        assert!(is_sound(&got, session.sample_of(0), 0), "at {rate}");
    }
}

#[test]
fn holes_are_silent_and_overlaps_are_cut() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let session = Session::started(&file, with_sound(rate(30, 1)));
    let track = session.recorder.track(0).unwrap();
    let start = session.sample_of(0);
    for n in 0..60 {
        session.picture(n).unwrap();
    }
    let offer = |from: u64, to: u64| {
        let offered = track.offer_audio(&block(start + from, to - from, 0), Delivery::Live).unwrap();
        assert_eq!(offered, Offered::Taken);
    };
    offer(100, 5000);
    offer(4000, 6000);
    offer(5500, 5600);
    offer(10_000, 90_000);
    let s = session.stop().statistics;
    assert_eq!((s.tracks[0].samples, s.tracks[0].silent), (96_000, 100 + 4000 + 6000));
    let got = listen(&file);
    assert_eq!(got.len(), 96_000);
    assert!(is_sound(&got[100..6000], start + 100, 0) && is_sound(&got[10_000..90_000], start + 10_000, 0));
    assert!(got[..100].iter().chain(&got[6000..10_000]).chain(&got[90_000..]).all(|s| *s == 0.0));
}

#[test]
fn several_tracks() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mkv", "mp4"] {
        let file = folder.file(&format!("film.{extension}"));
        let mut settings = with_sound(rate(30, 1))
            .with_track("microphone", AudioSettings::with_codec("flac"))
            .with_track("game", AudioSettings::with_codec("flac"));
        settings.output.options.push(("strict".to_owned(), "-2".to_owned()));
        let mut session = Session::started(&file, settings);
        assert_eq!(session.recorder.tracks(), 3);
        assert_eq!(session.recorder.track(3).err().map(|e| e.kind()), Some(lk_media::ErrorKind::Index));
        assert!(session.recorder.track(1).unwrap().name().contains("microphone"));
        session.run(0..45);
        let report = session.stop();
        assert_eq!(report.statistics.tracks[2].name, "game");
        for track in 0..3 {
            assert_eq!(report.statistics.tracks[track].samples, 72_000);
            let got = listen_to(&file, track);
            assert!(
                got.len() == 72_000 && is_sound(&got, session.sample_of(0), track),
                "{extension} {track}"
            );
        }
    }
}

#[test]
fn a_flash_and_a_beep_come_together() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv", "mov", "flv", "ts"] {
        let rate = rate(30_000, 1001);
        let file = folder.file(&format!("film.{extension}"));
        let session = Session::started(&file, RecorderSettings::new(SIZE, rate, true));
        let track = session.recorder.track(0).unwrap();
        let start = session.sample_of(0);
        let beep = session.sample_of(45);
        let mut mixed = start / 480 * 480;
        for n in 0..90 {
            // number 65535 is white
            let shown = if (45..48).contains(&n) { 0xffff } else { 0 };
            session.picture_at(shown, rate.time_of(BASE + n)).unwrap();
            while mixed < session.sample_of(n + 1) {
                let phase = |p: u64| (p - beep) as f32 / 48.0 * std::f32::consts::TAU;
                let tone = |p: u64| if p < beep { 0.0 } else { 0.8 * phase(p).cos() };
                let samples = (mixed..mixed + 480).flat_map(|p| [tone(p); CHANNELS]).collect();
                let block = AudioBlock { position: mixed, samples };
                track.offer_audio(&block, Delivery::Live).unwrap();
                mixed += 480;
            }
        }
        session.stop();
        let bright = numbers(&file).iter().position(|n| *n == 0xffff);
        assert_eq!(bright, Some(45), "{extension}");
        let sound = listen(&file);
        let onset = sound.iter().position(|s| s.abs() > 0.3).unwrap();
        let apart = times(&file, "a")[0] + onset as f64 / 48_000.0 - times(&file, "v")[45];
        assert!(apart.abs() < 0.003, "{extension}: the beep is {apart} s after the flash");
    }
}

#[test]
fn a_track_that_nobody_feeds_is_silent_and_holds_nothing_up() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let session = Session::started(&file, RecorderSettings::new(SIZE, rate(30, 1), true));
    for n in 0..90 {
        session.picture(n).unwrap();
    }
    // it is filled while the recording goes on, not at its end
    let deadline = lk_media::clock::Deadline::after(std::time::Duration::from_secs(20));
    while session.recorder.statistics().tracks[0].samples < 100_000 {
        assert!(!deadline.has_passed(), "{:?}", session.recorder.statistics());
        lk_media::Wake::new().wait(std::time::Duration::from_millis(20));
    }
    let s = session.stop().statistics;
    assert_eq!((s.tracks[0].samples, s.tracks[0].silent), (144_000, 144_000));
    assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "90");
}

#[test]
fn sound_alone() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["flac", "wav", "mka"] {
        let file = folder.file(&format!("sound.{extension}"));
        let mut settings = with_sound(rate(30, 1));
        settings.output.video = None;
        if extension == "wav" {
            settings.output.audio = Some(AudioSettings::default());
        }
        let mut session = Session::started(&file, settings);
        assert_eq!(session.recorder.size(), None);
        session.sound_until(30);
        session.recorder.pause().unwrap();
        session.sound_until(45);
        session.recorder.resume().unwrap();
        session.sound_until(60);
        let s = session.stop().statistics;
        // whole blocks, from the one in which frame 0 begins
        let first = session.sample_of(0) / 480 * 480;
        let cut = |n: u64| session.sample_of(n).next_multiple_of(480);
        let length = cut(30) - first + cut(60) - cut(45);
        assert_eq!((s.tracks[0].samples, s.tracks[0].silent), (length, 0), "{extension}");
        let got = listen(&file);
        let middle = (cut(30) - first) as usize;
        assert_eq!(got.len() as u64, length, "{extension}");
        assert!(is_sound(&got[..middle], first, 0) && is_sound(&got[middle..], cut(45), 0), "{extension}");
    }
}

#[test]
fn sound_of_another_time_line_is_not_waited_for() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for shift in [1i64 << 40, -(1i64 << 30)] {
        let file = folder.file("film.mkv");
        let session = Session::started(&file, with_sound(rate(30, 1)));
        let track = session.recorder.track(0).unwrap();
        for n in 0..150 {
            session.picture(n).unwrap();
            let position = session.sample_of(n).checked_add_signed(shift).unwrap();
            track.offer_audio(&block(position, 1600, 0), Delivery::Live).unwrap();
        }
        let s = session.stop().statistics;
        assert_eq!((s.frames, s.repeated), (150, 0));
        assert_eq!((s.tracks[0].samples, s.tracks[0].silent), (240_000, 240_000));
        assert_eq!(numbers(&file).len(), 150);
    }
}
