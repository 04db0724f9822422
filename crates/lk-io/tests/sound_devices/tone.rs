// SPDX-License-Identifier: GPL-2.0-or-later
//! A tone whose every sample tells whether one before it is missing.

use super::media::skip;
use super::session::pass;
use lk_media::clock::Stopwatch;
use lk_media::thread::{self, Thread};
use lk_media::{
    AudioRead, AudioSource, CHANNELS, Cancel, Clock, Exactness, Result, Sampling, audio_port::sample_at,
};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub const HZ: f64 = 1000.0;
/// -20 dBFS: the level of a sine is that of its root mean square times the root of 2.
pub const AMPLITUDE: f64 = 0.1;

/// What is louder than this and no tone is a gap, or a click.
const NOISE: f64 = -40.0;

/// 1 kHz at -20 dBFS on the live time line.
pub struct Tone;

impl AudioSource for Tone {
    fn name(&self) -> String {
        "a tone".to_owned()
    }

    fn read(&self, first: i64, out: &mut [f32], _sampling: Sampling) -> Result<AudioRead> {
        for (n, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let phase = (first + n as i64).rem_euclid(48_000) as f64 * HZ / 48_000.0;
            frame.fill((AMPLITUDE * (phase * TAU).sin()) as f32);
        }
        Ok(AudioRead::Filled)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

/// What is found in recorded samples.
#[derive(Debug)]
pub struct Heard {
    /// The level of the whole, in dBFS as sines have it.
    pub level: f64,
    /// Places where more than half a sample is missing or too much.
    pub breaks: usize,
    /// The frequency.
    pub hz: f64,
    /// Frames looked at.
    pub frames: usize,
    /// Loudest of what is no tone, in dBFS.
    pub rest: f64,
}

/// Looks at the tone in the left channel of `samples`.
pub fn look_at(samples: &[f32]) -> Heard {
    let left: Vec<f64> = samples.iter().step_by(CHANNELS).map(|s| f64::from(*s)).collect();
    let power = left.iter().map(|s| s * s).sum::<f64>() / left.len().max(1) as f64;
    // the phase of 5 ms at a time against that of an undisturbed tone
    const BLOCK: usize = 240;
    let phases: Vec<f64> = left
        .chunks_exact(BLOCK)
        .enumerate()
        .map(|(n, block)| {
            let (mut re, mut im) = (0.0, 0.0);
            for (k, s) in block.iter().enumerate() {
                let angle = TAU * HZ * (n * BLOCK + k) as f64 / 48_000.0;
                (re, im) = (re + s * angle.sin(), im + s * angle.cos());
            }
            im.atan2(re) / TAU
        })
        .collect();
    let turn = |a: f64, b: f64| (b - a) - (b - a).round();
    let half_a_sample = HZ / 48_000.0 / 2.0;
    let turns: Vec<f64> = phases.windows(2).map(|w| turn(w[0], w[1])).collect();
    let breaks = turns.iter().filter(|t| t.abs() > half_a_sample).count();
    let hz = HZ + turns.iter().sum::<f64>() / turns.len().max(1) as f64 * 48_000.0 / BLOCK as f64;
    let mut rest = 0.0f64;
    for (n, block) in left.chunks_exact(BLOCK).enumerate() {
        let phase = phases[n];
        let level = (2.0 * block.iter().map(|s| s * s).sum::<f64>() / BLOCK as f64).sqrt();
        for (k, s) in block.iter().enumerate() {
            let tone = level * (TAU * (HZ * (n * BLOCK + k) as f64 / 48_000.0 + phase)).sin();
            rest = rest.max((s - tone).abs());
        }
    }
    let level = 10.0 * (2.0 * power).log10();
    Heard { level, breaks, hz, frames: left.len(), rest: 20.0 * rest.log10() }
}

/// An error unless the tone is whole.
pub fn assert_whole(heard: &Heard, seconds: f64) {
    assert!(heard.frames as f64 >= seconds * 48_000.0 * 0.98, "only {} frames", heard.frames);
    assert!((heard.level + 20.0).abs() < 0.5, "{heard:?}");
    assert!((heard.hz - HZ).abs() < 1.0, "{heard:?}");
    assert!(heard.breaks == 0 && heard.rest < NOISE, "{heard:?}");
}

/// Looks how late an ordinary thread comes, as programs and the server's own threads do.
struct Witness {
    cancel: Cancel,
    worst: Arc<AtomicU64>,
    _thread: Thread,
}

impl Witness {
    fn start() -> Self {
        let (cancel, worst) = (Cancel::new(), Arc::new(AtomicU64::new(0)));
        let (ended, late) = (cancel.clone(), worst.clone());
        let thread = thread::spawn("witness", move || {
            while !ended.is_cancelled() {
                let waited = Stopwatch::start();
                pass(0.002);
                late.fetch_max(waited.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        });
        Self { cancel, worst, _thread: thread.unwrap() }
    }

    fn worst_ms(&self) -> f64 {
        self.worst.load(Ordering::Relaxed) as f64 / 1e3
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// A step of the server: a thread of it that comes later leaves one out.
const STEP_MS: f64 = 1024.0 / 48.0;

/// All that `record` gives has to be the tone, whole, for so many seconds. A recording during which threads of this
/// machine came a step late says nothing, because the server's do as well: it is made again, and after a few of them
/// the test is skipped.
pub fn all_whole(what: &str, seconds: f64, mut record: impl FnMut() -> Vec<Vec<f32>>) {
    let mut worst = 0.0;
    for _ in 0..5 {
        let witness = Witness::start();
        let heard: Vec<Heard> = record().iter().map(|samples| look_at(samples)).collect();
        worst = witness.worst_ms();
        println!("{what}: {heard:?}; threads come up to {worst:.1} ms late");
        if heard.iter().all(|h| h.breaks == 0 && h.rest < NOISE) || worst < STEP_MS {
            return heard.iter().for_each(|h| assert_whole(h, seconds));
        }
    }
    skip(&format!("{what}: the machine is busy, threads come {worst:.0} ms late"));
}

/// The same for one recording.
pub fn whole(what: &str, seconds: f64, mut record: impl FnMut() -> Vec<f32>) {
    all_whole(what, seconds, || vec![record()]);
}

/// The sound of `source` from now on for so many seconds, read 60 ms after its time as recorders do; how many
/// samples were late.
pub fn listen(source: &dyn AudioSource, seconds: f64) -> (Vec<f32>, usize) {
    let clock = <dyn Clock>::live();
    let first = sample_at(clock.now());
    let (mut samples, mut late) = (Vec::new(), 0);
    let mut block = [0.0; 480 * CHANNELS];
    let mut next = first;
    while ((next - first) as f64) < seconds * 48_000.0 {
        if sample_at(clock.now()) < next + 480 + 2880 {
            pass(0.002);
            continue;
        }
        if let AudioRead::Late(n) = source.read(next, &mut block, Sampling::Live).unwrap() {
            late += n;
        }
        samples.extend_from_slice(&block);
        next += 480;
    }
    (samples, late)
}

#[test]
fn a_missing_sample_is_found() {
    let mut samples = vec![0.0; 48_000 * CHANNELS];
    Tone.read(17, &mut samples, Sampling::Live).unwrap();
    let heard = look_at(&samples);
    assert_whole(&heard, 1.0);
    assert!(heard.rest < -90.0, "{heard:?}");
    samples.drain(24_000..24_000 + CHANNELS);
    assert!(look_at(&samples).breaks > 0);
}

/// A click ten times a second.
pub struct Clicks;

impl AudioSource for Clicks {
    fn name(&self) -> String {
        "clicks".to_owned()
    }

    fn read(&self, first: i64, out: &mut [f32], _sampling: Sampling) -> Result<AudioRead> {
        for (n, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            frame.fill(if (first + n as i64).rem_euclid(4800) < 2 { 0.8 } else { 0.0 });
        }
        Ok(AudioRead::Filled)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

/// The places of clicks in the left channel.
pub fn clicks_in(samples: &[f32]) -> Vec<i64> {
    let mut found: Vec<i64> = Vec::new();
    for (n, frame) in samples.chunks(CHANNELS).enumerate() {
        if frame[0].abs() > 0.3 && found.last().is_none_or(|last| n as i64 - last > 1000) {
            found.push(n as i64);
        }
    }
    found
}
