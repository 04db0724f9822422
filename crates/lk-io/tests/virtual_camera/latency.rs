// SPDX-License-Identifier: GPL-2.0-or-later
//! How long a picture takes from whoever makes it to whoever reads the camera.

use super::session::{Session, until};
use super::support::*;
use lk_io::pipewire::{Encoding, Input, InputEvent, InputOptions, NodeChoice};
use lk_io::virtual_camera::{CameraDevice, VirtualCamera, VirtualCameraOptions};
use lk_media::{Clock, Delivery, FramePool, FrameSpec, PixelFormat, Size, VideoTarget};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Pictures whose ways are measured.
const PICTURES: usize = 900;

#[test]
#[ignore = "half a minute of measuring: make verify"]
fn from_the_source_to_a_reader() {
    let Some(_session) = Session::start() else { return };
    let size = Size::new(1280, 720);
    let options = VirtualCameraOptions { device: CameraDevice::PipeWire, ..VirtualCameraOptions::default() };
    let camera = VirtualCamera::open(size, rate(), &options).unwrap();
    let clock = <dyn Clock>::live();
    let now = || <dyn Clock>::live().now();
    let late = Arc::new(Mutex::new(Vec::<f64>::new()));
    let told = late.clone();
    let serial = node("LiveKit").serial;
    let wanted = InputOptions {
        encodings: vec![Encoding::opaque(PixelFormat::Yuy2)],
        ..InputOptions::of(NodeChoice::Serial(serial))
    };
    // a picture carries in its luma when it was due, a nibble a pixel
    let mut before = 0;
    let _input = Input::open(wanted, move |event| {
        let InputEvent::Frame(frame) = event else { return };
        let map = frame.map_native();
        let luma = map.plane(0).row(0).iter().step_by(2);
        let nanos = luma.take(16).fold(0_i64, |n, y| (n << 4) | i64::from((y - 16) / 12));
        let ms = now().nanos_since(lk_media::Timestamp::from_nanos(nanos)) as f64 / 1e6;
        // black ones were there before, and one that is shown again has come already
        if nanos != 0 && std::mem::replace(&mut before, nanos) != nanos {
            told.lock().push(ms);
        }
    })
    .unwrap();
    until("it is read", || camera.format() == PixelFormat::Yuy2);
    let spec = FrameSpec::of(PixelFormat::Yuy2, size);
    let first = rate().index_at(clock.now()) + 2;
    for n in 0..PICTURES as u64 {
        let due = rate().time_of(first + n);
        nap(Duration::from_nanos(due.nanos_since(clock.now()).max(0).unsigned_abs()));
        let mut frame = FramePool::shared().frame(spec).unwrap();
        let mut plane = frame.plane_mut(0);
        for y in 0..plane.rows {
            plane.row_mut(y).fill(128);
        }
        let nanos = due.as_nanos();
        for (at, y) in plane.row_mut(0).iter_mut().step_by(2).take(16).enumerate() {
            *y = 16 + 12 * ((nanos >> (60 - 4 * at)) & 15) as u8;
        }
        camera.offer(&frame.publish(due), Delivery::Live).unwrap();
    }
    until("the last ones", || late.lock().len() >= PICTURES * 9 / 10);
    let mut late = late.lock().clone();
    late.sort_by(f64::total_cmp);
    let part = |p: f64| late[((late.len() as f64 * p) as usize).min(late.len() - 1)];
    let (half, most, all) = (part(0.5), part(0.99), part(1.0));
    println!(
        "720p30, {} pictures: {half:.2} ms (half), {most:.2} ms (99 %), {all:.2} ms (all); {:?}",
        late.len(),
        camera.counts()
    );
    assert!(most <= 1e3 / 30.0 + 5.0, "99 % within {most:.2} ms");
}
