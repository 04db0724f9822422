// SPDX-License-Identifier: GPL-2.0-or-later
//! `VideoSource`, `StillSource` and everything that is accepted in place of a source.

use crate::array;
use crate::blocking::{Born, Released, wait_for};
use crate::color::PyColor;
use crate::compositor::PyCompositor;
use crate::error::{Raise, raise};
use crate::frame::{PyFrame, pulled};
use crate::lazy_player::in_format;
use crate::values::{format_of, path_of, seconds, size_of, type_name};
use livekit_studio::{
    AudioSource, Cancel, Captured, Clock, Error, Frame, FrameSpec, OpenOptions, Picture, PixelFormat, Sample,
    Sampling, Still, Timestamp, VideoSource, image_file, picture_of,
};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::Arc;
use std::time::Duration;

/// How long `frame()` waits for the first picture of a live source.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something frames can be read from.
#[pyclass(frozen, subclass, name = "VideoSource", module = "livekit_studio")]
pub(crate) struct PyVideoSource {
    pub source: Released<Arc<dyn VideoSource>>,
    /// The sound it brings into a scene.
    sound: Released<Option<Arc<dyn AudioSource>>>,
    /// Whether its pictures have no time of their own.
    timeless: bool,
    born: Born,
}

impl PyVideoSource {
    pub(crate) fn new(source: Arc<dyn VideoSource>) -> Self {
        Self::made(source, None, false)
    }

    pub(crate) fn with_sound(source: Arc<dyn VideoSource>, sound: Option<Arc<dyn AudioSource>>) -> Self {
        Self::made(source, sound, false)
    }

    pub(crate) fn timeless(source: Arc<dyn VideoSource>) -> Self {
        Self::made(source, None, true)
    }

    fn made(source: Arc<dyn VideoSource>, sound: Option<Arc<dyn AudioSource>>, timeless: bool) -> Self {
        let (source, sound) = (Released::new(source), Released::new(sound));
        Self { source, sound, timeless, born: Born::here() }
    }

    /// The sound it brings into a scene, if it has any.
    pub(crate) fn sound(&self) -> Option<Arc<dyn AudioSource>> {
        self.sound.clone()
    }
}

type Pulled<'py> = (Option<Bound<'py, PyAny>>, u64, bool);

#[pymethods]
impl PyVideoSource {
    fn pull<'py>(&self, py: Python<'py>) -> PyResult<Pulled<'py>> {
        self.born.check()?;
        let (source, cancel) = (self.source.clone(), Cancel::new());
        let frame = wait_for(py, &cancel, move || {
            Ok(match source.sample(<dyn Clock>::live().now(), Sampling::Live)? {
                Sample::Frame(frame) => Some(frame),
                Sample::Ended(last) => last,
                Sample::Pending | Sample::Empty => None,
            })
        })?;
        pulled(py, frame, self.timeless)
    }

    #[pyo3(signature = (*, at = 0.0, format = None))]
    fn frame(&self, py: Python<'_>, at: f64, format: Option<&str>) -> PyResult<PyFrame> {
        self.born.check()?;
        let (at, format) = (seconds("time", at)?, format.map(format_of).transpose()?);
        let (source, cancel) = (self.source.clone(), Cancel::new());
        let given_up = cancel.clone();
        let make = move || in_format(picture_of(&*source, at, PATIENCE, &given_up)?, format);
        wait_for(py, &cancel, make).map(PyFrame)
    }

    /// What a notebook shows: the first picture, or the newest if there is one; nothing rather than an error.
    fn _repr_png_<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.born.check()?;
        let (source, cancel) = (self.source.clone(), Cancel::new());
        let given_up = cancel.clone();
        let png = wait_for(py, &cancel, move || {
            let frame = picture_of(&*source, Timestamp::ZERO, Duration::ZERO, &given_up);
            Ok(frame.and_then(|f| image_file::encode_png(&f)).ok())
        })?;
        Ok(png.map(|png| PyBytes::new(py, &png)))
    }

    #[getter]
    fn name(&self) -> String {
        self.source.name()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} {}>", slf.get_type().name()?, slf.get().source.name()))
    }
}

/// One frame as a source.
#[pyclass(frozen, extends = PyVideoSource, name = "StillSource", module = "livekit_studio")]
pub(crate) struct PyStillSource(Frame);

impl PyStillSource {
    pub(crate) fn init(frame: Frame) -> PyClassInitializer<Self> {
        let source = Arc::new(Still::new(format!("a {} picture", frame.size()), frame.clone()));
        PyClassInitializer::from(PyVideoSource::timeless(source)).add_subclass(Self(frame))
    }
}

#[pymethods]
impl PyStillSource {
    #[new]
    fn new(frame: &PyFrame) -> PyClassInitializer<Self> {
        Self::init(frame.0.clone())
    }

    fn size(&self) -> (u32, u32) {
        (self.0.size().width, self.0.size().height)
    }
}

/// What something in place of a source gives.
pub(crate) struct Given {
    pub video: Arc<dyn VideoSource>,
    pub sound: Option<Arc<dyn AudioSource>>,
}

/// A source, a Frame, or the name of something that can be opened.
pub(crate) fn given(value: &Bound<'_, PyAny>, with_sound: bool) -> PyResult<Given> {
    given_looping(value, with_sound, false)
}

/// The same; what is opened by its name starts again at its end if `looping`.
pub(crate) fn given_looping(value: &Bound<'_, PyAny>, with_sound: bool, looping: bool) -> PyResult<Given> {
    if let Ok(source) = value.cast::<PyVideoSource>() {
        let source = source.get();
        return Ok(Given {
            video: source.source.clone(),
            sound: source.sound.clone().filter(|_| with_sound),
        });
    }
    if let Ok(scene) = value.cast::<PyCompositor>() {
        return Ok(Given { video: Arc::new(Picture::of(&scene.get().compositor)), sound: None });
    }
    if let Ok(frame) = value.cast::<PyFrame>() {
        let frame = frame.get().0.clone();
        return Ok(Given {
            video: Arc::new(Still::new(format!("a {} picture", frame.size()), frame)),
            sound: None,
        });
    }
    if let Some(frame) = of_pillow(value)? {
        let video = Arc::new(Still::new(format!("a {} picture", frame.size()), frame));
        return Ok(Given { video, sound: None });
    }
    let bytes = PyUntypedBuffer::get(value).is_ok();
    if bytes || value.is_callable() {
        let hint = if bytes {
            "say what its channels are: lk.open(array, format=\"rgb24\")"
        } else {
            "functions become sources by lk.FunctionSource(function, format=\"rgba\")"
        };
        return Err(raise(Error::format(format!("{} is not a source", type_name(value))).with_hint(hint)));
    }
    let name = path_of(value)?;
    let cancel = Cancel::new();
    let options = OpenOptions { looping, cancel: cancel.clone(), ..OpenOptions::default() };
    let opened = wait_for(value.py(), &cancel, move || {
        let open = if with_sound { livekit_studio::open } else { livekit_studio::open_pictures };
        open(&name, &options)
    })?;
    Ok(Given { video: opened.video().or_raise()?, sound: opened.sound })
}

/// The picture of an image of Pillow's, which says itself what its channels are; None of anything else.
fn of_pillow(value: &Bound<'_, PyAny>) -> PyResult<Option<Frame>> {
    if !value.get_type().module()?.to_string_lossy().starts_with("PIL.") || !value.hasattr("tobytes")? {
        return Ok(None);
    }
    let mode: String = value.getattr("mode")?.extract()?;
    let opaque = matches!(mode.as_str(), "RGB" | "L" | "1" | "CMYK" | "YCbCr");
    let (mode, format) = if opaque { ("RGB", PixelFormat::Rgb) } else { ("RGBA", PixelFormat::Rgba) };
    let image = value.call_method1("convert", (mode,))?;
    let (width, height) = image.getattr("size")?.extract()?;
    let bytes = image.call_method0("tobytes")?.cast_into::<PyBytes>()?;
    let spec = FrameSpec::of(format, size_of(width, height)?);
    Frame::from_packed(spec, bytes.as_bytes(), Timestamp::ZERO).map(Some).or_raise()
}

/// A source from what people write.
#[pyfunction]
#[pyo3(signature = (source, *, format = None))]
pub(crate) fn open<'py>(source: &Bound<'py, PyAny>, format: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let py = source.py();
    if PyUntypedBuffer::get(source).is_ok() && source.cast::<PyFrame>().is_err() {
        let Some(format) = format else {
            return Err(raise(
                Error::format("an array needs its format")
                    .with_hint("for example lk.open(array, format=\"rgb24\")"),
            ));
        };
        let frame = array::copy_in(source, format_of(format)?, false, Timestamp::ZERO)?;
        return Ok(Bound::new(py, PyStillSource::init(frame))?.into_any());
    }
    if format.is_some() {
        return Err(raise(Error::parameter("format is for arrays; files know theirs")));
    }
    if source.cast::<PyVideoSource>().is_ok() {
        return Ok(source.clone());
    }
    if let Ok(frame) = source.cast::<PyFrame>() {
        return Ok(Bound::new(py, PyStillSource::init(frame.get().0.clone()))?.into_any());
    }
    if let Some(frame) = of_pillow(source)? {
        return Ok(Bound::new(py, PyStillSource::init(frame))?.into_any());
    }
    // the classes say what it was opened as
    let name = path_of(source)?;
    if let Some(color) = livekit_studio::color_named(&name).or_raise()? {
        return Ok(Bound::new(py, PyColor::init(color, None)?)?.into_any());
    }
    let native = py.import("livekit_studio._native")?;
    if let Some(shared) = livekit_studio::ipc_named(&name) {
        return native.getattr("IPCSource")?.call1((shared,));
    }
    if livekit_studio::camera_named(&name).is_some() {
        let camera = name.split_once(':').map_or("", |(_, camera)| camera);
        return native.getattr("Camera")?.call1((camera,));
    }
    match livekit_studio::captured(&name) {
        Some(Captured::Screen(output)) => {
            let chosen = PyDict::new(py);
            chosen.set_item("output", output)?;
            return native.getattr("ScreenCapture")?.call((), Some(&chosen));
        }
        Some(Captured::Window(title)) => {
            let chosen = PyDict::new(py);
            chosen.set_item("title", title)?;
            return native.getattr("WindowCapture")?.call((), Some(&chosen));
        }
        None => {}
    }
    let class = if livekit_studio::is_picture(&name).or_raise()? { "ImageFile" } else { "LazyPlayer" };
    native.getattr(class)?.call1((name,))
}
