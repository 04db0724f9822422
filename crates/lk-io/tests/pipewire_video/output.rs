// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera of ours, read by other programs.

use super::programs::{Running, file, session, written};
use super::session::{pass, until};
use lk_io::pipewire::{Output, OutputOptions, OutputState, video_nodes};
use lk_media::thread::{self, Thread};
use lk_media::{
    Cancel, ErrorKind, Frame, FramePool, FrameRate, FrameSpec, PixelFormat, Size, Timestamp, Wake,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SIZE: Size = Size::new(320, 240);
/// The four quarters of our picture.
const QUARTERS: [[u8; 3]; 4] = [[200, 30, 40], [20, 180, 60], [40, 50, 220], [230, 220, 210]];

fn picture() -> Frame {
    let mut frame = FramePool::shared().frame(FrameSpec::of(PixelFormat::Rgb, SIZE)).unwrap();
    let mut plane = frame.plane_mut(0);
    for y in 0..plane.rows {
        for (x, pixel) in plane.row_mut(y).chunks_exact_mut(3).enumerate() {
            let quarter = usize::from(x >= 160) + 2 * usize::from(y >= 120);
            pixel.copy_from_slice(&QUARTERS[quarter]);
        }
    }
    frame.publish(Timestamp::ZERO)
}

fn are_quarters(rgb: &[u8]) {
    for (quarter, wanted) in QUARTERS.iter().enumerate() {
        let (x, y) = (80 + 160 * (quarter % 2), 60 + 120 * (quarter / 2));
        let got = &rgb[(y * 320 + x) * 3..][..3];
        assert!(
            got.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= 6),
            "{quarter}: {got:?}, not {wanted:?}"
        );
    }
}

fn options(name: &str) -> OutputOptions {
    OutputOptions {
        name: format!("livekit.{name}"),
        description: format!("LiveKit {name}"),
        size: SIZE,
        rate: FrameRate::new(30, 1).unwrap(),
        formats: OutputOptions::FORMATS.to_vec(),
    }
}

/// Shows a picture thirty times a second until it is dropped.
struct Showing(Cancel, #[allow(dead_code)] Thread);

impl Showing {
    fn start(output: Arc<Output>) -> Self {
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let body = move || {
            let (picture, wake) = (picture(), Wake::new());
            while !stop.is_cancelled() {
                output.show(&picture).unwrap();
                wake.wait(Duration::from_millis(33));
            }
        };
        Self(cancel, thread::spawn("test-showing", body).unwrap())
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The number that other programs name our node by.
fn number(name: &str) -> Option<String> {
    let nodes = video_nodes().ok()?;
    nodes.iter().find(|n| n.name == format!("livekit.{name}")).map(|n| n.id.to_string())
}

/// Starts GStreamer reading so many pictures, in a format if one is given, as RGB into a file.
fn gstreamer(node: &str, pictures: &str, format: Option<&str>, to: &Path) -> Running {
    let (path, count) = (format!("path={node}"), format!("num-buffers={pictures}"));
    let to = format!("location={}", to.display());
    let caps = format.map_or("video/x-raw".to_owned(), |f| format!("video/x-raw,format={f}"));
    Running::start(&[
        "timeout",
        "-k",
        "1",
        "20",
        "gst-launch-1.0",
        "-q",
        "pipewiresrc",
        &path,
        &count,
        "!",
        &caps,
        "!",
        "videoconvert",
        "!",
        "video/x-raw,format=RGB",
        "!",
        "filesink",
        &to,
    ])
}

#[test]
fn other_programs_read_it_one_after_the_other_and_together() {
    let Some(_session) = session(&[]) else { return };
    let output = Arc::new(Output::open(options("cam")).unwrap());
    let node = number("cam").unwrap();
    let _showing = Showing::start(output.clone());
    // nobody reads: nothing is sent
    pass(0.3);
    assert_eq!((output.statistics().frames, output.format(), output.consumers()), (0, None, 0));
    for format in [None, Some("I420"), Some("NV12"), Some("BGRx"), Some("RGB")] {
        let to = file("one");
        assert!(gstreamer(&node, "10", format, &to).wait(), "{format:?}");
        let bytes = written(&to);
        assert_eq!(bytes.len(), 10 * 320 * 240 * 3, "{format:?}");
        bytes.chunks_exact(320 * 240 * 3).for_each(are_quarters);
        until("it is read no more", || output.format().is_none() && output.consumers() == 0);
    }
    let files = [file("two"), file("three")];
    let readers: Vec<Running> = files.iter().map(|to| gstreamer(&node, "60", None, to)).collect();
    until("two read", || output.consumers() == 2);
    for (reader, to) in readers.into_iter().zip(&files) {
        assert!(reader.wait());
        let bytes = written(to);
        assert_eq!(bytes.len(), 60 * 320 * 240 * 3);
        bytes.chunks_exact(320 * 240 * 3).for_each(are_quarters);
    }
    until("nobody reads", || output.consumers() == 0);
    let sent = output.statistics().frames;
    pass(0.3);
    assert_eq!(output.statistics().frames, sent);
    println!("{:?}", output.statistics());
    let wrong = FramePool::shared().frame(FrameSpec::of(PixelFormat::Rgb, Size::new(8, 8))).unwrap();
    assert_eq!(output.show(&wrong.publish(Timestamp::ZERO)).err().map(|e| e.kind()), Some(ErrorKind::Format));
    output.close();
    until("it is gone", || number("cam").is_none());
}

#[test]
fn ffmpeg_reads_it_as_a_v4l2_device() {
    let Some(_session) = session(&["pw-v4l2", "ffmpeg"]) else { return };
    let output = Arc::new(Output::open(options("cam")).unwrap());
    let _showing = Showing::start(output.clone());
    let to = file("v4l2");
    let name = to.display().to_string();
    let reader = Running::start(&[
        "timeout",
        "-k",
        "1",
        "30",
        "pw-v4l2",
        "ffmpeg",
        "-y",
        "-nostdin",
        "-loglevel",
        "error",
        "-f",
        "v4l2",
        "-i",
        "/dev/video0",
        "-frames:v",
        "10",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        &name,
    ]);
    assert!(reader.wait());
    let bytes = written(&to);
    assert_eq!(bytes.len(), 10 * 320 * 240 * 3);
    bytes.chunks_exact(320 * 240 * 3).for_each(are_quarters);
}

#[test]
fn it_is_made_anew_when_the_server_is() {
    let Some(mut session) = session(&[]) else { return };
    let output = Arc::new(Output::open(options("cam")).unwrap());
    let _showing = Showing::start(output.clone());
    let to = file("kept");
    let _reader = gstreamer(&number("cam").unwrap(), "100000", None, &to);
    until("it is read", || output.statistics().frames > 5);
    session.kill_servers();
    until("it is lost", || matches!(output.state(), OutputState::Lost(_)));
    assert_eq!((output.format(), output.consumers()), (None, 0));
    session.start_servers();
    until("it is there again", || matches!(output.state(), OutputState::There));
    drop(written(&to));
    let to = file("again");
    assert!(gstreamer(&number("cam").unwrap(), "10", None, &to).wait());
    let bytes = written(&to);
    assert_eq!(bytes.len(), 10 * 320 * 240 * 3);
    bytes.chunks_exact(320 * 240 * 3).for_each(are_quarters);

    // dropped while there is no server
    session.kill_servers();
    until("it is lost", || matches!(output.state(), OutputState::Lost(_)));
    output.close();
    assert_eq!(output.show(&picture()).err().map(|e| e.kind()), Some(ErrorKind::Closed));
    assert_eq!(Output::open(options("cam")).err().map(|e| e.kind()), Some(ErrorKind::Device));
}

#[test]
fn many_are_made_and_dropped() {
    let Some(_session) = session(&[]) else { return };
    for n in 0..20 {
        let output = Output::open(options(&format!("cam{n}"))).unwrap();
        assert!(number(&format!("cam{n}")).is_some());
        output.show(&picture()).unwrap();
        drop(output);
    }
    until("none is left", || video_nodes().unwrap().is_empty());
    let bad = |change: fn(&mut OutputOptions)| {
        let mut options = options("bad");
        change(&mut options);
        Output::open(options).err().map(|e| e.kind())
    };
    assert_eq!(bad(|o| o.name = " ".to_owned()), Some(ErrorKind::Parameter));
    assert_eq!(bad(|o| o.formats.clear()), Some(ErrorKind::Parameter));
    assert_eq!(bad(|o| o.size = Size::new(0, 5)), Some(ErrorKind::Format));
}
