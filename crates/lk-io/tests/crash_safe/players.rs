// SPDX-License-Identifier: GPL-2.0-or-later
//! Finished files, and those left in fragments, in players that are not FFmpeg.

use crate::clip::{live, safe};
use crate::support::{Folder, bytes};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// Says that something was skipped, also to the list of skips of `make test`.
fn skip(reason: &str) {
    println!("skipped: {reason}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        file.and_then(|mut f| writeln!(f, "lk-io crash_safe: {reason}")).unwrap();
    }
}

/// A finished file of four seconds, and the same in the state before the last steps of its end.
fn files(folder: &Folder) -> [String; 2] {
    let clip = live(120).clip(true);
    let (ordinary, fragments) = (folder.file("ordinary.mp4"), folder.file("fragments.mp4"));
    clip.file(&ordinary, &safe());
    let mut file = bytes(&ordinary);
    let mdat = file.windows(4).position(|w| w == b"mdat").unwrap() - 4;
    let moof = file.windows(4).position(|w| w == b"moof").unwrap() - 4;
    let end = mdat + u64::from_be_bytes(file[mdat + 8..mdat + 16].try_into().unwrap()) as usize;
    // as it was before it became ordinary
    file.truncate(end);
    file[mdat..mdat + 4].copy_from_slice(&((moof - mdat) as u32).to_be_bytes());
    file[mdat + 4..mdat + 8].copy_from_slice(b"moov");
    file[mdat + 8..mdat + 16].copy_from_slice(b"\0\0\0\x6cmvhd");
    std::fs::write(&fragments, file).unwrap();
    [ordinary, fragments]
}

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let out = Command::new("timeout").arg("120").arg(program).args(arguments).output().ok()?;
    // what timeout says of a program that is not there
    (out.status.code() != Some(127)).then_some(out)
}

#[test]
fn gstreamer() {
    let folder = Folder::new();
    let plugin = run("gst-inspect-1.0", &["qtdemux"]);
    if !plugin.is_some_and(|o| o.status.success()) {
        return skip("GStreamer with its good plugins is not installed");
    }
    for file in files(&folder) {
        let source = format!("location={file}");
        let pipeline =
            ["-e", "filesrc", &source, "!", "qtdemux", "name=d", "d.video_0", "!", "queue", "!", "fakesink"];
        let sound =
            ["silent=false", "sync=false", "-v", "d.audio_0", "!", "queue", "!", "fakesink", "sync=false"];
        let out = run("gst-launch-1.0", &[&pipeline[..], &sound].concat()).unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{file}: {}{said}", String::from_utf8_lossy(&out.stderr));
        let pictures = said.lines().filter(|l| l.contains("fakesink0") && l.contains("chain")).count();
        assert_eq!(pictures, 120, "{file}");
    }
}

#[test]
fn chromium() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|b| run(b, &["--version"]).is_some_and(|o| o.status.success()))
    else {
        return skip("Chromium is not installed");
    };
    let folder = Folder::new();
    for file in files(&folder) {
        let page = folder.file("page.html");
        let name = Path::new(&file).file_name().unwrap().to_string_lossy();
        let script = "const v = document.querySelector('video'), p = document.querySelector('p');
            const say = (text) => { p.textContent = text; };
            v.onerror = () => say('error ' + v.error.message);
            v.onloadeddata = () => { v.onseeked = () =>
                say('playable ' + v.duration + ' at ' + v.currentTime + ' ' + v.videoWidth + 'x' + v.videoHeight);
                v.currentTime = 3; };";
        let text = format!(
            "<video src=\"{name}\" preload=auto muted></video><p>nothing</p><script>{script}</script>"
        );
        std::fs::write(&page, text).unwrap();
        let profile = format!("--user-data-dir={}", folder.file("profile"));
        let out = run(
            browser,
            &[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--virtual-time-budget=20000",
                "--dump-dom",
                &profile,
                &format!("file://{page}"),
            ],
        )
        .unwrap();
        let dom = String::from_utf8_lossy(&out.stdout);
        let said = dom.split("<p>").nth(1).and_then(|r| r.split("</p>").next()).unwrap_or("no page");
        let duration: Option<f64> =
            said.strip_prefix("playable ").and_then(|r| r.split(' ').next()?.parse().ok());
        println!("{browser}, {name}: {said}");
        let duration =
            duration.unwrap_or_else(|| panic!("{name}: {said}\n{}", String::from_utf8_lossy(&out.stderr)));
        assert!((duration - 4.0).abs() < 0.1, "{name}: {said}");
        assert!(said.ends_with("at 3 128x96"), "{name}: {said}");
    }
}
