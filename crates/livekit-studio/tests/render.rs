// SPDX-License-Identifier: GPL-2.0-or-later
//! Whole renders, from pictures to files and back.
#![allow(clippy::unwrap_used)] // helpers of tests

use livekit_studio as lk;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[path = "../../../examples/rust/compose.rs"]
mod compose;

const SIZE: lk::Size = lk::Size::new(64, 48);

fn file(name: &str) -> String {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("render");
    std::fs::create_dir_all(&dir).unwrap();
    dir.join(name).to_str().unwrap().to_owned()
}

/// Every frame is another grey: 16 + 2 n.
struct Counting(AtomicU64);

impl lk::VideoSource for Counting {
    fn name(&self) -> String {
        "counting".to_owned()
    }
    fn sample(&self, at: lk::Timestamp, _: lk::Sampling) -> lk::Result<lk::Sample> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let n = (at.as_secs_f64() * 30.0).round() as u8;
        let spec = lk::FrameSpec::of(lk::PixelFormat::I420, SIZE).with_color(lk::ColorSpace::BT709);
        let mut bytes = vec![16 + 2 * n; SIZE.area()];
        bytes.resize(SIZE.area() * 3 / 2, 128);
        lk::Frame::from_packed(spec, &bytes, at).map(lk::Sample::Frame)
    }
    fn exactness(&self) -> lk::Exactness {
        lk::Exactness::Exact
    }
}

fn scene() -> lk::Compositor {
    let scene = lk::Compositor::new(SIZE, lk::FrameRate::new(30, 1).unwrap()).unwrap();
    scene
        .add(Arc::new(Counting(AtomicU64::new(0))), None, None, lk::Layer::default(), lk::Where::Top)
        .unwrap();
    scene
}

fn lossless() -> lk::RenderOptions {
    let encode = lk::EncodeOptions { video_codec: Some("ffv1".to_owned()), ..lk::EncodeOptions::default() };
    lk::RenderOptions { encode, ..lk::RenderOptions::seconds(3.0) }
}

fn lumas(name: &str) -> Vec<u8> {
    let player = lk::LazyPlayer::open(name, &lk::OpenOptions::default()).unwrap();
    let mut shown = None;
    std::iter::from_fn(|| {
        let frame = player.frame_after(shown).unwrap()?;
        shown = Some(frame.timestamp());
        Some(frame.map_native().plane(0).row(20)[20])
    })
    .collect()
}

#[test]
fn three_seconds_are_ninety_frames_each_its_own() {
    let out = file("count.mkv");
    let statistics = lk::render(&scene(), vec![lk::Output::file(&out)], lossless()).unwrap();
    assert_eq!(statistics.frames, 90);
    assert_eq!(lumas(&out), (0..90).map(|n| 16 + 2 * n).collect::<Vec<u8>>());
}

#[test]
fn runs_are_the_same_with_any_number_of_threads() {
    let render = |name: &str, threads| {
        let out = file(name);
        let options = lk::RenderOptions { threads, ..lk::RenderOptions::seconds(1.0) };
        lk::render(&scene(), vec![lk::Output::file(&out)], options).unwrap();
        std::fs::read(out).unwrap()
    };
    let first = render("same1.mp4", 1);
    assert!(first == render("same2.mp4", 2) && first == render("same3.mp4", 1));
}

#[test]
fn a_cancelled_render_leaves_a_whole_file() {
    let out = file("cancelled.mkv");
    let cancel = lk::Cancel::new();
    let stop = cancel.clone();
    let progress = move |p: lk::Progress| {
        if p.done == 20 {
            stop.cancel();
        }
    };
    let options = lk::RenderOptions { cancel, progress: Some(Arc::new(progress)), ..lossless() };
    let error = lk::render(&scene(), vec![lk::Output::file(&out)], options).err().unwrap();
    assert_eq!(error.kind(), lk::ErrorKind::Cancelled);
    assert_eq!(lumas(&out).len(), 20);
}

#[test]
fn two_files_and_a_target_from_one_run() {
    let (a, b) = (file("both.mkv"), file("both.mp4"));
    let null = Arc::new(lk::NullTarget::new(lk::PixelFormat::Bgra));
    let outputs = vec![lk::Output::file(&a), lk::Output::Target(null.clone()), lk::Output::file(&b)];
    lk::render(&scene(), outputs, lk::RenderOptions::seconds(0.5)).unwrap();
    assert_eq!((lumas(&a).len(), lumas(&b).len()), (15, 15));
    assert_eq!(lk::VideoTarget::statistics(&*null).frames, 15);
}

#[test]
fn a_length_must_come_from_somewhere() {
    let natural = lk::RenderOptions::new(lk::Length::Natural);
    let error = lk::render(&scene(), vec![lk::Output::file(file("never.mkv"))], natural).err().unwrap();
    assert_eq!(error.kind(), lk::ErrorKind::Parameter);
    assert!(!PathBuf::from(file("never.mkv")).exists());

    let out = file("natural.mkv");
    lk::render(&scene(), vec![lk::Output::file(&out)], lossless()).unwrap();
    let clip = lk::open(&out, &lk::OpenOptions::default()).unwrap();
    let scene = lk::Compositor::new(SIZE, lk::FrameRate::new(60, 1).unwrap()).unwrap();
    scene.add(clip.video().unwrap(), None, clip.sound, lk::Layer::default(), lk::Where::Top).unwrap();
    let null = Arc::new(lk::NullTarget::new(lk::PixelFormat::I420));
    let statistics =
        lk::render(&scene, vec![lk::Output::Target(null)], lk::RenderOptions::new(lk::Length::Natural))
            .unwrap();
    assert_eq!(statistics.frames, 180);
}

#[test]
fn the_example_runs() {
    let out = file("compose.mkv");
    assert_eq!(compose::compose(&out).unwrap().frames, 10);
    assert_eq!(lumas(&out).len(), 10);
}
