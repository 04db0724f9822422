// SPDX-License-Identifier: GPL-2.0-or-later
//! The thread that delivers pictures while the graph runs: each new one once, no faster than the camera's rate; the
//! last one again when none has come for a while, and a standby picture while nobody writes.
#![allow(unsafe_code)] // calls of COM

use crate::media_type::Format;
use crate::state::{Connected, State};
use lk_io::dshow::Shared;
use lk_io::ipc::{IpcFolder, IpcSource};
use lk_io::virtual_camera::host::{centred, standby};
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{Cancel, Clock, Frame, PixelFormat, Result, SourceState, Timestamp, VideoSource, Wake};
use std::sync::Arc;
use std::time::Duration;
use windows::Win32::Media::DirectShow::{IMediaSample, State_Running};

/// How often an end is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long the last picture of a writer stays that has gone.
const STAYS: Duration = Duration::from_secs(1);

/// A connection that is being delivered to. Dropping it ends that.
pub(crate) struct Streaming {
    cancel: Cancel,
    wake: Wake,
    connected: Shared<Connected>,
    thread: Option<Thread>,
}

impl Streaming {
    pub fn start(state: &Arc<State>, connected: Connected) -> Result<Self> {
        // SAFETY: the allocator of this connection, made ready before.
        if let Err(e) = unsafe { connected.allocator.Commit() } {
            return Err(lk_media::Error::internal("no memory for samples").with_source(e));
        }
        let (cancel, wake) = (Cancel::new(), Wake::new());
        let run = Run {
            state: Arc::downgrade(state),
            connected: connected.clone(),
            cancel: cancel.clone(),
            wake: wake.clone(),
            count: 0,
        };
        let run = Shared(run);
        let thread = thread::spawn("lk-vcam", move || {
            let run = run;
            let Shared(mut run) = run;
            if let Err(e) = run.serve() {
                tracing::debug!("the camera ends: {e}");
            }
        })?;
        Ok(Self { cancel, wake, connected: Shared(connected), thread: Some(thread) })
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.wake.ring();
        // SAFETY: whoever waits for a sample gets an error instead.
        let _ = unsafe { self.connected.0.allocator.Decommit() };
        drop(self.thread.take());
    }
}

struct Run {
    state: std::sync::Weak<State>,
    connected: Connected,
    cancel: Cancel,
    wake: Wake,
    count: i64,
}

fn after(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_nanos(now.nanos_since(then).max(0).unsigned_abs())
}

impl Run {
    fn serve(&mut self) -> Result<()> {
        let Some(state) = self.state.upgrade() else { return Ok(()) };
        let (settings, format) = (state.settings.clone(), self.connected.format);
        drop(state);
        let clock = <dyn Clock>::live();
        let period = Duration::from_nanos(format.period().unsigned_abs() * 100);
        // a picture may come a little early and is shown at once; after one and a half periods the last is repeated
        let (early, patience) = (period * 3 / 4, period * 3 / 2);
        let source = IpcSource::open(&settings.mapping_name, &IpcFolder::default())?;
        let waiting = centred(&standby(settings.size, &settings.mapping_name)?, format.size, format.pixels)?;
        let (mut seq, mut shown, mut last) = (0, waiting.clone(), clock.now());
        let mut gone = Deadline::after(Duration::ZERO);
        let mut held: Option<Frame> = None;
        thread::ask_for_priority();
        while !self.cancel.is_cancelled() {
            if !self.is_running() {
                self.cancel.wait(&self.wake, Deadline::after(LOOK));
                continue;
            }
            let passed = after(clock.now(), last);
            let limit = if held.is_some() { early } else { patience };
            let left = limit.saturating_sub(passed).min(LOOK);
            if let Some((at, frame)) = source.next(seq, Deadline::after(left)) {
                seq = at + 1;
                held = Some(frame);
                gone = Deadline::after(STAYS);
            } else if matches!(source.state(), SourceState::Live | SourceState::Stalled) {
                gone = Deadline::after(STAYS);
            }
            let passed = after(clock.now(), last);
            if held.is_some() && passed >= early {
                if let Some(frame) = held.take() {
                    shown = centred(&frame, format.size, format.pixels)?;
                }
            } else if passed < patience {
                continue;
            } else if gone.has_passed() {
                shown = waiting.clone();
            }
            last = clock.now();
            if !self.deliver(&shown, format) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.state.upgrade().is_some_and(|state| state.place.state() == State_Running)
    }

    /// Hands a picture on; false when nobody takes any more.
    fn deliver(&mut self, picture: &Frame, format: Format) -> bool {
        let mut sample: Option<IMediaSample> = None;
        // SAFETY: waits for a sample of this connection's allocator; an end of the connection ends the wait.
        let got = unsafe { self.connected.allocator.GetBuffer(&raw mut sample, None, None, 0) };
        let (Ok(()), Some(sample)) = (got, sample) else { return false };
        // SAFETY: the sample is ours until it is handed on; its memory is as long as it says.
        let bytes = unsafe {
            let Ok(memory) = sample.GetPointer() else { return false };
            std::slice::from_raw_parts_mut(memory, usize::try_from(sample.GetSize()).unwrap_or(0))
        };
        let (stride, map) = (format.stride(), picture.map_native());
        if bytes.len() < format.len() {
            return false;
        }
        let rows = format.size.height as usize;
        for y in 0..rows {
            let row = map.plane(0).row(y);
            // pictures of RGB lie upside down
            let place = if format.pixels == PixelFormat::Bgr { rows - 1 - y } else { y };
            let len = row.len().min(stride);
            bytes[place * stride..place * stride + len].copy_from_slice(&row[..len]);
        }
        let (start, end) = self.times(format);
        // SAFETY: as above; the numbers live through the calls.
        let taken = unsafe {
            let _ = sample.SetActualDataLength(format.len() as i32);
            let _ = sample.SetSyncPoint(true);
            let _ = sample.SetDiscontinuity(self.count == 0);
            let _ = sample.SetTime(Some(&raw const start), Some(&raw const end));
            let _ = sample.SetMediaTime(Some(&self.count), Some(&(self.count + 1)));
            self.connected.input.Receive(&sample)
        };
        self.count += 1;
        taken.is_ok()
    }

    /// When the picture is of, in stream time: now.
    fn times(&self, format: Format) -> (i64, i64) {
        let now = self.state.upgrade().and_then(|state| state.place.stream_time());
        let start = now.unwrap_or(self.count * format.period()).max(0);
        (start, start + format.period())
    }
}
