// SPDX-License-Identifier: GPL-2.0-or-later
//! From a device's frames to samples at their places. Runs on the device's thread: nothing waits or allocates here.

use super::backend::Taker;
use super::interpolate::{AFTER, BEFORE, Interpolator, TAPS};
use super::pace::Pace;
use super::place_ring::PlaceRing;
use lk_media::{CHANNELS, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Device frames kept, a power of two, and how many may come at once.
const KEEP: i64 = 1 << 14;
const MOST: usize = KEEP as usize / 2;
/// Samples made at a time.
const BLOCK: usize = 480;
/// Sound is put so far back at most, to where it was heard: what is asked for 60 ms after its time must be there.
const MOST_AGE: Duration = Duration::from_millis(30);

/// What the thread tells of itself.
#[derive(Default)]
pub(super) struct Told {
    /// Times that the line between device and session has jumped.
    pub(super) jumps: AtomicU64,
    /// The device's drift in billionths.
    pub(super) drift: AtomicI64,
    /// Whether it keeps time with the device.
    pub(super) settled: AtomicBool,
}

impl Told {
    pub(super) fn tell(&self, pace: &Pace) {
        self.jumps.store(pace.jumps(), Ordering::Relaxed);
        self.drift.store((pace.drift() * 1e3) as i64, Ordering::Relaxed);
        self.settled.store(pace.is_settled(), Ordering::Relaxed);
    }
}

/// Writes what a microphone hears into a ring.
pub(super) struct Taking {
    ring: Arc<PlaceRing>,
    told: Arc<Told>,
    pace: Pace,
    interpolator: &'static Interpolator,
    /// The newest frames, that of number n at n modulo the length; followed by a copy of the first ones, so that
    /// a run of [`TAPS`] is never cut in two.
    frames: Box<[f32]>,
    /// Frames that came.
    count: i64,
    /// The next place to be written, and the frame it needs.
    next: Option<i64>,
    hinge: i64,
    block: Box<[f32; BLOCK * CHANNELS]>,
}

impl Taking {
    pub(super) fn new(ring: Arc<PlaceRing>, told: Arc<Told>) -> Self {
        Self {
            ring,
            told,
            pace: Pace::new(),
            interpolator: Interpolator::shared(),
            frames: vec![0.0; (KEEP as usize + TAPS) * CHANNELS].into(),
            count: 0,
            next: None,
            hinge: 0,
            block: Box::new([0.0; BLOCK * CHANNELS]),
        }
    }

    fn keep(&mut self, frame: [f32; CHANNELS]) {
        let at = (self.count & (KEEP - 1)) as usize;
        self.frames[at * CHANNELS..(at + 1) * CHANNELS].copy_from_slice(&frame);
        if at < TAPS {
            let copy = (at + KEEP as usize) * CHANNELS;
            self.frames[copy..copy + CHANNELS].copy_from_slice(&frame);
        }
        self.count += 1;
    }

    /// Makes the samples whose frames are there.
    fn make(&mut self) {
        let Some(mut next) = self.next else { return };
        loop {
            let (first, mut made) = (next, 0);
            while made < BLOCK {
                let Some((frame, part)) = self.pace.frame_of(next) else { return };
                self.hinge = frame;
                if frame + AFTER >= self.count {
                    break;
                }
                let at = ((frame - BEFORE) & (KEEP - 1)) as usize * CHANNELS;
                let sample = self.interpolator.at(&self.frames[at..at + TAPS * CHANNELS], part);
                self.block[made * CHANNELS..(made + 1) * CHANNELS].copy_from_slice(&sample);
                (made, next) = (made + 1, next + 1);
            }
            if made == 0 {
                break;
            }
            self.ring.write(first, &self.block[..made * CHANNELS]);
        }
        self.next = Some(next);
    }
}

impl Taker for Taking {
    fn take(&mut self, frames: &[u8], now: Timestamp, age: Option<Duration>) {
        let size = size_of::<f32>() * CHANNELS;
        // of more than can be kept, only the newest matter
        let skip = (frames.len() / size).saturating_sub(MOST);
        self.count += skip as i64;
        for frame in frames.chunks_exact(size).skip(skip) {
            let sample = |c: usize| match frame[c * 4..(c + 1) * 4].try_into() {
                Ok(bytes) => f32::from_ne_bytes(bytes),
                Err(_) => 0.0,
            };
            let frame = std::array::from_fn(sample);
            self.keep(frame.map(|s| if s.is_finite() { s } else { 0.0 }));
        }
        let Some(age) = age else { return };
        let heard = now - age.min(MOST_AGE);
        if self.pace.observe(self.count, heard, self.hinge) {
            // goes on where the newest frames belong, and never back
            let fresh = self.count - AFTER - BEFORE;
            let place = self.pace.place_of(fresh).map_or(0, |(place, _)| place + 1);
            let end = self.ring.end().unwrap_or(i64::MIN);
            self.next = Some(self.next.unwrap_or(place).max(place).max(end.min(place + KEEP)));
        }
        if self
            .next
            .is_some_and(|next| self.pace.frame_of(next).is_some_and(|(f, _)| f < self.count - KEEP / 2))
        {
            self.next = self.pace.place_of(self.count - AFTER).map(|(place, _)| place);
        }
        self.make();
        self.told.tell(&self.pace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_of_a_fast_device_arrives_whole_and_in_place() {
        let (ring, told) = (Arc::new(PlaceRing::new()), Arc::new(Told::default()));
        let mut taking = Taking::new(ring.clone(), told.clone());
        let rate = 48_000.0 * (1.0 + 150e-6);
        let tone = |t: f64| (0.1 * (std::f64::consts::TAU * 1000.0 * t).sin()) as f32;
        let start = 7000.0;
        let mut checked = 0;
        for block in 0..12_000i64 {
            let mut bytes = Vec::new();
            for n in 0..480 {
                let t = start + (block * 480 + n) as f64 / rate;
                (0..CHANNELS).for_each(|_| bytes.extend(tone(t).to_ne_bytes()));
            }
            let now = start + ((block + 1) * 480) as f64 / rate;
            taking.take(&bytes, Timestamp::from_secs_f64(now + 0.005), Some(Duration::from_millis(5)));
            if block > 11_000 {
                let end = ring.end().unwrap();
                let mut out = [0.0; 480 * CHANNELS];
                assert_eq!(ring.read(end - 480, &mut out), 0);
                for (n, frame) in out.chunks(CHANNELS).enumerate() {
                    let t = (end - 480 + n as i64) as f64 / 48_000.0;
                    assert!((frame[0] - tone(t)).abs() < 0.003, "{} is not {}", frame[0], tone(t));
                    assert_eq!(frame[0], frame[1]);
                }
                assert!((end as f64 / 48_000.0 - now).abs() < 0.001);
                checked += 1;
            }
        }
        assert_eq!((checked, told.jumps.load(Ordering::Relaxed)), (999, 0));
        let drift = told.drift.load(Ordering::Relaxed) as f64 / 1e3;
        assert!((drift + 150.0).abs() < 10.0, "{drift} ppm");
    }
}
