// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording sources without a scene, on the recorder's own grid of the live clock.

use crate::feeding::*;
use crate::media;
use crate::support::{Folder, decode, has_programs, listen};
use lk_io::media_file::{LazyPlayer, OpenOptions};
use lk_io::player::{Player, PlayerOptions};
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::clock::Deadline;
use lk_media::{
    AudioRead, AudioSource, CHANNELS, Cancel, Clock, ClockId, ClockLease, ErrorKind, Exactness, Frame,
    FrameRate, FrameSpec, LeaseGuard, PixelFormat, Result, SAMPLE_RATE, Sample, Sampling, Size, Timestamp,
    VideoPort, VideoSource, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

fn nap(ms: u64) {
    Wake::new().wait(Duration::from_millis(ms));
}

/// Records until the file is to have so many frames.
fn record_frames(recorder: &Recorder, frames: u64) {
    recorder.start().unwrap();
    let length = recorder.rate().unwrap().time_of(frames).as_nanos() as u128;
    let deadline = Deadline::after(Duration::from_secs(60));
    while recorder.statistics().duration.as_nanos() < length {
        assert!(!deadline.has_passed(), "{:?}", recorder.statistics());
        nap(10);
    }
}

/// Shows the index of the time asked for, and sounds like the session; now and then it takes its time.
pub struct Computed {
    rate: FrameRate,
    lease: ClockLease,
    slow: bool,
}

impl Computed {
    pub fn new(rate: FrameRate, slow: bool) -> Arc<Self> {
        Arc::new(Self { rate, lease: ClockLease::default(), slow })
    }

    fn number_at(&self, at: Timestamp) -> u64 {
        self.rate.index_at(at.offset(1000)) & 0xffff
    }
}

impl VideoSource for Computed {
    fn name(&self) -> String {
        "a computed source".to_owned()
    }

    fn sample(&self, at: Timestamp, _: Sampling) -> Result<Sample> {
        let number = self.number_at(at);
        if self.slow && number % 16 == 3 {
            nap(150);
        }
        Ok(Sample::Frame(frame(self.rate, number).at(at)))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn claim(&self, clock: ClockId, _: Timestamp) -> Result<Option<LeaseGuard>> {
        Ok(Some(self.lease.take(clock, "a computed source")?.0))
    }

    fn may_block(&self) -> bool {
        self.slow
    }
}

impl AudioSource for Computed {
    fn name(&self) -> String {
        "a computed sound".to_owned()
    }

    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        for (n, s) in out.chunks_exact_mut(CHANNELS).enumerate() {
            s.fill(sample(first as u64 + n as u64, 0));
        }
        Ok(AudioRead::Filled)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

#[test]
fn frames_and_samples_of_the_grid() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for (rate, slow) in [(rate(30, 1), false), (rate(30_000, 1001), true), (rate(60, 1), false)] {
        let file = folder.file("film.mkv");
        let recorder = Recorder::open(&file, with_sound(rate)).unwrap();
        let source = Computed::new(rate, slow);
        let clock = <dyn Clock>::live();
        let before = rate.index_at(clock.now());
        recorder.record_source(Some(source.clone()), vec![source.clone()], clock.clone()).unwrap();
        let again = recorder.record_source(Some(Computed::new(rate, slow)), Vec::new(), clock.clone());
        assert_eq!(again.err().map(|e| e.kind()), Some(ErrorKind::Busy));
        let other = Recorder::open(&folder.file("other.mkv"), settings(rate)).unwrap();
        let busy = other.record_source(Some(source.clone()), Vec::new(), clock.clone());
        assert_eq!(busy.err().map(|e| e.kind()), Some(ErrorKind::Busy));
        record_frames(&recorder, 60);
        let s = recorder.stop().unwrap().statistics;
        assert!(!source.lease.is_taken());
        assert_eq!((s.repeated, s.dropped, s.surplus), (0, 0, 0), "{s:?}");
        let seen = numbers(&file);
        assert_eq!(seen.len() as u64, s.frames);
        assert!(seen.windows(2).all(|w| w[1] == (w[0] + 1) & 0xffff), "{seen:?}");
        // the whole index of the file's first frame
        let first = before + (seen[0].wrapping_sub(before) & 0xffff);
        let got = listen(&file);
        assert_eq!(got.len() as u64, rate.sample_of(s.frames, SAMPLE_RATE));
        let heard = got.len() - s.tracks[0].silent as usize;
        assert!(is_sound(&got[..heard], rate.sample_of(first, SAMPLE_RATE), 0), "{s:?}");
        // the sound of the last frame is waited for
        assert!(s.tracks[0].silent < 4800, "{s:?}");
    }
}

#[test]
fn a_port_that_a_thread_writes() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let (port, cancel, rate) = (Arc::new(VideoPort::new()), Cancel::new(), rate(30, 1));
    let clock = <dyn Clock>::live();
    let first = rate.index_at(clock.now());
    let writer = {
        let (port, cancel, clock) = (port.clone(), cancel.clone(), clock.clone());
        let body = move || {
            let mut n = first;
            while !cancel.is_cancelled() {
                // ahead of time, as decoders are
                while rate.time_of(n) < clock.now() + Duration::from_millis(100) {
                    port.publish(frame(rate, n - first).at(rate.time_of(n)));
                    n += 1;
                }
                nap(5);
            }
        };
        lk_media::thread::spawn("writer", body).unwrap()
    };
    let recorder = Recorder::open(&file, settings(rate)).unwrap();
    recorder.record_source(Some(port), Vec::new(), clock).unwrap();
    record_frames(&recorder, 60);
    recorder.stop().unwrap();
    cancel.cancel();
    writer.join().unwrap();
    let seen = numbers(&file);
    assert!(seen.len() >= 60 && seen.windows(2).all(|w| w[0] <= w[1]), "{seen:?}");
    // a loaded machine may hold up the writer
    let exact = seen.windows(2).filter(|w| w[0] + 1 == w[1]).count();
    assert!(exact * 10 >= seen.len() * 8, "{seen:?}");
}

#[test]
fn a_clip_begins_with_the_recording() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let clip = media::clip("grid.mp4", 200, "30", media::H264);
    let file = folder.file("film.mkv");
    let recorder = Recorder::open(&file, settings(rate(30, 1))).unwrap();
    let player = Arc::new(LazyPlayer::open(&clip, &OpenOptions::default()).unwrap());
    recorder.record_source(Some(player), Vec::new(), <dyn Clock>::live()).unwrap();
    nap(300);
    record_frames(&recorder, 45);
    let s = recorder.stop().unwrap().statistics;
    if s.repeated == 0 {
        assert_eq!(numbers(&file), (0..s.frames).collect::<Vec<_>>());
    } else {
        media::skip(&format!("the machine was too slow: {s:?}"));
    }
}

/// A player plays as soon as it is taken. What starts so soon after that it is one act for whoever asks, however long
/// threads take to begin, has the whole clip.
#[test]
fn a_player_begins_with_the_recording() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let clip = media::clip("grid.mp4", 200, "30", media::H264);
    let clock = <dyn Clock>::live();
    for pause in [0, 20, 45] {
        let file = folder.file("film.mkv");
        let player = Player::open(&clip, &PlayerOptions::default()).unwrap();
        let recorder = Recorder::open(&file, settings(rate(30, 1))).unwrap();
        let taken = clock.now();
        recorder.record_source(Some(player.video()), Vec::new(), clock.clone()).unwrap();
        nap(pause);
        recorder.start().unwrap();
        let soon = clock.now().nanos_since(taken) < 2 * rate(30, 1).period().as_nanos() as i64;
        record_frames(&recorder, 30);
        recorder.stop().unwrap();
        if soon {
            assert_eq!(numbers(&file)[0], 0, "{pause}");
        } else {
            media::skip("the machine was too slow");
        }
    }
}

#[test]
fn pictures_of_another_size_are_stretched() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mkv");
    // the left half white, the right half black, at an odd size
    let size = Size::new(91, 35);
    let bytes: Vec<u8> =
        (0..size.area()).flat_map(|p| if p % 91 < 45 { [255; 4] } else { [0, 0, 0, 255] }).collect();
    let picture =
        Frame::from_packed(FrameSpec::of(PixelFormat::Bgra, size), &bytes, Timestamp::ZERO).unwrap();
    let recorder = Recorder::open(&file, settings(rate(30, 1))).unwrap();
    let still = Arc::new(lk_media::Still::new("a picture", picture));
    recorder.record_source(Some(still), Vec::new(), <dyn Clock>::live()).unwrap();
    record_frames(&recorder, 10);
    recorder.stop().unwrap();
    let luma = decode(&file, "gray");
    let row = &luma[10 * media::WIDTH..11 * media::WIDTH];
    assert!(row[..110].iter().all(|y| *y > 200) && row[140..].iter().all(|y| *y < 50), "{row:?}");
}

/// Holds a recorder and lets it go in the middle of being asked.
struct Closing(Mutex<Option<Arc<Recorder>>>, Arc<Computed>);

impl VideoSource for Closing {
    fn name(&self) -> String {
        "a source that has enough".to_owned()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        let enough = |r: &Arc<Recorder>| r.statistics().duration > Duration::from_millis(500);
        let gone = self.0.lock().take_if(|r| enough(r));
        drop(gone);
        self.1.sample(at, sampling)
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("it is a test")
    }
}

#[test]
fn a_recorder_dropped_by_its_own_source() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let rate = rate(30, 1);
    let recorder = Arc::new(Recorder::open(&file, RecorderSettings::new(SIZE, rate, true)).unwrap());
    let events = recorder.events().reader();
    let source = Arc::new(Closing(Mutex::new(Some(recorder.clone())), Computed::new(rate, false)));
    recorder.record_source(Some(source), vec![Computed::new(rate, false)], <dyn Clock>::live()).unwrap();
    recorder.start().unwrap();
    drop(recorder);
    let deadline = Deadline::after(Duration::from_secs(60));
    while events.next(Duration::from_secs(1)).is_none_or(|e| e.new != "stopped") {
        assert!(!deadline.has_passed());
    }
    assert!(numbers(&file).len() >= 15);
}

#[test]
fn what_cannot_be_recorded() {
    let folder = Folder::new();
    let rate = rate(30, 1);
    let recorder = Recorder::open(&folder.file("film.mp4"), RecorderSettings::new(SIZE, rate, true)).unwrap();
    let clock = <dyn Clock>::live();
    let source = || Computed::new(rate, false);
    let none = recorder.record_source(None, Vec::new(), clock.clone());
    assert_eq!(none.err().map(|e| e.kind()), Some(ErrorKind::Parameter));
    let two = recorder.record_source(Some(source()), vec![source(), source()], clock);
    assert_eq!(two.err().map(|e| e.kind()), Some(ErrorKind::Parameter));
}
