// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera in use, as a source.

use super::serving::{Serving, Shared, is_same};
use super::{CameraChoice, CameraInfo, CameraMode, CameraOptions, CameraStatistics};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{
    Cancel, Clock, Delivery, Error, ErrorKind, Events, Exactness, Frame, Result, Sample, Sampling, Size,
    SourceState, Timestamp, VideoSource, VideoTarget, Wake,
};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a camera may take to be opened.
const ANSWER: Duration = Duration::from_secs(10);
/// How long its thread may take to end; one that hangs in the system is left behind.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

/// A camera.
///
/// Its frames lie where they were taken on the live time line. They go to every target and are there as a source. A
/// camera that gives no pictures for a second is [`SourceState::Stalled`], and is started afresh every five seconds; one
/// that was unplugged is [`SourceState::Reconnecting`] until the same one is there again. Meanwhile its last frame
/// stays, or what a layer shows instead.
///
/// Clones are the same camera; it is let go when the last one is dropped.
#[derive(Clone)]
pub struct Camera(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    /// The number of the next frame that [`Camera::frame`] gives.
    next: AtomicU64,
}

impl Camera {
    /// Opens a camera and has it start. Kinds of errors: DeviceNotFound, DeviceBusy, Device (no permission), Format (no
    /// such mode; the hint lists those there are), Deadline (it does not answer).
    pub fn open(choice: &CameraChoice, options: &CameraOptions) -> Result<Self> {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let (cancel, ended) = (Cancel::new(), Wake::new());
        let thread = {
            let (choice, options) = (choice.clone(), options.clone());
            let (cancel, ended) = (cancel.clone(), ended.clone());
            thread::spawn("lk-camera", move || {
                match Serving::begin(&choice, &options, cancel, ended.clone()) {
                    Ok(serving) => {
                        // nobody hears of it when that took too long
                        if sender.send(Ok(serving.shared.clone())).is_ok() {
                            serving.run();
                        }
                    }
                    Err(error) => drop(sender.send(Err(error))),
                }
                ended.ring();
            })?
        };
        match receiver.recv_timeout(ANSWER) {
            Ok(Ok(shared)) => {
                let thread = Mutex::new(Some(thread));
                Ok(Self(Arc::new(Inner { shared, thread, next: AtomicU64::new(0) })))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                cancel.cancel();
                thread.detach();
                let message = format!("camera {choice} does not answer within {} s", ANSWER.as_secs());
                Err(Error::new(ErrorKind::Deadline, message).with_hint("plug it out and in again"))
            }
        }
    }

    /// What it is, and where it was last.
    pub fn info(&self) -> CameraInfo {
        self.0.shared.info.lock().clone()
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.0.shared.name
    }

    /// How its pictures come.
    pub fn mode(&self) -> CameraMode {
        *self.0.shared.mode.lock()
    }

    /// Where it stands.
    pub fn state(&self) -> SourceState {
        self.0.shared.state.lock().clone()
    }

    /// Where its changes of state are told.
    pub fn events(&self) -> &Events {
        &self.0.shared.events
    }

    /// Counts since it was opened.
    pub fn statistics(&self) -> CameraStatistics {
        *self.0.shared.counts.lock()
    }

    /// The newest frame that this has not given yet; waits for the next one if there is none. None when the deadline
    /// passed or the camera was closed.
    pub fn frame(&self, deadline: Deadline) -> Option<Frame> {
        let port = &self.0.shared.port;
        let (mut number, mut frame) = port.next(self.0.next.load(Ordering::Acquire), deadline)?;
        while let Some((later, newer)) = port.next(number + 1, Deadline::after(Duration::ZERO)) {
            (number, frame) = (later, newer);
        }
        self.0.next.fetch_max(number + 1, Ordering::AcqRel);
        Some(frame)
    }

    /// Each frame once: the one numbered `seq` or the first after it, and its number; see
    /// [`VideoPort::next`](lk_media::VideoPort::next).
    pub fn next(&self, seq: u64, deadline: Deadline) -> Option<(u64, Frame)> {
        self.0.shared.port.next(seq, deadline)
    }

    /// Gives every frame to `target` from now on, the newest at once. The target does not keep the camera.
    pub fn add_target(&self, target: Arc<dyn VideoTarget>) -> Result<()> {
        {
            let mut targets = self.0.shared.targets.lock();
            if targets.iter().any(|t| is_same(t, &target)) {
                return Ok(());
            }
            targets.push(target.clone());
        }
        let link = Link { camera: Arc::downgrade(&self.0), name: self.0.shared.name.clone() };
        target.set_upstream(Some(Arc::new(link)));
        if let Some(frame) = self.0.shared.port.at(<dyn Clock>::live().now()) {
            target.offer(&frame, Delivery::Live)?;
        }
        Ok(())
    }

    /// Gives `target` no more frames; whether it was given any.
    pub fn remove_target(&self, target: &Arc<dyn VideoTarget>) -> bool {
        let mut targets = self.0.shared.targets.lock();
        let before = targets.len();
        targets.retain(|t| !is_same(t, target));
        let removed = targets.len() < before;
        drop(targets);
        if removed {
            target.set_upstream(None);
        }
        removed
    }

    /// Lets the camera go: its last frame stays with its readers.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Inner {
    fn close(&self) {
        let shared = &self.shared;
        if !shared.process.is_this() {
            return;
        }
        shared.cancel.cancel();
        shared.wake.ring();
        if let Some(thread) = self.thread.lock().take() {
            let deadline = Deadline::after(PATIENCE);
            while !thread.is_finished() && !deadline.has_passed() {
                // another may wait for the same ring
                shared.ended.wait(deadline.left(LOOK));
            }
            if !thread.is_finished() {
                tracing::warn!("{}: its driver does not return; its thread is left behind", shared.name);
                thread.detach();
            }
        }
        let targets = std::mem::take(&mut *shared.targets.lock());
        targets.iter().for_each(|t| t.set_upstream(None));
        shared.enter(SourceState::Ended, None);
        shared.port.end();
        shared.events.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl VideoSource for Camera {
    fn name(&self) -> String {
        self.0.shared.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if sampling == Sampling::Exact {
            let message = format!("{} has no exact times: it shows what is there now", self.0.shared.name);
            return Err(Error::new(ErrorKind::LiveSource, message)
                .with_hint("give the layer offline=\"freeze\" or \"skip\", or record it first"));
        }
        VideoSource::sample(&self.0.shared.port, at, sampling)
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("a camera shows what is in front of it now")
    }

    fn size(&self) -> Option<Size> {
        Some(self.0.shared.port.newest().map_or_else(|| self.mode().size, |f| f.size()))
    }

    fn wake_on_ready(&self, wake: &Wake) {
        VideoSource::wake_on_ready(&self.0.shared.port, wake);
    }

    fn state(&self) -> SourceState {
        self.state()
    }
}

/// What a target knows its camera by: does not keep it alive.
struct Link {
    camera: Weak<Inner>,
    name: String,
}

impl Link {
    fn camera(&self) -> Option<Camera> {
        self.camera.upgrade().map(Camera)
    }
}

impl VideoSource for Link {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        match self.camera() {
            Some(camera) => camera.sample(at, sampling),
            None => Err(Error::new(ErrorKind::Closed, format!("{}: the camera is gone", self.name))
                .with_hint("keep the camera for as long as its pictures are wanted")),
        }
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("a camera shows what is in front of it now")
    }

    fn size(&self) -> Option<Size> {
        self.camera().and_then(|c| c.size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        if let Some(camera) = self.camera() {
            camera.wake_on_ready(wake);
        }
    }

    fn state(&self) -> SourceState {
        self.camera().map_or(SourceState::Ended, |c| c.state())
    }
}
