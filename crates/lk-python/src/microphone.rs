// SPDX-License-Identifier: GPL-2.0-or-later
//! `Microphone`.

use crate::device::{DeviceId, Handle, device_members, device_of};
use livekit_studio::{AudioSource, DeviceChoice, Microphone};
use pyo3::prelude::*;
use std::sync::Arc;

/// What a device hears.
#[pyclass(frozen, name = "Microphone", module = "livekit_studio")]
pub(crate) struct PyMicrophone(Handle<Microphone>);

impl PyMicrophone {
    pub(crate) fn sound(&self) -> PyResult<Arc<dyn AudioSource>> {
        Ok(self.0.get()?.clone())
    }
}

#[pymethods]
impl PyMicrophone {
    #[new]
    #[pyo3(signature = (device = None))]
    fn new(py: Python<'_>, device: Option<DeviceId>) -> PyResult<Self> {
        let choice = device.map_or(Ok(DeviceChoice::Default), |d| d.choice())?;
        Ok(Self(Handle::open(py, move || Microphone::open(&choice))?))
    }

    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        device_of(py, self.0.any()?.device())
    }
}

device_members!(PyMicrophone);
