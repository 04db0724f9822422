// SPDX-License-Identifier: GPL-2.0-or-later
//! `--audio FILE[,gain=-6,mute=yes,pan=-0.5,mono=yes,sync-offset=0.1,loop=yes]`, and the same keys on layers.

use crate::failure::Failure;
use crate::spec::{Setting, Spec};
use livekit_studio::MixerInput;

const KEYS: [&str; 6] = ["gain", "mute", "pan", "mono", "sync-offset", "loop"];

/// The loudest gain, in dB, and the longest offset, in seconds, that the mixer takes.
const MAX_GAIN: f64 = 60.0;
const MAX_OFFSET: f64 = 3600.0;

/// A sound to be heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AudioSpec {
    /// The path or address.
    pub file: String,
    /// Whether it starts again at its end.
    pub looping: bool,
    /// How it is heard.
    pub input: MixerInput,
}

impl AudioSpec {
    /// Reads the value of one `--audio`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let spec = Spec::parse("--audio", text, &KEYS)?;
        let mut audio = Self { file: spec.file, looping: false, input: MixerInput::default() };
        for setting in &spec.settings {
            match setting.key.as_str() {
                "loop" => audio.looping = setting.yes()?,
                _ => hear(setting, &mut audio.input)?,
            }
        }
        Ok(audio)
    }
}

/// Takes one of the keys that say how a sound is heard.
pub(crate) fn hear(setting: &Setting<'_>, input: &mut MixerInput) -> Result<(), Failure> {
    match setting.key.as_str() {
        "gain" => {
            let allowed = "in dB: 0 is unchanged, -6 half as loud, -inf silence, at most 60";
            input.gain_db = setting.number(f64::NEG_INFINITY..=MAX_GAIN, allowed)?;
        }
        "mute" => input.mute = setting.yes()?,
        "pan" => input.pan = setting.number(-1.0..=1.0, "from -1, left, to 1, right")?,
        "mono" => input.mono = setting.yes()?,
        "sync-offset" => {
            let allowed = "in seconds, -3600 to 3600; below 0 is earlier";
            input.sync_offset = setting.number(-MAX_OFFSET..=MAX_OFFSET, allowed)?;
        }
        _ => return Err(setting.unknown()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key() {
        let audio =
            AudioSpec::parse("music.mp3,gain=-6.5,mute=yes,pan=-0.5,mono=yes,sync-offset=-0.1,loop=on")
                .expect("all are keys");
        let input = MixerInput {
            gain_db: -6.5,
            mute: true,
            pan: -0.5,
            mono: true,
            sync_offset: -0.1,
            ..MixerInput::default()
        };
        assert_eq!(audio, AudioSpec { file: "music.mp3".to_owned(), looping: true, input });
        let silent = AudioSpec::parse("a,gain=-inf,mute=no").expect("silence is a gain");
        assert_eq!((silent.input.gain_db, silent.input.mute), (f64::NEG_INFINITY, false));
    }

    #[test]
    fn mistakes_name_the_key_and_what_is_allowed() {
        for (text, key, allowed) in [
            ("a,gain=61", "gain", "at most 60"),
            ("a,gain=loud", "gain", "dB"),
            ("a,gain=nan", "gain", "dB"),
            ("a,mute=perhaps", "mute", "yes or no"),
            ("a,pan=2", "pan", "-1, left"),
            ("a,loop=", "loop", "yes or no"),
            ("a,sync-offset=4000", "sync-offset", "-3600 to 3600"),
            ("a,opacity=1", "opacity", "gain, mute, pan, mono, sync-offset, loop"),
        ] {
            let failure = AudioSpec::parse(text).expect_err(text);
            assert!(failure.message.contains("--audio a") && failure.message.contains(key), "{failure:?}");
            assert!(failure.hint.as_ref().is_some_and(|h| h.contains(allowed)), "{failure:?}");
            assert_eq!(failure.status, crate::USAGE);
        }
    }
}
