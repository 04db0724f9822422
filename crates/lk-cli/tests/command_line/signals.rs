// SPDX-License-Identifier: GPL-2.0-or-later
//! Ctrl-C.

use crate::program::{folder, program};
use livekit_studio::Wake;
use livekit_studio::clock::Deadline;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn interrupt(child: &Child) {
    // the shell's own kill: small systems have no program of that name
    let sent = Command::new("/bin/sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Waits until `done` says so; false when it takes more than a minute.
fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Deadline::after(Duration::from_secs(60));
    while !done() {
        if deadline.has_passed() {
            return false;
        }
        Wake::new().wait(Duration::from_millis(20));
    }
    true
}

#[test]
fn ctrl_c_ends_the_file_properly() {
    let Some(folder) = folder("ctrl_c_ends_the_file_properly") else { return };
    folder.clip("clip.mkv", "red", "64x64", 1.0, true);
    let args =
        ["render", "out.mp4", "--layer", "clip.mkv,loop=yes", "--seconds", "36000", "--size", "320x240"];
    let mut child = program(&args).current_dir(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let out = folder.path().join("out.mp4");
    let is_written = || out.metadata().is_ok_and(|m| m.len() > 4096);
    assert!(eventually(is_written), "nothing was written");
    interrupt(&child);
    assert!(eventually(|| child.try_wait().unwrap().is_some()), "it goes on");
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(130), "{said}");
    assert!(said.contains("cancelled after ") && said.contains("out.mp4 is whole"), "{said}");
    let frames = said.split(' ').nth(3).and_then(|n| n.parse::<u64>().ok());
    assert_eq!(Some(folder.count("out.mp4")), frames, "{said}");
}

#[test]
fn ctrl_c_is_how_a_recording_ends() {
    let Some(folder) = folder("ctrl_c_is_how_a_recording_ends") else { return };
    let args = ["record", "color:red", "out.mp4", "--size", "64x48", "--json"];
    let mut child = program(&args).current_dir(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let out = folder.path().join("out.mp4");
    assert!(eventually(|| out.metadata().is_ok_and(|m| m.len() > 2000)), "nothing was written");
    interrupt(&child);
    assert!(eventually(|| child.try_wait().unwrap().is_some()), "it goes on");
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(said["frames"].as_u64(), Some(folder.count("out.mp4")), "{said}");
}

#[test]
fn ctrl_c_ends_the_waiting_for_a_silent_address() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clip.mp4", silent.local_addr().unwrap());
    let child = program(&["probe", &url, "--timeout", "600", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let held = silent.accept().unwrap();
    interrupt(&child);
    let done = child.wait_with_output().unwrap();
    drop(held);
    assert_eq!(done.status.code(), Some(130));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(said["error"]["kind"], "cancelled");
}
