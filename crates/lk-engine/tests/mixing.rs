// SPDX-License-Identifier: GPL-2.0-or-later
//! What runs do with sound: the same samples offline and live, mixes beside one another, targets of any kind.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{MixId, MixSettings, MixerInput, Mixes, Monitor};
use lk_engine::{Compositor, LiveOptions, OfflineOptions, OfflineRun, SoundId};
use lk_media::clock::Deadline;
use lk_media::{
    AudioBlock, AudioRead, AudioSource, AudioTarget, CHANNELS, Clock, ClockId, ClockLease, Delivery, Error,
    ErrorKind, EventKind, Exactness, FrameRate, LeaseGuard, ManualClock, Offered, Result, Sampling, Size,
    Timestamp, Wake, audio_port,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A block of sound is a frame of pictures at this rate.
const RATE: u32 = 100;
/// Nothing here takes this long.
const FOR_EVER: Duration = Duration::from_secs(60);

fn compositor() -> Compositor {
    Compositor::new(Size::new(2, 2), FrameRate::new(RATE, 1).unwrap()).unwrap()
}

fn tone_at(hz: f64, n: i64) -> [f32; 2] {
    let x = n as f64 * hz / 48_000.0 * std::f64::consts::TAU;
    [x.sin() as f32, (x * 1.01).cos() as f32 * 0.7]
}

/// A tone that begins with the run.
struct Tone {
    hz: f64,
    start: Mutex<i64>,
    lease: ClockLease,
}

impl Tone {
    fn new(hz: f64) -> Arc<Self> {
        Arc::new(Self { hz, start: Mutex::default(), lease: ClockLease::default() })
    }
}

impl AudioSource for Tone {
    fn name(&self) -> String {
        format!("a tone of {} Hz", self.hz)
    }
    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        let start = *self.start.lock();
        for (n, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            frame.copy_from_slice(&tone_at(self.hz, first + n as i64 - start));
        }
        Ok(AudioRead::Filled)
    }
    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        *self.start.lock() = audio_port::sample_at(start);
        self.lease.take(clock, "the tone").map(|(guard, _)| Some(guard))
    }
}

/// Keeps what it is given; may be slow or broken.
#[derive(Default)]
struct Sink {
    blocks: Mutex<Vec<(u64, Vec<f32>)>>,
    stuck: AtomicBool,
    broken: AtomicBool,
}

impl Sink {
    fn samples(&self) -> Vec<f32> {
        let blocks = self.blocks.lock();
        for pair in blocks.windows(2) {
            let end = pair[0].0 + (pair[0].1.len() / CHANNELS) as u64;
            assert_eq!(end, pair[1].0, "blocks follow one another");
        }
        blocks.iter().flat_map(|(_, samples)| samples).copied().collect()
    }
}

impl AudioTarget for Sink {
    fn name(&self) -> String {
        "a sink".to_owned()
    }
    fn offer_audio(&self, block: &AudioBlock, _: Delivery) -> Result<Offered> {
        while self.stuck.load(Ordering::Acquire) {
            Wake::new().wait(Duration::from_millis(5));
        }
        if self.broken.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Output, "the sink is broken"));
        }
        self.blocks.lock().push((block.position, block.samples.to_vec()));
        Ok(Offered::Taken)
    }
}

/// A scene of three tones and a second mix; its edits, by the number of the block they come before.
struct Show {
    scene: Compositor,
    inputs: Vec<SoundId>,
    voice: MixId,
}

impl Show {
    const BLOCKS: u64 = 60;

    fn new() -> Self {
        let scene = compositor();
        let voice = scene.add_mix(MixSettings::named("voice")).unwrap();
        let both: Mixes = [MixId::MAIN, voice].into_iter().collect();
        let settings = [
            MixerInput { gain_db: -3.0, mixes: both, ..MixerInput::default() },
            MixerInput { pan: 0.4, sync_offset: 0.0123, ..MixerInput::default() },
            MixerInput { mono: true, sync_offset: -0.02, ..MixerInput::default() },
        ];
        let tones = [220.0, 313.0, 441.0];
        let add = |(input, hz): (MixerInput, f64)| scene.add_sound(Tone::new(hz), input).unwrap();
        let inputs = settings.into_iter().zip(tones).map(add).collect();
        Self { scene, inputs, voice }
    }

    fn before(&self, block: u64) {
        let (scene, inputs) = (&self.scene, &self.inputs);
        let edit = |n: usize, change: &dyn Fn(&mut MixerInput)| scene.edit_sound(inputs[n], change).unwrap();
        match block {
            5 => edit(0, &|i| i.gain_db = 6.0),
            10 => scene.edit_mix(MixId::MAIN, |m| (m.limiter, m.ceiling_db) = (true, -6.0)).unwrap(),
            15 => {
                let batch = scene.batch();
                edit(1, &|i| (i.pan, i.sync_offset) = (-1.0, 0.5));
                edit(0, &|i| i.mixes = Mixes::MAIN);
                drop(batch);
            }
            20 => scene.remove_sound(inputs[2]).unwrap(),
            25 => scene.edit_mix(MixId::MAIN, |m| m.limiter = false).unwrap(),
            30 => edit(0, &|i| i.mute = true),
            35 => scene.edit_mix(self.voice, |m| (m.limiter, m.ceiling_db) = (true, -20.0)).unwrap(),
            40 => edit(0, &|i| (i.mute, i.monitor) = (false, Monitor::Only)),
            45 => edit(0, &|i| (i.monitor, i.mixes) = (Monitor::On, [self.voice].into_iter().collect())),
            _ => {}
        }
    }

    fn offline(&self) -> [Vec<f32>; 2] {
        let options = OfflineOptions { threads: 1, ..OfflineOptions::default() };
        let mut run = OfflineRun::new(&self.scene, options).unwrap();
        let mut out = [Vec::new(), Vec::new()];
        for block in 0..Self::BLOCKS {
            self.before(block);
            let tick = run.step().unwrap();
            tick.sound.iter().for_each(|b| out[0].extend_from_slice(&b.samples));
            tick.tracks.iter().for_each(|(mix, b)| {
                assert_eq!(*mix, self.voice);
                out[1].extend_from_slice(&b.samples);
            });
        }
        out
    }

    fn live(&self, up: i64) -> [Vec<f32>; 2] {
        let sinks = [Arc::new(Sink::default()), Arc::new(Sink::default())];
        self.scene.add_sound_target(sinks[0].clone());
        self.scene.add_mix_target(self.voice, sinks[1].clone()).unwrap();
        let clock = Arc::new(ManualClock::new());
        clock.set(Timestamp::from_nanos(up));
        let options = LiveOptions { clock: clock.clone(), threads: 1 };
        let mut run = self.scene.start_stepped(options).unwrap();
        let mut done = 0;
        while done < Self::BLOCKS {
            self.before(done);
            // in steps that have nothing to do with blocks, until one more is mixed
            while sinks[0].blocks.lock().len() as u64 == done {
                clock.set(clock.now() + Duration::from_micros(1700));
                run.advance();
            }
            done += 1;
            assert_eq!(sinks[0].blocks.lock().len() as u64, done);
        }
        sinks.map(|sink| sink.samples())
    }
}

#[test]
fn live_and_offline_runs_give_the_same_samples() {
    let [main, voice] = Show::new().offline();
    assert_eq!(main.len(), 2 * 480 * Show::BLOCKS as usize);
    let steepest = main.iter().zip(&main[2..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.16, "{steepest}");
    for up in [0, 10_000_000_000_000_123] {
        let [live, live_voice] = Show::new().live(up);
        let differs = live.iter().zip(&main).position(|(a, b)| a != b);
        assert_eq!((live.len(), differs), (main.len(), None));
        let differs = live_voice.iter().zip(&voice).position(|(a, b)| a != b);
        assert_eq!((live_voice.len(), differs), (voice.len(), None));
    }
    let [again, again_voice] = Show::new().offline();
    assert!(again == main && again_voice == voice);
}

#[test]
fn a_limiter_takes_nothing_off_the_end_of_an_offline_run() {
    let scene = compositor();
    scene.add_sound(Tone::new(1000.0), MixerInput::default()).unwrap();
    scene.edit_mix(MixId::MAIN, |m| (m.limiter, m.ceiling_db) = (true, 0.0)).unwrap();
    let mut run =
        OfflineRun::new(&scene, OfflineOptions { threads: 1, ..OfflineOptions::default() }).unwrap();
    let samples: Vec<f32> =
        (0..10).flat_map(|_| run.step().unwrap().sound).flat_map(|block| block.samples.to_vec()).collect();
    let expected: Vec<f32> = (0..4800).flat_map(|n| tone_at(1000.0, n)).collect();
    assert_eq!(samples, expected);
}

#[test]
fn a_removed_sound_fades_and_is_let_go() {
    let (scene, tone, sink) = (compositor(), Tone::new(100.0), Arc::new(Sink::default()));
    let id = scene.add_sound(tone.clone(), MixerInput::default()).unwrap();
    scene.add_sound_target(sink.clone());
    let clock = Arc::new(ManualClock::new());
    let mut run = scene.start_stepped(LiveOptions { clock: clock.clone(), threads: 1 }).unwrap();
    let mut advance = |blocks: u64| {
        clock.set(clock.now() + Duration::from_millis(10 * blocks));
        run.advance();
    };
    advance(20);
    assert!(tone.lease.take(ClockId::unique(), "the tone").is_err());
    scene.remove_sound(id).unwrap();
    assert!(scene.sound(id).is_err());
    let before = sink.samples().len();
    advance(1);
    let block = sink.samples().split_off(before);
    assert!(block.iter().zip(&block[2..]).all(|(a, b)| (a - b).abs() < 0.03) && block[100] != 0.0);
    assert_eq!(block[2 * 479..], [0.0, 0.0]);
    advance(1);
    assert!(tone.lease.take(ClockId::unique(), "the tone").is_ok());
}

#[test]
fn edits_of_mixes_are_checked_and_rolled_back_whole() {
    let scene = compositor();
    let id = scene.add_sound(Tone::new(100.0), MixerInput::default()).unwrap();
    let voice = scene.add_mix(MixSettings::named("voice")).unwrap();
    for wrong in [
        scene.add_mix(MixSettings::named("voice")).map(drop),
        scene.add_mix(MixSettings::named("main")).map(drop),
        scene.edit_mix(voice, |m| m.ceiling_db = 1.0),
        scene.edit_sound(id, |i| i.pan = 2.0),
        scene.edit_sound(id, |i| i.mixes.insert(MixId::MONITOR)),
        scene.edit_sound(id, |i| i.mixes.insert(MixId::new(9).unwrap())),
        scene.remove_mix(MixId::MAIN),
        scene.remove_mix(MixId::MONITOR),
    ] {
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Parameter);
    }
    let revision = scene.committed().revision;
    let batch = scene.batch();
    scene.edit_sound(id, |i| i.mixes.insert(voice)).unwrap();
    let music = scene.add_mix(MixSettings::named("music")).unwrap();
    assert_eq!(scene.mix(music).unwrap().name, "music");
    assert_eq!(scene.committed().revision, revision);
    batch.rollback();
    assert_eq!(scene.sound(id).unwrap(), MixerInput::default());
    assert_eq!(scene.mix(music).unwrap_err().kind(), ErrorKind::Index);
    let port = scene.mix_port(voice).unwrap();
    scene.add_mix_target(voice, Arc::new(Sink::default())).unwrap();
    scene.remove_mix(voice).unwrap();
    assert_eq!(scene.remove_mix(voice).unwrap_err().kind(), ErrorKind::Index);
    let again = scene.add_mix(MixSettings::named("voice")).unwrap();
    assert!(!Arc::ptr_eq(&port, &scene.mix_port(again).unwrap()), "a new one is not the old one");
}

#[test]
fn a_stuck_target_loses_sound_and_holds_nobody_up() {
    let (scene, stuck, sink) = (compositor(), Arc::new(Sink::default()), Arc::new(Sink::default()));
    scene.add_sound(Tone::new(100.0), MixerInput { monitor: Monitor::On, ..MixerInput::default() }).unwrap();
    stuck.stuck.store(true, Ordering::Release);
    let slow = scene.play_to(MixId::MAIN, stuck.clone()).unwrap();
    let good = scene.play_to(MixId::MONITOR, sink.clone()).unwrap();
    scene.start(LiveOptions::default()).unwrap();
    let deadline = Deadline::after(FOR_EVER);
    while good.played() < 48_000 && !deadline.has_passed() {
        scene.wait(Duration::from_millis(20));
    }
    assert!(sink.samples().len() >= 2 * 48_000 && good.dropped() == 0 && good.is_playing());
    assert!(slow.dropped() >= 24_000 && slow.played() == 0, "{}", slow.dropped());
    let level = scene.levels();
    assert!((20.0 * level.main().rms[0].log10() + 3.01).abs() < 0.1, "{level:?}");
    assert_eq!(level.mixes[&MixId::MONITOR].rms, level.main().rms);
    assert!(level.main().hold[0] > 0.99 && level.main().clips == 0);
    good.stop();
    assert!(!good.is_playing() && good.error().is_none());
    let count = sink.blocks.lock().len();
    scene.wait(Duration::from_millis(50));
    assert_eq!(sink.blocks.lock().len(), count);
    // the scene goes while its target is stuck
    drop(scene);
    assert!(!slow.is_playing());
    stuck.stuck.store(false, Ordering::Release);
    drop(slow);
}

#[test]
fn a_failing_target_is_told_and_taken_away() {
    let (scene, broken) = (compositor(), Arc::new(Sink::default()));
    broken.broken.store(true, Ordering::Release);
    let playing = scene.play_to(MixId::MAIN, broken).unwrap();
    let events = scene.events().reader();
    scene.start(LiveOptions::default()).unwrap();
    let deadline = Deadline::after(FOR_EVER);
    while playing.is_playing() && !deadline.has_passed() {
        scene.wait(Duration::from_millis(20));
    }
    assert_eq!(playing.error().unwrap().kind(), ErrorKind::Output);
    let failed = std::iter::from_fn(|| events.next(FOR_EVER)).find(|e| e.kind == EventKind::TargetState);
    assert_eq!(failed.unwrap().reason.unwrap(), "the sink is broken");
    scene.stop();
    assert_eq!(scene.take_failures().len(), 1);
}
