// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound devices of this machine, and news of them.

use super::AudioDevice;
use super::backend::{self, Backend, Watching};
use super::link::{HangUp, Link, Served, Step};
use lk_media::clock::Stopwatch;
use lk_media::thread::Thread;
use lk_media::{Error, ErrorKind, Event, EventKind, Events, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Devices that come together are told of together.
const GATHER: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(100);
/// So often a server is looked for where there was none.
const BETTER: Duration = Duration::from_millis(500);

/// What can be heard: microphones first, then the monitors of speakers; the default before all others. An error
/// of kind Device where there is neither a sound server nor a sound card.
pub fn inputs() -> Result<Vec<AudioDevice>> {
    Ok(backend::current()?.1.inputs)
}

/// What can be played on, the default first. An error as that of [`inputs`].
pub fn outputs() -> Result<Vec<AudioDevice>> {
    Ok(backend::current()?.1.outputs)
}

/// [`inputs`], where such an error is no device.
pub fn microphones() -> Result<Vec<AudioDevice>> {
    none_without(inputs())
}

/// [`outputs`], where such an error is no device.
pub fn speakers() -> Result<Vec<AudioDevice>> {
    none_without(outputs())
}

/// What the sound server calls itself, or what is used without one; an error that says why there is neither.
pub fn sound_server() -> Result<String> {
    Ok(backend::current()?.1.server)
}

fn none_without(list: Result<Vec<AudioDevice>>) -> Result<Vec<AudioDevice>> {
    match list {
        Err(e) if e.kind() == ErrorKind::Device => Ok(Vec::new()),
        list => list,
    }
}

/// Tells of sound devices that come and go, until it is dropped: events of kind device_state from "" to "present",
/// from "present" to "default" and back, and to "gone"; their source is the device's name. A server or a card that
/// is not there yet, or goes, is waited for.
pub struct AudioDeviceWatch {
    link: Arc<Link>,
    events: Events,
    thread: Mutex<Option<Thread>>,
}

/// What is watched, if there is anything yet, and when something better was looked for.
struct Watched(Option<(&'static dyn Backend, Box<dyn Watching>)>, Stopwatch);

impl Served for Watched {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        Ok(None)
    }
}

impl Watched {
    fn open() -> Result<Self> {
        let (backend, _) = backend::current()?;
        Ok(Self(Some((backend, backend.watch()?)), Stopwatch::start()))
    }

    /// Waits a moment; whether the lists may have changed.
    fn wait(&mut self) -> Result<bool> {
        let Some((backend, watching)) = &mut self.0 else {
            return Err(Error::new(ErrorKind::DeviceLost, "there are no sound devices"));
        };
        if self.1.elapsed() > BETTER {
            self.1 = Stopwatch::start();
            if backend::is_better_there(*backend) {
                *self = Self::open()?;
                return Ok(true);
            }
        }
        let changed = watching.wait(LOOK)?;
        while changed && watching.wait(GATHER)? {}
        Ok(changed)
    }
}

impl AudioDeviceWatch {
    /// Watches from now on.
    pub fn new() -> Result<Self> {
        let link = Link::new("sound devices".to_owned(), EventKind::RunState);
        let events = Events::new();
        let (mut known, hub) = (all(), events.clone());
        let mut is_first = true;
        let open = move || match (std::mem::take(&mut is_first), Watched::open()) {
            (true, Err(_)) => Ok(Watched(None, Stopwatch::start())),
            (_, opened) => opened,
        };
        let step = move |step: Step<'_, Watched>| {
            let changed = match step {
                Step::End(_) => return Ok(()),
                Step::Begin => true,
                Step::Serve(watched) => watched.wait().inspect_err(|_| tell(&hub, &mut known, Vec::new()))?,
            };
            if changed {
                tell(&hub, &mut known, all());
            }
            Ok(())
        };
        let thread = link.serve("lk-sound-watch", open, step)?;
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
    backend::current().map(|(_, lists)| [lists.outputs, lists.inputs].concat()).unwrap_or_default()
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
