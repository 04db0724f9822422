// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound devices of this machine, and news of them.

use super::AudioDevice;
use super::link::{Link, Served, Step};
use super::pulse::{self, Subscription};
use lk_media::thread::Thread;
use lk_media::{ErrorKind, Event, EventKind, Events, Result};
use parking_lot::Mutex;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// Devices that come together are told of together.
const GATHER: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(100);

/// What can be heard: microphones first, then the monitors of speakers; the default before all others. An error
/// of kind Device where there is no sound server.
pub fn inputs() -> Result<Vec<AudioDevice>> {
    Ok(pulse::lists()?.inputs)
}

/// What can be played on, the default first. An error of kind Device where there is no sound server.
pub fn outputs() -> Result<Vec<AudioDevice>> {
    Ok(pulse::lists()?.outputs)
}

/// [`inputs`], where no sound server is no device.
pub fn microphones() -> Result<Vec<AudioDevice>> {
    none_without_server(inputs())
}

/// [`outputs`], where no sound server is no device.
pub fn speakers() -> Result<Vec<AudioDevice>> {
    none_without_server(outputs())
}

/// What the sound server calls itself; an error that says why there is none.
pub fn sound_server() -> Result<String> {
    Ok(pulse::lists()?.server)
}

fn none_without_server(list: Result<Vec<AudioDevice>>) -> Result<Vec<AudioDevice>> {
    match list {
        Err(e) if e.kind() == ErrorKind::Device => Ok(Vec::new()),
        list => list,
    }
}

/// Tells of sound devices that come and go, until it is dropped: events of kind device_state from "" to "present",
/// from "present" to "default" and back, and to "gone"; their source is the device's name. A server that is not
/// there yet, or goes, is waited for.
pub struct AudioDeviceWatch {
    link: Arc<Link>,
    events: Events,
    thread: Mutex<Option<Thread>>,
}

/// A subscription, or the wait for a server.
struct Watched(Option<Subscription>);

impl Served for Watched {
    fn handle(&self) -> Result<Option<UnixStream>> {
        Ok(None)
    }
}

impl AudioDeviceWatch {
    /// Watches from now on.
    pub fn new() -> Result<Self> {
        let link = Link::new("sound devices".to_owned(), EventKind::RunState);
        let events = Events::new();
        let (mut known, hub) = (all(), events.clone());
        let first = Watched(Subscription::open().ok());
        let step = move |step: Step<'_, Watched>| {
            let changed = match step {
                Step::End(_) => return Ok(()),
                Step::Begin => true,
                Step::Serve(Watched(None)) => {
                    return Err(lk_media::Error::new(ErrorKind::DeviceLost, "there is no sound server"));
                }
                Step::Serve(Watched(Some(subscription))) => {
                    let changed = subscription.wait(LOOK);
                    if matches!(changed, Ok(true)) {
                        while subscription.wait(GATHER)? {}
                    }
                    changed.inspect_err(|_| tell(&hub, &mut known, Vec::new()))?
                }
            };
            if changed {
                tell(&hub, &mut known, all());
            }
            Ok(())
        };
        let open = || Subscription::open().map(|s| Watched(Some(s)));
        let thread = link.serve("lk-sound-watch", first, open, step)?;
        Ok(Self { link, events, thread: Mutex::new(Some(thread)) })
    }

    /// The news.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Watches no more.
    pub fn close(&self) {
        self.link.end();
        let thread = self.thread.lock().take();
        drop(thread);
        if self.link.is_here() {
            self.events.close();
        }
    }
}

impl Drop for AudioDeviceWatch {
    fn drop(&mut self) {
        self.close();
    }
}

fn all() -> Vec<AudioDevice> {
    pulse::lists().map(|lists| [lists.outputs, lists.inputs].concat()).unwrap_or_default()
}

fn tell(events: &Events, known: &mut Vec<AudioDevice>, now: Vec<AudioDevice>) {
    let word = |devices: &[AudioDevice], id: &str| match devices.iter().find(|d| d.id == id) {
        Some(device) if device.is_default => "default",
        Some(_) => "present",
        None => "",
    };
    for device in &*known {
        if word(&now, &device.id).is_empty() {
            let old = word(known, &device.id);
            events.emit(Event::now(EventKind::DeviceState, &*device.name, old, "gone"));
        }
    }
    for device in &now {
        let (old, new) = (word(known, &device.id), word(&now, &device.id));
        if old != new {
            events.emit(Event::now(EventKind::DeviceState, &*device.name, old, new));
        }
    }
    *known = now;
}
