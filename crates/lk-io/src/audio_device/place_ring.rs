// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound by place, between a thread that must not wait and others.

use lk_media::CHANNELS;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Frames kept: 2.7 s.
const KEEP: i64 = 1 << 17;
/// Room between writer and readers, so that nobody reads what is being written over.
const ROOM: i64 = 1 << 13;

/// The newest samples at their places on the live time line. One thread writes at a time, any number read; nobody
/// waits and nothing is allocated. What was not written is silence.
pub(super) struct PlaceRing {
    /// A frame each: left and right.
    frames: Box<[AtomicU64]>,
    /// The place after the newest sample.
    end: AtomicI64,
}

fn pack(frame: &[f32]) -> u64 {
    u64::from(frame[0].to_bits()) << 32 | u64::from(frame[1].to_bits())
}

fn unpack(packed: u64) -> [f32; CHANNELS] {
    [f32::from_bits((packed >> 32) as u32), f32::from_bits(packed as u32)]
}

impl PlaceRing {
    pub(super) fn new() -> Self {
        Self { frames: (0..KEEP).map(|_| AtomicU64::new(0)).collect(), end: AtomicI64::new(i64::MIN) }
    }

    fn slot(&self, place: i64) -> &AtomicU64 {
        &self.frames[(place & (KEEP - 1)) as usize]
    }

    /// The place after the newest sample; None if nothing was written.
    pub(super) fn end(&self) -> Option<i64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end != i64::MIN)
    }

    /// Writes samples to `first` and after it, over what was there; a gap before them is silent.
    pub(super) fn write(&self, first: i64, samples: &[f32]) {
        let count = (samples.len() / CHANNELS) as i64;
        let before = self.end().unwrap_or(first);
        for place in before.max(first - KEEP)..first {
            self.slot(place).store(0, Ordering::Relaxed);
        }
        let oldest = before.max(first + count) - KEEP + ROOM;
        for (place, frame) in (first..).zip(samples.chunks_exact(CHANNELS)) {
            if place >= oldest {
                self.slot(place).store(pack(frame), Ordering::Relaxed);
            }
        }
        if first + count > before || self.end().is_none() {
            self.end.store(first + count, Ordering::Release);
        }
    }

    /// Fills `out` from `first` on; how many of its last samples are not written yet.
    pub(super) fn read(&self, first: i64, out: &mut [f32]) -> usize {
        let count = (out.len() / CHANNELS) as i64;
        let end = self.end().unwrap_or(first);
        let there = end - KEEP + ROOM..end;
        for (place, frame) in (first..).zip(out.chunks_exact_mut(CHANNELS)) {
            let packed = if there.contains(&place) { self.slot(place).load(Ordering::Relaxed) } else { 0 };
            frame.copy_from_slice(&unpack(packed));
        }
        (first + count - end.max(first)).max(0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(first: i64, count: i64) -> Vec<f32> {
        (first..first + count).flat_map(|n| [n as f32, -n as f32]).collect()
    }

    fn read(ring: &PlaceRing, first: i64, count: usize) -> (Vec<f32>, usize) {
        let mut out = vec![9.0; count * CHANNELS];
        let missing = ring.read(first, &mut out);
        (out.chunks(CHANNELS).map(|c| c[0]).collect(), missing)
    }

    #[test]
    fn samples_lie_at_their_places() {
        let ring = PlaceRing::new();
        assert_eq!(read(&ring, 5, 2), (vec![0.0; 2], 2));
        ring.write(1000, &ramp(1000, 500));
        assert_eq!(read(&ring, 998, 4), (vec![0.0, 0.0, 1000.0, 1001.0], 0));
        assert_eq!(read(&ring, 1498, 4), (vec![1498.0, 1499.0, 0.0, 0.0], 2));
        // a gap is silent, and what was written may be written over
        ring.write(1600, &ramp(1600, 10));
        assert_eq!(read(&ring, 1499, 3).0, [1499.0, 0.0, 0.0]);
        ring.write(1000, &ramp(1, 2));
        assert_eq!(read(&ring, 1000, 3).0, [1.0, 2.0, 1002.0]);
        assert_eq!(ring.end(), Some(1610));
        // a long way on, what was before is not taken for what is there
        ring.write(1600 + KEEP, &ramp(7, 1));
        assert_eq!(read(&ring, 1600, 2).0, [0.0; 2]);
        assert_eq!(read(&ring, 1602 + KEEP - 1000, 2).0, [0.0; 2]);
        assert_eq!(read(&ring, 1600 + KEEP, 1), (vec![7.0], 0));
    }
}
