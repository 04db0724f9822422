// SPDX-License-Identifier: GPL-2.0-or-later
//! How loud a player is, changed without a click.

use lk_media::{CHANNELS, Ramp, SAMPLE_RATE};
use parking_lot::Mutex;

/// A reader that is farther from the present than this says nothing of where others read.
const NEAR: i64 = SAMPLE_RATE as i64;

/// Gain and mute of a player, for readers at any place.
pub(super) struct Loudness(Mutex<State>);

struct State {
    gain_db: f32,
    muted: bool,
    live: Ramp<1>,
    exact: Ramp<1>,
    /// The places after the last samples read, live and exactly.
    heard: Option<i64>,
    pulled: Option<i64>,
}

impl State {
    fn factor(&self) -> f32 {
        if self.muted { 0.0 } else { 10.0_f32.powf(self.gain_db / 20.0) }
    }
}

impl Loudness {
    pub(super) fn new() -> Self {
        let (live, exact) = (Ramp::new([1.0]), Ramp::new([1.0]));
        let state = State { gain_db: 0.0, muted: false, live, exact, heard: None, pulled: None };
        Self(Mutex::new(state))
    }

    /// The gain in dB, and whether it is muted.
    pub(super) fn get(&self) -> (f32, bool) {
        let state = self.0.lock();
        (state.gain_db, state.muted)
    }

    /// Changes gain and mute; `now` is the present sample. Who reads hears a ramp that begins after what was read.
    pub(super) fn change(&self, now: i64, change: impl FnOnce(&mut f32, &mut bool)) {
        let mut held = self.0.lock();
        let state = &mut *held;
        change(&mut state.gain_db, &mut state.muted);
        let to = [state.factor()];
        match state.heard {
            Some(heard) if (heard - now).abs() <= NEAR => state.live.go_to(to, heard),
            _ => state.live = Ramp::new(to),
        }
        match state.pulled {
            Some(pulled) => state.exact.go_to(to, pulled),
            None => state.exact = Ramp::new(to),
        }
    }

    /// Scales samples of the clock, the first of which is `first`.
    pub(super) fn apply(&self, first: i64, samples: &mut [f32]) {
        let mut state = self.0.lock();
        let end = first.saturating_add((samples.len() / CHANNELS) as i64);
        state.heard =
            Some(state.heard.map_or(end, |heard| if end + NEAR < heard { end } else { heard.max(end) }));
        let ramp = state.live;
        drop(state);
        ramp.scale(first, samples);
    }

    /// Scales samples that were read exactly, one range after the other.
    pub(super) fn apply_exactly(&self, first: i64, samples: &mut [f32]) {
        let mut state = self.0.lock();
        if state.pulled != Some(first) {
            state.exact = Ramp::new([state.factor()]);
        }
        state.pulled = Some(first.saturating_add((samples.len() / CHANNELS) as i64));
        let ramp = state.exact;
        drop(state);
        ramp.scale(first, samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steepest(samples: &[f32]) -> f32 {
        samples.windows(2).map(|w| (w[0] - w[1]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn changes_are_ramps_where_the_reading_is() {
        let loudness = Loudness::new();
        loudness.change(50_000, |gain, _| *gain = -6.0);
        let half = 10.0_f32.powf(-0.3);
        let read = |first: i64| {
            let mut samples = vec![1.0; 960];
            loudness.apply(first, &mut samples);
            samples
        };
        // nobody has heard it louder
        assert_eq!(read(47_000), vec![half; 960]);
        loudness.change(50_000, |_, muted| *muted = true);
        let ramp = read(47_480);
        assert!(ramp[959] == 0.0 && ramp[0] < half && steepest(&ramp) < 0.002);
        assert_eq!((read(47_960), loudness.get()), (vec![0.0; 960], (-6.0, true)));
        // one who reads farther behind hears the same later
        assert_eq!(read(47_000), vec![half; 960]);
    }

    #[test]
    fn exact_readers_hear_ramps_and_begin_anew_elsewhere() {
        let loudness = Loudness::new();
        let read = |first: i64| {
            let mut samples = vec![1.0; 960];
            loudness.apply_exactly(first, &mut samples);
            samples
        };
        assert_eq!(read(0), vec![1.0; 960]);
        loudness.change(9, |gain, _| *gain = 20.0);
        let ramp = read(480);
        assert!(ramp[0] < 1.05 && ramp[959] == 10.0 && steepest(&ramp) < 0.02);
        loudness.change(9, |gain, _| *gain = 0.0);
        assert_eq!(read(0), vec![1.0; 960]);
    }
}
