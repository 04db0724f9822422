// SPDX-License-Identifier: GPL-2.0-or-later
//! One input: its samples moved in time, scaled and balanced.

use super::meter::Meter;
use super::{MixId, MixerInput};
use lk_media::{CHANNELS, RAMP, Ramp, Result};

/// An input while it is heard.
pub(super) struct Input {
    pub(super) id: u64,
    pub(super) meter: Meter,
    /// What left and right become.
    matrix: Ramp<4>,
    sends: Vec<(MixId, Ramp<1>)>,
    offset: Offset,
    /// Whether it is no longer in the mixer, and only fades.
    leaving: bool,
}

/// How long a changed offset waits for what is there not to be late, in samples.
const PATIENCE: usize = 20 * RAMP;

/// By how many samples it is heard later; a change is a fade from one place of the source to the other.
struct Offset {
    wanted: i64,
    now: i64,
    /// Samples for which it has waited for the place it is to go to.
    waited: usize,
    /// The one before, and from which sample on it fades.
    before: Option<(i64, i64)>,
}

impl Input {
    /// An input that has always been there.
    pub(super) fn new(id: u64, settings: &MixerInput) -> Self {
        let now = settings.offset_samples();
        Self {
            id,
            meter: Meter::new(),
            matrix: Ramp::new(settings.matrix()),
            sends: Vec::new(),
            offset: Offset { wanted: now, now, waited: 0, before: None },
            leaving: false,
        }
    }

    /// One that comes in.
    pub(super) fn entering(id: u64, settings: &MixerInput) -> Self {
        Self { matrix: Ramp::new([0.0; 4]), ..Self::new(id, settings) }
    }

    /// Goes to other settings from sample `at` on.
    pub(super) fn change(&mut self, settings: &MixerInput, at: i64) {
        self.matrix.go_to(settings.matrix(), at);
        self.offset.wanted = settings.offset_samples();
        self.leaving = false;
    }

    /// Fades from sample `at` on.
    pub(super) fn leave(&mut self, at: i64) {
        self.matrix.go_to([0.0; 4], at);
        self.leaving = true;
    }

    /// Whether nothing was said yet of where it goes.
    pub(super) fn is_new(&self) -> bool {
        self.sends.is_empty()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether it has left at sample `at`.
    pub(super) fn is_gone(&self, at: i64) -> bool {
        self.leaving && self.matrix.is_steady(at)
    }

    /// Goes to `mix` as loud as `send` from sample `at` on; a send that is new begins at `first`.
    pub(super) fn send(&mut self, mix: MixId, send: f32, first: f32, at: i64) {
        let index = self.sends.iter().position(|(id, _)| *id == mix).unwrap_or_else(|| {
            self.sends.push((mix, Ramp::new([first])));
            self.sends.len() - 1
        });
        self.sends[index].1.go_to([send], at);
    }

    /// Forgets sends to mixes that are gone.
    pub(super) fn keep_sends(&mut self, is_there: impl Fn(MixId) -> bool) {
        self.sends.retain(|(mix, _)| is_there(*mix));
    }

    /// How loud it goes to `mix`.
    pub(super) fn sent(&self, mix: MixId) -> Ramp<1> {
        self.sends.iter().find(|(id, _)| *id == mix).map_or(Ramp::new([0.0]), |(_, ramp)| *ramp)
    }

    /// Fills `out` with what is heard from sample `at` on; `spare` is room for as much. How much of it was late.
    pub(super) fn fill(
        &mut self,
        at: u64,
        out: &mut [f32],
        spare: &mut [f32],
        read: &mut impl FnMut(u64, i64, &mut [f32]) -> Result<usize>,
    ) -> Result<usize> {
        let first = at as i64;
        let (mut done, mut late) = (0, 0);
        while done < out.len() / CHANNELS {
            let rest = &mut out[done * CHANNELS..];
            let id = self.id;
            let read = |place: i64, part: &mut [f32]| read(id, place, part);
            let (count, missing) = self.offset.read(first + done as i64, rest, spare, read)?;
            (done, late) = (done + count, late + missing);
        }
        apply(&self.matrix, first, out);
        self.meter.add(at, out);
        Ok(late)
    }
}

impl Offset {
    /// Fills the beginning of `out`, as far as it can be done at once; how much that is, and how much of it was late.
    fn read(
        &mut self,
        first: i64,
        out: &mut [f32],
        spare: &mut [f32],
        mut read: impl FnMut(i64, &mut [f32]) -> Result<usize>,
    ) -> Result<(usize, usize)> {
        let frames = out.len() / CHANNELS;
        if self.before.is_none() && self.wanted != self.now {
            let late = read(first - self.now, out)?;
            // who reads ahead for it has to go there first
            if read(first - self.wanted, &mut spare[..out.len()])? > 0 && self.waited < PATIENCE {
                self.waited += frames;
                return Ok((frames, late));
            }
            self.before = Some((self.now, first));
            (self.now, self.waited) = (self.wanted, 0);
        }
        let Some((before, start)) = self.before else {
            return Ok((frames, read(first - self.now, out)?));
        };
        let done = (first - start) as usize;
        let count = (RAMP - done).min(frames);
        let (old, new) = (&mut spare[..count * CHANNELS], &mut out[..count * CHANNELS]);
        read(first - before, old)?;
        let late = read(first - self.now, new)?;
        for (n, (new, old)) in new.chunks_exact_mut(CHANNELS).zip(old.chunks_exact(CHANNELS)).enumerate() {
            let part = (done + n + 1) as f32 / RAMP as f32;
            new.iter_mut().zip(old).for_each(|(new, old)| *new = old + (*new - old) * part);
        }
        if done + count == RAMP {
            self.before = None;
        }
        Ok((count, late))
    }
}

/// Applies the matrix to samples, the first of which has place `first`.
fn apply(matrix: &Ramp<4>, first: i64, samples: &mut [f32]) {
    let moving = matrix.moving(first).min(samples.len() / CHANNELS) * CHANNELS;
    let (moving, steady) = samples.split_at_mut(moving);
    for (n, frame) in moving.chunks_exact_mut(CHANNELS).enumerate() {
        turn(frame, matrix.at(first + n as i64));
    }
    match matrix.target() {
        [1.0, 0.0, 0.0, 1.0] => {}
        [left, 0.0, 0.0, right] => steady.chunks_exact_mut(CHANNELS).for_each(|frame| {
            frame[0] *= left;
            frame[1] *= right;
        }),
        matrix => steady.chunks_exact_mut(CHANNELS).for_each(|frame| turn(frame, matrix)),
    }
}

fn turn(frame: &mut [f32], [ll, lr, rl, rr]: [f32; 4]) {
    if let [left, right] = frame {
        (*left, *right) = (ll * *left + lr * *right, rl * *left + rr * *right);
    }
}
