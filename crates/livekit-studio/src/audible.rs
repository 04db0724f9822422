// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a player is heard: in an in-process channel, or on a device.

use crate::{AudioPort, AudioSource, DeviceChoice, Error, ErrorKind, Events, Result, Speaker, Timing};
use parking_lot::Mutex;
use std::sync::Arc;

/// Where something is to be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioOutput {
    /// In the in-process channel of that negative number.
    Channel(i64),
    /// On a device. The default one may be missing: then it is heard nowhere.
    Device(DeviceChoice),
}

impl From<i64> for AudioOutput {
    fn from(id: i64) -> Self {
        match usize::try_from(id) {
            Ok(index) => Self::Device(index.into()),
            Err(_) => Self::Channel(id),
        }
    }
}

/// The sound of a player on its way out. A device is opened when it is first played to.
pub struct Audible {
    sound: Option<Arc<dyn AudioSource>>,
    events: Events,
    way: Mutex<Way>,
}

enum Way {
    Closed,
    Channel(Arc<AudioPort>),
    Device(DeviceChoice, Option<Speaker>),
}

impl Audible {
    /// Lets `sound` be heard there; changes of state of a device go to `events`. DeviceNotFound if there is no such
    /// device, Device if there are none for want of a sound server.
    pub fn new(sound: Option<Arc<dyn AudioSource>>, events: &Events, to: AudioOutput) -> Result<Self> {
        let this = Self { sound, events: events.clone(), way: Mutex::new(Way::Closed) };
        this.set(to, false)?;
        Ok(this)
    }

    /// Lets it be heard elsewhere from now on; `now` opens a device at once.
    pub fn set(&self, to: AudioOutput, now: bool) -> Result<()> {
        let way = match (&self.sound, to) {
            (None, _) => Way::Closed,
            (Some(_), AudioOutput::Channel(id)) => Way::Channel(AudioPort::channel(id)?),
            (Some(_), AudioOutput::Device(choice)) => {
                if choice != DeviceChoice::Default {
                    choice.check_speaker()?;
                }
                let speaker = if now { self.speaker(&choice)? } else { None };
                Way::Device(choice, speaker)
            }
        };
        let mut held = self.way.lock();
        let before = std::mem::replace(&mut *held, Way::Closed);
        self.leave(before);
        // it may be the same channel, which it must not leave again
        if let (Way::Channel(port), Some(sound)) = (&way, &self.sound) {
            port.attach(sound.clone());
        }
        *held = way;
        Ok(())
    }

    /// Opens the device, if it is to be heard on one and that is not open yet: before it is played.
    pub fn open(&self) -> Result<()> {
        let mut way = self.way.lock();
        if let Way::Device(choice, speaker @ None) = &mut *way {
            *speaker = self.speaker(choice)?;
        }
        Ok(())
    }

    fn speaker(&self, choice: &DeviceChoice) -> Result<Option<Speaker>> {
        let Some(sound) = self.sound.clone() else { return Ok(None) };
        match Speaker::play(choice, sound, Timing::Ahead) {
            Ok(speaker) => {
                speaker.tell(&self.events);
                speaker.wait_ready();
                Ok(Some(speaker))
            }
            // what nobody chose may be missing
            Err(e) if *choice == DeviceChoice::Default && is_missing(&e) => {
                tracing::info!("nothing is heard: {e}");
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn leave(&self, way: Way) {
        match (way, &self.sound) {
            (Way::Channel(port), Some(sound)) => port.detach(sound),
            (Way::Device(_, Some(speaker)), _) => speaker.close(),
            _ => {}
        }
    }

    /// The device it is heard on, once that is open.
    pub fn device(&self) -> Option<Speaker> {
        match &*self.way.lock() {
            Way::Device(_, speaker) => speaker.clone(),
            _ => None,
        }
    }

    /// Lets it be heard no more.
    pub fn close(&self) {
        let before = std::mem::replace(&mut *self.way.lock(), Way::Closed);
        self.leave(before);
    }
}

impl Drop for Audible {
    fn drop(&mut self) {
        if let (Way::Channel(port), Some(sound)) = (&*self.way.lock(), &self.sound) {
            port.detach(sound);
        }
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Device | ErrorKind::DeviceNotFound | ErrorKind::DeviceLost)
}
