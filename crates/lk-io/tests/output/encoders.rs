// SPDX-License-Identifier: GPL-2.0-or-later
//! Encoders by name, their options, pixel formats and quality.

use crate::support::*;
use lk_io::encode::{OutputSettings, VideoEncoder, VideoSettings};
use lk_media::{AlphaKind, ColorSpace, PixelFormat, Size};

#[test]
fn options_reach_the_encoder() {
    if !has_programs() || !has_encoder("libx264") {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let video = quick(fps30())
        .with_option("crf", "35")
        .with_option("preset", "ultrafast")
        .with_option("g", "10")
        .with_option("-profile:v", "high")
        .with_option("x264-params", "ref=1:me=dia:aq-strength=0.5");
    film(&file, pictures(video), 60, moving);
    let all = bytes(&file);
    let sei = String::from_utf8_lossy(&all);
    // x264 writes its settings into the stream
    for option in ["crf=35.0", "keyint=10 ", "me=dia", "threads=4", "aq=", "bframes=0"] {
        assert!(sei.contains(option), "{option} did not reach x264");
    }
    let arguments =
        ["-v", "error", "-skip_frame", "nokey", "-select_streams", "v", "-show_entries", "frame=pts_time"];
    let out = std::process::Command::new("ffprobe")
        .args(arguments)
        .args(["-of", "csv=p=0", &file])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).lines().filter(|l| !l.is_empty()).count(), 6);
}

#[test]
fn quality_and_bitrate() {
    let folder = Folder::new();
    for (codec, extension) in
        [("libx264", "mp4"), ("libx265", "mp4"), ("libvpx-vp9", "webm"), ("mpeg4", "mp4")]
    {
        if !has_encoder(codec) {
            continue;
        }
        let size = |quality: f64| {
            let mut video = quick(fps30()).with_codec(codec);
            video.quality = Some(quality);
            film(&folder.file(&format!("q.{extension}")), pictures(video), 30, noise).bytes
        };
        let (good, usual, bad) = (size(5.0), size(23.0), size(45.0));
        assert!(good > usual && usual > bad, "{codec}: {good}, {usual}, {bad} bytes");
    }
    let mut video = quick(fps30());
    video.bitrate = Some(400_000);
    let bytes = film(&folder.file("b.mp4"), pictures(video), 150, noise).bytes as f64 * 8.0 / 5.0;
    assert!((200_000.0..800_000.0).contains(&bytes), "{bytes} bits a second instead of 400,000");
}

#[test]
fn lossless_is_lossless() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let film_of = |n: u64| picture(SIZE, fps30(), n, noise);
    for (codec, options) in [("ffv1", vec![]), ("libx264", vec![("qp", "0")]), ("huffyuv", vec![])] {
        if !has_encoder(codec) {
            continue;
        }
        let file = folder.file("film.mkv");
        let mut video = quick(fps30()).with_codec(codec);
        for (name, value) in options {
            video = video.with_option(name, value);
        }
        film(&file, pictures(video), 5, noise);
        if codec == "huffyuv" {
            // 4:2:2 and RGB only: what comes out is near
            assert_eq!(stream(&probe(&file), "video")["nb_read_frames"], "5");
            continue;
        }
        let truth: Vec<u8> = (0..5).flat_map(|n| film_of(n).map_native().to_packed()).collect();
        assert!(decode(&file, "yuv420p") == truth, "{codec} lost something");
    }
}

#[test]
fn encoders_of_other_pixel_formats() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    // encoder, container, options, then what ffprobe says: pixels and range
    type Case =
        (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let cases: [Case; 9] = [
        ("gif", "gif", &[], "bgra", "unknown"),
        ("prores_ks", "mov", &[], "yuv422p10le", "tv"),
        ("mjpeg", "mov", &[], "yuvj420p", "pc"),
        ("png", "mov", &[], "rgb24", "pc"),
        ("ffv1", "mkv", &[("pix_fmt", "bgra")], "bgra", "pc"),
        ("libx264", "mp4", &[("pix_fmt", "yuv444p")], "yuv444p", "tv"),
        ("libx264", "mp4", &[("pix_fmt", "yuv420p10le")], "yuv420p10le", "tv"),
        ("mpeg4", "avi", &[], "yuv420p", "unknown"),
        ("rawvideo", "nut", &[("pix_fmt", "yuyv422")], "yuyv422", "unknown"),
    ];
    for (codec, extension, options, pixels, range) in cases {
        if !has_encoder(codec) {
            continue;
        }
        let file = folder.file(&format!("{codec}.{extension}"));
        let mut video = quick(fps30()).with_codec(codec);
        for (name, value) in options {
            video = video.with_option(*name, *value);
        }
        film(&file, pictures(video), 10, moving);
        let probed = probe(&file);
        let v = stream(&probed, "video");
        assert_eq!(v["nb_read_frames"], "10", "{codec}");
        assert_eq!(v["pix_fmt"], pixels, "{codec}");
        if range != "unknown" {
            assert_eq!(v["color_range"], range, "{codec} {pixels}");
        }
        // grey 16..235 in, the same grey out
        let grey = decode(&file, "rgb24");
        let slack = if codec == "gif" { 60.0 } else { 6.0 };
        for (x, y) in [(10, 10), (40, 50), (100, 70)] {
            let truth = (f64::from(moving(3, x, y)) - 16.0) * 255.0 / 219.0;
            let at = (3 * SIZE.area() + y * SIZE.width as usize + x) * 3;
            let seen = f64::from(grey[at + 1]);
            assert!((seen - truth).abs() < slack, "{codec} {pixels}: {seen} instead of {truth}");
        }
    }
}

#[test]
fn what_encoders_wish() {
    let wish = |codec: &str, options: &[(&str, &str)]| {
        let mut video = VideoSettings::new(Size::new(64, 48), fps30()).with_codec(codec);
        for (name, value) in options {
            video = video.with_option(*name, *value);
        }
        VideoEncoder::open(&video, true).unwrap().wish()
    };
    if has_encoder("libx264") {
        let spec = wish("h264", &[]);
        assert_eq!(
            (spec.format, spec.color, spec.size),
            (PixelFormat::I420, ColorSpace::BT709, Size::new(64, 48))
        );
        assert_eq!(wish("h264", &[("pix_fmt", "nv12")]).format, PixelFormat::Nv12);
    }
    if has_encoder("libx264rgb") {
        assert_eq!(wish("libx264rgb", &[]).alpha, AlphaKind::Opaque);
    }
    assert_eq!(wish("mjpeg", &[]).color, ColorSpace::JPEG);
    assert_eq!(wish("ffv1", &[("pix_fmt", "bgra")]).alpha, AlphaKind::Straight);
    assert_eq!(wish("png", &[]).format, PixelFormat::Rgb);
}

#[test]
fn one_encoder_feeds_two_files() {
    if !has_programs() {
        return;
    }
    use lk_io::mux::{ContainerChoice, Muxer, MuxerSettings};
    let folder = Folder::new();
    let mut encoder = VideoEncoder::open(&quick(fps30()), true).unwrap();
    let files = [folder.file("a.mp4"), folder.file("b.mkv"), folder.file("c.ts")];
    let settings = MuxerSettings { overwrite: true, ..MuxerSettings::default() };
    let open = |name: &String| {
        let container = ContainerChoice::of(name, None).unwrap();
        Muxer::open(&container, name, &[encoder.stream()], &settings).unwrap()
    };
    let muxers: Vec<Muxer> = files.iter().map(open).collect();
    let mut sink = |packet: lk_io::encode::Packet| muxers.iter().try_for_each(|m| m.write(0, packet.clone()));
    for n in 0..40 {
        encoder.encode(&picture(SIZE, fps30(), n, moving), n, &mut sink).unwrap();
    }
    encoder.finish(&mut sink).unwrap();
    for (muxer, file) in muxers.iter().zip(&files) {
        assert_eq!(muxer.finish().unwrap().packets, 40);
        assert_eq!(stream(&probe(file), "video")["nb_read_frames"], "40", "{file}");
    }
}

#[test]
fn lists() {
    let encoders = lk_io::encode::encoders();
    assert!(encoders.iter().any(|e| e.name == "aac" && e.codec == "aac" && !e.lossless));
    assert!(encoders.iter().any(|e| e.name == "ffv1" && e.lossless));
    let formats = lk_io::mux::formats();
    assert!(formats.iter().any(|f| f.name == "matroska" && f.extensions.contains(&"mkv".to_owned())));
    assert_eq!(OutputSettings::default().video, None);
}
