// SPDX-License-Identifier: GPL-2.0-or-later
//! The audio port: a target and a source of sound in one, where threads meet.

use crate::audio::{AudioBlock, AudioRead, AudioSource, AudioTarget, CHANNELS, SAMPLE_RATE};
use crate::source::{Exactness, Sampling, SourceState};
use crate::target::{Delivery, Offered};
use crate::wake::{Wake, Wakes};
use crate::{Error, Result, Timestamp};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Samples kept: two seconds.
const KEEP: usize = 2 * SAMPLE_RATE as usize;
/// What is pushed later than this starts again at the present.
const SLACK: i64 = SAMPLE_RATE as i64 / 20;
/// How far ahead of the present samples may be pushed: what is kept, less room for readers behind it.
const AHEAD: i64 = KEEP as i64 - SAMPLE_RATE as i64 / 2;

/// The place of time `t` on the live time line: sample k is that of k / 48000 s after the clock's zero. Times of
/// frames are rounded to the nanosecond: one that is short of a sample by as much belongs to it.
pub fn sample_at(t: Timestamp) -> i64 {
    ((i128::from(t.as_nanos()) + 1) * i128::from(SAMPLE_RATE)).div_euclid(1_000_000_000) as i64
}

/// What is said of live sound called `name` where an offline run asks for it.
pub fn not_exact(name: &str) -> Error {
    Error::new(crate::ErrorKind::LiveSource, format!("{name} has no exact times"))
        .with_hint("remove it from the mixer for offline renders")
}

/// Sound written to it and sources attached to it, heard together. It keeps the last two seconds written, at
/// their places on the live time line (see [`sample_at`]); any number may read, each at its own place. What
/// nobody wrote is silence.
pub struct AudioPort {
    name: String,
    ring: Mutex<Ring>,
    attached: Mutex<Vec<Arc<dyn AudioSource>>>,
    wakes: Wakes,
}

/// Samples by place: that of place p lies at p modulo the length.
struct Ring {
    samples: Box<[f32]>,
    /// The place after the last sample that may be there; all later ones in the ring are zero.
    end: i64,
    /// Whether anything was ever written.
    used: bool,
}

impl Default for AudioPort {
    fn default() -> Self {
        Self::named("an audio port")
    }
}

impl AudioPort {
    /// An empty port of that name.
    pub fn named(name: impl Into<String>) -> Self {
        let ring = Ring { samples: vec![0.0; KEEP * CHANNELS].into(), end: 0, used: false };
        Self {
            name: name.into(),
            ring: Mutex::new(ring),
            attached: Mutex::default(),
            wakes: Wakes::default(),
        }
    }

    /// The in-process channel of that negative number: the same port for everybody who asks, as long as anybody
    /// holds it.
    pub fn channel(id: i64) -> Result<Arc<Self>> {
        static IN_PROCESS: Mutex<BTreeMap<i64, Weak<AudioPort>>> = Mutex::new(BTreeMap::new());
        if id >= 0 {
            return Err(Error::parameter(format!("{id} is no in-process channel of sound"))
                .with_hint("in-process channels have negative numbers: -1, -2"));
        }
        let mut channels = IN_PROCESS.lock();
        if let Some(port) = channels.get(&id).and_then(Weak::upgrade) {
            return Ok(port);
        }
        channels.retain(|_, port| port.strong_count() > 0);
        let port = Arc::new(Self::named(format!("audio channel {id}")));
        channels.insert(id, Arc::downgrade(&port));
        Ok(port)
    }

    /// Lets a source be heard here, read on the threads of the port's readers; it must not block.
    pub fn attach(&self, source: Arc<dyn AudioSource>) {
        let mut attached = self.attached.lock();
        if !attached.iter().any(|s| is_same(s, &source)) {
            attached.push(source);
        }
    }

    /// Takes a source away.
    pub fn detach(&self, source: &Arc<dyn AudioSource>) {
        self.attached.lock().retain(|s| !is_same(s, source));
    }

    /// Writes samples (interleaved) to place `first` and after it, over what was there. What lies before the
    /// oldest kept is left out.
    pub fn write(&self, first: i64, samples: &[f32]) {
        self.ring.lock().write(first, samples);
        self.wakes.ring();
    }

    /// Writes samples after those pushed before, or at the present `now` when those are over; how many (per
    /// channel) there was room for: at most a second and a half ahead of the present.
    pub fn push(&self, samples: &[f32], now: Timestamp) -> usize {
        let mut ring = self.ring.lock();
        let now = sample_at(now);
        let first = if ring.used && ring.end >= now - SLACK { ring.end } else { now };
        let room = (now + AHEAD - first).max(0) as usize;
        let count = (samples.len() / CHANNELS).min(room);
        ring.write(first, &samples[..count * CHANNELS]);
        drop(ring);
        self.wakes.ring();
        count
    }

    /// How many samples (per channel) a [`AudioPort::push`] would take.
    pub fn room(&self, now: Timestamp) -> usize {
        let (ring, now) = (self.ring.lock(), sample_at(now));
        let first = if ring.used && ring.end >= now - SLACK { ring.end } else { now };
        (now + AHEAD - first).max(0) as usize
    }

    /// The place after the newest sample that was written, while that is less than a second in the past; else
    /// the present.
    pub fn newest(&self, now: Timestamp) -> i64 {
        let (ring, now) = (self.ring.lock(), sample_at(now));
        if ring.used && ring.end > now - SAMPLE_RATE as i64 { ring.end } else { now }
    }
}

fn is_same(a: &Arc<dyn AudioSource>, b: &Arc<dyn AudioSource>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

impl Ring {
    fn write(&mut self, first: i64, samples: &[f32]) {
        let count = (samples.len() / CHANNELS) as i64;
        let end = first.saturating_add(count);
        self.forget_until(end);
        self.used = true;
        let oldest = self.end - KEEP as i64;
        let skip = oldest.saturating_sub(first).clamp(0, count);
        self.each(first + skip, (count - skip) as usize, |ring, at, n| {
            let from = (skip as usize + n.start) * CHANNELS;
            let len = n.len() * CHANNELS;
            ring[at * CHANNELS..at * CHANNELS + len].copy_from_slice(&samples[from..from + len]);
        });
    }

    /// Moves the end on to `end`; the places that come in are silent.
    fn forget_until(&mut self, end: i64) {
        if end <= self.end {
            return;
        }
        let new = end.saturating_sub(self.end).min(KEEP as i64);
        self.each(end - new, new as usize, |ring, at, n| {
            ring[at * CHANNELS..(at + n.len()) * CHANNELS].fill(0.0);
        });
        self.end = end;
    }

    /// The parts of the ring that hold `count` places from `first` on, with the numbers of the places in them.
    fn each(
        &mut self,
        first: i64,
        count: usize,
        mut part: impl FnMut(&mut [f32], usize, std::ops::Range<usize>),
    ) {
        let mut done = 0;
        while done < count {
            let at = (first + done as i64).rem_euclid(KEEP as i64) as usize;
            let here = (KEEP - at).min(count - done);
            part(&mut self.samples, at, done..done + here);
            done += here;
        }
    }

    /// Adds what is kept of the range to `out`; how many of its samples are not written yet.
    fn add_to(&mut self, first: i64, out: &mut [f32]) -> usize {
        let count = (out.len() / CHANNELS) as i64;
        let oldest = self.end - KEEP as i64;
        let from = first.max(oldest);
        let to = (first + count).min(self.end);
        if from < to {
            self.each(from, (to - from) as usize, |ring, at, n| {
                let to = ((from - first) as usize + n.start) * CHANNELS;
                let len = n.len() * CHANNELS;
                let source = &ring[at * CHANNELS..at * CHANNELS + len];
                out[to..to + len].iter_mut().zip(source).for_each(|(o, s)| *o += s);
            });
        }
        (first + count - to.max(first)) as usize
    }
}

impl AudioSource for AudioPort {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        if sampling == Sampling::Exact {
            return Err(not_exact(&self.name));
        }
        out.fill(0.0);
        let mut late = {
            let mut ring = self.ring.lock();
            let missing = ring.add_to(first, out);
            if ring.used && ring.end > first - SAMPLE_RATE as i64 { missing } else { 0 }
        };
        let attached = self.attached.lock().clone();
        if !attached.is_empty() {
            let mut part = vec![0.0; out.len()];
            for source in attached {
                if let AudioRead::Late(n) = source.read(first, &mut part, sampling)? {
                    late = late.max(n);
                }
                out.iter_mut().zip(&part).for_each(|(o, s)| *o += s);
            }
        }
        Ok(if late > 0 { AudioRead::Late(late) } else { AudioRead::Filled })
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("sound written into it has no exact times")
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.wakes.add(wake);
        let attached = self.attached.lock().clone();
        attached.iter().for_each(|source| source.wake_on_ready(wake));
    }

    fn state(&self) -> SourceState {
        let attached = self.attached.lock().clone();
        match attached.first() {
            Some(source) => source.state(),
            None if self.ring.lock().used => SourceState::Live,
            None => SourceState::Starting,
        }
    }
}

impl AudioTarget for AudioPort {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, _delivery: Delivery) -> Result<Offered> {
        self.write(i64::try_from(block.position).unwrap_or(i64::MAX), &block.samples);
        Ok(Offered::Taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(port: &AudioPort, first: i64, count: usize) -> (Vec<f32>, AudioRead) {
        let mut out = vec![9.0; count * CHANNELS];
        let answer = port.read(first, &mut out, Sampling::Live).unwrap();
        (out.chunks(CHANNELS).map(|c| c[0]).collect(), answer)
    }

    fn ramp(first: i64, count: i64) -> Vec<f32> {
        (first..first + count).flat_map(|n| [n as f32, -n as f32]).collect()
    }

    #[test]
    fn what_was_written_is_read_at_its_place() {
        let port = AudioPort::default();
        assert_eq!(read(&port, 10, 3), (vec![0.0; 3], AudioRead::Filled));
        let start = 3 * KEEP as i64 - 100;
        port.write(start, &ramp(start, 300));
        let (got, answer) = read(&port, start - 2, 400);
        assert_eq!(answer, AudioRead::Late(98));
        assert!(got[..2].iter().chain(&got[302..]).all(|s| *s == 0.0));
        assert!(got[2..302].iter().enumerate().all(|(n, s)| *s == (start + n as i64) as f32));
        // a gap is silent, and so is what is too old
        port.write(start + KEEP as i64, &ramp(0, 10));
        assert_eq!(read(&port, start + 5, 3).0, [0.0; 3]);
        assert_eq!(read(&port, start + 10, 290).0[0], (start + 10) as f32);
        assert_eq!(read(&port, start + 290, 20).0[19], 0.0);
        port.write(start - 5 * KEEP as i64, &ramp(1, 10));
        assert_eq!(read(&port, start + KEEP as i64, 2).0, [0.0, 1.0]);
    }

    #[test]
    fn pushes_follow_one_another_until_they_are_late() {
        let port = AudioPort::default();
        let now = Timestamp::from_secs_f64(100.0);
        assert_eq!(port.push(&ramp(1, 100), now), 100);
        assert_eq!(port.push(&ramp(101, 100), now), 100);
        let first = sample_at(now);
        assert_eq!(read(&port, first + 98, 4).0, [99.0, 100.0, 101.0, 102.0]);
        assert_eq!((port.newest(now), port.newest(Timestamp::ZERO)), (first + 200, first + 200));
        let (bell, room) = (Wake::new(), port.room(now));
        port.wake_on_ready(&bell);
        assert_eq!(port.push(&vec![0.5; 4 * KEEP], now), room);
        assert!(bell.wait(std::time::Duration::ZERO) && room < KEEP && port.room(now) == 0);
        let later = Timestamp::from_secs_f64(110.0);
        assert_eq!((port.newest(later), port.room(later)), (sample_at(later), AHEAD as usize));
        assert_eq!(port.push(&[7.0, 7.0], later), 1);
        assert_eq!(read(&port, sample_at(later), 1).0, [7.0]);
    }

    #[test]
    fn sources_are_heard_together_and_channels_are_shared() {
        let port = AudioPort::default();
        let other = Arc::new(AudioPort::channel(-7).unwrap());
        assert!(AudioPort::channel(0).is_err());
        let source: Arc<dyn AudioSource> = AudioPort::channel(-7).unwrap();
        port.attach(source.clone());
        port.attach(source.clone());
        other.write(50, &[0.25, 0.25]);
        port.write(50, &[0.5, 0.5]);
        assert_eq!(read(&port, 50, 1).0, [0.75]);
        port.detach(&source);
        assert_eq!(read(&port, 50, 1).0, [0.5]);
    }
}
