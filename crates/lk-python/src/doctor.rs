// SPDX-License-Identifier: GPL-2.0-or-later
//! `doctor`.

use crate::blocking::wait_for;
use livekit_studio::{Cancel, Health, diagnose};
use pyo3::prelude::*;

/// What works on this machine, and what mends the rest.
#[pyfunction]
pub(crate) fn doctor(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let diagnosis = wait_for(py, &Cancel::new(), || Ok(diagnose()))?;
    let text = diagnosis.to_string();
    let reports = py.import("livekit_studio._reports")?;
    let finding = reports.getattr("Finding")?;
    let findings = diagnosis.findings.into_iter().map(|found| {
        let health = match found.health {
            Health::Works => "works",
            Health::Limited => "limited",
            _ => "missing",
        };
        finding.call1((found.topic, health, found.text, found.mend))
    });
    let findings = findings.collect::<PyResult<Vec<_>>>()?;
    reports.getattr("Diagnosis")?.call1((diagnosis.version, diagnosis.machine, findings, text))
}
