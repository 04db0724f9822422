// SPDX-License-Identifier: GPL-2.0-or-later
//! The mixer's settings in a scene: plain values.

use lk_media::{Error, Result, SAMPLE_RATE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_2;
use std::str::FromStr;

/// The loudest gain accepted, in dB.
pub const MAX_GAIN_DB: f64 = 60.0;
/// The lowest ceiling of a limiter, in dB of full scale; the highest is 0.
pub const MIN_CEILING_DB: f64 = -60.0;
/// How many mixes there may be, the main one and the monitor included.
pub const MAX_MIXES: usize = 32;
/// The longest name of a mix, in bytes.
const MAX_NAME: usize = 100;

/// The number of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MixId(u8);

impl MixId {
    /// The mix that a scene's sound is, always there.
    pub const MAIN: Self = Self(0);
    /// What is heard by the one who works with the scene, always there.
    pub const MONITOR: Self = Self(1);

    /// The mix of that number; None from [`MAX_MIXES`] on.
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < MAX_MIXES).then_some(Self(number))
    }

    /// Whether it is always there.
    pub fn is_fixed(self) -> bool {
        self == Self::MAIN || self == Self::MONITOR
    }
}

/// The mixes an input goes to. The monitor is none of them: see [`Monitor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<MixId>", into = "Vec<MixId>")]
pub struct Mixes(u32);

impl Default for Mixes {
    fn default() -> Self {
        Self::MAIN
    }
}

impl Mixes {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The main mix alone.
    pub const MAIN: Self = Self(1 << MixId::MAIN.0);

    /// Whether `mix` is among them.
    pub fn contains(self, mix: MixId) -> bool {
        self.0 & (1 << mix.0) != 0
    }

    /// Adds one.
    pub fn insert(&mut self, mix: MixId) {
        self.0 |= 1 << mix.0;
    }

    /// Takes one away.
    pub fn remove(&mut self, mix: MixId) {
        self.0 &= !(1 << mix.0);
    }

    /// All of them, by number.
    pub fn iter(self) -> impl Iterator<Item = MixId> {
        (0..MAX_MIXES as u8).map(MixId).filter(move |mix| self.contains(*mix))
    }
}

impl FromIterator<MixId> for Mixes {
    fn from_iter<T: IntoIterator<Item = MixId>>(mixes: T) -> Self {
        mixes.into_iter().fold(Self::NONE, |mut all, mix| {
            all.insert(mix);
            all
        })
    }
}

impl From<Vec<MixId>> for Mixes {
    fn from(mixes: Vec<MixId>) -> Self {
        mixes.into_iter().filter(|mix| usize::from(mix.0) < MAX_MIXES).collect()
    }
}

impl From<Mixes> for Vec<MixId> {
    fn from(mixes: Mixes) -> Self {
        mixes.iter().collect()
    }
}

/// Whether an input is heard by the one who works with the scene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// It is not.
    #[default]
    Off,
    /// It is, and by the audience.
    On,
    /// It is, and goes to no mix.
    Only,
}

impl Monitor {
    /// The word for it: "only".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Only => "only",
        }
    }
}

impl FromStr for Monitor {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let all = [Self::Off, Self::On, Self::Only];
        all.into_iter().find(|m| m.as_str() == word).ok_or_else(|| {
            Error::parameter(format!("monitor {word:?} is not known"))
                .with_hint("\"off\", \"on\" or \"only\" (to the monitor and to no mix)")
        })
    }
}

/// How one sound is heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MixerInput {
    /// Gain in dB; negative infinity is silence.
    pub gain_db: f64,
    /// Whether it is silent.
    pub mute: bool,
    /// Balance: -1 is the left side alone, 1 the right one. The side it moves away from is multiplied by
    /// cos(|pan| * 90 degrees), the other stays as it is.
    pub pan: f64,
    /// Whether both sides are the mean of the two, before the balance.
    pub mono: bool,
    /// Seconds by which it is heard later (negative: earlier) than its source says.
    pub sync_offset: f64,
    /// The mixes it goes to.
    pub mixes: Mixes,
    /// Whether it goes to the monitor.
    pub monitor: Monitor,
    /// Whether the monitor has it alone, with other inputs of which this is said. The mixes stay as they are.
    pub solo: bool,
}

impl Default for MixerInput {
    fn default() -> Self {
        Self {
            gain_db: 0.0,
            mute: false,
            pan: 0.0,
            mono: false,
            sync_offset: 0.0,
            mixes: Mixes::default(),
            monitor: Monitor::Off,
            solo: false,
        }
    }
}

impl MixerInput {
    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_gain(self.gain_db)?;
        if !(-1.0..=1.0).contains(&self.pan) {
            return Err(Error::parameter(format!("pan {} is not between -1 and 1", self.pan))
                .with_hint("-1 is left, 0 the middle, 1 right"));
        }
        if !self.sync_offset.is_finite() || self.sync_offset.abs() > 3600.0 {
            return Err(Error::parameter(format!(
                "sync offset {} s is not within an hour",
                self.sync_offset
            )));
        }
        Ok(())
    }

    /// The sync offset in samples.
    pub fn offset_samples(&self) -> i64 {
        (self.sync_offset * f64::from(SAMPLE_RATE)).round() as i64
    }

    /// What left and right become: left from left, left from right, right from left, right from right.
    pub(super) fn matrix(&self) -> [f32; 4] {
        let gain = if self.mute { 0.0 } else { factor(self.gain_db) };
        let far = (self.pan.abs() * FRAC_PI_2).cos().max(0.0);
        let far = if self.pan.abs() >= 1.0 { 0.0 } else { gain * far };
        let (left, right) = if self.pan > 0.0 { (far, gain) } else { (gain, far) };
        let (left, right) = (left as f32, right as f32);
        if self.mono {
            return [left * 0.5, left * 0.5, right * 0.5, right * 0.5];
        }
        [left, 0.0, 0.0, right]
    }
}

/// How one mix is put out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MixSettings {
    /// What people call it: unique in a scene.
    pub name: String,
    /// Gain of the sum in dB.
    pub gain_db: f64,
    /// Whether it is silent.
    pub mute: bool,
    /// Whether it is held under the ceiling.
    pub limiter: bool,
    /// The highest sample that the limiter lets through, in dB of full scale.
    pub ceiling_db: f64,
}

impl Default for MixSettings {
    fn default() -> Self {
        Self { name: String::new(), gain_db: 0.0, mute: false, limiter: false, ceiling_db: -1.0 }
    }
}

impl MixSettings {
    /// A mix as it comes, of that name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_gain(self.gain_db)?;
        if self.name.trim().is_empty() || self.name.len() > MAX_NAME {
            return Err(Error::parameter(format!("{:?} is no name for a mix", self.name))
                .with_hint(format!("a word or more, at most {MAX_NAME} bytes")));
        }
        if !(MIN_CEILING_DB..=0.0).contains(&self.ceiling_db) {
            return Err(Error::parameter(format!("a ceiling of {} dB is not possible", self.ceiling_db))
                .with_hint(format!("in dB of full scale: {MIN_CEILING_DB} to 0, usually -1")));
        }
        Ok(())
    }

    pub(super) fn factor(&self) -> f32 {
        if self.mute { 0.0 } else { factor(self.gain_db) as f32 }
    }

    /// What the limiter lets through.
    pub(super) fn ceiling(&self) -> Option<f32> {
        self.limiter.then(|| factor(self.ceiling_db) as f32)
    }
}

/// The mixer's settings in a scene. Inputs are summed in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixerSettings {
    /// The mixes by number; the main one and the monitor are always among them.
    pub mixes: BTreeMap<MixId, MixSettings>,
    /// The sounds by number.
    pub inputs: BTreeMap<u64, MixerInput>,
}

impl Default for MixerSettings {
    fn default() -> Self {
        let mixes =
            [(MixId::MAIN, MixSettings::named("main")), (MixId::MONITOR, MixSettings::named("monitor"))];
        Self { mixes: mixes.into_iter().collect(), inputs: BTreeMap::new() }
    }
}

impl MixerSettings {
    /// The mix called `name`.
    pub fn find(&self, name: &str) -> Option<MixId> {
        self.mixes.iter().find(|(_, mix)| mix.name == name).map(|(id, _)| *id)
    }

    /// Adds a mix that nothing goes to yet.
    pub fn add_mix(&mut self, settings: MixSettings) -> Result<MixId> {
        settings.validate()?;
        let free = (0..MAX_MIXES as u8).map(MixId).find(|id| !self.mixes.contains_key(id));
        let id = free.ok_or_else(|| {
            Error::parameter(format!("there are {MAX_MIXES} mixes already")).with_hint("remove one first")
        })?;
        self.mixes.insert(id, settings);
        Ok(id)
    }

    /// Takes a mix away, also from the inputs that go to it. False if there is none.
    pub fn remove_mix(&mut self, id: MixId) -> bool {
        self.inputs.values_mut().for_each(|input| input.mixes.remove(id));
        self.mixes.remove(&id).is_some()
    }

    /// How loud `input` goes to `mix`: 0 or 1.
    pub(super) fn send(&self, input: &MixerInput, mix: MixId, any_solo: bool) -> f32 {
        let goes = match mix {
            MixId::MONITOR if any_solo => input.solo,
            MixId::MONITOR => input.monitor != Monitor::Off,
            _ => input.mixes.contains(mix) && input.monitor != Monitor::Only,
        };
        if goes { 1.0 } else { 0.0 }
    }

    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        for (id, mix) in &self.mixes {
            mix.validate()?;
            if self.find(&mix.name) != Some(*id) {
                return Err(Error::parameter(format!("there is already a mix called {:?}", mix.name))
                    .with_hint("names are unique in a scene"));
            }
        }
        if [MixId::MAIN, MixId::MONITOR].iter().any(|id| !self.mixes.contains_key(id)) {
            return Err(Error::parameter("the main mix and the monitor cannot be removed"));
        }
        for input in self.inputs.values() {
            input.validate()?;
            if let Some(id) = input.mixes.iter().find(|id| !self.mixes.contains_key(id)) {
                return Err(Error::parameter(format!("there is no mix of number {}", id.0)));
            }
            if input.mixes.contains(MixId::MONITOR) {
                return Err(Error::parameter("the monitor is not one of the mixes")
                    .with_hint("say monitor=\"on\" or \"only\""));
            }
        }
        Ok(())
    }
}

fn check_gain(db: f64) -> Result<()> {
    if db.is_nan() || db > MAX_GAIN_DB {
        return Err(Error::parameter(format!("gain {db} dB is not possible"))
            .with_hint(format!("gains are in dB: 0 is unchanged, -6 half as loud, at most {MAX_GAIN_DB}")));
    }
    Ok(())
}

fn factor(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_errors() {
        let input = MixerInput::default();
        for wrong in [
            MixerInput { gain_db: f64::NAN, ..input },
            MixerInput { gain_db: 60.1, ..input },
            MixerInput { sync_offset: 1e9, ..input },
            MixerInput { pan: 1.01, ..input },
            MixerInput { pan: f64::NAN, ..input },
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
        assert!(MixerInput { gain_db: f64::NEG_INFINITY, pan: -1.0, ..input }.validate().is_ok());
        let mix = MixSettings::named("voice");
        for wrong in [
            MixSettings { ceiling_db: 0.1, ..mix.clone() },
            MixSettings { ceiling_db: f64::NAN, ..mix.clone() },
            MixSettings { gain_db: f64::NAN, ..mix.clone() },
            MixSettings::named(" "),
            MixSettings::named("x".repeat(101)),
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
        assert!(mix.validate().is_ok());
    }

    #[test]
    fn mixes_have_names_of_their_own_and_go_with_what_went_to_them() {
        let mut mixer = MixerSettings::default();
        let voice = mixer.add_mix(MixSettings::named("voice")).unwrap();
        let mut input = MixerInput::default();
        input.mixes.insert(voice);
        mixer.inputs.insert(1, input);
        mixer.validate().unwrap();
        let text = serde_json::to_string(&mixer).unwrap();
        assert_eq!(serde_json::from_str::<MixerSettings>(&text).unwrap(), mixer);
        let mut twice = mixer.clone();
        twice.add_mix(MixSettings::named("voice")).unwrap();
        assert!(twice.validate().is_err());
        assert!(mixer.remove_mix(voice) && !mixer.remove_mix(voice));
        assert_eq!(mixer.inputs[&1].mixes, Mixes::default());
        mixer.validate().unwrap();
        mixer.inputs.insert(1, input);
        assert!(mixer.validate().is_err(), "the mix is gone");
        mixer.inputs.clear();
        for n in 2..MAX_MIXES {
            mixer.add_mix(MixSettings::named(format!("{n}"))).unwrap();
        }
        assert!(mixer.add_mix(MixSettings::named("one more")).is_err());
        assert!(mixer.remove_mix(MixId::MAIN) && mixer.validate().is_err());
    }

    #[test]
    fn the_law_of_the_balance() {
        let of = |pan: f64| MixerInput { pan, ..MixerInput::default() }.matrix();
        assert_eq!(of(0.0), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(of(-1.0), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(1.0), [0.0, 0.0, 0.0, 1.0]);
        // half way the far side is 3.01 dB lower, at a third 1.25 dB
        for (pan, db) in [(0.5, -3.0103), (-0.5, -3.0103), (1.0 / 3.0, -1.2494)] {
            let [left, _, _, right] = of(pan);
            let (near, far) = if pan > 0.0 { (right, left) } else { (left, right) };
            assert_eq!(near, 1.0);
            assert!((20.0 * f64::from(far).log10() - db).abs() < 1e-3, "{pan}: {far}");
        }
        let mono = MixerInput { mono: true, pan: 1.0, gain_db: 20.0, ..MixerInput::default() };
        assert_eq!(mono.matrix(), [0.0, 0.0, 5.0, 5.0]);
        assert_eq!(MixerInput { mute: true, ..mono }.matrix(), [0.0; 4]);
    }

    #[test]
    fn a_solo_changes_what_the_monitor_has_and_nothing_else() {
        let mixer = MixerSettings::default();
        let plain = MixerInput::default();
        let heard = MixerInput { monitor: Monitor::On, ..plain };
        let only = MixerInput { monitor: Monitor::Only, ..plain };
        let solo = MixerInput { solo: true, ..plain };
        let sends = |mix, any| [plain, heard, only, solo].map(|i| mixer.send(&i, mix, any));
        assert_eq!(sends(MixId::MAIN, false), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(sends(MixId::MAIN, true), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(sends(MixId::MONITOR, false), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(sends(MixId::MONITOR, true), [0.0, 0.0, 0.0, 1.0]);
    }
}
