// SPDX-License-Identifier: GPL-2.0-or-later
//! From samples at their places to a device's frames. Runs on the device's thread: nothing waits or allocates here.

use super::backend::Giver;
use super::interpolate::{AFTER, BEFORE, Interpolator, TAPS};
use super::pace::Pace;
use super::place_ring::PlaceRing;
use super::taking::Told;
use lk_media::{CHANNELS, SAMPLE_RATE, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Frames given at a time at most.
const BLOCK: usize = 480;
/// Samples read for them: the slope is close to 1.
const WINDOW: usize = BLOCK + TAPS + 4;
/// Frames over which the line's jumps are blended.
const BLEND: usize = 240;
/// What is left between writer and reader when the distance is chosen by what happens.
const MARGIN: i64 = SAMPLE_RATE as i64 / 2000;
/// Where that begins.
const CLOSE: i64 = SAMPLE_RATE as i64 / 20;
/// How far it steps back at a time: what came late once by much is a gap, and no reason to be late by as much for long.
const BACK: i64 = SAMPLE_RATE as i64 / 200;
/// Frames looked at before that distance is shortened for the first time, and again; and what must be left then.
const TRIAL: i64 = 2 * SAMPLE_RATE as i64;
const AGAIN: i64 = 10 * SAMPLE_RATE as i64;
const PLENTY: i64 = SAMPLE_RATE as i64 / 200;

/// How far behind its place a sample is heard.
#[derive(Clone, Copy, Debug)]
pub(super) enum Distance {
    /// So many samples, and besides what the device needs.
    Behind(i64),
    /// None, if the device needs no more than so many samples; else what it needs more.
    Ahead(i64),
    /// As close to the writer as goes well.
    Close,
}

impl Distance {
    /// Samples between place and hearing for a device that needs its sound `lead` samples before; None where that is
    /// found out.
    fn with(self, lead: i64) -> Option<i64> {
        match self {
            Self::Behind(samples) => Some(samples + lead),
            Self::Ahead(most) => Some((lead - most).max(0)),
            Self::Close => None,
        }
    }
}

/// What others tell the thread, and hear from it.
pub(super) struct Controls {
    /// The factor, as bits, and whether it is silent all the same.
    pub(super) volume: AtomicU32,
    pub(super) muted: AtomicBool,
    /// Samples between a sample's place and when it is heard.
    pub(super) delay: AtomicI64,
    /// Samples between giving a frame to the device and its being heard.
    pub(super) lead: AtomicI64,
    /// Samples that were not there in time.
    pub(super) late: AtomicU64,
    /// Times that the server was given them too late.
    pub(super) underruns: AtomicU64,
    pub(super) told: Arc<Told>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            volume: AtomicU32::new(1.0f32.to_bits()),
            muted: AtomicBool::new(false),
            delay: AtomicI64::new(0),
            lead: AtomicI64::new(0),
            late: AtomicU64::new(0),
            underruns: AtomicU64::new(0),
            told: Arc::default(),
        }
    }
}

/// Reads what a speaker plays from a ring.
pub(super) struct Giving {
    ring: Arc<PlaceRing>,
    controls: Arc<Controls>,
    distance: Distance,
    pace: Pace,
    interpolator: &'static Interpolator,
    /// Frames given.
    count: i64,
    /// Samples between place and hearing, None until the line is drawn.
    delay: Option<i64>,
    gain: f32,
    /// The least that was between writer and reader since frame `.1`.
    slack: (i64, i64),
    /// Whether the distance was shortened.
    close: bool,
    window: Box<[f32; WINDOW * CHANNELS]>,
    /// How it would have gone on without a change, and whether that is blended with what is.
    tail: Box<[f32; BLEND * CHANNELS]>,
    blending: bool,
}

fn samples(duration: Duration) -> i64 {
    (duration.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000) as i64
}

impl Giving {
    pub(super) fn new(ring: Arc<PlaceRing>, controls: Arc<Controls>, distance: Distance) -> Self {
        Self {
            ring,
            controls,
            distance,
            pace: Pace::new(),
            interpolator: Interpolator::shared(),
            count: 0,
            delay: None,
            gain: 0.0,
            slack: (i64::MAX, 0),
            close: false,
            window: Box::new([0.0; WINDOW * CHANNELS]),
            tail: Box::new([0.0; BLEND * CHANNELS]),
            blending: false,
        }
    }

    fn put(&mut self, delay: i64) {
        self.delay = Some(delay);
        self.controls.delay.store(delay, Ordering::Relaxed);
    }

    /// Remembers how it would have gone on by `pace`, so that what comes instead begins softly.
    fn blend(&mut self, pace: Pace) {
        if self.delay.is_some() {
            let now = std::mem::replace(&mut self.pace, pace);
            let mut tail = [0.0; BLEND * CHANNELS];
            self.render(&mut tail);
            self.tail.copy_from_slice(&tail);
            self.pace = now;
            self.blending = true;
        }
    }

    /// The next frames as line and distance are; what is not there is silent. How many samples more than these were
    /// there, negative if some were missing; None without a line or a writer.
    fn render(&mut self, out: &mut [f32]) -> Option<i64> {
        let frames = out.len() / CHANNELS;
        let line = self.pace.place_of(self.count).zip(self.delay);
        let Some(((start, _), delay)) = line.filter(|_| frames <= BLOCK) else {
            out.fill(0.0);
            return None;
        };
        let base = start - delay - BEFORE;
        let window = &mut self.window[..(frames + TAPS + 4) * CHANNELS];
        self.ring.read(base, window);
        for (n, frame) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let Some((place, part)) = self.pace.place_of(self.count + n as i64) else { break };
            let at = usize::try_from(place - delay - BEFORE - base).unwrap_or(0).min(frames + 4) * CHANNELS;
            frame.copy_from_slice(&self.interpolator.at(&self.window[at..at + TAPS * CHANNELS], part));
        }
        let end = self.ring.end()?;
        // a writer that is long gone is not late
        (end > base - i64::from(SAMPLE_RATE)).then(|| end - (base + BEFORE + frames as i64 + AFTER))
    }

    /// Chooses the distance by how much was left between writer and reader.
    fn approach(&mut self) {
        let (least, since) = self.slack;
        let Some(delay) = self.delay.filter(|_| least != i64::MAX) else { return };
        let looked = self.count - since;
        let by = if least < 0 || (!self.close && looked >= TRIAL) || (looked >= AGAIN && least > PLENTY) {
            (MARGIN - least).min(BACK)
        } else if looked < AGAIN {
            return;
        } else {
            0
        };
        self.close |= least >= 0;
        if by != 0 {
            self.blend(self.pace);
            self.put((delay + by).max(0));
        }
        self.slack = (i64::MAX, self.count);
    }
}

impl Giver for Giving {
    fn wanted(&mut self, total: i64, now: Timestamp, lead: Duration) {
        let lead_samples = samples(lead);
        self.controls.lead.store(lead_samples, Ordering::Relaxed);
        let (before, was) = (self.pace, self.pace.is_settled());
        if self.pace.observe(total, now + lead, self.count) && was {
            self.blend(before);
        }
        if self.pace.is_settled() && !was {
            self.put(self.distance.with(lead_samples).unwrap_or(lead_samples + CLOSE));
            self.slack = (i64::MAX, self.count);
        } else if let Some((delay, needed)) = self.delay.zip(self.distance.with(lead_samples))
            && needed > delay
        {
            // the device needs its sound earlier than before: what is not written yet cannot be had
            self.blend(self.pace);
            self.put(needed);
        }
        if matches!(self.distance, Distance::Close) {
            self.approach();
        }
        self.controls.told.tell(&self.pace);
    }

    fn underrun(&mut self) {
        if self.pace.is_settled() {
            self.controls.underruns.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn give(&mut self, out: &mut [f32]) {
        for part in out.chunks_mut(BLOCK * CHANNELS) {
            let frames = part.len() / CHANNELS;
            if let Some(left) = self.render(part) {
                self.slack.0 = self.slack.0.min(left);
                let late = (-left).clamp(0, frames as i64).unsigned_abs();
                self.controls.late.fetch_add(late, Ordering::Relaxed);
            }
            if std::mem::take(&mut self.blending) {
                let blended = frames.min(BLEND);
                for n in 0..blended {
                    let share = (n + 1) as f32 / blended as f32;
                    for c in 0..CHANNELS {
                        let at = n * CHANNELS + c;
                        part[at] = part[at] * share + self.tail[at] * (1.0 - share);
                    }
                }
            }
            let muted = self.controls.muted.load(Ordering::Relaxed);
            let volume = f32::from_bits(self.controls.volume.load(Ordering::Relaxed));
            let to = if muted || self.delay.is_none() { 0.0 } else { volume };
            let step = (to - self.gain) / frames as f32;
            if step != 0.0 || to != 1.0 {
                for (n, frame) in part.chunks_exact_mut(CHANNELS).enumerate() {
                    let gain = self.gain + step * (n + 1) as f32;
                    frame.iter_mut().for_each(|s| *s *= gain);
                }
            }
            self.gain = to;
            self.count += frames as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A speaker fed with a ramp, `behind` samples behind the clock: steps of 10 ms, each wanted with a lead.
    struct Bench {
        ring: Arc<PlaceRing>,
        controls: Arc<Controls>,
        giving: Giving,
        step: i64,
        last: Vec<f32>,
    }

    impl Bench {
        fn new(distance: Distance) -> Self {
            let (ring, controls) = (Arc::new(PlaceRing::new()), Arc::new(Controls::default()));
            let giving = Giving::new(ring.clone(), controls.clone(), distance);
            Self { ring, controls, giving, step: 0, last: Vec::new() }
        }

        fn run(&mut self, steps: i64, behind: i64, lead_ms: u64) {
            for _ in 0..steps {
                let now = 48_000_000 + self.step * 480;
                let written = [1.0; 480 * CHANNELS];
                self.ring.write(now - behind - 480, &written);
                let time = Timestamp::from_nanos(now * 62_500 / 3);
                self.giving.wanted((self.step + 1) * 480, time, Duration::from_millis(lead_ms));
                self.last = vec![0.0; 480 * CHANNELS];
                self.giving.give(&mut self.last);
                self.step += 1;
            }
        }

        fn late(&self) -> u64 {
            self.controls.late.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_device_that_comes_to_need_more_is_not_given_what_is_not_there() {
        let mut bench = Bench::new(Distance::Behind(4320));
        bench.run(300, 2880, 30);
        assert_eq!(bench.controls.delay.load(Ordering::Relaxed), 4320 + 1440);
        let before = bench.late();
        for lead in [40, 60, 100] {
            bench.run(1000, 2880, lead);
            assert_eq!(bench.late(), before, "lead {lead} ms");
            assert!(bench.last.iter().all(|s| (s - 1.0).abs() < 1e-4));
        }
        assert_eq!(bench.controls.delay.load(Ordering::Relaxed), 4320 + 4800);
    }

    #[test]
    fn a_repeater_comes_close_and_steps_back() {
        let mut bench = Bench::new(Distance::Close);
        bench.run(300, 240, 11);
        let close = bench.controls.delay.load(Ordering::Relaxed);
        assert!(close < 528 + 480 + 240 + 200, "{close}");
        // the microphone's sound comes 10 ms later from now on
        bench.run(10, 720, 11);
        let late = bench.late();
        bench.run(1000, 720, 11);
        assert_eq!(bench.late(), late);
        let back = bench.controls.delay.load(Ordering::Relaxed);
        assert!(back >= close + 400);
        // one step comes a quarter of a second late: it does not stay behind by as much
        bench.run(1, 12_720, 11);
        bench.run(20, 720, 11);
        assert!(bench.controls.delay.load(Ordering::Relaxed) <= back + 2 * BACK);
    }
}
