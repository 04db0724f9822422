// SPDX-License-Identifier: GPL-2.0-or-later
//! One tick, one frame: numbers in, the same numbers at their times out.

use crate::feeding::*;
use crate::support::{Folder, has_programs, number, probe, stream, times};
use lk_io::record::RecorderSettings;
use lk_media::{Delivery, Offered, VideoTarget};

#[test]
fn every_frame_in_every_container() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for (extension, rate) in [
        ("mp4", rate(30, 1)),
        ("mkv", rate(30_000, 1001)),
        ("mov", rate(60, 1)),
        ("flv", rate(30, 1)),
        ("ts", rate(25, 1)),
    ] {
        let file = folder.file(&format!("film.{extension}"));
        let mut session = Session::started(&file, RecorderSettings::new(SIZE, rate, true));
        session.run(0..100);
        let report = session.stop();
        let s = &report.statistics;
        assert_eq!((s.frames, s.repeated, s.held, s.dropped, s.surplus, s.waiting), (100, 0, 0, 0, 0, 0));
        assert_eq!(s.tracks[0].samples, rate.sample_of(100, 48_000), "{extension}");
        assert!(s.tracks[0].silent <= 480, "{extension}: {s:?}");
        assert_eq!(s.duration.as_nanos(), rate.time_of(100).as_nanos() as u128);
        assert_eq!(report.bytes, std::fs::metadata(&file).unwrap().len());
        assert_eq!(numbers(&file), (0..100).collect::<Vec<_>>(), "{extension}");
        let seen = times(&file, "v");
        for (n, t) in seen.iter().enumerate() {
            let expected = seen[0] + n as f64 / rate.as_f64();
            assert!((t - expected).abs() < 0.0011, "{extension}: frame {n} at {t}");
        }
        assert_eq!(stream(&probe(&file), "audio")["codec_name"], "aac");
    }
}

#[test]
fn a_missing_index_repeats_the_frame_before() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let mut session = Session::started(&file, aac());
    let missing = |n: u64| matches!(n, 5 | 20..25 | 40..69);
    let mut expected = Vec::new();
    for n in 0..100 {
        if !missing(n) {
            assert_eq!(session.picture(n).unwrap(), Offered::Taken);
            expected.push(n);
        } else {
            expected.push(*expected.last().unwrap());
        }
        session.sound_until(n + 1);
    }
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.repeated, s.held, s.dropped), (65, 35, 0, 0));
    assert_eq!(numbers(&file), expected);
    assert_eq!(s.tracks[0].samples, session.rate.sample_of(100, 48_000));
}

fn aac() -> RecorderSettings {
    RecorderSettings::new(SIZE, rate(30, 1), true)
}

#[test]
fn a_long_hole_keeps_the_time_without_frames() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv", "flv", "mov"] {
        let file = folder.file(&format!("film.{extension}"));
        let mut session = Session::started(&file, RecorderSettings::new(SIZE, rate(30, 1), true));
        session.run(0..50);
        // stopped for 30 s, and nothing was mixed meanwhile
        session.skip_sound_until(950);
        session.run(950..1000);
        let s = session.stop().statistics;
        assert_eq!((s.frames, s.repeated, s.held, s.dropped), (100, 900, 900, 0), "{extension}");
        assert_eq!(s.tracks[0].samples, 1000 * 1600);
        assert!(s.tracks[0].silent.abs_diff(900 * 1600) < 960, "{s:?}");
        let shown: Vec<u64> = (0..50).chain(950..1000).collect();
        assert_eq!(numbers(&file), shown, "{extension}");
        let seen = times(&file, "v");
        for (t, n) in seen.iter().zip(&shown) {
            let expected = seen[0] + *n as f64 / 30.0;
            assert!((t - expected).abs() < 0.0011, "{extension}: frame {n} at {t} instead of {expected}");
        }
    }
}

#[test]
fn a_hole_at_the_end_has_its_length() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let mut session = Session::started(&file, aac());
    session.run(0..10);
    // the picture stops, the sound goes on for longer than it waits for pictures
    session.sound_until(300);
    // until the sound has waited long enough
    let deadline = lk_media::clock::Deadline::after(std::time::Duration::from_secs(20));
    while session.recorder.statistics().duration.as_secs_f64() < 4.0 && !deadline.has_passed() {
        lk_media::Wake::new().wait(std::time::Duration::from_millis(10));
    }
    let report = session.stop();
    let s = &report.statistics;
    assert!(s.duration.as_secs_f64() >= 4.0, "{s:?}");
    assert_eq!(s.frames, 10);
    assert_eq!(s.tracks[0].samples, session.rate.sample_of(s.frames + s.repeated, 48_000));
    let probed = probe(&file);
    let length = number(&stream(&probed, "video")["duration"]);
    assert!((length - s.duration.as_secs_f64()).abs() < 0.001, "{length} {s:?}");
}

#[test]
fn frames_that_have_gone_by_are_surplus() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let session = Session::started(&file, settings(rate(30, 1)));
    for n in 0..30 {
        assert_eq!(session.picture(n).unwrap(), Offered::Taken);
        assert_eq!(session.picture(n).unwrap(), Offered::Dropped);
    }
    assert_eq!(session.picture(7).unwrap(), Offered::Dropped);
    let counted = VideoTarget::statistics(&session.recorder);
    assert_eq!((counted.frames, counted.dropped), (30, 31));
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.surplus, s.repeated), (30, 31, 0));
    assert_eq!(numbers(&file), (0..30).collect::<Vec<_>>());
}

#[test]
fn twice_the_rate_is_every_other_frame() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let session = Session::started(&file, settings(rate(30, 1)));
    let sixty = rate(60, 1);
    for n in 0..60 {
        let at = sixty.time_of(2 * BASE + n);
        let _ = session.picture_at(n, at);
    }
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.surplus, s.repeated), (30, 30, 0));
    assert_eq!(numbers(&file), (0..60).step_by(2).collect::<Vec<_>>());
}

#[test]
fn frames_before_the_start_are_not_recorded() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    let mut session = Session::new(&file, with_sound(rate(30, 1)));
    session.run(0..20);
    session.recorder.start().unwrap();
    session.run(20..50);
    let s = session.stop().statistics;
    assert_eq!((s.frames, s.repeated), (30, 0));
    assert_eq!(numbers(&file), (20..50).collect::<Vec<_>>());
    let got = listen_to(&file, 0);
    assert_eq!(got.len() as u64, 30 * 1600);
    // the block across the start came before it
    assert!(is_sound(&got[480..], session.sample_of(20) + 480, 0));
    let offered = session.recorder.offer(&frame(session.rate, 60), Delivery::Live);
    assert_eq!(offered.err().map(|e| e.kind()), Some(lk_media::ErrorKind::Closed));
}

#[test]
fn every_encoder_works_live() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for encoder in [
        "libx264",
        "libopenh264",
        "libx265",
        "libvpx-vp9",
        "libvpx",
        "libaom-av1",
        "libsvtav1",
        "librav1e",
        "mpeg4",
        "mjpeg",
        "prores_ks",
        "ffv1",
    ] {
        if !crate::support::has_encoder(encoder) {
            continue;
        }
        let file = folder.file("film.mkv");
        let mut settings = settings(rate(30, 1));
        video(&mut settings).codec = Some(encoder.to_owned());
        let session = Session::started(&file, settings);
        for n in 0..12 {
            assert_eq!(session.picture(n).unwrap(), Offered::Taken, "{encoder}");
        }
        let report = session.stop();
        assert_eq!((report.statistics.frames, report.video.as_deref()), (12, Some(encoder)));
        assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "12", "{encoder}");
    }
}
