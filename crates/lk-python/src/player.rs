// SPDX-License-Identifier: GPL-2.0-or-later
//! `Player`.

use crate::at_exit::{self, AtExit};
use crate::blocking::{Born, leaving};
use crate::device::{DeviceId, device_of};
use crate::error::{Raise, raise};
use crate::events::{Listeners, PyEventStream};
use crate::source::PyVideoSource;
use crate::target::{not_a_target, target_of};
use crate::values::{path_of, timeout as timeout_of};
use livekit_studio::clock::Deadline;
use livekit_studio::{
    Audible, AudioOutput, Deinterlace, Error, ErrorKind, Player, PlayerOptions, SourceState, Timestamp,
    VideoTarget,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// A media file, an address or a pipe, played in real time.
#[pyclass(frozen, extends = PyVideoSource, name = "Player", module = "livekit_studio")]
pub(crate) struct PyPlayer {
    core: Option<Arc<Core>>,
    listeners: Listeners,
    born: Born,
}

struct Core {
    player: Player,
    audible: Audible,
    closed: AtomicBool,
}

/// Where `audio_device_id` is.
fn output_of(id: &DeviceId) -> PyResult<AudioOutput> {
    match id {
        DeviceId::Number(n) => Ok(AudioOutput::from(*n)),
        _ => id.choice().map(AudioOutput::Device),
    }
}

impl Core {
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.audible.close();
        self.player.close();
    }
}

impl AtExit for Core {
    fn stop(&self) {
        self.player.stop();
    }

    fn wait(&self, _deadline: Deadline) {
        self.close();
    }
}

/// A player while its window is open.
pub(crate) struct Shown(Arc<Core>);

impl Shown {
    pub(crate) fn player(&self) -> &Player {
        &self.0.player
    }
}

impl PyPlayer {
    /// What keeps it while it is shown; an error if it is closed.
    pub(crate) fn shown(&self) -> PyResult<Shown> {
        self.player()?;
        self.core().cloned().map(Shown)
    }

    fn core(&self) -> PyResult<&Arc<Core>> {
        self.born.check()?;
        self.core.as_ref().ok_or_else(|| raise(Error::internal("a player without its core")))
    }

    /// The player, unless it is closed.
    fn player(&self) -> PyResult<&Player> {
        let core = self.core()?;
        if core.closed.load(Ordering::Acquire) {
            let message = format!("{} is closed", core.player.name());
            return Err(raise(Error::new(ErrorKind::Closed, message).with_hint("make another player")));
        }
        Ok(&core.player)
    }

    /// Does something that may wait for the player's threads, without the GIL.
    fn ask<T: Send>(&self, py: Python<'_>, ask: impl FnOnce(&Player) -> T + Send) -> PyResult<T> {
        let player = self.player()?;
        Ok(py.detach(|| ask(player)))
    }
}

#[pymethods]
impl PyPlayer {
    #[new]
    #[pyo3(signature = (
        filename, play_audio = true, play_video = true, audio_device_id = DeviceId::Number(0), *, r#loop = false, rate = 1.0,
        timeout = 10.0, deinterlace = true, decoder = None, options = None
    ), text_signature = "(filename, play_audio=True, play_video=True, audio_device_id=0, *, loop=False, rate=1.0, \
                         timeout=10.0, deinterlace=True, decoder=None, options=None)")]
    #[allow(clippy::too_many_arguments)] // the 2020 constructor and what came since
    fn new(
        filename: &Bound<'_, PyAny>,
        play_audio: bool,
        play_video: bool,
        audio_device_id: DeviceId,
        r#loop: bool,
        rate: f64,
        timeout: f64,
        deinterlace: bool,
        decoder: Option<String>,
        options: Option<BTreeMap<String, String>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let (py, name) = (filename.py(), path_of(filename)?);
        let options = PlayerOptions {
            play_audio,
            play_video,
            looping: r#loop,
            rate,
            timeout: timeout_of(timeout)?,
            deinterlace: if deinterlace { Deinterlace::Auto } else { Deinterlace::Off },
            decoder,
            options: options.unwrap_or_default().into_iter().collect(),
            ..PlayerOptions::default()
        };
        let output = output_of(&audio_device_id)?;
        let open = move || {
            let player = Player::open(&name, &options)?;
            let audible = Audible::new(player.sound(), player.events(), output)?;
            Ok((player, audible))
        };
        let (player, audible) = leaving(py, open)?.or_raise()?;
        let source = PyVideoSource::with_sound(player.video(), player.sound());
        let listeners = Listeners::new(player.events().clone());
        let core = Arc::new(Core { player, audible, closed: AtomicBool::new(false) });
        let at_exit: Arc<dyn AtExit> = core.clone();
        at_exit::register(py, Arc::downgrade(&at_exit));
        let this = Self { core: Some(core), listeners, born: Born::here() };
        Ok(PyClassInitializer::from(source).add_subclass(this))
    }

    fn add_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        let player = self.player()?;
        let made = target_of(target)?.ok_or_else(|| not_a_target(target))?;
        target.py().detach(|| player.add_target(made)).or_raise()
    }

    fn remove_target(&self, target: &Bound<'_, PyAny>) -> PyResult<()> {
        let player = self.player()?;
        let made: Arc<dyn VideoTarget> = target_of(target)?.ok_or_else(|| not_a_target(target))?;
        target.py().detach(|| player.remove_target(&made));
        Ok(())
    }

    fn video_size(&self) -> PyResult<(u32, u32)> {
        let size = self.player()?.video().size();
        Ok(size.map_or((0, 0), |s| (s.width, s.height)))
    }

    fn is_playing(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, Player::is_playing)
    }

    fn is_eof_reached(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, Player::is_eof_reached)
    }

    fn get_duration(&self) -> PyResult<i64> {
        Ok(self.player()?.duration().map_or(0, Timestamp::as_micros))
    }

    fn get_position(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.ask(py, Player::position)?.as_micros())
    }

    fn set_position(&self, py: Python<'_>, position: i64) -> PyResult<()> {
        let position = Timestamp::from_nanos(position.saturating_mul(1000));
        self.ask(py, |player| player.set_position(position))
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.player()?;
        let core = self.core()?.clone();
        let start = move || core.audible.open().map(|()| core.player.start());
        leaving(py, start)?.or_raise()
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, Player::stop)
    }

    fn set_audio_device(&self, py: Python<'_>, id: DeviceId) -> PyResult<()> {
        self.player()?;
        let (output, core) = (output_of(&id)?, self.core()?.clone());
        let set = move || core.audible.set(output, core.player.is_playing());
        leaving(py, set)?.or_raise()
    }

    #[getter]
    fn audio_device<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let core = self.core()?;
        let device = py.detach(|| core.audible.device());
        device.map(|d| device_of(py, d.device())).transpose()
    }

    #[getter]
    fn volume(&self) -> PyResult<f64> {
        Ok(10f64.powf(f64::from(self.player()?.gain_db()) / 20.0))
    }

    #[setter]
    fn set_volume(&self, volume: f64) -> PyResult<()> {
        if !(0.0..=1000.0).contains(&volume) {
            let message = format!("a volume of {volume} is not between 0 and 1000");
            return Err(raise(Error::parameter(message).with_hint("1 is unchanged, 0.5 half")));
        }
        self.player()?.set_gain_db((20.0 * volume.log10()).max(-200.0) as f32).or_raise()
    }

    #[getter]
    fn muted(&self) -> PyResult<bool> {
        self.mute()
    }

    #[setter]
    fn set_muted(&self, muted: bool) -> PyResult<()> {
        self.set_mute(muted)
    }

    #[getter]
    #[pyo3(name = "loop")]
    fn looping(&self) -> PyResult<bool> {
        Ok(self.player()?.is_looping())
    }

    #[setter]
    #[pyo3(name = "loop")]
    fn set_looping(&self, py: Python<'_>, looping: bool) -> PyResult<()> {
        self.ask(py, |player| player.set_looping(looping))
    }

    #[getter]
    fn rate(&self, py: Python<'_>) -> PyResult<f64> {
        self.ask(py, Player::rate)
    }

    #[setter]
    fn set_rate(&self, py: Python<'_>, rate: f64) -> PyResult<()> {
        self.ask(py, |player| player.set_rate(rate))?.or_raise()
    }

    #[getter]
    fn gain(&self) -> PyResult<f64> {
        Ok(f64::from(self.player()?.gain_db()))
    }

    #[setter]
    fn set_gain(&self, gain: f64) -> PyResult<()> {
        self.player()?.set_gain_db(gain as f32).or_raise()
    }

    #[getter]
    fn mute(&self) -> PyResult<bool> {
        Ok(self.player()?.is_muted())
    }

    #[setter]
    fn set_mute(&self, mute: bool) -> PyResult<()> {
        self.player()?.set_muted(mute);
        Ok(())
    }

    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<&'static str> {
        let core = self.core()?;
        if core.closed.load(Ordering::Acquire) {
            return Ok("closed");
        }
        Ok(py.detach(|| core.player.state()).word())
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let core = self.core()?;
        Ok(failure(&py.detach(|| core.player.state())).map(|e| raise(e).into_value(py).into_any()))
    }

    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core()?;
        let counts = py.detach(|| core.player.statistics());
        let made = PyDict::new(py);
        for (name, count) in [
            ("decoded", counts.decoded),
            ("published", counts.published),
            ("dropped_late", counts.dropped_late),
            ("damaged", counts.damaged),
            ("late_samples", counts.late_samples),
            ("stalls", counts.stalls),
            ("laps", counts.laps),
            ("queued_bytes", counts.queued_bytes),
            ("queued_packets", counts.queued_packets.iter().sum()),
        ] {
            made.set_item(name, count)?;
        }
        let class = py.import("livekit_studio._reports")?.getattr("PlayerStatistics")?;
        class.call((), Some(&made))
    }

    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let deadline = match timeout {
            None => Deadline::NEVER,
            Some(0.0) => Deadline::after(Duration::ZERO),
            Some(seconds) => Deadline::after(timeout_of(seconds)?),
        };
        let news = self.player()?.events().reader();
        loop {
            // it may be closed meanwhile, by the end of the program too
            let player = match self.player() {
                Err(_) if at_exit::is_ending() => return Ok(false),
                player => player?,
            };
            let (state, ended) = py.detach(|| (player.state(), player.is_eof_reached()));
            if let Some(error) = failure(&state) {
                return Err(raise(error));
            }
            if ended || deadline.has_passed() {
                return Ok(ended);
            }
            while news.try_next().is_some() {}
            py.detach(|| news.wake().wait(deadline.left(LOOK)));
            py.check_signals()?;
        }
    }

    fn on<'py>(&self, kind: &str, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.listeners.on(kind, function)
    }

    fn events(&self) -> PyResult<PyEventStream> {
        self.listeners.events()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        py.detach(|| core.close());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().player()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.listeners.traverse(&visit)
    }

    fn __clear__(&self) {
        self.listeners.clear();
    }
}

fn failure(state: &SourceState) -> Option<Error> {
    match state {
        SourceState::Failed(error) => Some(error.clone()),
        _ => None,
    }
}

impl Drop for PyPlayer {
    fn drop(&mut self) {
        let mut core = self.core.take();
        if !self.born.is_here() {
            // the parent's threads are not here, and perhaps locks that nobody will open
            std::mem::forget(core);
            return;
        }
        // it is heard no more; what shows it goes on
        Python::try_attach(|py| {
            py.detach(|| {
                core.iter().for_each(|core| core.audible.close());
                drop(core.take());
            })
        });
    }
}
