// SPDX-License-Identifier: GPL-2.0-or-later
//! Other programs: those that publish cameras, and those that read them.

use super::media::skip;
use super::session::Session;
use lk_media::{Frame, PixelFormat, Size};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A session; None (and a reported skip) where something for it or GStreamer is not installed.
pub fn session(others: &[&str]) -> Option<Session> {
    let is_there = |program: &str| {
        std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()))
    };
    if let Some(missing) = ["gst-launch-1.0", "gst-inspect-1.0"].iter().chain(others).find(|p| !is_there(p)) {
        skip(&format!(
            "there is no {missing}: apt install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-pipewire \
             pipewire-v4l2"
        ));
        return None;
    }
    for element in ["videotestsrc", "pipewiresink"] {
        if !has_element(element) {
            skip(&format!(
                "GStreamer has no {element}: apt install gstreamer1.0-plugins-base gstreamer1.0-pipewire"
            ));
            return None;
        }
    }
    Session::start()
}

fn has_element(element: &str) -> bool {
    let found = Command::new("gst-inspect-1.0")
        .arg(element)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.unwrap().success()
}

/// A program that ends with its owner.
pub struct Running(Child);

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        // gone with the thread that runs the test, however that ends
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it ended well.
    pub fn wait(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

/// Colour bars of GStreamer's as a camera called "Test Bars", with what stands between.
pub fn bars(caps: &str, name: &str, between: &[&str]) -> Running {
    let properties = format!(
        "stream-properties=props,media.class=Video/Source,node.name={name},media.role=Camera,node.description=Test-{name}"
    );
    let mut arguments =
        vec!["gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "pattern=smpte100", "!", caps, "!"];
    arguments.extend(between);
    arguments.extend(["pipewiresink", "mode=provide", &properties]);
    Running::start(&arguments)
}

/// An error that says where a picture is not GStreamer's colour bars.
pub fn are_bars(frame: &Frame) -> Result<(), String> {
    // of 100 %: white, yellow, cyan, green, magenta, red, blue
    const BARS: [[u8; 3]; 7] =
        [[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255]];
    let map = frame.map(PixelFormat::Rgb).unwrap();
    let Size { width, height } = frame.size();
    for (n, wanted) in BARS.iter().enumerate() {
        let x = (width as usize * (2 * n + 1)) / 14;
        for y in [4, height as usize / 3] {
            let got = &map.plane(0).row(y)[x * 3..x * 3 + 3];
            if got.iter().zip(wanted).any(|(a, b)| a.abs_diff(*b) > 16) {
                return Err(format!("bar {n} at {x}, {y} is {got:?}, not {wanted:?}"));
            }
        }
    }
    Ok(())
}

/// A file for what a program writes.
pub fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lk-pipewire-{}-{name}", std::process::id()))
}

/// What a program wrote, which is then no more.
pub fn written(path: &PathBuf) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_default();
    drop(std::fs::remove_file(path));
    bytes
}
