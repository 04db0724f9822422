// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs say where their time went.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{Layer, Placement, RenderStatistics, SourceId};
use lk_engine::{Compositor, LiveOptions, OfflineOptions, OfflineRun, Where, wanted};
use lk_media::clock::thread_cpu_time;
use lk_media::{
    Delivery, Exactness, Frame, FrameMut, FramePool, FrameRate, FrameSpec, ManualClock, Offered, PixelFormat,
    Result, Sample, Sampling, Size, Still, TargetStatistics, Timestamp, VideoSource, VideoTarget, VideoWish,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SIZE: Size = Size::new(640, 360);

fn picture(format: PixelFormat, size: Size, value: u8) -> Frame {
    let spec = FrameSpec::of(format, size);
    Frame::from_packed(spec, &vec![value; format.packed_len(size)], Timestamp::ZERO).unwrap()
}

/// A source that takes the processor's time for each frame, as a decoder does.
struct Busy {
    size: Size,
    work: Duration,
}

impl VideoSource for Busy {
    fn name(&self) -> String {
        "busy".to_owned()
    }
    fn sample(&self, at: Timestamp, _: Sampling) -> Result<Sample> {
        let begun = thread_cpu_time();
        while thread_cpu_time() - begun < self.work {}
        Ok(Sample::Frame(picture(PixelFormat::Bgr, self.size, (at.as_secs_f64() * 200.0) as u8).at(at)))
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

fn scene(layers: Vec<(Arc<dyn VideoSource>, Placement)>) -> Compositor {
    let scene = Compositor::new(SIZE, FrameRate::new(30, 1).unwrap()).unwrap();
    for (source, placement) in layers {
        let layer = Layer { placement, ..Layer::new(SourceId::unique()) };
        scene.add(source, None, None, layer, Where::Top).unwrap();
    }
    scene
}

fn still(size: Size) -> Arc<dyn VideoSource> {
    Arc::new(Still::new("a still", picture(PixelFormat::Bgr, size, 77)))
}

fn busy(size: Size, ms: u64) -> Arc<dyn VideoSource> {
    Arc::new(Busy { size, work: Duration::from_millis(ms) })
}

fn offline(scene: &Compositor, frames: u64, threads: usize) -> lk_engine::RunStatistics {
    let outputs = vec![FrameSpec::of(PixelFormat::Bgr, SIZE)];
    let options = OfflineOptions { outputs, threads, ..OfflineOptions::default() };
    let mut run = OfflineRun::new(scene, options).unwrap();
    (0..frames).for_each(|_| drop(run.step().unwrap()));
    run.statistics()
}

#[test]
fn what_sources_take_is_not_compositing() {
    let scene = scene(vec![(busy(Size::new(64, 36), 30), Placement::moved(0.0, 0.0))]);
    let s = offline(&scene, 10, 1);
    assert!(s.cpu >= Duration::from_millis(300) && s.parts.sampling >= Duration::from_millis(300), "{s:?}");
    assert!(s.compositing() < Duration::from_millis(100), "{s:?}");
    let parts = s.parts.sampling + s.parts.rendering + s.parts.delivering + s.parts.mixing;
    assert!(parts <= s.elapsed, "{s:?}");
    assert!(s.render.cpu > Duration::ZERO && s.render.cpu <= s.tick_cpu, "{s:?}");
}

#[test]
fn render_threads_are_counted() {
    let large = Size::new(1280, 720);
    let layers = (0..6).map(|_| (busy(large, 0), Placement::STRETCH));
    let scene = scene(layers.collect());
    for i in 0..6 {
        let id = scene.scene().layers[&i].id;
        scene
            .edit_layer(id, |l| {
                l.opacity = 0.5;
                Ok(())
            })
            .unwrap();
    }
    let [one, two] = [1, 2].map(|threads| offline(&scene, 20, threads));
    assert_eq!(one.render.pool_cpu, Duration::ZERO);
    assert!(two.render.pool_cpu > Duration::ZERO && two.compositing() > two.tick_cpu, "{two:?}");
    assert_eq!((one.render.drawn, one.render.layers), (two.render.drawn, two.render.layers));
}

fn rendered(layers: Vec<(Arc<dyn VideoSource>, Placement)>) -> RenderStatistics {
    offline(&scene(layers), 20, 1).render
}

#[test]
fn what_is_left_out_is_told() {
    let (quarter, all) = (Size::new(160, 90), Placement::moved(0.0, 0.0));
    let still_alone = rendered(vec![(still(SIZE), all)]);
    assert_eq!((still_alone.jobs, still_alone.repeated, still_alone.written), (20, 19, 1));
    assert_eq!(still_alone.damaged(), 1.0 / 20.0);

    let moving = rendered(vec![(still(SIZE), all), (busy(quarter, 0), all)]);
    assert_eq!((moving.repeated, moving.culled, moving.layers), (0, 0, 40));
    assert!(moving.damaged() > 1.0 / 16.0 && moving.damaged() < 0.25, "{moving:?}");

    // what moves under an opaque layer, or off the canvas, is no damage
    let outside = (busy(quarter, 0), Placement::moved(-500.0, 0.0));
    let hidden = rendered(vec![(busy(quarter, 0), all), outside, (still(SIZE), all)]);
    assert_eq!((hidden.layers, hidden.culled), (60, 40));
    assert!(hidden.damaged() < 0.2, "{hidden:?}");

    // scaled stills under something that moves are kept
    let scaled = (still(SIZE), Placement::rectangle(10.0, 10.0, 300.0, 200.0));
    let kept = rendered(vec![scaled, (busy(SIZE, 0), Placement::moved(200.0, 0.0))]);
    assert!(kept.kept_layers >= 15 && kept.kept_bytes >= 300 * 200 * 3, "{kept:?}");
}

/// Lends memory for what it wants, and remembers where the frames it was given lie.
struct Lender {
    format: PixelFormat,
    lends: bool,
    lent: Mutex<Vec<usize>>,
    got: Mutex<Vec<(PixelFormat, usize)>>,
}

impl Lender {
    fn new(format: PixelFormat, lends: bool) -> Arc<Self> {
        Arc::new(Self { format, lends, lent: Mutex::default(), got: Mutex::default() })
    }
}

impl VideoTarget for Lender {
    fn name(&self) -> String {
        "a lender".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(self.format), ..VideoWish::default() }
    }
    fn allocate(&self, spec: FrameSpec) -> Option<FrameMut> {
        let memory = FramePool::shared().frame(spec).ok().filter(|_| self.lends)?;
        self.lent.lock().unwrap().push(memory.plane(0).data.as_ptr() as usize);
        Some(memory)
    }
    fn offer(&self, frame: &Frame, _: Delivery) -> Result<Offered> {
        let at = frame.map_native().plane(0).data.as_ptr() as usize;
        self.got.lock().unwrap().push((frame.format(), at));
        Ok(Offered::Taken)
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

fn check_lenders(sole: &Lender, pair: [&Lender; 2], plain: &Lender, frames: usize) {
    let at = |l: &Lender| l.got.lock().unwrap().iter().map(|(_, at)| *at).collect::<Vec<_>>();
    for lender in [sole, pair[0], pair[1], plain] {
        let got = lender.got.lock().unwrap();
        assert!(got.len() == frames && got.iter().all(|(format, _)| *format == lender.format));
    }
    assert_eq!(at(sole), *sole.lent.lock().unwrap(), "drawn in the target's own memory");
    assert_eq!(at(pair[0]), at(pair[1]), "one frame for two targets of a format");
    assert!(pair.iter().all(|l| l.lent.lock().unwrap().is_empty()), "memory of one is not for two");
}

#[test]
fn each_format_is_written_once_and_into_the_targets_own_memory() {
    use PixelFormat::{Bgra, I420, Nv12};
    for live in [false, true] {
        let scene = scene(vec![(busy(SIZE, 0), Placement::moved(0.0, 0.0))]);
        let sole = Lender::new(Nv12, true);
        let pair = [Lender::new(Bgra, true), Lender::new(Bgra, true)];
        let plain = Lender::new(I420, false);
        for target in [&sole, &pair[0], &pair[1], &plain] {
            scene.add_target(target.clone());
        }
        let render = if live {
            let clock = Arc::new(ManualClock::new());
            let mut run = scene.start_stepped(LiveOptions { threads: 1, clock: clock.clone() }).unwrap();
            while run.statistics().frames() < 10 {
                clock.set(run.due());
                run.advance();
            }
            run.statistics().render
        } else {
            let (specs, videos) = wanted(&scene.scene(), scene.targets());
            let mut run = OfflineRun::new(&scene, OfflineOptions::default()).unwrap();
            run.set_outputs(specs, false);
            for _ in 0..10 {
                let tick = run.step_for(&videos).unwrap();
                run.deliver(&tick, &videos, &[], 9).unwrap();
            }
            run.statistics().render
        };
        assert_eq!(render.written, 30, "three formats for four targets, {live}");
        assert_eq!(render.pixels, 2 * 10 * 640 * 360, "one canvas for RGB, one for Y'CbCr, {live}");
        check_lenders(&sole, [&pair[0], &pair[1]], &plain, 10);
    }
}

#[test]
fn live_runs_tell_the_same() {
    let all = Placement::moved(0.0, 0.0);
    let scene =
        scene(vec![(busy(Size::new(160, 90), 0), all), (still(SIZE), all), (still(Size::new(8, 8)), all)]);
    scene.add_target(Lender::new(PixelFormat::I420, false));
    let clock = Arc::new(ManualClock::new());
    let mut run = scene.start_stepped(LiveOptions { threads: 1, clock: clock.clone() }).unwrap();
    while run.statistics().frames() < 20 {
        clock.set(run.due());
        run.advance();
    }
    let s = run.statistics();
    assert_eq!((s.render.jobs, s.render.written), (20, 20 - s.render.repeated));
    assert!(s.render.culled > 0 && s.render.damaged() < 0.3, "{s:?}");
    assert!(s.compositing() >= s.render.cpu && s.render.cpu > Duration::ZERO, "{s:?}");
    assert!(s.parts.rendering > Duration::ZERO && s.parts.mixing > Duration::ZERO, "{s:?}");
    assert!(s.to_string().contains("% of the canvas drawn"), "{s}");
}
