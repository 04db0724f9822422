// SPDX-License-Identifier: GPL-2.0-or-later
//! What was allowed is remembered, ended, and lost.

use crate::desk::{OUTPUT, SCREEN, With, in_a_session, now, options};
use crate::display::wait_until;
use crate::film::Film;
use livekit_studio::{Capture, CaptureOptions};
use lk_media::{Sample, Sampling, VideoSource};
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
    in_a_session(With::Portal, |desk| {
        let token = desk.path("state/livekit-studio/portal/my%20desk");
        let read = || std::fs::read_to_string(&token).unwrap_or_default();
        let mut tokens = Vec::new();
        for color in ["#800000", "#008000", "#000080"] {
            let capture = Capture::screen(None, remembered("my desk")).expect("yes");
            desk.paint(OUTPUT, color);
            desk.same_as_grim(&capture, OUTPUT, None);
            tokens.push(read());
        }
        desk.keep_moving();
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
    in_a_session(With::Portal, |desk| {
        let capture = Arc::new(Capture::screen(None, options()).expect("the dialog says yes"));
        desk.paint(OUTPUT, "#00c000");
        desk.same_as_grim(&capture, OUTPUT, None);
        let film = Film::begin(desk, &capture);
        film.part();
        // the user has seen enough of it
        wait_until("the capture knows", || {
            desk.signal("backend", Signal::USR1);
            capture.state().word() == "ended"
        });
        let last = capture.sample(now(), Sampling::Live);
        assert!(matches!(last, Ok(Sample::Ended(Some(f))) if f.size() == SCREEN));
        assert_eq!(desk.asked(), 1);
        film.part();
        let (seen, counts) = film.end();
        let is_green = |[r, g, b]: &[u8; 3]| *g > 150 && *r < 60 && *b < 60;
        assert!(seen.iter().all(is_green), "{seen:?}");
        assert!(counts.duration >= Duration::from_secs(1), "{counts:?}");
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_backend_that_dies_is_asked_again() {
    in_a_session(With::Portal, |desk| {
        for options in [options(), remembered("dies")] {
            let capture = Capture::screen(None, options).expect("the dialog says yes");
            desk.paint(OUTPUT, "#800000");
            desk.same_as_grim(&capture, OUTPUT, None);
            desk.lose_the_backend(&capture, "#000080");
        }
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn what_is_allowed_no_more_is_asked_for_and_may_be_refused() {
    in_a_session(With::Portal, |desk| {
        let capture = Capture::screen(None, remembered("forgotten")).expect("the dialog says yes");
        desk.paint(OUTPUT, "#008000");
        desk.same_as_grim(&capture, OUTPUT, None);
        desk.take_back("forgotten");
        desk.answer("no");
        // which remembers by itself too, for as long as it runs
        desk.signal("portal", Signal::KILL);
        desk.signal("backend", Signal::KILL);
        wait_until("it is over", || capture.state().word() == "failed");
        let last = capture.sample(now(), Sampling::Live);
        assert!(matches!(last, Ok(Sample::Ended(Some(_)))), "the last frame stays");
        assert_eq!(desk.asked(), 2);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_compositor_that_dies_is_the_end() {
    in_a_session(With::Portal, |desk| {
        let capture = Capture::screen(None, options()).expect("the dialog says yes");
        desk.paint(OUTPUT, "#008000");
        desk.same_as_grim(&capture, OUTPUT, None);
        let states = capture.events().reader();
        desk.kill_sway();
        let new = || states.next(Duration::from_secs(60)).map(|event| event.new);
        assert_eq!((new().as_deref(), new().as_deref()), (Some("reconnecting"), Some("failed")));
        assert_eq!(desk.asked(), 1);
    });
}
