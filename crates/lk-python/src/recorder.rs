// SPDX-License-Identifier: GPL-2.0-or-later
//! `Recorder`.

use crate::at_exit::{self, AtExit};
use crate::blocking::{Born, leaving};
use crate::compositor::words_of;
use crate::device::DeviceId;
use crate::error::{Raise, raise};
use crate::events::{Listeners, PyEventStream};
use crate::recorded::{Asked, Shown, heard_of, recorded, shown_of};
use crate::sound::microphone_of;
use crate::values::{bitrate_of, path_of, rate_of, size_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Cancel, Error, ErrorKind, Heard, Recorder, RecorderState, RecorderStatistics, Recording, RecordingReport,
    Result as EngineResult, VideoTarget, thread,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Records pictures and sound into a file.
#[pyclass(frozen, name = "Recorder", module = "livekit_studio")]
pub(crate) struct PyRecorder {
    core: Option<Arc<Core>>,
    listeners: Listeners,
    born: Born,
}

/// A recording, and what will be recorded from its start on. Nothing in here is locked with the GIL held.
struct Core {
    recording: Arc<Recording>,
    wiring: Mutex<Wiring>,
    /// Whether the interpreter ended it.
    at_exit: AtomicBool,
}

struct Wiring {
    shown: Option<Shown>,
    heard: Vec<Heard>,
    connected: bool,
}

impl Core {
    fn open(
        name: &str,
        asked: &Asked,
        shown: Option<Shown>,
        heard: Vec<Heard>,
        cancel: &Cancel,
    ) -> EngineResult<Self> {
        let size = match (asked.size, &shown) {
            (Some(size), _) => Some(size),
            (None, Some(shown)) => Some(shown.size(cancel)?),
            (None, None) => None,
        };
        recorded(shown.clone(), heard.clone())?.check_name(name)?;
        let settings = asked.settings(name, size, shown.as_ref(), &heard)?;
        let recording = Arc::new(Recording::open(name, settings)?);
        let wiring = Mutex::new(Wiring { shown, heard, connected: false });
        Ok(Self { recording, wiring, at_exit: AtomicBool::new(false) })
    }

    fn recorder(&self) -> &Recorder {
        self.recording.recorder()
    }

    fn is_over(&self) -> bool {
        matches!(self.recorder().state(), RecorderState::Finalising | RecorderState::Stopped)
    }

    fn start(&self) -> EngineResult<()> {
        let mut wiring = self.wiring.lock();
        if !self.is_over() {
            self.connect(&mut wiring)?;
        }
        self.recorder().start()
    }

    /// Connects what is to be recorded, if it is known and is not connected yet.
    fn connect(&self, wiring: &mut Wiring) -> EngineResult<()> {
        if wiring.connected || wiring.shown.is_none() && self.recorder().size().is_some() {
            return Ok(());
        }
        self.recording.connect(recorded(wiring.shown.clone(), wiring.heard.clone())?)?;
        wiring.connected = true;
        Ok(())
    }

    fn set_source(&self, shown: Option<Shown>) -> EngineResult<()> {
        let mut wiring = self.wiring.lock();
        if self.is_over() {
            return Err(Error::new(ErrorKind::Closed, format!("{} is stopped", self.recorder().name()))
                .with_hint("make another recorder"));
        }
        if !wiring.connected {
            recorded(shown.clone(), wiring.heard.clone())?;
            wiring.shown = shown;
            let started = !matches!(self.recorder().state(), RecorderState::Ready);
            return if started { self.connect(&mut wiring) } else { Ok(()) };
        }
        match (&wiring.shown, shown) {
            (Some(Shown::Scene(_)), Some(Shown::Scene(scene))) => {
                self.recording.connect(recorded(Some(Shown::Scene(scene.clone())), wiring.heard.clone())?)?;
                wiring.shown = Some(Shown::Scene(scene));
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Busy, "what is recorded cannot be exchanged once it has begun")
                .with_hint("record a VideoPort or a scene, and exchange what it shows")),
        }
    }

    fn stop(&self) -> EngineResult<RecordingReport> {
        let report = self.recording.stop();
        let mut wiring = self.wiring.lock();
        let let_go = (wiring.shown.take(), std::mem::take(&mut wiring.heard));
        drop(wiring);
        drop(let_go);
        report
    }
}

impl AtExit for Core {
    fn stop(&self) {
        if self.is_over() {
            return;
        }
        self.at_exit.store(true, Ordering::Release);
        let recording = self.recording.clone();
        // several end side by side; where there is no thread left, `wait` does it
        if let Ok(thread) = thread::spawn("lk-rec-exit", move || drop(recording.stop())) {
            thread.detach();
        }
    }

    fn wait(&self, _deadline: Deadline) {
        // until the file is whole: the recorder has bounds of its own
        if let Err(e) = Core::stop(self)
            && self.at_exit.load(Ordering::Acquire)
        {
            tracing::error!("{}: {e}", self.recorder().name());
        }
    }
}

impl PyRecorder {
    fn core(&self) -> PyResult<&Arc<Core>> {
        self.born.check()?;
        self.core.as_ref().ok_or_else(|| raise(Error::internal("a recorder without its core")))
    }

    /// Does something that may take a while; Ctrl-C leaves it to itself.
    fn call<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Core) -> EngineResult<T> + Send + 'static,
    ) -> PyResult<T> {
        let core = self.core()?.clone();
        leaving(py, move || call(&core))?.or_raise()
    }

    fn read<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&Recorder) -> T + Send) -> PyResult<T> {
        let core = self.core()?;
        Ok(py.detach(|| read(core.recorder())))
    }
}

#[pymethods]
impl PyRecorder {
    #[new]
    #[pyo3(
        signature = (
            filename, mp4 = None, video_width = None, video_height = None, record_audio = false,
            audio_device_id = DeviceId::Number(0), *, source = None, audio = Sound::Source, fps = None, video_codec = None,
            quality = None, bitrate = None, audio_codec = None, options = None, format = None, durable = false,
            overwrite = true
        ),
        text_signature = "(filename, mp4=None, video_width=None, video_height=None, record_audio=False, \
                          audio_device_id=0, *, source=None, audio='source', fps=None, video_codec=None, \
                          quality=None, bitrate=None, audio_codec=None, options=None, format=None, \
                          durable=False, overwrite=True)"
    )]
    #[allow(clippy::too_many_arguments)] // the 2020 constructor and what came since
    fn new(
        filename: &Bound<'_, PyAny>,
        mp4: Option<bool>,
        video_width: Option<i64>,
        video_height: Option<i64>,
        record_audio: bool,
        audio_device_id: DeviceId,
        source: Option<&Bound<'_, PyAny>>,
        audio: Sound<'_>,
        fps: Option<&Bound<'_, PyAny>>,
        video_codec: Option<String>,
        quality: Option<f64>,
        bitrate: Option<i64>,
        audio_codec: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
        format: Option<String>,
        durable: bool,
        overwrite: bool,
    ) -> PyResult<Self> {
        let (py, name) = (filename.py(), path_of(filename)?);
        let wrong = |message: &str, hint: &str| Err(raise(Error::parameter(message).with_hint(hint)));
        if mp4.is_some() && format.is_some() {
            return wrong("mp4 and format both name a container", "leave mp4 out (None)");
        }
        let size = match (video_width, video_height) {
            (Some(width), Some(height)) => Some(size_of(width, height)?),
            (None, None) => None,
            _ => return wrong("one side of a picture is not a size", "say video_width and video_height"),
        };
        let bitrate = bitrate_of(bitrate)?;
        let asked = Asked {
            mp4,
            size,
            rate: fps.map(rate_of).transpose()?,
            video_codec,
            quality,
            bitrate,
            audio_codec,
            options: options.map(words_of).transpose()?.unwrap_or_default(),
            format,
            durable,
            overwrite,
        };
        let shown = source.map(shown_of).transpose()?;
        let heard = match (record_audio, audio) {
            (true, Sound::Source) => {
                vec![Heard::Source(microphone_of(py, &audio_device_id)?)]
            }
            (true, Sound::Given(_)) => {
                return wrong("record_audio and audio both say what is heard", "leave record_audio out");
            }
            (false, Sound::Source) => {
                let source = pyo3::types::PyString::new(py, "source");
                heard_of(Some(source.as_any()), shown.as_ref())?
            }
            (false, Sound::Given(audio)) => heard_of(audio.as_ref(), shown.as_ref())?,
        };
        if shown.is_none() && asked.size.is_none() && heard.is_empty() {
            return wrong(
                "a recorder has to know what it records, or its size",
                "Recorder(\"show.mp4\", source=scene), or say video_width and video_height",
            );
        }
        let cancel = Cancel::new();
        let inner = cancel.clone();
        let opened = leaving(py, move || Core::open(&name, &asked, shown, heard, &inner));
        let core = Arc::new(opened.inspect_err(|_| cancel.cancel())?.or_raise()?);
        let at_exit: Arc<dyn AtExit> = core.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        let listeners = Listeners::new(core.recorder().events());
        Ok(Self { core: Some(core), listeners, born: Born::here() })
    }

    fn set_source(&self, source: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core()?;
        let shown = if source.is_none() { None } else { Some(shown_of(source)?) };
        self.call(source.py(), move |core| core.set_source(shown))
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, Core::start)
    }

    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.read(py, Recorder::pause)?.or_raise()
    }

    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.start(py)
    }

    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let report = self.call(py, Core::stop)?;
        report_of(py, &report)
    }

    fn is_recording(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(matches!(self.read(py, Recorder::state)?, RecorderState::Recording))
    }

    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.read(py, Recorder::state)?.word())
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        Ok(self.read(py, Recorder::error)?.map(|e| raise(e).into_value(py).into_any()))
    }

    #[getter]
    fn at_risk_seconds(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.read(py, Recorder::at_risk)?.as_secs_f64())
    }

    #[getter]
    fn video_size(&self) -> PyResult<Option<(u32, u32)>> {
        Ok(self.core()?.recorder().size().map(|s| (s.width, s.height)))
    }

    #[getter]
    fn fps(&self) -> PyResult<Option<f64>> {
        Ok(self.core()?.recorder().rate().map(livekit_studio::FrameRate::as_f64))
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let statistics = self.read(py, Recorder::statistics)?;
        statistics_of(py, &statistics)
    }

    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().start(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*args))]
    fn __exit__(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        let failing = args.get_item(0).is_ok_and(|kind| !kind.is_none());
        let core = self.core()?.clone();
        let report = leaving(py, move || core.stop())?;
        if failing {
            // the exception on its way is the one to tell
            return Ok(());
        }
        report.or_raise().map(|_| ())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.listeners.traverse(&visit)
    }

    fn __clear__(&self) {
        self.listeners.clear();
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let core = self.core()?;
        Ok(format!("<Recorder {}, {}>", core.recorder().name(), self.state(py)?))
    }
}

/// What `audio` is: not said, or given (None: no sound).
enum Sound<'py> {
    Source,
    Given(Option<Bound<'py, PyAny>>),
}

impl<'py> FromPyObject<'_, 'py> for Sound<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let value = value.to_owned();
        Ok(match value.extract::<String>() {
            Ok(word) if word == "source" => Self::Source,
            _ => Self::Given((!value.is_none()).then_some(value)),
        })
    }
}

fn statistics_of<'py>(py: Python<'py>, statistics: &RecorderStatistics) -> PyResult<Bound<'py, PyAny>> {
    let reports = py.import("livekit_studio._reports")?;
    let track = reports.getattr("TrackStatistics")?;
    let tracks = statistics.tracks.iter().map(|t| track.call1((&t.name, &t.encoder, t.samples, t.silent)));
    let tracks = PyTuple::new(py, tracks.collect::<PyResult<Vec<_>>>()?)?;
    let made = PyDict::new(py);
    for (name, count) in [
        ("frames", statistics.frames),
        ("repeated", statistics.repeated),
        ("held", statistics.held),
        ("dropped", statistics.dropped),
        ("surplus", statistics.surplus),
        ("unwritten", statistics.unwritten),
        ("waiting", statistics.waiting),
    ] {
        made.set_item(name, count)?;
    }
    made.set_item("duration", statistics.duration.as_secs_f64())?;
    made.set_item("encoding", statistics.encoding.as_secs_f64())?;
    made.set_item("tracks", tracks)?;
    reports.getattr("RecorderStatistics")?.call((), Some(&made))
}

fn report_of<'py>(py: Python<'py>, report: &RecordingReport) -> PyResult<Bound<'py, PyAny>> {
    let made = PyDict::new(py);
    made.set_item("frames", report.statistics.frames)?;
    made.set_item("repeated", report.statistics.repeated)?;
    made.set_item("dropped", report.statistics.dropped)?;
    made.set_item("duration", report.statistics.duration.as_secs_f64())?;
    made.set_item("bytes", report.bytes)?;
    made.set_item("format", &report.format)?;
    made.set_item("video_encoder", &report.video)?;
    made.set_item("warning", &report.warning)?;
    made.set_item("statistics", statistics_of(py, &report.statistics)?)?;
    py.import("livekit_studio._reports")?.getattr("RecordingReport")?.call((), Some(&made))
}

impl Drop for PyRecorder {
    fn drop(&mut self) {
        // this ends the file; nobody who wants to run Python waits for it
        self.born.end(self.core.take());
    }
}
