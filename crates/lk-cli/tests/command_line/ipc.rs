// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio ipc`, beside a program that shares pictures: this one.

use crate::program::{Folder, Outcome, program};
use livekit_studio::{Delivery, Frame, FrameSpec, IpcFolder, IpcTarget, IpcTargetOptions, PixelFormat, Size};
use livekit_studio::{Timestamp, VideoTarget};
use std::path::Path;

fn run(runtime: &Path, args: &[&str]) -> Outcome {
    let done = program(args).env("XDG_RUNTIME_DIR", runtime).output().unwrap();
    Outcome {
        status: done.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(done.stdout).unwrap(),
        stderr: String::from_utf8(done.stderr).unwrap(),
    }
}

fn target(runtime: &Path, name: &str, size: Size) -> IpcTarget {
    let folder = IpcFolder::at(&runtime.join("livekit"));
    let options = IpcTargetOptions { format: PixelFormat::Bgra, folder, ..IpcTargetOptions::default() };
    IpcTarget::open(name, size, &options).unwrap()
}

#[test]
fn lists_what_is_shared() {
    let folder = Folder::new("ipc-list");
    let none = run(folder.path(), &["ipc", "list"]).good();
    assert_eq!(none.stdout, "nothing is shared\n");
    let _first = target(folder.path(), "cam", Size::new(64, 48));
    let _second = target(folder.path(), "screen 2", Size::new(1920, 1080));
    let some = run(folder.path(), &["ipc", "list"]).good();
    let process = std::process::id();
    let lines = format!(
        "cam  64x48 bgra, 0 frames, process {process}\nscreen 2  1920x1080 bgra, 0 frames, process {process}\n"
    );
    assert_eq!(some.stdout, lines);
    let json = run(folder.path(), &["ipc", "list", "--json"]).good().json();
    assert_eq!(json["shared"][1]["name"], "screen 2");
    assert_eq!(json["shared"][0]["pictures"]["size"]["width"], 64);
}

#[test]
fn watches_a_name() {
    let folder = Folder::new("ipc-watch");
    let none = run(folder.path(), &["ipc", "watch", "cam", "--seconds", "0.2"]).good();
    assert_eq!(none.stdout, "starting: no pictures\n");
    let cam = target(folder.path(), "cam", Size::new(64, 48));
    let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(64, 48));
    let frame = Frame::from_packed(spec, &[9; 64 * 48 * 4], Timestamp::ZERO).unwrap();
    cam.offer(&frame, Delivery::Live).unwrap();
    let some = run(folder.path(), &["ipc", "watch", "cam", "--seconds", "0.5"]).good();
    assert!(some.stdout.starts_with("live: 64x48 bgra, "), "{}", some.stdout);
    let json = run(folder.path(), &["ipc", "watch", "cam", "--seconds", "0.5", "--json"]).good().json();
    assert_eq!((json["frames"].as_u64(), json["lost"].as_u64()), (Some(1), Some(0)));
    assert_eq!(json["process"].as_u64(), Some(u64::from(std::process::id())));
}

#[test]
fn names_that_cannot_be() {
    let folder = Folder::new("ipc-names");
    let long = "n".repeat(300);
    for name in ["a/b", "", &long] {
        let done = run(folder.path(), &["ipc", "watch", name, "--seconds", "0.1", "--json"]).bad(1);
        assert_eq!(done.json()["error"]["kind"], "parameter");
    }
}
