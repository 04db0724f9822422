// SPDX-License-Identifier: GPL-2.0-or-later
//! `Text`.

use crate::error::{Raise, callback_error, raise};
use crate::source::PyVideoSource;
use crate::values::{self, type_name};
use livekit_studio::{Color, Error, ErrorKind, Result, Text, TextStyle, Timestamp};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Text as a source.
#[pyclass(frozen, extends = PyVideoSource, name = "Text", module = "livekit_studio")]
pub(crate) struct PyText(Arc<Text>);

#[pymethods]
impl PyText {
    #[new]
    #[pyo3(signature = (text, *, font = None, font_size = 32.0, color = "white", bold = false, italic = false,
                        outline = None, outline_width = None, background = None, padding = 0.0, radius = 0.0,
                        width = None, align = "left", line_spacing = 1.0, rate = 10.0))]
    #[allow(clippy::too_many_arguments)] // keyword arguments of Python
    fn new(
        text: &Bound<'_, PyAny>,
        font: Option<PathBuf>,
        font_size: f64,
        color: &str,
        bold: bool,
        italic: bool,
        outline: Option<&str>,
        outline_width: Option<f64>,
        background: Option<&str>,
        padding: f64,
        radius: f64,
        width: Option<f64>,
        align: &str,
        line_spacing: f64,
        rate: f64,
    ) -> PyResult<PyClassInitializer<Self>> {
        let style = TextStyle {
            font: font.map(name_of).transpose()?,
            font_size,
            color: color_of(color)?,
            bold,
            italic,
            outline: outline.map(color_of).transpose()?,
            outline_width,
            background: background.map(color_of).transpose()?,
            padding,
            radius,
            width,
            align: values::align(align)?,
            line_spacing,
        };
        let py = text.py();
        if let Ok(text) = text.extract::<String>() {
            let source = Arc::new(py.detach(|| Text::new(&text, style)).or_raise()?);
            let base = PyVideoSource::timeless(source.clone());
            return Ok(PyClassInitializer::from(base).add_subclass(Self(source)));
        }
        if !text.is_callable() {
            return Err(raise(
                Error::format(format!("{} is neither a text nor can it be called", type_name(text)))
                    .with_hint("pass a str, or a function of the time in seconds that returns one"),
            ));
        }
        let say = Function::new(text.clone().unbind());
        let made = py.detach(|| Text::from_function(move |at| say.call(at), style, rate));
        let source = Arc::new(made.or_raise()?);
        Ok(PyClassInitializer::from(PyVideoSource::new(source.clone())).add_subclass(Self(source)))
    }

    fn size(&self) -> (u32, u32) {
        let size = self.0.frame().size();
        (size.width, size.height)
    }

    #[getter]
    fn text(&self) -> String {
        self.0.text()
    }

    #[setter]
    fn set_text(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        py.detach(|| self.0.set_text(text)).or_raise()
    }

    #[getter]
    fn font(&self) -> Option<String> {
        self.0.style().font
    }

    #[setter]
    fn set_font(&self, py: Python<'_>, font: Option<PathBuf>) -> PyResult<()> {
        let font = font.map(name_of).transpose()?;
        self.edit(py, |style| style.font = font)
    }

    #[getter]
    fn font_size(&self) -> f64 {
        self.0.style().font_size
    }

    #[setter]
    fn set_font_size(&self, py: Python<'_>, font_size: f64) -> PyResult<()> {
        self.edit(py, |style| style.font_size = font_size)
    }

    #[getter]
    fn color(&self) -> String {
        color_name(self.0.style().color)
    }

    #[setter]
    fn set_color(&self, py: Python<'_>, color: &str) -> PyResult<()> {
        let color = color_of(color)?;
        self.edit(py, |style| style.color = color)
    }

    #[getter]
    fn bold(&self) -> bool {
        self.0.style().bold
    }

    #[setter]
    fn set_bold(&self, py: Python<'_>, bold: bool) -> PyResult<()> {
        self.edit(py, |style| style.bold = bold)
    }

    #[getter]
    fn italic(&self) -> bool {
        self.0.style().italic
    }

    #[setter]
    fn set_italic(&self, py: Python<'_>, italic: bool) -> PyResult<()> {
        self.edit(py, |style| style.italic = italic)
    }

    #[getter]
    fn outline(&self) -> Option<String> {
        self.0.style().outline.map(color_name)
    }

    #[setter]
    fn set_outline(&self, py: Python<'_>, color: Option<&str>) -> PyResult<()> {
        let color = color.map(color_of).transpose()?;
        self.edit(py, |style| style.outline = color)
    }

    #[getter]
    fn outline_width(&self) -> Option<f64> {
        self.0.style().outline_width
    }

    #[setter]
    fn set_outline_width(&self, py: Python<'_>, width: Option<f64>) -> PyResult<()> {
        self.edit(py, |style| style.outline_width = width)
    }

    #[getter]
    fn background(&self) -> Option<String> {
        self.0.style().background.map(color_name)
    }

    #[setter]
    fn set_background(&self, py: Python<'_>, color: Option<&str>) -> PyResult<()> {
        let color = color.map(color_of).transpose()?;
        self.edit(py, |style| style.background = color)
    }

    #[getter]
    fn padding(&self) -> f64 {
        self.0.style().padding
    }

    #[setter]
    fn set_padding(&self, py: Python<'_>, padding: f64) -> PyResult<()> {
        self.edit(py, |style| style.padding = padding)
    }

    #[getter]
    fn radius(&self) -> f64 {
        self.0.style().radius
    }

    #[setter]
    fn set_radius(&self, py: Python<'_>, radius: f64) -> PyResult<()> {
        self.edit(py, |style| style.radius = radius)
    }

    #[getter]
    fn width(&self) -> Option<f64> {
        self.0.style().width
    }

    #[setter]
    fn set_width(&self, py: Python<'_>, width: Option<f64>) -> PyResult<()> {
        self.edit(py, |style| style.width = width)
    }

    #[getter]
    fn align(&self) -> &'static str {
        values::align_name(self.0.style().align)
    }

    #[setter]
    fn set_align(&self, py: Python<'_>, align: &str) -> PyResult<()> {
        let align = values::align(align)?;
        self.edit(py, |style| style.align = align)
    }

    #[getter]
    fn line_spacing(&self) -> f64 {
        self.0.style().line_spacing
    }

    #[setter]
    fn set_line_spacing(&self, py: Python<'_>, line_spacing: f64) -> PyResult<()> {
        self.edit(py, |style| style.line_spacing = line_spacing)
    }
}

impl PyText {
    fn edit(&self, py: Python<'_>, edit: impl FnOnce(&mut TextStyle) + Send) -> PyResult<()> {
        py.detach(|| self.0.edit(edit)).or_raise()
    }
}

fn color_of(color: &str) -> PyResult<[u8; 4]> {
    let Color { r, g, b, a } = values::color_of(color)?;
    Ok([r, g, b, a])
}

fn color_name([r, g, b, a]: [u8; 4]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
}

fn name_of(font: PathBuf) -> PyResult<String> {
    font.into_os_string()
        .into_string()
        .map_err(|_| raise(Error::format("the font's name is not valid Unicode")))
}

/// A Python function that says what a text shows.
struct Function {
    function: Py<PyAny>,
    name: String,
    gate: Arc<Gate>,
}

/// Closed before the interpreter goes: a thread that asked for the GIL then would be ended in the middle of things.
#[derive(Default)]
struct Gate {
    is_closed: AtomicBool,
    calling: Mutex<()>,
}

/// The gates of all texts that call functions.
static GATES: Mutex<Vec<Weak<Gate>>> = Mutex::new(Vec::new());

impl Function {
    fn new(function: Py<PyAny>) -> Self {
        let name =
            Python::attach(|py| function.bind(py).getattr("__name__").and_then(|n| n.extract::<String>()));
        let name = name.map_or_else(|_| "the function of a text".to_owned(), |n| format!("the function {n}"));
        let gate = Arc::new(Gate::default());
        let mut gates = GATES.lock();
        gates.retain(|gate| gate.strong_count() > 0);
        gates.push(Arc::downgrade(&gate));
        Self { function, name, gate }
    }

    fn call(&self, at: Timestamp) -> Result<String> {
        let _calling = self.gate.calling.lock();
        let gone = || Error::new(ErrorKind::Cancelled, "the interpreter is going");
        if self.gate.is_closed.load(Ordering::Acquire) {
            return Err(gone());
        }
        let said = Python::try_attach(|py| {
            let said = self.function.bind(py).call1((at.as_secs_f64(),))?;
            if said.is_none() {
                return Ok(String::new());
            }
            said.extract::<String>().map_err(|_| {
                raise(Error::format(format!("{} is not a text", type_name(&said))).with_hint("return a str"))
            })
        });
        said.ok_or_else(gone)?.map_err(|e| callback_error(&self.name, e))
    }
}

/// How long the interpreter's end waits for a function that is running.
const LAST_CALL: Duration = Duration::from_secs(5);

#[pyfunction]
fn _stop_texts(py: Python<'_>) {
    let gates: Vec<Arc<Gate>> = GATES.lock().drain(..).filter_map(|gate| gate.upgrade()).collect();
    for gate in &gates {
        gate.is_closed.store(true, Ordering::Release);
    }
    py.detach(|| {
        for gate in &gates {
            drop(gate.calling.try_lock_for(LAST_CALL));
        }
    });
}

/// Has the functions of texts left alone before the interpreter goes.
pub(crate) fn stop_at_exit(py: Python<'_>) -> PyResult<()> {
    let stop = wrap_pyfunction!(_stop_texts, py)?;
    py.import("atexit")?.call_method1("register", (stop,))?;
    Ok(())
}
