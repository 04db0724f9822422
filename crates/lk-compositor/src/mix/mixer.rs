// SPDX-License-Identifier: GPL-2.0-or-later
//! Adds sounds, each sample position once.

use super::input::Input;
use super::meter::{Levels, Meter};
use super::output::Output;
use super::{LOOK_AHEAD, MixId, MixerSettings};
use lk_media::{CHANNELS, Result};

/// Mixes sounds from one sample to the next. Whatever changes in its settings does so by ramps of 10 ms that begin
/// at the first sample not mixed yet; how much is mixed at a time makes no difference.
pub struct Mixer {
    /// The next sample to be put out, and the next to be mixed.
    next: u64,
    mixed: u64,
    begun: bool,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    samples: Vec<f32>,
    spare: Vec<f32>,
}

impl Mixer {
    /// A mixer whose first sample is `first`.
    pub fn new(first: u64) -> Self {
        Self {
            next: first,
            mixed: first,
            begun: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
            samples: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The next sample to be put out.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Goes by `settings` from the next sample that is mixed.
    pub fn take_up(&mut self, settings: &MixerSettings) {
        self.let_go();
        let (at, begun) = (self.mixed as i64, self.begun);
        self.outputs.retain(|output| settings.mixes.contains_key(&output.id));
        for (id, mix) in &settings.mixes {
            let index = match self.outputs.binary_search_by_key(id, |output| output.id) {
                Ok(index) => index,
                Err(index) => {
                    let ahead = (self.mixed - self.next) as usize;
                    self.outputs.insert(index, Output::new(*id, mix, ahead));
                    index
                }
            };
            self.outputs[index].change(mix, at, !begun);
        }
        let any_solo = settings.inputs.values().any(|input| input.solo);
        for (id, input) in &settings.inputs {
            let index = match self.inputs.binary_search_by_key(id, |input| input.id) {
                Ok(index) => index,
                Err(index) => {
                    let new = if begun { Input::entering(*id, input) } else { Input::new(*id, input) };
                    self.inputs.insert(index, new);
                    index
                }
            };
            let is_new = self.inputs[index].is_new();
            self.inputs[index].change(input, at);
            for mix in settings.mixes.keys() {
                let send = settings.send(input, *mix, any_solo);
                let first = if begun && !is_new { 0.0 } else { send };
                self.inputs[index].send(*mix, send, first, at);
            }
        }
        for input in &mut self.inputs {
            input.keep_sends(|mix| settings.mixes.contains_key(&mix));
            if !settings.inputs.contains_key(&input.id) {
                input.leave(at);
            }
        }
    }

    /// Puts out the next `frames` samples of every mix; how many samples of inputs were late. `read` fills in the
    /// samples of an input from a place on, and says how many of them were not there in time. It is asked for places
    /// up to [`LOOK_AHEAD`] after those that are put out.
    pub fn mix(
        &mut self,
        frames: usize,
        mut read: impl FnMut(u64, i64, &mut [f32]) -> Result<usize>,
    ) -> Result<usize> {
        self.begun = true;
        let ahead = if self.looks_ahead() { LOOK_AHEAD } else { 0 };
        let end = self.next + (frames + ahead) as u64;
        let (first, count) = (self.mixed, end.saturating_sub(self.mixed) as usize);
        let at = first as i64;
        self.samples.resize(count * CHANNELS, 0.0);
        self.spare.resize(count * CHANNELS, 0.0);
        self.let_go();
        self.outputs.iter_mut().for_each(|output| output.extend(count));
        let mut late = 0;
        for input in &mut self.inputs {
            late += input.fill(first, &mut self.samples, &mut self.spare, &mut read)?;
            for output in &mut self.outputs {
                output.add(input.sent(output.id), at, &self.samples);
            }
        }
        for output in &mut self.outputs {
            output.put_out(at, count, self.next, frames);
        }
        self.mixed += count as u64;
        self.next += frames as u64;
        Ok(late)
    }

    /// Whether sounds are read before their turn: while there is a limiter.
    pub fn looks_ahead(&self) -> bool {
        self.outputs.iter().any(Output::looks_ahead)
    }

    /// Forgets inputs that have faded.
    fn let_go(&mut self) {
        let at = self.mixed as i64;
        self.inputs.retain(|input| !input.is_gone(at));
    }

    /// What was put out last of a mix.
    pub fn output(&self, mix: MixId) -> Option<&[f32]> {
        let index = self.outputs.binary_search_by_key(&mix, |output| output.id).ok()?;
        Some(self.outputs[index].samples())
    }

    /// Whether an input is still read, be it only to fade.
    pub fn hears(&self, input: u64) -> bool {
        self.inputs.binary_search_by_key(&input, |input| input.id).is_ok()
    }

    /// Writes how loud it is now into `levels`.
    pub fn read_levels(&self, levels: &mut Levels) {
        levels.mixes.retain(|id, _| self.output(*id).is_some());
        levels.inputs.retain(|id, _| self.hears(*id));
        for output in &self.outputs {
            levels.mixes.insert(output.id, output.meter.read());
        }
        for input in self.inputs.iter().filter(|input| !input.is_leaving()) {
            levels.inputs.insert(input.id, input.meter.read());
        }
    }

    /// Lets all meters begin again.
    pub fn reset_meters(&mut self) {
        self.inputs.iter_mut().for_each(|input| input.meter = Meter::new());
        self.outputs.iter_mut().for_each(|output| output.meter = Meter::new());
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
