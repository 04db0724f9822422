// SPDX-License-Identifier: GPL-2.0-or-later
//! Nothing a file or a peer sends panics, hangs or crashes: it is an error with a hint, or a shorter film.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod media;

use lk_io::media_file::{FileAudio, LazyPlayer, MediaInfo, OpenOptions};
use lk_media::clock::Stopwatch;
use lk_media::{AudioRead, AudioSource, Cancel, Error, ErrorKind, Sample, VideoSource};
use media::{H264, Random, clip, has_ffmpeg, place, seconds};
use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

fn quick() -> OpenOptions {
    OpenOptions { timeout: Duration::from_secs(5), ..Default::default() }
}

/// Opens, plays some and seeks; the answer does not matter, that there is one does.
fn exercise(path: &str) -> Result<(), Error> {
    let watch = Stopwatch::start();
    let info = MediaInfo::open(path, &quick());
    if let Ok(player) = LazyPlayer::open(path, &quick()) {
        for at in [0.0, 0.1, 0.5, 3.0, 0.2, 100.0, 1.0] {
            if let Ok(Sample::Frame(f) | Sample::Ended(Some(f))) = player.frame_at(seconds(at)) {
                assert!(!f.map_native().to_packed().is_empty());
            }
        }
    }
    if let Ok(audio) = FileAudio::open(path, &quick()) {
        let mut out = vec![0.0; 960];
        for first in [0, 480, 48_000, 100, 10_000_000, 24_000] {
            if let Ok(AudioRead::Filled | AudioRead::Ended) = audio.samples_at(first, &mut out) {}
        }
    }
    assert!(watch.elapsed() < Duration::from_secs(30), "{path} took {:?}", watch.elapsed());
    info.map(|_| ())
}

fn both(name: &str) -> String {
    let mut args: Vec<&str> = vec!["-f", "lavfi", "-i", "sine=440:r=44100:d=2", "-c:a", "aac", "-shortest"];
    args.extend(H264);
    clip(name, 60, "30", &args)
}

#[test]
fn names_that_are_no_media() {
    let folder = place("folder").to_string_lossy().into_owned();
    std::fs::create_dir_all(&folder).unwrap();
    let (empty, text, random) = (place("empty.mp4"), place("text.txt"), place("random.mp4"));
    std::fs::write(&empty, b"").unwrap();
    std::fs::write(&text, "nothing but words\n".repeat(100)).unwrap();
    let mut source = Random(99);
    std::fs::write(&random, (0..200_000).map(|_| source.below(256) as u8).collect::<Vec<_>>()).unwrap();
    let kind = |name: &str| {
        let error = LazyPlayer::open(name, &quick()).err().unwrap_or_else(|| panic!("{name} opened"));
        assert!(error.hint().is_some(), "{error:?} has no hint");
        assert_eq!(MediaInfo::open(name, &quick()).err().map(|e| e.kind()), Some(error.kind()));
        assert_eq!(FileAudio::open(name, &quick()).err().map(|e| e.kind()), Some(error.kind()));
        error.kind()
    };
    assert_eq!(kind("/no/such/folder/x.mp4"), ErrorKind::MediaNotFound);
    assert_eq!(kind("nothing here.mp4"), ErrorKind::MediaNotFound);
    for name in [&folder, empty.to_str().unwrap(), text.to_str().unwrap(), random.to_str().unwrap()] {
        assert_eq!(kind(name), ErrorKind::Media, "{name}");
    }
    for bad in [0.0, -1.0, f64::NAN, 1e9] {
        let error =
            LazyPlayer::open(text.to_str().unwrap(), &OpenOptions { rate: bad, ..quick() }).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Parameter);
    }
    for made in [&empty, &text, &random] {
        std::fs::remove_file(made).unwrap();
    }
    std::fs::remove_dir(&folder).unwrap();
    let options = OpenOptions { options: vec![("nonsense".into(), "1".into())], ..quick() };
    if has_ffmpeg() {
        let path = clip("options.mp4", 5, "30", H264);
        assert_eq!(MediaInfo::open(&path, &options).err().map(|e| e.kind()), Some(ErrorKind::Parameter));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_unknown_codec_is_named() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("unknown.mov", 5, "30", H264);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|w| w == b"avc1").unwrap();
    let at = bytes.windows(4).skip(at + 1).position(|w| w == b"avc1").map_or(at, |n| at + 1 + n);
    bytes[at..at + 4].copy_from_slice(b"zzz9");
    std::fs::write(&path, bytes).unwrap();
    let error = LazyPlayer::open(&path, &quick()).err().unwrap();
    assert!(error.kind() == ErrorKind::Media && error.message().contains("zzz9"), "{error}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn truncated_files() {
    if !has_ffmpeg() {
        return;
    }
    for name in ["cut.mp4", "cut.mkv", "cut.flv", "cut.ts"] {
        let path = both(name);
        let whole = std::fs::read(&path).unwrap();
        let mut opened = 0;
        for n in 0..40 {
            std::fs::write(&path, &whole[..whole.len() * n / 40]).unwrap();
            opened += usize::from(exercise(&path).is_ok());
        }
        println!("{name}: {opened} of 40 could be opened");
        assert!(opened > 20 || name == "cut.mp4");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn mutated_files() {
    if !has_ffmpeg() {
        return;
    }
    let mut random = Random(2024);
    for name in ["mutated.mp4", "mutated.mkv", "mutated.flv", "mutated.ts"] {
        let path = both(name);
        let whole = std::fs::read(&path).unwrap();
        for round in 0..75 {
            let mut bytes = whole.clone();
            // headers are hit as often as content
            let reach = if round % 2 == 0 { bytes.len().min(4000) } else { bytes.len() };
            for _ in 0..1 + random.below(40) {
                let at = if name.ends_with("mp4") && round % 2 == 0 {
                    bytes.len() - 1 - random.below(reach)
                } else {
                    random.below(reach)
                };
                bytes[at] = random.below(256) as u8;
            }
            std::fs::write(&path, bytes).unwrap();
            let _ = exercise(&path);
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// A peer that accepts and says nothing; the listener must be kept.
fn silent_peer() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address.to_string())
}

#[test]
fn a_silent_peer_is_a_deadline_error() {
    for scheme in ["http://{}/x.mp4", "rtmp://{}/live/key", "rtsp://{}/x", "tcp://{}"] {
        let (_listener, address) = silent_peer();
        let options = OpenOptions { timeout: Duration::from_millis(700), ..Default::default() };
        let watch = Stopwatch::start();
        let error = LazyPlayer::open(&scheme.replace("{}", &address), &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{scheme}: {error}");
        assert!(!error.to_string().contains("key") && error.hint().is_some());
        assert!(watch.elapsed() < Duration::from_secs(2), "{scheme}: {:?}", watch.elapsed());
    }
}

#[test]
fn a_cancel_ends_the_wait() {
    let (_listener, address) = silent_peer();
    let options = OpenOptions::default();
    let cancel: Cancel = options.cancel.clone();
    let thread = lk_media::thread::spawn("cancels", move || {
        lk_media::Wake::new().wait(Duration::from_millis(300));
        cancel.cancel();
    });
    let watch = Stopwatch::start();
    let error = MediaInfo::open(&format!("http://{address}/x.mp4"), &options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(watch.elapsed() < Duration::from_millis(700), "{:?}", watch.elapsed());
    drop(thread);
}

#[test]
fn nobody_there_is_a_stream_error() {
    let (listener, address) = silent_peer();
    drop(listener);
    let error = MediaInfo::open(&format!("http://me:secret@{address}/x.mp4"), &quick()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Stream, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_peer_that_stalls_in_the_middle_is_a_deadline_error() {
    if !has_ffmpeg() {
        return;
    }
    let path = clip("stalls.ts", 600, "30", H264);
    let bytes = std::fs::read(&path).unwrap();
    let (listener, address) = silent_peer();
    let server = lk_media::thread::spawn("stalls", move || {
        let Ok((mut peer, _)) = listener.accept() else { return };
        // the reader is gone when its test is over: reading ends then
        let sent = peer.write_all(&bytes[..bytes.len() * 3 / 4]);
        println!("the server has sent {sent:?} and waits for {:?}", std::io::Read::read(&mut peer, &mut [0]));
    });
    let options = OpenOptions {
        timeout: Duration::from_secs(2),
        options: vec![("probesize".into(), "50000".into()), ("analyzeduration".into(), "500000".into())],
        format: Some("mpegts".into()),
        ..Default::default()
    };
    let player = LazyPlayer::open(&format!("tcp://{address}"), &options).unwrap();
    assert!(matches!(player.frame_at(seconds(1.0)).unwrap(), Sample::Frame(_)));
    let watch = Stopwatch::start();
    let error = player.frame_at(seconds(19.0)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    assert!(watch.elapsed() < Duration::from_secs(6), "{:?}", watch.elapsed());
    drop(player);
    drop(server);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn one_damaged_timestamp_makes_no_film_of_hours() {
    if !has_ffmpeg() {
        return;
    }
    let path = both("late.ts");
    let bytes = std::fs::read(&path).unwrap();
    let starts_sound = |p: &[u8]| p[1] & 0x40 != 0 && p.windows(4).any(|w| w == [0, 0, 1, 0xc0]);
    let packets: Vec<usize> =
        (0..bytes.len() / 188).filter(|n| starts_sound(&bytes[n * 188..][..188])).collect();
    let video = LazyPlayer::open(&path, &quick()).unwrap();
    let audio = FileAudio::open(&path, &quick()).unwrap();
    let length = VideoSource::duration(&video).unwrap();
    let mut whole = vec![0.0; 2 * 96_000];
    audio.samples_at(0, &mut whole).unwrap();
    for damaged in [packets[0], packets[packets.len() / 2], packets[packets.len() - 1]] {
        let mut bytes = bytes.clone();
        let at = damaged * 188;
        let header = bytes[at..at + 188].windows(4).position(|w| w == [0, 0, 1, 0xc0]).unwrap() + at;
        // the upper bits of the time: hours later
        bytes[header + 9] ^= 0b0100;
        std::fs::write(&path, &bytes).unwrap();
        let audio = FileAudio::open(&path, &quick()).unwrap();
        let ends = [
            AudioSource::duration(&audio),
            VideoSource::duration(&LazyPlayer::open(&path, &quick()).unwrap()),
        ];
        assert!(ends.iter().all(|d| d.unwrap() < length + Duration::from_secs(61)), "{damaged}: {ends:?}");
        let mut out = vec![0.0; 2 * 96_000];
        audio.samples_at(0, &mut out).unwrap();
        let loud = |samples: &[f32]| samples.iter().filter(|s| s.abs() > 0.01).count();
        println!("packet {damaged}: {} samples are loud, {} were", loud(&out), loud(&whole));
        assert!(loud(&out) > loud(&whole) * 8 / 10);
    }
    std::fs::remove_file(&path).unwrap();
}
