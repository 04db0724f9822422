// SPDX-License-Identifier: GPL-2.0-or-later
//! Three players, a recorder, and everything that can go wrong around them: the tick keeps its time.

use super::pattern::place;
use livekit_studio::{
    AudioSettings, CHANNELS, Compositor, Exactness, FrameRate, Heard, Layer, LiveOptions, LiveStatistics,
    Placement, Player, PlayerOptions, Point, Recorded as What, Recorder, RecorderSettings, Recording, Result,
    SAMPLE_RATE, Sample, Sampling, Size, SourceId, Timestamp, VideoSource, Wake, Where, thread,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SIZE: Size = Size::new(1280, 720);

fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|o| o.status.success());
    if !there {
        let reason = "there is no ffmpeg command line to make test media with";
        println!("SKIPPED: {reason}");
        if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
            file.and_then(|mut file| writeln!(file, "live soak: {reason}")).unwrap();
        }
    }
    there
}

/// A clip of ten seconds with sound.
fn clip(name: &str, size: &str, rate: u32) -> PathBuf {
    let path = place(name);
    let (picture, tone) = (
        format!("testsrc2=size={size}:rate={rate}:duration=10"),
        "sine=frequency=300:sample_rate=48000:duration=10",
    );
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", tone])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(done.is_ok_and(|s| s.success()));
    path
}

fn player(path: &Path) -> Player {
    let options = PlayerOptions { looping: true, threads: Some(1), ..PlayerOptions::default() };
    Player::open(&path.to_string_lossy(), &options).unwrap()
}

/// Never answers, until it is released.
struct Hangs(Arc<AtomicBool>);

impl VideoSource for Hangs {
    fn name(&self) -> String {
        "a source that hangs".to_owned()
    }
    fn sample(&self, _: Timestamp, _: Sampling) -> Result<Sample> {
        while !self.0.load(Ordering::Relaxed) {
            Wake::new().wait(Duration::from_millis(20));
        }
        Ok(Sample::Empty)
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn may_block(&self) -> bool {
        true
    }
}

fn show(scene: &Compositor, source: Arc<dyn VideoSource>, x: f64, y: f64) {
    let layer = Layer {
        placement: Placement { at: Some(Point { x, y }), ..Placement::default() },
        ..Layer::new(SourceId::unique())
    };
    scene.add(source, None, None, layer, Where::Top).unwrap();
}

fn recording(path: &Path, rate: FrameRate) -> Recording {
    let mut settings = RecorderSettings::new(SIZE, rate, true);
    settings.output.audio = Some(AudioSettings::default());
    Recording::new(Recorder::open(&path.to_string_lossy(), settings).unwrap())
}

/// A scene at 60 frames a second with three players, recorded for `seconds`.
fn run(seconds: f64, troubles: bool) -> LiveStatistics {
    let rate = FrameRate::new(60, 1).unwrap();
    let scene = Compositor::new(SIZE, rate).unwrap();
    let clips = [
        clip("soak-a.mp4", "1280x720", 30),
        clip("soak-b.mp4", "640x360", 60),
        clip("soak-c.mkv", "480x270", 25),
    ];
    let players: Vec<Player> = clips.iter().map(|c| player(c)).collect();
    for (n, player) in players.iter().enumerate() {
        show(&scene, player.video(), 60.0 * n as f64, 90.0 * n as f64);
        scene.add_sound(player.sound().unwrap(), Default::default()).unwrap();
    }
    let released = Arc::new(AtomicBool::new(false));
    let pipe = place(&format!("soak-{troubles}.pipe"));
    let blocked = place(&format!("soak-{troubles}.blocked"));
    let mut stuck = None;
    if troubles {
        show(&scene, Arc::new(Hangs(released.clone())), 0.0, 0.0);
        // a pipe whose writer falls silent
        make_pipe(&pipe);
        let bytes = std::fs::read(&clips[2]).unwrap();
        let (to, release) = (pipe.clone(), released.clone());
        let writer = thread::spawn("soak-writer", move || {
            let mut file = std::fs::OpenOptions::new().write(true).open(to).unwrap();
            // whoever reads may have gone
            let _ = file.write_all(&bytes[..bytes.len() / 3]);
            while !release.load(Ordering::Relaxed) {
                Wake::new().wait(Duration::from_millis(20));
            }
        })
        .unwrap();
        let stalled = Player::open(&pipe.to_string_lossy(), &PlayerOptions::default()).unwrap();
        show(&scene, stalled.video(), 700.0, 0.0);
        // a recording into a pipe that nobody reads
        make_pipe(&blocked);
        let reader = std::fs::OpenOptions::new().read(true).write(true).open(&blocked).unwrap();
        let mut settings = RecorderSettings::new(SIZE, rate, false);
        settings.output.format = Some("mkv".to_owned());
        let recorder = Recording::new(Recorder::open(&blocked.to_string_lossy(), settings).unwrap());
        recorder.recorder().start().unwrap();
        stuck = Some((recorder, reader, writer));
    }
    let path = place(&format!("soak-{troubles}.mp4"));
    let recording = recording(&path, rate);
    recording.recorder().start().unwrap();
    scene.start(LiveOptions { threads: 2, ..LiveOptions::default() }).unwrap();
    recording.connect(What::Scene(scene.clone(), vec![Heard::Mix])).unwrap();
    if let Some((recorder, ..)) = &stuck {
        recorder.connect(What::Scene(scene.clone(), vec![Heard::Mix])).unwrap();
    }
    scene.limit_frames(rate.frames_in(seconds));
    assert!(scene.wait(Duration::from_secs_f64(2.0 * seconds + 60.0)), "the run goes on");
    let live = scene.live_statistics().unwrap();
    assert_eq!(live.ticks, rate.frames_in(seconds));
    let report = recording.stop().unwrap();
    let s = &report.statistics;
    let length = s.frames + s.repeated;
    assert!(length <= live.ticks && length + 30 >= live.ticks, "{s:?} of {live:?}");
    assert_eq!(s.tracks[0].samples, length * u64::from(SAMPLE_RATE) / 60, "{s:?}");
    released.store(true, Ordering::Relaxed);
    if let Some((recorder, reader, writer)) = stuck {
        let waiting = recorder.recorder().statistics().waiting;
        assert!(waiting <= 60, "{waiting} frames wait");
        drop(reader);
        drop(recorder);
        drop(writer);
    }
    for file in clips.iter().chain([&path, &pipe, &blocked]) {
        let _ = std::fs::remove_file(file);
    }
    let _ = CHANNELS;
    live
}

fn make_pipe(path: &Path) {
    let _ = std::fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().is_ok_and(|s| s.success()));
}

fn say(what: &str, live: &LiveStatistics) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let l = live.lateness;
    println!(
        "RELIABILITY {what}: {} ticks, {} missed, lateness p50 {:?} p99 {:?} p99.9 {:?} max {:?}, {} late frames, {} late \
         samples, tick {:.2} ms CPU, load {}",
        live.ticks,
        live.missed,
        l.p50,
        l.p99,
        l.p999,
        l.max,
        live.late_frames,
        live.late_samples,
        live.tick_cpu.as_secs_f64() * 1000.0 / live.ticks as f64,
        load.trim()
    );
}

#[test]
fn a_recorded_scene_of_three_players() {
    if has_ffmpeg() {
        say("three players for 4 s", &run(4.0, false));
    }
}

#[test]
fn nothing_that_hangs_holds_up_the_tick() {
    if has_ffmpeg() {
        say("three players and troubles for 6 s", &run(6.0, true));
    }
}

/// How long a soak is: `LK_SOAK_SECONDS`, ten minutes if nothing is said.
fn length() -> f64 {
    std::env::var("LK_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600.0)
}

/// Ten minutes: run it on an idle machine.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_three_players() {
    if has_ffmpeg() {
        say(&format!("three players for {} s", length()), &run(length(), false));
    }
}

/// Ten minutes.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_three_players_and_troubles() {
    if has_ffmpeg() {
        say(&format!("three players and troubles for {} s", length()), &run(length(), true));
    }
}
