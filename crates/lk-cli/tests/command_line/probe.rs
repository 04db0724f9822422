// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio probe`.

use crate::program::{Folder, folder, run};
use std::net::TcpListener;

#[test]
fn a_clip_in_words_and_as_json() {
    let Some(folder) = folder("a_clip_in_words_and_as_json") else { return };
    folder.clip("clip.mkv", "red", "320x240", 2.0, true);
    let said = folder.run(&["probe", "clip.mkv"]).good().stdout;
    for word in
        ["clip.mkv", "matroska", "2.000 s", "h264", "320x240", "30 frames a second", "pcm_s16le", "48000 Hz"]
    {
        assert!(said.contains(word), "{word} is missing in: {said}");
    }
    let json = folder.run(&["probe", "clip.mkv", "--json"]).good().json();
    assert_eq!(json["duration"], 2.0);
    assert_eq!(json["video"][0]["size"], serde_json::json!({ "width": 320, "height": 240 }));
    assert_eq!(json["video"][0]["fps"], "30");
    assert_eq!(json["audio"][0]["sample_rate"], 48000);
}

#[test]
fn pictures_by_their_bytes() {
    let Some(folder) = folder("pictures_by_their_bytes") else { return };
    for (name, format) in [("a.png", "png"), ("a.jpg", "jpeg"), ("a.bmp", "bmp"), ("a.gif", "gif")] {
        folder.ffmpeg(&format!("-f lavfi -i color=c=red:s=48x32 -frames:v 1 {name}"));
        let said = folder.run(&["probe", name]).good().stdout;
        assert!(said.contains("48x32") && said.contains(format), "{said}");
        let json = folder.run(&["probe", name, "--json"]).good().json();
        assert_eq!(json["format"], format);
        assert_eq!(json["picture"]["size"]["width"], 48);
        assert_eq!((&json["picture"]["count"], json["duration"].is_null()), (&1.into(), true));
    }
}

#[test]
fn what_cannot_be_opened_has_a_kind_and_a_hint() {
    let folder = Folder::new("what_cannot_be_opened");
    std::fs::write(folder.path().join("noise.mp4"), [0x5a; 5000]).unwrap();
    std::fs::write(folder.path().join("empty.mp4"), []).unwrap();
    for (name, kind) in
        [("none.mp4", "media_not_found"), ("noise.mp4", "media"), ("empty.mp4", "media"), (".", "media")]
    {
        let said = folder.run(&["probe", name, "--json"]).bad(1);
        assert_eq!(said.json()["error"]["kind"], kind, "{name}: {}", said.stdout);
        assert!(said.stderr.is_empty(), "{}", said.stderr);
        let said = folder.run(&["probe", name]).bad(1);
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains("\nhint: "), "{}", said.stderr);
        assert!(said.stdout.is_empty());
    }
}

#[test]
fn an_address_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://me:secret@{}/clip.mp4", silent.local_addr().unwrap());
    let said = run(&["probe", &url, "--timeout", "0.3", "--json"]).bad(1);
    assert_eq!(said.json()["error"]["kind"], "deadline", "{}", said.stdout);
    assert!(!said.stdout.contains("secret"), "{}", said.stdout);
}
