// SPDX-License-Identifier: GPL-2.0-or-later
//! Screens on Wayland, compared with what grim sees; windows under Xwayland.

use crate::display::{difference, two_hundred_leave_nothing_behind, wait_until};
use crate::sway::Sway;
use livekit_studio::{
    Capture, CaptureOptions, ErrorKind, Key, Region, Viewer, ViewerOptions, WindowRule, open_viewer, windows,
};
use lk_media::clock::Deadline;
use lk_media::{Frame, PixelFormat, Size, Still, VideoPort, VideoSource};
use lk_tests::harness::{Motif, Picture};
use std::sync::Arc;
use std::time::Duration;

const SCREEN: Size = Size::new(640, 360);
/// A terminal that shows something everywhere, and then stands still.
const TEXT: &str = "printf '\\033[?25l'; seq 1 400 | tr '\\n' ' '; sleep 1000";

fn options(sway: &Sway) -> CaptureOptions {
    CaptureOptions { display: Some(sway.name.clone()), ..CaptureOptions::new().expect("a rate") }
}

/// Looks at frames, each once, until one is what grim sees of `output` (or the part of it).
fn same_as_grim(sway: &Sway, capture: &Capture, output: &str, part: Option<Region>) -> Frame {
    let what = sway.tell("get_outputs").replace('\n', " ");
    let mut found = None;
    wait_until(&format!("the capture of {output} shows what grim sees ({what})"), || {
        let seen = sway.picture(output);
        let newest = capture.sample(crate::painter::now(), lk_media::Sampling::Live);
        if let Ok(lk_media::Sample::Frame(frame)) = newest {
            let region = part.unwrap_or(Region { x: 0, y: 0, size: seen.size() });
            let is_size = frame.size() == region.size;
            if is_size && difference(&seen, region.x as usize, region.y as usize, &frame) == 0 {
                found = Some(frame);
            }
        }
        found.is_some()
    });
    found.expect("it was found")
}

#[test]
fn a_screen_is_what_grim_sees() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    let capture = Capture::screen(None, options(&sway)).expect("a screen");
    let empty = same_as_grim(&sway, &capture, "HEADLESS-1", None);
    assert_eq!(empty.size(), SCREEN);
    assert_eq!(capture.state().word(), "live");
    sway.run_in_terminal("text", TEXT);
    let text = same_as_grim(&sway, &capture, "HEADLESS-1", None);
    assert_ne!(empty.id(), text.id());

    // what stands still makes no frames
    let mut seq = 0;
    while let Some((s, _)) = capture.next(seq, Deadline::after(Duration::from_millis(500))) {
        seq = s + 1;
    }
    assert!(capture.next(seq, Deadline::after(Duration::from_secs(1))).is_none());
    sway.tell("output HEADLESS-1 bg #800000 solid_color");
    sway.tell("kill");
    let frame = capture.next(seq, Deadline::after(Duration::from_secs(10))).expect("something changed");
    assert!(frame.0 >= seq);
    same_as_grim(&sway, &capture, "HEADLESS-1", None);

    let region = Region { x: 101, y: 33, size: Size::new(95, 51) };
    let part = Capture::screen(Some(region), options(&sway)).expect("a part of it");
    same_as_grim(&sway, &part, "HEADLESS-1", Some(region));
}

#[test]
fn turned_scaled_and_resized_screens() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    sway.run_in_terminal("text", TEXT);
    let capture = Capture::screen(None, options(&sway)).expect("a screen");
    let region = Region { x: 11, y: 7, size: Size::new(203, 101) };
    let part = Capture::screen(Some(region), options(&sway)).expect("a part of it");
    for transform in ["90", "180", "270", "flipped", "flipped-90", "flipped-180", "flipped-270", "normal"] {
        sway.tell(&format!("output HEADLESS-1 transform {transform}"));
        let frame = same_as_grim(&sway, &capture, "HEADLESS-1", None);
        let lies = ["90", "270"].iter().any(|turn| transform.ends_with(turn));
        let size = if lies { Size::new(SCREEN.height, SCREEN.width) } else { SCREEN };
        assert_eq!(frame.size(), size, "{transform}");
        same_as_grim(&sway, &part, "HEADLESS-1", Some(region));
    }
    sway.tell("output HEADLESS-1 scale 2");
    assert_eq!(same_as_grim(&sway, &capture, "HEADLESS-1", None).size(), SCREEN);
    sway.tell("output HEADLESS-1 scale 1 resolution 800x450");
    assert_eq!(same_as_grim(&sway, &capture, "HEADLESS-1", None).size(), Size::new(800, 450));
}

#[test]
fn screens_have_names_and_numbers() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    sway.tell("create_output");
    wait_until("there are two", || sway.tell("get_outputs").contains("HEADLESS-2"));
    sway.tell("output HEADLESS-2 resolution 320x200 bg #00ff00 solid_color");
    let open = |output: &str| {
        Capture::screen(None, CaptureOptions { output: Some(output.to_owned()), ..options(&sway) })
    };
    let named = open("headless-2").expect("it has a name");
    same_as_grim(&sway, &named, "HEADLESS-2", None);
    let numbers = [open("0").expect("the first"), open("1").expect("the second")];
    let sizes = numbers.each_ref().map(|c| c.size().map_or(0, |s| s.width));
    assert!(sizes.contains(&640) && sizes.contains(&320), "{sizes:?}");
    let error = open("HDMI-A-1").err().expect("there is none");
    assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
    assert!(error.hint().is_some_and(|h| h.contains("HEADLESS-2")), "{error:?}");
    let region = Region { x: 600, y: 0, size: SCREEN };
    let outside = Capture::screen(Some(region), options(&sway)).err().expect("outside");
    assert_eq!(outside.kind(), ErrorKind::Parameter);
}

#[test]
fn a_compositor_that_dies_is_looked_for() {
    let Some(mut sway) = Sway::start(SCREEN, false) else { return };
    let capture = Capture::screen(None, options(&sway)).expect("a screen");
    same_as_grim(&sway, &capture, "HEADLESS-1", None);
    sway.kill();
    wait_until("it is looked for", || capture.state().word() == "reconnecting");
    let last = capture.sample(crate::painter::now(), lk_media::Sampling::Live);
    assert!(matches!(last, Ok(lk_media::Sample::Frame(f)) if f.size() == SCREEN));
    let error = Capture::screen(None, options(&sway)).err().expect("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Display);
    sway.restart();
    wait_until("it is back", || capture.state().word() == "live");
    same_as_grim(&sway, &capture, "HEADLESS-1", None);
}

#[test]
fn a_compositor_that_hangs_holds_up_nobody() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    let capture = Capture::screen(None, options(&sway)).expect("a screen");
    sway.freeze(true);
    let error = Capture::screen(None, options(&sway)).err().expect("it does not answer");
    assert_eq!(error.kind(), ErrorKind::Display);
    assert!(capture.sample(crate::painter::now(), lk_media::Sampling::Live).is_ok());
    drop(capture);
    sway.freeze(false);
}

#[test]
fn many_captures_leave_nothing_behind() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    two_hundred_leave_nothing_behind(|| {
        let capture = Capture::screen(None, options(&sway)).expect("a screen");
        assert_eq!(capture.size(), Some(SCREEN));
    });
}

fn native(sway: &Sway, title: &str) -> Viewer {
    let display = Some(sway.name.clone());
    open_viewer(ViewerOptions { display, ..ViewerOptions::new(Size::new(320, 180), title) })
        .expect("a window")
}

#[test]
fn a_window_without_xwayland_is_what_grim_sees() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    let viewer = native(&sway, "native");
    let picture = Picture::new(PixelFormat::Rgb, SCREEN.width, SCREEN.height, Motif::Noise(3));
    viewer.set_source(Some(Arc::new(Still::new("noise", picture.frame()))));
    let shows = |what: &str, size: Size, x: usize, y: usize| {
        wait_until(what, || {
            assert!(viewer.draw().expect("drawn"));
            if viewer.size() != size {
                return false;
            }
            let shot = viewer.screenshot().expect("a picture of it");
            shot.size() == size && difference(&sway.picture("HEADLESS-1"), x, y, &shot) == 0
        });
    };
    // sway lets a window fill the screen
    shows("all over the screen", SCREEN, 0, 0);
    assert_eq!(difference(&sway.picture("HEADLESS-1"), 0, 0, &picture.frame()), 0);
    viewer.set_title("renamed");
    wait_until("its new title", || sway.tell("get_tree").contains("\"renamed\""));
    assert!(sway.tell("get_tree").contains("\"livekit-studio\""));

    sway.tell("[title=renamed] floating enable, resize set 300 170, move absolute position 30 40");
    shows("floating", Size::new(300, 170), 30, 40);
    viewer.set_fullscreen(true);
    shows("full screen", SCREEN, 0, 0);
    sway.tell("[title=renamed] fullscreen disable");
    shows("floating again", Size::new(300, 170), 30, 40);
    assert!(!viewer.is_fullscreen());

    // a scaled screen has as many pixels
    sway.tell("[title=renamed] floating disable");
    sway.tell("output HEADLESS-1 scale 2");
    shows("scaled", SCREEN, 0, 0);
    assert_eq!(difference(&sway.picture("HEADLESS-1"), 0, 0, &picture.frame()), 0);

    sway.tell("[title=renamed] kill");
    wait_until("it is closed", || !viewer.draw().expect("no error"));
    assert!(viewer.error().is_none());
}

#[test]
fn a_hidden_window_and_a_dead_compositor_hold_up_nobody() {
    let Some(mut sway) = Sway::start(SCREEN, false) else { return };
    let viewer = native(&sway, "hidden");
    let port = Arc::new(VideoPort::new());
    viewer.set_source(Some(port.clone()));
    let draw = |n: u64| {
        port.publish(Picture::new(PixelFormat::Rgb, 64, 36, Motif::Noise(n)).frame());
        viewer.draw().expect("drawn")
    };
    wait_until("it is shown", || draw(0) && viewer.statistics().shown > 0);
    sway.tell("workspace elsewhere");
    (0..20).for_each(|n| assert!(draw(n)));
    let shown = viewer.statistics().shown;
    (0..60).for_each(|n| assert!(draw(n)));
    assert!(viewer.statistics().shown <= shown + 1, "nobody sees it");
    sway.tell("workspace back_and_forth");
    sway.tell("[title=hidden] focus");
    wait_until("it is shown again", || draw(1) && viewer.statistics().shown > shown + 1);

    sway.freeze(true);
    (0..30).for_each(|n| assert!(draw(n)));
    sway.freeze(false);
    sway.kill();
    wait_until("it is closed", || !draw(2));
    assert_eq!(viewer.error().map(|e| e.kind()), Some(ErrorKind::Display));
}

#[test]
fn keys_are_those_of_the_keyboard() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    let viewer = native(&sway, "keys");
    let mut keys = Vec::new();
    // a window has a keyboard some time after there is one
    wait_until("its keys", || {
        assert!(viewer.draw().expect("drawn"));
        keys.extend(viewer.keys());
        if keys.is_empty() && !sway.types(&["-s", "500", "q", "-k", "Left", "-k", "F5", " "]) {
            return true;
        }
        keys.len() >= 4
    });
    if !keys.is_empty() {
        assert_eq!(keys[..4], [Key::Char('q'), Key::Left, Key::F(5), Key::Char(' ')]);
    }
}

#[test]
fn many_windows_leave_nothing_behind() {
    let Some(sway) = Sway::start(SCREEN, false) else { return };
    two_hundred_leave_nothing_behind(|| {
        let viewer = native(&sway, "again");
        viewer.set_source(Some(Arc::new(Still::new(
            "noise",
            Picture::new(PixelFormat::Rgb, 64, 36, Motif::Noise(1)).frame(),
        ))));
        assert!(viewer.draw().expect("drawn"));
        viewer.close();
    });
    wait_until("none is left", || !sway.tell("get_tree").contains("\"again\""));
}

#[test]
fn windows_under_xwayland() {
    let Some(sway) = Sway::start(SCREEN, true) else { return };
    let x11 = sway.x11();
    let picture = Picture::new(PixelFormat::Rgb, SCREEN.width, SCREEN.height, Motif::Noise(3));
    let options =
        ViewerOptions { display: Some(x11.clone()), ..ViewerOptions::new(SCREEN, "through Xwayland") };
    let viewer = open_viewer(options).expect("Xwayland shows windows");
    viewer.set_source(Some(Arc::new(Still::new("noise", picture.frame()))));
    // sway lets a window fill the screen
    wait_until("grim sees it", || {
        assert!(viewer.draw().expect("drawn"));
        viewer.size() == SCREEN && difference(&sway.picture("HEADLESS-1"), 0, 0, &picture.frame()) == 0
    });
    let found = windows(Some(&x11)).expect("a list");
    assert!(found.iter().any(|w| w.title == "through Xwayland"), "{found:?}");
    let on_x11 = CaptureOptions { display: Some(x11), ..CaptureOptions::new().expect("a rate") };
    let capture =
        Capture::window(WindowRule::Title("through Xwayland".to_owned()), on_x11).expect("it is there");
    wait_until("the capture shows it", || {
        assert!(viewer.draw().expect("drawn"));
        let newest = capture.sample(crate::painter::now(), lk_media::Sampling::Live);
        matches!(newest, Ok(lk_media::Sample::Frame(f)) if difference(&picture.frame(), 0, 0, &f) == 0)
    });
}
