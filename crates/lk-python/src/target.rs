// SPDX-License-Identifier: GPL-2.0-or-later
//! Targets as Python gives them: ours, and classes of the user's that have a `push`.

use crate::array;
use crate::at_exit::{self, AtExit};
use crate::error::{callback_error, raise};
use crate::ipc_target::PyIpcTarget;
use crate::null_target::PyNullTarget;
use crate::values::type_name;
use crate::video_port::PyVideoPort;
use crate::viewer::PyViewer;
use crate::virtual_camera::PyVirtualCamera;
use livekit_studio::clock::Deadline;
use livekit_studio::frame::FrameId;
use livekit_studio::wake::Wakes;
use livekit_studio::{
    AlphaKind, Cancel, Clock, Delivery, Error, Frame, FrameMap, Offered, PixelFormat, Result,
    TargetStatistics, Timestamp, VideoTarget, VideoWish, Wake,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Frames that may wait for a `push`; then the oldest goes.
const WAITING: usize = 8;
/// The attribute of a target of the user's under which its queue is found again.
const HANDLE: &str = "_livekit_queue";

/// The target in `value`; None if it is none.
pub(crate) fn target_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Arc<dyn VideoTarget>>> {
    if let Ok(port) = value.cast::<PyVideoPort>() {
        return Ok(Some(port.get().0.clone()));
    }
    if let Ok(target) = value.cast::<PyIpcTarget>() {
        return Ok(Some(target.get().target()?));
    }
    if let Ok(camera) = value.cast::<PyVirtualCamera>() {
        return Ok(Some(camera.get().target()?));
    }
    if let Ok(viewer) = value.cast::<PyViewer>() {
        return Ok(Some(viewer.get().viewer.target()));
    }
    if let Ok(target) = value.cast::<PyNullTarget>() {
        return Ok(Some(target.get().0.clone()));
    }
    let class = value.py().import("livekit_studio._abc")?.getattr("VideoTarget")?;
    if value.is_instance(&class)? && value.hasattr("push")? {
        return Ok(Some(pushed_to(value)?));
    }
    Ok(None)
}

/// What is said of something that is no target.
pub(crate) fn not_a_target(value: &Bound<'_, PyAny>) -> PyErr {
    raise(Error::format(format!("{} is not a target", type_name(value))).with_hint(
        "pass a VideoPort, a Viewer, an IPCTarget, a VirtualCamera, a NullTarget, an object of a class derived from VideoTarget or, to render, \
             a file name",
    ))
}

/// The queue of a target of the user's: the same as long as anybody writes to it.
fn pushed_to(value: &Bound<'_, PyAny>) -> PyResult<Arc<dyn VideoTarget>> {
    let py = value.py();
    let fresh = Bound::new(py, PyTargetQueue(Mutex::default()))?;
    let attributes = value.getattr("__dict__").map_err(|_| {
        raise(
            Error::format(format!("{} has no place for attributes", type_name(value)))
                .with_hint("derive it from VideoTarget"),
        )
    })?;
    let handle = attributes.call_method1("setdefault", (HANDLE, fresh))?;
    let handle = handle.cast_into::<PyTargetQueue>()?;
    let alive = handle.get().0.lock().upgrade();
    if let Some(target) = alive {
        return Ok(target);
    }
    // not while the lock is held: starting runs Python code
    let made = Arc::new(PushTarget::start(value)?);
    let mut held = handle.get().0.lock();
    if let Some(target) = held.upgrade() {
        return Ok(target);
    }
    *held = Arc::downgrade(&made);
    Ok(made)
}

/// How a target of the user's finds its queue.
#[pyclass(frozen, name = "_TargetQueue", module = "livekit_studio._native")]
pub(crate) struct PyTargetQueue(Mutex<Weak<PushTarget>>);

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    /// The frame a lossless writer waits with until it has been pushed, and whether it has.
    exact: Option<(Key, bool)>,
    failed: Option<Error>,
    statistics: TargetStatistics,
}

type Key = (FrameId, Timestamp);

fn key_of(frame: &Frame) -> Key {
    (frame.id(), frame.timestamp())
}

struct Shared {
    name: String,
    queue: Mutex<Queue>,
    /// Rung when there is a frame.
    asked: Wake,
    /// Rung when one has been pushed.
    pushed: Wakes,
    stop: Cancel,
    ended: Wake,
}

impl AtExit for Shared {
    fn stop(&self) {
        self.stop.cancel();
        self.asked.ring();
        self.pushed.ring();
    }

    fn wait(&self, deadline: Deadline) {
        self.ended.wait(deadline.left(Duration::MAX));
    }
}

impl Shared {
    /// The next frame, when it is due; None when it is time to stop.
    fn next(&self) -> Option<Frame> {
        loop {
            if self.stop.is_cancelled() {
                return None;
            }
            let now = <dyn Clock>::live().now();
            let mut queue = self.queue.lock();
            if queue.failed.is_some() {
                return None;
            }
            let mut limit = Duration::from_secs(3600);
            match queue.frames.front().map(Frame::timestamp) {
                Some(due) if due.is_due(now) => return queue.frames.pop_front(),
                Some(due) => limit = Duration::from_nanos(due.nanos_since(now).unsigned_abs()),
                None => {}
            }
            drop(queue);
            self.asked.wait(limit);
        }
    }

    fn done(&self, frame: Key) {
        let mut queue = self.queue.lock();
        if let Some((key, done)) = &mut queue.exact
            && *key == frame
        {
            *done = true;
        }
        drop(queue);
        self.pushed.ring();
    }

    fn fail(&self, error: PyErr) {
        let error = callback_error(&format!("{}.push", self.name), error);
        tracing::error!("{error}");
        let mut queue = self.queue.lock();
        queue.failed.get_or_insert(error);
        let left = std::mem::take(&mut queue.frames);
        drop(queue);
        drop(left);
        self.pushed.ring();
    }
}

/// Frames for a `push` in Python, which runs on a thread of its own. Live it drops the oldest of more than eight
/// that wait; a lossless writer waits until its frame has been pushed.
struct PushTarget {
    shared: Arc<Shared>,
}

impl PushTarget {
    fn start(target: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = target.py();
        let shared = Arc::new(Shared {
            name: type_name(target),
            queue: Mutex::default(),
            asked: Wake::new(),
            pushed: Wakes::default(),
            stop: Cancel::new(),
            ended: Wake::new(),
        });
        let made = Self { shared: shared.clone() };
        let worker = PyTargetWorker {
            push: target.getattr("push")?.unbind(),
            shared: shared.clone(),
            last: Mutex::default(),
        };
        py.import("livekit_studio._service")?.call_method1("start_target", (worker,))?;
        let stopped: Arc<dyn AtExit> = shared;
        at_exit::register(py, Arc::downgrade(&stopped));
        Ok(made)
    }
}

impl VideoTarget for PushTarget {
    fn name(&self) -> String {
        self.shared.name.clone()
    }

    fn wish(&self) -> VideoWish {
        VideoWish::default()
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        let mut queue = self.shared.queue.lock();
        if let Some(error) = &queue.failed {
            return Err(error.clone());
        }
        if self.shared.stop.is_cancelled() {
            return Ok(Offered::Dropped);
        }
        if delivery == Delivery::Lossless {
            match queue.exact {
                Some((key, true)) if key == key_of(frame) => {
                    queue.exact = None;
                    return Ok(Offered::Taken);
                }
                Some((_, false)) => return Ok(Offered::Busy),
                _ => queue.exact = Some((key_of(frame), false)),
            }
        }
        queue.statistics.frames += 1;
        queue.frames.push_back(frame.clone());
        let old = (delivery == Delivery::Live && queue.frames.len() > WAITING)
            .then(|| queue.frames.pop_front())
            .flatten();
        queue.statistics.dropped += u64::from(old.is_some());
        drop(queue);
        drop(old);
        self.shared.asked.ring();
        Ok(if delivery == Delivery::Lossless { Offered::Busy } else { Offered::Taken })
    }

    fn retract(&self, from: Timestamp) {
        self.shared.queue.lock().frames.retain(|f| f.timestamp().is_due(from));
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.shared.pushed.add(wake);
    }

    fn error(&self) -> Option<Error> {
        self.shared.queue.lock().failed.clone()
    }

    fn statistics(&self) -> TargetStatistics {
        self.shared.queue.lock().statistics
    }
}

impl Drop for PushTarget {
    fn drop(&mut self) {
        // told to end, not waited for: the thread may be waiting for the GIL that the caller holds
        self.shared.stop();
    }
}

/// What the thread of a target asks and answers. The thread is one of Python's: see `service`.
#[pyclass(frozen, name = "_TargetWorker", module = "livekit_studio._native")]
pub(crate) struct PyTargetWorker {
    push: Py<PyAny>,
    shared: Arc<Shared>,
    last: Mutex<Option<Key>>,
}

#[pymethods]
impl PyTargetWorker {
    #[getter]
    fn push(&self, py: Python<'_>) -> Py<PyAny> {
        self.push.clone_ref(py)
    }

    /// Waits for the next picture, a BGR or BGRA array; None when it is time to stop.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| {
            let frame = self.shared.next()?;
            *self.last.lock() = Some(key_of(&frame));
            Some(bgr(frame))
        });
        let made = match next {
            None => return Ok(None),
            Some(map) => map.map_err(raise).and_then(|map| array::to_array(py, &map)),
        };
        match made {
            Ok(array) => Ok(Some(array)),
            Err(error) => {
                self.shared.fail(error);
                Ok(None)
            }
        }
    }

    fn pushed(&self) {
        let last = self.last.lock().take();
        last.into_iter().for_each(|key| self.shared.done(key));
    }

    fn failed(&self, error: Bound<'_, PyAny>) {
        self.shared.fail(PyErr::from_value(error));
    }

    fn ended(&self) {
        self.shared.ended.ring();
    }
}

/// What arrays are: BGR, or BGRA of a picture that is not opaque.
fn bgr(frame: Frame) -> Result<FrameMap> {
    let opaque = frame.spec().alpha == AlphaKind::Opaque;
    frame.map(if opaque { PixelFormat::Bgr } else { PixelFormat::Bgra })
}
