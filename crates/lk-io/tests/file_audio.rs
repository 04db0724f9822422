// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound truth: the samples of a file are where FFmpeg's own command line puts them, from any place.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod media;

use lk_io::media_file::{FileAudio, LazyPlayer, OpenOptions};
use lk_media::{AudioRead, AudioSource, ClockId, ErrorKind, Sampling, Timestamp, VideoSource};
use media::{H264, Random, clip, ffmpeg, has_ffmpeg, place, seconds};

fn file(name: &str, args: &[&str]) -> String {
    let path = place(name).to_string_lossy().into_owned();
    let mut all = args.to_vec();
    all.push(&path);
    ffmpeg(&all, &[]);
    path
}

/// What FFmpeg's command line makes of it.
fn reference(path: &str) -> Vec<f32> {
    let bytes = ffmpeg(&["-i", path, "-vn", "-f", "f32le", "-ar", "48000", "-ac", "2", "-"], &[]);
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn whole(audio: &FileAudio, block: usize) -> Vec<f32> {
    let mut all = Vec::new();
    let mut first = 0;
    loop {
        let mut out = vec![9.0; block * 2];
        let read = audio.samples_at(first, &mut out).unwrap();
        all.extend(out);
        first += block as i64;
        if read == AudioRead::Ended {
            return all;
        }
    }
}

/// The offset (in samples) of `b` against `a` with the least difference, and that difference.
fn best_offset(a: &[f32], b: &[f32]) -> (i64, f32) {
    let (from, len) = (20_000, 20_000);
    let off = |d: i64| {
        let worst = (from..from + len).map(|n| {
            let m = (n as i64 + d) as usize;
            (a[n * 2] - b[m * 2]).abs().max((a[n * 2 + 1] - b[m * 2 + 1]).abs())
        });
        worst.fold(0.0, f32::max)
    };
    (-100..=100).map(|d| (d, off(d))).min_by(|x, y| x.1.total_cmp(&y.1)).unwrap()
}

const NOISE: &str = "anoisesrc=d=6:c=pink:r=44100:seed=3:a=0.4";
const SWEEP: &str = "aevalsrc='0.4*sin(300*t*t)|0.3*sin(440*2*PI*t)':s=48000:d=6";

/// Name, source, encoding, whether seeking gives the very same samples.
type Kind = (&'static str, &'static str, &'static [&'static str], f32);

const KINDS: &[Kind] = &[
    ("a.wav", SWEEP, &["-c:a", "pcm_s16le"], 1e-6),
    ("b.wav", NOISE, &["-c:a", "pcm_s16le"], 1e-5),
    ("c.wav", NOISE, &["-c:a", "pcm_u8", "-ar", "11025"], 1e-5),
    ("d.wav", NOISE, &["-c:a", "pcm_s24le", "-ar", "96000", "-ac", "6"], 1e-5),
    ("e.m4a", SWEEP, &["-c:a", "aac", "-aac_pns", "0"], 1e-4),
    ("f.mp4", NOISE, &["-c:a", "aac", "-aac_pns", "0"], 1e-4),
    ("g.mkv", SWEEP, &["-c:a", "aac", "-aac_pns", "0"], 1e-4),
    ("h.flac", NOISE, &["-c:a", "flac"], 1e-5),
    ("i.mp3", NOISE, &["-c:a", "libmp3lame"], 1e-3),
    ("j.flv", NOISE, &["-c:a", "aac", "-aac_pns", "0"], 1e-4),
    ("k.ts", SWEEP, &["-c:a", "aac", "-aac_pns", "0"], 1e-4),
    ("l.webm", SWEEP, &["-c:a", "libopus"], 0.02),
    ("m.mkv", SWEEP, &["-c:a", "pcm_s16le"], 1e-5),
];

#[test]
fn samples_are_where_ffmpeg_puts_them_and_seeking_changes_nothing() {
    if !has_ffmpeg() {
        return;
    }
    for (name, source, args, tolerance) in KINDS {
        let mut all = vec!["-f", "lavfi", "-i", source];
        all.extend(*args);
        let path = file(name, &all);
        let audio = FileAudio::open(&path, &OpenOptions::default()).unwrap();
        let mine = whole(&audio, 480);
        let theirs = reference(&path);
        let (offset, worst) = best_offset(&mine, &theirs);
        println!(
            "{name}: offset {offset}, worst difference {worst}, lengths {} {}",
            mine.len(),
            theirs.len()
        );
        // FFmpeg 5.1's command line starts Matroska at the first, not yet audible sample
        let most = if name.ends_with("mkv") || name.ends_with("webm") { 2000 } else { 1 };
        assert!(offset.abs() <= most && worst < 2e-3, "{name}: offset {offset}, difference {worst}");
        assert!((mine.len() as i64 - theirs.len() as i64).abs() < 2 * 2600, "{name}");

        let mut random = Random(5);
        for _ in 0..30 {
            let first = random.below(mine.len() / 2 - 3000) as i64;
            let mut out = vec![0.0; 2 * 1000];
            audio.samples_at(first, &mut out).unwrap();
            let same = &mine[first as usize * 2..][..2000];
            let worst = out.iter().zip(same).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let moved = |d: usize| {
                (0..800).map(|n| (out[n * 2 + 200] - same[n * 2 + d * 2]).abs()).fold(0.0, f32::max)
            };
            let nearest = (0..200).min_by(|a, b| moved(*a).total_cmp(&moved(*b))).unwrap();
            assert!(
                worst <= *tolerance,
                "{name}: at {first} off by {worst}; {} samples moved",
                nearest as i64 - 100
            );
        }
        // before the start is silence
        let mut out = vec![1.0; 200];
        audio.samples_at(-100, &mut out).unwrap();
        assert!(out.iter().all(|s| *s == 0.0));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_beep_in_aac_lands_on_its_sample() {
    if !has_ffmpeg() {
        return;
    }
    // a click at exactly 1 s
    for (name, rate) in [("beep.mp4", "48000"), ("beep44.mp4", "44100")] {
        let source = format!("aevalsrc='if(between(t,1,1.05),0.8*sin(2*PI*2000*(t-1)),0)':s={rate}:d=3");
        let path = file(name, &["-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "256k"]);
        let samples = whole(&FileAudio::open(&path, &OpenOptions::default()).unwrap(), 1024);
        // the middle of its energy is the middle of the beep: 1.025 s
        let (mut sum, mut moment) = (0.0, 0.0);
        for (n, s) in samples.chunks_exact(2).enumerate() {
            let e = f64::from(s[0]).powi(2);
            (sum, moment) = (sum + e, moment + e * n as f64);
        }
        let centre = moment / sum;
        assert!((centre - 1.025 * 48000.0).abs() < 2.0, "{name}: the beep's centre is at {centre}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn levels_of_mono_and_surround() {
    if !has_ffmpeg() {
        return;
    }
    let level = |name: &str, source: &str| {
        let path = file(name, &["-f", "lavfi", "-i", source, "-c:a", "pcm_f32le"]);
        let audio = FileAudio::open(&path, &OpenOptions::default()).unwrap();
        let mut out = vec![0.0; 2];
        audio.samples_at(24_000, &mut out).unwrap();
        std::fs::remove_file(&path).unwrap();
        (out[0], out[1])
    };
    let half = 0.5 * std::f32::consts::FRAC_1_SQRT_2;
    let near = |(l, r): (f32, f32)| (l - half).abs() < 1e-4 && (r - half).abs() < 1e-4;
    assert!(near(level("mono.wav", "aevalsrc=0.5:s=48000:d=1:c=mono")));
    assert!(near(level("centre.wav", "aevalsrc=0|0|0.5|0|0|0:s=48000:d=1:c=5.1")));
    assert_eq!(level("stereo.wav", "aevalsrc=0.25|-0.5:s=48000:d=1:c=stereo"), (0.25, -0.5));
}

#[test]
fn gaps_are_silent_and_later_sound_keeps_its_place() {
    if !has_ffmpeg() {
        return;
    }
    // one second of tone, one second of nothing, one second of tone
    let filter = "aselect='lt(t,1)+gte(t,2)'";
    let source = "sine=1000:r=48000:d=3";
    let path = file("gap.mkv", &["-f", "lavfi", "-i", source, "-af", filter, "-c:a", "pcm_s16le"]);
    let audio = FileAudio::open(&path, &OpenOptions::default()).unwrap();
    let samples = whole(&audio, 480);
    let loud = |from: usize, to: usize| samples[from * 2..to * 2].iter().any(|s| s.abs() > 0.01);
    assert!(loud(1000, 47_000) && !loud(49_200, 94_800) && loud(97_000, 143_000));
    let mut out = vec![1.0; 960];
    audio.samples_at(70_000, &mut out).unwrap();
    assert!(out.iter().all(|s| *s == 0.0));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn loops_rates_claims_and_the_end() {
    if !has_ffmpeg() {
        return;
    }
    let mut args = vec!["-f", "lavfi", "-i", "aevalsrc='t/4':s=48000:d=2", "-c:a", "pcm_s16le", "-shortest"];
    args.extend(H264);
    let path = clip("ramp.mov", 60, "30", &args);
    let audio = FileAudio::open(&path, &OpenOptions::default()).unwrap();
    let video = LazyPlayer::open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(audio.duration(), video.duration());
    let value = |n: i64| n as f32 / 48000.0 / 4.0;
    audio.set_position(seconds(0.5));
    for _ in 0..2 {
        let _claim = audio.claim(ClockId::unique(), Timestamp::ZERO).unwrap();
        let mut out = vec![0.0; 960];
        for block in 0..150 {
            assert_eq!(
                audio.read(block * 480, &mut out, Sampling::Exact).unwrap(),
                match block {
                    149 => AudioRead::Ended,
                    _ => AudioRead::Filled,
                }
            );
            assert!((out[0] / out[0].max(1e-9) - 1.0).abs() < 1.0);
            assert!((out[2] - scale(&audio) * value(24_000 + block * 480 + 1)).abs() < 1e-3, "block {block}");
        }
    }
    let looped = FileAudio::open(&path, &OpenOptions { looping: true, ..Default::default() }).unwrap();
    let mut out = vec![0.0; 2 * 250_000];
    assert_eq!(looped.read(0, &mut out, Sampling::Exact).unwrap(), AudioRead::Filled);
    let s = scale(&audio);
    for n in 0..250_000 {
        assert!((out[n as usize * 2] - s * value(n % 96_000)).abs() < 1e-3, "sample {n}");
    }
    let fast = FileAudio::open(&path, &OpenOptions { rate: 1.5, ..Default::default() }).unwrap();
    let mut out = vec![0.0; 2 * 480];
    for block in 0..130 {
        fast.read(block * 480, &mut out, Sampling::Exact).unwrap();
        for n in 0..480 {
            let expected = s * value(((block * 480 + n) as f64 * 1.5) as i64);
            assert!((out[n as usize * 2] - expected).abs() < 1e-3, "block {block} sample {n}");
        }
    }
    std::fs::remove_file(&path).unwrap();
}

/// What mono is multiplied by on its way to stereo.
fn scale(audio: &FileAudio) -> f32 {
    let mut out = vec![0.0; 2];
    audio.samples_at(48_000, &mut out).unwrap();
    out[0] / 0.25
}

#[test]
fn a_file_without_sound_says_so() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("silent.mp4", 10, "30", H264);
    let error = FileAudio::open(&path, &OpenOptions::default()).err().unwrap();
    assert!(error.kind() == ErrorKind::Media && error.message().contains("no sound"));
    std::fs::remove_file(&path).unwrap();
    let path = file("only.wav", &["-f", "lavfi", "-i", "sine=d=1"]);
    let error = LazyPlayer::open(&path, &OpenOptions::default()).err().unwrap();
    assert!(error.kind() == ErrorKind::Media && error.message().contains("no video"));
    std::fs::remove_file(&path).unwrap();
}
