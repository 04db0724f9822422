// SPDX-License-Identifier: GPL-2.0-or-later
//! `licenses`.

use livekit_studio::{Component, ComponentKind};
use pyo3::prelude::*;

/// What is inside this build, and where its source is.
#[pyfunction]
pub(crate) fn licenses(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let told = livekit_studio::licenses();
    let text = told.to_string();
    let reports = py.import("livekit_studio._reports")?;
    let class = reports.getattr("Component")?;
    let components = told.components.into_iter().map(|Component { name, version, kind, license, source }| {
        let kind = match kind {
            ComponentKind::Bundled => "bundled",
            ComponentKind::System => "system",
            ComponentKind::Font => "font",
            _ => "crate",
        };
        class.call1((name, version, kind, license, source))
    });
    let components = components.collect::<PyResult<Vec<_>>>()?;
    let told = (told.version, told.license, told.conveyed, told.source, components, text);
    reports.getattr("Licenses")?.call1(told)
}
