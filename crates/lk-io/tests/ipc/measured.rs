// SPDX-License-Identifier: GPL-2.0-or-later
//! 1080p at 60 frames a second: every picture whole, how long it takes, and what it costs beside other ways.

use crate::processes::{Process, say};
use crate::support::*;
use lk_io::ipc::{IpcFolder, IpcSource, IpcTarget, IpcTargetOptions};
use lk_media::clock::{Deadline, process_cpu_time};
use lk_media::{Delivery, Frame, FramePool, FrameRate, FrameSpec, PixelFormat, Size, VideoTarget};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const HD: Size = Size::new(1920, 1080);
const BYTES: usize = 1920 * 1080 * 4;
const RATE: u32 = 60;
/// Frames before CPU time is measured: memory is touched for the first time.
const WARM: u64 = 40;

fn spec() -> FrameSpec {
    FrameSpec::of(PixelFormat::Bgra, HD)
}

/// A role: makes `frames` pictures on the grid of the live clock, and says what each cost.
pub fn produce(folder: &Path, mode: &str, frames: u64) {
    let rate = FrameRate::new(RATE, 1).unwrap();
    let options = IpcTargetOptions {
        format: PixelFormat::Bgra,
        folder: IpcFolder::at(folder),
        ..IpcTargetOptions::default()
    };
    let target = (mode != "pipe" && mode != "paint").then(|| IpcTarget::open("hd", HD, &options).unwrap());
    let mut pipe = (mode == "pipe").then(|| {
        let pipe = std::fs::OpenOptions::new().write(true).open(folder.join("pipe")).unwrap();
        rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 20).unwrap();
        pipe
    });
    let readers: usize = mode.strip_prefix("view").and_then(|n| n.parse().ok()).unwrap_or(1);
    if let Some(target) = &target {
        until("the readers", || target.counts().readers >= readers);
    }
    let first = rate.index_at(now()) + 6;
    let mut cpu = process_cpu_time();
    for number in 1..=frames {
        let due = rate.time_of(first + number);
        let left = due.nanos_since(now());
        if left > 0 {
            nap(Duration::from_nanos(left.unsigned_abs()));
        }
        if number == WARM {
            cpu = process_cpu_time();
        }
        let in_place = target.as_ref().filter(|_| mode.starts_with("view"));
        let mut frame = match in_place {
            Some(target) => target.allocate(spec()).unwrap(),
            None => FramePool::shared().frame(spec()).unwrap(),
        };
        paint(&mut frame, number);
        let frame = frame.publish(now());
        if let Some(target) = &target {
            target.offer(&frame, Delivery::Live).unwrap();
        }
        if let Some(pipe) = &mut pipe {
            pipe.write_all(frame.map_native().plane(0).data).unwrap();
        }
    }
    let cpu = process_cpu_time() - cpu;
    say(format_args!("cost {}", cpu.as_micros() as u64 / (frames - WARM)));
    // until everybody has seen the last one
    if let Some(target) = &target {
        until("the readers to leave", || target.counts().readers == 0);
    }
}

/// Whether the rows belong together: a look at each, not at each byte.
fn is_together(bytes: &[u8], number: u64) -> bool {
    bytes.chunks(1920 * 4).all(|row| row[..8] == number.to_le_bytes())
}

/// A role: takes pictures until the last, and says how many, what each cost, and how late they were.
pub fn consume(folder: &Path, mode: &str, frames: u64) {
    let mut buffer = vec![0; BYTES];
    let (mut seen, mut number, mut cpu) = (0u64, 0, process_cpu_time());
    let mut late = Vec::new();
    if mode == "pipe" {
        let mut pipe = std::fs::File::open(folder.join("pipe")).unwrap();
        while number < frames {
            pipe.read_exact(&mut buffer).unwrap();
            number += 1;
            seen += 1;
            assert!(is_together(&buffer, number));
            if number == WARM {
                cpu = process_cpu_time();
            }
        }
    } else {
        let source = IpcSource::open("hd", &IpcFolder::at(folder)).unwrap();
        let mut seq = 0;
        while number < frames {
            let Some((at, frame)) = source.next(seq, Deadline::after(PATIENCE)) else { panic!("no picture") };
            late.push(now().nanos_since(frame.timestamp()).max(0) as u64 / 1000);
            seq = at + 1;
            number = look(&frame, mode, &mut buffer);
            seen += 1;
            if number <= WARM {
                cpu = process_cpu_time();
            }
        }
        assert_eq!(source.counts().copied, 0);
    }
    let cpu = process_cpu_time() - cpu;
    late.sort_unstable();
    let at = |part: usize| late.get(late.len() * part / 1000).copied().unwrap_or(0);
    let cost = cpu.as_micros() as u64 / (frames - WARM);
    say(format_args!("saw {seen} {cost} {} {} {}", at(500), at(990), at(1000 - 1)));
}

/// The number of a picture that is whole.
fn look(frame: &Frame, mode: &str, buffer: &mut [u8]) -> u64 {
    if mode == "whole" {
        return number_of(frame);
    }
    let map = frame.map_native();
    let data = map.plane(0).data;
    let number = u64::from_le_bytes(data[..8].try_into().unwrap());
    if mode == "copy" {
        map.pack_into(buffer);
        assert!(is_together(buffer, number));
    } else {
        assert!(is_together(data, number), "picture {number} is torn");
    }
    number
}

/// What a reader saw: pictures, µs of CPU a frame, and µs from the push until it was readable (half, 99 %, 99.9 %).
struct Saw {
    seen: u64,
    cost: u64,
    late: [u64; 3],
}

fn saw(reader: &mut Process) -> Saw {
    let words: Vec<u64> = reader.says("saw").split(' ').map(|word| word.parse().unwrap()).collect();
    Saw { seen: words[0], cost: words[1], late: [words[2], words[3], words[4]] }
}

/// Runs a writer and its readers; what the writer paid for a frame, and what the readers saw.
fn stage(produce: &str, consume: &str, readers: usize, frames: u64) -> (u64, Vec<Saw>) {
    let folder = Folder::new();
    if produce == "pipe" {
        drop(folder.target("make", PixelFormat::Bgr, HD));
        let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
    }
    let start = |role: String| Process::start(folder.path(), &role);
    let mut writer = start(format!("produce {produce} {frames}"));
    let mut readers: Vec<Process> =
        (0..readers).map(|_| start(format!("consume {consume} {frames}"))).collect();
    let cost = writer.says("cost").parse().unwrap();
    let seen = readers.iter_mut().map(saw).collect();
    readers.into_iter().for_each(Process::ends_well);
    writer.ends_well();
    (cost, seen)
}

#[test]
fn high_definition_arrives_whole() {
    let frames = 180;
    let (cost, saw) = stage("view", "whole", 1, frames);
    let Saw { seen, late, .. } = saw[0];
    println!("saw {seen} of {frames}, readable after {late:?} µs, the writer paid {cost} µs a frame");
    // a loaded machine loses some; what is seen was whole to its last byte
    assert!(seen > frames / 4 && seen <= frames);
}

#[test]
fn eight_readers_at_once() {
    let frames = 120;
    let (_, saw) = stage("view8", "view", 8, frames);
    println!("saw {:?} of {frames}", saw.iter().map(|s| s.seen).collect::<Vec<_>>());
    assert!(saw.iter().all(|s| s.seen > frames / 4 && s.seen <= frames));
}

#[test]
#[ignore = "long: run by make verify"]
fn a_minute_of_high_definition() {
    let frames = 3600;
    let (_, saw) = stage("view", "whole", 1, frames);
    let Saw { seen, late: [half, most, all], .. } = saw[0];
    println!(
        "VERIFY ipc: saw {seen} of {frames} 1080p pictures, each whole; readable after µs {half} / {most} / {all}"
    );
    assert!(seen * 1000 >= frames * 999 && most < 16_667 + 2000);
    let (cost, saw) = stage("view8", "view", 8, frames);
    let worst = saw.iter().map(|s| s.late[1]).max().unwrap();
    let fewest = saw.iter().map(|s| s.seen).min().unwrap();
    println!(
        "VERIFY ipc: eight readers saw at least {fewest} of {frames}; readable after {worst} µs (99 %); {cost} µs"
    );
    assert!(fewest * 1000 >= frames * 999 && worst < 16_667 + 2000);
}

/// CPU of GStreamer's shared memory, both sides, µs a frame; None where it is not installed.
fn gstreamer(frames: u64) -> Option<(u64, u64)> {
    let there =
        Command::new("gst-inspect-1.0").arg("shmsink").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|s| s.success()) {
        skip("there is no GStreamer with shmsink");
        return None;
    }
    let folder = Folder::new();
    drop(folder.target("make", PixelFormat::Bgr, HD));
    let socket = folder.path().join("gst");
    let timed = |pipeline: String| {
        let mut command = Command::new("bash");
        let line = format!("TIMEFORMAT='cpu %U %S'; time timeout 120 gst-launch-1.0 -q {pipeline}");
        command.args(["-c", &line]).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::null());
        command.spawn().unwrap()
    };
    let cost = |child: std::process::Child| {
        let out = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        let line =
            text.lines().find_map(|l| l.strip_prefix("cpu ")).unwrap_or_else(|| panic!("{text}")).to_owned();
        let seconds: f64 = line.split(' ').map(|s| s.parse::<f64>().unwrap()).sum();
        (seconds * 1e6) as u64 / frames
    };
    let socket = socket.display();
    let writer = timed(format!(
        "fakesrc num-buffers={frames} sizetype=fixed sizemax={BYTES} filltype=zero format=time datarate={} ! \
         shmsink socket-path={socket} shm-size=120000000 wait-for-connection=true sync=true",
        BYTES as u32 * RATE
    ));
    until("the socket", || folder.path().join("gst").exists());
    let reader =
        timed(format!("shmsrc socket-path={socket} num-buffers={} ! fakesink sync=false", frames - 5));
    let read = cost(reader);
    Some((cost(writer), read))
}

#[test]
#[ignore = "a measurement: cargo test --profile ci -p lk-io --test ipc beside_others -- --ignored --nocapture"]
fn beside_others() {
    let frames = 600;
    let painting = {
        let folder = Folder::new();
        let mut alone = Process::start(folder.path(), &format!("produce paint {frames}"));
        alone.says("cost").parse::<u64>().unwrap()
    };
    println!("painting alone: {painting} µs a frame");
    for (what, produce, consume) in [
        ("rendered in place, read as a view", "view", "view"),
        ("copied by the writer, read as a view", "copy", "view"),
        ("copied by both", "copy", "copy"),
        ("pipe", "pipe", "pipe"),
    ] {
        let (cost, saw) = stage(produce, consume, 1, frames);
        let Saw { seen, cost: read, late } = saw[0];
        let without = (cost + read).saturating_sub(painting);
        println!(
            "{what}: writer {cost}, reader {read}, both without painting {without} µs; saw {seen}, late {late:?} µs"
        );
    }
    if let Some((written, read)) = gstreamer(frames) {
        println!(
            "GStreamer shmsink and shmsrc: writer {written}, reader {read}, both without painting {} µs",
            (written + read).saturating_sub(painting)
        );
    }
}
