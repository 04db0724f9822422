// SPDX-License-Identifier: GPL-2.0-or-later
//! From one device to another.

use super::DeviceStatistics;
use super::choice::DeviceChoice;
use super::feeding::Timing;
use super::microphone::Microphone;
use super::speaker::Speaker;
use lk_media::{AudioPort, AudioSource, Error, Events, Result, SourceState};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// One end of a repeater.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepeaterEnd {
    /// A device.
    Device(DeviceChoice),
    /// An in-process channel, by its negative number.
    Channel(i64),
}

impl From<i64> for RepeaterEnd {
    fn from(id: i64) -> Self {
        match usize::try_from(id) {
            Ok(index) => Self::Device(index.into()),
            Err(_) => Self::Channel(id),
        }
    }
}

/// Plays what one device hears on another one, until it is closed or dropped. Either may be lost and come back;
/// each follows its own clock.
pub struct AudioRepeater {
    name: String,
    microphone: Option<Microphone>,
    speaker: Option<Speaker>,
    /// A channel that hears a source.
    heard: Mutex<Option<Heard>>,
}

type Heard = (Arc<AudioPort>, Arc<dyn AudioSource>);

impl AudioRepeater {
    /// Opens both ends; errors as those of [`Microphone::open`] and [`Speaker::open`].
    pub fn open(from: &RepeaterEnd, to: &RepeaterEnd) -> Result<Self> {
        if from == to && matches!(from, RepeaterEnd::Channel(_)) {
            return Err(Error::parameter("a channel cannot be repeated to itself"));
        }
        let mut this = Self { name: String::new(), microphone: None, speaker: None, heard: Mutex::default() };
        let source: Arc<dyn AudioSource> = match from {
            RepeaterEnd::Channel(id) => AudioPort::channel(*id)?,
            RepeaterEnd::Device(choice) => {
                let microphone = match to {
                    RepeaterEnd::Device(_) => Microphone::open_short(choice)?,
                    RepeaterEnd::Channel(_) => Microphone::open(choice)?,
                };
                this.microphone = Some(microphone.clone());
                Arc::new(microphone)
            }
        };
        let to_name = match (to, &this.microphone) {
            (RepeaterEnd::Channel(id), _) => {
                let port = AudioPort::channel(*id)?;
                port.attach(source.clone());
                *this.heard.lock() = Some((port, source.clone()));
                format!("channel {id}")
            }
            (RepeaterEnd::Device(choice), Some(microphone)) => {
                this.speaker.insert(Speaker::repeat(choice, microphone)?).device().name.clone()
            }
            (RepeaterEnd::Device(choice), None) => {
                let speaker = Speaker::play(choice, source.clone(), Timing::Behind)?;
                this.speaker.insert(speaker).device().name.clone()
            }
        };
        this.name = format!("{} to {to_name}", source.name());
        Ok(this)
    }

    /// "Microphone to Speaker".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time from a sound's being heard until it is played, as far as the devices tell; zero into a channel.
    pub fn latency(&self) -> Duration {
        self.speaker.as_ref().map_or(Duration::ZERO, Speaker::latency)
    }

    /// The microphone, if it hears one.
    pub fn microphone(&self) -> Option<&Microphone> {
        self.microphone.as_ref()
    }

    /// The speaker, if it plays on one.
    pub fn speaker(&self) -> Option<&Speaker> {
        self.speaker.as_ref()
    }

    /// Where it stands: the end that is worse off.
    pub fn state(&self) -> SourceState {
        let ends = [self.microphone.as_ref().map(|m| m.state()), self.speaker.as_ref().map(Speaker::state)];
        let mut ends = ends.into_iter().flatten();
        let first = ends.next().unwrap_or(SourceState::Live);
        if matches!(first, SourceState::Live) { ends.next().unwrap_or(first) } else { first }
    }

    /// Tells `events` of the changes of state of both ends.
    pub fn tell(&self, events: &Events) {
        self.microphone.iter().for_each(|m| m.tell(events));
        self.speaker.iter().for_each(|s| s.tell(events));
    }

    /// Counts so far: the microphone's jumps and drift if there is one, and the speaker's besides.
    pub fn statistics(&self) -> DeviceStatistics {
        let ends = [
            self.microphone.as_ref().map(Microphone::statistics),
            self.speaker.as_ref().map(Speaker::statistics),
        ];
        let sum = |sum: DeviceStatistics, end: DeviceStatistics| DeviceStatistics {
            late_samples: sum.late_samples + end.late_samples,
            underruns: sum.underruns + end.underruns,
            jumps: sum.jumps + end.jumps,
            drift_ppm: if sum.drift_ppm == 0.0 { end.drift_ppm } else { sum.drift_ppm },
        };
        ends.into_iter().flatten().fold(DeviceStatistics::default(), sum)
    }

    /// Ends it.
    pub fn close(&self) {
        if let Some((port, source)) = self.heard.lock().take() {
            port.detach(&source);
        }
        self.speaker.iter().for_each(Speaker::close);
        self.microphone.iter().for_each(Microphone::close);
    }
}

impl Drop for AudioRepeater {
    fn drop(&mut self) {
        if let Some((port, source)) = self.heard.lock().take() {
            port.detach(&source);
        }
    }
}
