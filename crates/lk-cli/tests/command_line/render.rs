// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio render`.

use crate::program::{Folder, folder};

/// The pixel at (x, y) of RGB bytes `width` pixels wide.
fn pixel(rgb: &[u8], width: usize, x: usize, y: usize) -> [u8; 3] {
    let at = (y * width + x) * 3;
    [rgb[at], rgb[at + 1], rgb[at + 2]]
}

#[track_caller]
fn assert_near(got: [u8; 3], wanted: [u8; 3]) {
    let near = got.iter().zip(wanted).all(|(g, w)| g.abs_diff(w) <= 6);
    assert!(near, "{got:?} is not {wanted:?}");
}

/// The loudest sample of a file's sound, full scale being 1.
fn peak(folder: &Folder, name: &str) -> f32 {
    folder.ffmpeg(&format!("-i {name} -f f32le -c:a pcm_f32le sound.f32"));
    let bytes = std::fs::read(folder.path().join("sound.f32")).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).abs()).fold(0.0, f32::max)
}

#[test]
fn layers_lie_where_they_are_told() {
    let Some(folder) = folder("layers_lie_where_they_are_told") else { return };
    folder.clip("red.mkv", "red", "64x64", 1.0, true);
    folder.ffmpeg("-f lavfi -i color=c=0x00ff00:s=80x40 -frames:v 1 green.png");
    let said = folder
        .run(&[
            "render",
            "out.mp4",
            "--size",
            "320x240",
            "--background",
            "#0000ff",
            "--quality",
            "10",
            "--layer",
            "red.mkv,at=0:0",
            "--layer",
            "green.png,anchor=bottom-right,margin=20,size=160x",
            "--seconds",
            "1",
            "--json",
        ])
        .good();
    assert!(said.stderr.is_empty(), "{}", said.stderr);
    let json = said.json();
    assert_eq!((&json["frames"], &json["samples"]), (&30.into(), &48000.into()));
    assert_eq!(
        (&json["seconds"], &json["rate"], &json["output"]),
        (&1.0.into(), &"30".into(), &"out.mp4".into())
    );
    let bytes = folder.path().join("out.mp4").metadata().unwrap().len();
    assert_eq!(json["bytes"], bytes);
    assert!(
        json["elapsed"].as_f64().is_some_and(|e| e > 0.0) && json["fps"].as_f64().is_some_and(|f| f > 0.0)
    );

    assert_eq!(folder.count("out.mp4"), 30);
    let rgb = folder.rgb("out.mp4", 29);
    assert_near(pixel(&rgb, 320, 32, 32), [254, 0, 0]);
    assert_near(pixel(&rgb, 320, 220, 180), [0, 255, 0]);
    assert_near(pixel(&rgb, 320, 150, 60), [0, 0, 255]);
    assert_near(pixel(&rgb, 320, 310, 232), [0, 0, 255]);
    assert!(peak(&folder, "out.mp4") > 0.05);
}

#[test]
fn without_a_length_it_ends_with_the_last_clip() {
    let Some(folder) = folder("without_a_length") else { return };
    folder.clip("one.mkv", "red", "64x64", 1.0, false);
    folder.clip("two.mkv", "blue", "64x64", 0.5, false);
    let said = folder.run(&["render", "out.mkv", "--size", "64x64", "-l", "one.mkv", "-l", "two.mkv"]).good();
    assert!(
        said.stdout.starts_with("out.mkv: 30 frames, 1.000 s, 64x64 at 30 a second, "),
        "{}",
        said.stdout
    );
    assert!(said.stderr.is_empty(), "no bar without a terminal: {}", said.stderr);
    assert_eq!(folder.count("out.mkv"), 30);

    folder.ffmpeg("-f lavfi -i color=c=red:s=48x32 -frames:v 1 a.png");
    let said = folder.run(&["render", "no.mkv", "-l", "a.png"]).bad(2).stderr;
    assert!(said.contains("--seconds 10 or --frames 300"), "{said}");
    let said = folder.run(&["render", "no.mkv", "-l", "one.mkv,loop=yes"]).bad(2).stderr;
    assert!(said.contains("--seconds"), "{said}");
    assert!(!folder.path().join("no.mkv").exists());
}

#[test]
fn fractional_rates_and_frames() {
    let Some(folder) = folder("fractional_rates_and_frames") else { return };
    folder.clip("clip.mkv", "red", "64x64", 1.0, false);
    let args = [
        "--size",
        "64x64",
        "-l",
        "clip.mkv",
        "--fps",
        "29.97",
        "--frames",
        "25",
        "--quiet",
        "--threads",
        "1",
    ];
    let said = folder.run(&[&["render", "out.mp4"][..], &args].concat()).good();
    assert!(said.stdout.is_empty() && said.stderr.is_empty(), "{}{}", said.stdout, said.stderr);
    assert_eq!(folder.count("out.mp4"), 25);
    let json = folder.run(&["probe", "out.mp4", "--json"]).good().json();
    assert_eq!(json["video"][0]["fps"], "30000/1001");
    assert_eq!(json["audio"].as_array().map(Vec::len), Some(0));
}

#[test]
fn sounds_are_mixed_as_told() {
    let Some(folder) = folder("sounds_are_mixed_as_told") else { return };
    folder.clip("clip.mkv", "red", "64x64", 0.5, true);
    folder.ffmpeg("-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.5 tone.wav");
    let peak_of = |name: &str, args: &[&str]| {
        let always = ["--size", "64x64", "--audio-codec", "pcm_s16le", "--seconds", "0.5"];
        folder.run(&[&["render", name][..], &always, args].concat()).good();
        peak(&folder, name)
    };
    let one = peak_of("one.mkv", &["-l", "clip.mkv"]);
    let both = peak_of("both.mkv", &["-l", "clip.mkv", "-a", "tone.wav"]);
    let quiet = peak_of("quiet.mkv", &["-l", "clip.mkv,gain=-6.0206", "-a", "tone.wav,mute=yes"]);
    let late = peak_of("late.mkv", &["-l", "clip.mkv,audio=no", "-a", "tone.wav,sync-offset=2"]);
    assert!((both / one - 2.0).abs() < 0.01 && (quiet / one - 0.5).abs() < 0.01, "{one} {both} {quiet}");
    assert_eq!(late, 0.0);

    let said = folder.run(&["render", "no.mkv", "-l", "clip.mkv", "-a", "late.txt"]).bad(1).stderr;
    assert!(said.contains("late.txt"), "{said}");
    folder.ffmpeg("-f lavfi -i color=c=red:s=48x32 -frames:v 1 a.png");
    let said = folder.run(&["render", "no.mkv", "-l", "a.png,gain=3", "--frames", "1"]).bad(2).stderr;
    assert!(said.contains("a.png: it has no sound"), "{said}");
    let said = folder.run(&["render", "no.mkv", "-l", "tone.wav", "--frames", "1"]).bad(1).stderr;
    assert!(said.contains("no pictures") && said.contains("--audio"), "{said}");
}

#[test]
fn commas_in_names_are_escaped() {
    let Some(folder) = folder("commas_in_names_are_escaped") else { return };
    folder.ffmpeg("-f lavfi -i color=c=red:s=64x64 -frames:v 1 one,two.png");
    folder
        .run(&["render", "out.mp4", "--size", "64x64", "-l", r"one\,two.png,at=0:0", "--frames", "2"])
        .good();
    let said = folder.run(&["render", "out.mp4", "-l", "one,two.png", "--frames", "2"]).bad(2).stderr;
    assert!(said.contains("\\,"), "{said}");
}

#[test]
fn codecs_options_and_containers_are_reachable() {
    let Some(folder) = folder("codecs_options_and_containers") else { return };
    folder.clip("clip.mkv", "red", "64x64", 0.5, true);
    let same = ["--size", "64x64", "-l", "clip.mkv"];
    let with = |args: &[&str]| folder.run(&[&["render"][..], args, &same].concat());
    with(&["a.film", "--format", "mkv", "--video-codec", "ffv1", "--audio-codec", "flac"]).good();
    let json = folder.run(&["probe", "a.film", "--json"]).good().json();
    assert_eq!((&json["video"][0]["codec"], &json["audio"][0]["codec"]), (&"ffv1".into(), &"flac".into()));
    with(&["b.mp4", "-o", "preset=ultrafast", "-o", "g=5", "--bitrate", "200k"]).good();
    assert_eq!(folder.count("b.mp4"), 15);

    let said = with(&["c.mp4", "--video-codec", "libx246"]).bad(1).stderr;
    assert!(said.contains("libx246") && said.contains("libx264"), "{said}");
    let said = with(&["c.mp4", "-o", "presset=fast"]).bad(1).stderr;
    assert!(said.contains("presset") && said.contains("preset"), "{said}");
    let said = with(&["no/such/folder/c.mp4", "--json"]).bad(1);
    assert_eq!(said.json()["error"]["kind"], "output", "{}", said.stdout);
    assert!(!folder.path().join("c.mp4").exists());
}

#[test]
fn what_is_there_is_kept() {
    let Some(folder) = folder("what_is_there_is_kept") else { return };
    folder.clip("clip.mkv", "red", "64x64", 0.5, false);
    let before = std::fs::read(folder.path().join("clip.mkv")).unwrap();
    let said = folder.run(&["render", "./clip.mkv", "-l", "clip.mkv"]).bad(1).stderr;
    assert!(said.contains("would be overwritten"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("clip.mkv")).unwrap(), before);

    std::fs::write(folder.path().join("old.mp4"), "precious").unwrap();
    let args = ["render", "old.mp4", "--size", "64x64", "-l", "clip.mkv"];
    folder.run(&[&args[..], &["--no-overwrite"]].concat()).bad(1);
    assert_eq!(std::fs::read(folder.path().join("old.mp4")).unwrap(), b"precious");
    folder.run(&args).good();
    assert_eq!(folder.count("old.mp4"), 15);
}

#[test]
fn two_layers_cannot_share_a_slot() {
    let said = Folder::new("two_layers")
        .run(&["render", "o.mp4", "-l", "a.mp4,slot=3", "-l", "b.mp4,slot=3"])
        .bad(2);
    assert!(said.stderr.contains("slot 3 has a.mp4 in it"), "{}", said.stderr);
}

#[test]
fn a_layer_may_be_a_color() {
    let Some(folder) = folder("a_layer_may_be_a_color") else { return };
    let base = ["render", "out.mkv", "--size", "64x48", "--frames", "2", "--quality", "1", "--layer"];
    let run = |layers: [&str; 2]| folder.run(&[&base[..], &[layers[0], "--layer", layers[1]]].concat());
    run(["color:#fff", "color:rgb(200 0 0),at=8:8,size=16x16"]).good();
    let rgb = folder.rgb("out.mkv", 1);
    assert_near(pixel(&rgb, 64, 4, 4), [255, 255, 255]);
    assert_near(pixel(&rgb, 64, 16, 16), [200, 0, 0]);
    assert_near(pixel(&rgb, 64, 40, 16), [255, 255, 255]);
    let refused = run(["color:#fff", "color:none of these"]);
    assert!(refused.stderr.contains("is not a colour"), "{}", refused.stderr);
}
