// SPDX-License-Identifier: GPL-2.0-or-later
//! What a 1080p frame costs on one thread, the standard scenes' compositing among it:
//! `cargo test --profile ci -p lk-compositor timing -- --ignored --nocapture`
//! (`LK_TIMING=s2` for the cases whose name holds that; `LK_COLD=1` with caches emptied before each frame, as decoders and
//! encoders empty them in whole programs)

use super::CpuRenderer;
use super::tests::{Stage, picture};
use crate::render::OutputRequest;
use crate::scene::Placement;
use lk_media::clock::thread_cpu_time;
use lk_media::{Frame, FrameMut, FramePool, FrameSpec, PixelFormat, Size, kernel};
use std::time::Duration;

const FRAMES: usize = 24;
/// Bytes that are read and written to empty the caches.
const OTHERS: usize = 96 << 20;
/// Bytes read at a time for the floor.
const CHUNK: usize = 1 << 12;

/// The median and the least of some times.
struct Times {
    median: Duration,
    least: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { median: times[times.len() / 2], least: times[0] }
    }
}

kernel! {
    fn read(bytes: &[u8], sum: &mut u64) {
        *sum ^= bytes.as_chunks().0.iter().fold(0, |sum, v| sum ^ u64::from_le_bytes(*v));
    }
}

/// A picture of ordinary alpha: nothing at the edges, all inside, some between.
fn translucent(format: PixelFormat, width: u32, height: u32, seed: u32) -> Frame {
    let frame = picture(format, width, height, seed);
    let mut bytes = frame.map_native().to_packed();
    for (i, pixel) in bytes.chunks_exact_mut(4).enumerate() {
        let x = i as u32 % width;
        pixel[3] = (x.min(width - x) * 2).min(255) as u8;
    }
    Frame::from_packed(frame.spec(), &bytes, frame.timestamp()).unwrap()
}

/// Two pictures for every layer, shown in turn by layers that move.
struct Case {
    name: &'static str,
    stage: Stage,
    turns: Vec<[Frame; 2]>,
    fading: bool,
    /// The top layer moves.
    roaming: bool,
    output: FrameSpec,
}

impl Case {
    fn new(name: &'static str, format: PixelFormat) -> Self {
        let stage = Stage::new(1920, 1080);
        let output = FrameSpec::of(format, Size::new(1920, 1080));
        Self { name, stage, turns: Vec::new(), fading: false, roaming: false, output }
    }

    fn still(mut self, frame: Frame, placement: Placement) -> Self {
        self.stage.add(&frame, placement);
        self.turns.push([frame.clone(), frame]);
        self
    }

    fn moving(mut self, make: impl Fn(u32) -> Frame, placement: Placement) -> Self {
        let turns = [make(1), make(2)];
        self.stage.add(&turns[0], placement);
        self.turns.push(turns);
        self
    }

    fn more_stills(mut self) -> Self {
        for i in 0..3u32 {
            let at = Placement::moved(f64::from(i) * 200.0, f64::from(i) * 100.0);
            self = self.still(translucent(PixelFormat::Bgra, 400, 300, 40 + i), at);
        }
        self
    }

    /// New pictures and places for what moves.
    fn next(&mut self, frame: usize) {
        for (input, turns) in self.stage.inputs.iter_mut().zip(&self.turns) {
            // a new identity each time, as a player gives
            let shown = &turns[frame % 2];
            let copy =
                || Frame::from_packed(shown.spec(), &shown.map_native().to_packed(), shown.timestamp());
            let still = turns[0].id() == turns[1].id();
            input.frame = Some(if still { shown.clone() } else { copy().unwrap() });
        }
        for layer in self.stage.scene.layers.values_mut().filter(|_| self.fading) {
            layer.opacity = 0.5 + (frame % 40) as f64 / 100.0;
        }
        if let Some(layer) = self.stage.scene.layers.values_mut().last().filter(|_| self.roaming) {
            layer.placement = Placement::moved((frame % 100) as f64 * 14.0, (frame % 100) as f64 * 8.0);
        }
    }

    /// CPU times of a frame, and of the floor: reading every byte of the pictures that are new or fade and writing
    /// every byte that is drawn, in the same turns.
    fn measure(&mut self, frames: usize, others: &mut [u8]) -> (Times, Times) {
        let threads = std::env::var("LK_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
        let mut renderer = CpuRenderer::new(threads).unwrap();
        let (mut times, mut floors) = (Vec::new(), Vec::new());
        let mut written = [0, 1].map(|_| FramePool::shared().frame(self.output).unwrap());
        for frame in 0..frames + 4 {
            self.next(frame);
            let outputs = vec![OutputRequest { spec: self.output, buffer: None }];
            let statistics = renderer.statistics();
            disturb(others);
            let before = thread_cpu_time();
            let frames = self.stage.render(&mut renderer, outputs).unwrap();
            let took = thread_cpu_time() - before;
            drop(frames);
            let now = renderer.statistics();
            let took = took + (now.pool_cpu - statistics.pool_cpu);
            let share =
                (now.drawn - statistics.drawn) as f64 / (now.pixels - statistics.pixels).max(1) as f64;
            self.next(frame);
            disturb(others);
            let before = thread_cpu_time();
            self.touch(share, &mut written[frame % 2]);
            let floor = thread_cpu_time() - before;
            if frame >= 4 {
                times.push(took);
                floors.push(floor);
            }
        }
        (Times::of(times), Times::of(floors))
    }

    /// Reads what has to be read and writes a share of an output.
    fn touch(&self, share: f64, out: &mut FrameMut) {
        let mut sum = 0;
        for (input, turns) in self.stage.inputs.iter().zip(&self.turns) {
            let frame = input.frame.as_ref().filter(|_| self.fading || turns[0].id() != turns[1].id());
            let map = frame.map(Frame::map_native);
            for plane in map.iter().flat_map(|map| (0..map.spec().format.planes()).map(|p| map.plane(p))) {
                for bytes in plane.data.chunks(CHUNK) {
                    read(bytes, &mut sum);
                }
            }
        }
        for plane in out.planes_mut() {
            let bytes = (plane.data.len() as f64 * share) as usize;
            plane.data[..bytes].fill(sum as u8);
        }
    }
}

/// Fills the caches with something else.
fn disturb(others: &mut [u8]) {
    others.iter_mut().for_each(|b| *b = b.wrapping_add(1));
}

fn cases() -> Vec<Case> {
    use PixelFormat::{Bgr, Bgra, I420, Nv12, Rgb, Rgba};
    let whole = Placement::moved(0.0, 0.0);
    let video = |width, height| move |seed| picture(I420, width, height, seed);
    let bg = || picture(Bgr, 1920, 1080, 9);
    let quarter =
        |i: u32| Placement::rectangle(f64::from(i % 2) * 960.0, f64::from(i / 2) * 540.0, 960.0, 540.0);
    let logo = || translucent(Bgra, 300, 200, 4);
    let third = || translucent(Bgra, 1800, 160, 5);
    let stills = |mut case: Case| {
        case = case.still(bg(), whole);
        for i in 0..8u32 {
            case = case.still(translucent(Bgra, 1920, 1080, i), whole);
        }
        case
    };
    let studio = |case: Case| {
        case.still(bg(), whole)
            .moving(video(1920, 1080), whole)
            .moving(video(1280, 720), Placement::rectangle(1400.0, 60.0, 480.0, 270.0))
            .still(logo(), Placement::moved(60.0, 60.0))
            .still(third(), Placement::moved(60.0, 880.0))
    };
    let four = (0..4).fold(Case::new("s2 four-up", I420), |c, i| c.moving(video(1920, 1080), quarter(i)));
    let mut eight = Case::new("s3c eight new BGRA", Bgra).still(bg(), whole);
    for i in 0..8u32 {
        let make = move |seed| translucent(Bgra, 1920, 1080, seed + i);
        eight = eight.moving(make, whole);
    }
    vec![
        Case::new("s1 picture in picture", I420)
            .still(bg(), whole)
            .moving(video(1280, 720), Placement::moved(100.0, 100.0)),
        four,
        stills(Case::new("s3 eight stills BGRA", Bgra)),
        Case { fading: true, ..stills(Case::new("s3b fading to I420", I420)) },
        Case { fading: true, ..stills(Case::new("s3b fading to BGRA", Bgra)) },
        eight,
        studio(Case::new("s4r studio", I420)),
        Case::new("s6 nothing moves", I420)
            .still(bg(), whole)
            .still(logo(), Placement::moved(60.0, 60.0))
            .still(third(), Placement::moved(60.0, 880.0)),
        Case {
            roaming: true,
            ..stills(Case::new("moving I420, 12 still", I420)).more_stills().moving(video(320, 180), whole)
        },
        Case {
            roaming: true,
            ..stills(Case::new("roaming still, 12 still", I420))
                .more_stills()
                .still(picture(Rgb, 320, 180, 7), whole)
        },
        Case {
            roaming: true,
            ..stills(Case::new("moving RGBA, 12 to BGRA", Bgra))
                .more_stills()
                .moving(|s| translucent(Bgra, 320, 180, s), whole)
        },
        Case::new("new RGBA over I420", I420)
            .moving(video(1920, 1080), whole)
            .moving(|seed| translucent(Rgba, 1920, 1080, seed), whole),
        Case::new("new BGR to I420", I420).moving(|seed| picture(Bgr, 1920, 1080, seed), whole),
        Case::new("new I420 to BGRA", Bgra).moving(video(1920, 1080), whole),
        Case::new("new NV12 to I420", I420).moving(|seed| picture(Nv12, 1920, 1080, seed), whole),
        Case::new("new I420 to NV12", Nv12).moving(video(1920, 1080), whole),
        Case::new("new RGBA to 2/3, I420", I420).moving(video(1920, 1080), whole).moving(
            |seed| translucent(Rgba, 1920, 1080, seed),
            Placement::rectangle(9.0, 9.0, 1280.0, 720.0),
        ),
        Case::new("new I420 to 2/3, BGRA", Bgra)
            .moving(video(1920, 1080), Placement::rectangle(9.0, 9.0, 1280.0, 720.0)),
        Case::new("new 720p stretched", I420).moving(video(1280, 720), Placement::STRETCH),
    ]
}

#[test]
#[ignore = "measures"]
fn timing_of_a_1080p_frame() {
    // longer, for a profile
    let frames = std::env::var("LK_FRAMES").ok().and_then(|f| f.parse().ok()).unwrap_or(FRAMES);
    let only = std::env::var("LK_TIMING").unwrap_or_default();
    let cold = std::env::var("LK_COLD").is_ok_and(|cold| cold != "0");
    let mut others = vec![0; if cold { OTHERS } else { 0 }];
    for mut case in cases().into_iter().filter(|c| c.name.contains(&only)) {
        let (times, floor) = case.measure(frames, &mut others);
        let ms = |t: Duration| t.as_secs_f64() * 1e3;
        let (median, least) = (ms(times.median), ms(times.least));
        let (floor_median, floor) = (ms(floor.median), ms(floor.least));
        println!(
            "TIMING {:<24} {median:8.3} ms, at least {least:8.3}; floor {floor_median:6.3}, {floor:6.3}: {:.1} x",
            case.name,
            least / floor.max(1e-3)
        );
    }
}
