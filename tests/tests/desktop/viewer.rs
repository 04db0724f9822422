// SPDX-License-Identifier: GPL-2.0-or-later
//! What windows show, and what they cost.

use crate::display::{Desktop, difference, pause, two_hundred_leave_nothing_behind, wait_until};
use crate::painter::now;
use livekit_studio::{
    ErrorKind, ImageFile, Key, View, ViewFit, Viewer, ViewerOptions, image_file, open_viewer,
};
use lk_compositor::Placement;
use lk_media::clock::thread_cpu_time;
use lk_media::{AlphaKind, Frame, FrameSpec, PixelFormat, Size, Still, VideoPort, VideoSource, thread};
use lk_tests::harness::{Motif, Picture, Stage};
use lk_tests::reference;
use std::sync::Arc;
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};

const SCREEN: Size = Size::new(1280, 720);

fn open(desktop: &Desktop, size: Size, title: &str) -> Viewer {
    let display = Some(desktop.name.clone());
    open_viewer(ViewerOptions { display, ..ViewerOptions::new(size, title) }).expect("a window")
}

fn noise(size: Size) -> Picture {
    Picture::new(PixelFormat::Rgb, size.width, size.height, Motif::Noise(7))
}

fn still(picture: &Picture) -> Arc<dyn VideoSource> {
    Arc::new(Still::new("noise", picture.frame()))
}

/// What a picture in a window of `size` must look like when it fills `place` of it.
fn expected(picture: &Picture, size: Size, place: Placement) -> Frame {
    let stage = Stage::new(size.width, size.height).layer(*picture, |layer| layer.placement = place);
    let spec = FrameSpec::of(PixelFormat::Bgra, size).with_alpha(AlphaKind::Opaque);
    reference::render(&stage.scene, &stage.inputs(), spec)
}

/// Draws until the rectangle of the screen at `x`, `y` is `picture`, and a little longer.
fn draw_until(viewer: &Viewer, desktop: &Desktop, (x, y): (usize, usize), picture: &Frame, tolerance: u8) {
    let mut last = 255;
    wait_until("the window shows the picture", || {
        assert!(viewer.draw().expect("drawn"), "closed: {:?} at {last}", viewer.error());
        last = difference(&desktop.screen(), x, y, picture);
        last <= tolerance
    });
}

/// The window called `title` as the display knows it.
fn window(desktop: &Desktop, title: &str) -> String {
    let mut id = String::new();
    wait_until("the window is there", || {
        id = desktop.ask("xdotool", &["search", "--name", title]).trim().to_owned();
        !id.is_empty()
    });
    id
}

#[test]
fn an_image_in_a_window_is_the_file_and_the_reference_when_scaled() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let (size, picture) = (Size::new(317, 203), noise(Size::new(317, 203)));
    let path = std::env::temp_dir().join(format!("lk-viewer-{}.png", std::process::id()));
    image_file::save(&picture.frame(), &path).expect("saved");
    let file = ImageFile::open(&path).expect("an image");
    let _ = std::fs::remove_file(&path);

    let viewer = open(&desktop, size, "exact");
    viewer.set_source(Some(Arc::new(file)));
    draw_until(&viewer, &desktop, (0, 0), &picture.frame(), 0);
    let shot = viewer.screenshot().expect("a screenshot");
    assert_eq!(difference(&shot, 0, 0, &picture.frame()), 0);

    // resized by its user: as large as goes, bars at the sides
    let id = window(&desktop, "exact");
    desktop.ask("xdotool", &["windowsize", "--sync", &id, "900", "406"]);
    let larger = Size::new(900, 406);
    let enlarged = expected(&picture, larger, Placement::rectangle(133.0, 0.0, 634.0, 406.0));
    draw_until(&viewer, &desktop, (0, 0), &enlarged, 2);
    assert_eq!(viewer.size(), larger);

    viewer.set_view(View { fit: ViewFit::ScaleDown, margin: 30 });
    let centred = expected(&picture, larger, Placement::rectangle(291.0, 101.0, 317.0, 203.0));
    draw_until(&viewer, &desktop, (0, 0), &centred, 0);
    viewer.set_view(View { fit: ViewFit::Stretch, margin: 150 });
    let squeezed = expected(&picture, larger, Placement::rectangle(150.0, 150.0, 600.0, 106.0));
    draw_until(&viewer, &desktop, (0, 0), &squeezed, 2);
}

#[test]
fn three_windows_from_three_threads() {
    let Some(desktop) = Desktop::start(SCREEN, true) else { return };
    let desktop = Arc::new(desktop);
    let threads: Vec<_> = (0..3_u32)
        .map(|n| {
            let desktop = desktop.clone();
            thread::spawn("draws", move || {
                let port = Arc::new(VideoPort::new());
                let title = format!("window {n}");
                let viewer = open(&desktop, Size::new(200 + n * 20, 150), &title);
                viewer.set_source(Some(port.clone()));
                let picture = Picture::new(PixelFormat::I420, 200 + n * 20, 150, Motif::Noise(u64::from(n)));
                port.publish(picture.frame());
                let id = window(&desktop, &title);
                let expected = expected(&picture, viewer.size(), Placement::STRETCH);
                wait_until("all three show theirs", || {
                    assert!(viewer.draw().expect("drawn"));
                    desktop.ask("xdotool", &["windowraise", &id]);
                    let place = desktop.ask("xwininfo", &["-id", &id]);
                    let number = |label: &str| {
                        let line = place.lines().find(|l| l.contains(label));
                        line.and_then(|l| l.rsplit(' ').next()?.parse::<usize>().ok()).expect("a place")
                    };
                    let (x, y) = (number("Absolute upper-left X"), number("Absolute upper-left Y"));
                    difference(&desktop.screen(), x, y, &expected) <= 1
                });
            })
            .expect("a thread")
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().expect("all went well"));
}

#[test]
fn many_windows_leave_nothing_behind() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let cycle = || {
        let viewer = open(&desktop, Size::new(160, 120), "again");
        viewer.set_source(Some(still(&noise(Size::new(160, 120)))));
        assert!(viewer.draw().expect("drawn"));
        viewer.close();
        assert!(!viewer.draw().expect("a closed window says so"));
    };
    two_hundred_leave_nothing_behind(cycle);
    let left = desktop.ask("xwininfo", &["-root", "-children"]);
    assert!(!left.contains("\"again\""), "{left}");
}

#[test]
fn a_still_picture_is_drawn_once() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let viewer = open(&desktop, Size::new(640, 480), "still");
    viewer.set_source(Some(still(&noise(Size::new(640, 480)))));
    (0..10).for_each(|_| assert!(viewer.draw().expect("drawn")));
    let (shown, cpu) = (viewer.statistics().shown, thread_cpu_time());
    (0..60).for_each(|_| assert!(viewer.draw().expect("drawn")));
    let cpu = thread_cpu_time() - cpu;
    assert_eq!(viewer.statistics().shown, shown);
    assert!(cpu < Duration::from_millis(20), "60 calls took {cpu:?} of the processor");
}

#[test]
fn keys_full_screen_and_the_close_button() {
    let Some(desktop) = Desktop::start(SCREEN, true) else { return };
    let viewer = open(&desktop, Size::new(320, 240), "keys");
    viewer.set_source(Some(still(&noise(Size::new(320, 240)))));
    let id = window(&desktop, "keys");
    let press = |key: &str| desktop.ask("xdotool", &["key", "--window", &id, key]);
    let mut seen = Vec::new();
    press("space");
    press("Left");
    press("q");
    wait_until("the keys arrive", || {
        seen.extend(viewer.keys());
        seen.len() >= 3
    });
    assert_eq!(seen, [Key::Char(' '), Key::Left, Key::Char('q')]);

    press("F11");
    wait_until("it fills the screen", || viewer.draw().expect("drawn") && viewer.size() == SCREEN);
    assert!(viewer.is_fullscreen());
    press("Escape");
    wait_until("it is as before", || viewer.draw().expect("drawn") && viewer.size() == Size::new(320, 240));
    viewer.set_fullscreen(true);
    wait_until("it fills the screen again", || viewer.draw().expect("drawn") && viewer.size() == SCREEN);
    viewer.set_title("another");
    wait_until("it has another title", || {
        desktop.ask("xprop", &["-id", &id, "_NET_WM_NAME"]).contains("another")
    });

    let pressed = now();
    press_close(&desktop, id.parse().expect("a number"));
    wait_until("it is closed", || !viewer.draw().expect("no error"));
    println!("draw() is False {:.1} ms after the close button", now().nanos_since(pressed) as f64 / 1e6);
    assert!(viewer.error().is_none() && viewer.is_closed());
    assert_eq!(viewer.screenshot().err().map(|e| e.kind()), Some(ErrorKind::Closed));
}

/// Does what the close button does.
fn press_close(desktop: &Desktop, window: u32) {
    let (conn, _) = x11rb::connect(Some(&desktop.name)).expect("the display is there");
    let atom = |name: &[u8]| conn.intern_atom(false, name).expect("atom").reply().expect("atom").atom;
    let data = [atom(b"WM_DELETE_WINDOW"), 0, 0, 0, 0];
    let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
    conn.send_event(false, window, EventMask::NO_EVENT, message).expect("sent");
    conn.flush().expect("sent");
    // the connection must live until the message has arrived
    conn.get_input_focus().expect("asked").reply().expect("answered");
}

#[test]
fn what_is_written_to_a_window_is_seen() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let viewer = open(&desktop, Size::new(64, 48), "target");
    let target = viewer.target();
    let picture = noise(Size::new(64, 48));
    target.offer(&picture.frame(), lk_media::Delivery::Live).expect("taken");
    draw_until(&viewer, &desktop, (0, 0), &picture.frame(), 0);
    // a hidden window is not drawn, and nobody waits for it
    let id = window(&desktop, "target");
    desktop.ask("xdotool", &["windowunmap", "--sync", &id]);
    wait_until("nothing more is drawn", || {
        let shown = viewer.statistics().shown;
        target.offer(&picture.frame(), lk_media::Delivery::Live).expect("taken");
        assert!(viewer.draw().expect("drawn"));
        pause(Duration::from_millis(50));
        viewer.statistics().shown == shown
    });
    desktop.ask("xdotool", &["windowmap", "--sync", &id]);
    draw_until(&viewer, &desktop, (0, 0), &picture.frame(), 0);
}
