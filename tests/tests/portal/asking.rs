// SPDX-License-Identifier: GPL-2.0-or-later
//! The user is asked, and says yes, no, or nothing.

use crate::desk::{OUTPUT, SCREEN, With, in_a_session, options};
use crate::display::{two_hundred_leave_nothing_behind, wait_until};
use livekit_studio::{CHOOSE, Capture, CaptureOptions, ErrorKind, Region, WindowRule, diagnose, windows};
use lk_media::{Cancel, Size, VideoSource, thread};
use std::time::Duration;

#[test]
#[ignore = "builds a portal first: make verify"]
fn the_screen_that_was_chosen_is_what_grim_sees() {
    in_a_session(With::Portal, |desk| {
        let capture = Capture::screen(None, options()).expect("the dialog says yes");
        assert_eq!(desk.asked(), 1);
        desk.paint(OUTPUT, "#800000");
        desk.same_as_grim(&capture, OUTPUT, None);
        desk.tell(&format!("output {OUTPUT} resolution 800x450"));
        desk.same_as_grim(&capture, OUTPUT, None);
        assert_eq!(capture.size(), Some(Size::new(800, 450)));
        drop(capture);
        let region = Region { x: 101, y: 33, size: Size::new(95, 51) };
        let part = Capture::screen(Some(region), options()).expect("the dialog says yes");
        desk.paint(OUTPUT, "#008000");
        desk.same_as_grim(&part, OUTPUT, Some(region));
        drop(part);
        desk.keep_moving();
        let outside = Region { x: 790, y: 0, size: SCREEN };
        let error = Capture::screen(Some(outside), options()).err().expect("outside");
        assert_eq!(error.kind(), ErrorKind::Parameter);
        let named = CaptureOptions { output: Some(OUTPUT.to_owned()), ..options() };
        assert_eq!(Capture::screen(None, named).err().map(|e| e.kind()), Some(ErrorKind::Parameter));
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn choosing_a_window_is_an_entry_of_the_list() {
    in_a_session(With::Portal, |desk| {
        // there is no Xwayland here: the entry is all there is
        let found = windows(None).expect("a list");
        assert_eq!(found.iter().map(|w| (w.title.as_str(), w.id)).collect::<Vec<_>>(), [(CHOOSE, 0)]);
        assert_eq!(windows(Some("portal")).expect("a list"), found);
        let usual = || CaptureOptions::new().expect("a rate");
        for rule in [WindowRule::Index(0), WindowRule::Title(CHOOSE.to_owned()), WindowRule::Id(0)] {
            let before = desk.asked();
            // sway's portal offers whole screens only
            let capture = Capture::window(rule, usual()).expect("the dialog says yes");
            assert_eq!(desk.asked(), before + 1);
            desk.paint(OUTPUT, ["#800000", "#008000", "#000080"][before]);
            desk.same_as_grim(&capture, OUTPUT, None);
            assert_eq!(capture.window_info().map(|w| (w.title, w.size)), Some((CHOOSE.to_owned(), SCREEN)));
        }
        let wrong =
            Capture::window(WindowRule::Title("Firefox".to_owned()), usual()).err().expect("no Xwayland");
        assert_eq!(wrong.kind(), ErrorKind::Display);
        assert!(wrong.hint().is_some_and(|h| h.contains(CHOOSE)), "{wrong}");
        let index = Capture::window(WindowRule::Index(1), options()).err().expect("there is one");
        assert_eq!(index.kind(), ErrorKind::Index);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn where_no_screen_can_be_copied_the_user_is_asked() {
    in_a_session(With::Weston, |desk| {
        let usual = || CaptureOptions::new().expect("a rate");
        let capture = Capture::screen(None, usual()).expect("the dialog says yes");
        assert_eq!(desk.asked(), 1);
        desk.same_as_grim(&capture, OUTPUT, None);
        desk.answer("no");
        let error = Capture::screen(None, usual()).err().expect("the dialog says no");
        assert!(error.message().contains("wlr-screencopy"), "{error}");
        assert!(error.message().contains("without a choice"), "{error}");
        let found = diagnose().findings;
        let told = |topic| found.iter().find(|f| f.topic == topic).map(|f| f.text.as_str());
        assert_eq!(told("screens"), Some("by the desktop's portal"));
        assert_eq!(told("portal"), Some("version 4 with wlr: screens"));
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_user_who_says_no() {
    in_a_session(With::Portal, |desk| {
        desk.answer("no");
        let error = Capture::screen(None, options()).err().expect("the dialog says no");
        assert_eq!(error.kind(), ErrorKind::Display);
        assert!(error.message().contains("without a choice"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("choose in the dialog")), "{error}");
        desk.answer(OUTPUT);
        let capture = Capture::screen(None, options()).expect("another time it says yes");
        desk.paint(OUTPUT, "#800000");
        desk.same_as_grim(&capture, OUTPUT, None);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_user_who_thinks_can_be_given_up_on() {
    in_a_session(With::Portal, |desk| {
        desk.answer("wait");
        let short = CaptureOptions { timeout: Duration::from_secs(1), ..options() };
        let error = Capture::screen(None, short).err().expect("nobody chooses");
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
        // the backend shows one dialog at a time
        desk.answer(OUTPUT);
        drop(Capture::screen(None, options()).expect("the dialog says yes"));

        desk.answer("wait");
        let before = desk.asked();
        let cancel = Cancel::new();
        let long = CaptureOptions { cancel: cancel.clone(), timeout: Duration::from_secs(3600), ..options() };
        let thread = thread::spawn("asks", move || {
            let error = Capture::screen(None, long).err().expect("nobody chooses");
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        });
        wait_until("the dialog is shown", || desk.asked() > before);
        cancel.cancel();
        thread.expect("a thread").join().expect("it was cancelled");
        desk.answer(OUTPUT);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn many_captures_leave_nothing_behind() {
    in_a_session(With::Portal, |desk| {
        desk.keep_moving();
        two_hundred_leave_nothing_behind(|| {
            let options = CaptureOptions { remember: Some("again".to_owned()), ..options() };
            let capture = Capture::screen(None, options).expect("it is remembered");
            assert_eq!(capture.size(), Some(SCREEN));
        });
        assert_eq!(desk.asked(), 1);
    });
}
