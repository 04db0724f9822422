// SPDX-License-Identifier: GPL-2.0-or-later
//! Errors of the engine as Python exceptions.

use livekit_studio::{Error, ErrorKind};
use parking_lot::Mutex;
use pyo3::prelude::*;

/// An exception of user code on its way through the engine; kept as the source of a Callback error.
#[derive(Debug)]
pub(crate) struct UserError(Mutex<Option<PyErr>>);

impl std::fmt::Display for UserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an exception in user code")
    }
}

impl std::error::Error for UserError {}

/// Wraps an exception of user code so that it can travel through the engine.
pub(crate) fn callback_error(what: &str, error: PyErr) -> Error {
    Error::new(ErrorKind::Callback, format!("{what} raised {error}"))
        .with_source(UserError(Mutex::new(Some(error))))
}

/// The Python exception for an error of the engine.
pub(crate) fn raise(error: Error) -> PyErr {
    Python::attach(|py| {
        let made = py.import("livekit_studio._errors").and_then(|errors| {
            let kind = format!("{:?}", error.kind());
            errors.getattr("_make")?.call1((kind, error.message(), error.hint(), error.errno()))
        });
        match made {
            Ok(exception) => {
                let exception = PyErr::from_value(exception);
                exception.set_cause(py, cause(py, &error));
                exception
            }
            Err(broken) => broken,
        }
    })
}

fn cause(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let user = std::error::Error::source(error)?.downcast_ref::<UserError>()?;
    user.0.lock().as_ref().map(|e| e.clone_ref(py))
}

/// `Result` of the engine to `PyResult`.
pub(crate) trait Raise<T> {
    /// Turns the error into its Python exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T> Raise<T> for Result<T, Error> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(raise)
    }
}
