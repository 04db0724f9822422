// SPDX-License-Identifier: GPL-2.0-or-later
//! The ways to cameras on this system, in order of preference.

use super::{CameraInfo, CameraMode, CameraOptions};
use lk_media::{Frame, Result};
use std::path::PathBuf;
use std::time::Duration;

/// The ways there are. A camera that several lead to is opened by the first that can.
pub(super) static BACKENDS: &[&dyn Backend] = &[
    #[cfg(target_os = "linux")]
    &super::v4l2::V4l2,
    #[cfg(target_os = "linux")]
    &super::pipewire::PipeWire,
    #[cfg(windows)]
    &super::dshow::DirectShow,
];

/// A way to cameras. What it does may take long: it is called from threads that may wait.
pub(super) trait Backend: Sync {
    /// What messages call it ("V4L2").
    fn name(&self) -> &'static str;

    /// The cameras there are now, without starting any. An error of kind Device that says what to install or to start
    /// where there is no such way on this machine; no cameras are no error.
    fn cameras(&self) -> Result<Vec<Found>>;

    /// Starts a camera in the mode that `options` choose ([`choose`](super::mode::choose)). Called on the thread that
    /// reads the stream and drops it. Kinds of errors: DeviceBusy, DeviceNotFound or DeviceLost (it is gone again),
    /// Device (no permission), Format (no such mode).
    fn open(&self, camera: &Found, options: &CameraOptions) -> Result<Box<dyn Stream>>;

    /// Notices when cameras come and go.
    fn watch(&self) -> Box<dyn Watch>;
}

/// A camera as a way to it finds it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What people are told.
    pub info: CameraInfo,
    /// Its device node, if it has one: two ways to the same node are ways to the same camera.
    pub node: Option<PathBuf>,
    /// Where it is plugged in: another name by which it is known again.
    pub place: String,
}

/// What came of waiting for a picture.
pub(super) enum Taken {
    /// A picture with the time it was taken, on the live clock, and how many before it were lost on the way.
    Frame(Frame, u64),
    /// A picture that cannot be shown.
    Damaged,
    /// None came in time.
    Nothing,
}

/// Pictures of a camera that is running. Dropping it stops the camera.
pub(super) trait Stream {
    /// The mode it runs in.
    fn mode(&self) -> CameraMode;

    /// Waits for the next picture, at most `limit`. An error (DeviceLost) means that the camera is gone.
    fn next(&mut self, limit: Duration) -> Result<Taken>;
}

/// Notices changes.
pub(super) trait Watch {
    /// Whether cameras may have come or gone since this was asked last. Asked several times a second, it must cost next
    /// to nothing and not wait.
    fn changed(&mut self) -> bool;
}
