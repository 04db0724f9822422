// SPDX-License-Identifier: GPL-2.0-or-later
//! Starting, stopping, ending, and what a player promises to those around it.

use super::media::{H264, clip, has_ffmpeg, number, sampled, seconds};
use super::support::{HANG, Stage, clip_with_sound, heard, until};
use lk_io::Player;
use lk_io::media_file::{FileAudio, LazyPlayer, OpenOptions};
use lk_io::player::PlayerOptions;
use lk_media::audio_port::sample_at;
use lk_media::{
    AudioRead, CHANNELS, ClockId, Delivery, Error, ErrorKind, Exactness, Frame, FrameRate, Offered, Result,
    Sampling, SourceState, TargetStatistics, Timestamp, VideoPort, VideoSource, VideoTarget, VideoWish, Wake,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn rate30() -> FrameRate {
    FrameRate::new(30, 1).unwrap()
}

const AAC: &[&str] = &["-c:a", "aac", "-aac_pns", "0"];

#[test]
fn stands_at_its_first_frame_stops_and_goes_on_there() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound("pause.mov", 90, "30", &["-c:a", "pcm_s16le"]);
    let rate = rate30();
    let begin = rate.time_of(6_000);
    let stage = Stage::new(&path, &PlayerOptions::default(), begin);
    let (player, sound) = (&stage.player, stage.player.sound().unwrap());
    assert!(!player.is_playing() && player.position() == Timestamp::ZERO);
    assert!(matches!(player.state(), SourceState::Live));
    stage.expect(rate.time_of(6_300), 0);
    assert!(heard(&*sound, sample_at(begin), 480).iter().all(|s| *s == 0.0), "silent while it stands");

    stage.clock.set(begin);
    player.start();
    let file = FileAudio::open(&path, &OpenOptions::default()).unwrap();
    let expected = |first: i64| {
        let mut out = vec![0.0; 480 * CHANNELS];
        file.samples_at(first, &mut out).unwrap();
        out
    };
    for n in 0..=20 {
        stage.expect(rate.time_of(6_000 + n), n as usize);
    }
    let first = sample_at(begin);
    assert_eq!(heard(&*sound, first + 30_000, 480), expected(30_000));
    player.stop();
    assert_eq!(player.position(), rate.time_of(20));
    let stopped = sample_at(rate.time_of(6_020));
    assert_eq!(heard(&*sound, stopped - 480, 480), expected(stopped - first - 480), "what was heard stays");
    let fading = heard(&*sound, stopped - 1, 481);
    assert!(smooth(&fading, 0.03) && fading[2 * 240..2 * 241] != [0.0, 0.0], "it fades");
    assert!(heard(&*sound, stopped + 479, 4800).iter().all(|s| *s == 0.0), "silent from then on");
    for n in [21, 22, 25, 300] {
        stage.expect(rate.time_of(6_000 + n), 20);
    }
    assert!(!player.is_playing() && matches!(player.state(), SourceState::Live));

    // somewhere between two ticks
    stage.clock.set(rate.time_of(6_400).offset(7_000_000));
    player.start();
    for n in 1..=30 {
        stage.expect(rate.time_of(6_400 + n), 19 + n as usize);
    }
    let origin = sample_at(rate.time_of(6_401)) - sample_at(rate.time_of(20));
    let at = sample_at(rate.time_of(6_410));
    assert_eq!(heard(&*sound, at, 480), expected(at - origin));
    let begin = sample_at(rate.time_of(6_400).offset(7_000_000));
    let start = heard(&*sound, begin - 480, 4800);
    assert!(smooth(&start, 0.07) && start[..2 * 480].iter().all(|s| *s == 0.0), "it comes in softly");

    // twice as fast, then as before
    stage.player.set_rate(2.0).unwrap();
    for n in 31..=35 {
        stage.expect(rate.time_of(6_400 + n), 49 + 2 * (n as usize - 30));
    }
    assert!(player.set_rate(0.0).is_err() && player.set_gain_db(f32::NAN).is_err());
    player.set_rate(1.0).unwrap();
    let before = heard(&*sound, at, 480);
    player.set_muted(true);
    assert_eq!(heard(&*sound, at, 480), before, "what was heard stays");
    assert!(smooth(&heard(&*sound, at, 960), 0.07));
    assert!(heard(&*sound, at + 959, 480).iter().all(|s| *s == 0.0));
    std::fs::remove_file(&path).unwrap();
}

/// Whether no sample is farther from the next than `step`.
fn smooth(samples: &[f32], step: f32) -> bool {
    samples.iter().zip(&samples[CHANNELS..]).all(|(a, b)| (a - b).abs() <= step)
}

#[test]
fn seeks_and_other_rates_make_no_click() {
    if !has_ffmpeg() {
        return;
    }
    // a slow tone, in which any jump is one
    let source = "aevalsrc='0.5*cos(2*PI*110*t)|0.5*cos(2*PI*220*t)':s=48000:d=10";
    let args = ["-f", "lavfi", "-i", source, "-map", "0:v", "-map", "1:a"];
    let path = clip("tone.mkv", 300, "30", &[&args, H264, &["-c:a", "pcm_f32le"]].concat());
    let rate = rate30();
    let stage = Stage::new(&path, &PlayerOptions::default(), rate.time_of(6_000));
    let (player, sound) = (&stage.player, stage.player.sound().unwrap());
    let (mut now, mut all) = (6_000, Vec::new());
    let mut play = |frames: u64| {
        for _ in 0..frames {
            let first = sample_at(rate.time_of(now));
            now += 1;
            stage.clock.set(rate.time_of(now));
            all.extend(heard(&*sound, first, 1600));
        }
    };
    player.start();
    play(15);
    for place in [7.003, 2.0041, 5.55, 0.9] {
        player.set_position(Timestamp::from_secs_f64(place));
        until("it plays there", || {
            play(1);
            player.position().as_secs_f64() > place + 0.001
        });
        play(15);
    }
    player.set_rate(1.7).unwrap();
    play(6);
    player.set_rate(1.0).unwrap();
    play(20);
    player.set_muted(true);
    play(3);
    // but for the beginning, which is what the file begins with
    let all = &all[all.iter().position(|s| *s != 0.0).unwrap() / CHANNELS * CHANNELS..];
    let steepest = all.iter().zip(&all[CHANNELS..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let sounding = all.iter().filter(|s| s.abs() > 0.3).count();
    // the tone itself at 1.7 times its speed, and two ramps over it
    assert!(steepest < 0.5 * 0.0288 * 1.7 + 0.004, "{steepest}");
    assert!(sounding > 100 * 1600, "{sounding} of {}", all.len());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn ends_and_begins_again() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound("end.mp4", 30, "30", AAC);
    let rate = rate30();
    let pulled = LazyPlayer::open(&path, &OpenOptions::default()).unwrap();
    let stage = Stage::new(&path, &PlayerOptions::default(), rate.time_of(900));
    let events = stage.player.events().reader();
    let sound = stage.player.sound().unwrap();
    stage.player.start_at(rate.time_of(900));
    for n in 0..30 {
        let frame = sampled(&pulled.frame_at(rate.time_of(n)).unwrap()).0;
        stage.expect(rate.time_of(900 + n), frame);
    }
    assert!(!stage.player.is_eof_reached());
    stage.clock.set(rate.time_of(935));
    until("the end", || stage.player.is_eof_reached());
    assert!(!stage.player.is_playing() && matches!(stage.player.state(), SourceState::Ended));
    let event = events.next(HANG).unwrap();
    assert_eq!((event.old.as_str(), event.new.as_str()), ("live", "ended"));
    assert_eq!(stage.ports[1].at(rate.time_of(990)).map(|f| number(&f)), Some(29), "the last frame stays");
    let mut out = vec![1.0; 960];
    let read = sound.read(sample_at(rate.time_of(960)), &mut out, Sampling::Live).unwrap();
    assert!(read == AudioRead::Ended && out.iter().all(|s| *s == 0.0));
    let length = stage.player.duration().unwrap();
    assert!(stage.player.position().nanos_since(length).abs() < 40_000_000);

    stage.player.start();
    until("it is ready", || stage.player.is_ready() && stage.player.is_playing());
    let anchor = rate.time_of(935);
    for n in 1..20 {
        stage.clock.set(anchor.offset(n * 33_333_334));
        let frame = sampled(&pulled.frame_at(stage.player.position()).unwrap()).0;
        stage.expect(anchor.offset(n * 33_333_334), frame);
    }
    assert_eq!(events.next(HANG).unwrap().new, "live");
    std::fs::remove_file(&path).unwrap();
}

/// A target that takes nothing, and one that fails.
struct Blocked(AtomicU64, bool);

impl VideoTarget for Blocked {
    fn name(&self) -> String {
        "blocked".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish::default()
    }
    fn offer(&self, _frame: &Frame, delivery: Delivery) -> Result<Offered> {
        assert_eq!(delivery, Delivery::Live);
        self.0.fetch_add(1, Ordering::Relaxed);
        if self.1 { Err(Error::new(ErrorKind::Output, "broken")) } else { Ok(Offered::Dropped) }
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

#[test]
fn a_blocked_target_and_a_broken_one_disturb_nobody() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("targets.mp4", 60, "30", H264);
    let rate = rate30();
    let stage = Stage::new(&path, &PlayerOptions::default(), rate.time_of(30));
    let blocked = Arc::new(Blocked(AtomicU64::new(0), false));
    let broken = Arc::new(Blocked(AtomicU64::new(0), true));
    let events = stage.player.events().reader();
    stage.player.add_target(blocked.clone()).unwrap();
    assert!(stage.player.add_target(broken.clone()).is_err());
    stage.player.start();
    for n in 0..50 {
        stage.expect(rate.time_of(30 + n), n as usize);
    }
    assert!(blocked.0.load(Ordering::Relaxed) >= 50);
    assert!(broken.0.load(Ordering::Relaxed) <= 2 && stage.player.targets().len() == 3);
    assert!(events.try_next().is_none_or(|e| e.source == "blocked" && e.new == "failed"));
    let port: Arc<dyn VideoTarget> = stage.ports[0].clone();
    assert!(stage.player.remove_target(&port) && !stage.player.remove_target(&port));
    stage.clock.set(rate.time_of(95));
    until("the end", || stage.player.is_eof_reached());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn exact_for_offline_runs_through_ports_too() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound("exact.mp4", 60, "30", AAC);
    let rate = rate30();
    let player = Player::open(&path, &PlayerOptions::default()).unwrap();
    let port = Arc::new(VideoPort::new());
    player.add_target(port.clone()).unwrap();
    assert_eq!((port.exactness(), player.video().exactness()), (Exactness::Exact, Exactness::Exact));
    let pulled = LazyPlayer::open(&path, &OpenOptions::default()).unwrap();
    let file = FileAudio::open(&path, &OpenOptions::default()).unwrap();
    player.set_position(seconds(0.5));
    until("it is there", || player.is_ready());
    let sound = player.sound().unwrap();
    for _ in 0..2 {
        let claims = [
            port.claim(ClockId::unique(), Timestamp::ZERO).unwrap(),
            sound.claim(ClockId::unique(), Timestamp::ZERO).unwrap(),
        ];
        assert_eq!(
            port.claim(ClockId::unique(), Timestamp::ZERO).err().map(|e| e.kind()),
            Some(ErrorKind::Busy)
        );
        for n in 0..30 {
            let got = sampled(&port.sample(rate.time_of(n), Sampling::Exact).unwrap());
            assert_eq!(
                got,
                sampled(&pulled.frame_at(seconds(0.5).offset(rate.time_of(n).as_nanos())).unwrap())
            );
        }
        let (mut got, mut expected) = (vec![0.0; 960], vec![0.0; 960]);
        sound.read(1000, &mut got, Sampling::Exact).unwrap();
        file.samples_at(25_000, &mut expected).unwrap();
        assert_eq!(got, expected);
        drop(claims);
    }
    assert!(!player.is_playing() && player.position() == seconds(0.5), "offline runs leave it alone");
    // a live run of several scenes plays along
    let start = Timestamp::from_secs_f64(1.0);
    assert!(player.video().claim(ClockId::unique(), start).unwrap().is_none());
    assert!(player.video().claim(ClockId::unique(), start).unwrap().is_none());
    assert!(player.is_playing());
    drop(player);
    assert_eq!(sound.exactness(), Exactness::Exact, "a source keeps its player");
    drop(sound);
    assert!(matches!(port.exactness(), Exactness::LiveOnly(_)), "a target does not");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn damage_in_the_middle_is_skipped_and_counted() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound("damaged.ts", 150, "30", &["-c:a", "mp2"]);
    let mut bytes = std::fs::read(&path).unwrap();
    let (from, to) = (bytes.len() * 4 / 10, bytes.len() * 5 / 10);
    for (n, byte) in bytes[from..to].iter_mut().enumerate() {
        if n % 7 == 0 {
            *byte ^= 0x5a;
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let rate = rate30();
    let stage = Stage::new(&path, &PlayerOptions::default(), rate.time_of(30));
    stage.player.start();
    let mut n = 30;
    until("the end", || {
        n += 1;
        stage.clock.set(rate.time_of(n));
        stage.player.is_eof_reached()
    });
    assert!(matches!(stage.player.state(), SourceState::Ended));
    assert!(stage.player.statistics().decoded > 60, "{:?}", stage.player.statistics());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_cannot_be_opened_says_so() {
    let kind = |name: &str, o: &PlayerOptions| Player::open(name, o).err().map(|e| e.kind());
    let options = PlayerOptions::default();
    assert_eq!(kind("/nothing/there.mp4", &options), Some(ErrorKind::MediaNotFound));
    let nothing = PlayerOptions { play_audio: false, play_video: false, ..Default::default() };
    assert_eq!(kind("x.mp4", &nothing), Some(ErrorKind::Parameter));
    if !has_ffmpeg() {
        return;
    }
    let path = clip("silent.mp4", 5, "30", H264);
    let sound_only = PlayerOptions { play_video: false, ..Default::default() };
    assert_eq!(kind(&path, &sound_only), Some(ErrorKind::Media));
    std::fs::write(&path, b"no media at all, only text that goes on for a while").unwrap();
    assert_eq!(kind(&path, &options), Some(ErrorKind::Media));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn opened_and_dropped_in_any_order() {
    cycles(40);
}

#[test]
#[ignore = "a long proof: make verify"]
fn opened_and_dropped_a_thousand_times() {
    cycles(1000);
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn cycles(count: usize) {
    if !has_ffmpeg() {
        return;
    }
    let path = clip_with_sound(&format!("cycles-{count}.mp4"), 60, "30", AAC);
    let one = |n: usize| {
        let looping = n.is_multiple_of(3);
        let player = Player::open(&path, &PlayerOptions { looping, ..Default::default() }).unwrap();
        let port = Arc::new(VideoPort::new());
        player.add_target(port.clone()).unwrap();
        let (video, sound) = (player.video(), player.sound());
        if n.is_multiple_of(2) {
            player.start();
        }
        if n.is_multiple_of(5) {
            player.set_position(seconds(1.0));
        }
        match n % 4 {
            0 => drop((player, port, video, sound)),
            1 => drop((port, sound, video, player)),
            2 => drop((sound, player, video, port)),
            _ => {
                // the last one goes on another thread
                let done = Wake::new();
                let there = done.clone();
                drop((player, sound));
                let thread = lk_media::thread::spawn("test-drop", move || {
                    drop(video);
                    there.ring();
                });
                assert!(done.wait(HANG));
                thread.unwrap().join().unwrap();
            }
        }
    };
    (0..8).for_each(one);
    until("other tests' threads settle", || true);
    (0..count).for_each(one);
    println!("after {count}: {} threads, {} descriptors", threads(), descriptors());
    if std::env::var_os("LK_VERIFY").is_some() {
        assert!(threads() < 12 && descriptors() < 40, "{} threads, {} descriptors", threads(), descriptors());
    }
    std::fs::remove_file(&path).unwrap();
}
