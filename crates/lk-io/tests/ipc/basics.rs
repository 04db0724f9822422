// SPDX-License-Identifier: GPL-2.0-or-later
//! What a target shares, a source shows.

use crate::support::*;
use lk_io::ipc::{IpcFit, IpcTarget, IpcTargetOptions};
use lk_media::clock::Deadline;
use lk_media::{
    AlphaKind, ColorSpace, Delivery, Frame, FrameSpec, Offered, PixelFormat, Sample, Sampling, Size,
    Timestamp, VideoSource, VideoTarget, Wake,
};
use std::time::Duration;

const SIZE: Size = Size::new(64, 48);
const FORMATS: [PixelFormat; 4] = [PixelFormat::Bgr, PixelFormat::Bgra, PixelFormat::I420, PixelFormat::Nv12];

#[test]
fn every_format_arrives_as_it_was() {
    let folder = Folder::new();
    for format in FORMATS {
        let target = folder.target("cam", format, SIZE);
        let source = folder.source("cam");
        share(&target, 1);
        let frame = await_number(&source, 1);
        assert_eq!(frame.spec(), FrameSpec::of(format, SIZE));
        // a copy of what was made elsewhere, with what its bytes mean
        let spec = FrameSpec::of(format, SIZE).with_color(ColorSpace::BT601).with_alpha(AlphaKind::Opaque);
        let made = picture(spec, 2);
        assert_eq!(target.offer(&made, Delivery::Live).unwrap(), Offered::Taken);
        let frame = await_number(&source, 2);
        assert_eq!((frame.spec(), frame.timestamp()), (spec, made.timestamp()));
        assert_eq!((target.counts().frames, target.counts().in_place), (2, 1));
        assert_eq!((source.counts().frames, source.counts().copied, source.counts().lost), (2, 0, 0));
    }
}

#[test]
fn other_formats_are_converted() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, Size::new(2, 2));
    let source = folder.source("cam");
    let red = Frame::from_packed(
        FrameSpec::of(PixelFormat::Rgb, Size::new(2, 2)),
        &[255, 0, 0].repeat(4),
        Timestamp::ZERO,
    );
    target.offer(&red.unwrap(), Delivery::Live).unwrap();
    until("the picture", || is_live(&source));
    let frame = source.latest().unwrap();
    assert_eq!(frame.map_native().to_packed(), [0, 0, 255, 255].repeat(4));
    // its time was no time of the live clock
    assert!(now().nanos_since(frame.timestamp()) < 60_000_000_000);
}

#[test]
fn pictures_of_other_sizes_are_centred_or_scaled() {
    let folder = Folder::new();
    let size = Size::new(8, 8);
    let flat = |size: Size| {
        let spec = FrameSpec::of(PixelFormat::Bgr, size);
        Frame::from_packed(spec, &vec![200; size.area() * 3], now()).unwrap()
    };
    for (fit, from, lit) in [
        (None, Size::new(4, 8), 32),
        (None, Size::new(20, 20), 64),
        (Some(IpcFit::Contain), Size::new(16, 32), 32),
        (Some(IpcFit::Cover), Size::new(16, 32), 64),
        (Some(IpcFit::Stretch), Size::new(3, 50), 64),
    ] {
        let options = IpcTargetOptions { fit, ..folder.options(PixelFormat::Bgr) };
        let target = IpcTarget::open("fit", size, &options).unwrap();
        let source = folder.source("fit");
        target.offer(&flat(from), Delivery::Live).unwrap();
        until("the picture", || is_live(&source));
        let frame = source.latest().unwrap();
        let bytes = frame.map_native().to_packed();
        assert_eq!(frame.size(), size);
        assert_eq!(bytes.chunks(3).filter(|p| p[0].abs_diff(200) < 2).count(), lit, "{fit:?} from {from}");
    }
}

#[test]
fn the_order_of_starting_does_not_matter() {
    let folder = Folder::new();
    let source = folder.source("cam");
    let bell = Wake::new();
    source.wake_on_ready(&bell);
    let events = source.events().reader();
    assert_eq!(source.state().word(), "starting");
    assert!(matches!(source.sample(now(), Sampling::Live), Ok(Sample::Empty)));
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    until("the size", || source.size() == Some(SIZE));
    assert_eq!(source.state().word(), "starting");
    share(&target, 1);
    assert!(bell.wait(PATIENCE), "it rings");
    await_number(&source, 1);
    await_state(&source, "live");
    assert_eq!(source.writer(), Some(u64::from(std::process::id())));

    drop(target);
    await_state(&source, "reconnecting");
    assert_eq!(number_of(&source.latest().unwrap()), 1, "the last picture stays");
    // another writer, another size and format
    let target = folder.target("cam", PixelFormat::I420, Size::new(320, 200));
    share(&target, 7);
    assert_eq!(await_number(&source, 7).size(), Size::new(320, 200));
    await_state(&source, "live");
    assert_eq!(source.counts().writers, 2);
    let told: Vec<String> = std::iter::from_fn(|| events.try_next()).map(|e| e.new).collect();
    assert_eq!(told, ["live", "reconnecting", "live"]);
}

#[test]
fn who_comes_late_has_the_newest_picture_at_once() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let early = folder.source("cam");
    share(&target, 1);
    let _old = await_number(&early, 1);
    (2..=40).for_each(|n| share(&target, n));
    for _ in 0..20 {
        let source = folder.source("cam");
        let (_, first) = source.next(0, Deadline::after(PATIENCE)).unwrap();
        assert_eq!(number_of(&first), 40);
        assert_eq!(source.counts().lost, 0);
    }
}

#[test]
fn sizes_that_change_are_followed() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Nv12, SIZE);
    let sources = [folder.source("cam"), folder.source("cam")];
    share(&target, 1);
    let old = sources.each_ref().map(|source| await_number(source, 1));
    for (number, size) in [(2, Size::new(1280, 720)), (3, Size::new(16, 16)), (4, SIZE)] {
        target.set_size(size).unwrap();
        share(&target, number);
        for source in &sources {
            assert_eq!(await_number(source, number).size(), size);
        }
    }
    assert!(target.set_size(Size::new(3, 3)).is_err());
    assert_eq!(target.size(), SIZE);
    assert_eq!(target.counts().readers, 2);
    assert!(old.iter().all(|frame| number_of(frame) == 1), "views of memory that was left stay");
    // a frame made for the old size is shared as any other
    let spec = FrameSpec::of(PixelFormat::Nv12, SIZE);
    let mut frame = target.allocate(spec).unwrap();
    paint(&mut frame, 5);
    target.set_size(Size::new(128, 128)).unwrap();
    assert_eq!(target.offer(&frame.publish(now()), Delivery::Live).unwrap(), Offered::Taken);
    until("the size", || sources[0].latest().is_some_and(|f| f.size() == Size::new(128, 128)));
}

#[test]
fn each_picture_comes_once_and_in_order() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let source = folder.source("cam");
    let mut seq = 0;
    for number in 1..=500 {
        share(&target, number);
        let (at, frame) = source.next(seq, Deadline::after(PATIENCE)).expect("it comes");
        seq = at + 1;
        assert_eq!(number_of(&frame), number);
    }
    assert_eq!((source.counts().frames, source.counts().lost, source.counts().copied), (500, 0, 0));
}

#[test]
fn pictures_written_ahead_are_shown_when_due_and_can_be_taken_back() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let source = folder.source("cam");
    let start = now();
    let ahead = |n: u64, ms: u64| {
        let frame = picture(FrameSpec::of(PixelFormat::Bgr, SIZE), n).at(start + Duration::from_millis(ms));
        target.offer(&frame, Delivery::Live).unwrap();
    };
    [(1, 0), (2, 100), (3, 200)].into_iter().for_each(|(n, ms)| ahead(n, ms));
    until("all of them", || source.counts().frames == 3);
    let shown = |ms: u64| match source.sample(start + Duration::from_millis(ms), Sampling::Live) {
        Ok(Sample::Frame(frame)) => number_of(&frame),
        other => panic!("{other:?}"),
    };
    assert_eq!([shown(0), shown(90), shown(100), shown(900)], [1, 1, 2, 3]);
    target.retract(start + Duration::from_millis(10));
    ahead(4, 20);
    until("the new one", || source.counts().frames == 4);
    assert_eq!([shown(10), shown(20), shown(900)], [1, 4, 4]);
}

#[test]
fn a_source_without_pictures_for_a_second_is_stalled() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let source = folder.source("cam");
    let mut next = 0;
    let mut show = || {
        next += 1;
        share(&target, next);
        await_number(&source, next);
    };
    show();
    show();
    await_state(&source, "stalled");
    show();
    await_state(&source, "live");
}

#[test]
fn closed_is_closed() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let source = folder.source("cam");
    share(&target, 1);
    let frame = await_number(&source, 1);
    source.close();
    source.close();
    assert!(matches!(source.sample(now(), Sampling::Live), Ok(Sample::Ended(Some(_)))));
    until("it to leave", || target.counts().readers == 0);
    target.close();
    target.close();
    let spec = FrameSpec::of(PixelFormat::Bgr, SIZE);
    assert!(target.allocate(spec).is_none());
    assert_eq!(target.offer(&picture(spec, 2), Delivery::Live).unwrap(), Offered::Dropped);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays behind");
    drop((source, target));
    assert_eq!(number_of(&frame), 1, "what is held stays");
}

#[test]
fn exact_readings_are_refused() {
    let folder = Folder::new();
    let source = folder.source("cam");
    assert!(source.sample(now(), Sampling::Exact).is_err());
    assert!(!source.may_block());
}
