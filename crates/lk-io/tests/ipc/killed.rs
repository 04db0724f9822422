// SPDX-License-Identifier: GPL-2.0-or-later
//! Writers and readers that are killed at any moment.

use crate::processes::{Held, Process, SMALL};
use crate::support::*;
use lk_media::clock::Deadline;
use lk_media::{Cancel, FrameSpec, PixelFormat, VideoTarget};
use std::sync::Arc;
use std::time::Duration;

/// Kills so many writers while a reader looks at every picture; microseconds until each had the name, sorted.
fn kill_writers(count: u64) -> Vec<u64> {
    let folder = Folder::new();
    let source = folder.source("cam");
    let mut random = Random(count);
    let (mut took, mut before, mut seq) = (Vec::new(), None, 0);
    for n in 0..count {
        let mut writer = Process::start(folder.path(), "write cam");
        took.push(writer.says("opened").parse().unwrap());
        let mine = u64::from(writer.child.id());
        let stop = Deadline::after(Duration::from_micros(random.below(8000)));
        let (mut seen, limit) = (false, Deadline::after(PATIENCE));
        while !seen || !stop.has_passed() {
            assert!(!limit.has_passed(), "writer {n} was not followed");
            let Some((at, frame)) = source.next(seq, Deadline::after(PATIENCE)) else { panic!("no picture") };
            seq = at + 1;
            seen |= number_of(&frame) >> 32 == mine;
        }
        writer.kill();
        if n == 20 {
            before = Some(Held::now());
        }
    }
    await_state(&source, "reconnecting");
    number_of(&source.latest().unwrap());
    if let Some(before) = before {
        let now = Held::now();
        assert!(!before.leaked(&now), "{before:?} {now:?}");
    }
    assert_eq!(source.counts().writers, count);
    took.sort_unstable();
    took
}

/// Kills so many readers while a writer shares pictures.
fn kill_readers(count: u64) {
    let folder = Folder::new();
    let target = Arc::new(folder.target("cam", PixelFormat::Bgra, SMALL));
    let steady = folder.source("cam");
    let (stop, writing) = (Cancel::new(), target.clone());
    let told = stop.clone();
    let writer = lk_media::thread::spawn("writer", move || {
        for number in 1.. {
            if told.is_cancelled() {
                return;
            }
            share(&writing, number);
            nap(Duration::from_micros(300));
        }
    });
    let writer = writer.unwrap();
    let mut random = Random(count);
    await_state(&steady, "live");
    let mut before = None;
    for n in 0..count {
        let mut reader = Process::start(folder.path(), &format!("read cam {n}"));
        reader.says("reading");
        nap(Duration::from_micros(random.below(8000)));
        reader.kill();
        until("the killed reader to be noticed", || target.counts().readers == 1);
        number_of(&steady.latest().unwrap());
        if n == 20 {
            before = Some(Held::now());
        }
    }
    assert!(!writer.is_finished(), "the writer failed");
    if let Some(before) = before {
        let now = Held::now();
        assert!(!before.leaked(&now), "{before:?} {now:?}");
    }
    stop.cancel();
    writer.join().unwrap();
    assert_eq!(target.counts().dropped, 0);
    drop(steady);
    until("the last reader to be noticed", || target.counts().readers == 0);
    // nobody holds a slot any more
    let spec = FrameSpec::of(PixelFormat::Bgra, SMALL);
    let free = std::iter::from_fn(|| target.allocate(spec)).collect::<Vec<_>>().len();
    assert!(free > 20, "only {free} slots are free");
}

#[test]
fn killed_writers_tear_nothing_and_leave_their_names() {
    let took = kill_writers(100);
    println!("until the name was had, µs: {:?}", (took[took.len() / 2], took[took.len() - 1]));
}

#[test]
fn killed_readers_hold_nothing() {
    kill_readers(100);
}

#[test]
#[ignore = "long: run by make verify"]
fn ten_thousand_killed_writers() {
    let took = kill_writers(10_000);
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "VERIFY ipc: 10,000 killed writers, no torn picture; name had again in {median} µs, at most {most} µs"
    );
    assert!(most < 1_000_000, "{most} µs");
}

#[test]
#[ignore = "long: run by make verify"]
fn ten_thousand_killed_readers() {
    kill_readers(10_000);
    println!("VERIFY ipc: 10,000 killed readers, no torn picture, no slot lost");
}
