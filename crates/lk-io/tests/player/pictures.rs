// SPDX-License-Identifier: GPL-2.0-or-later
//! Time truth: frames of numbered clips at the ticks they belong to.

use super::media::{H264, Random, clip, has_ffmpeg, number, sampled, seconds};
use super::support::{Stage, clip_with_sound, heard, until};
use lk_io::media_file::{FileAudio, LazyPlayer, OpenOptions};
use lk_io::player::PlayerOptions;
use lk_media::clock::Deadline;
use lk_media::{AudioSource, CHANNELS, FrameRate, Sampling, SourceState, VideoSource};
use std::time::Duration;

const KINDS: &[(&str, &str)] = &[
    ("30.mp4", "30"),
    ("2997.mp4", "30000/1001"),
    ("60.mp4", "60"),
    ("30.mkv", "30"),
    ("2997.mkv", "30000/1001"),
    ("30.flv", "30"),
    ("25.flv", "25"),
    ("30.ts", "30"),
    ("2997.ts", "30000/1001"),
];

#[test]
fn every_frame_at_its_tick_at_equal_rates() {
    if !has_ffmpeg() {
        return;
    }
    for (name, rate) in KINDS {
        let path = clip(&format!("tick-{name}"), 75, rate, H264);
        let rate: FrameRate = rate.parse().unwrap();
        // started anywhere between two ticks of the clock's own grid
        for off in [0, 1, 400_000, 5_000_000, 16_000_000, 33_000_000] {
            let begin = rate.time_of(123_456_789).offset(off);
            let stage = Stage::new(&path, &PlayerOptions::default(), begin);
            stage.expect(begin, 0);
            stage.player.start();
            let first = rate.index_at(begin.offset(-1001)) + 1;
            for n in 0..75 {
                stage.expect(rate.time_of(first + n), n as usize);
            }
            // none was given twice or left out
            let mut given = Vec::new();
            let mut seq = 0;
            while let Some((s, frame)) = stage.ports[0].next(seq, Deadline::after(Duration::ZERO)) {
                (seq, _) = (s + 1, given.push(number(&frame)));
            }
            assert_eq!(given, (75 - given.len()..75).collect::<Vec<_>>(), "{name}");
            assert_eq!(seq, 75, "{name}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn other_rates_show_the_frame_that_is_due() {
    if !has_ffmpeg() {
        return;
    }
    for (name, rate) in [("30.mkv", "30"), ("2997.mp4", "30000/1001"), ("60.flv", "60")] {
        let path = clip(&format!("other-{name}"), 75, rate, H264);
        let rate: FrameRate = rate.parse().unwrap();
        for grid in ["30", "60", "30000/1001", "25"] {
            let grid: FrameRate = grid.parse().unwrap();
            let begin = grid.time_of(9_999_999);
            let stage = Stage::new(&path, &PlayerOptions::default(), begin);
            stage.player.start_at(begin);
            for n in 0..40 {
                let at = grid.time_of(9_999_999 + n);
                let media = at.nanos_since(begin);
                let due = |extra: i64| {
                    (0..75u64).rev().find(|f| rate.time_of(*f).as_nanos() <= media + 1_000_000 + extra)
                };
                let (least, most) = (due(-510_000).unwrap_or(0), due(510_000).unwrap_or(0));
                if least == most {
                    stage.expect(at, least as usize);
                }
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn sound_is_that_of_the_file_sample_by_sample() {
    if !has_ffmpeg() {
        return;
    }
    for (name, codec) in [
        ("pcm.mov", &["-c:a", "pcm_s16le"][..]),
        ("aac.mp4", &["-c:a", "aac", "-aac_pns", "0"]),
        ("aac.mkv", &["-c:a", "aac", "-aac_pns", "0"]),
    ] {
        let path = clip_with_sound(&format!("sound-{name}"), 60, "30", codec);
        let file = FileAudio::open(&path, &OpenOptions::default()).unwrap();
        let begin = seconds(1000.0);
        let stage = Stage::new(&path, &PlayerOptions::default(), begin);
        let sound = stage.player.sound().unwrap();
        stage.player.start_at(begin);
        for block in 0..190i64 {
            let at = begin.offset(block * 10_000_000);
            stage.clock.set(at);
            let first = 48_000_000 + block * 480;
            let mut expected = vec![0.0; 480 * CHANNELS];
            file.samples_at(block * 480, &mut expected).unwrap();
            let got = heard(&*sound, first, 480);
            let off = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let first = got.iter().zip(&expected).position(|(a, b)| a != b).unwrap_or(0);
            assert!(
                off == 0.0,
                "{name}: block {block} is off by {off} from {first} on: {:?} {:?}",
                &got[first..][..8],
                &expected[first..][..8]
            );
        }
        assert_eq!(stage.player.statistics().damaged, 0);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn laps_of_sound_are_those_of_the_file() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound("laps.mp4", 23, "30", &["-c:a", "aac", "-aac_pns", "0"]);
    let file = FileAudio::open(&path, &OpenOptions { looping: true, ..Default::default() }).unwrap();
    let begin = seconds(77.0);
    let stage = Stage::new(&path, &PlayerOptions { looping: true, ..Default::default() }, begin);
    let sound = stage.player.sound().unwrap();
    stage.player.start_at(begin);
    for block in 0..400i64 {
        stage.clock.set(begin.offset(block * 10_000_000));
        let mut expected = vec![0.0; 480 * CHANNELS];
        file.read(block * 480, &mut expected, Sampling::Exact).unwrap();
        let got = heard(&*sound, 77 * 48_000 + block * 480, 480);
        let wrong = got.iter().zip(&expected).position(|(a, b)| a != b);
        let off = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            wrong.is_none(),
            "block {block} is off by {off} from {wrong:?} on, of {}",
            stage.player.duration().unwrap()
        );
    }
    assert!(stage.player.statistics().laps > 5);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn seeks_land_on_the_frame_playing_or_not() {
    if !has_ffmpeg() {
        return;
    }
    for name in ["seek.mp4", "seek.mkv", "seek.flv", "seek.ts"] {
        let path = clip_with_sound(name, 150, "30", &["-c:a", "aac", "-aac_pns", "0"]);
        let rate: FrameRate = "30".parse().unwrap();
        let file = FileAudio::open(&path, &OpenOptions::default()).unwrap();
        let pulled = LazyPlayer::open(&path, &OpenOptions::default()).unwrap();
        let frame_at = |media| sampled(&pulled.frame_at(media).unwrap()).0;
        let stage = Stage::new(&path, &PlayerOptions::default(), seconds(500.0));
        let sound = stage.player.sound().unwrap();
        let mut random = Random(11);
        let mut now = seconds(500.0);
        for round in 0..12 {
            let place = rate.time_of(random.below(120) as u64).offset(16_000_000);
            let n = frame_at(place);
            stage.player.stop();
            stage.player.set_position(place);
            stage.expect(now, n);
            assert_eq!(stage.player.position(), place, "{name}");
            stage.player.start();
            until("it moves", || stage.player.is_ready());
            // it goes on from there, in picture and sound
            for step in 1..=10 {
                now = now.offset(33_333_333);
                stage.clock.set(now);
                let media = stage.player.position();
                let expected = frame_at(media);
                stage.expect(now, expected);
                assert!((n..=n + step).contains(&expected), "{name}");
            }
            if name.ends_with("mp4") && round > 0 {
                // the sound of the moment: its place follows from the picture's
                let media = stage.player.position();
                let first = lk_media::audio_port::sample_at(now);
                let got = heard(&*sound, first, 960);
                let guess = (media.as_nanos() as f64 * 48e-6).round() as i64;
                let best = (-2..=2)
                    .map(|d| {
                        let mut expected = vec![0.0; 960 * CHANNELS];
                        file.samples_at(guess + d, &mut expected).unwrap();
                        got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
                    })
                    .fold(1.0, f32::min);
                assert!(best < 1e-4, "{name}: at {media} off by {best}");
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn laps_follow_one_another_without_a_gap() {
    if !has_ffmpeg() {
        return;
    }
    for name in ["loop.mp4", "loop.mkv", "loop.ts"] {
        let path = clip(name, 20, "30", H264);
        let rate: FrameRate = "30".parse().unwrap();
        let begin = rate.time_of(3_000);
        let options = PlayerOptions { looping: true, ..Default::default() };
        let stage = Stage::new(&path, &options, begin);
        stage.player.start();
        for n in 0..110 {
            stage.expect(rate.time_of(3_000 + n), n as usize % 20);
        }
        stage.player.set_looping(false);
        for n in 110..120 {
            stage.expect(rate.time_of(3_000 + n), n as usize % 20);
        }
        stage.clock.set(rate.time_of(3_121));
        until("it ends", || stage.player.is_eof_reached());
        assert_eq!(stage.ports[0].latest().map(|f| number(&f)), Some(19), "{name}");
        assert!(matches!(stage.ports[0].state(), SourceState::Ended));
        std::fs::remove_file(&path).unwrap();
    }
}
