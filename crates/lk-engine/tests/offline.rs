// SPDX-License-Identifier: GPL-2.0-or-later
//! Offline runs: what they wait for, what they refuse, what they deliver.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{Layer, MixId, MixerInput, OfflinePolicy, SourceId};
use lk_engine::{Compositor, OfflineOptions, OfflineRun, SoundTarget, Where};
use lk_media::{
    AudioBlock, AudioRead, AudioSource, AudioTarget, CHANNELS, Cancel, Delivery, ErrorKind, Exactness, Frame,
    FrameRate, FrameSpec, Offered, PixelFormat, Result, Sample, Sampling, Size, Still, TargetStatistics,
    Timestamp, VideoPort, VideoSource, VideoTarget, VideoWish, Wake, thread,
};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SIZE: Size = Size::new(2, 2);

fn spec() -> FrameSpec {
    FrameSpec::of(PixelFormat::Rgb, SIZE)
}

fn frame(value: u8) -> Frame {
    Frame::from_packed(spec(), &[value; 12], Timestamp::ZERO).unwrap()
}

fn compositor(num: u32, den: u32) -> Compositor {
    Compositor::new(SIZE, FrameRate::new(num, den).unwrap()).unwrap()
}

fn add(
    c: &Compositor,
    source: Arc<dyn VideoSource>,
    offline: Option<OfflinePolicy>,
) -> lk_compositor::LayerId {
    let layer = Layer { offline, ..Layer::new(SourceId::unique()) };
    c.add(source, None, None, layer, Where::Top).unwrap()
}

fn run(c: &Compositor) -> Result<OfflineRun> {
    OfflineRun::new(c, OfflineOptions { outputs: vec![spec()], threads: 1, ..OfflineOptions::default() })
}

fn first_byte(run: &mut OfflineRun) -> Result<u8> {
    Ok(run.step()?.frames[0].map_native().plane(0).data[0])
}

/// Answers Pending until a thread of its own has made the frame: the brightness counts frames at 30 a second.
struct Slow {
    made: Mutex<Vec<Timestamp>>,
    wake: Mutex<Option<Wake>>,
    thread: Mutex<Option<thread::Thread>>,
    never: bool,
}

impl Slow {
    fn new(never: bool) -> Self {
        Self { made: Mutex::default(), wake: Mutex::default(), thread: Mutex::default(), never }
    }
}

impl VideoSource for Slow {
    fn name(&self) -> String {
        "slow".to_owned()
    }
    fn sample(&self, at: Timestamp, _: Sampling) -> Result<Sample> {
        if self.made.lock().unwrap().contains(&at) {
            let index = (at.as_secs_f64() * 30.0).round() as u8;
            return Ok(Sample::Frame(frame(index).at(at)));
        }
        if !self.never {
            self.made.lock().unwrap().push(at);
            let wake = self.wake.lock().unwrap().clone().unwrap();
            *self.thread.lock().unwrap() = Some(thread::spawn("slow", move || wake.ring())?);
        }
        Ok(Sample::Pending)
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn wake_on_ready(&self, wake: &Wake) {
        *self.wake.lock().unwrap() = Some(wake.clone());
    }
    fn deadline(&self) -> Duration {
        if self.never { Duration::from_millis(30) } else { Duration::from_secs(10) }
    }
}

#[test]
fn a_run_waits_for_pending_frames() {
    let c = compositor(30, 1);
    add(&c, Arc::new(Slow::new(false)), None);
    let mut run = run(&c).unwrap();
    for n in 0..20 {
        assert_eq!(first_byte(&mut run).unwrap(), n);
    }
}

#[test]
fn a_source_that_never_answers_ends_the_run_in_time_and_a_cancel_at_once() {
    let c = compositor(30, 1);
    add(&c, Arc::new(Slow::new(true)), None);
    let error = run(&c).unwrap().step().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.message().contains("slow"));

    let cancel = Cancel::new();
    cancel.cancel();
    let options = OfflineOptions { outputs: vec![spec()], cancel, ..OfflineOptions::default() };
    assert_eq!(
        OfflineRun::new(&c, options).unwrap().step().err().map(|e| e.kind()),
        Some(ErrorKind::Cancelled)
    );
}

#[test]
fn live_sources_are_named_and_policies_obeyed() {
    let c = compositor(30, 1);
    let port = Arc::new(VideoPort::new());
    let layer = add(&c, port.clone(), None);
    let error = run(&c).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LiveSource);
    assert!(error.message().contains("slot 0") && error.hint().unwrap().contains("freeze"));

    let set = |policy| {
        c.edit_layer(layer, |l| {
            l.offline = Some(policy);
            Ok(())
        })
        .unwrap();
    };
    for (policy, expected) in [
        (OfflinePolicy::Freeze, [0, 10, 10]),
        (OfflinePolicy::Latest, [20, 30, 40]),
        (OfflinePolicy::Skip, [0, 0, 0]),
    ] {
        set(policy);
        let mut run = run(&c).unwrap();
        let start = if policy == OfflinePolicy::Latest { 20 } else { 0 };
        if policy == OfflinePolicy::Latest {
            port.publish(frame(20));
        }
        let mut seen = vec![first_byte(&mut run).unwrap()];
        for step in [10, 20] {
            port.publish(frame(start + step));
            seen.push(first_byte(&mut run).unwrap());
        }
        assert_eq!(seen, expected, "{policy:?}");
    }
}

#[test]
fn a_hidden_live_layer_does_not_matter_until_it_is_shown() {
    let c = compositor(30, 1);
    let layer = add(&c, Arc::new(VideoPort::new()), None);
    let show = |visible| {
        c.edit_layer(layer, |l| {
            l.visible = visible;
            Ok(())
        })
        .unwrap();
    };
    show(false);
    let mut run = run(&c).unwrap();
    assert!(run.step().is_ok());
    show(true);
    assert_eq!(run.step().err().map(|e| e.kind()), Some(ErrorKind::LiveSource));
}

#[test]
fn the_fallback_is_shown_while_there_is_nothing() {
    let c = compositor(30, 1);
    let port: Arc<VideoPort> = Arc::new(VideoPort::new());
    let layer = Layer { offline: Some(OfflinePolicy::Latest), ..Layer::new(SourceId::unique()) };
    let standby: Arc<dyn VideoSource> = Arc::new(Still::new("standby", frame(99)));
    c.add(port.clone(), Some(standby), None, layer, Where::Top).unwrap();
    let mut run = run(&c).unwrap();
    assert_eq!(first_byte(&mut run).unwrap(), 99);
    port.publish(frame(5));
    assert_eq!(first_byte(&mut run).unwrap(), 5);
}

#[test]
fn edits_take_effect_with_the_next_frame_and_a_batch_at_once() {
    let c = compositor(30, 1);
    let layer = add(&c, Arc::new(Still::new("white", frame(255))), None);
    let mut run = run(&c).unwrap();
    assert_eq!(first_byte(&mut run).unwrap(), 255);
    let batch = c.batch();
    c.edit_layer(layer, |l| {
        l.opacity = 0.2;
        Ok(())
    })
    .unwrap();
    assert_eq!(first_byte(&mut run).unwrap(), 255);
    drop(batch);
    assert_eq!(first_byte(&mut run).unwrap(), 51);
    c.remove(layer).unwrap();
    assert_eq!(first_byte(&mut run).unwrap(), 0);
}

#[test]
fn one_run_at_a_time() {
    let c = compositor(30, 1);
    let first = run(&c).unwrap();
    assert_eq!(run(&c).err().map(|e| e.kind()), Some(ErrorKind::Busy));
    drop(first);
    assert!(run(&c).is_ok());
}

/// Sound whose every sample is its own position.
struct Ramp;

impl AudioSource for Ramp {
    fn name(&self) -> String {
        "ramp".to_owned()
    }
    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        for (n, pair) in out.chunks_exact_mut(CHANNELS).enumerate() {
            pair.fill((first + n as i64).max(0) as f32);
        }
        Ok(AudioRead::Filled)
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

#[derive(Default)]
struct Sink {
    samples: Mutex<Vec<f32>>,
    frames: AtomicU64,
    offers: AtomicUsize,
    wake: Mutex<Option<Wake>>,
}

impl VideoTarget for Sink {
    fn name(&self) -> String {
        "sink".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish::default()
    }
    fn offer(&self, _: &Frame, delivery: Delivery) -> Result<Offered> {
        assert_eq!(delivery, Delivery::Lossless);
        if self.offers.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            if let Some(wake) = &*self.wake.lock().unwrap() {
                wake.ring();
            }
            return Ok(Offered::Busy);
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        Ok(Offered::Taken)
    }
    fn wake_on_ready(&self, wake: &Wake) {
        *self.wake.lock().unwrap() = Some(wake.clone());
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics { frames: self.frames.load(Ordering::Relaxed), dropped: 0 }
    }
}

impl AudioTarget for Sink {
    fn name(&self) -> String {
        "a test".to_owned()
    }

    fn offer_audio(&self, block: &AudioBlock, _: Delivery) -> Result<Offered> {
        let mut samples = self.samples.lock().unwrap();
        assert_eq!(block.position as usize, samples.len() / CHANNELS, "blocks follow one another");
        samples.extend_from_slice(&block.samples);
        Ok(Offered::Taken)
    }
}

#[test]
fn every_frame_and_every_sample_once_at_a_fractional_rate() {
    const FRAMES: u64 = 100;
    let c = compositor(30000, 1001);
    c.add_sound(Arc::new(Ramp), MixerInput { sync_offset: 0.01, ..MixerInput::default() }).unwrap();
    let mut run = run(&c).unwrap();
    let sink = Arc::new(Sink::default());
    let videos: Vec<(usize, Arc<dyn VideoTarget>)> = vec![(0, sink.clone())];
    let sounds: Vec<SoundTarget> = vec![(MixId::MAIN, sink.clone())];
    for n in 0..FRAMES {
        let tick = run.step().unwrap();
        assert_eq!((tick.index, tick.time), (n, c.rate().time_of(n)));
        run.deliver(&tick, &videos, &sounds, FRAMES - 1).unwrap();
    }
    assert_eq!(sink.statistics().frames, FRAMES);
    let samples = sink.samples.lock().unwrap();
    assert_eq!(samples.len() / CHANNELS, c.rate().sample_of(FRAMES, 48_000) as usize);
    assert_eq!(run.statistics().samples, c.rate().sample_of(FRAMES, 48_000));
    for (n, pair) in samples.chunks_exact(CHANNELS).enumerate() {
        assert_eq!(pair, [(n as f32 - 480.0).max(0.0); 2]);
    }
}

/// Takes a picture and cancels the run; is not ready for the first three offers of sound.
struct CancelsBetween {
    cancel: Cancel,
    offers: AtomicUsize,
    samples: AtomicUsize,
}

impl VideoTarget for CancelsBetween {
    fn name(&self) -> String {
        "cancels".to_owned()
    }
    fn wish(&self) -> VideoWish {
        VideoWish::default()
    }
    fn offer(&self, _: &Frame, _: Delivery) -> Result<Offered> {
        self.cancel.cancel();
        Ok(Offered::Taken)
    }
    fn statistics(&self) -> TargetStatistics {
        TargetStatistics::default()
    }
}

impl AudioTarget for CancelsBetween {
    fn name(&self) -> String {
        "a test".to_owned()
    }

    fn offer_audio(&self, block: &AudioBlock, _: Delivery) -> Result<Offered> {
        if self.offers.fetch_add(1, Ordering::Relaxed) < 3 {
            return Ok(Offered::Busy);
        }
        self.samples.fetch_add(block.len(), Ordering::Relaxed);
        Ok(Offered::Taken)
    }
}

#[test]
fn a_tick_that_has_begun_to_go_out_goes_out_whole() {
    let c = compositor(30, 1);
    c.add_sound(Arc::new(Ramp), MixerInput::default()).unwrap();
    let cancel = Cancel::new();
    let options =
        OfflineOptions { outputs: vec![spec()], cancel: cancel.clone(), ..OfflineOptions::default() };
    let mut run = OfflineRun::new(&c, options).unwrap();
    let target =
        Arc::new(CancelsBetween { cancel, offers: AtomicUsize::new(0), samples: AtomicUsize::new(0) });
    let tick = run.step().unwrap();
    let videos: Vec<(usize, Arc<dyn VideoTarget>)> = vec![(0, target.clone())];
    let sounds: Vec<SoundTarget> = vec![(MixId::MAIN, target.clone())];
    run.deliver(&tick, &videos, &sounds, 100).unwrap();
    assert_eq!(target.samples.load(Ordering::Relaxed), tick.sound.iter().map(AudioBlock::len).sum::<usize>());
    assert_eq!(run.step().err().map(|e| e.kind()), Some(ErrorKind::Cancelled));
}

/// Sound that is there from its beginning on for 100 ms.
struct Beep;

impl AudioSource for Beep {
    fn name(&self) -> String {
        "beep".to_owned()
    }
    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        for (n, pair) in out.chunks_exact_mut(CHANNELS).enumerate() {
            pair.fill(if (0..4800).contains(&(first + n as i64)) { 0.5 } else { 0.0 });
        }
        Ok(if first >= 4800 { AudioRead::Ended } else { AudioRead::Filled })
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn duration(&self) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }
}

/// A clip of ten frames at 30 a second; frame n shows 10 * (n + 1).
struct Clip;

impl VideoSource for Clip {
    fn name(&self) -> String {
        "clip".to_owned()
    }
    fn sample(&self, at: Timestamp, _: Sampling) -> Result<Sample> {
        let n = (at.as_secs_f64() * 30.0).round() as u8;
        let frame = frame(10 * (n.min(9) + 1)).at(at);
        Ok(if n > 9 { Sample::Ended(Some(frame)) } else { Sample::Frame(frame) })
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn duration(&self) -> Option<Duration> {
        Some(Duration::from_millis(333))
    }
}

#[test]
fn layers_begin_at_their_own_times_with_their_sound() {
    let c = compositor(30, 1);
    let clip: Arc<dyn VideoSource> = Arc::new(Clip);
    let layer = |frames: u64| Layer {
        start: Duration::from_nanos(frames * 1_000_000_000 / 30),
        ..Layer::new(SourceId::unique())
    };
    // the same clip twice: under it from frame 5 on, over it from frame 12 on
    let standby: Arc<dyn VideoSource> = Arc::new(Still::new("standby", frame(250)));
    let sound = Some(Arc::new(Beep) as Arc<dyn AudioSource>);
    c.add(clip.clone(), Some(standby), sound, layer(5), Where::Top).unwrap();
    c.add(clip, None, None, layer(12), Where::Top).unwrap();
    let mut run = run(&c).unwrap();
    assert_eq!(run.natural_length(), Some(22));
    let (mut seen, mut heard, mut over) = (Vec::new(), Vec::new(), None);
    for n in 0..25 {
        let tick = run.step().unwrap();
        seen.push(tick.frames[0].map_native().plane(0).data[0]);
        heard.extend(tick.sound.iter().flat_map(|b| b.samples.iter().copied()));
        over = over.or(tick.over.then_some(n));
    }
    let lap = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
    // nothing before, not even what stands in for it
    assert_eq!(seen[..5], [0; 5]);
    assert_eq!(seen[5..12], lap[..7]);
    assert_eq!(seen[12..22], lap);
    assert_eq!(over, Some(22));
    let begun = heard.iter().position(|s| *s != 0.0).unwrap() / CHANNELS;
    let ended = heard.iter().rposition(|s| *s != 0.0).unwrap() / CHANNELS;
    assert_eq!((begun, ended), (5 * 1600, 5 * 1600 + 4799));
}
