// SPDX-License-Identifier: GPL-2.0-or-later
//! What is written to a camera, and what cannot be.

use super::session::{Session, until};
use super::support::*;
use lk_io::virtual_camera::{CameraDevice, VirtualCamera, VirtualCameraOptions};
use lk_media::{Delivery, ErrorKind, FrameRate, Offered, PixelFormat, Size, SourceState, VideoTarget, Wake};
use std::time::Duration;

#[test]
fn a_picture_that_stays_is_shown_again_at_the_rate() {
    let Some(_session) = Session::start() else { return };
    let camera = camera("Studio", PixelFormat::Yuy2);
    let first = camera.counts();
    assert_eq!((first.frames, matches!(camera.state(), SourceState::Starting)), (0, true));
    camera.send(&picture(PixelFormat::Yuy2, 9)).unwrap();
    until("it went out", || camera.counts().frames == 1);
    let (watch, before) = (lk_media::clock::Stopwatch::start(), camera.counts());
    until("thirty times", || camera.counts().repeated >= before.repeated + 30);
    let after = camera.counts();
    let periods = watch.elapsed().as_secs_f64() * 30.0;
    let went = (after.repeated + after.missed - before.repeated - before.missed) as f64;
    // what was asked between two of them counts for either
    assert!((went - periods).abs() <= 3.0, "{went} in {periods} periods");
    assert_eq!((after.frames, after.dropped), (1, 0));
}

#[test]
fn an_offline_run_plays_at_the_rate_and_loses_nothing() {
    let Some(_session) = Session::start() else { return };
    let camera = camera("Studio", PixelFormat::Yuy2);
    let wake = Wake::new();
    camera.wake_on_ready(&wake);
    let mut busy = 0;
    for n in 1..=20 {
        let frame = picture(PixelFormat::Yuy2, n).at(rate().time_of(u64::from(n)));
        while camera.offer(&frame, Delivery::Lossless).unwrap() == Offered::Busy {
            busy += 1;
            wake.wait(Duration::from_secs(5));
        }
    }
    until("all went out", || camera.counts().frames == 20);
    assert!(busy >= 10, "{busy}");
    assert_eq!(camera.counts().dropped, 0);
}

#[test]
fn a_closed_camera_takes_nothing() {
    let Some(_session) = Session::start() else { return };
    let camera = camera("Studio", PixelFormat::Yuy2);
    let news = camera.events().reader();
    camera.send(&picture(PixelFormat::Yuy2, 1)).unwrap();
    until("it went out", || camera.counts().frames == 1);
    camera.close();
    camera.close();
    let frame = picture(PixelFormat::Yuy2, 2);
    assert_eq!(camera.send(&frame).err().map(|e| e.kind()), Some(ErrorKind::Closed));
    assert_eq!(camera.offer(&frame, Delivery::Live).unwrap(), Offered::Dropped);
    assert!(matches!(camera.state(), SourceState::Ended));
    let words: Vec<String> =
        std::iter::from_fn(|| news.next(Duration::from_secs(5))).map(|e| e.new).collect();
    assert_eq!(words, ["live", "ended"]);
}

#[test]
fn what_cannot_be_a_camera_is_said_to_be_none() {
    let Some(_session) = Session::start() else { return };
    let open = |size, options: VirtualCameraOptions| {
        VirtualCamera::open(size, FrameRate::new(30, 1).unwrap(), &options).err().unwrap()
    };
    let options = |device: &str, name: &str| VirtualCameraOptions {
        device: device.into(),
        name: name.to_owned(),
        ..VirtualCameraOptions::default()
    };
    let odd = open(Size::new(321, 180), options("pipewire", "LiveKit"));
    assert_eq!(odd.kind(), ErrorKind::Format);
    assert!(odd.hint().unwrap().contains("322x180"), "{odd}");
    assert_eq!(open(SIZE, options("pipewire", " ")).kind(), ErrorKind::Parameter);
    assert_eq!(open(Size::new(0, 0), options("pipewire", "a")).kind(), ErrorKind::Format);
    let missing = open(SIZE, options("/dev/video251", "LiveKit"));
    assert_eq!(missing.kind(), ErrorKind::DeviceNotFound, "{missing}");
    assert_eq!(open(SIZE, options("/dev/null", "LiveKit")).kind(), ErrorKind::DeviceNotFound);
    assert_eq!(CameraDevice::from("7"), CameraDevice::Named("/dev/video7".to_owned()));
}

#[test]
fn without_a_way_out_the_message_has_the_commands() {
    let Some(mut session) = Session::start() else { return };
    session.kill_servers();
    if std::path::Path::new("/dev/video0").exists() {
        super::media::skip("there is a video device, which may be one of v4l2loopback's");
        return;
    }
    let open = |device: &str| {
        let options = VirtualCameraOptions { device: device.into(), ..VirtualCameraOptions::default() };
        VirtualCamera::open(SIZE, rate(), &options).err().unwrap()
    };
    let error = open("");
    assert_eq!(error.kind(), ErrorKind::Device, "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("sudo modprobe v4l2loopback") && hint.contains("apt install pipewire"), "{error}");
    let error = open("v4l2loopback");
    assert!(error.kind() == ErrorKind::Device && error.hint().unwrap().contains("modprobe"), "{error}");
    assert_eq!(open("pipewire").kind(), ErrorKind::Device);
}
