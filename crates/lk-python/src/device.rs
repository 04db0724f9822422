// SPDX-License-Identifier: GPL-2.0-or-later
//! What the classes of sound devices have in common.

use crate::at_exit::{self, AtExit};
use crate::blocking::{Born, leaving};
use crate::error::{Raise, raise};
use crate::events::Listeners;
use livekit_studio::clock::Deadline;
use livekit_studio::{
    AudioDevice, AudioRepeater, AudioSource, DeviceChoice, DeviceStatistics, Error, ErrorKind, Events,
    Microphone, RepeaterEnd, Result as EngineResult, SourceState, Speaker, VirtualMicrophone, VirtualSpeaker,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device in use.
pub(crate) trait Device: Send + Sync + 'static {
    fn name(&self) -> String;
    fn state(&self) -> SourceState;
    fn statistics(&self) -> DeviceStatistics;
    fn tell(&self, events: &Events);
    fn close(&self);
}

impl Device for Microphone {
    fn name(&self) -> String {
        self.device().name.clone()
    }

    fn state(&self) -> SourceState {
        AudioSource::state(self)
    }

    fn statistics(&self) -> DeviceStatistics {
        self.statistics()
    }

    fn tell(&self, events: &Events) {
        AudioSource::tell(self, events);
    }

    fn close(&self) {
        self.close();
    }
}

impl Device for Speaker {
    fn name(&self) -> String {
        self.device().name.clone()
    }

    fn state(&self) -> SourceState {
        self.state()
    }

    fn statistics(&self) -> DeviceStatistics {
        self.statistics()
    }

    fn tell(&self, events: &Events) {
        self.tell(events);
    }

    fn close(&self) {
        self.close();
    }
}

impl Device for AudioRepeater {
    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn state(&self) -> SourceState {
        self.state()
    }

    fn statistics(&self) -> DeviceStatistics {
        self.statistics()
    }

    fn tell(&self, events: &Events) {
        self.tell(events);
    }

    fn close(&self) {
        self.close();
    }
}

impl Device for VirtualMicrophone {
    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn state(&self) -> SourceState {
        self.speaker().state()
    }

    fn statistics(&self) -> DeviceStatistics {
        self.speaker().statistics()
    }

    fn tell(&self, events: &Events) {
        self.speaker().tell(events);
    }

    fn close(&self) {
        self.close();
    }
}

impl Device for VirtualSpeaker {
    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn state(&self) -> SourceState {
        AudioSource::state(self)
    }

    fn statistics(&self) -> DeviceStatistics {
        self.microphone().statistics()
    }

    fn tell(&self, events: &Events) {
        AudioSource::tell(self, events);
    }

    fn close(&self) {
        self.close();
    }
}

/// A device as Python holds it: let go with the object, at the interpreter's end, or by `close()`.
pub(crate) struct Handle<T: Device> {
    open: Option<Arc<Open<T>>>,
    pub(crate) listeners: Listeners,
    born: Born,
}

struct Open<T: Device> {
    device: Arc<T>,
    closed: AtomicBool,
}

impl<T: Device> Open<T> {
    fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.device.close();
        }
    }
}

impl<T: Device> AtExit for Open<T> {
    fn stop(&self) {}

    fn wait(&self, _deadline: Deadline) {
        self.close();
    }
}

impl<T: Device> Handle<T> {
    /// Opens a device without the GIL.
    pub(crate) fn open(
        py: Python<'_>,
        open: impl FnOnce() -> EngineResult<T> + Send + 'static,
    ) -> PyResult<Self> {
        let events = Events::new();
        let hub = events.clone();
        let device = leaving(py, move || open().inspect(|device| device.tell(&hub)))?.or_raise()?;
        let open = Arc::new(Open { device: Arc::new(device), closed: AtomicBool::new(false) });
        let at_exit: Arc<dyn AtExit> = open.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        Ok(Self { open: Some(open), listeners: Listeners::new(events), born: Born::here() })
    }

    fn held(&self) -> PyResult<&Arc<Open<T>>> {
        self.born.check()?;
        self.open.as_ref().ok_or_else(|| raise(Error::internal("a device without its core")))
    }

    /// The device, open or closed.
    pub(crate) fn any(&self) -> PyResult<&Arc<T>> {
        Ok(&self.held()?.device)
    }

    /// The device, unless it is closed.
    pub(crate) fn get(&self) -> PyResult<&Arc<T>> {
        let open = self.held()?;
        if open.closed.load(Ordering::Acquire) {
            let message = format!("{} is closed", open.device.name());
            return Err(raise(Error::new(ErrorKind::Closed, message).with_hint("open the device again")));
        }
        Ok(&open.device)
    }

    pub(crate) fn state(&self) -> PyResult<&'static str> {
        let open = self.held()?;
        Ok(if open.closed.load(Ordering::Acquire) { "closed" } else { open.device.state().word() })
    }

    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let open = self.held()?;
        py.detach(|| open.close());
        Ok(())
    }
}

impl<T: Device> Drop for Handle<T> {
    fn drop(&mut self) {
        self.born.end(self.open.take());
    }
}

/// The members that all classes of devices have. `$class` is a newtype of a [`Handle`].
macro_rules! device_members {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            #[getter]
            fn name(&self) -> PyResult<String> {
                Ok($crate::device::Device::name(&**self.0.any()?))
            }

            #[getter]
            fn state(&self) -> PyResult<&'static str> {
                self.0.state()
            }

            fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                $crate::device::statistics_of(py, &$crate::device::Device::statistics(&**self.0.any()?))
            }

            fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                self.0.listeners.on(kind, function)
            }

            fn events(&self) -> PyResult<$crate::events::PyEventStream> {
                self.0.listeners.events()
            }

            fn close(&self, py: Python<'_>) -> PyResult<()> {
                self.0.close(py)
            }

            fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
                slf.get().0.get()?;
                Ok(slf)
            }

            #[pyo3(signature = (*_args))]
            fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
                self.0.close(py)
            }

            fn __repr__(&self) -> PyResult<String> {
                Ok(format!(
                    "<{} {:?}, {}>",
                    stringify!($class).trim_start_matches("Py"),
                    self.name()?,
                    self.state()?
                ))
            }

            fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
                self.0.listeners.traverse(&visit)
            }

            fn __clear__(&self) {
                self.0.listeners.clear();
            }
        }
    };
}
pub(crate) use device_members;

pub(crate) fn statistics_of<'py>(py: Python<'py>, counts: &DeviceStatistics) -> PyResult<Bound<'py, PyAny>> {
    let made = PyDict::new(py);
    made.set_item("late_samples", counts.late_samples)?;
    made.set_item("underruns", counts.underruns)?;
    made.set_item("jumps", counts.jumps)?;
    made.set_item("drift_ppm", counts.drift_ppm)?;
    py.import("livekit_studio._devices")?.getattr("DeviceStatistics")?.call((), Some(&made))
}

/// A device as Python lists it.
pub(crate) fn device_of<'py>(py: Python<'py>, device: &AudioDevice) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("livekit_studio._devices")?.getattr("AudioDevice")?;
    class.call1((
        &device.id,
        &device.name,
        device.channels,
        device.rate,
        device.is_monitor,
        device.is_default,
    ))
}

/// A number or a name, as `audio_device_id` takes them.
#[derive(FromPyObject)]
pub(crate) enum DeviceId {
    #[pyo3(transparent)]
    Number(i64),
    #[pyo3(transparent)]
    Name(String),
    /// One of the list.
    Listed { id: String },
}

impl DeviceId {
    /// A device; an error for numbers of channels.
    pub(crate) fn choice(&self) -> PyResult<DeviceChoice> {
        match self {
            Self::Number(n) => usize::try_from(*n).map(DeviceChoice::from).map_err(|_| {
                let message = format!("{n} is an in-process channel, and a device is wanted");
                raise(Error::parameter(message).with_hint("AudioPort(-1) is such a channel"))
            }),
            Self::Name(name) | Self::Listed { id: name } => Ok(name.as_str().into()),
        }
    }

    /// A device or a channel.
    pub(crate) fn end(&self) -> PyResult<RepeaterEnd> {
        match self {
            Self::Number(n) => Ok(RepeaterEnd::from(*n)),
            _ => self.choice().map(RepeaterEnd::Device),
        }
    }
}
