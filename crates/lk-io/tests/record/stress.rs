// SPDX-License-Identifier: GPL-2.0-or-later
//! Everything at once, from every thread.

use crate::feeding::*;
use crate::media::{Random, numbered_frame};
use crate::support::{Folder, has_programs};
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::clock::Deadline;
use lk_media::frame::PlaneLayout;
use lk_media::thread::spawn;
use lk_media::{
    Cancel, ColorSpace, Delivery, Frame, FrameSpec, HostMemory, PixelFormat, SAMPLE_RATE, VideoTarget, Wake,
};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn calls_from_several_threads() {
    let folder = Folder::new();
    let rate = rate(60, 1);
    for round in 0..4 {
        let file = folder.file("film.mp4");
        let recorder = Arc::new(Recorder::open(&file, RecorderSettings::new(SIZE, rate, true)).unwrap());
        let over = Cancel::new();
        let mut threads = Vec::new();
        let (r, o) = (recorder.clone(), over.clone());
        threads.push(spawn("frames", move || {
            let mut random = Random(round);
            let mut n = 0;
            while !o.is_cancelled() {
                n += 1 + u64::from(random.below(8) == 0);
                if r.offer(&frame(rate, n), Delivery::Live).is_err() {
                    return;
                }
                Wake::new().wait(Duration::from_millis(2));
            }
        }));
        let (track, o) = (recorder.track(0).unwrap(), over.clone());
        threads.push(spawn("sound", move || {
            let mut position = rate.sample_of(BASE, SAMPLE_RATE);
            while !o.is_cancelled() {
                if track.offer_audio(&block(position, 480, 0), Delivery::Live).is_err() {
                    return;
                }
                position += 480;
                Wake::new().wait(Duration::from_millis(1));
            }
        }));
        for seed in 0..2 {
            let (r, o) = (recorder.clone(), over.clone());
            threads.push(spawn("caller", move || {
                let mut random = Random(round * 10 + seed);
                while !o.is_cancelled() {
                    let _ = match random.below(5) {
                        0 => r.pause(),
                        1 => r.start(),
                        _ => r.resume(),
                    };
                    let s = r.statistics();
                    assert!(s.held <= s.repeated);
                    let _ = (r.state(), r.at_risk(), r.error());
                    Wake::new().wait(Duration::from_millis(random.below(20) as u64));
                }
            }));
        }
        Wake::new().wait(Duration::from_millis(600));
        // two stop at once
        let other = recorder.clone();
        let second = spawn("stop", move || _ = other.stop().unwrap()).unwrap();
        let s = recorder.stop().unwrap().statistics;
        second.join().unwrap();
        over.cancel();
        threads.into_iter().for_each(|t| t.unwrap().join().unwrap());
        let indices = s.frames + s.repeated;
        assert_eq!(s.duration.as_nanos() as i64, rate.time_of(indices).as_nanos(), "{s:?}");
        assert_eq!(s.tracks[0].samples, rate.sample_of(indices, SAMPLE_RATE), "{s:?}");
    }
}

/// A picture's memory that lets a recorder go when it is let go.
struct Last(Vec<u8>, Option<Arc<Recorder>>);

impl Drop for Last {
    fn drop(&mut self) {
        drop(self.1.take());
    }
}

impl HostMemory for Last {
    fn layout(&self, plane: usize) -> PlaneLayout {
        let (width, rows) = PixelFormat::I420.plane_extent(SIZE, plane);
        PlaneLayout { stride: width, rows }
    }

    fn plane(&self, plane: usize) -> &[u8] {
        let area = SIZE.area();
        match plane {
            0 => &self.0[..area],
            1 => &self.0[area..area * 5 / 4],
            _ => &self.0[area * 5 / 4..],
        }
    }
}

#[test]
fn a_recorder_dropped_on_its_encoders_thread() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let rate = rate(30, 1);
    let recorder = Arc::new(Recorder::open(&file, RecorderSettings::new(SIZE, rate, true)).unwrap());
    let events = recorder.events().reader();
    recorder.start().unwrap();
    let spec = FrameSpec::of(PixelFormat::I420, SIZE).with_color(ColorSpace::BT709);
    let memory = Last(numbered_frame(0), Some(recorder.clone()));
    let first = Frame::from_memory(spec, Box::new(memory), rate.time_of(BASE)).unwrap();
    recorder.offer(&first, Delivery::Live).unwrap();
    drop(first);
    for n in 1..20 {
        recorder.offer(&frame(rate, n), Delivery::Live).unwrap();
    }
    drop(recorder);
    // the encoder holds the first frame until it has the next ones
    let deadline = Deadline::after(Duration::from_secs(60));
    while events.next(Duration::from_secs(1)).is_none_or(|e| e.new != "stopped") {
        assert!(!deadline.has_passed());
    }
    assert!(numbers(&file).len() >= 2);
}
