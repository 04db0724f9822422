// SPDX-License-Identifier: GPL-2.0-or-later
//! `VirtualSpeaker`.

use crate::device::{Handle, device_members};
use livekit_studio::{AudioSource, VirtualSpeaker};
use pyo3::prelude::*;
use std::sync::Arc;

/// A speaker for other programs.
#[pyclass(frozen, name = "VirtualSpeaker", module = "livekit_studio")]
pub(crate) struct PyVirtualSpeaker(Handle<VirtualSpeaker>);

impl PyVirtualSpeaker {
    pub(crate) fn sound(&self) -> PyResult<Arc<dyn AudioSource>> {
        Ok(self.0.get()?.clone())
    }
}

#[pymethods]
impl PyVirtualSpeaker {
    #[new]
    #[pyo3(signature = (name = "LiveKit"))]
    fn new(py: Python<'_>, name: &str) -> PyResult<Self> {
        let name = name.to_owned();
        Ok(Self(Handle::open(py, move || VirtualSpeaker::new(&name))?))
    }
}

device_members!(PyVirtualSpeaker);
