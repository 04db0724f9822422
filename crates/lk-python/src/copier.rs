// SPDX-License-Identifier: GPL-2.0-or-later
//! `Copier`.

use crate::blocking::{Born, blocking, wait_for};
use crate::error::{Raise, raise};
use crate::values::{path_of, timeout as timeout_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{Cancel, Copier, CopyOptions, OpenOptions};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A copy and its thread.
#[pyclass(frozen, name = "Copier", module = "livekit_studio")]
pub(crate) struct PyCopier {
    copier: Arc<Copier>,
    born: Born,
}

/// Copies whose files must be finished before the interpreter ends.
static RUNNING: Mutex<Vec<Weak<Copier>>> = Mutex::new(Vec::new());

#[pymethods]
impl PyCopier {
    #[new]
    #[pyo3(signature = (filename_in, filename_out, *, format = None, options = None, input_options = None,
                        overwrite = true, skip_unsupported = false, timeout = 10.0))]
    #[allow(clippy::too_many_arguments)] // keyword arguments of Python
    fn new(
        filename_in: &Bound<'_, PyAny>,
        filename_out: &Bound<'_, PyAny>,
        format: Option<String>,
        options: Option<BTreeMap<String, String>>,
        input_options: Option<BTreeMap<String, String>>,
        overwrite: bool,
        skip_unsupported: bool,
        timeout: f64,
    ) -> PyResult<Self> {
        let (from, to, cancel) = (path_of(filename_in)?, path_of(filename_out)?, Cancel::new());
        let list = |options: Option<BTreeMap<_, _>>| options.unwrap_or_default().into_iter().collect();
        let options = CopyOptions {
            input: OpenOptions {
                timeout: timeout_of(timeout)?,
                cancel: cancel.clone(),
                options: list(input_options),
                ..OpenOptions::default()
            },
            format,
            options: list(options),
            overwrite,
            skip_unsupported,
        };
        let start = move || Copier::start(&from, &to, &options);
        let copier = Arc::new(wait_for(filename_in.py(), &cancel, start)?);
        let mut running = RUNNING.lock();
        running.retain(|copier| copier.strong_count() > 0);
        running.push(Arc::downgrade(&copier));
        Ok(Self { copier, born: Born::here() })
    }

    fn is_copying(&self) -> PyResult<bool> {
        self.born.check()?;
        Ok(self.copier.is_copying())
    }

    fn progress(&self) -> f64 {
        self.copier.progress().fraction.unwrap_or(f64::NAN)
    }

    fn cancel(&self) {
        self.copier.cancel();
    }

    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.born.check()?;
        let deadline = match timeout {
            None => Deadline::NEVER,
            Some(0.0) => Deadline::after(Duration::ZERO),
            Some(seconds) => Deadline::after(timeout_of(seconds)?),
        };
        let (copier, cancel) = (self.copier.clone(), Cancel::new());
        let inner = cancel.clone();
        let ended = blocking(py, &cancel, |_| Ok(()), move || copier.wait_until(deadline, &inner))?;
        Ok(ended.transpose().or_raise()?.is_some())
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.copier.error().map(|e| raise(e).into_value(py).into_any())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*args))]
    fn __exit__(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        if args.get_item(0).is_ok_and(|kind| kind.is_none()) {
            return self.wait(py, None).map(|_| ()).inspect_err(|_| self.finish(py));
        }
        self.finish(py);
        Ok(())
    }

    fn __repr__(&self) -> String {
        format!("<Copier {}>", self.copier.name())
    }
}

/// How long a file may take to be finished when nobody asked for its end.
const LAST: Duration = Duration::from_secs(30);

impl PyCopier {
    /// Ends it now, with a file that is whole.
    fn finish(&self, py: Python<'_>) {
        if self.born.check().is_ok() {
            self.copier.cancel();
            py.detach(|| self.copier.wait_until(Deadline::after(LAST), &Cancel::new()));
        }
    }
}

#[pyfunction]
fn _stop_copies(py: Python<'_>) {
    let running: Vec<Arc<Copier>> = RUNNING.lock().drain(..).filter_map(|copier| copier.upgrade()).collect();
    running.iter().for_each(|copier| copier.cancel());
    py.detach(|| {
        let deadline = Deadline::after(LAST);
        for copier in &running {
            copier.wait_until(deadline, &Cancel::new());
        }
    });
}

/// Has the files of copies finished before the interpreter goes.
pub(crate) fn stop_at_exit(py: Python<'_>) -> PyResult<()> {
    let stop = wrap_pyfunction!(_stop_copies, py)?;
    py.import("atexit")?.call_method1("register", (stop,))?;
    Ok(())
}
