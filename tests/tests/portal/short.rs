// SPDX-License-Identifier: GPL-2.0-or-later
//! One share from its beginning to its end, in a few seconds: a screen is chosen, recorded, lost
//! with the portal's backend, and found again.

use crate::desk::{OUTPUT, SCREEN, With, colors, in_a_session, options, record_a_part};
use livekit_studio::{Capture, Recorded, RecorderSettings, Recording};
use lk_media::FrameRate;
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_screen_is_chosen_recorded_lost_and_found() {
    in_a_session(With::Portal, |desk| {
        let capture = Arc::new(Capture::screen(None, options()).expect("the dialog says yes"));
        assert_eq!(desk.asked(), 1);
        desk.paint(OUTPUT, "#00c000");
        desk.same_as_grim(&capture, OUTPUT, None);
        let file = desk.path("short.mp4").display().to_string();
        let rate = FrameRate::new(30, 1).expect("a rate");
        let recording = Recording::open(&file, RecorderSettings::new(SCREEN, rate, false)).expect("a file");
        recording.connect(Recorded::Sources(Some(capture.clone()), Vec::new())).expect("connected");
        let recorder = recording.recorder();
        recorder.start().expect("started");
        record_a_part(recorder);
        desk.paint(OUTPUT, "#c00000");
        desk.same_as_grim(&capture, OUTPUT, None);
        record_a_part(recorder);

        // nobody is asked again: what was allowed is remembered for as long as this program asks
        desk.answer("no");
        let states = capture.events().reader();
        desk.signal("backend", Signal::KILL);
        let new = || states.next(Duration::from_secs(60)).map(|event| event.new);
        assert_eq!((new().as_deref(), new().as_deref()), (Some("reconnecting"), Some("stalled")));
        assert_eq!(desk.asked(), 1);
        desk.paint(OUTPUT, "#0000c0");
        assert_eq!(new().as_deref(), Some("live"));
        desk.same_as_grim(&capture, OUTPUT, None);
        record_a_part(recorder);
        let counts = recording.stop().expect("the file is whole").statistics;

        let seen = colors(&file);
        assert_eq!(seen.len() as u64, counts.frames + counts.repeated);
        let mut shown: Vec<&str> = Vec::new();
        for [r, g, b] in seen {
            // sway itself is grey while another program begins to paint
            if r.abs_diff(63).max(g.abs_diff(63)).max(b.abs_diff(63)) < 20 {
                continue;
            }
            let name = match (r > 120, g > 120, b > 120) {
                (true, false, false) => "red",
                (false, true, false) => "green",
                (false, false, true) => "blue",
                _ => panic!("a colour that was never shown: {r} {g} {b}"),
            };
            if shown.last() != Some(&name) {
                shown.push(name);
            }
        }
        assert_eq!(shown, ["green", "red", "blue"]);
    });
}
