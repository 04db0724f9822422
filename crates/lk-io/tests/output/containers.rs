// SPDX-License-Identifier: GPL-2.0-or-later
//! Every container: exact counts, rates, times, tags, and sound in step with the picture.

use crate::support::*;
use lk_io::encode::{AudioSettings, FileOutput, OutputSettings};
use lk_media::{Delivery, FrameRate, Offered, Size, VideoTarget, Wake};

/// Ninety frames with a flash and a beep at frame 45, in one container at one rate.
fn in_step(extension: &str, rate: FrameRate) {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file(&format!("film.{extension}"));
    let mut video = quick(rate);
    if extension == "webm" {
        video = video.with_option("deadline", "realtime").with_option("cpu-used", "8");
    }
    let report = film(&file, both(video), 90, flash);
    let seconds = 90.0 / rate.as_f64();
    assert_eq!((report.frames, report.samples), (90, rate.sample_of(90, 48_000)));
    assert!((report.duration.as_secs_f64() - seconds).abs() < 0.001);
    assert_eq!(report.bytes, bytes(&file).len() as u64);

    let probed = probe(&file);
    let v = stream(&probed, "video");
    assert_eq!(v["nb_read_frames"], "90", "{extension}");
    let seen = v["r_frame_rate"].as_str().unwrap();
    if extension == "flv" {
        // its times are milliseconds, and the rate is guessed from them
        let (num, den) = seen.split_once('/').unwrap();
        let seen = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
        assert!((seen - rate.as_f64()).abs() < 0.01, "{seen}");
    } else {
        assert_eq!(seen, format!("{}/{}", rate.num(), rate.den()), "{extension}");
        assert_eq!(v["avg_frame_rate"], seen, "{extension}");
    }
    for tag in ["color_space", "color_transfer", "color_primaries"] {
        assert_eq!(v[tag], "bt709", "{extension} {tag}");
    }
    assert_eq!(v["color_range"], "tv", "{extension}");
    if v["codec_name"] == "h264" {
        assert_eq!(v["chroma_location"], "left", "{extension}");
    }
    // transport streams say no duration, and FLV counts the two frames that reordering puts before the first
    let slack = if matches!(extension, "ts" | "flv") { 0.1 } else { 0.05 };
    let duration = number(&probed["format"]["duration"]);
    assert!((duration - seconds).abs() < slack, "{extension}: {duration} s instead of {seconds}");

    let pictures = times(&file, "v");
    for (n, t) in pictures.iter().enumerate() {
        let expected = pictures[0] + n as f64 / rate.as_f64();
        assert!((t - expected).abs() < 0.0011, "{extension}: frame {n} at {t} instead of {expected}");
    }
    let luma = decode(&file, "gray");
    let first_bright = luma.chunks_exact(SIZE.area()).position(|f| f[SIZE.area() / 2] > 128).unwrap();
    assert_eq!(first_bright, 45, "{extension}");

    let sound = listen(&file);
    let length = sound.len() as f64 / 48_000.0;
    assert!((length - seconds).abs() < 0.05, "{extension}: {length} s of sound instead of {seconds}");
    let onset = sound.iter().position(|s| s.abs() > 0.3).unwrap();
    let beep = times(&file, "a")[0] + onset as f64 / 48_000.0;
    let apart = beep - pictures[45];
    assert!(
        apart.abs() < 0.005,
        "{extension} at {rate}: the beep is {:.1} ms after the flash",
        apart * 1000.0
    );
}

macro_rules! containers {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            for rate in [fps30(), FrameRate::new(30_000, 1001).unwrap()] {
                in_step(stringify!($name), rate);
            }
        }
    )*};
}

containers! { mp4 mkv mov flv webm ts }

#[test]
fn an_mp4_is_exact() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    for rate in [(24, 1), (25, 1), (30_000, 1001), (60, 1)] {
        let rate = FrameRate::new(rate.0, rate.1).unwrap();
        film(&file, both(quick(rate)), 90, moving);
        let probed = probe(&file);
        let (v, a) = (stream(&probed, "video"), stream(&probed, "audio"));
        let seconds = 90.0 / rate.as_f64();
        assert!((number(&v["duration"]) - seconds).abs() < 2e-5, "{v}");
        assert!((number(&a["duration"]) - seconds).abs() < 2e-3, "{a}");
        assert_eq!((number(&v["start_time"]), number(&a["start_time"])), (0.0, 0.0));
        // the last block of AAC is whole when it is decoded
        let sound = listen(&file).len() as i64 - rate.sample_of(90, 48_000) as i64;
        assert!((0..1024).contains(&sound), "{sound} samples too many");
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let folder = Folder::new();
    for extension in ["mp4", "mkv", "flv", "mov", "ts"] {
        let names: Vec<String> =
            ["a", "b"].iter().map(|n| folder.file(&format!("{n}.{extension}"))).collect();
        for name in &names {
            film(name, both(quick(fps30())), 120, moving);
        }
        assert!(bytes(&names[0]) == bytes(&names[1]), "two {extension} files differ");
    }
}

#[test]
fn sound_alone() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for (extension, codec) in [
        ("wav", "pcm_s16le"),
        ("m4a", "aac"),
        ("mp3", "mp3"),
        ("flac", "flac"),
        ("ogg", "opus"),
        ("mka", "aac"),
    ] {
        let file = folder.file(&format!("sound.{extension}"));
        // pictures are offered and have no place here
        let report = film(&file, both(quick(fps30())), 90, moving);
        assert_eq!((report.frames, report.samples, report.video), (0, 144_000, None), "{extension}");
        let probed = probe(&file);
        assert_eq!(probed["streams"].as_array().unwrap().len(), 1, "{extension}");
        let a = stream(&probed, "audio");
        assert_eq!(a["codec_name"], codec, "{extension}");
        assert_eq!((&a["sample_rate"], &a["channels"]), (&"48000".into(), &2.into()), "{extension}");
        let sound = listen(&file);
        assert!((sound.len() as f64 - 144_000.0).abs() < 2500.0, "{extension}: {} samples", sound.len());
        if matches!(extension, "wav" | "flac") {
            let truth = tone(0, 144_000, 72_000, 76_800);
            assert_eq!(sound.len(), 144_000);
            let apart =
                sound.iter().zip(truth.samples.chunks(2)).map(|(a, b)| (a - b[0]).abs()).fold(0.0, f32::max);
            assert!(apart <= 1.0 / 32_767.0, "{extension}: {apart}");
        }
    }
}

#[test]
fn sound_in_rates_that_are_not_ours() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for (extension, rate) in [("wav", 44_100), ("m4a", 44_100), ("flac", 96_000), ("mp3", 32_000)] {
        let file = folder.file(&format!("sound.{extension}"));
        let audio = AudioSettings { sample_rate: Some(rate), ..AudioSettings::default() };
        film(&file, OutputSettings { audio: Some(audio), ..OutputSettings::default() }, 90, moving);
        let probed = probe(&file);
        assert_eq!(number(&stream(&probed, "audio")["sample_rate"]), f64::from(rate));
        let onset = listen(&file).iter().position(|s| s.abs() > 0.3).unwrap() as i64;
        assert!((onset - 72_000).abs() < 1600, "{extension}: the tone begins at {onset}");
    }
}

#[test]
fn frames_without_sound_and_sound_without_frames() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    // sound was promised and never came
    let output = FileOutput::create(&file, both(quick(fps30()))).unwrap();
    let wake = Wake::new();
    output.wake_on_ready(&wake);
    for n in 0..60 {
        let frame = picture(SIZE, fps30(), n, moving);
        until_taken(&wake, || output.offer(&frame, Delivery::Lossless)).unwrap();
    }
    output.finish().unwrap();
    assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "60");
    // nothing came at all
    FileOutput::create(&file, both(quick(fps30()))).unwrap().finish().unwrap();
}

#[test]
fn tracks_are_as_long_as_they_are() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for extension in ["mp4", "mkv"] {
        let file = folder.file(&format!("film.{extension}"));
        let more = vec![AudioSettings::default(); 2];
        let output = FileOutput::with_tracks(&file, both(quick(fps30())), more).unwrap();
        let (output, wake) = (std::sync::Arc::new(output), Wake::new());
        output.wake_on_ready(&wake);
        let tracks: Vec<_> = (0..4).map(|n| output.track(n)).collect();
        assert_eq!(output.tracks(), 3);
        // one at the end of its queue, one shorter, one that nothing comes for, one that is not there
        for (track, seconds) in tracks.iter().zip([10_u64, 5, 0, 1]) {
            for block in 0..seconds * 10 {
                let block = tone(block * 4800, 4800, 0, u64::MAX);
                until_taken(&wake, || track.offer_audio(&block, Delivery::Lossless)).unwrap();
            }
        }
        for n in 0..3 {
            let frame = picture(SIZE, fps30(), n, moving);
            assert_eq!(output.offer(&frame, Delivery::Lossless).unwrap(), Offered::Taken);
        }
        let report = output.finish().unwrap();
        assert_eq!((report.frames, report.samples), (3, 480_000));
        assert_eq!(report.audio, ["aac"; 3]);
        let ends = ["a:0", "a:1"].map(|track| times(&file, track).last().copied().unwrap());
        assert!((ends[0] - 10.0).abs() < 0.05 && (ends[1] - 5.0).abs() < 0.05, "{extension}: {ends:?}");
        assert_eq!(times(&file, "a:2"), [] as [f64; 0]);
    }
}

#[test]
fn names_of_every_kind() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for name in ["with space.mp4", "a:b.mp4", "видео-影片-é.mp4", "-dash.mp4", "100%d'\".mp4", "x://y.mp4"]
    {
        if name.contains('/') {
            continue;
        }
        let file = folder.file(name);
        film(&file, pictures(quick(fps30())), 5, moving);
        assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "5", "{name}");
    }
}

#[test]
fn a_long_lookahead_does_not_block_the_sound() {
    let folder = Folder::new();
    // one frame a second: x264 holds 50 of them, which is 50 s of sound
    let rate = FrameRate::new(1, 1).unwrap();
    let video = lk_io::encode::VideoSettings::new(Size::new(64, 64), rate).with_option("rc-lookahead", "60");
    let report = film(&folder.file("slow.mp4"), both(video), 100, moving);
    assert_eq!((report.frames, report.samples), (100, 4_800_000));
}
