// SPDX-License-Identifier: GPL-2.0-or-later
//! Clips whose frames are numbered, played into ports and scenes: every tick shows the frame that belongs to it.

use super::pattern::{number, place};
use livekit_studio::{
    Clock, Compositor, Delivery, Frame, FrameRate, Layer, Offered, Output, PixelFormat, Player,
    PlayerOptions, RenderOptions, Result, Size, SourceId, TargetStatistics, TestPattern, VideoPort,
    VideoTarget, VideoWish, Where, render,
};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const SIZE: Size = Size::new(128, 96);
/// Seconds of a clip.
const LENGTH: f64 = 4.0;

/// A clip of the test pattern at `rate`.
fn clip(rate: FrameRate) -> PathBuf {
    let path = place(&format!("numbered-{}.mkv", rate.num()));
    let scene = Compositor::new(SIZE, rate).unwrap();
    let pattern = Arc::new(TestPattern::new(SIZE, rate).unwrap());
    scene.add(pattern, None, None, Layer::new(SourceId::unique()), Where::Top).unwrap();
    let mut options = RenderOptions::seconds(LENGTH);
    options.encode.quality = Some(10.0);
    render(&scene, vec![Output::file(path.to_string_lossy())], options).unwrap();
    path
}

/// Notes the number and the index of each frame.
struct Numbers {
    rate: FrameRate,
    seen: Mutex<Vec<(u64, u64)>>,
}

impl VideoTarget for Numbers {
    fn name(&self) -> String {
        "a reader of numbers".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(PixelFormat::Bgr), ..VideoWish::default() }
    }
    fn offer(&self, frame: &Frame, _: Delivery) -> Result<Offered> {
        let index = self.rate.index_at(frame.timestamp());
        self.seen.lock().push((index, number(frame)));
        Ok(Offered::Taken)
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

/// Plays a clip of `clip_rate` into two ports that two scenes of `rate` show, for `seconds`.
fn play(clip_rate: FrameRate, rate: FrameRate, seconds: f64) {
    let path = clip(clip_rate);
    let count = clip_rate.frames_in(LENGTH);
    let options = PlayerOptions { looping: true, ..PlayerOptions::default() };
    let player = Player::open(&path.to_string_lossy(), &options).unwrap();
    let scenes: Vec<(Compositor, Arc<Numbers>)> = (0..2)
        .map(|_| {
            let port = Arc::new(VideoPort::new());
            player.add_target(port.clone()).unwrap();
            let scene = Compositor::new(SIZE, rate).unwrap();
            let numbers = Arc::new(Numbers { rate, seen: Mutex::default() });
            scene.add(port, None, None, Layer::new(SourceId::unique()), Where::Top).unwrap();
            scene.add_target(numbers.clone());
            (scene, numbers)
        })
        .collect();
    player.start();
    for (scene, _) in &scenes {
        scene.start(Default::default()).unwrap();
        scene.limit_frames(rate.frames_in(seconds));
    }
    for (scene, numbers) in &scenes {
        assert!(scene.wait(Duration::from_secs_f64(seconds * 2.0 + 60.0)));
        let missed = scene.live_statistics().unwrap().missed;
        let seen = std::mem::take(&mut *numbers.seen.lock());
        // where the clip's frame 0 lies on its own grid, by what most frames say
        let grid = |index: u64| clip_rate.index_at(rate.time_of(index) + Duration::from_millis(1));
        let origin = |(index, number): &(u64, u64)| (grid(*index) + count - number % count) % count;
        let mut votes = vec![0u64; count as usize];
        seen.iter().for_each(|s| votes[origin(s) as usize] += 1);
        let right = votes.iter().copied().max().unwrap_or(0);
        let wrong = seen.len() as u64 - right;
        println!(
            "RELIABILITY a clip at {clip_rate} in a scene at {rate} for {seconds} s: {} frames, {wrong} not those of \
             their tick, {missed} ticks missed, {} frames late",
            seen.len(),
            player.statistics().dropped_late
        );
        assert!(seen.len() as u64 + missed == rate.frames_in(seconds));
        // a busy machine may be late now and then; a player that is wrong is wrong all the time
        assert!(wrong * 10 <= seen.len() as u64, "{seen:?}");
    }
    let now = <dyn Clock>::live().now();
    assert!(player.video().sample(now, livekit_studio::Sampling::Live).is_ok());
    drop(player);
    std::fs::remove_file(&path).unwrap();
}

fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).unwrap()
}

const PAIRS: [((u32, u32), (u32, u32)); 4] =
    [((30, 1), (30, 1)), ((60, 1), (60, 1)), ((30_000, 1001), (30_000, 1001)), ((30, 1), (60, 1))];

#[test]
fn every_tick_shows_the_frame_that_belongs_to_it() {
    for (clip, scene) in PAIRS {
        play(rate(clip.0, clip.1), rate(scene.0, scene.1), 5.0);
    }
}

/// A minute each.
#[test]
#[ignore = "takes four minutes"]
fn every_tick_of_a_minute_shows_its_frame() {
    for (clip, scene) in PAIRS {
        play(rate(clip.0, clip.1), rate(scene.0, scene.1), 60.0);
    }
}
