// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound cards themselves, where there is no sound server: through `libasound.so.2`, opened at first use.
//!
//! A device that is named is opened as it is (`hw:`), converted here to and from 48 kHz stereo, and belongs to this
//! program alone meanwhile; the default is what ALSA's own settings say, shared between programs on most cards. There
//! are no monitors and no devices of our own: those are a server's.

mod capture;
mod cards;
mod library;
mod pcm;
mod playback;
mod samples;
mod trouble;

use super::AudioDevice;
use super::backend::{Backend, Hearing, Lists, MakeGiver, MakeTaker, Playing, Wanted, Watching};
use lk_media::{CHANNELS, Result, SAMPLE_RATE};

/// What ALSA's settings call the default.
const DEFAULT: &str = "default";

/// The sound cards.
pub(super) struct Alsa;

impl Backend for Alsa {
    fn name(&self) -> &'static str {
        "alsa"
    }

    fn may_be_there(&self) -> bool {
        std::path::Path::new(cards::FOLDER).exists()
    }

    fn lists(&self) -> Result<Lists> {
        cards::lists()
    }

    /// Whatever ALSA calls a device, for example hw:1,0 or plughw:CARD=USB.
    fn unlisted(&self, name: &str) -> Option<AudioDevice> {
        (name.contains(':') && !name.contains(' ')).then(|| AudioDevice {
            id: name.to_owned(),
            name: name.to_owned(),
            channels: CHANNELS as u32,
            rate: SAMPLE_RATE,
            is_monitor: false,
            is_default: false,
        })
    }

    fn play(&self, wanted: &Wanted, giver: &MakeGiver) -> Result<Box<dyn Playing>> {
        let name = wanted.device.as_deref().unwrap_or(DEFAULT);
        Ok(Box::new(playback::Playback::open(name, wanted, giver())?))
    }

    fn hear(&self, wanted: &Wanted, taker: &MakeTaker) -> Result<Box<dyn Hearing>> {
        let name = wanted.device.as_deref().unwrap_or(DEFAULT);
        Ok(Box::new(capture::Capture::open(name, wanted, taker())?))
    }

    fn watch(&self) -> Result<Box<dyn Watching>> {
        Ok(Box::new(cards::Folder::new()))
    }
}
