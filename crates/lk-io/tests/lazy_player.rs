// SPDX-License-Identifier: GPL-2.0-or-later
//! Time truth: clips whose frames carry their number come out frame by frame, from every container, at every
//! rate, after any seek.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod media;

use lk_io::media_file::{LazyPlayer, MediaInfo, OpenOptions};
use lk_media::{ClockId, ErrorKind, FrameRate, ManualClock, Sample, Sampling, Timestamp, VideoSource};
use media::{H264, Random, clip, has_ffmpeg, number, sampled, seconds};
use std::sync::Arc;

const FRAMES: usize = 150;

struct Kind {
    name: &'static str,
    rate: &'static str,
    args: &'static [&'static str],
}

const OPEN_GOP: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "3",
    "-g",
    "20",
    "-x264-params",
    "b-adapt=0:scenecut=0:open-gop=1",
];
const VP8: &[&str] = &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "40", "-b:v", "1M"];
const VP9: &[&str] =
    &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "40", "-b:v", "1M"];

const KINDS: &[Kind] = &[
    Kind { name: "h264.mp4", rate: "30", args: H264 },
    Kind { name: "h264-25.mp4", rate: "25", args: H264 },
    Kind { name: "h264-2997.mp4", rate: "30000/1001", args: H264 },
    Kind { name: "h264.mov", rate: "24000/1001", args: H264 },
    Kind { name: "h264.mkv", rate: "30", args: H264 },
    Kind { name: "h264-2997.mkv", rate: "30000/1001", args: H264 },
    Kind { name: "h264.flv", rate: "30", args: H264 },
    Kind { name: "h264-25.flv", rate: "25", args: H264 },
    Kind { name: "h264.ts", rate: "30", args: H264 },
    Kind { name: "h264-2997.ts", rate: "30000/1001", args: H264 },
    Kind { name: "open.mp4", rate: "30", args: OPEN_GOP },
    Kind { name: "open.mkv", rate: "30", args: OPEN_GOP },
    Kind { name: "open.ts", rate: "25", args: OPEN_GOP },
    Kind { name: "open.flv", rate: "30", args: OPEN_GOP },
    Kind { name: "mpeg2.ts", rate: "25", args: &["-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-q:v", "3"] },
    Kind { name: "mpeg4.avi", rate: "25", args: &["-c:v", "mpeg4", "-bf", "2", "-g", "15", "-q:v", "3"] },
    Kind { name: "raw.h264", rate: "25", args: H264 },
    Kind {
        name: "frag.mp4",
        rate: "30",
        args: &["-c:v", "libx264", "-g", "30", "-movflags", "+frag_keyframe+empty_moov"],
    },
    Kind { name: "vp8.webm", rate: "30", args: VP8 },
    Kind { name: "vp9.webm", rate: "30000/1001", args: VP9 },
];

fn each(test: &str, check: impl Fn(&str, &str, FrameRate)) {
    if !has_ffmpeg() {
        return;
    }
    for kind in KINDS {
        let path = clip(&format!("{test}-{}", kind.name), FRAMES, kind.rate, kind.args);
        check(kind.name, &path, kind.rate.parse().unwrap());
        std::fs::remove_file(&path).unwrap();
    }
}

fn exact(player: &LazyPlayer, at: Timestamp) -> (usize, bool) {
    sampled(&player.sample(at, Sampling::Exact).unwrap())
}

/// The frames that may be shown at `at`: one, or two where the container's clock rounds across the tolerance.
fn allowed(rate: FrameRate, at: Timestamp) -> (usize, usize) {
    let last = |extra: i64| {
        let mut n = 0;
        while n + 1 < FRAMES && rate.time_of(n as u64 + 1) <= at.offset(1_000_000 + extra) {
            n += 1;
        }
        n
    };
    (last(-1_010_000), last(1_010_000))
}

#[test]
fn every_frame_in_order_at_its_own_rate() {
    each("own", |name, path, rate| {
        let player = LazyPlayer::open(path, &OpenOptions::default()).unwrap();
        let claim = player.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
        for n in 0..FRAMES {
            assert_eq!(exact(&player, rate.time_of(n as u64)), (n, true), "{name}");
        }
        // it ends after the length of the last frame
        for n in FRAMES..FRAMES + 3 {
            assert_eq!(exact(&player, rate.time_of(n as u64)), (FRAMES - 1, false), "{name}");
        }
        assert!(player.is_eof_reached() && !player.is_playing());
        drop(claim);
        let seconds = player.duration().map_or(0.0, |d| d.as_secs_f64());
        if name != "raw.h264" {
            assert!((seconds - FRAMES as f64 / rate.as_f64()).abs() < 0.0015, "{name} is {seconds} s long");
            assert_eq!(player.info().video_fps(), Some(rate), "{name}");
        }
        assert_eq!(player.damaged(), 0, "{name}");
    });
}

#[test]
fn other_rates_show_the_frame_that_is_due() {
    each("other", |name, path, rate| {
        let player = LazyPlayer::open(path, &OpenOptions::default()).unwrap();
        for other in ["24", "25", "30000/1001", "30", "60", "7"] {
            let grid: FrameRate = other.parse().unwrap();
            for n in 0..200 {
                let at = grid.time_of(n);
                let (least, most) = allowed(rate, at);
                let got = exact(&player, at).0;
                assert!((least..=most).contains(&got), "{name}: at {at} {got}, not {least} to {most}");
            }
        }
    });
}

#[test]
fn any_frame_after_fifty_random_seeks() {
    each("seek", |name, path, rate| {
        let player = LazyPlayer::open(path, &OpenOptions::default()).unwrap();
        let mut random = Random(7);
        let middle = rate.period().as_nanos() as i64 / 2;
        let mut whole = Vec::new();
        for n in 0..FRAMES {
            let Sample::Frame(frame) = player.frame_at(rate.time_of(n as u64).offset(middle)).unwrap() else {
                panic!()
            };
            whole.push(frame.map_native().to_packed());
        }
        for _ in 0..50 {
            let n = random.below(FRAMES);
            let sample = player.frame_at(rate.time_of(n as u64).offset(middle)).unwrap();
            let Sample::Frame(frame) = sample else { panic!("{name}: {sample:?}") };
            assert_eq!(number(&frame), n, "{name}");
            assert!(
                frame.map_native().to_packed() == whole[n],
                "{name}: frame {n} has other pixels after a seek"
            );
            assert!(
                frame.timestamp().nanos_since(rate.time_of(n as u64)).abs() <= 1_000_000,
                "{name}: frame {n}"
            );
        }
        // a fresh player that begins in the middle, and one that goes backward
        let fresh = LazyPlayer::open(path, &OpenOptions::default()).unwrap();
        for n in [FRAMES - 1, FRAMES - 2, 31, 30, 29, 1, 0] {
            assert_eq!(
                sampled(&fresh.frame_at(rate.time_of(n as u64).offset(middle)).unwrap()),
                (n, true),
                "{name}"
            );
        }
    });
}

#[test]
fn loops_begin_again_without_a_missing_frame() {
    if !has_ffmpeg() {
        return;
    }
    for kind in KINDS.iter().filter(|k| k.name != "raw.h264") {
        let path = clip(&format!("loop-{}", kind.name), 20, kind.rate, kind.args);
        let rate: FrameRate = kind.rate.parse().unwrap();
        let player = LazyPlayer::open(&path, &OpenOptions { looping: true, ..Default::default() }).unwrap();
        assert_eq!(player.duration(), None);
        let _claim = player.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
        for n in 0..90 {
            let sample = player.sample(rate.time_of(n), Sampling::Exact).unwrap();
            assert_eq!(sampled(&sample), (n as usize % 20, true), "{}: frame {n}", kind.name);
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn claims_rates_positions_and_identity() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("claims.mp4", 90, "30", H264);
    let rate: FrameRate = "30".parse().unwrap();
    let clock = Arc::new(ManualClock::new());
    clock.set(seconds(1000.0));
    let player = LazyPlayer::open_on(&path, &OpenOptions::default(), clock.clone()).unwrap();
    player.set_position(seconds(1.0));
    assert!((player.duration().unwrap().as_secs_f64() - 2.0).abs() < 0.001);

    // two runs give the same frames at the same times, whatever the first left behind
    let run = || {
        let guard = player.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
        assert!(player.claim(ClockId::unique(), Timestamp::ZERO).is_err(), "one run at a time");
        let frames: Vec<_> = (0..40)
            .map(|n| match player.sample(rate.time_of(n), Sampling::Exact).unwrap() {
                Sample::Frame(f) => (number(&f), f.timestamp()),
                other => panic!("{other:?}"),
            })
            .collect();
        drop(guard);
        frames
    };
    let first = run();
    assert_eq!(first[0], (30, Timestamp::ZERO));
    assert_eq!(first[39], (69, rate.time_of(69).offset(-1_000_000_000)));
    assert_eq!(first, run());
    assert_eq!(player.position(), seconds(1.0));

    // unclaimed pulls play on the live clock from the first pull on
    let pull = || sampled(&player.sample(Timestamp::ZERO, Sampling::Live).unwrap()).0;
    assert_eq!(pull(), 30);
    clock.set(seconds(1000.5));
    assert_eq!(pull(), 45);
    player.stop();
    clock.set(seconds(1010.0));
    assert_eq!((pull(), player.is_playing()), (45, false));
    player.start();
    clock.set(seconds(1010.2));
    assert_eq!((pull(), player.is_playing()), (51, true));
    player.set_position(seconds(0.1));
    assert_eq!((pull(), player.position()), (3, seconds(0.1)));
    clock.set(seconds(1020.0));
    assert_eq!((pull(), player.is_eof_reached()), (89, true));
    player.start();
    assert_eq!((pull(), player.is_eof_reached()), (0, false));

    // the same picture is the same frame
    let at = |s| match player.frame_at(seconds(s)).unwrap() {
        Sample::Frame(f) => f.id(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(1.0), at(1.02));
    assert_ne!(at(1.02), at(1.04));

    let fast = LazyPlayer::open(&path, &OpenOptions { rate: 2.0, ..Default::default() }).unwrap();
    let _claim = fast.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
    for n in 0..45 {
        let Sample::Frame(f) = fast.sample(rate.time_of(n), Sampling::Exact).unwrap() else { panic!() };
        assert_eq!(number(&f), 2 * n as usize);
        assert!(f.timestamp().nanos_since(rate.time_of(n)).abs() < 10);
    }
    assert!((fast.duration().unwrap().as_secs_f64() - 1.5).abs() < 0.001);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_is_in_a_file() {
    if !has_ffmpeg() {
        return;
    }
    let mut args: Vec<&str> =
        vec!["-f", "lavfi", "-i", "sine=440:r=44100:d=2", "-c:a", "aac", "-b:a", "96k", "-ac", "1"];
    args.extend(H264);
    let path = clip("info.mp4", 60, "30000/1001", &args);
    let info = MediaInfo::open(&path, &OpenOptions::default()).unwrap();
    assert!(info.has_video() && info.has_audio());
    assert_eq!(info.video_size().map(|s| (s.width, s.height)), Some((256, 64)));
    assert_eq!(info.video_fps().map(|f| (f.num(), f.den())), Some((30000, 1001)));
    assert_eq!((info.audio_sample_rate(), info.audio_number_of_channels()), (Some(44100), Some(1)));
    assert!(
        info.video_bitrate().is_some_and(|b| b > 1000) && info.audio_bitrate().is_some_and(|b| b > 10_000)
    );
    assert!(info.duration().is_some_and(|d| (d.as_secs_f64() - 2.0).abs() < 0.05));
    let video = &info.video[0];
    assert_eq!((video.codec.as_str(), video.pixel_format.as_deref()), ("h264", Some("yuv420p")));
    assert_eq!((info.audio[0].codec.as_str(), info.audio[0].layout.as_str()), ("aac", "mono"));
    std::fs::remove_file(&path).unwrap();
}

/// Prints what decoding costs; compare with `ffmpeg -benchmark -i FILE -f null -`.
#[test]
#[ignore = "a measurement: give the clip in LIVEKIT_TEST_CLIP"]
fn decode_cost() {
    let path = std::env::var("LIVEKIT_TEST_CLIP").unwrap();
    let player = LazyPlayer::open(&path, &OpenOptions::default()).unwrap();
    let rate = player.info().video_fps().unwrap();
    let watch = lk_media::clock::Stopwatch::start();
    let mut frames = 0;
    while let Sample::Frame(_) = player.frame_at(rate.time_of(frames)).unwrap() {
        frames += 1;
    }
    println!("{frames} frames in {:?}", watch.elapsed());
    let mut random = Random(3);
    let watch = lk_media::clock::Stopwatch::start();
    (0..20).for_each(|_| drop(player.frame_at(rate.time_of(random.below(frames as usize) as u64)).unwrap()));
    println!("a random seek takes {:?}", watch.elapsed() / 20);
}

#[test]
fn decoders_are_chosen_by_name() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("named.mp4", 10, "30", H264);
    let open = |name: &str| {
        let decoder = Some(name.to_owned());
        LazyPlayer::open(&path, &OpenOptions { decoder, ..OpenOptions::default() })
    };
    let player = open("h264").unwrap();
    let _claim = player.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
    assert_eq!(exact(&player, Timestamp::ZERO), (0, true));
    // for another codec, for none, and one that hardware or its driver is missing for: errors, and none hangs
    for name in ["mpeg2video", "no such decoder", "h264_cuvid", "h264_v4l2m2m"] {
        match open(name) {
            Ok(_) => assert!(name.starts_with("h264_"), "{name} decodes H.264"),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Media, "{name}: {e}");
                assert!(e.to_string().contains(name), "{e}");
                let hint = e.hint().unwrap_or_default();
                assert!(hint.contains("h264") || hint.contains("hardware"), "{name}: {hint}");
            }
        }
    }
    std::fs::remove_file(path).unwrap();
}
