// SPDX-License-Identifier: GPL-2.0-or-later
//! What goes wrong, and what is said.

use crate::support::*;
use lk_io::encode::{AudioSettings, FileOutput, OutputSettings, VideoSettings};
use lk_media::{AudioTarget, Delivery, Error, ErrorKind, Offered, Size, VideoTarget, Wake};
use std::process::Command;
use std::time::Duration;

fn refused(name: &str, settings: OutputSettings) -> Error {
    FileOutput::create(name, settings).err().unwrap_or_else(|| panic!("{name} was accepted"))
}

fn says(error: &Error, words: &[&str]) {
    let all = error.to_string();
    for word in words {
        assert!(all.contains(word), "{word:?} is not in: {all}");
    }
}

#[test]
fn settings() {
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    std::fs::write(&file, "what was there").unwrap();
    let video = || quick(fps30());
    let of = |v: VideoSettings| refused(&file, pictures(v));

    let e = of(video().with_codec("libx246"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["libx246", "did you mean", "libx264", "ffv1"]);
    let e = of(video().with_option("presset", "fast"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["presset", "did you mean preset"]);
    let e = of(video().with_option("preset", "fastish"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["libx264", "fastish", "ultrafast"]);
    let e = of(video().with_option("g", "many"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["g", "many"]);
    let e = of(video().with_option("crf", "-7"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["crf", "-7"]);
    let e = of(video().with_option("profile", "nonsense"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    let e = of(video().with_option("pix_fmt", "yuv421p"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["yuv421p", "yuv420p"]);

    let e = of(VideoSettings::new(Size::new(101, 64), fps30()));
    assert_eq!(e.kind(), ErrorKind::Format);
    says(&e, &["101x64", "use 102x64"]);
    assert_eq!(of(VideoSettings::new(Size::new(0, 64), fps30())).kind(), ErrorKind::Format);
    assert_eq!(of(VideoSettings::new(Size::new(64, 20_000), fps30())).kind(), ErrorKind::Format);
    let mut both_ways = video();
    (both_ways.quality, both_ways.bitrate) = (Some(20.0), Some(1_000_000));
    assert_eq!(of(both_ways).kind(), ErrorKind::Parameter);
    let mut too_much = video();
    too_much.quality = Some(90.0);
    let e = of(too_much);
    assert_eq!(e.kind(), ErrorKind::Parameter);
    says(&e, &["90", "51"]);

    let sound =
        |codec: &str| OutputSettings { audio: Some(AudioSettings::with_codec(codec)), ..Default::default() };
    let e = refused(&file, sound("h264"));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["h264 is not for a sound", "aac"]);
    let strange = AudioSettings { sample_rate: Some(47_999), ..AudioSettings::with_codec("aac") };
    let e = refused(&file, OutputSettings { audio: Some(strange), ..Default::default() });
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["47999", "44100"]);
    assert_eq!(refused(&file, OutputSettings::default()).kind(), ErrorKind::Parameter);

    let e = refused(
        &file,
        OutputSettings { options: vec![("movflagz".into(), "x".into())], ..pictures(video()) },
    );
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["movflagz", "did you mean movflags"]);
    let e = refused(
        &file,
        OutputSettings { options: vec![("movflags".into(), "x".into())], ..pictures(video()) },
    );
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["movflags", "faststart"]);

    // none of this touched the file
    assert_eq!(bytes(&file), b"what was there");
}

#[test]
fn containers() {
    let folder = Folder::new();
    let video = || quick(fps30());
    let of = |name: &str, settings| {
        let file = folder.file(name);
        let e = refused(&file, settings);
        assert!(!std::path::Path::new(&file).exists(), "{file} was left behind");
        e
    };
    let e = of("film.webm", pictures(video().with_codec("h264")));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["webm", "h264", "vp9"]);
    let e = of("film.mp4", pictures(video().with_codec("ffv1")));
    says(&e, &["mp4", "ffv1", "h264"]);
    let e = of("film.wav", pictures(video()));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["wav", "pictures"]);
    let e = of("film.xyz", pictures(video()));
    assert_eq!(e.kind(), ErrorKind::Encoder);
    says(&e, &["xyz", "mp4", "mkv"]);
    let e = of("film", pictures(video()));
    says(&e, &["extension"]);
    let settings = OutputSettings { format: Some("matroshka".into()), ..pictures(video()) };
    says(&of("film.mp4", settings), &["matroshka", "matroska"]);
    let flv = OutputSettings { audio: Some(AudioSettings::with_codec("flac")), ..Default::default() };
    assert_eq!(of("film.flv", flv).kind(), ErrorKind::Encoder);
}

#[test]
fn places() {
    let folder = Folder::new();
    let settings = || pictures(quick(fps30()));
    let e = refused(&folder.file("no/such/film.mp4"), settings());
    assert_eq!((e.kind(), e.errno()), (ErrorKind::Output, Some(2)));
    says(&e, &["no/such", "make it first"]);
    std::fs::create_dir(folder.file("dir.mp4")).unwrap();
    let e = refused(&folder.file("dir.mp4"), settings());
    assert_eq!((e.kind(), e.errno()), (ErrorKind::Output, Some(21)));
    std::fs::write(folder.file("there.mp4"), "x").unwrap();
    let e = refused(&folder.file("there.mp4"), OutputSettings { overwrite: false, ..settings() });
    assert_eq!((e.kind(), e.errno()), (ErrorKind::Output, Some(17)));
    assert_eq!(bytes(&folder.file("there.mp4")), b"x");
    film(&folder.file("new.mp4"), OutputSettings { overwrite: false, ..settings() }, 2, moving);
    let e =
        refused(&folder.file(&"x".repeat(300)), OutputSettings { format: Some("mp4".into()), ..settings() });
    assert_eq!(e.kind(), ErrorKind::Output);
    // root may write anywhere but here
    let e = refused("/proc/film.mp4", settings());
    assert_eq!(e.kind(), ErrorKind::Output);
    assert!(e.errno().is_some() && e.hint().is_some());
    let e = refused("nosuch://host/film.mp4", settings());
    assert_eq!(e.kind(), ErrorKind::Parameter, "{e}");
}

#[test]
fn frames_of_another_size_and_offers_after_the_end() {
    let folder = Folder::new();
    let output = FileOutput::create(&folder.file("film.mp4"), both(quick(fps30()))).unwrap();
    let odd = picture(Size::new(64, 64), fps30(), 0, moving);
    let e = output.offer(&odd, Delivery::Lossless).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::Format);
    says(&e, &["64x64", "128x96"]);
    // that was no harm
    feed(&output, SIZE, fps30(), 10, moving).unwrap();
    let first = output.finish().unwrap();
    assert_eq!(output.finish().unwrap(), first);
    assert!(output.error().is_none());
    let frame = picture(SIZE, fps30(), 0, moving);
    assert_eq!(output.offer(&frame, Delivery::Lossless).err().map(|e| e.kind()), Some(ErrorKind::Closed));
    let block = tone(0, 480, 0, 1);
    assert_eq!(output.offer_audio(&block, Delivery::Live).err().map(|e| e.kind()), Some(ErrorKind::Closed));
    assert_eq!((first.frames, output.statistics().frames), (10, 10));
}

#[test]
fn a_full_queue_is_busy_and_rings() {
    let folder = Folder::new();
    // slow, and without a long look ahead
    let video = VideoSettings::new(Size::new(1280, 720), fps30())
        .with_option("preset", "slow")
        .with_option("rc-lookahead", "2")
        .with_option("bf", "0");
    let output = FileOutput::create(&folder.file("film.mp4"), pictures(video)).unwrap();
    let wake = Wake::new();
    output.wake_on_ready(&wake);
    let frame = picture(Size::new(1280, 720), fps30(), 0, noise);
    let offer = |delivery| output.offer(&frame, delivery).unwrap();
    let taken = (0..1000).take_while(|_| offer(Delivery::Lossless) == Offered::Taken).count();
    assert!((8..1000).contains(&taken), "{taken} frames before it was busy");
    assert!((0..1000).any(|_| offer(Delivery::Live) == Offered::Dropped));
    assert!(output.statistics().dropped >= 1);
    assert!(wake.wait(Duration::from_secs(60)), "no ring");
}

#[test]
fn dropped_without_finish_it_is_whole() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let output = FileOutput::create(&file, both(quick(fps30()))).unwrap();
    feed(&output, SIZE, fps30(), 33, moving).unwrap();
    drop(output);
    assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "33");
}

/// Fills a disk and looks at what is said and what is left.
fn fill(file: &str) {
    let size = Size::new(640, 480);
    let video = VideoSettings::new(size, fps30()).with_option("preset", "ultrafast").with_option("crf", "5");
    let output = match FileOutput::create(file, both(video)) {
        Ok(output) => output,
        Err(e) => {
            assert_eq!((e.kind(), e.errno()), (ErrorKind::DiskFull, Some(28)), "{e}");
            return;
        }
    };
    let fed = feed(&output, size, fps30(), 300, noise).err();
    let e = output.finish().err().unwrap_or_else(|| panic!("{file}: the disk was not full"));
    assert_eq!((e.kind(), e.errno()), (ErrorKind::DiskFull, Some(28)), "{e}");
    assert!(e.hint().is_some());
    if let Some(fed) = fed {
        assert_eq!(fed.to_string(), e.to_string());
        let frame = picture(size, fps30(), 0, moving);
        let again = output.offer(&frame, Delivery::Lossless).err().unwrap();
        assert_eq!((again.to_string(), output.error().unwrap().to_string()), (e.to_string(), e.to_string()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device() {
    for format in ["matroska", "mpegts", "flv"] {
        let size = Size::new(128, 96);
        let output = FileOutput::create(
            "/dev/full",
            OutputSettings { format: Some(format.into()), ..both(VideoSettings::new(size, fps30())) },
        );
        let e = match output {
            Err(e) => e,
            Ok(output) => {
                let _ = feed(&output, size, fps30(), 60, noise);
                output.finish().err().unwrap_or_else(|| panic!("{format}: /dev/full took everything"))
            }
        };
        assert_eq!((e.kind(), e.errno()), (ErrorKind::DiskFull, Some(28)), "{format}: {e}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = Folder::new();
    let mount = folder.file("small");
    std::fs::create_dir(&mount).unwrap();
    // in a name space of its own, so that nothing else sees the small disk
    let test = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=3m small \"$1\" || exit 77; exec \"$0\" --ignored --exact errors::on_a_small_disk --nocapture";
    let out = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(&test)
        .arg(&mount)
        .env("LK_SMALL_DISK", &mount)
        .output();
    match out {
        Ok(out) if out.status.success() => print!("{}", String::from_utf8_lossy(&out.stdout)),
        Ok(out)
            if out.status.code() == Some(77) || String::from_utf8_lossy(&out.stderr).contains("unshare") =>
        {
            println!("skipped: no name space to mount a small disk in");
        }
        Err(_) => println!("skipped: the program unshare is not installed"),
        Ok(out) => panic!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)),
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_full_disk, on a disk of 3 MB"]
fn on_a_small_disk() {
    let Ok(disk) = std::env::var("LK_SMALL_DISK") else { return };
    for name in ["film.mkv", "film.flv", "film.ts", "film.mp4"] {
        let file = format!("{disk}/{name}");
        fill(&file);
        assert!(bytes(&file).len() > 2_000_000, "{name}: {} bytes", bytes(&file).len());
        if has_programs() {
            // what is cut off in the middle is an error to ffprobe's decoder, but not to its count
            let out = Command::new("ffprobe")
                .args(["-v", "quiet", "-count_packets", "-select_streams", "v", "-of", "csv=p=0"])
                .args(["-show_entries", "stream=nb_read_packets", &file])
                .output()
                .unwrap();
            let count: u32 =
                String::from_utf8_lossy(&out.stdout).split_whitespace().next().unwrap().parse().unwrap();
            println!("{name}: {count} frames on the full disk");
            assert!(count >= 5, "{name}: {count} frames");
        }
        std::fs::remove_file(&file).unwrap();
    }
}
