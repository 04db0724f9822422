// SPDX-License-Identifier: GPL-2.0-or-later
//! What is recorded of a share, and what the file shows then.

use crate::desk::{Desk, SCREEN};
use crate::display::wait_until;
use livekit_studio::{
    Capture, LazyPlayer, OpenOptions, Recorded, RecorderSettings, RecorderStatistics, Recording,
};
use lk_media::{FrameRate, PixelFormat};
use std::sync::Arc;
use std::time::Duration;

/// How much of the file each part fills at the least.
const PART: Duration = Duration::from_millis(500);

/// A recording of a capture, 30 frames a second.
pub struct Film {
    recording: Recording,
    file: String,
}

impl Film {
    /// Records from now on.
    pub fn begin(desk: &Desk, capture: &Arc<Capture>) -> Self {
        let file = desk.path("film.mp4").display().to_string();
        let rate = FrameRate::new(30, 1).expect("a rate");
        let recording = Recording::open(&file, RecorderSettings::new(SCREEN, rate, false)).expect("a file");
        recording.connect(Recorded::Sources(Some(capture.clone()), Vec::new())).expect("connected");
        recording.recorder().start().expect("started");
        Self { recording, file }
    }

    /// Waits until more was recorded.
    pub fn part(&self) {
        let recorded = || self.recording.recorder().statistics().duration;
        let end = recorded() + PART;
        wait_until("it goes on being recorded", || recorded() >= end);
    }

    /// Ends it: what the middle of every picture of the file shows, red, green and blue, and what was counted.
    pub fn end(self) -> (Vec<[u8; 3]>, RecorderStatistics) {
        let counts = self.recording.stop().expect("the file is whole").statistics;
        let seen = colors(&self.file);
        assert_eq!(seen.len() as u64, counts.frames + counts.repeated, "{counts:?}");
        (seen, counts)
    }
}

fn colors(file: &str) -> Vec<[u8; 3]> {
    let player = LazyPlayer::open(file, &OpenOptions::default()).expect("it plays");
    let (mut colors, mut last) = (Vec::new(), None);
    while let Some(frame) = player.frame_after(last).expect("every frame can be read") {
        last = Some(frame.timestamp());
        let map = frame.map(PixelFormat::Rgb).expect("it can be converted");
        let plane = map.plane(0);
        let middle = plane.width / 6 * 3;
        colors.push(plane.row(plane.rows / 2)[middle..middle + 3].try_into().expect("three"));
    }
    colors
}
