// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio doctor` and `licenses`.

use crate::program::program;
use serde_json::Value;

#[test]
fn what_is_missing_is_told_with_what_mends_it() {
    // a machine without a display and without a sound server
    let run = |args: &[&str]| {
        let nothing = [("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("PULSE_SERVER", "/nowhere/pulse")];
        let done = program(args).envs(nothing).output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    };
    let told: Value = serde_json::from_str(&run(&["doctor", "--json"])).unwrap();
    let findings = told["findings"].as_array().expect("a list");
    let of = |topic: &str| findings.iter().find(|f| f["topic"] == topic).expect("each part");
    assert_eq!(of("media")["health"], "works", "{told}");
    for topic in ["sound", "desktop"] {
        assert_eq!(of(topic)["health"], "missing", "{told}");
        assert!(of(topic)["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{told}");
    }
    let said = run(&["doctor"]);
    assert!(said.contains("FFmpeg") && said.contains("no  sound") && said.contains("->"), "{said}");
}

#[test]
fn what_is_inside_is_told() {
    let run = |args: &[&str]| {
        let done = program(args).output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    };
    let told: Value = serde_json::from_str(&run(&["licenses", "--json"])).unwrap();
    let parts = told["components"].as_array().expect("a list");
    let ffmpeg = parts.iter().find(|part| part["name"] == "FFmpeg").expect("what it stands on");
    assert!(ffmpeg["license"].as_str().is_some_and(|l| l.contains("GPL")), "{ffmpeg}");
    assert_eq!(told["conveyed"], "GPL-3.0-or-later");
    assert!(run(&["licenses"]).contains("https://crates.io/crates/image/"));
}
