// SPDX-License-Identifier: GPL-2.0-or-later
//! `AudioPort`.

use crate::blocking::Born;
use crate::error::{Raise, raise};
use crate::sound::{samples_of, to_array};
use crate::values::seconds;
use livekit_studio::audio_port::sample_at;
use livekit_studio::{
    AudioPort, AudioSource, CHANNELS, Clock, Error, SAMPLE_RATE, Sampling, Timestamp, Wake,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// What a port keeps, in samples.
const KEPT: i64 = 2 * SAMPLE_RATE as i64;
/// How long after its time a block of an iteration is waited for; mixed sound comes 60 ms late by design.
const PATIENCE: i64 = SAMPLE_RATE as i64 / 5;

fn now() -> Timestamp {
    <dyn Clock>::live().now()
}

fn count_of(n: i64) -> PyResult<i64> {
    if (0..=KEPT).contains(&n) {
        return Ok(n);
    }
    Err(raise(
        Error::parameter(format!("{n} samples cannot be read at once"))
            .with_hint(format!("a port keeps two seconds: 0 to {KEPT} samples")),
    ))
}

/// Sound that is written to it and heard wherever it is added.
#[pyclass(frozen, name = "AudioPort", module = "livekit_studio")]
pub(crate) struct PyAudioPort {
    pub port: Arc<AudioPort>,
    /// What a scene hears of it.
    pub heard: Arc<dyn AudioSource>,
    born: Born,
}

impl PyAudioPort {
    pub(crate) fn of(port: Arc<AudioPort>, heard: Arc<dyn AudioSource>) -> Self {
        Self { port, heard, born: Born::here() }
    }

    fn read(&self, py: Python<'_>, first: i64, count: i64) -> PyResult<Vec<f32>> {
        self.born.check()?;
        read(py, &self.port, first, count)
    }

    /// The newest samples that are due.
    fn newest(&self, py: Python<'_>, count: i64) -> PyResult<Vec<f32>> {
        let now = now();
        let end = self.port.newest(now).min(sample_at(now));
        self.read(py, end - count, count)
    }

    fn level(&self, py: Python<'_>, time: f64, of: fn(&[f32]) -> f32) -> PyResult<(f64, f64)> {
        let count = sample_at(seconds("a time of", time)?);
        let samples = self.newest(py, count_of(count)?)?;
        let side = |side: usize| {
            let samples: Vec<f32> = samples.iter().skip(side).step_by(CHANNELS).copied().collect();
            20.0 * f64::from(of(&samples)).log10()
        };
        Ok((side(0), side(1)))
    }
}

fn read(py: Python<'_>, port: &Arc<AudioPort>, first: i64, count: i64) -> PyResult<Vec<f32>> {
    let port = port.clone();
    let read = py.detach(move || {
        let mut samples = vec![0.0; count as usize * CHANNELS];
        port.read(first, &mut samples, Sampling::Live).map(|_| samples)
    });
    read.or_raise()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, s| peak.max(s.abs()))
}

fn rms(samples: &[f32]) -> f32 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt() as f32
}

#[pymethods]
impl PyAudioPort {
    #[new]
    #[pyo3(signature = (id = None))]
    fn new(id: Option<i64>) -> PyResult<Self> {
        let port = match id {
            Some(id) => AudioPort::channel(id).or_raise()?,
            None => Arc::new(AudioPort::default()),
        };
        Ok(Self::of(port.clone(), port))
    }

    #[pyo3(signature = (array, *, wait = false))]
    fn push(&self, array: &Bound<'_, PyAny>, wait: bool) -> PyResult<usize> {
        self.born.check()?;
        let py = array.py();
        let samples = samples_of(array)?;
        let mut taken = 0;
        loop {
            let rest = &samples[taken * CHANNELS..];
            taken += py.detach(|| self.port.push(rest, now()));
            let left = samples.len() / CHANNELS - taken;
            if left == 0 || !wait {
                return Ok(taken);
            }
            // room comes with time; nobody rings for it
            let soon = Duration::from_secs_f64(left as f64 / f64::from(SAMPLE_RATE)).min(LOOK);
            py.detach(|| Wake::new().wait(soon.max(Duration::from_millis(1))));
            py.check_signals()?;
        }
    }

    #[getter]
    fn room(&self) -> usize {
        self.port.room(now())
    }

    #[pyo3(signature = (n = 480, *, at = None))]
    fn pull<'py>(&self, py: Python<'py>, n: i64, at: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let n = count_of(n)?;
        let samples = match at {
            Some(at) => self.read(py, sample_at(seconds("a time of", at)?), n)?,
            None => self.newest(py, n)?,
        };
        to_array(py, &samples)
    }

    #[pyo3(signature = (block = 480))]
    fn samples(&self, block: i64) -> PyResult<PyAudioBlocks> {
        self.born.check()?;
        if !(1..=i64::from(SAMPLE_RATE)).contains(&block) {
            return Err(raise(Error::parameter(format!(
                "blocks of {block} samples are not possible: 1 to {SAMPLE_RATE}"
            ))));
        }
        let wake = Wake::new();
        self.port.wake_on_ready(&wake);
        let now = now();
        Ok(PyAudioBlocks {
            port: self.port.clone(),
            block,
            next: Mutex::new(self.port.newest(now).min(sample_at(now))),
            wake,
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            born: self.born,
        })
    }

    #[pyo3(signature = (seconds = 0.1))]
    fn peak(&self, py: Python<'_>, seconds: f64) -> PyResult<(f64, f64)> {
        self.level(py, seconds, peak)
    }

    #[pyo3(signature = (seconds = 0.1))]
    fn rms(&self, py: Python<'_>, seconds: f64) -> PyResult<(f64, f64)> {
        self.level(py, seconds, rms)
    }

    #[getter]
    fn name(&self) -> String {
        AudioSource::name(&*self.port)
    }

    fn __repr__(&self) -> String {
        format!("<AudioPort {}>", AudioSource::name(&*self.port))
    }
}

/// The sound of a port, block by block, each sample once.
#[pyclass(frozen, name = "_AudioBlocks", module = "livekit_studio._native")]
pub(crate) struct PyAudioBlocks {
    port: Arc<AudioPort>,
    block: i64,
    next: Mutex<i64>,
    wake: Wake,
    lost: AtomicU64,
    closed: AtomicBool,
    born: Born,
}

impl PyAudioBlocks {
    /// The place of the next block if it can be read now, else how long to wait for it at most.
    fn ready(&self) -> Result<i64, Duration> {
        let mut next = self.next.lock();
        let time = now();
        let (now, newest) = (sample_at(time), self.port.newest(time));
        // a reader that slept goes on with the oldest that is still there
        let oldest = newest.max(now) - KEPT + i64::from(SAMPLE_RATE) / 10;
        if *next < oldest {
            self.lost.fetch_add((oldest - *next).unsigned_abs(), Ordering::Relaxed);
            *next = oldest;
        }
        let end = *next + self.block;
        if now >= end && (newest >= end || now >= end + PATIENCE) {
            return Ok(std::mem::replace(&mut *next, end));
        }
        let wait = Duration::from_secs_f64((end - now).max(0) as f64 / f64::from(SAMPLE_RATE));
        Err(if wait.is_zero() { LOOK } else { wait.min(LOOK) })
    }
}

#[pymethods]
impl PyAudioBlocks {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.born.check()?;
        while !self.closed.load(Ordering::Acquire) {
            match self.ready() {
                Ok(first) => return to_array(py, &read(py, &self.port, first, self.block)?).map(Some),
                Err(wait) => {
                    py.detach(|| self.wake.wait(wait));
                    py.check_signals()?;
                }
            }
        }
        Ok(None)
    }

    #[getter]
    fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.ring();
    }
}
