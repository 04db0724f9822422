// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera as a target.

use super::output::{self, CameraDevice, Wanted};
use super::running::Shared;
use crate::ipc::IpcFit;
use lk_media::thread::{self, Process, Thread};
use lk_media::{
    Clock, Delivery, Error, ErrorKind, Events, Frame, FrameRate, Offered, PixelFormat, Result, Size,
    SourceState, TargetStatistics, Timestamp, VideoTarget, VideoWish, Wake,
};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Formats that a camera's pictures may have, those that most programs take first.
const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Yuy2,
    PixelFormat::I420,
    PixelFormat::Nv12,
    PixelFormat::Rgb,
    PixelFormat::Bgr,
    PixelFormat::Bgra,
];

/// What a camera is besides its size and rate.
#[derive(Clone, Debug)]
pub struct VirtualCameraOptions {
    /// What people choose it by, where it can be named: a device of the kernel's has its name already.
    pub name: String,
    /// Where other programs find it.
    pub device: CameraDevice,
    /// The format of its pictures, if it can be had. Programs that show cameras all take YUYV; not all take others.
    pub format: Option<PixelFormat>,
    /// How pictures of another size are scaled.
    pub fit: IpcFit,
}

impl Default for VirtualCameraOptions {
    fn default() -> Self {
        let name = "LiveKit".to_owned();
        Self { name, device: CameraDevice::Any, format: None, fit: IpcFit::Contain }
    }
}

/// Counts of a camera since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VirtualCameraStatistics {
    /// Pictures that went out.
    pub frames: u64,
    /// Times that the last one went out again because no new one had come.
    pub repeated: u64,
    /// Pictures that did not go out: a newer one came first, or there was no way out at the time.
    pub dropped: u64,
    /// Periods that nothing went out in because this program did not come to it.
    pub missed: u64,
}

/// A camera that shows what it is given. Pictures of any size and format are converted once, on the camera's own
/// thread. One goes out in each period of its rate: a new one as soon as it comes, of several the newest, and the last
/// one again when none has come; black before the first.
///
/// A way out that is lost (PipeWire is restarted, a module is unloaded) is looked for until it is back. The camera is
/// gone once this is dropped or closed, or its process has ended in whatever way.
pub struct VirtualCamera {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    process: Process,
    size: Size,
}

impl VirtualCamera {
    /// Opens a camera whose pictures have `size`, `rate` of them a second. An error if there is no way out, or none
    /// that is free, or the one that is named is no output.
    pub fn open(size: Size, rate: FrameRate, options: &VirtualCameraOptions) -> Result<Self> {
        Size::checked(size.width, size.height)?;
        let preferred = options.format.into_iter();
        let formats: Vec<PixelFormat> =
            preferred.clone().chain(FORMATS.into_iter().filter(|f| Some(*f) != options.format)).collect();
        // all that is common shares chroma across pixel pairs
        preferred.chain([PixelFormat::Yuy2]).try_for_each(|format| format.check_even(size))?;
        if options.name.trim().is_empty() || options.name.chars().any(char::is_control) {
            return Err(Error::parameter("a camera needs a name without control characters")
                .with_hint("for example \"LiveKit\""));
        }
        let wanted = Wanted { name: options.name.clone(), size, rate, formats };
        let output = output::open(&options.device, &wanted)?;
        // one that was found stays the one
        let device = match &options.device {
            CameraDevice::Any | CameraDevice::Loopback if output.backend() == "v4l2loopback" => {
                CameraDevice::Named(output.device().to_owned())
            }
            CameraDevice::Any => CameraDevice::PipeWire,
            device => device.clone(),
        };
        let shared = Arc::new(Shared::new(&wanted, options.fit, &*output));
        let running = shared.clone();
        let again = move || output::open(&device, &wanted);
        let thread = thread::spawn("lk-camera-out", move || running.run(output, again))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), process: Process::here(), size })
    }

    /// The size it was opened with.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Pictures a second.
    pub fn rate(&self) -> FrameRate {
        self.shared.rate
    }

    /// What programs find it by: "/dev/video10", or its name in PipeWire.
    pub fn device(&self) -> String {
        self.shared.about.lock().device.clone()
    }

    /// "v4l2loopback" or "pipewire".
    pub fn backend(&self) -> &'static str {
        self.shared.about.lock().backend
    }

    /// The format of the pictures that go out.
    pub fn format(&self) -> PixelFormat {
        self.shared.about.lock().spec.format
    }

    /// Where it stands: starting until the first picture, live, reconnecting while the way out is lost, ended.
    pub fn state(&self) -> SourceState {
        self.shared.state.lock().clone()
    }

    /// Changes of state.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The counts so far.
    pub fn counts(&self) -> VirtualCameraStatistics {
        let counts = &self.shared.counts;
        let [frames, repeated, dropped, missed] =
            [&counts.frames, &counts.repeated, &counts.dropped, &counts.missed]
                .map(|c| c.load(Ordering::Relaxed));
        VirtualCameraStatistics { frames, repeated, dropped, missed }
    }

    /// Shows a picture now. Closed once it was closed.
    pub fn send(&self, frame: &Frame) -> Result<()> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, format!("{} was closed", self.name()))
                .with_hint("open another camera"));
        }
        let now = <dyn Clock>::live().now();
        self.shared.sending.lock().sent(now);
        self.offer(&frame.at(now), Delivery::Live).map(drop)
    }

    /// Pictures sent by [`VirtualCamera::send`].
    pub fn sent(&self) -> u64 {
        self.shared.sending.lock().count()
    }

    /// How many of them come a second at present; the camera's rate before there are two.
    pub fn sent_rate(&self) -> f64 {
        self.shared.sending.lock().rate()
    }

    /// How long to wait until the next picture is to be sent; the one after that is due a period later, however long
    /// the wait took.
    pub fn until_next(&self) -> Duration {
        self.shared.sending.lock().until_next(<dyn Clock>::live().now())
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.cancel.is_cancelled()
    }

    /// Takes the camera away from those who look at it. Nothing in a forked child, which has none.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.shared.cancel.cancel();
        self.shared.wake.ring();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for VirtualCamera {
    fn drop(&mut self) {
        self.close();
    }
}

impl VideoTarget for VirtualCamera {
    fn name(&self) -> String {
        format!("the virtual camera {}", self.device())
    }

    fn wish(&self) -> VideoWish {
        let spec = self.shared.about.lock().spec;
        VideoWish { format: Some(spec.format), color: Some(spec.color), size: Some(spec.size) }
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        if self.is_closed() {
            return Ok(Offered::Dropped);
        }
        let mut queue = self.shared.queue.lock();
        let crowded = match delivery {
            // an offline run plays at the camera's rate, whatever times it counts
            Delivery::Lossless if !queue.is_empty() => return Ok(Offered::Busy),
            Delivery::Lossless => queue.push(frame.at(<dyn Clock>::live().now())),
            Delivery::Live => queue.push(frame.clone()),
        };
        drop(queue);
        self.shared.counts.dropped.fetch_add(u64::from(crowded), Ordering::Relaxed);
        self.shared.wake.ring();
        Ok(Offered::Taken)
    }

    fn retract(&self, from: Timestamp) {
        self.shared.queue.lock().retract(from);
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.shared.taken.add(wake);
    }

    fn statistics(&self) -> TargetStatistics {
        let counts = self.counts();
        TargetStatistics { frames: counts.frames, dropped: counts.dropped }
    }
}
