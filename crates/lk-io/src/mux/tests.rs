// SPDX-License-Identifier: GPL-2.0-or-later
//! What a muxer does to its file, write by write: power losses, errors of the disk, a slow disk.

use super::*;
use crate::encode::{AudioEncoder, AudioSettings, VideoEncoder, VideoSettings};
use lk_media::clock::Stopwatch;
use lk_media::{
    AudioBlock, CHANNELS, ColorSpace, FramePool, FrameRate, FrameSpec, PixelFormat, SAMPLE_RATE, Size,
};
use std::io;
use std::process::Command;

const SIZE: Size = Size::new(64, 48);
/// The encoder must hold few frames.
const X264: &str = "rc-lookahead=4:sync-lookahead=0:b-adapt=0:bframes=2:keyint=60";

struct Clip {
    streams: Vec<StreamInfo>,
    packets: Vec<(usize, Packet)>,
}

/// Pictures at 30 fps and sound, `seconds` of each, in the order a recording gives them out.
fn clip(seconds: u64) -> Clip {
    let rate = FrameRate::new(30, 1).unwrap();
    let settings =
        VideoSettings::new(SIZE, rate).with_option("preset", "veryfast").with_option("x264-params", X264);
    let mut video = VideoEncoder::open(&settings, true).unwrap();
    let mut audio = AudioEncoder::open(&AudioSettings::default(), true).unwrap();
    let mut packets = Vec::new();
    for n in 0..seconds * 30 {
        let spec = FrameSpec::of(PixelFormat::I420, SIZE).with_color(ColorSpace::BT709);
        let mut frame = FramePool::shared().frame(spec).unwrap();
        for plane in 0..3 {
            let mut to = frame.plane_mut(plane);
            for y in 0..to.rows {
                for (x, v) in to.row_mut(y).iter_mut().enumerate() {
                    *v = (x * 3 + y * 5) as u8 ^ (n * 7) as u8;
                }
            }
        }
        let mut sink = |p| {
            packets.push((0, p));
            Ok(())
        };
        video.encode(&frame.publish(rate.time_of(n)), n, &mut sink).unwrap();
        let position = rate.sample_of(n, SAMPLE_RATE);
        let block = AudioBlock { position, samples: vec![0.25; 1600 * CHANNELS].into() };
        let mut sink = |p| {
            packets.push((1, p));
            Ok(())
        };
        audio.encode(&block, &mut sink).unwrap();
    }
    // the encoders' rest is left out: clips are repeated
    let streams = vec![video.stream(), audio.stream()];
    Clip { streams, packets }
}

/// What was done to a file.
#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Sync,
    Cut(u64),
    /// Not of the file: a picture up to this time was accepted.
    Accepted(Duration),
}

/// A storage in memory that keeps a log and can fail.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<LogState>>);

#[derive(Default)]
struct LogState {
    steps: Vec<Step>,
    /// Bytes that there is room for.
    room: Option<u64>,
    /// From this write on, all fail with this error.
    fails: Option<(usize, i32)>,
    writes: usize,
}

impl Storage for Log {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        state.writes += 1;
        if let Some((_, errno)) = state.fails.filter(|(first, _)| state.writes >= *first) {
            // half of it is there
            state.steps.push(Step::Write(at, bytes[..bytes.len() / 2].to_vec()));
            return Err(io::Error::from_raw_os_error(errno));
        }
        let fits = state.room.map_or(bytes.len(), |room| (room.saturating_sub(at) as usize).min(bytes.len()));
        state.steps.push(Step::Write(at, bytes[..fits].to_vec()));
        if fits < bytes.len() { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.lock().steps.push(Step::Sync);
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.lock().steps.push(Step::Cut(length));
        Ok(())
    }
}

fn apply(file: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(at, bytes) => {
            let at = *at as usize;
            file.resize(file.len().max(at + bytes.len()), 0);
            file[at..at + bytes.len()].copy_from_slice(bytes);
        }
        Step::Cut(length) => file.truncate(*length as usize),
        Step::Sync | Step::Accepted(_) => {}
    }
}

fn replay(steps: &[Step]) -> Vec<u8> {
    let mut file = Vec::new();
    steps.iter().for_each(|s| apply(&mut file, s));
    file
}

fn open(clip: &Clip, log: &Log, format: &str, settings: &MuxerSettings) -> Muxer {
    let container = ContainerChoice::of(format, Some(format)).unwrap();
    let target = path::Target::prepare("/dev/null", true, false).unwrap();
    Muxer::open_on(&container, "test", &clip.streams, settings, target, Some(Box::new(log.clone()))).unwrap()
}

fn settings(durable: bool, live: bool) -> MuxerSettings {
    let crash_safe = Some(CrashSafe { durable, ..CrashSafe::default() });
    MuxerSettings { crash_safe, live, overwrite: true, ..MuxerSettings::default() }
}

/// Waits until the muxer has written all it was given.
fn drain(muxer: &Muxer) {
    let wake = lk_media::Wake::new();
    let packets = || muxer.shared.packets.load(Ordering::Relaxed);
    let given = || muxer.shared.waiting_bytes.load(Ordering::Relaxed);
    let mut before = u64::MAX;
    while muxer.error().is_none() && (given() > 0 || packets() != before) {
        before = packets();
        wake.wait(Duration::from_micros(200));
    }
}

fn place(name: &str) -> std::path::PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lk-mux-{}-{number}-{name}", std::process::id()))
}

fn has_programs() -> bool {
    let there = Command::new("ffprobe").arg("-version").output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: the program ffprobe is not installed");
    }
    there
}

/// Seconds of picture that can be decoded; 0 if it is no file at all.
fn decodable(bytes: &[u8], name: &str) -> f64 {
    let file = place(name);
    std::fs::write(&file, bytes).unwrap();
    let out = Command::new("ffprobe")
        .args(["-v", "quiet", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let mut times: Vec<f64> = text.lines().filter_map(|l| l.trim_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let hole = times.windows(2).position(|p| (p[1] - p[0] - 1.0 / 30.0).abs() > 0.0021);
    hole.map_or(times.len(), |at| at + 1) as f64 / 30.0
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n.max(1) as u64) as usize
    }
}

/// The log of a durable recording of `seconds`.
fn recorded(seconds: u64, format: &str, durable: bool) -> Vec<Step> {
    let clip = clip(seconds);
    let log = Log::default();
    let muxer = open(&clip, &log, format, &settings(durable, true));
    for (stream, packet) in &clip.packets {
        muxer.write(*stream, packet.clone()).unwrap();
        if *stream == 0 {
            drain(&muxer);
            let end = Duration::from_nanos(packet.pts_nanos().unwrap() as u64) + packet.duration();
            log.0.lock().steps.push(Step::Accepted(end));
        }
    }
    assert_eq!(muxer.finish().unwrap().warning, None);
    std::mem::take(&mut log.0.lock().steps)
}

/// The file as it may be after the power failed behind the first `count` steps: what was synced is there; of what
/// came later each sector may be there or not.
fn after_power_loss(steps: &[Step], count: usize, random: &mut Random) -> Vec<u8> {
    const SECTOR: usize = 512;
    let synced = steps[..count].iter().rposition(|s| matches!(s, Step::Sync)).map_or(0, |at| at + 1);
    let mut file = replay(&steps[..synced]);
    for step in &steps[synced..count] {
        match step {
            Step::Write(at, bytes) => {
                let mut done = 0;
                while done < bytes.len() {
                    // up to the end of the sector: a sector is written whole or not at all
                    let place = *at + done as u64;
                    let part = (SECTOR - place as usize % SECTOR).min(bytes.len() - done);
                    if random.below(2) == 0 {
                        apply(&mut file, &Step::Write(place, bytes[done..done + part].to_vec()));
                    }
                    done += part;
                }
            }
            step => apply(&mut file, step),
        }
    }
    file
}

fn power_losses(points: usize, format: &str) {
    if !has_programs() {
        return;
    }
    let steps = recorded(12, format, true);
    let mut random = Random(7);
    let mut worst: f64 = 0.0;
    for point in 0..points {
        // a third of them while the file is being ended
        let count = match point % 3 {
            0 => steps.len() - random.below(8.min(steps.len())),
            _ => random.below(steps.len()),
        };
        let accepted = steps[..count].iter().rev().find_map(|s| match s {
            Step::Accepted(end) => Some(end.as_secs_f64()),
            _ => None,
        });
        let file = after_power_loss(&steps, count, &mut random);
        let left = decodable(&file, &format!("power.{format}"));
        let lost = accepted.unwrap_or(0.0) - left;
        worst = worst.max(lost);
        assert!(lost <= 2.0, "{format}: point {count} of {}: {lost} s lost", steps.len());
    }
    println!("{format}: power lost at {points} points, at most {worst:.3} s of recording lost");
}

#[test]
fn fifty_power_losses() {
    power_losses(50, "mp4");
    power_losses(20, "matroska");
}

#[test]
#[ignore = "long: make verify"]
fn a_thousand_power_losses() {
    power_losses(1000, "mp4");
    power_losses(200, "matroska");
}

#[test]
fn killed_between_any_two_writes_at_the_end() {
    if !has_programs() {
        return;
    }
    let steps = recorded(6, "mp4", false);
    let whole = decodable(&replay(&steps), "whole.mp4");
    let mut seen = 0;
    for count in steps.len() - 11..=steps.len() {
        let mut file = replay(&steps[..count - 1]);
        let before = file.len();
        apply(&mut file, &steps[count - 1]);
        assert!(decodable(&file, "step.mp4") >= whole - 0.6, "step {count} of {}", steps.len());
        // and in the middle of it, if it made the file longer
        if file.len() > before + 2 {
            file.truncate(before + (file.len() - before) / 2);
            assert!(decodable(&file, "step.mp4") >= whole - 0.6, "half of step {count} of {}", steps.len());
            seen += 1;
        }
    }
    assert!(seen >= 2);
}

#[test]
fn killed_within_a_write() {
    if !has_programs() {
        return;
    }
    let mut random = Random(11);
    for format in ["mp4", "matroska"] {
        let steps = recorded(4, format, false);
        let writes: Vec<usize> = (20..steps.len() - 9)
            .filter(|n| matches!(&steps[*n], Step::Write(_, b) if b.len() > 500))
            .collect();
        for _ in 0..12 {
            let at = writes[random.below(writes.len())];
            let mut file = replay(&steps[..at]);
            let before = decodable(&file, &format!("within.{format}"));
            let Step::Write(place, bytes) = &steps[at] else { continue };
            let part = random.below(bytes.len().min(600));
            apply(&mut file, &Step::Write(*place, bytes[..part].to_vec()));
            let left = decodable(&file, &format!("within.{format}"));
            assert!(left >= before, "{format}: {left} s instead of {before} s, {part} bytes of step {at}");
        }
    }
}

#[test]
fn no_room_for_the_table() {
    let clip = clip(4);
    let full = |room| {
        let log = Log::default();
        log.0.lock().room = room;
        let muxer = open(&clip, &log, "mp4", &settings(false, true));
        clip.packets.iter().for_each(|(stream, p)| muxer.write(*stream, p.clone()).unwrap());
        let report = muxer.finish().unwrap();
        (report, replay(&log.0.lock().steps))
    };
    let (report, file) = full(None);
    assert_eq!(report.warning, None);
    let table = file.windows(4).position(|w| w == b"moov").unwrap() - 4;
    for room in [table, table + 1, table + 500, file.len() - 1] {
        let (report, left) = full(Some(room as u64));
        let warning = report.warning.unwrap();
        assert!(warning.contains("fragments") && warning.contains("space"), "{warning}");
        assert_eq!(left.len(), table);
        assert!(!has_programs() || decodable(&left, "room.mp4") > 3.6);
    }
}

#[test]
fn errors_in_the_middle() {
    let clip = clip(8);
    for (errno, kind) in [(28, ErrorKind::DiskFull), (5, ErrorKind::Output)] {
        for format in ["mp4", "mov", "matroska"] {
            let log = Log::default();
            log.0.lock().fails = Some((14, errno));
            let muxer = open(&clip, &log, format, &settings(false, true));
            let mut refused = None;
            for (stream, packet) in &clip.packets {
                if let Err(e) = muxer.write(*stream, packet.clone()) {
                    refused = Some(e);
                    break;
                }
                drain(&muxer);
            }
            let e = refused.expect("a write failed");
            assert_eq!((e.kind(), e.errno()), (kind, Some(errno)), "{format}: {e}");
            assert!(e.hint().is_some());
            let safe = muxer.safe_until().unwrap().as_secs_f64();
            // the disk has room again; what was lost stays lost
            log.0.lock().fails = None;
            for _ in 0..2 {
                assert_eq!(muxer.finish().err().map(|e| e.kind()), Some(kind));
            }
            let left = replay(&log.0.lock().steps);
            if has_programs() {
                let seconds = decodable(&left, &format!("error.{format}"));
                assert!(seconds >= safe && seconds > 0.3, "{format}: {seconds} s play, {safe} s were safe");
            }
            if format == "mp4" {
                assert!(left[..64].windows(4).any(|w| w == b"mdat"), "it was made ordinary");
            }
        }
    }
}

#[test]
fn what_is_safe_is_there() {
    if !has_programs() {
        return;
    }
    let clip = clip(6);
    for format in ["mp4", "matroska", "mpegts", "flv"] {
        let log = Log::default();
        let muxer = open(&clip, &log, format, &settings(false, true));
        let mut last = Duration::ZERO;
        for (n, (stream, packet)) in clip.packets.iter().enumerate() {
            muxer.write(*stream, packet.clone()).unwrap();
            drain(&muxer);
            let Some(safe) = muxer.safe_until() else { continue };
            assert!(safe >= last, "{format}: {safe:?} after {last:?}");
            if safe > last && n % 8 == 0 {
                let left = decodable(&replay(&log.0.lock().steps), &format!("safe.{format}"));
                assert!(left + 1e-6 >= safe.as_secs_f64() - 0.001, "{format}: {left} s, {safe:?} said");
                let reached = packet.dts_nanos().unwrap() as f64 / 1e9;
                assert!(reached - safe.as_secs_f64() < 1.0, "{format}: {reached} reached, {safe:?} safe");
            }
            last = safe;
        }
        assert!(last > Duration::from_secs(5), "{format}: {last:?}");
    }
}

/// A storage that waits until it is let go.
struct Stuck(crossbeam_channel::Receiver<()>, Log);

impl Storage for Stuck {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        // the other end is dropped to let it go
        assert!(self.0.recv().is_err());
        self.1.write_at(at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_disk_costs_pictures_up_to_a_key_and_no_sound() {
    let clip = clip(30);
    let log = Log::default();
    let (hold, held) = crossbeam_channel::bounded(0);
    let container = ContainerChoice::of("mp4", Some("mp4")).unwrap();
    let target = path::Target::prepare("/dev/null", true, false).unwrap();
    let storage = Box::new(Stuck(held, log.clone()));
    let settings = settings(false, true);
    let muxer = Muxer::open_on(&container, "test", &clip.streams, &settings, target, Some(storage)).unwrap();
    let half = clip.packets.len() / 2;
    clip.packets[..half].iter().for_each(|(stream, p)| muxer.write(*stream, p.clone()).unwrap());
    let dropped = muxer.dropped();
    assert!(dropped > 100, "{dropped}");
    drop(hold);
    drain(&muxer);
    clip.packets[half..].iter().for_each(|(stream, p)| {
        muxer.write(*stream, p.clone()).unwrap();
        drain(&muxer);
    });
    let report = muxer.finish().unwrap();
    assert_eq!(report.packets + report.dropped, clip.packets.len() as u64);
    // no more than to the next key frame, two seconds at most
    assert!(report.dropped >= dropped && report.dropped <= dropped + 60, "{report:?}, {dropped} at first");
    if has_programs() {
        let file = place("slow.mp4");
        std::fs::write(&file, replay(&log.0.lock().steps)).unwrap();
        let out =
            Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&file).args(["-f", "null", "-"]).output();
        let out = out.unwrap();
        assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        let count = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "a", "-count_packets", "-of", "csv=p=0"])
            .args(["-show_entries", "stream=nb_read_packets"])
            .arg(&file)
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        let sound = clip.packets.iter().filter(|(stream, _)| *stream == 1).count();
        assert_eq!(String::from_utf8_lossy(&count.stdout).trim().trim_matches(','), sound.to_string());
    }
}

#[test]
fn a_hole_where_a_fragment_ends_keeps_its_length() {
    if !has_programs() {
        return;
    }
    let clip = clip(6);
    let log = Log::default();
    let muxer = open(&clip, &log, "mp4", &settings(false, true));
    let at = |packet: &Packet| packet.dts_nanos().unwrap() / 1_000_000;
    // no picture between 2 and 4 seconds; sound closes fragments before the next picture is there
    let pictures =
        |from, to| clip.packets.iter().filter(move |(n, p)| *n == 0 && (from..to).contains(&at(p)));
    let sound = |from, to| clip.packets.iter().filter(move |(n, p)| *n == 1 && (from..to).contains(&at(p)));
    let parts = [(-1000, 2000, 2000), (9000, 9000, 4500), (4000, 6000, 6000)];
    let (mut heard, mut shown) = (-1000, Vec::new());
    for (from, to, until) in parts {
        for (stream, packet) in pictures(from, to).chain(sound(heard, until)) {
            muxer.write(*stream, packet.clone()).unwrap();
            drain(&muxer);
            if *stream == 0 {
                shown.push(packet.pts_nanos().unwrap() as f64 / 1e9);
            }
        }
        heard = until;
    }
    let fragmented = replay(&log.0.lock().steps);
    muxer.finish().unwrap();
    let whole = replay(&log.0.lock().steps);
    for (what, bytes) in [("killed", fragmented), ("whole", whole)] {
        let file = place("hole.mp4");
        std::fs::write(&file, bytes).unwrap();
        let out = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-select_streams",
                "v",
                "-of",
                "csv=p=0",
                "-show_entries",
                "packet=pts_time",
            ])
            .arg(&file)
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let seen: Vec<f64> = text.lines().filter_map(|l| l.trim_matches(',').parse().ok()).collect();
        assert!(seen.len() > 80, "{what}: {} pictures of {}", seen.len(), shown.len());
        for (seen, shown) in seen.iter().zip(&shown) {
            assert!((seen - shown).abs() < 0.0011, "{what}: a picture of {shown} s at {seen} s");
        }
    }
}

#[test]
fn a_stream_that_never_begins() {
    let clip = clip(6);
    for format in ["mp4", "matroska"] {
        let log = Log::default();
        let muxer = open(&clip, &log, format, &settings(false, true));
        // sound comes after four seconds
        let late = Duration::from_secs(4).as_nanos() as i64;
        let packets = clip.packets.iter().filter(|(n, p)| *n == 0 || p.dts_nanos().unwrap() > late);
        for (stream, packet) in packets {
            muxer.write(*stream, packet.clone()).unwrap();
            drain(&muxer);
            let at = packet.dts_nanos().unwrap() as f64 / 1e9;
            let safe = muxer.safe_until().map_or(0.0, |s| s.as_secs_f64());
            assert!(at - safe < 2.6, "{format}: at {at} s only {safe} s are safe");
        }
        let fragmented = replay(&log.0.lock().steps);
        muxer.finish().unwrap();
        let whole = replay(&log.0.lock().steps);
        if !has_programs() {
            continue;
        }
        for (what, bytes) in [("killed", fragmented), ("whole", whole)] {
            let file = place(&format!("late.{format}"));
            std::fs::write(&file, bytes).unwrap();
            let first = |kind: &str| {
                let out = Command::new("ffprobe")
                    .args(["-v", "error", "-select_streams", kind, "-of", "csv=p=0"])
                    .args(["-show_entries", "packet=pts_time"])
                    .arg(&file)
                    .output()
                    .unwrap();
                let text = String::from_utf8_lossy(&out.stdout).into_owned();
                text.lines().next().and_then(|l| l.trim_matches(',').parse::<f64>().ok()).unwrap()
            };
            let apart = first("a") - first("v");
            assert!((3.98..4.06).contains(&apart), "{format} {what}: sound begins {apart} s late");
            std::fs::remove_file(&file).unwrap();
        }
    }
}

#[test]
fn hours_are_ended_quickly() {
    // the time that is printed is what counts: an hour of 30 fps and sound, written as fast as it goes
    let clip = clip(8);
    let hours = if std::env::var_os("LK_VERIFY").is_some() { 8 } else { 1 };
    let file = place("hours.mp4");
    let name = file.to_string_lossy();
    let container = ContainerChoice::of("mp4", Some("mp4")).unwrap();
    let muxer = Muxer::open(&container, &name, &clip.streams, &settings(false, false)).unwrap();
    let rounds = hours * 3600 / 8;
    let mut written = 0;
    for round in 0..rounds {
        let mut ends = [0i64; 2];
        for (stream, packet) in &clip.packets {
            let dts = packet.dts_nanos().unwrap();
            let first = if *stream == 0 { -66_666_666 } else { -21_333_333 };
            if dts - first + 1000 < 7_000_000_000 {
                let later = packet.later(Duration::from_secs(7) * round).unwrap();
                ends[*stream] = later.dts_nanos().unwrap();
                muxer.write(*stream, later).unwrap();
                written += 1;
            }
        }
    }
    drain(&muxer);
    let watch = Stopwatch::start();
    let report = muxer.finish().unwrap();
    let took = watch.elapsed();
    assert_eq!((report.packets, report.warning), (written, None));
    println!("{written} packets, {} MB: ended in {:.1} ms", report.bytes >> 20, took.as_secs_f64() * 1000.0);
    assert!(took < Duration::from_secs(60), "{took:?}");
    std::fs::remove_file(&file).unwrap();
}
