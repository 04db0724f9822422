// SPDX-License-Identifier: GPL-2.0-or-later
//! The mixer of a live run takes no memory once it is under way, and little time.
#![allow(clippy::unwrap_used)] // helpers of tests

use lk_compositor::{MixId, MixSettings, MixerInput, Monitor};
use lk_engine::{Compositor, LiveOptions};
use lk_media::clock::{Deadline, Stopwatch};
use lk_media::{
    AudioBlock, AudioPort, AudioRead, AudioSource, AudioTarget, CHANNELS, Clock, Delivery, Exactness,
    FrameRate, Offered, Result, Sampling, Size, audio_port,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts what threads take that have said so.
struct Counting;

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}
static TAKEN: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is done by the system's allocator; counting takes no memory.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTED.try_with(Cell::get).unwrap_or(false) {
            TAKEN.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: what is asked of this is asked of that.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it came from there.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A source that is read on the mixer's thread.
struct Probe {
    blocks: AtomicU64,
}

impl AudioSource for Probe {
    fn name(&self) -> String {
        "a probe".to_owned()
    }
    fn read(&self, first: i64, out: &mut [f32], _: Sampling) -> Result<AudioRead> {
        // the first second is for taking up
        if self.blocks.fetch_add(1, Ordering::Relaxed) == 100 {
            COUNTED.set(true);
        }
        for (n, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            frame.fill(((first + n as i64) % 480) as f32 / 240.0 - 1.0);
        }
        Ok(AudioRead::Filled)
    }
    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("it is a probe")
    }
}

struct Nobody;

impl AudioTarget for Nobody {
    fn name(&self) -> String {
        "nobody".to_owned()
    }
    fn offer_audio(&self, _: &AudioBlock, _: Delivery) -> Result<Offered> {
        Ok(Offered::Taken)
    }
}

/// Eight inputs to two mixes and the monitor, limited, metered and played.
fn scene() -> (Compositor, Arc<Probe>, Vec<Arc<AudioPort>>) {
    let scene = Compositor::new(Size::new(2, 2), FrameRate::new(50, 1).unwrap()).unwrap();
    let probe = Arc::new(Probe { blocks: AtomicU64::new(0) });
    let voice = scene.add_mix(MixSettings::named("voice")).unwrap();
    scene.edit_mix(MixId::MAIN, |m| m.limiter = true).unwrap();
    let settings = |n: usize| MixerInput {
        gain_db: 6.0 - n as f64,
        pan: 0.1 * n as f64,
        monitor: Monitor::On,
        mixes: [MixId::MAIN, voice].into_iter().collect(),
        ..MixerInput::default()
    };
    scene.add_sound(probe.clone(), settings(0)).unwrap();
    let ports: Vec<Arc<AudioPort>> = (1..8).map(|_| Arc::default()).collect();
    for (n, port) in ports.iter().enumerate() {
        scene.add_sound(port.clone(), settings(n + 1)).unwrap();
    }
    scene.add_mix_target(voice, Arc::new(Nobody)).unwrap();
    scene.play_to(MixId::MONITOR, Arc::new(AudioPort::default())).unwrap();
    (scene, probe, ports)
}

/// Keeps sound in the ports until so many blocks are mixed.
fn until(scene: &Compositor, probe: &Probe, ports: &[Arc<AudioPort>], blocks: u64) {
    let deadline = Deadline::after(Duration::from_secs(60));
    let tone: Vec<f32> = (0..9600).map(|n| (n as f32 * 0.05).sin()).collect();
    while probe.blocks.load(Ordering::Relaxed) < blocks && !deadline.has_passed() {
        let now = <dyn Clock>::live().now();
        for port in ports.iter().filter(|port| port.newest(now) < audio_port::sample_at(now) + 24_000) {
            port.push(&tone, now);
        }
        scene.wait(Duration::from_millis(20));
    }
    assert!(probe.blocks.load(Ordering::Relaxed) >= blocks);
}

#[test]
fn blocks_take_no_memory() {
    let (scene, probe, ports) = scene();
    scene.start(LiveOptions::default()).unwrap();
    until(&scene, &probe, &ports, 250);
    assert_eq!(TAKEN.load(Ordering::Relaxed), 0);
    assert!(scene.levels().main().peak[0] > 0.3, "it is heard");
    COUNTED.set(true);
    drop(std::hint::black_box(vec![0_u8; 100]));
    COUNTED.set(false);
    assert!(TAKEN.load(Ordering::Relaxed) > 0, "it counts");
}

#[test]
#[ignore = "a measurement: run with --ignored --nocapture"]
fn timing() {
    let (scene, probe, ports) = scene();
    scene.start(LiveOptions { threads: 1, ..LiveOptions::default() }).unwrap();
    let watch = Stopwatch::start();
    until(&scene, &probe, &ports, 3000);
    let (cpu, elapsed) = (scene.live_statistics().unwrap().mixer_cpu, watch.elapsed());
    println!(
        "eight inputs, three mixes, one limited: {:.2} % of a core, {:.1} us a block",
        100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64(),
        1e6 * cpu.as_secs_f64() / 3000.0
    );
}
