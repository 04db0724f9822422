// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows and screens as sources.

use crate::display::{Desktop, difference, pause, two_hundred_leave_nothing_behind, wait_until};
use crate::painter::{Painted, color, number};
use livekit_studio::{Capture, CaptureOptions, ErrorKind, Region, WindowRule, windows};
use lk_media::clock::Deadline;
use lk_media::{Frame, Sample, Sampling, Size, VideoSource};
use std::time::Duration;

const SCREEN: Size = Size::new(800, 600);
const SIZE: Size = Size::new(320, 240);
/// How long one frame is waited for.
const FRAME: Duration = Duration::from_secs(5);

fn options(desktop: &Desktop) -> CaptureOptions {
    CaptureOptions { display: Some(desktop.name.clone()), ..CaptureOptions::new().expect("a rate") }
}

fn titled(desktop: &Desktop, title: &str) -> Capture {
    Capture::window(WindowRule::Title(title.to_owned()), options(desktop)).expect("the window is there")
}

/// The next frame that fits; each is looked at once.
fn next(capture: &Capture, seq: &mut u64, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
    let mut found = None;
    wait_until(what, || {
        if let Some((s, frame)) = capture.next(*seq, Deadline::after(Duration::from_millis(100))) {
            *seq = s + 1;
            found = Some(frame).filter(|f| fits(f));
        }
        found.is_some()
    });
    found.expect("it was found")
}

#[test]
fn three_hundred_numbered_pictures_seen_or_covered() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let seen = Painted::open(&desktop.name, "seen", "painter", (400, 0), SIZE);
    let covered = Painted::open(&desktop.name, "covered", "painter", (20, 20), SIZE);
    let cover = Painted::open(&desktop.name, "cover", "painter", (0, 0), Size::new(380, 300));
    cover.raise();
    let captures = [titled(&desktop, "seen"), titled(&desktop, "covered")];
    let painting = [seen.paint_on(), covered.paint_on()];
    let mut counts = [(0_u64, 0_u32, 0_u32, 0_u32); 2];
    wait_until("something is painted", || painting.iter().all(|p| p.number() > 0));
    while counts.iter().any(|(_, _, last, _)| *last < 300) {
        for (capture, (seq, distinct, last, torn)) in captures.iter().zip(&mut counts) {
            let (s, frame) = capture.next(*seq, Deadline::after(FRAME)).expect("pictures go on coming");
            *seq = s + 1;
            match number(&frame, 10_000) {
                // what lay under the cover before the capture is known when it is painted next
                None => *torn += u32::from(*last > 0),
                Some(n) => {
                    assert!(n >= *last, "{n} after {last}");
                    *distinct += u32::from(n > *last && n <= 300);
                    *last = n;
                }
            }
        }
    }
    for ((_, distinct, _, torn), how) in counts.into_iter().zip(["seen", "covered"]) {
        println!("{how}: {distinct} of 300 pictures, {torn} torn");
        assert!(distinct >= 290 && torn == 0, "{distinct} of 300 pictures, {torn} torn");
    }
    // and the screen shows the cover
    assert_eq!(desktop.screen().map_native().plane(0).row(100)[400..403], color(0)[..3]);
}

#[test]
fn resized_moved_iconified_closed_and_opened_again() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let mut painted = Painted::open(&desktop.name, "lives", "painter", (10, 10), SIZE);
    let capture = titled(&desktop, "lives");
    let mut seq = 0;
    let shows = |n: u32| move |f: &Frame| number(f, 10) == Some(n);
    next(&capture, &mut seq, "the first picture", shows(0));
    assert_eq!(capture.state().word(), "live");

    painted.resize(Size::new(400, 200));
    painted.paint(1);
    let frame = next(&capture, &mut seq, "its new size", |f| f.size() == Size::new(400, 200) && shows(1)(f));
    assert_eq!(capture.size(), Some(frame.size()));
    // over the edge of the screen, and whole
    painted.move_to(700, 500);
    painted.paint(2);
    assert_eq!(next(&capture, &mut seq, "moved", shows(2)).size(), Size::new(400, 200));

    painted.set_shown(false);
    wait_until("it is known to be hidden", || capture.state().word() == "stalled");
    assert!(matches!(capture.sample(crate::painter::now(), Sampling::Live), Ok(Sample::Frame(_))));
    painted.set_shown(true);
    painted.paint(3);
    next(&capture, &mut seq, "shown again", shows(3));
    assert_eq!(capture.state().word(), "live");

    drop(painted);
    wait_until("it is known to be closed", || capture.state().word() == "reconnecting");
    pause(Duration::from_millis(300));
    let last = capture.sample(crate::painter::now(), Sampling::Live);
    assert!(matches!(last, Ok(Sample::Frame(f)) if shows(3)(&f)));
    let _other = Painted::open(&desktop.name, "another", "painter", (0, 0), SIZE);
    let again = Painted::open(&desktop.name, "lives", "painter", (50, 50), Size::new(100, 80));
    again.paint(4);
    assert_eq!(next(&capture, &mut seq, "opened again", shows(4)).size(), Size::new(100, 80));
    assert_eq!(capture.window_info().map(|w| w.id), Some(again.window));

    let by_id = Capture::window(WindowRule::Id(again.window), options(&desktop)).expect("it is there");
    drop(again);
    wait_until("its number does not come back", || by_id.state().word() == "ended");
}

#[test]
fn windows_are_listed_with_and_without_a_manager() {
    for managed in [false, true] {
        let Some(desktop) = Desktop::start(SCREEN, managed) else { return };
        let _first = Painted::open(&desktop.name, "first", "one", (0, 0), SIZE);
        let second = Painted::open(&desktop.name, "second", "two", (100, 100), Size::new(200, 100));
        let mut found = Vec::new();
        wait_until("both are listed", || {
            found = windows(Some(&desktop.name)).expect("a list");
            found.len() >= 2
        });
        let titles: Vec<&str> = found.iter().map(|w| w.title.as_str()).collect();
        assert_eq!(titles, ["first", "second"]);
        assert_eq!((found[1].application.as_str(), found[1].id), ("two", second.window));
        assert_eq!((found[1].size, found[1].pid), (Size::new(200, 100), Some(std::process::id())));
        let rules = [
            WindowRule::Index(1),
            WindowRule::Application("TWO".to_owned()),
            WindowRule::Title("econ".to_owned()),
            WindowRule::Id(second.window),
        ];
        for rule in rules {
            let capture = Capture::window(rule, options(&desktop)).expect("it is there");
            assert_eq!(capture.size(), Some(Size::new(200, 100)));
        }
        let process = Capture::window(WindowRule::Pid(std::process::id()), options(&desktop)).expect("there");
        assert_eq!(process.size(), Some(SIZE));
    }
}

#[test]
fn a_window_that_stands_still_makes_no_frames() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let painted = Painted::open(&desktop.name, "still", "painter", (0, 0), SIZE);
    let capture = titled(&desktop, "still");
    let mut seq = 0;
    while let Some((s, _)) = capture.next(seq, Deadline::after(Duration::from_millis(300))) {
        seq = s + 1;
    }
    assert!(capture.next(seq, Deadline::after(Duration::from_secs(1))).is_none());
    painted.paint(1);
    next(&capture, &mut seq, "what is painted now", |f| number(f, 10) == Some(1));
    // more frames than the display has memory for may be held
    let held: Vec<Frame> = (2..30)
        .map(|n| {
            painted.paint(n);
            next(&capture, &mut seq, "one more", |f| number(f, 40) == Some(n))
        })
        .collect();
    assert!(held.iter().zip(2..).all(|(frame, n)| number(frame, 40) == Some(n)));
}

#[test]
fn the_screen_a_part_of_it_and_the_pointer() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let _a = Painted::open(&desktop.name, "a", "painter", (0, 0), SIZE);
    let b = Painted::open(&desktop.name, "b", "painter", (300, 200), SIZE);
    b.paint(3);
    desktop.ask("xdotool", &["mousemove", "700", "20"]);
    let screen = Capture::screen(None, options(&desktop)).expect("a screen");
    let mut seq = 0;
    let same = |f: &Frame| difference(&desktop.screen(), 0, 0, f) == 0;
    next(&screen, &mut seq, "all of the screen", |f| f.size() == SCREEN && same(f));
    b.paint(4);
    next(&screen, &mut seq, "what was painted", same);

    let region = Region { x: 290, y: 190, size: Size::new(101, 51) };
    let part = Capture::screen(Some(region), options(&desktop)).expect("a part");
    let frame = part.next(0, Deadline::after(FRAME)).expect("a frame").1;
    assert_eq!(difference(&desktop.screen(), 290, 190, &frame), 0);
    assert_eq!(frame.size(), region.size);

    let monitor = |name: &str| {
        Capture::screen(Some(region), CaptureOptions { output: Some(name.to_owned()), ..options(&desktop) })
    };
    let by_number = monitor("0").expect("the only one").next(0, Deadline::after(FRAME)).expect("a frame").1;
    assert_eq!(difference(&by_number, 0, 0, &frame), 0);
    let error = monitor("HDMI-A-1").err().expect("there is none");
    assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
    assert!(error.hint().is_some_and(|h| h.contains("there are: ")), "{error:?}");

    let pointed =
        Capture::screen(None, CaptureOptions { cursor: true, ..options(&desktop) }).expect("a screen");
    let differs = |f: &Frame, x: usize, y: usize| {
        let (shot, f) = (desktop.screen().map_native(), f.map_native());
        let columns = x - 12..x + 12;
        let pixel = |map: &lk_media::FrameMap, x: usize, y: usize| map.plane(0).row(y)[x * 4..][..3].to_vec();
        (y - 12..y + 12).any(|y| columns.clone().any(|x| pixel(&shot, x, y) != pixel(&f, x, y)))
    };
    let mut seq = 0;
    next(&pointed, &mut seq, "the pointer", |f| differs(f, 700, 20));
    desktop.ask("xdotool", &["mousemove", "500", "500"]);
    next(&pointed, &mut seq, "the pointer elsewhere", |f| differs(f, 500, 500) && !differs(f, 700, 20));

    // over a window: in its picture, and in that of nobody who does not want it
    let rule = || WindowRule::Id(b.window);
    let with = Capture::window(rule(), CaptureOptions { cursor: true, ..options(&desktop) }).expect("there");
    let without = Capture::window(rule(), options(&desktop)).expect("there");
    let (mut seq, mut seq_without) = (0, 0);
    for (n, at) in [(5, (60, 50)), (6, (200, 180))] {
        desktop.ask("xdotool", &["mousemove", &(300 + at.0).to_string(), &(200 + at.1).to_string()]);
        b.paint(n);
        next(&without, &mut seq_without, "without the pointer", |f| number(f, 10) == Some(n));
        next(&with, &mut seq, "the pointer over the window", |f| {
            let map = f.map_native();
            let is_painted = |x: usize, y: usize| map.plane(0).row(y)[x * 4..][..3] == color(n)[..3];
            let (left, top) = (at.0 - 16, at.1 - 16);
            let near = |x: usize, y: usize| (left..left + 32).contains(&x) && (top..top + 32).contains(&y);
            let pixels =
                (0..f.size().height as usize).flat_map(|y| (0..f.size().width as usize).map(move |x| (x, y)));
            let (inside, outside): (Vec<_>, Vec<_>) = pixels.partition(|(x, y)| near(*x, *y));
            inside.iter().any(|(x, y)| !is_painted(*x, *y)) && outside.iter().all(|(x, y)| is_painted(*x, *y))
        });
    }
}

#[test]
fn many_captures_leave_nothing_behind() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let painted = Painted::open(&desktop.name, "again and again", "painter", (0, 0), SIZE);
    painted.paint(7);
    let clients = || desktop.ask("xlsclients", &[]).lines().count();
    let before = clients();
    two_hundred_leave_nothing_behind(|| {
        let window = titled(&desktop, "again and again");
        let screen = Capture::screen(None, options(&desktop)).expect("a screen");
        for capture in [window, screen] {
            let frame = capture.next(0, Deadline::after(FRAME)).expect("a frame").1;
            assert_eq!(frame.map_native().plane(0).row(10)[40..43], color(7)[..3]);
            capture.close();
        }
    });
    assert_eq!(clients(), before);
}

#[test]
fn a_window_cannot_be_exact() {
    let Some(desktop) = Desktop::start(SCREEN, false) else { return };
    let _painted = Painted::open(&desktop.name, "live", "painter", (0, 0), SIZE);
    let capture = titled(&desktop, "live");
    let error = capture.sample(lk_media::Timestamp::ZERO, Sampling::Exact).expect_err("it has no times");
    assert_eq!(error.kind(), ErrorKind::LiveSource);
    capture.close();
    assert_eq!(capture.state().word(), "ended");
    assert!(matches!(capture.sample(crate::painter::now(), Sampling::Live), Ok(Sample::Ended(Some(_)))));
}
