// SPDX-License-Identifier: GPL-2.0-or-later
//! One mix: the sum of what goes to it, scaled and limited.

use super::limiter::Limiter;
use super::meter::Meter;
use super::{LOOK_AHEAD, MixId, MixSettings};
use lk_media::{CHANNELS, Ramp};

/// Room for what is mixed at a time, without taking memory again.
const ROOM: usize = 480 + 2 * LOOK_AHEAD;

/// A mix while it is put out.
pub(super) struct Output {
    pub(super) id: MixId,
    pub(super) meter: Meter,
    gain: Ramp<1>,
    limiter: Limiter,
    /// What is mixed and not put out yet.
    mixed: Vec<f32>,
    out: Vec<f32>,
}

impl Output {
    /// A mix of which so many samples have been mixed, and are silent.
    pub(super) fn new(id: MixId, settings: &MixSettings, ahead: usize) -> Self {
        let mut mixed = Vec::with_capacity(ROOM * CHANNELS);
        mixed.resize(ahead * CHANNELS, 0.0);
        Self {
            id,
            meter: Meter::new(),
            gain: Ramp::new([settings.factor()]),
            limiter: Limiter::new(),
            mixed,
            out: Vec::with_capacity(ROOM * CHANNELS),
        }
    }

    /// Goes to other settings from sample `at` on, which is the first of all or not.
    pub(super) fn change(&mut self, settings: &MixSettings, at: i64, is_first: bool) {
        self.gain.go_to([settings.factor()], at);
        self.limiter.set(settings.ceiling(), is_first);
    }

    /// Whether it needs samples after those that are put out.
    pub(super) fn looks_ahead(&self) -> bool {
        self.limiter.is_on()
    }

    /// Makes room for `count` samples more.
    pub(super) fn extend(&mut self, count: usize) {
        self.mixed.resize(self.mixed.len() + count * CHANNELS, 0.0);
    }

    /// Adds samples to the last that there is room for; the first of them has place `at`.
    pub(super) fn add(&mut self, send: Ramp<1>, at: i64, samples: &[f32]) {
        let tail = self.mixed.len() - samples.len();
        send.add(at, samples, &mut self.mixed[tail..]);
    }

    /// The last `count` samples, from place `at` on, are complete: puts out `frames` samples from place `next` on.
    pub(super) fn put_out(&mut self, at: i64, count: usize, next: u64, frames: usize) {
        let tail = self.mixed.len() - count * CHANNELS;
        self.gain.scale(at, &mut self.mixed[tail..]);
        self.out.resize(frames * CHANNELS, 0.0);
        self.limiter.process(&self.mixed, &mut self.out);
        self.mixed.drain(..frames * CHANNELS);
        self.meter.add(next, &self.out);
    }

    /// What was put out last.
    pub(super) fn samples(&self) -> &[f32] {
        &self.out
    }
}
