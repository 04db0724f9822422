// SPDX-License-Identifier: GPL-2.0-or-later
//! Other programs read the camera, and see what was sent to the byte.

use super::media::has_ffmpeg;
use super::session::{Session, until};
use super::support::*;
use lk_io::pipewire::VideoNode;
use lk_io::virtual_camera::{CameraDevice, VirtualCamera, VirtualCameraOptions};
use lk_media::{Delivery, PixelFormat, Size, SourceState, VideoTarget};
use std::sync::Arc;

#[test]
fn gstreamer_sees_every_picture_to_the_byte() {
    if !has_gstreamer() {
        return;
    }
    let Some(_session) = Session::start() else { return };
    for (format, caps) in
        [(PixelFormat::Yuy2, "YUY2"), (PixelFormat::I420, "I420"), (PixelFormat::Nv12, "NV12")]
    {
        let camera = Arc::new(camera("Studio", format));
        let sender = Sender::start(camera.clone(), format);
        let node = node("Studio");
        assert_eq!((node.role.as_str(), node.name.as_str()), ("Camera", "livekit.Studio"));
        let read =
            gstreamer(&node, &format!("format={caps},width=320,height=180"), 60, format.packed_len(SIZE));
        let seen = numbers(format, &read);
        assert_eq!(seen.len(), 60);
        assert!(follow(&seen) >= 45, "{caps}: {seen:?}");
        assert_eq!((camera.backend(), camera.format()), ("pipewire", format));
        drop(sender);
        camera.close();
        until("the node is gone", || {
            !lk_io::pipewire::video_nodes().unwrap().iter().any(|n| n.description == "Studio")
        });
    }
}

#[test]
fn what_a_reader_wants_is_made_of_it() {
    if !has_gstreamer() {
        return;
    }
    let Some(_session) = Session::start() else { return };
    let options = VirtualCameraOptions { device: CameraDevice::PipeWire, ..VirtualCameraOptions::default() };
    let camera = VirtualCamera::open(SIZE, rate(), &options).unwrap();
    // half as wide as the camera is, white: bars at both sides
    let spec = lk_media::FrameSpec::of(PixelFormat::Bgr, Size::new(160, 180));
    let white = lk_media::Frame::from_packed(spec, &[255; 160 * 180 * 3], lk_media::Timestamp::ZERO).unwrap();
    assert_eq!(camera.offer(&white, Delivery::Live).unwrap(), lk_media::Offered::Taken);
    until("it went out", || camera.counts().frames == 1);
    let read = gstreamer(&node("LiveKit"), "format=BGR", 10, 320 * 180 * 3);
    let row = &read.last().unwrap()[90 * 960..91 * 960];
    assert!(row[..79 * 3].iter().chain(&row[241 * 3..]).all(|b| *b == 0));
    assert!(row[81 * 3..239 * 3].iter().all(|b| *b == 255));
    assert_eq!(camera.format(), PixelFormat::Bgr);
    assert!(matches!(camera.state(), SourceState::Live));
}

#[test]
fn ffmpeg_reads_it_as_a_device_under_pw_v4l2() {
    if !has("pw-v4l2", "pipewire-v4l2") || !has_ffmpeg() {
        return;
    }
    let Some(_session) = Session::start() else { return };
    let format = PixelFormat::I420;
    let camera = Arc::new(camera("Studio", format));
    let _sender = Sender::start(camera, format);
    node("Studio");
    let ffmpeg = "pw-v4l2 ffmpeg -v error -nostdin -f v4l2 -input_format yuv420p -i /dev/video0 -frames:v 45 \
                  -fps_mode passthrough -f rawvideo -pix_fmt yuv420p -";
    let read = pictures(&ffmpeg.split_whitespace().collect::<Vec<_>>(), format.packed_len(SIZE));
    let seen = numbers(format, &read);
    assert_eq!(seen.len(), 45);
    assert!(follow(&seen) >= 30, "{seen:?}");
}

#[test]
fn two_cameras_and_two_readers_of_one() {
    if !has_gstreamer() {
        return;
    }
    let Some(_session) = Session::start() else { return };
    let format = PixelFormat::Yuy2;
    let cameras = ["Left", "Right"].map(|name| Arc::new(camera(name, format)));
    let _sender = Sender::start(cameras[0].clone(), format);
    cameras[1].send(&picture(format, 200)).unwrap();
    let nodes = ["Left", "Right", "Left"].map(node);
    let read =
        |node: &VideoNode| numbers(format, &gstreamer(node, "format=YUY2", 30, format.packed_len(SIZE)));
    let [left, right, again] = std::thread::scope(|scope| {
        let reading = nodes.each_ref().map(|node| scope.spawn(move || read(node)));
        reading.map(|reader| reader.join().unwrap())
    });
    for seen in [left, again] {
        assert!(seen.len() == 30 && follow(&seen) >= 20, "{seen:?}");
    }
    assert!(right.iter().all(|n| *n == 200), "{right:?}");
}
