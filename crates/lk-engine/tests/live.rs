// SPDX-License-Identifier: GPL-2.0-or-later
//! Live runs: what each tick shows, what is heard, and what happens when something is late, stuck or broken.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{Layer, SourceId};
use lk_engine::{Compositor, LiveFrames, LiveOptions, OfflineOptions, OfflineRun, Picture, Where};
use lk_media::clock::Deadline;
use lk_media::{
    AudioBlock, AudioPort, AudioRead, AudioSource, AudioTarget, CHANNELS, Clock, ClockId, Delivery, Error,
    ErrorKind, EventKind, Exactness, Frame, FrameRate, FrameSpec, LeaseGuard, ManualClock, Offered,
    PixelFormat, Result, SAMPLE_RATE, Sample, Sampling, Size, Still, TargetStatistics, Timestamp, VideoPort,
    VideoSource, VideoTarget, VideoWish, Wake, audio_port,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SIZE: Size = Size::new(2, 2);
/// Far from the clock's zero, as on a machine that has been up for months.
const UP: i64 = 10_000_000_000_000_123;
/// Nothing here takes this long.
const FOR_EVER: Duration = Duration::from_secs(60);

fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).unwrap()
}

fn frame(value: u8, t: Timestamp) -> Frame {
    Frame::from_packed(FrameSpec::of(PixelFormat::Rgb, SIZE), &[value; 12], t).unwrap()
}

fn still(value: u8) -> Arc<dyn VideoSource> {
    Arc::new(Still::new("a still", frame(value, Timestamp::ZERO)))
}

fn compositor(num: u32, den: u32) -> Compositor {
    Compositor::new(SIZE, rate(num, den)).unwrap()
}

fn add(c: &Compositor, source: Arc<dyn VideoSource>) -> lk_compositor::LayerId {
    c.add(source, None, None, Layer::new(SourceId::unique()), Where::Top).unwrap()
}

fn on(clock: &Arc<ManualClock>) -> LiveOptions {
    LiveOptions { clock: clock.clone(), threads: 1 }
}

/// Notes the first byte and the time of each frame, and every sample.
#[derive(Default)]
struct Sink {
    frames: Mutex<Vec<(u8, Timestamp)>>,
    sound: Mutex<(Option<u64>, Vec<f32>)>,
    refuses: AtomicBool,
}

impl Sink {
    fn values(&self) -> Vec<u8> {
        self.frames.lock().unwrap().iter().map(|f| f.0).collect()
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
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Output, "the sink is full"));
        }
        let value = frame.map_native().plane(0).data[0];
        self.frames.lock().unwrap().push((value, frame.timestamp()));
        Ok(Offered::Taken)
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

impl AudioTarget for Sink {
    fn name(&self) -> String {
        "a sink".to_owned()
    }
    fn offer_audio(&self, block: &AudioBlock, _: Delivery) -> Result<Offered> {
        let mut sound = self.sound.lock().unwrap();
        let first = *sound.0.get_or_insert(block.position);
        assert_eq!(block.position, first + (sound.1.len() / CHANNELS) as u64, "blocks follow one another");
        sound.1.extend_from_slice(&block.samples);
        Ok(Offered::Taken)
    }
}

/// The brightness counts frames of `rate` from the claim on; each reading may be held up.
struct Counter {
    rate: FrameRate,
    start: Mutex<Option<Timestamp>>,
    stuck: Arc<AtomicBool>,
}

impl Counter {
    fn new(rate: FrameRate) -> Self {
        Self { rate, start: Mutex::default(), stuck: Arc::default() }
    }
}

impl VideoSource for Counter {
    fn name(&self) -> String {
        "a counter".to_owned()
    }
    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        assert_eq!(sampling, Sampling::Exact, "an exact source is read exactly");
        while self.stuck.load(Ordering::Relaxed) {
            Wake::new().wait(Duration::from_millis(5));
        }
        let start = self.start.lock().unwrap().unwrap();
        let elapsed = Timestamp::from_nanos(at.nanos_since(start).max(0)) + Duration::from_micros(500);
        let value = self.rate.index_at(elapsed) as u8;
        Ok(Sample::Frame(frame(value, at)))
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn may_block(&self) -> bool {
        true
    }
    fn claim(&self, _: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        *self.start.lock().unwrap() = Some(start);
        Ok(None)
    }
}

/// Every sample is its place since the claim, in thousands of seconds.
struct Ramp {
    start: Mutex<i64>,
    blocks: bool,
}

impl AudioSource for Ramp {
    fn name(&self) -> String {
        "a ramp".to_owned()
    }
    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        let start = *self.start.lock().unwrap();
        for (n, sample) in out.chunks_exact_mut(CHANNELS).enumerate() {
            sample.fill((first + n as i64 - start).max(0) as f32);
        }
        Ok(AudioRead::Filled)
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn may_block(&self) -> bool {
        self.blocks
    }
    fn claim(&self, _: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        *self.start.lock().unwrap() = audio_port::sample_at(start);
        Ok(None)
    }
}

#[test]
fn every_tick_shows_the_frame_due_and_missed_ones_are_counted() {
    for (num, den) in [(30, 1), (60, 1), (30_000, 1001)] {
        let c = compositor(num, den);
        let port = Arc::new(VideoPort::new());
        add(&c, port.clone());
        let sink = Arc::new(Sink::default());
        c.add_target(sink.clone());
        let clock = Arc::new(ManualClock::new());
        clock.set(Timestamp::from_nanos(UP));
        let mut run = c.start_stepped(on(&clock)).unwrap();
        let first = run.due();
        let index = c.rate().index_at(first);
        assert_eq!(c.rate().time_of(index), first, "on the grid of the clock");
        // a writer that is three frames ahead
        (0..3).for_each(|n| port.publish(frame(n, c.rate().time_of(index + u64::from(n)))));
        for n in 0..100u8 {
            port.publish(frame(n + 3, c.rate().time_of(index + u64::from(n) + 3)));
            clock.set(c.rate().time_of(index + u64::from(n)));
            run.advance();
        }
        assert_eq!(sink.values(), (0..100).collect::<Vec<u8>>(), "{num}/{den}");
        clock.set(c.rate().time_of(index + 109) + Duration::from_micros(7));
        run.advance();
        run.advance();
        let statistics = run.statistics();
        assert_eq!((statistics.ticks, statistics.missed), (110, 9));
        assert_eq!(statistics.lateness.max, Duration::from_micros(7));
        assert_eq!(sink.frames.lock().unwrap().last().unwrap().1, c.rate().time_of(index + 109));
    }
}

#[test]
fn sound_is_mixed_once_at_its_place_and_what_is_late_is_silent() {
    let c = compositor(30, 1);
    let port = Arc::new(AudioPort::default());
    c.add_sound(port.clone(), lk_compositor::MixerInput::default()).unwrap();
    let sink = Arc::new(Sink::default());
    c.add_sound_target(sink.clone());
    let clock = Arc::new(ManualClock::new());
    clock.set(Timestamp::from_nanos(UP));
    let mut run = c.start_stepped(on(&clock)).unwrap();
    let first = c.rate().sample_of(c.rate().index_at(run.due()), SAMPLE_RATE) as i64;
    port.write(first, &vec![0.5; 4800 * CHANNELS]);
    clock.set(run.due() + Duration::from_millis(200));
    run.advance();
    let (start, samples) = sink.sound.lock().unwrap().clone();
    assert_eq!(start, Some(first as u64));
    // 200 ms less 60 ms, in whole blocks that end at multiples of 480
    assert_eq!(samples.len() / CHANNELS, (first + 6720) as usize / 480 * 480 - first as usize);
    assert!(samples[..4800 * CHANNELS].iter().all(|s| *s == 0.5));
    assert!(samples[4800 * CHANNELS..].iter().all(|s| *s == 0.0));
    let statistics = run.statistics();
    assert_eq!(statistics.samples as usize, samples.len() / CHANNELS);
    assert_eq!(statistics.late_samples as usize, samples.len() / CHANNELS - 4800);
    // after half a minute in which the process did not run, every position is there once
    clock.set(run.due() + Duration::from_secs(30));
    run.advance();
    assert!(sink.sound.lock().unwrap().1.len() / CHANNELS > 30 * 48_000);
    assert!(c.levels().main().peak[0] == 0.0 && run.statistics().missed > 890);
}

#[test]
fn a_run_of_so_many_frames_has_them_all_with_their_sound() {
    let c = compositor(60, 1);
    add(&c, Arc::new(Counter::new(c.rate())));
    let ramp = Arc::new(Ramp { start: Mutex::default(), blocks: true });
    c.add_sound(ramp, lk_compositor::MixerInput::default()).unwrap();
    let sink = Arc::new(Sink::default());
    c.add_target(sink.clone());
    c.add_sound_target(sink.clone());
    let events = c.events().reader();
    c.start(LiveOptions::default()).unwrap();
    c.start(LiveOptions::default()).unwrap();
    c.limit_frames(30);
    assert!(c.wait(FOR_EVER));
    assert!(!c.is_running());
    c.stop();
    let frames = sink.frames.lock().unwrap().clone();
    // a busy machine may miss ticks; what is shown is right all the same
    let first = c.rate().index_at(frames[0].1 + Duration::from_micros(1));
    for (value, time) in &frames {
        let index = c.rate().index_at(*time);
        assert_eq!(c.rate().time_of(index), *time);
        assert!(u64::from(*value) <= index - first, "{value} at {index}");
    }
    let statistics = c.live_statistics().unwrap();
    assert_eq!(statistics.ticks, 30);
    assert_eq!(frames.len() as u64, 30 - statistics.missed);
    let (start, samples) = sink.sound.lock().unwrap().clone();
    assert_eq!(samples.len() / CHANNELS, 30 * 800);
    let late = statistics.late_samples;
    let right = samples.chunks_exact(CHANNELS).enumerate().filter(|(n, s)| s[0] == *n as f32).count();
    assert!(right as u64 + late >= 30 * 800, "{right} right, {late} late, from {start:?}");
    let kinds: Vec<(EventKind, String)> =
        std::iter::from_fn(|| events.try_next()).map(|e| (e.kind, e.new)).collect();
    assert!(kinds.contains(&(EventKind::RunState, "running".to_owned())), "{kinds:?}");
    assert!(kinds.contains(&(EventKind::RunState, "stopped".to_owned())), "{kinds:?}");
}

#[test]
fn a_stuck_source_and_a_failing_target_hurt_nobody() {
    let c = compositor(100, 1);
    let stuck = Arc::new(Counter::new(c.rate()));
    let release = stuck.stuck.clone();
    release.store(true, Ordering::Relaxed);
    add(&c, stuck);
    add(&c, still(77));
    let (sink, broken) = (Arc::new(Sink::default()), Arc::new(Sink::default()));
    broken.refuses.store(true, Ordering::Relaxed);
    c.add_target(broken.clone());
    c.add_target(sink.clone());
    let events = c.events().reader();
    c.start(LiveOptions::default()).unwrap();
    c.limit_frames(20);
    assert!(c.wait(FOR_EVER), "the run goes on");
    c.stop();
    release.store(false, Ordering::Relaxed);
    let values = sink.values();
    assert!(!values.is_empty() && values.iter().all(|v| *v == 77));
    assert_eq!(c.targets().len(), 1);
    assert_eq!(c.take_failures().len(), 1);
    let failed = std::iter::from_fn(|| events.try_next()).filter(|e| e.kind == EventKind::TargetState);
    assert_eq!(failed.map(|e| e.reason.unwrap()).collect::<Vec<_>>(), ["the sink is full"]);
}

#[test]
fn what_comes_in_during_a_run_starts_from_its_beginning() {
    let c = compositor(100, 1);
    let sink = Arc::new(Sink::default());
    c.add_target(sink.clone());
    c.start(LiveOptions::default()).unwrap();
    let deadline = Deadline::after(FOR_EVER);
    while sink.values().len() < 5 && !deadline.has_passed() {
        c.wait(Duration::from_millis(10));
    }
    add(&c, Arc::new(Counter::new(c.rate())));
    while sink.values().iter().filter(|v| **v > 0).count() < 10 && !deadline.has_passed() {
        c.wait(Duration::from_millis(10));
    }
    c.stop();
    let frames = sink.frames.lock().unwrap().clone();
    let shown: Vec<&(u8, Timestamp)> = frames.iter().skip_while(|f| f.0 == 0).collect();
    assert!(shown.len() >= 10 && shown[0].0 < 50, "{frames:?}");
    assert!(shown.windows(2).all(|w| w[1].0 >= w[0].0), "{frames:?}");
}

/// The brightness counts hundredths of a second from the claim on; it is read on the tick.
struct Age(Mutex<Timestamp>);

impl VideoSource for Age {
    fn name(&self) -> String {
        "an age".to_owned()
    }
    fn sample(&self, at: Timestamp, _: Sampling) -> Result<Sample> {
        let age = at.nanos_since(*self.0.lock().unwrap()) / 10_000_000;
        Ok(Sample::Frame(frame(100 + age as u8, at)))
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn claim(&self, _: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        *self.0.lock().unwrap() = start;
        Ok(None)
    }
}

#[test]
fn layers_begin_later_than_the_run_with_their_sound() {
    let layer = || Layer { start: Duration::from_millis(100), ..Layer::new(SourceId::unique()) };
    let port = Arc::new(VideoPort::new());
    let age = Arc::new(Age(Mutex::new(Timestamp::ZERO)));
    let sources: [(Arc<dyn VideoSource>, Vec<u8>); 2] =
        [(age, (100..110).collect()), (port.clone(), (10..20).collect())];
    for (source, shown) in sources {
        let c = compositor(100, 1);
        let sink = Arc::new(Sink::default());
        c.add_target(sink.clone());
        c.add_sound_target(sink.clone());
        let ramp: Arc<dyn AudioSource> = Arc::new(Ramp { start: Mutex::default(), blocks: false });
        c.add(source, Some(still(200)), Some(ramp), layer(), Where::Top).unwrap();
        let clock = Arc::new(ManualClock::new());
        clock.set(Timestamp::from_nanos(UP));
        let mut run = c.start_stepped(on(&clock)).unwrap();
        let first = c.rate().index_at(run.due());
        for n in 0..20u8 {
            let time = c.rate().time_of(first + u64::from(n));
            port.publish(frame(n, time));
            clock.set(time);
            run.advance();
        }
        // nothing before, not even what stands in
        assert_eq!(sink.values()[..10], [0; 10]);
        assert_eq!(sink.values()[10..], shown);
        clock.set(run.due() + Duration::from_millis(500));
        run.advance();
        let (_, samples) = sink.sound.lock().unwrap().clone();
        let heard: Vec<f32> = samples.iter().copied().step_by(CHANNELS).collect();
        assert_eq!(heard[..4800], [0.0; 4800]);
        assert!(heard[4800..].iter().enumerate().all(|(n, s)| *s == n as f32) && heard.len() > 20_000);
    }
}

#[test]
fn a_fallback_shows_while_the_source_has_nothing() {
    let c = compositor(30, 1);
    let port = Arc::new(VideoPort::new());
    c.add(port.clone(), Some(still(9)), None, Layer::new(SourceId::unique()), Where::Top).unwrap();
    let sink = Arc::new(Sink::default());
    c.add_target(sink.clone());
    let clock = Arc::new(ManualClock::new());
    clock.set(Timestamp::from_nanos(UP));
    assert_eq!(c.starting().len(), 1);
    let mut run = c.start_stepped(on(&clock)).unwrap();
    clock.set(run.due());
    run.advance();
    port.publish(frame(5, clock.now()));
    clock.set(run.due());
    run.advance();
    assert_eq!(sink.values(), [9, 5]);
    assert!(c.starting().is_empty());
}

#[test]
fn a_composition_in_a_composition_live_and_offline() {
    let inner = compositor(30, 1);
    add(&inner, still(40));
    let outer = compositor(60, 1);
    add(&outer, Arc::new(Picture::of(&inner)));
    let frames = Arc::new(LiveFrames::new(PixelFormat::Rgb));
    outer.add_target(frames.clone());
    outer.start(LiveOptions::default()).unwrap();
    let deadline = Deadline::after(FOR_EVER);
    let mut value = 0;
    while value != 40 && !deadline.has_passed() {
        let frame = frames.next(Duration::from_secs(5)).unwrap();
        value = frame.map_native().plane(0).data[0];
    }
    assert_eq!(value, 40);
    assert!(inner.is_running());
    outer.stop();
    inner.stop();

    let spec = FrameSpec::of(PixelFormat::Rgb, SIZE);
    let mut run =
        OfflineRun::new(&outer, OfflineOptions { outputs: vec![spec], ..OfflineOptions::default() }).unwrap();
    assert_eq!(run.step().unwrap().frames[0].map_native().plane(0).data[0], 40);
}

#[test]
fn one_run_at_a_time_and_any_order_of_ends() {
    let c = compositor(30, 1);
    let claims = Arc::new(AtomicU64::new(0));
    struct Claimed(Arc<AtomicU64>, lk_media::ClockLease);
    impl VideoSource for Claimed {
        fn name(&self) -> String {
            "claimed".to_owned()
        }
        fn sample(&self, _: Timestamp, _: Sampling) -> Result<Sample> {
            Ok(Sample::Empty)
        }
        fn exactness(&self) -> Exactness {
            Exactness::Exact
        }
        fn claim(&self, clock: ClockId, _: Timestamp) -> Result<Option<LeaseGuard>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            self.1.take(clock, "claimed").map(|(guard, _)| Some(guard))
        }
    }
    let source: Arc<dyn VideoSource> = Arc::new(Claimed(claims.clone(), lk_media::ClockLease::default()));
    add(&c, source.clone());
    c.start(LiveOptions::default()).unwrap();
    assert_eq!(OfflineRun::new(&c, OfflineOptions::default()).err().unwrap().kind(), ErrorKind::Busy);
    let other = compositor(30, 1);
    add(&other, source);
    assert_eq!(other.start(LiveOptions::default()).err().unwrap().kind(), ErrorKind::Busy);
    c.stop();
    c.stop();
    other.start(LiveOptions::default()).unwrap();
    drop(other);
    c.start(LiveOptions::default()).unwrap();
    c.stop();
    OfflineRun::new(&c, OfflineOptions::default()).unwrap();
    assert!(claims.load(Ordering::Relaxed) >= 3);
    for _ in 0..50 {
        let c = compositor(240, 1);
        add(&c, still(1));
        c.start(LiveOptions::default()).unwrap();
    }
}
