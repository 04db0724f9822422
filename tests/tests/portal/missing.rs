// SPDX-License-Identifier: GPL-2.0-or-later
//! Sessions whose portal is missing, or does not answer.

use crate::desk::{OUTPUT, With, in_a_session, options};
use livekit_studio::{Capture, ErrorKind, windows};
use rustix::process::Signal;

fn refused(wanted: &str, hint: &str) {
    let error = Capture::screen(None, options()).err().expect("nobody can be asked");
    assert_eq!(error.kind(), ErrorKind::Display, "{error}");
    assert!(error.message().contains(wanted), "{error}");
    assert!(error.hint().is_some_and(|h| h.contains(hint)), "{error:?}");
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_portal_without_a_backend() {
    in_a_session(With::NoBackend, |desk| {
        refused("no backend", "xdg-desktop-portal-wlr");
        assert_eq!(desk.asked(), 0);
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn no_portal() {
    in_a_session(With::NoPortal, |_| {
        refused("no desktop portal", "apt install xdg-desktop-portal");
        // nor is choosing offered
        assert_eq!(windows(None).err().map(|e| e.kind()), Some(ErrorKind::Display));
        assert_eq!(windows(Some("portal")).err().map(|e| e.kind()), Some(ErrorKind::Display));
    });
}

#[test]
#[ignore = "builds a portal first: make verify"]
fn a_portal_that_hangs_holds_up_nobody() {
    in_a_session(With::Portal, |desk| {
        let capture = Capture::screen(None, options()).expect("the dialog says yes");
        desk.same_as_grim(&capture, OUTPUT, None);
        desk.signal("portal", Signal::STOP);
        refused("does not answer", "restart");
        // what it granted is seen on
        desk.paint(OUTPUT, "#800000");
        desk.same_as_grim(&capture, OUTPUT, None);
        drop(capture);
        desk.signal("portal", Signal::CONT);
        drop(Capture::screen(None, options()).expect("it answers again"));
    });
}
