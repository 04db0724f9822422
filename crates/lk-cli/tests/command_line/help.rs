// SPDX-License-Identifier: GPL-2.0-or-later
//! What the program says about itself, and how it takes mistakes.

use crate::program::{program, run};
use std::process::Stdio;

#[test]
fn the_version_names_licence_and_owner() {
    let said = run(&["--version"]).good().stdout;
    assert!(said.starts_with(&format!("livekit-studio {}", env!("CARGO_PKG_VERSION"))), "{said}");
    assert!(said.contains("GPL-2.0-or-later") && said.contains("not affiliated with LiveKit Inc."), "{said}");
}

#[test]
fn help_names_every_key() {
    let said = run(&["render", "--help"]).good().stdout;
    for word in ["sync-offset", "bottom-right", "additive", "--no-overwrite", "\\,"] {
        assert!(said.contains(word), "{word} is missing in: {said}");
    }
    assert!(said.contains("'one\\, two.mp4"), "{said}");
}

#[test]
fn mistakes_are_usage_errors() {
    for args in [&[][..], &["rende"], &["render"], &["render", "o.mp4", "--fps", "x"], &["probe"]] {
        let said = run(args).bad(2);
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{args:?}: {}", said.stdout);
    }
    let said = run(&["render", "o.mp4", "--layer", "a.mp4,opacity=2"]).bad(2).stderr;
    assert_eq!(
        said,
        "error: --layer a.mp4: opacity=2 is not possible\nhint: opacity is a number from 0 to 1\n"
    );
}

#[test]
fn scripts_get_mistakes_as_one_object() {
    for args in [&["render", "--json"][..], &["--json"], &["render", "o.mp4", "--json", "--layer", "a,b"]] {
        let said = run(args).bad(2);
        assert_eq!(said.json()["error"]["kind"], "usage", "{}", said.stdout);
        assert!(said.json()["error"]["hint"].is_string(), "{}", said.stdout);
        assert!(said.stderr.is_empty(), "{}", said.stderr);
    }
}

#[test]
fn nobody_needs_to_listen() {
    for args in
        [&["--help"][..], &["encoders"], &["encoders", "--json"], &["render"], &["probe", "--json", "none"]]
    {
        let mut child = program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut errors = child.stderr.take().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut errors, &mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        assert!(status.code().is_some_and(|c| c < 3), "{args:?}: {status}");
    }
    let mut child = program(&["render"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn lists_say_what_there_is() {
    let formats = run(&["formats"]).good().stdout;
    assert!(formats.lines().any(|l| l.starts_with("mp4 ") && l.contains(".mp4")), "{formats}");
    let json = run(&["encoders", "--json"]).good().json();
    let names: Vec<&str> =
        json["encoders"].as_array().unwrap().iter().filter_map(|e| e["name"].as_str()).collect();
    assert!(names.contains(&"aac"), "{names:?}");
    let text = run(&["encoders"]).good().stdout;
    assert_eq!(text.lines().count(), names.len());
}
