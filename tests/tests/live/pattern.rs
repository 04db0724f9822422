// SPDX-License-Identifier: GPL-2.0-or-later
//! What recordings of the test pattern show and say.

use livekit_studio::{
    CHANNELS, FileAudio, Frame, LazyPlayer, OpenOptions, PixelFormat, SAMPLE_RATE, Sample, Timestamp,
};
use std::path::{Path, PathBuf};

/// A place for the file `name` that no other test uses.
pub fn place(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("live");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{}-{name}", std::process::id()))
}

/// A recording of the test pattern.
pub struct Recorded {
    pictures: LazyPlayer,
    sound: FileAudio,
}

fn green(frame: &Frame, x: usize, y: usize) -> u8 {
    let map = frame.map(PixelFormat::Bgr).unwrap();
    map.plane(0).row(y)[3 * x + 1]
}

/// The number in the row of blocks along the bottom.
pub fn number(frame: &Frame) -> u64 {
    let size = frame.size();
    let y = size.height as usize - 1;
    let bit = |i: usize| u64::from(green(frame, (2 * i + 1) * size.width as usize / 64, y) > 127);
    (0..32).fold(0, |n, i| n * 2 + bit(i))
}

fn flashes(frame: &Frame) -> bool {
    green(frame, frame.size().width as usize * 15 / 16, frame.size().height as usize / 16) > 160
}

impl Recorded {
    pub fn open(path: &Path) -> Self {
        let (name, options) = (path.to_string_lossy(), OpenOptions::default());
        Self {
            pictures: LazyPlayer::open(&name, &options).unwrap(),
            sound: FileAudio::open(&name, &options).unwrap(),
        }
    }

    /// The frame shown at `t` seconds, and its time.
    pub fn frame(&self, t: f64) -> Frame {
        match self.pictures.frame_at(Timestamp::from_secs_f64(t)).unwrap() {
            Sample::Frame(frame) | Sample::Ended(Some(frame)) => frame,
            other => panic!("{other:?} at {t} s"),
        }
    }

    /// Every frame of the file, in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        let mut last = None;
        std::iter::from_fn(move || {
            let frame = self.pictures.frame_after(last).unwrap()?;
            last = Some(frame.timestamp());
            Some(frame)
        })
    }

    /// The time of the first flashing frame in `from..from + 1` seconds.
    pub fn flash_after(&self, from: f64) -> f64 {
        let start = Timestamp::from_secs_f64(from);
        let mut last = Some(self.frame(from).timestamp());
        let mut before = flashes(&self.frame(from));
        for _ in 0..200 {
            let frame = self.pictures.frame_after(last).unwrap().unwrap();
            last = Some(frame.timestamp());
            let now = flashes(&frame);
            if now && !before {
                return frame.timestamp().as_secs_f64();
            }
            before = now;
        }
        panic!("no flash after {start}");
    }

    /// The time of the first beep after `from` seconds, to the sample.
    pub fn beep_after(&self, from: f64) -> f64 {
        let first = (from * f64::from(SAMPLE_RATE)) as i64;
        let mut samples = vec![0.0; 2 * SAMPLE_RATE as usize * CHANNELS];
        self.sound.samples_at(first, &mut samples).unwrap();
        let loud: Vec<bool> = samples.chunks_exact(CHANNELS).map(|s| s[0].abs() > 0.03).collect();
        // 20 ms of silence before it
        let quiet = 960;
        let onset = (quiet..loud.len()).find(|n| loud[*n] && !loud[n - quiet..*n].contains(&true));
        (first + onset.unwrap_or_else(|| panic!("no beep after {from} s")) as i64) as f64 / 48_000.0
    }
}
