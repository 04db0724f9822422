// SPDX-License-Identifier: GPL-2.0-or-later
//! Sources that are lost and found while layers show them: each layer shows what it must, whatever others do.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{Layer, OfflinePolicy, Placement, SourceId};
use lk_engine::{Compositor, LiveOptions, OfflineOptions, OfflineRun, Where};
use lk_media::{
    Delivery, Exactness, Frame, FrameRate, FrameSpec, ManualClock, Offered, PixelFormat, Result, Sample,
    Sampling, Size, SourceState, Still, TargetStatistics, Timestamp, VideoPort, VideoSource, VideoTarget,
    VideoWish,
};
use std::sync::{Arc, Mutex};

/// Each layer has a cell of its own on the canvas.
const CELL: u32 = 4;
const CELLS: u32 = 6;
const CANVAS: Size = Size::new(CELL * CELLS, CELL);

fn composition() -> Compositor {
    Compositor::new(CANVAS, FrameRate::new(30, 1).unwrap()).unwrap()
}

fn frame(value: u8) -> Frame {
    let spec = FrameSpec::of(PixelFormat::Rgb, Size::new(CELL, CELL));
    Frame::from_packed(spec, &[value; (CELL * CELL * 3) as usize], Timestamp::ZERO).unwrap()
}

/// Shows what it is told to, in the state it is told.
struct Fickle(Mutex<(Option<Frame>, SourceState)>);

impl Fickle {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((None, SourceState::Starting))))
    }

    fn is(&self, frame: Option<Frame>, state: SourceState) {
        *self.0.lock().unwrap() = (frame, state);
    }

    fn frame(&self) -> Option<Frame> {
        self.0.lock().unwrap().0.clone()
    }
}

impl VideoSource for Fickle {
    fn name(&self) -> String {
        "fickle".to_owned()
    }
    fn sample(&self, _: Timestamp, _: Sampling) -> Result<Sample> {
        Ok(self.frame().map_or(Sample::Empty, Sample::Frame))
    }
    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("it is told what to show")
    }
    fn state(&self) -> SourceState {
        self.0.lock().unwrap().1.clone()
    }
}

/// Keeps the last picture.
#[derive(Default)]
struct Sink(Mutex<Option<Frame>>);

impl Sink {
    /// The values of the cells, each of one colour.
    fn cells(&self) -> Vec<u8> {
        cells(self.0.lock().unwrap().as_ref().unwrap())
    }
}

impl VideoTarget for Sink {
    fn name(&self) -> String {
        "a sink".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(PixelFormat::Rgb), ..VideoWish::default() }
    }
    fn offer(&self, frame: &Frame, _: Delivery) -> Result<Offered> {
        *self.0.lock().unwrap() = Some(frame.clone());
        Ok(Offered::Taken)
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

fn cells(frame: &Frame) -> Vec<u8> {
    let bytes = frame.map_native().to_packed();
    let width = (CELL * 3) as usize;
    let row: Vec<u8> = bytes[..width * CELLS as usize].chunks(width).map(|cell| cell[0]).collect();
    let flat = row.iter().flat_map(|v| vec![*v; width]).collect::<Vec<_>>().repeat(CELL as usize);
    assert_eq!(bytes, flat, "cells are of one colour");
    row
}

/// Adds a layer in the next cell.
fn add(
    c: &Compositor,
    cell: u32,
    source: Arc<dyn VideoSource>,
    fallback: Option<Arc<dyn VideoSource>>,
    offline: Option<OfflinePolicy>,
) {
    let placement = Placement::moved(f64::from(cell * CELL), 0.0);
    let layer = Layer { placement, offline, ..Layer::new(SourceId::unique()) };
    c.add(source, fallback, None, layer, Where::Top).unwrap();
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn each_layer_of_a_source_that_is_lost_shows_what_it_must() {
    let (mut instead, mut kept) = (0, 0);
    for seed in 1..=40 {
        let mut random = Random(seed);
        let sources = [Fickle::new(), Fickle::new()];
        let standby: Arc<dyn VideoSource> = Arc::new(Still::new("standby", frame(250)));
        let c = composition();
        // the source of each layer, and its fallback: none, the one that is always there, the other source
        let layers: Vec<(usize, usize)> = (0..CELLS).map(|_| (random.below(2), random.below(3))).collect();
        for (cell, (source, fallback)) in layers.iter().enumerate() {
            let fallback: Option<Arc<dyn VideoSource>> = match fallback {
                0 => None,
                1 => Some(standby.clone()),
                _ => Some(sources[1 - source].clone()),
            };
            add(&c, cell as u32, sources[*source].clone(), fallback, None);
        }
        let sink = Arc::new(Sink::default());
        c.add_target(sink.clone());
        let clock = Arc::new(ManualClock::new());
        clock.set(Timestamp::from_nanos(10_000_000_000_000_123));
        let mut run = c.start_stepped(LiveOptions { clock: clock.clone(), threads: 1 }).unwrap();
        let mut lost = [false; 2];
        for step in 0..30 {
            let at = random.below(2);
            let before = sources[at].frame();
            let new = frame(1 + random.below(200) as u8);
            let (picture, state) = match random.below(8) {
                0 => (None, SourceState::Reconnecting),
                1 => (None, SourceState::Live),
                2 => (before, SourceState::Stalled),
                3 | 4 => (before, SourceState::Reconnecting),
                5 => (before, SourceState::Live),
                _ => (Some(new), SourceState::Live),
            };
            lost[at] = !matches!(state, SourceState::Live);
            sources[at].is(picture, state);
            // until the watch has looked
            for _ in 0..4 {
                clock.set(run.due());
                run.advance();
            }
            let value = |at: usize| sources[at].frame().map(|f| f.map_native().plane(0).data[0]);
            let expected = layers.iter().map(|(source, fallback)| {
                let own = value(*source);
                let other = match fallback {
                    0 => None,
                    1 => Some(250),
                    _ => value(1 - source),
                };
                if own.is_some() && lost[*source] {
                    *if other.is_some() { &mut instead } else { &mut kept } += 1;
                }
                let other_first = lost[*source] || own.is_none();
                if other_first { other.or(own) } else { own }.unwrap_or(0)
            });
            let expected: Vec<u8> = expected.collect();
            assert_eq!(sink.cells(), expected, "seed {seed}, step {step}: {layers:?}, lost: {lost:?}");
        }
        let drawn = run.statistics().render;
        assert!(drawn.repeated > 0 && drawn.drawn < drawn.pixels, "only what changes is drawn: {drawn:?}");
    }
    assert!(instead > 100 && kept > 100, "{instead} {kept}");
}

#[test]
fn only_the_layer_that_changes_is_drawn_when_its_source_is_lost_and_found() {
    for first_has_one in [true, false] {
        let source = Fickle::new();
        let c = composition();
        for cell in 0..2 {
            let has_one = (cell == 0) == first_has_one;
            let standby: Arc<dyn VideoSource> = Arc::new(Still::new("standby", frame(9)));
            add(&c, cell, source.clone(), has_one.then_some(standby), None);
        }
        let sink = Arc::new(Sink::default());
        c.add_target(sink.clone());
        let clock = Arc::new(ManualClock::new());
        let mut run = c.start_stepped(LiveOptions { clock: clock.clone(), threads: 1 }).unwrap();
        let mut shows = |state| {
            source.is(Some(source.frame().unwrap_or_else(|| frame(5))), state);
            let before = run.statistics().render.drawn;
            for _ in 0..6 {
                clock.set(run.due());
                run.advance();
            }
            (sink.cells()[..2].to_vec(), run.statistics().render.drawn - before)
        };
        assert_eq!(shows(SourceState::Live).0, [5, 5]);
        let instead = if first_has_one { [9, 5] } else { [5, 9] };
        let cell = u64::from(CELL * CELL);
        for turn in 0..4 {
            // from the second time on in memory that was drawn before: the cell at most, in two frames
            let most = if turn == 0 { u64::MAX } else { 2 * cell };
            let (cells, drawn) = shows(SourceState::Reconnecting);
            assert_eq!(cells, instead);
            assert!(drawn <= most, "{drawn}");
            let (cells, drawn) = shows(SourceState::Live);
            assert_eq!(cells, [5, 5]);
            assert!(drawn <= most, "{drawn}");
        }
    }
}

#[test]
fn offline_each_layer_of_a_live_source_has_a_policy_of_its_own() {
    let policies = [OfflinePolicy::Skip, OfflinePolicy::Freeze, OfflinePolicy::Latest];
    for turn in 0..3 {
        for reversed in [false, true] {
            let mut order: Vec<OfflinePolicy> = (0..3).map(|i| policies[(i + turn) % 3]).collect();
            if reversed {
                order.reverse();
            }
            let port = Arc::new(VideoPort::new());
            let c = composition();
            for (cell, policy) in order.iter().enumerate() {
                add(&c, cell as u32, port.clone(), None, Some(*policy));
                let standby: Arc<dyn VideoSource> = Arc::new(Still::new("standby", frame(9)));
                add(&c, cell as u32 + 3, port.clone(), Some(standby), Some(*policy));
            }
            let outputs = vec![FrameSpec::of(PixelFormat::Rgb, CANVAS)];
            let mut run =
                OfflineRun::new(&c, OfflineOptions { outputs, ..OfflineOptions::default() }).unwrap();
            let mut shows = || cells(&run.step().unwrap().frames[0]);
            let expected = |skip: [u8; 2], freeze: [u8; 2], latest: [u8; 2]| {
                let of = |at: usize| {
                    order.iter().map(move |policy| match policy {
                        OfflinePolicy::Skip => skip[at],
                        OfflinePolicy::Freeze => freeze[at],
                        OfflinePolicy::Latest => latest[at],
                    })
                };
                of(0).chain(of(1)).collect::<Vec<u8>>()
            };
            assert_eq!(shows(), expected([0, 9], [0, 9], [0, 9]), "{order:?}");
            port.publish(frame(20));
            assert_eq!(shows(), expected([0, 9], [20, 20], [20, 20]), "{order:?}");
            port.publish(frame(30));
            assert_eq!(shows(), expected([0, 9], [20, 20], [30, 30]), "{order:?}");
        }
    }
}
