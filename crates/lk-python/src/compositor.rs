// SPDX-License-Identifier: GPL-2.0-or-later
//! `Compositor`.

use crate::blocking::{Born, attending, wait_for};
use crate::compositor_window::{Window, window_of};
use crate::error::{Raise, raise};
use crate::events::{Listeners, PyEventStream};
use crate::frame::PyFrame;
use crate::frames::PySceneFrames;
use crate::layer::{BoxSize, PyLayer};
use crate::live_statistics::PyLiveStatistics;
use crate::mixer::PyMixer;
use crate::source::{given, given_looping};
use crate::statistics::PyStatistics;
use crate::target::{not_a_target, target_of};
use crate::tracks::Tracks;
use crate::values;
use livekit_studio::{
    Batch, BeforeFrame, Cancel, Compositor, EncodeOptions, Error, ErrorKind, Event, EventKind, FrameSpec,
    Layer, Length, OfflineOptions, OfflineRun, Output, Placement, Point, Progress, RenderOptions,
    RunStatistics, SourceId, Timestamp, Where, image_file,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What events call a run of a compositor.
const RUN: &str = "the compositor";

/// A canvas with layers and a mixer.
#[pyclass(frozen, name = "Compositor", module = "livekit_studio")]
pub(crate) struct PyCompositor {
    pub(crate) compositor: Compositor,
    pub(crate) window: Window,
    threads: Option<usize>,
    last: Mutex<Option<RunStatistics>>,
    listeners: Listeners,
    closed: AtomicBool,
    pub(crate) born: Born,
}

impl PyCompositor {
    fn layer(&self, id: livekit_studio::LayerId) -> PyLayer {
        PyLayer { compositor: self.compositor.clone(), id }
    }

    /// An error in a forked child and after `close`.
    pub(crate) fn check(&self) -> PyResult<()> {
        self.born.check()?;
        if self.closed.load(Ordering::Acquire) {
            return Err(raise(
                Error::new(ErrorKind::Closed, "the compositor was closed").with_hint("make another"),
            ));
        }
        Ok(())
    }

    pub(crate) fn close_handle(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(livekit_studio::thread::budget)
    }

    /// A run that makes frames in `format`, starting with frame `first`.
    fn offline(&self, format: &str, first: u64, cancel: &Cancel) -> PyResult<OfflineRun> {
        self.check()?;
        let format = values::format_of(format)?;
        let scene = self.compositor.scene();
        format.check_even(scene.size).or_raise()?;
        let mut spec = FrameSpec::of(format, scene.size);
        if scene.background.is_opaque() {
            spec = spec.with_alpha(livekit_studio::AlphaKind::Opaque);
        }
        let options = OfflineOptions {
            outputs: vec![spec],
            sound: false,
            threads: self.threads(),
            cancel: cancel.clone(),
            first,
        };
        OfflineRun::new(&self.compositor, options).or_raise()
    }
}

#[pymethods]
impl PyCompositor {
    #[new]
    #[pyo3(
        signature = (
            video_width, video_height, window_width = None, window_height = None, title = None, *, fps = None,
            background = "black", threads = None
        ),
        text_signature = "(video_width, video_height, window_width=None, window_height=None, title=None, *, \
                          fps=30, background='black', threads=None)"
    )]
    #[allow(clippy::too_many_arguments)] // the 2020 constructor and what came since
    fn new(
        py: Python<'_>,
        video_width: i64,
        video_height: i64,
        window_width: Option<i64>,
        window_height: Option<i64>,
        title: Option<&str>,
        fps: Option<&Bound<'_, PyAny>>,
        background: &str,
        threads: Option<i64>,
    ) -> PyResult<Self> {
        let size = values::size_of(video_width, video_height)?;
        let rate = fps.map_or_else(|| livekit_studio::FrameRate::new(30, 1).or_raise(), values::rate_of)?;
        let background = values::color_of(background)?;
        let threads = threads.map(crate::threads_of).transpose()?;
        let compositor = Compositor::new(size, rate).or_raise()?;
        compositor
            .edit(|scene| {
                scene.background = background;
                Ok(())
            })
            .or_raise()?;
        let events = compositor.events().clone();
        let window = window_of(py, &compositor, (window_width, window_height), title)?;
        Ok(Self {
            compositor,
            window,
            threads,
            last: Mutex::default(),
            listeners: Listeners::new(events),
            closed: AtomicBool::new(false),
            born: Born::here(),
        })
    }

    #[pyo3(signature = (
        source, *, name = None, at = None, size = None, fit = None, anchor = None, margin = 0.0, crop = None,
        flip = None, rotation = 0.0, opacity = 1.0, blend = "normal", visible = true, slot = None, above = None,
        below = None, fallback = None, offline = None, audio = true, r#loop = false, start = 0.0
    ))]
    #[allow(clippy::too_many_arguments)] // every property of a layer, all by keyword
    fn add(
        &self,
        source: &Bound<'_, PyAny>,
        name: Option<String>,
        at: Option<(f64, f64)>,
        size: Option<BoxSize>,
        fit: Option<&str>,
        anchor: Option<&str>,
        margin: f64,
        crop: Option<(i64, i64, i64, i64)>,
        flip: Option<&str>,
        rotation: f64,
        opacity: f64,
        blend: &str,
        visible: bool,
        slot: Option<i64>,
        above: Option<&PyLayer>,
        below: Option<&PyLayer>,
        fallback: Option<&Bound<'_, PyAny>>,
        offline: Option<&str>,
        audio: bool,
        r#loop: bool,
        start: f64,
    ) -> PyResult<PyLayer> {
        let place = match (slot, above, below) {
            (None, None, None) => Where::Top,
            (Some(slot), None, None) => Where::Slot(values::slot_of(slot)?),
            (None, Some(layer), None) => Where::Above(layer.id),
            (None, None, Some(layer)) => Where::Below(layer.id),
            _ => return Err(raise(Error::parameter("say one of slot, above and below"))),
        };
        let (width, height) = size.unwrap_or_default();
        let placement = Placement {
            at: at.map(|(x, y)| Point { x, y }),
            width,
            height,
            fit: values::fit(fit)?,
            anchor: values::anchor(anchor)?,
            margin,
        };
        let layer = Layer {
            name,
            placement,
            crop: values::crop(crop)?,
            flip: values::flip(flip)?,
            rotation,
            opacity,
            blend: values::blend(blend)?,
            visible,
            offline: values::policy(offline)?,
            start: values::start_of(start)?,
            ..Layer::new(SourceId::unique())
        };
        layer.validate().or_raise()?;
        let fallback = fallback.map(|f| given(f, false)).transpose()?.map(|f| f.video);
        let given = given_looping(source, audio, r#loop)?;
        let id = self.compositor.add(given.video, fallback, given.sound, layer, place).or_raise()?;
        Ok(self.layer(id))
    }

    fn __getitem__(&self, name: &str) -> PyResult<PyLayer> {
        let scene = self.compositor.scene();
        let found = scene.find_named(name).map(|(_, layer)| layer.id);
        found.map(|id| self.layer(id)).ok_or_else(|| {
            let names: Vec<&str> = scene.layers.values().filter_map(|l| l.name.as_deref()).collect();
            let hint = match names.as_slice() {
                [] => "no layer has a name: give one with add(..., name=\"cam\")".to_owned(),
                names => format!("there are: {}", names.join(", ")),
            };
            raise(Error::new(ErrorKind::Index, format!("there is no layer called {name:?}")).with_hint(hint))
        })
    }

    #[getter]
    fn layers(&self) -> Vec<PyLayer> {
        self.compositor.scene().layers.values().map(|l| self.layer(l.id)).collect()
    }

    #[getter]
    fn audio(&self, py: Python<'_>) -> PyResult<Py<PyMixer>> {
        Py::new(py, PyMixer::init(&self.compositor))
    }

    #[getter]
    fn fps(&self) -> f64 {
        self.compositor.rate().as_f64()
    }

    #[getter]
    fn size(&self) -> (u32, u32) {
        (self.compositor.size().width, self.compositor.size().height)
    }

    #[getter]
    fn background(&self) -> String {
        let c = self.compositor.scene().background;
        format!("#{:02x}{:02x}{:02x}{:02x}", c.r, c.g, c.b, c.a)
    }

    #[setter]
    fn set_background(&self, color: &str) -> PyResult<()> {
        let color = values::color_of(color)?;
        self.compositor
            .edit(|scene| {
                scene.background = color;
                Ok(())
            })
            .or_raise()
    }

    fn batch(&self) -> PyBatch {
        PyBatch { compositor: self.compositor.clone(), open: Mutex::default() }
    }

    #[pyo3(signature = (idx, source, upper_left = None, lower_right = None))]
    fn set_source(
        &self,
        idx: i64,
        source: &Bound<'_, PyAny>,
        upper_left: Option<(f64, f64)>,
        lower_right: Option<(f64, f64)>,
    ) -> PyResult<()> {
        let slot = values::slot_of(idx)?;
        let placement = match (upper_left, lower_right) {
            (None, None) => Placement::STRETCH,
            (Some((x, y)), None) => Placement::moved(x, y),
            (at, Some((right, bottom))) => {
                let (x, y) = at.unwrap_or_default();
                Placement::rectangle(x, y, right - x, bottom - y)
            }
        };
        placement.validate().or_raise()?;
        let layer = Layer { placement, ..Layer::new(SourceId::unique()) };
        let given = given(source, true)?;
        self.compositor.add(given.video, None, given.sound, layer, Where::Slot(slot)).or_raise()?;
        Ok(())
    }

    fn remove_source(&self, idx: i64) -> PyResult<()> {
        self.compositor.remove_slot(values::slot_of(idx)?).or_raise()
    }

    fn set_video_resolution(&self, video_width: i64, video_height: i64) -> PyResult<()> {
        let size = values::size_of(video_width, video_height)?;
        self.compositor
            .edit(|scene| {
                scene.size = size;
                Ok(())
            })
            .or_raise()
    }

    fn video_size(&self) -> (u32, u32) {
        self.size()
    }

    fn add_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        self.compositor.add_target(target_of(target)?.ok_or_else(|| not_a_target(target))?);
        Ok(())
    }

    #[pyo3(
        signature = (
            out, *, seconds = None, frames = None, progress = None, video_codec = None, quality = None,
            bitrate = None, audio = Tracks::default(), audio_codec = None, options = None, format = None,
            overwrite = true, each = None
        ),
        text_signature = "($self, out, *, seconds=None, frames=None, progress=False, video_codec=None, \
                          quality=None, bitrate=None, audio='source', audio_codec=None, options=None, \
                          format=None, overwrite=True, each=None)"
    )]
    #[allow(clippy::too_many_arguments)] // how long and how encoded, all by keyword
    fn render<'py>(
        &self,
        out: &Bound<'py, PyAny>,
        seconds: Option<f64>,
        frames: Option<i64>,
        progress: Option<&Bound<'_, PyAny>>,
        video_codec: Option<String>,
        quality: Option<f64>,
        bitrate: Option<i64>,
        audio: Tracks,
        audio_codec: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
        format: Option<String>,
        overwrite: bool,
        each: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyStatistics>> {
        self.check()?;
        let py = out.py();
        let each = each.map(before_each).transpose()?;
        let length = match (seconds, frames) {
            (None, None) => Length::Natural,
            (Some(s), None) => Length::Seconds(s),
            (None, Some(n)) => {
                let n = u64::try_from(n)
                    .map_err(|_| raise(Error::parameter(format!("{n} frames cannot be rendered"))))?;
                Length::Frames(n)
            }
            (Some(_), Some(_)) => return Err(raise(Error::parameter("say seconds or frames, not both"))),
        };
        let bitrate = values::bitrate_of(bitrate)?;
        let encode = EncodeOptions {
            video_codec,
            quality,
            bitrate,
            audio_codec,
            options: options.map(words_of).transpose()?.unwrap_or_default(),
            format,
            keep_existing: !overwrite,
        };
        let cancel = Cancel::new();
        let done = Arc::new(Mutex::new(Progress::default()));
        let seen = done.clone();
        let render_options = RenderOptions {
            tracks: audio.of(&self.compositor)?,
            encode,
            threads: self.threads(),
            cancel: cancel.clone(),
            progress: Some(Arc::new(move |p| *seen.lock() = p)),
            ..RenderOptions::new(length)
        };
        let bar = ProgressCall::new(py, progress, out)?;
        let (compositor, outputs) = (self.compositor.clone(), outputs_of(out)?);
        self.listeners.emit(Event::now(EventKind::RunState, RUN, "", "running"));
        let show = done.clone();
        let asks = each.is_some();
        let result = attending(
            py,
            &cancel,
            |py| bar.show(py, *show.lock()),
            |_, at: Timestamp| each.as_ref().map_or(Ok(()), |each| each.call1((at.as_secs_f64(),)).map(drop)),
            move |asking| {
                let ask: BeforeFrame = Arc::new(move |at| asking.ask(at));
                let options = RenderOptions { each: asks.then_some(ask), ..render_options };
                livekit_studio::render(&compositor, outputs, options)
            },
        );
        let ended = |state| Event::now(EventKind::RunState, RUN, "running", state);
        let result = match result.and_then(Raise::or_raise) {
            Ok(statistics) => {
                self.listeners.emit(ended("stopped"));
                statistics
            }
            Err(error) => {
                self.listeners.emit(ended("failed").because(&error));
                bar.close(py);
                return Err(error);
            }
        };
        bar.show(py, *done.lock())?;
        *self.last.lock() = Some(result.clone());
        PyStatistics::of(py, result)
    }

    #[pyo3(signature = (format, *, realtime = true, seconds = None))]
    fn frames<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        realtime: bool,
        seconds: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if realtime {
            return Ok(Bound::new(py, self.live_frames(format, seconds)?)?.into_any());
        }
        let left = seconds.map(|s| self.frames_in(s)).transpose()?;
        let cancel = Cancel::new();
        let frames = PySceneFrames::new(self.offline(format, 0, &cancel)?, cancel, left);
        Ok(Bound::new(py, frames)?.into_any())
    }

    #[pyo3(signature = (format = "rgb24", *, at = 0.0))]
    fn frame(&self, py: Python<'_>, format: &str, at: f64) -> PyResult<PyFrame> {
        let at = values::seconds("time", at)?;
        if self.compositor.is_running() {
            return self.newest(py, values::format_of(format)?).map(PyFrame);
        }
        let first = self.compositor.rate().index_at(at + livekit_studio::DUE_TOLERANCE);
        let cancel = Cancel::new();
        let frames = PySceneFrames::new(self.offline(format, first, &cancel)?, cancel, Some(1));
        let frame = frames.next(py)?.ok_or_else(|| raise(Error::internal("a run of one frame made none")))?;
        Ok(PyFrame(frame))
    }

    #[pyo3(signature = (path, *, at = 0.0))]
    fn screenshot(&self, path: &Bound<'_, PyAny>, at: f64) -> PyResult<()> {
        let (py, name) = (path.py(), values::path_of(path)?);
        let format = if self.compositor.scene().background.is_opaque() { "rgb24" } else { "rgba" };
        let frame = self.frame(py, format, at)?.0;
        wait_for(py, &Cancel::new(), move || image_file::save(&frame, &name))
    }

    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.listeners.traverse(&visit)
    }

    fn __clear__(&self) {
        self.listeners.clear();
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(last) = self.last.lock().clone().filter(|_| !self.compositor.is_running()) {
            return Ok(Some(PyStatistics::of(py, last)?.into_any()));
        }
        let live = self.compositor.live_statistics();
        live.map(|live| Ok(PyLiveStatistics::of(py, live)?.into_any())).transpose()
    }

    fn remove_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        self.compositor.remove_target(&target_of(target)?.ok_or_else(|| not_a_target(target))?);
        Ok(())
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let head = format!("<Compositor {} at {} fps", this.compositor.size(), this.compositor.rate());
        slf.py().import("livekit_studio._tables")?.call_method1("scene_text", (slf, head))
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("livekit_studio._tables")?.call_method1("scene_html", (slf,))
    }
}

/// The same as `scene.render(out, ...)`.
#[pyfunction]
#[pyo3(signature = (scene, out, **options))]
pub(crate) fn render<'py>(
    scene: &Bound<'py, PyCompositor>,
    out: &Bound<'py, PyAny>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    scene.call_method("render", (out,), options)
}

/// Edits that take effect together.
#[pyclass(frozen, name = "_Batch", module = "livekit_studio._native")]
pub(crate) struct PyBatch {
    compositor: Compositor,
    open: Mutex<Option<Batch>>,
}

#[pymethods]
impl PyBatch {
    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        let batch = slf.get();
        let mut open = batch.open.lock();
        if open.is_some() {
            return Err(raise(Error::new(ErrorKind::Busy, "this batch is open already")));
        }
        *open = Some(batch.compositor.batch());
        drop(open);
        Ok(slf)
    }

    #[pyo3(signature = (*args))]
    fn __exit__(&self, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        let failed = args.get_item(0).is_ok_and(|kind| !kind.is_none());
        match self.open.lock().take() {
            Some(batch) if failed => batch.rollback(),
            batch => drop(batch),
        }
        Ok(())
    }
}

/// The function that is called before each frame of a render.
fn before_each(function: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if function.is_callable() {
        return Ok(function);
    }
    Err(raise(
        Error::parameter(format!("each cannot be {}", values::type_name(&function)))
            .with_hint("a function of the time in seconds"),
    ))
}

/// A progress bar, a function to call, or nothing.
struct ProgressCall(Option<Py<PyAny>>);

impl ProgressCall {
    fn new(py: Python<'_>, progress: Option<&Bound<'_, PyAny>>, out: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(progress) = progress.filter(|p| !p.is_none()) else { return Ok(Self(None)) };
        if let Ok(wanted) = progress.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(Self(None));
            }
            let label = values::path_of(out).unwrap_or_else(|_| "rendering".to_owned());
            let bar = py.import("livekit_studio._progress")?.getattr("ProgressBar")?.call1((label,))?;
            return Ok(Self(Some(bar.unbind())));
        }
        if !progress.is_callable() {
            return Err(raise(
                Error::parameter(format!("progress cannot be {}", values::type_name(progress)))
                    .with_hint("True, False or a function of (frames done, frames in all)"),
            ));
        }
        Ok(Self(Some(progress.clone().unbind())))
    }

    fn show(&self, py: Python<'_>, p: Progress) -> PyResult<()> {
        if let Some(call) = self.0.as_ref().filter(|_| p.total > 0) {
            call.call1(py, (p.done, p.total))?;
        }
        Ok(())
    }

    fn close(&self, py: Python<'_>) {
        if let Some(call) = &self.0
            && let Ok(close) = call.getattr(py, "close")
        {
            // the bar's own failure must not hide the error that is being told
            let _ = close.call0(py);
        }
    }
}

fn outputs_of(out: &Bound<'_, PyAny>) -> PyResult<Vec<Output>> {
    values::items_of(out).unwrap_or_else(|| vec![out.clone()]).iter().map(output_of).collect()
}

fn output_of(out: &Bound<'_, PyAny>) -> PyResult<Output> {
    match target_of(out)? {
        Some(target) => Ok(Output::Target(target)),
        None => values::path_of(out).map(Output::File).map_err(|_| not_a_target(out)),
    }
}

/// Options as FFmpeg writes them: text, numbers, and True and False as 1 and 0.
pub(crate) fn words_of(options: &Bound<'_, PyDict>) -> PyResult<Vec<(String, String)>> {
    options
        .iter()
        .map(|(key, value)| {
            if value.is_none() {
                return Err(raise(
                    Error::parameter(format!("the option {key} is None")).with_hint("leave it out"),
                ));
            }
            let value = match value.cast::<PyBool>() {
                Ok(b) => if b.is_true() { "1" } else { "0" }.to_owned(),
                Err(_) => value.str()?.to_string(),
            };
            Ok((key.str()?.to_string(), value))
        })
        .collect()
}
