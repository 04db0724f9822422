// SPDX-License-Identifier: GPL-2.0-or-later
//! Which slots are used, and what holding pictures does to others.

use crate::support::*;
use lk_media::{Delivery, Frame, FrameSpec, Offered, PixelFormat, Size, VideoTarget};

const SIZE: Size = Size::new(64, 48);

#[test]
fn a_view_keeps_its_picture_and_the_others_go_on() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SIZE);
    let (hoarder, other) = (folder.source("cam"), folder.source("cam"));
    let mut hoard: Vec<Frame> = Vec::new();
    for number in 1..=200 {
        share(&target, number);
        hoard.push(await_number(&hoarder, number));
        await_number(&other, number);
    }
    for (frame, number) in hoard.iter().zip(1..) {
        assert_eq!(number_of(frame), number);
    }
    assert!(hoarder.counts().copied > 150, "it has all the leases it may have");
    assert_eq!(other.counts().copied, 0, "and the other is not bothered");
    assert_eq!(target.counts().dropped, 0);
    hoard.clear();
    drop(hoarder);
    let copied = other.counts().copied;
    (201..=260).for_each(|n| {
        share(&target, n);
        await_number(&other, n);
    });
    assert_eq!(other.counts().copied, copied);
}

#[test]
fn many_who_hold_all_they_can_do_not_stop_the_writer() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SIZE);
    let mut holding = Vec::new();
    // three times twelve leases at different times are more than there are slots
    for start in [0, 100, 200, 300] {
        let source = folder.source("cam");
        let held: Vec<Frame> = (start + 1..start + 31)
            .map(|number| {
                share(&target, number);
                await_number(&source, number)
            })
            .collect();
        holding.push((start, source, held));
    }
    for number in 1000..1100 {
        share(&target, number);
        holding.iter().for_each(|(_, source, _)| drop(await_number(source, number)));
    }
    for (start, source, held) in &holding {
        assert!(held.iter().zip(start + 1..).all(|(frame, number)| number_of(frame) == number));
        println!("{:?}", source.counts());
    }
    assert_eq!(target.counts().dropped, 0);
}

#[test]
fn a_program_that_holds_all_slots_itself_is_told_so() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SIZE);
    let source = folder.source("cam");
    let spec = FrameSpec::of(PixelFormat::Bgra, SIZE);
    let held: Vec<_> = std::iter::from_fn(|| target.allocate(spec)).collect();
    assert!(held.len() > 8 && held.len() <= 32, "{}", held.len());
    assert_eq!(target.offer(&picture(spec, 1), Delivery::Live).unwrap(), Offered::Dropped);
    assert_eq!(target.counts().dropped, 1);
    drop(held);
    share(&target, 2);
    await_number(&source, 2);
}

#[test]
fn frames_of_the_writer_stay_its_own() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SIZE);
    let source = folder.source("cam");
    let spec = FrameSpec::of(PixelFormat::Bgra, SIZE);
    let mut frame = target.allocate(spec).unwrap();
    paint(&mut frame, 1);
    let kept = frame.publish(now());
    target.offer(&kept, Delivery::Live).unwrap();
    (2..100).for_each(|n| share(&target, n));
    assert_eq!(number_of(&kept), 1);
    // the same again: it was shown before, and is shown as any other
    let before = target.counts().in_place;
    target.offer(&kept.at(now()), Delivery::Live).unwrap();
    assert_eq!(number_of(&await_number(&source, 1)), 1);
    assert_eq!(target.counts().in_place, before);
    // one that is thrown away is never seen
    let mut frame = target.allocate(spec).unwrap();
    paint(&mut frame, 500);
    drop(frame);
    share(&target, 501);
    await_number(&source, 501);
}
