// SPDX-License-Identifier: GPL-2.0-or-later
//! Cameras of PipeWire's.

use super::programs::{are_bars, bars, session};
use super::session::{HANG, until};
use lk_io::camera::{Camera, CameraChoice, CameraFormat, CameraOptions, CameraWatch, cameras};
use lk_io::pipewire::{Encoding, Input, InputEvent, InputOptions, NodeChoice, Offer, video_nodes};
use lk_media::clock::Deadline;
use lk_media::{AlphaKind, Clock, ErrorKind, FrameRate, PixelFormat, Size, SourceState};
use std::time::Duration;

const YUY2: &str = "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1";

fn named(name: &str) -> CameraChoice {
    CameraChoice::from(name)
}

fn is_listed(id: &str) -> bool {
    cameras().is_ok_and(|all| all.iter().any(|c| c.id == id && !c.modes.is_empty()))
}

fn some_frames(camera: &Camera) {
    let mut seq = 0;
    let mut last = <dyn Clock>::live().now() - Duration::from_secs(2);
    for n in 0..10 {
        let (number, frame) = camera.next(seq, Deadline::after(HANG)).unwrap();
        seq = number + 1;
        if n > 0 {
            assert!(frame.timestamp() > last, "times go on");
        }
        last = frame.timestamp();
        are_bars(&frame).unwrap();
    }
}

#[test]
fn a_camera_is_listed_and_its_pictures_are_right() {
    let Some(_session) = session(&[]) else { return };
    let watch = CameraWatch::new().unwrap();
    let news = watch.events().reader();
    let publisher = bars(YUY2, "bars", &[]);
    let event = news.next(HANG).unwrap();
    assert_eq!((event.source.as_str(), event.new.as_str()), ("Test-bars", "present"));
    until("it says what it offers", || is_listed("bars"));
    let all = cameras().unwrap();
    let info = all.iter().find(|c| c.id == "bars").unwrap();
    assert_eq!((info.name.as_str(), info.backend), ("Test-bars", "PipeWire"));
    let mode = info.modes[0];
    assert_eq!((mode.size, mode.rate), (Size::new(640, 480), FrameRate::new(30, 1).unwrap()));
    assert_eq!(mode.format, CameraFormat::Raw(PixelFormat::Yuy2));

    let size =
        |width, height| CameraOptions { size: Some(Size::new(width, height)), ..CameraOptions::default() };
    let refused = Camera::open(&named("Test-bars"), &size(1920, 1080)).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Format);
    assert!(refused.hint().unwrap().contains("640x480"), "{refused}");

    let camera = Camera::open(&named("Test-bars"), &size(640, 480)).unwrap();
    assert_eq!(camera.mode(), mode);
    some_frames(&camera);
    let now = <dyn Clock>::live().now();
    let age = now.nanos_since(camera.frame(Deadline::after(HANG)).unwrap().timestamp());
    assert!((0..1_000_000_000).contains(&age), "{age}");
    assert!(matches!(camera.state(), SourceState::Live));
    drop(publisher);
    let event = news.next(HANG).unwrap();
    assert_eq!((event.source.as_str(), event.new.as_str()), ("Test-bars", "gone"));
}

#[test]
fn every_format_is_read() {
    let Some(_session) = session(&[]) else { return };
    for format in ["I420", "NV12", "YUY2", "BGRx", "RGBx", "BGRA", "RGBA", "RGB", "BGR"] {
        // a width whose rows have gaps
        let caps = format!("video/x-raw,format={format},width=322,height=242,framerate=25/1");
        let _publisher = bars(&caps, format, &[]);
        until(format, || is_listed(format));
        let camera = Camera::open(&named(format), &CameraOptions::default()).unwrap();
        some_frames(&camera);
        let frame = camera.frame(Deadline::after(HANG)).unwrap();
        assert_eq!(frame.size(), Size::new(322, 242), "{format}");
        println!("{format}: {:?}", frame.spec());
    }
}

#[test]
fn a_camera_that_is_lost_comes_back() {
    let Some(mut session) = session(&[]) else { return };
    let publisher = bars(YUY2, "bars", &[]);
    until("the camera", || is_listed("bars"));
    let camera = Camera::open(&named("bars"), &CameraOptions::default()).unwrap();
    let live = || matches!(camera.state(), SourceState::Live);
    let lost = || matches!(camera.state(), SourceState::Reconnecting);
    until("it is live", live);
    drop(publisher);
    until("it is lost", lost);
    let publisher = bars(YUY2, "bars", &[]);
    until("it is live again", live);
    some_frames(&camera);
    session.kill_servers();
    until("the server is lost", lost);
    drop(publisher);
    session.start_servers();
    let publisher = bars(YUY2, "bars", &[]);
    until("it is live with another server", live);
    some_frames(&camera);

    // one that freezes is stalled, and goes on
    let pid = rustix::process::Pid::from_raw(publisher.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    until("it stalls", || matches!(camera.state(), SourceState::Stalled));
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    until("it is live after it was frozen", live);
    assert!(camera.statistics().reconnects >= 2 && camera.statistics().stalls >= 1);
}

#[test]
fn nodes_are_read_by_their_names_and_told_of_their_end() {
    let Some(mut session) = session(&[]) else { return };
    let publisher = bars(YUY2, "bars", &[]);
    until("the node", || video_nodes().is_ok_and(|n| n.iter().any(|n| !n.formats.is_empty())));
    let node = video_nodes().unwrap().remove(0);
    assert_eq!((node.name.as_str(), node.role.as_str(), node.v4l2_path), ("bars", "Camera", None));
    assert_eq!(node.formats[0].encoding, Encoding::Raw(PixelFormat::Yuy2, AlphaKind::Opaque));
    assert_eq!(node.formats[0].sizes, Offer::List(vec![Size::new(640, 480)]));

    let missing = Input::open(InputOptions::of(NodeChoice::Name("bras".to_owned())), |_| {}).err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::DeviceNotFound);
    assert!(missing.hint().unwrap().contains("Test-bars"), "{missing}");

    let read = |options| {
        let (sender, events) = crossbeam_channel::bounded(64);
        let input = Input::open(options, move |event| drop(sender.try_send(event).err()));
        (input.unwrap(), events)
    };
    let next = |events: &crossbeam_channel::Receiver<InputEvent>| events.recv_timeout(HANG).unwrap();
    // by the number that a portal would give
    let (input, events) = read(InputOptions::of(NodeChoice::Id(node.id)));
    loop {
        if let InputEvent::Frame(frame) = next(&events) {
            are_bars(&frame).unwrap();
            break;
        }
    }
    drop(publisher);
    let end = loop {
        if let InputEvent::Lost(error) = next(&events) {
            break error;
        }
    };
    assert_eq!(end.kind(), ErrorKind::DeviceLost, "{end}");
    drop(input);

    session.kill_servers();
    let error = video_nodes().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Device);
    assert!(error.hint().unwrap().contains("systemctl --user start pipewire"), "{error}");
    let options = InputOptions::of(NodeChoice::Name("bars".to_owned()));
    assert_eq!(Input::open(options, |_| {}).err().map(|e| e.kind()), Some(ErrorKind::Device));
}
