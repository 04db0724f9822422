// SPDX-License-Identifier: GPL-2.0-or-later
//! Streams to speakers and from microphones: 48 kHz stereo float, as everything here.
#![allow(unsafe_code)] // calls of the system

use super::{devices, failed};
use crate::audio_device::backend::{Giver, Hearing, Playing, Taker, Wanted};
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, Clock, Error, ErrorKind, Result, SAMPLE_RATE};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::Arc;
use std::time::Duration;
use windows::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows::Win32::Media::Audio::{
    AUDCLNT_SHAREMODE_SHARED, AUDCLNT_STREAMFLAGS_AUTOCONVERTPCM, AUDCLNT_STREAMFLAGS_EVENTCALLBACK,
    AUDCLNT_STREAMFLAGS_LOOPBACK, AUDCLNT_STREAMFLAGS_SRC_DEFAULT_QUALITY, EDataFlow, IAudioCaptureClient,
    IAudioClient, IAudioRenderClient, WAVEFORMATEX, eCapture, eRender,
};
use windows::Win32::System::Com::CLSCTX_ALL;
use windows::Win32::System::Threading::{CreateEventW, WaitForSingleObject};

const FRAME: usize = CHANNELS * size_of::<f32>();
const WAVE_FORMAT_IEEE_FLOAT: u16 = 3;
/// A packet that nobody has written to.
const SILENT: u32 = 2;
/// The longest wait.
const LOOK: Duration = Duration::from_millis(50);
/// A device that does nothing for so long is lost.
const PATIENCE: Duration = Duration::from_secs(3);

fn duration(frames: i64) -> Duration {
    Duration::from_nanos(frames.max(0).unsigned_abs() * 1_000_000_000 / u64::from(SAMPLE_RATE))
}

/// What both kinds of streams have.
struct Stream {
    client: IAudioClient,
    event: OwnedHandle,
    running: bool,
    idle: Stopwatch,
    name: String,
}

impl Stream {
    fn open(wanted: &Wanted, flow: EDataFlow, buffer: Duration) -> Result<Self> {
        let name = format!("sound device {}", wanted.device.as_deref().unwrap_or("(default)"));
        let fail = |e: windows::core::Error| failed(&name, &e);
        let (device, is_monitor) = devices::find(wanted.device.as_deref(), flow)?;
        let format = WAVEFORMATEX {
            wFormatTag: WAVE_FORMAT_IEEE_FLOAT,
            nChannels: CHANNELS as u16,
            nSamplesPerSec: SAMPLE_RATE,
            nAvgBytesPerSec: SAMPLE_RATE * FRAME as u32,
            nBlockAlign: FRAME as u16,
            wBitsPerSample: 32,
            cbSize: 0,
        };
        let convert = AUDCLNT_STREAMFLAGS_AUTOCONVERTPCM | AUDCLNT_STREAMFLAGS_SRC_DEFAULT_QUALITY;
        let flags = AUDCLNT_STREAMFLAGS_EVENTCALLBACK
            | convert
            | if is_monitor { AUDCLNT_STREAMFLAGS_LOOPBACK } else { 0 };
        let units = i64::try_from(buffer.as_nanos() / 100).unwrap_or(i64::MAX);
        // SAFETY: the format lives through the call; the event is ours and outlives the client.
        let (client, event) = unsafe {
            let client: IAudioClient = device.Activate(CLSCTX_ALL, None).map_err(fail)?;
            client
                .Initialize(AUDCLNT_SHAREMODE_SHARED, flags, units, 0, &raw const format, None)
                .map_err(fail)?;
            let event = CreateEventW(None, false, false, None).map_err(fail)?;
            client.SetEventHandle(event).map_err(fail)?;
            (client, OwnedHandle::from_raw_handle(event.0))
        };
        Ok(Self { client, event, running: false, idle: Stopwatch::start(), name })
    }

    fn fail(&self, error: &windows::core::Error) -> Error {
        failed(&self.name, error)
    }

    fn start(&mut self) -> Result<()> {
        if !self.running {
            // SAFETY: a client that was initialised.
            unsafe { self.client.Start() }.map_err(|e| self.fail(&e))?;
            self.running = true;
        }
        Ok(())
    }

    /// Waits a moment for the device; an error if it has done nothing for long.
    fn wait(&mut self) -> Result<()> {
        // SAFETY: an event of ours.
        let woken =
            unsafe { WaitForSingleObject(HANDLE(self.event.as_raw_handle()), LOOK.as_millis() as u32) };
        if woken == WAIT_OBJECT_0 {
            self.idle = Stopwatch::start();
        } else if self.idle.elapsed() > PATIENCE {
            return Err(Error::new(ErrorKind::DeviceLost, format!("{} does nothing any more", self.name)));
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.running {
            // SAFETY: a client that was started.
            let _ = unsafe { self.client.Stop() };
        }
    }
}

/// A stream to a speaker.
pub(super) struct Playback {
    giver: Box<dyn Giver>,
    stream: Stream,
    render: IAudioRenderClient,
    clock: Arc<dyn Clock>,
    given: i64,
    /// Frames kept in the device's buffer, and how far behind that the sound is heard.
    target: i64,
    behind: i64,
    was_empty: bool,
}

impl Playback {
    pub(super) fn open(wanted: &Wanted, giver: Box<dyn Giver>) -> Result<Self> {
        let stream = Stream::open(wanted, eRender, wanted.buffer * 2)?;
        // SAFETY: a client that was initialised.
        let (render, buffer, latency) = unsafe {
            let render: IAudioRenderClient = stream.client.GetService().map_err(|e| stream.fail(&e))?;
            let buffer = stream.client.GetBufferSize().map_err(|e| stream.fail(&e))?;
            (render, i64::from(buffer), stream.client.GetStreamLatency().unwrap_or(0))
        };
        let wanted = (wanted.buffer.as_micros() as i64 * i64::from(SAMPLE_RATE)) / 1_000_000;
        Ok(Self {
            giver,
            stream,
            render,
            clock: <dyn Clock>::live(),
            given: 0,
            target: wanted.clamp(480, buffer.max(480)),
            behind: latency * i64::from(SAMPLE_RATE) / 10_000_000,
            was_empty: false,
        })
    }
}

impl Playing for Playback {
    fn step(&mut self) -> Result<()> {
        if self.stream.running {
            self.stream.wait()?;
        }
        // SAFETY: a client that was initialised.
        let padding = unsafe { self.stream.client.GetCurrentPadding() }.map_err(|e| self.stream.fail(&e))?;
        let (now, queued) = (self.clock.now(), i64::from(padding));
        if self.stream.running && queued == 0 && !std::mem::replace(&mut self.was_empty, queued == 0) {
            self.giver.underrun();
        }
        self.was_empty = queued == 0;
        let frames = (self.target - queued).max(0);
        if frames > 0 {
            self.giver.wanted(self.given + frames, now, duration(self.target + self.behind));
            // SAFETY: room for as many frames as were asked for, which are given back below; frames are floats, and the
            // service aligns them.
            unsafe {
                let memory = self.render.GetBuffer(frames as u32).map_err(|e| self.stream.fail(&e))?;
                let out = std::slice::from_raw_parts_mut(memory.cast::<f32>(), frames as usize * CHANNELS);
                self.giver.give(out);
                self.render.ReleaseBuffer(frames as u32, 0).map_err(|e| self.stream.fail(&e))?;
            }
            self.given += frames;
        }
        self.stream.start()
    }
}

/// A stream from a microphone, or of what a speaker plays.
pub(super) struct Capture {
    taker: Box<dyn Taker>,
    stream: Stream,
    capture: IAudioCaptureClient,
    clock: Arc<dyn Clock>,
    silence: Vec<u8>,
}

impl Capture {
    pub(super) fn open(wanted: &Wanted, taker: Box<dyn Taker>) -> Result<Self> {
        let stream = Stream::open(wanted, eCapture, wanted.buffer.max(Duration::from_millis(100)))?;
        // SAFETY: a client that was initialised.
        let capture = unsafe { stream.client.GetService() }.map_err(|e| stream.fail(&e))?;
        Ok(Self { taker, stream, capture, clock: <dyn Clock>::live(), silence: Vec::new() })
    }
}

impl Hearing for Capture {
    fn step(&mut self) -> Result<()> {
        self.stream.start()?;
        self.stream.wait()?;
        loop {
            let (mut memory, mut frames, mut flags, mut heard) = (std::ptr::null_mut(), 0, 0, 0);
            // SAFETY: the answers go to variables of ours.
            let got = unsafe {
                self.capture.GetBuffer(
                    &raw mut memory,
                    &raw mut frames,
                    &raw mut flags,
                    None,
                    Some(&raw mut heard),
                )
            };
            got.map_err(|e| self.stream.fail(&e))?;
            if frames == 0 {
                return Ok(());
            }
            let len = frames as usize * FRAME;
            let now = self.clock.now();
            // the counter's time, in units of 100 ns, is that of the packet's first frame
            let first = i64::try_from(heard).unwrap_or(0).saturating_mul(100);
            let last = first + duration(i64::from(frames)).as_nanos() as i64;
            let age =
                (first > 0).then(|| Duration::from_nanos((now.as_nanos() - last).max(0).unsigned_abs()));
            if flags & SILENT != 0 || memory.is_null() {
                self.silence.resize(len, 0);
                self.taker.take(&self.silence[..len], now, age);
            } else {
                // SAFETY: as many frames as the packet has, until it is given back.
                self.taker.take(unsafe { std::slice::from_raw_parts(memory, len) }, now, age);
            }
            // SAFETY: gives back what was got.
            unsafe { self.capture.ReleaseBuffer(frames) }.map_err(|e| self.stream.fail(&e))?;
        }
    }
}
