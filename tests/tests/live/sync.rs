// SPDX-License-Identifier: GPL-2.0-or-later
//! Picture and sound stay together, and every tick is one frame.

use super::pattern::{Recorded, number, place};
use livekit_studio::{
    Compositor, FrameRate, Heard, Layer, LiveOptions, ManualClock, Recorded as What, Recorder,
    RecorderSettings, Recording, Size, SourceId, TestPattern, Timestamp, Where,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SIZE: Size = Size::new(128, 96);

/// A scene that shows and sounds a test pattern of its own rate.
pub fn scene(rate: FrameRate) -> Compositor {
    scene_of(SIZE, rate)
}

fn scene_of(size: Size, rate: FrameRate) -> Compositor {
    let scene = Compositor::new(size, rate).unwrap();
    let pattern = Arc::new(TestPattern::new(size, rate).unwrap());
    let sound = pattern.sound();
    scene.add(pattern, None, Some(sound), Layer::new(SourceId::unique()), Where::Top).unwrap();
    scene
}

pub fn recorder(path: &Path, rate: FrameRate) -> Recorder {
    recorder_of(SIZE, path, rate, "12")
}

fn recorder_of(size: Size, path: &Path, rate: FrameRate, crf: &str) -> Recorder {
    let mut settings = RecorderSettings::new(size, rate, true);
    let video = settings.output.video.take().unwrap();
    settings.output.video = Some(video.with_option("preset", "ultrafast").with_option("crf", crf));
    Recorder::open(&path.to_string_lossy(), settings).unwrap()
}

/// Flash and beep within a frame of each other around each of `places`, in seconds.
fn check_sync(file: &Recorded, rate: FrameRate, places: impl IntoIterator<Item = f64>) -> f64 {
    let frame = rate.period().as_secs_f64();
    let mut worst = 0f64;
    for at in places {
        let (flash, beep) = (file.flash_after(at), file.beep_after(at));
        let apart = (flash - beep).abs();
        assert!(apart <= frame, "at {at} s the flash is at {flash} s and the beep at {beep} s");
        worst = worst.max(apart);
    }
    worst
}

/// Records `seconds` of a simulated live run.
fn simulate(name: &str, size: Size, crf: &str, rate: FrameRate, seconds: f64) -> Recorded {
    let path = place(name);
    let scene = scene_of(size, rate);
    let clock = Arc::new(ManualClock::new());
    clock.set(Timestamp::from_nanos(3_000_000_000_000_017));
    let recording = Recording::new(recorder_of(size, &path, rate, crf));
    let target = recording.recorder().clone();
    scene.add_target(target.clone());
    scene.add_sound_target(target.track(0).unwrap());
    target.start().unwrap();
    let mut run = scene.start_stepped(LiveOptions { threads: 1, clock: clock.clone() }).unwrap();
    let frames = rate.frames_in(seconds);
    for n in 0..frames {
        // a tick is never quite in time
        clock.set(run.due() + Duration::from_micros(n % 1500));
        run.advance();
    }
    let report = recording.stop().unwrap();
    assert_eq!(run.statistics().ticks, frames);
    assert_eq!(run.statistics().missed, 0);
    assert_eq!(report.statistics.frames, frames, "{:?}", report.statistics);
    assert_eq!(report.statistics.repeated, 0);
    assert_eq!(report.warning, None);
    let file = Recorded::open(&path);
    std::fs::remove_file(&path).unwrap();
    file
}

fn rates() -> [FrameRate; 3] {
    [(30, 1), (60, 1), (30_000, 1001)].map(|(num, den)| FrameRate::new(num, den).unwrap())
}

#[test]
fn every_tick_is_a_frame_of_the_file_and_flash_and_beep_are_together() {
    for rate in rates() {
        for container in ["mp4", "mkv"] {
            let file = simulate(&format!("sync.{container}"), SIZE, "12", rate, 12.0);
            for (n, frame) in file.frames().enumerate() {
                assert_eq!(number(&frame), n as u64, "{container} at {rate}");
            }
            check_sync(&file, rate, [0.5, 4.5, 8.5]);
        }
    }
}

/// 24 simulated hours. Prints how far apart flash and beep are at the worst.
#[test]
#[ignore = "takes a quarter of an hour"]
fn flash_and_beep_are_together_after_a_day() {
    let rate = rates()[2];
    let file = simulate("day.mp4", TestPattern::MIN_SIZE, "30", rate, 24.0 * 3600.0);
    let places = (0..24).map(|hour| f64::from(hour) * 3600.0 + 1800.5).chain([86_390.5]);
    let worst = check_sync(&file, rate, places);
    println!("RELIABILITY a day of flash and beep at {rate}: at most {:.2} ms apart", worst * 1000.0);
}

/// Real time: a scene with its recorder on the live clock.
fn live(name: &str, rate: FrameRate, seconds: f64) -> (Recorded, u64) {
    let path = place(name);
    let scene = scene(rate);
    let recording = Recording::new(recorder(&path, rate));
    recording.recorder().start().unwrap();
    recording.connect(What::Scene(scene.clone(), vec![Heard::Mix])).unwrap();
    scene.limit_frames(rate.frames_in(seconds));
    assert!(scene.wait(Duration::from_secs_f64(60.0 + 2.0 * seconds)));
    let missed = scene.live_statistics().unwrap().missed;
    let report = recording.stop().unwrap();
    scene.stop();
    let length = report.statistics.frames + report.statistics.repeated;
    assert!(length <= rate.frames_in(seconds) && length + 5 >= rate.frames_in(seconds), "{length}");
    let file = Recorded::open(&path);
    std::fs::remove_file(&path).unwrap();
    (file, missed + report.statistics.dropped)
}

#[test]
fn a_live_recording_has_the_frame_of_each_tick() {
    let rate = rates()[0];
    let (file, missed) = live("live.mp4", rate, 4.0);
    let numbers: Vec<u64> = file.frames().map(|f| number(&f)).collect();
    let first = numbers[0];
    let wrong = numbers.iter().enumerate().filter(|(n, number)| **number != first + *n as u64).count();
    assert!(wrong as u64 <= missed, "{missed} missed: {numbers:?}");
    check_sync(&file, rate, [0.5, 1.5]);
}

/// Ten minutes on the live clock.
#[test]
#[ignore = "takes ten minutes"]
fn flash_and_beep_are_together_after_ten_minutes() {
    let rate = rates()[2];
    let (file, missed) = live("ten-minutes.mp4", rate, 600.0);
    let worst = check_sync(&file, rate, (0..59).map(|n| f64::from(n) * 10.0 + 0.5));
    println!(
        "RELIABILITY ten minutes of flash and beep at {rate}: at most {:.2} ms apart, {missed} frames missed",
        worst * 1000.0
    );
}
