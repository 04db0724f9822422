// SPDX-License-Identifier: GPL-2.0-or-later
//! What is finished is what the ordinary muxer would have written.

use crate::clip::{Clip, Make, ordinary, packets, safe, said};
use crate::support::{Folder, bytes, has_encoder, has_programs};
use lk_io::mux::{CrashSafe, MuxerSettings};
use std::process::Command;
use std::time::Duration;

/// The kinds of the boxes of a file.
fn boxes(file: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + 8 <= file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        let size = match size {
            1 => u64::from_be_bytes(file[at + 8..at + 16].try_into().unwrap()) as usize,
            size => size as usize,
        };
        found.push(String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned());
        at += size.max(8);
    }
    assert_eq!(at, file.len(), "{found:?}");
    found
}

fn same(clip: &Clip, extension: &str, settings: &MuxerSettings) {
    let folder = Folder::new();
    let (plain, ours) =
        (folder.file(&format!("plain.{extension}")), folder.file(&format!("ours.{extension}")));
    clip.file(&plain, &ordinary());
    let report = clip.file(&ours, settings);
    assert_eq!((report.warning, report.bytes), (None, bytes(&ours).len() as u64));
    if matches!(extension, "mp4" | "mov" | "m4a") {
        assert_eq!(boxes(&bytes(&ours)), ["ftyp", "mdat", "moov"]);
    }
    for stream in 0..clip.streams.len() {
        let (expected, seen) = (packets(&plain, stream), packets(&ours, stream));
        for (n, (e, s)) in expected.iter().zip(&seen).enumerate() {
            assert_eq!(e, s, "{extension}: packet {n} of stream {stream}");
        }
        assert_eq!(expected.len(), seen.len());
    }
    let (expected, seen) = (said(&plain), said(&ours));
    assert_eq!(expected.0, seen.0, "{extension}");
    assert_eq!(expected.1, seen.1, "{extension}");
    let decoded =
        Command::new("ffmpeg").args(["-v", "error", "-i", &ours, "-f", "null", "-"]).output().unwrap();
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
}

fn check(make: &Make, extension: &str) {
    if has_programs() {
        let global = !matches!(extension, "ts");
        same(&make.clip(global), extension, &safe());
    }
}

#[test]
fn pictures_and_sound() {
    check(&Make::new(30, 1, 100), "mp4");
    check(&Make::new(30, 1, 100), "mov");
    check(&Make::new(60, 1, 100), "mp4");
}

#[test]
fn a_rate_that_is_not_whole() {
    check(&Make::new(30_000, 1001, 100), "mp4");
    check(&Make::new(24_000, 1001, 60), "mov");
}

#[test]
fn pictures_alone_and_sound_alone() {
    check(&Make::new(30, 1, 100).silent(), "mp4");
    check(&Make::new(30, 1, 100).sound_only(), "mp4");
    check(&Make::new(30, 1, 100).sound_only(), "m4a");
    check(&Make::new(30, 1, 1).silent(), "mp4");
    check(&Make::new(30, 1, 7).silent(), "mp4");
}

#[test]
fn several_tracks() {
    check(&Make::new(30, 1, 100).with_sound("aac"), "mp4");
    check(&Make::new(30, 1, 100).with_sound("aac").with_sound("aac"), "mov");
}

#[test]
fn other_codecs() {
    let mut make = Make::new(30, 1, 60).silent().with_sound("pcm_s16le");
    check(&make, "mov");
    make.audio[0].codec = Some("pcm_s24le".to_owned());
    check(&make, "mov");
    for (encoder, extension) in [("ac3", "mp4"), ("alac", "m4a"), ("libopus", "mp4")] {
        if has_encoder(encoder) {
            make.audio[0].codec = Some(encoder.to_owned());
            if extension == "m4a" {
                check(&make.clone().sound_only(), extension);
            } else {
                check(&make, extension);
            }
        }
    }
    for (encoder, extension) in [("mjpeg", "mov"), ("libx265", "mp4"), ("prores_ks", "mov"), ("mpeg4", "mp4")]
    {
        if has_encoder(encoder) {
            let mut make = Make::new(25, 1, 30);
            make.video =
                Some(lk_io::encode::VideoSettings::new(crate::clip::SIZE, make.rate).with_codec(encoder));
            check(&make, extension);
        }
    }
}

#[test]
fn starts_that_are_not_zero() {
    let mut make = Make::new(30, 1, 100);
    make.first = 45;
    check(&make, "mp4");
    check(&make.clone().silent(), "mp4");
    make.first = 1;
    check(&make, "mp4");
    if has_programs() {
        let clip = Make::new(30, 1, 50).clip(true);
        same(&clip.later(Duration::from_millis(3210)), "mp4", &safe());
        same(&Make::new(25, 1, 50).sound_only().clip(true).later(Duration::from_secs(2)), "mp4", &safe());
    }
}

#[test]
fn holes() {
    if !has_programs() {
        return;
    }
    let mut clip = Make::new(30, 1, 120).clip(true);
    // a GOP that a slow disk has cost
    let mut number = 0;
    clip.packets.retain(|(stream, _)| {
        number += usize::from(*stream == 0);
        *stream == 1 || !(41..=80).contains(&number)
    });
    same(&clip, "mp4", &safe());
}

#[test]
fn other_fragments() {
    if has_programs() {
        let clip = Make::new(30, 1, 100).clip(true);
        for (fragment, durable) in [(1, false), (100, true), (10_000, true)] {
            let fragment = Duration::from_millis(fragment);
            same(
                &clip,
                "mp4",
                &MuxerSettings { crash_safe: Some(CrashSafe { fragment, durable }), ..ordinary() },
            );
            same(
                &clip,
                "mkv",
                &MuxerSettings { crash_safe: Some(CrashSafe { fragment, durable }), ..ordinary() },
            );
        }
    }
}

#[test]
fn other_containers() {
    for extension in ["mkv", "flv", "ts", "mka", "avi"] {
        let make = Make::new(30, 1, 100);
        check(&if extension == "mka" { make.sound_only() } else { make }, extension);
    }
}

#[test]
fn a_layout_that_was_asked_for_stays() {
    if !has_programs() {
        return;
    }
    let clip = Make::new(30, 1, 30).clip(true);
    let folder = Folder::new();
    let file = folder.file("fast.mp4");
    let options = vec![("movflags".to_owned(), "faststart".to_owned())];
    clip.file(&file, &MuxerSettings { options, ..safe() });
    assert_eq!(boxes(&bytes(&file)), ["ftyp", "moov", "free", "mdat"]);
}
