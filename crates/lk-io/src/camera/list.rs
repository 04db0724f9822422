// SPDX-License-Identifier: GPL-2.0-or-later
//! The cameras of this machine, and news of them.

use super::CameraInfo;
use super::backend::{BACKENDS, Backend, Found, Watch};
use lk_media::thread::{self, Process, Thread};
use lk_media::{Cancel, Error, ErrorKind, Event, EventKind, Events, Result, Wake};
use parking_lot::Mutex;
use std::time::Duration;

/// How often it is looked whether cameras came or went.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// A camera and the way to it.
#[derive(Clone)]
pub(super) struct Way {
    pub backend: &'static dyn Backend,
    pub found: Found,
}

/// Every way to every camera; the preferred ways first.
pub(super) fn ways() -> Result<Vec<Way>> {
    let mut ways = Vec::new();
    let mut missing = None;
    for backend in BACKENDS {
        match backend.cameras() {
            Ok(found) => ways.extend(found.into_iter().map(|found| Way { backend: *backend, found })),
            Err(error) => {
                tracing::debug!("{}: {error}", backend.name());
                missing = missing.or(Some(error));
            }
        }
    }
    match missing {
        // some way there must be
        Some(error) if ways.is_empty() && BACKENDS.len() == 1 => Err(error),
        _ if BACKENDS.is_empty() => {
            Err(Error::new(ErrorKind::Device, "this version knows no cameras on this system"))
        }
        _ => Ok(ways),
    }
}

/// The cameras that `ways` lead to, each once.
pub(super) fn each_once(ways: &[Way]) -> Vec<Found> {
    let mut cameras: Vec<Found> = Vec::new();
    for way in ways {
        let known = |c: &Found| c.node.is_some() && c.node == way.found.node;
        if !cameras.iter().any(known) {
            cameras.push(way.found.clone());
        }
    }
    cameras
}

/// The cameras there are, those of the system in the order of their device nodes. None is no error.
pub fn cameras() -> Result<Vec<CameraInfo>> {
    Ok(each_once(&ways()?).into_iter().map(|c| c.info).collect())
}

/// Notices when any camera comes or goes.
pub(super) struct Watches(Vec<Box<dyn Watch>>);

impl Watches {
    pub(super) fn new() -> Self {
        Self(BACKENDS.iter().map(|b| b.watch()).collect())
    }

    pub(super) fn changed(&mut self) -> bool {
        // all are asked, so that all know
        self.0.iter_mut().fold(false, |any, watch| watch.changed() | any)
    }
}

/// Tells of cameras that come and go, until it is dropped: events of kind device_state from "" to "present" and from
/// "present" to "gone"; their source is the camera's name, their reason its id.
pub struct CameraWatch {
    events: Events,
    cancel: Cancel,
    wake: Wake,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

impl CameraWatch {
    /// Watches from now on. Cameras that are there are not told of.
    pub fn new() -> Result<Self> {
        let (events, cancel, wake) = (Events::new(), Cancel::new(), Wake::new());
        let (hub, stop, bell) = (events.clone(), cancel.clone(), wake.clone());
        let (sender, ready) = crossbeam_channel::bounded(1);
        let thread = thread::spawn("lk-camera-watch", move || {
            let mut watches = Watches::new();
            let mut known = cameras().unwrap_or_default();
            let _ = sender.send(());
            while !stop.is_cancelled() {
                bell.wait(LOOK);
                if !stop.is_cancelled() && watches.changed() {
                    tell(&hub, &mut known, cameras().unwrap_or_default());
                }
            }
        })?;
        // what comes from here on is news
        let _ = ready.recv_timeout(Duration::from_secs(5));
        Ok(Self { events, cancel, wake, thread: Mutex::new(Some(thread)), process: Process::here() })
    }

    /// The news.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Watches no more.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.cancel.cancel();
        self.wake.ring();
        let thread = self.thread.lock().take();
        drop(thread);
        self.events.close();
    }
}

impl Drop for CameraWatch {
    fn drop(&mut self) {
        self.close();
    }
}

fn tell(events: &Events, known: &mut Vec<CameraInfo>, now: Vec<CameraInfo>) {
    let has = |cameras: &[CameraInfo], id: &str| cameras.iter().any(|c| c.id == id);
    for camera in known.iter().filter(|c| !has(&now, &c.id)) {
        let event = Event::now(EventKind::DeviceState, &*camera.name, "present", "gone");
        events.emit(event.because(&camera.id));
    }
    for camera in now.iter().filter(|c| !has(known, &c.id)) {
        let event = Event::now(EventKind::DeviceState, &*camera.name, "", "present");
        events.emit(event.because(&camera.id));
    }
    *known = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(id: &str) -> CameraInfo {
        CameraInfo {
            id: id.to_owned(),
            name: format!("camera {id}"),
            address: String::new(),
            backend: "V4L2",
            modes: Vec::new(),
        }
    }

    #[test]
    fn comings_and_goings_are_told_once() {
        let events = Events::new();
        let reader = events.reader();
        let mut known = vec![camera("a")];
        tell(&events, &mut known, vec![camera("a"), camera("b")]);
        tell(&events, &mut known, vec![camera("a"), camera("b")]);
        tell(&events, &mut known, vec![camera("b")]);
        let told: Vec<(String, String)> =
            std::iter::from_fn(|| reader.try_next()).map(|e| (e.source, e.new)).collect();
        let expected = [("camera b", "present"), ("camera a", "gone")];
        assert_eq!(told, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
