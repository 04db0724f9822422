// SPDX-License-Identifier: GPL-2.0-or-later
//! What watches of devices of all kinds have in common.

use crate::blocking::Born;
use crate::events::{Listeners, PyEventStream};
use livekit_studio::Events;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

/// Tells of devices that come and go; a base, not to be made.
#[pyclass(frozen, subclass, name = "_DeviceWatch", module = "livekit_studio._native")]
pub(crate) struct PyDeviceWatch {
    watch: Mutex<Option<Box<dyn Send>>>,
    listeners: Listeners,
    born: Born,
}

impl PyDeviceWatch {
    /// One that lets `watch` go when it is closed, and tells of `events`.
    pub(crate) fn init(watch: impl Send + 'static, events: Events) -> PyClassInitializer<Self> {
        let watch = Mutex::new(Some(Box::new(watch) as Box<dyn Send>));
        PyClassInitializer::from(Self { watch, listeners: Listeners::new(events), born: Born::here() })
    }
}

#[pymethods]
impl PyDeviceWatch {
    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn close(&self, py: Python<'_>) {
        let watch = self.watch.lock().take();
        py.detach(|| drop(watch));
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().born.check()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.listeners.traverse(&visit)
    }

    fn __clear__(&self) {
        self.listeners.clear();
    }
}

impl Drop for PyDeviceWatch {
    fn drop(&mut self) {
        self.born.end(self.watch.get_mut().take());
    }
}
