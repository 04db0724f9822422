// SPDX-License-Identifier: GPL-2.0-or-later
//! What was allowed is remembered, ended, and lost.

use crate::desk::{OUTPUT, With, in_a_session, now, options};
use crate::display::wait_until;
use livekit_studio::{
    Capture, CaptureOptions, LazyPlayer, OpenOptions, Recorded, RecorderSettings, Recording,
};
use lk_media::{FrameRate, PixelFormat, Sample, Sampling, Size, VideoSource};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

fn remembered(name: &str) -> CaptureOptions {
    CaptureOptions { remember: Some(name.to_owned()), ..options() }
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn what_is_remembered_is_not_asked_again() {
    in_a_session(With::Memory, |desk| {
        let token = desk.path("state/livekit-studio/portal/my%20desk");
        let read = || std::fs::read_to_string(&token).unwrap_or_default();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            let capture = Capture::screen(None, remembered("my desk")).expect("yes");
            desk.same_as_grim(&capture, OUTPUT, None);
            tokens.push(read());
        }
        assert_eq!(desk.asked(), 1);
        assert!(tokens.iter().all(|token| !token.is_empty()), "{tokens:?}");
        let mode = std::fs::metadata(&token).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        drop(Capture::screen(None, remembered("another")).expect("yes"));
        assert_eq!(desk.asked(), 2);
        drop(Capture::screen(None, options()).expect("yes"));
        assert_eq!(desk.asked(), 3);
        // what is not a token of the portal's is as good as none
        std::fs::write(&token, "nonsense").expect("it is ours");
        drop(Capture::screen(None, remembered("my desk")).expect("yes"));
        assert_eq!(desk.asked(), 4);
        drop(Capture::screen(None, remembered("my desk")).expect("yes"));
        assert_eq!(desk.asked(), 4);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_recording_outlives_what_it_records() {
    in_a_session(With::Memory, |desk| {
        desk.tell("create_output");
        wait_until("there are two", || desk.tell("get_outputs").contains("HEADLESS-2"));
        desk.tell("output HEADLESS-2 resolution 320x240 bg #00c000 solid_color");
        desk.answer("HEADLESS-2");
        let capture = Arc::new(Capture::screen(None, options()).expect("the dialog says yes"));
        desk.same_as_grim(&capture, "HEADLESS-2", None);
        let size = Size::new(320, 240);
        let file = desk.path("portal.mp4").display().to_string();
        let rate = FrameRate::new(30, 1).expect("a rate");
        let recording = Recording::open(&file, RecorderSettings::new(size, rate, false)).expect("a file");
        recording.connect(Recorded::Sources(Some(capture.clone()), Vec::new())).expect("connected");
        let recorder = recording.recorder();
        recorder.start().expect("started");
        let record_a_part = || {
            let end = recorder.statistics().duration + Duration::from_millis(500);
            wait_until("it goes on being recorded", || recorder.statistics().duration >= end);
        };
        record_a_part();
        // the screen is switched off, and the portal says so
        desk.tell("output HEADLESS-2 disable");
        wait_until("the capture knows", || capture.state().word() == "ended");
        let last = capture.sample(now(), Sampling::Live);
        assert!(matches!(last, Ok(Sample::Ended(Some(f)) | Sample::Frame(f)) if f.size() == size));
        record_a_part();
        let counts = recording.stop().expect("the file is whole").statistics;

        let player = LazyPlayer::open(&file, &OpenOptions::default()).expect("it plays");
        let (mut count, mut last) = (0_u64, None);
        while let Some(frame) = player.frame_after(last).expect("every frame can be read") {
            last = Some(frame.timestamp());
            count += 1;
            let map = frame.map(PixelFormat::Rgb).expect("it can be converted");
            let middle = &map.plane(0).row(120)[480..483];
            assert!(middle[1] > 150 && middle[0] < 60 && middle[2] < 60, "frame {count}: {middle:?}");
        }
        assert_eq!(count, counts.frames + counts.repeated);
        assert!(counts.duration >= Duration::from_secs(1), "{counts:?}");
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_backend_that_dies_is_asked_again_where_it_remembers() {
    in_a_session(With::Memory, |desk| {
        for options in [options(), remembered("dies")] {
            let capture = Capture::screen(None, options).expect("the dialog says yes");
            let states = capture.events().reader();
            desk.same_as_grim(&capture, OUTPUT, None);
            let before = desk.asked();
            desk.signal("backend", Signal::KILL);
            let new = || states.next(Duration::from_secs(20)).map(|event| event.new);
            assert_eq!(new().as_deref(), Some("reconnecting"));
            assert_eq!(new().as_deref(), Some("live"));
            desk.tell(&format!("output {OUTPUT} bg #0000{:02x} solid_color", 100 + before));
            desk.same_as_grim(&capture, OUTPUT, None);
            assert_eq!(desk.asked(), before);
        }
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_backend_that_dies_and_remembers_nothing_is_the_end() {
    in_a_session(With::NoMemory, |desk| {
        let capture = Capture::screen(None, remembered("nothing")).expect("the dialog says yes");
        desk.same_as_grim(&capture, OUTPUT, None);
        assert!(!desk.path("state/livekit-studio/portal/nothing").exists());
        desk.signal("backend", Signal::KILL);
        wait_until("it is over", || capture.state().word() == "failed");
        let last = capture.sample(now(), Sampling::Live);
        assert!(matches!(last, Ok(Sample::Ended(Some(_)))), "the last frame stays");
        assert_eq!(desk.asked(), 1);
    });
}
