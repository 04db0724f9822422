// SPDX-License-Identifier: GPL-2.0-or-later
//! A window that lives its life while it is recorded.

use crate::display::{Desktop, wait_until};
use crate::painter::{Painted, color};
use livekit_studio::{
    Capture, CaptureOptions, LazyPlayer, OpenOptions, Recorded, RecorderSettings, Recording, WindowRule,
};
use lk_media::{Frame, FrameRate, PixelFormat, Size, VideoSource};
use std::sync::Arc;
use std::time::Duration;

const SIZE: Size = Size::new(320, 240);
/// How much of the file each part of the window's life fills at the least.
const PART: Duration = Duration::from_millis(400);
/// What an encoder may change of a colour.
const CLOSE: u8 = 14;

/// The number of the painted picture that `frame` shows whole; None for anything else.
fn painted(frame: &Frame) -> Option<u32> {
    let map = frame.map(PixelFormat::Bgra).expect("it can be converted");
    let plane = map.plane(0);
    let is = |n: u32| {
        let wanted = color(n);
        let close = |p: &[u8]| p.iter().zip(&wanted).take(3).all(|(a, b)| a.abs_diff(*b) <= CLOSE);
        (0..plane.rows).step_by(16).all(|y| plane.row(y).chunks_exact(4).step_by(16).all(close))
    };
    (0..10).find(|n| is(*n))
}

#[test]
fn resized_moved_iconified_closed_and_opened_again_while_it_is_recorded() {
    let Some(desktop) = Desktop::start(Size::new(800, 600), false) else { return };
    let folder = std::env::temp_dir().join(format!("lk-window-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("window.mp4");
    let file = file.to_str().expect("plain letters");

    let mut window = Painted::open(&desktop.name, "recorded", "painter", (10, 10), SIZE);
    let options =
        CaptureOptions { display: Some(desktop.name.clone()), ..CaptureOptions::new().expect("a rate") };
    let rule = WindowRule::Title("recorded".to_owned());
    let capture = Arc::new(Capture::window(rule, options).expect("the window is there"));
    let states = capture.events().reader();
    let rate = FrameRate::new(30, 1).expect("a rate");
    let recording = Recording::open(file, RecorderSettings::new(SIZE, rate, false)).expect("a file");
    recording.connect(Recorded::Sources(Some(capture.clone()), Vec::new())).expect("connected");
    let recorder = recording.recorder();
    recorder.start().expect("started");
    let record_a_part = || {
        let end = recorder.statistics().duration + PART;
        wait_until("it goes on being recorded", || recorder.statistics().duration >= end);
    };
    let becomes = |state: &str| wait_until(state, || capture.state().word() == state);

    window.paint(1);
    record_a_part();
    window.resize(Size::new(401, 203));
    window.paint(2);
    record_a_part();
    window.move_to(650, 450);
    window.paint(3);
    record_a_part();
    window.set_shown(false);
    becomes("stalled");
    record_a_part();
    window.set_shown(true);
    window.paint(4);
    becomes("live");
    record_a_part();
    drop(window);
    becomes("reconnecting");
    record_a_part();
    let window = Painted::open(&desktop.name, "recorded", "painter", (50, 50), Size::new(100, 80));
    window.paint(5);
    becomes("live");
    record_a_part();

    let report = recording.stop().expect("the file is whole");
    let mut seen: Vec<String> = std::iter::from_fn(|| states.try_next()).map(|event| event.new).collect();
    // a window that is closed may be seen to vanish first
    if let Some(at) = seen.windows(2).position(|pair| pair == ["stalled", "reconnecting"]) {
        seen.remove(at);
    }
    assert_eq!(seen, ["stalled", "live", "reconnecting", "live"]);

    let player = LazyPlayer::open(file, &OpenOptions::default()).expect("it plays");
    let (mut count, mut shown, mut last) = (0_u64, Vec::new(), None);
    while let Some(frame) = player.frame_after(last).expect("every frame can be read") {
        last = Some(frame.timestamp());
        count += 1;
        let number = painted(&frame);
        if number.is_some_and(|n| n > 0) && number != shown.last().copied() {
            shown.extend(number);
        }
    }
    let counts = report.statistics;
    assert_eq!(count, counts.frames + counts.repeated, "{counts:?}");
    assert_eq!(counts.duration.as_nanos(), u128::from(rate.time_of(count).as_nanos().unsigned_abs()));
    assert_eq!(shown, [1, 2, 3, 4, 5]);
    let _ = std::fs::remove_dir_all(&folder);
}
