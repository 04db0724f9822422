// SPDX-License-Identifier: GPL-2.0-or-later
//! Everything a camera can do and suffer, on the kernel's virtual one.

use crate::{HANG, bars, next, open, sized, take};
use lk_io::camera::{Camera, CameraFormat, CameraOptions, CameraWatch, cameras};
use lk_media::{
    Clock, ErrorKind, EventReader, FrameRate, Sample, Sampling, SourceState, VideoPort, VideoSource,
    VideoTarget,
};
use std::process::Command;
use std::sync::Arc;

/// Formats of vivid's that are understood.
const FORMATS: [&str; 7] = ["nv12", "yuv420p", "yuyv422", "bgra", "rgba", "bgr24", "rgb24"];
const DRIVER: &str = "/sys/bus/platform/drivers/vivid";
const DEVICE: &str = "vivid.0";

pub(crate) fn check(node: &str) {
    let listed = cameras().unwrap();
    let info = listed.iter().find(|c| c.address == node).expect("it is listed").clone();
    println!("{} {:?}, {} modes", info.id, info.name, info.modes.len());
    formats(node);
    modes(node);
    errors(node, &info.name);
    let camera = open(&info.id, &sized(640, 360)).unwrap();
    assert_eq!(camera.info(), info);
    targets(&camera);
    stall(node, &camera);
    unplug(node, &camera);
    close(camera);
}

fn formats(node: &str) {
    for name in FORMATS {
        let format: CameraFormat = name.parse().unwrap();
        let camera = open(node, &CameraOptions { format: Some(format), ..sized(640, 360) }).unwrap();
        assert_eq!((camera.mode().format, camera.mode().size), (format, sized(640, 360).size.unwrap()));
        let frame = take(&camera, 3);
        assert_eq!((frame.format().name(), frame.size()), (name, camera.mode().size));
        bars::check(name, &frame);
        println!("{name}: right");
    }
}

fn modes(node: &str) {
    let camera = open(node, &CameraOptions::default()).unwrap();
    println!("without wishes: {}", camera.mode());
    assert!(camera.mode().rate.as_f64() > 29.0, "{}", camera.mode());
    let all = camera.info().modes;
    let fast = all.iter().filter(|m| m.rate.as_f64() > 29.0).map(|m| m.size.area()).max();
    assert_eq!(Some(camera.mode().size.area()), fast);
    drop(camera);
    let slow = CameraOptions { rate: Some(FrameRate::new(5, 1).unwrap()), ..sized(640, 360) };
    let camera = open(node, &slow).unwrap();
    assert_eq!(camera.mode().rate, FrameRate::new(5, 1).unwrap());
    // the driver's first pictures come as they can
    let (first, last) = (take(&camera, 2), take(&camera, 3));
    let apart = last.timestamp().nanos_since(first.timestamp());
    // frames may be lost on a slow machine, but none come sooner
    assert!(apart > 3 * 190_000_000, "{apart} ns");
    bars::check("5 fps", &last);
}

fn errors(node: &str, name: &str) {
    let error = |node: &str, options: &CameraOptions| open(node, options).err().expect("impossible");
    let size = error(node, &sized(123, 77));
    println!("{size}");
    assert_eq!(size.kind(), ErrorKind::Format);
    assert!(size.hint().unwrap().contains("640x360"), "{size}");
    let absent = error("/dev/video77", &CameraOptions::default());
    assert_eq!(absent.kind(), ErrorKind::DeviceNotFound);
    assert!(absent.hint().unwrap().contains(node), "{absent}");
    let misspelt = format!("{}x", name.to_uppercase());
    let misspelt = error(&misspelt, &CameraOptions::default());
    assert!(misspelt.hint().unwrap().contains("did you mean"), "{misspelt}");
    let camera = open(name, &sized(640, 360)).unwrap();
    next(&camera);
    let busy = error(node, &sized(640, 360));
    println!("{busy}");
    assert_eq!(busy.kind(), ErrorKind::DeviceBusy);
    assert!(busy.message().contains("this program"), "{busy}");
    // asking does not disturb
    bars::check("after another asked", &take(&camera, 2));
}

fn targets(camera: &Camera) {
    let port: Arc<VideoPort> = Arc::new(VideoPort::new());
    let target: Arc<dyn VideoTarget> = port.clone();
    camera.add_target(target.clone()).unwrap();
    camera.add_target(target.clone()).unwrap();
    take(camera, 3);
    let frame = VideoPort::latest(&port).expect("it was given frames");
    bars::check("a target", &frame);
    assert!(matches!(VideoSource::state(&*port), SourceState::Live));
    assert!(camera.remove_target(&target) && !camera.remove_target(&target));
    let before = target.statistics().frames;
    take(camera, 2);
    assert!(target.statistics().frames <= before + 1);
}

/// Has the driver drop so many of a hundred pictures.
fn drop_pictures(node: &str, percent: u32) {
    let set = format!("percentage_of_dropped_buffers={percent}");
    assert!(Command::new("v4l2-ctl").args(["-d", node, "-c", &set]).status().unwrap().success());
}

fn stall(node: &str, camera: &Camera) {
    let news = camera.events().reader();
    drop_pictures(node, 100);
    wait(&news, "stalled");
    assert!(matches!(camera.state(), SourceState::Stalled));
    shows_something(camera);
    drop_pictures(node, 0);
    wait(&news, "live");
    bars::check("after a stall", &take(camera, 2));
    assert!(camera.statistics().stalls >= 1, "{:?}", camera.statistics());
    println!("stalled and came back: {:?}", camera.statistics());
}

fn unplug(node: &str, camera: &Camera) {
    let watch = CameraWatch::new().unwrap();
    let (news, devices) = (camera.events().reader(), watch.events().reader());
    let id = camera.info().id;
    for _ in 0..2 {
        std::fs::write(format!("{DRIVER}/unbind"), DEVICE).unwrap();
        wait(&news, "reconnecting");
        wait(&devices, "gone");
        shows_something(camera);
        assert!(cameras().unwrap().iter().all(|c| c.address != node));
        std::fs::write(format!("{DRIVER}/bind"), DEVICE).unwrap();
        wait(&devices, "present");
        wait(&news, "live");
        bars::check("after it was plugged in again", &take(camera, 3));
        assert_eq!(camera.info().id, id);
    }
    assert!(camera.statistics().reconnects >= 2, "{:?}", camera.statistics());
    println!("unplugged and came back: {:?}", camera.statistics());
}

/// Its last picture is still there.
fn shows_something(camera: &Camera) {
    match camera.sample(<dyn Clock>::live().now(), Sampling::Live) {
        Ok(Sample::Frame(frame)) => bars::check("while it is away", &frame),
        other => panic!("{other:?}"),
    }
}

fn wait(news: &EventReader, word: &str) {
    loop {
        let event = news.next(HANG).unwrap_or_else(|| panic!("never {word}"));
        println!("    {} {} -> {} {:?}", event.source, event.old, event.new, event.reason);
        if event.new == word {
            return;
        }
    }
}

fn close(camera: Camera) {
    let (other, news) = (camera.clone(), camera.events().reader());
    camera.close();
    assert!(matches!(other.state(), SourceState::Ended));
    assert!(std::iter::from_fn(|| news.try_next()).any(|e| e.new == "ended") && news.is_over());
    assert!(matches!(other.sample(<dyn Clock>::live().now(), Sampling::Live), Ok(Sample::Ended(Some(_)))));
    // it is free again
    drop((camera, other));
}
