// SPDX-License-Identifier: GPL-2.0-or-later
//! The mixer: which sounds are heard, how loud, when and where; and the arithmetic that adds them. What it does to
//! samples is written in `docs/mixer.md`.

mod input;
mod limiter;
mod meter;
mod mixer;
mod output;
mod settings;

pub use limiter::LOOK_AHEAD;
pub use meter::{Level, Levels};
pub use mixer::Mixer;
pub use settings::{
    MAX_GAIN_DB, MAX_MIXES, MIN_CEILING_DB, MixId, MixSettings, MixerInput, MixerSettings, Mixes, Monitor,
};
