// SPDX-License-Identifier: GPL-2.0-or-later
//! Displays that are not there, hang, or die.

use crate::display::{Desktop, wait_until};
use crate::painter::{Painted, number};
use livekit_studio::{
    Capture, CaptureOptions, ErrorKind, PixelFormat, Region, ViewerOptions, WindowRule, open_viewer, windows,
};
use lk_media::clock::Deadline;
use lk_media::{Size, Still, VideoSource};
use lk_tests::harness::{Motif, Picture};
use std::sync::Arc;
use std::time::Duration;

const SMALL: Size = Size::new(320, 240);

fn options(display: &str) -> CaptureOptions {
    CaptureOptions { display: Some(display.to_owned()), ..CaptureOptions::new().expect("a rate") }
}

fn viewer_on(display: &str) -> lk_media::Result<livekit_studio::Viewer> {
    let display = Some(display.to_owned());
    open_viewer(ViewerOptions { display, ..ViewerOptions::new(SMALL, "trouble") })
}

fn picture() -> Arc<dyn VideoSource> {
    Arc::new(Still::new("a picture", Picture::new(PixelFormat::Rgb, 320, 240, Motif::Noise(1)).frame()))
}

#[test]
fn without_a_display_everything_says_what_to_do() {
    let error = viewer_on(":987").err().expect("no such display");
    assert_eq!(error.kind(), ErrorKind::Display);
    assert!(error.hint().is_some_and(|h| h.contains("Xvfb")), "{error}");
    let rule = WindowRule::Index(0);
    assert_eq!(Capture::window(rule, options(":987")).err().map(|e| e.kind()), Some(ErrorKind::Display));
    assert_eq!(Capture::screen(None, options("nonsense")).err().map(|e| e.kind()), Some(ErrorKind::Display));
    assert_eq!(windows(Some(":987")).err().map(|e| e.kind()), Some(ErrorKind::Display));
}

#[test]
fn windows_that_are_not_there_are_named() {
    let Some(desktop) = Desktop::start(SMALL, false) else { return };
    let _painted = Painted::open(&desktop.name, "Numbered pictures", "painter", (0, 0), SMALL);
    let open = |rule| Capture::window(rule, options(&desktop.name)).err().expect("it is not there");
    let title = open(WindowRule::Title("Numberd pictures".to_owned()));
    assert_eq!(title.kind(), ErrorKind::DeviceNotFound);
    assert!(title.hint().is_some_and(|h| h.starts_with("did you mean \"Numbered pictures\"?")), "{title}");
    assert_eq!(open(WindowRule::Index(1)).kind(), ErrorKind::Index);
    assert_eq!(open(WindowRule::Id(1)).kind(), ErrorKind::DeviceNotFound);
    let region = Region { x: 300, y: 0, size: SMALL };
    let outside = Capture::screen(Some(region), options(&desktop.name)).err().expect("outside");
    assert_eq!(outside.kind(), ErrorKind::Parameter);
    assert!(outside.hint().is_some_and(|h| h.contains("320x240")), "{outside}");
}

#[test]
fn a_display_that_hangs_holds_up_nobody() {
    let Some(desktop) = Desktop::start(SMALL, false) else { return };
    let viewer = viewer_on(&desktop.name).expect("a window");
    viewer.set_source(Some(picture()));
    assert!(viewer.draw().expect("drawn"));
    let capture = Capture::screen(None, options(&desktop.name)).expect("a screen");
    desktop.freeze(true);
    (0..30).for_each(|_| assert!(viewer.draw().expect("drawn")));
    let error = viewer_on(&desktop.name).err().expect("it does not answer");
    assert_eq!(error.kind(), ErrorKind::Display);
    drop(viewer);
    drop(capture);
    desktop.freeze(false);
}

#[test]
fn a_display_that_dies_closes_its_windows_and_captures_come_back_with_it() {
    let Some(mut desktop) = Desktop::start(SMALL, false) else { return };
    let viewer = viewer_on(&desktop.name).expect("a window");
    viewer.set_source(Some(picture()));
    assert!(viewer.draw().expect("drawn"));
    let painted = Painted::open(&desktop.name, "comes back", "painter", (0, 0), SMALL);
    let rule = WindowRule::Title("comes back".to_owned());
    let capture = Capture::window(rule, options(&desktop.name)).expect("a window");
    assert!(capture.next(0, Deadline::after(Duration::from_secs(5))).is_some());

    desktop.kill();
    wait_until("the window is closed", || !viewer.draw().expect("no error"));
    assert_eq!(viewer.error().map(|e| e.kind()), Some(ErrorKind::Display));
    wait_until("the window is looked for", || capture.state().word() == "reconnecting");
    drop(painted);

    desktop.restart();
    let painted = Painted::open(&desktop.name, "comes back", "painter", (0, 0), SMALL);
    painted.paint(5);
    let mut seq = 0;
    wait_until("it shows what is painted now", || {
        let found = capture.next(seq, Deadline::after(Duration::from_millis(100)));
        found.is_some_and(|(s, frame)| {
            seq = s + 1;
            number(&frame, 10) == Some(5)
        })
    });
    assert_eq!(capture.state().word(), "live");
}
