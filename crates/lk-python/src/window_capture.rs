// SPDX-License-Identifier: GPL-2.0-or-later
//! `WindowCapture` and `ScreenCapture`.

use crate::blocking::{Born, Released, wait_for};
use crate::error::raise;
use crate::events::{Listeners, PyEventStream};
use crate::source::PyVideoSource;
use crate::values;
use crate::window_list::info;
use livekit_studio::{Capture, CaptureOptions, Error, ErrorKind, Region, Result, VideoSource, WindowRule};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;

/// What both classes hold. They do not share a base of their own: collected classes below one another crash the
/// interpreter's collector with PyO3 0.30.
struct Common {
    capture: Released<Arc<Capture>>,
    listeners: Listeners,
    born: Born,
}

fn options_of(
    display: Option<String>,
    cursor: bool,
    fps: Option<&Bound<'_, PyAny>>,
    remember: Option<String>,
    timeout: Option<f64>,
) -> PyResult<CaptureOptions> {
    use crate::error::Raise;
    let usual = CaptureOptions::new().or_raise()?;
    let rate = fps.map_or(Ok(usual.rate), values::rate_of)?;
    let timeout = timeout.map_or(Ok(usual.timeout), values::timeout)?;
    Ok(CaptureOptions { display, cursor, rate, remember, timeout, ..usual })
}

/// Opens a capture; Ctrl-C ends the waiting for the user's choice.
fn begin(
    py: Python<'_>,
    options: CaptureOptions,
    open: impl FnOnce(CaptureOptions) -> Result<Capture> + Send + 'static,
) -> PyResult<(PyClassInitializer<PyVideoSource>, Common)> {
    let cancel = options.cancel.clone();
    let capture = wait_for(py, &cancel, move || open(options).map(Arc::new))?;
    let source: Arc<dyn VideoSource> = capture.clone();
    let listeners = Listeners::new(capture.events().clone());
    let common = Common { capture: Released::new(capture), listeners, born: Born::here() };
    Ok((PyClassInitializer::from(PyVideoSource::new(source)), common))
}

/// What both classes do.
macro_rules! common {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            fn size(&self) -> (u32, u32) {
                self.0.capture.size().map_or((0, 0), |s| (s.width, s.height))
            }

            #[getter]
            fn frames(&self) -> u64 {
                self.0.capture.frames()
            }

            #[getter]
            fn state(&self) -> &'static str {
                self.0.capture.state().word()
            }

            fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                self.0.listeners.on(kind, function)
            }

            fn events(&self) -> PyResult<PyEventStream> {
                self.0.listeners.events()
            }

            fn close(&self, py: Python<'_>) -> PyResult<()> {
                self.0.born.check()?;
                py.detach(|| self.0.capture.close());
                Ok(())
            }

            fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
                slf.get().0.born.check()?;
                Ok(slf)
            }

            #[pyo3(signature = (*_args))]
            fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
                self.close(py)
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
                self.0.listeners.traverse(&visit)
            }

            fn __clear__(&self) {
                self.0.listeners.clear();
            }
        }
    };
}

common!(PyWindowCapture);
common!(PyScreenCapture);

/// A window of the desktop.
#[pyclass(frozen, extends = PyVideoSource, name = "WindowCapture", module = "livekit_studio")]
pub(crate) struct PyWindowCapture(Common);

#[pymethods]
impl PyWindowCapture {
    #[new]
    #[pyo3(
        signature = (
            idx = None, *, title = None, application = None, pid = None, id = None, cursor = false, fps = None,
            display = None, remember = None, timeout = None
        ),
        text_signature = "(idx=None, *, title=None, application=None, pid=None, id=None, cursor=False, fps=60, \
                          display=None, remember=None, timeout=300.0)"
    )]
    #[allow(clippy::too_many_arguments)] // the ways to choose a window, all but one by keyword
    fn new(
        py: Python<'_>,
        idx: Option<i64>,
        title: Option<String>,
        application: Option<String>,
        pid: Option<u32>,
        id: Option<u32>,
        cursor: bool,
        fps: Option<&Bound<'_, PyAny>>,
        display: Option<String>,
        remember: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let index = idx.map(|i| {
            let missing = || raise(Error::new(ErrorKind::Index, format!("there is no window {i}")));
            usize::try_from(i).map(WindowRule::Index).map_err(|_| missing())
        });
        let rules: Vec<WindowRule> = [
            index.transpose()?,
            title.map(WindowRule::Title),
            application.map(WindowRule::Application),
            pid.map(WindowRule::Pid),
            id.map(WindowRule::Id),
        ]
        .into_iter()
        .flatten()
        .collect();
        let Ok([rule]) = <[WindowRule; 1]>::try_from(rules) else {
            let error = Error::parameter("a window is chosen in one way");
            return Err(raise(error.with_hint("say one of idx, title, application, pid and id")));
        };
        let options = options_of(display, cursor, fps, remember, timeout)?;
        let (source, common) = begin(py, options, move |options| Capture::window(rule, options))?;
        Ok(source.add_subclass(Self(common)))
    }

    #[getter]
    fn window<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.capture.window_info().map(|w| info(py, w)).transpose()
    }
}

/// How a screen is named.
#[derive(FromPyObject)]
enum OutputId {
    Number(u32),
    Name(String),
}

/// A screen, or a part of it.
#[pyclass(frozen, extends = PyVideoSource, name = "ScreenCapture", module = "livekit_studio")]
pub(crate) struct PyScreenCapture(Common);

#[pymethods]
impl PyScreenCapture {
    #[new]
    #[pyo3(
        signature = (
            display = None, region = None, *, output = None, cursor = true, fps = None, remember = None, timeout = None
        ),
        text_signature = "(display=None, region=None, *, output=None, cursor=True, fps=60, remember=None, \
                          timeout=300.0)"
    )]
    #[allow(clippy::too_many_arguments)] // all but two by keyword
    fn new(
        py: Python<'_>,
        display: Option<String>,
        region: Option<(i64, i64, i64, i64)>,
        output: Option<OutputId>,
        cursor: bool,
        fps: Option<&Bound<'_, PyAny>>,
        remember: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let region = region
            .map(|(x, y, width, height)| {
                let corner = |v: i64| {
                    let wrong = || Error::parameter(format!("{v} is not a place on a screen"));
                    u32::try_from(v).map_err(|_| raise(wrong()))
                };
                Ok::<_, PyErr>(Region { x: corner(x)?, y: corner(y)?, size: values::size_of(width, height)? })
            })
            .transpose()?;
        let output = output.map(|output| match output {
            OutputId::Number(number) => number.to_string(),
            OutputId::Name(name) => name,
        });
        let options = CaptureOptions { output, ..options_of(display, cursor, fps, remember, timeout)? };
        let (source, common) = begin(py, options, move |options| Capture::screen(region, options))?;
        Ok(source.add_subclass(Self(common)))
    }
}
