// SPDX-License-Identifier: GPL-2.0-or-later
//! The words every other crate speaks: frames, sound, time, sources, targets and ports.
//!
//! Start with [`Frame`] (an immutable picture), [`VideoSource`] (something frames can be read from),
//! [`VideoTarget`] (something they can be written to) and [`VideoPort`] (both). Nothing here opens a file
//! or a device, and only [`clock`] reads the real time.

pub mod audio;
pub mod audio_port;
pub mod clock;
pub mod color;
pub mod convert;
pub mod error;
pub mod event;
pub mod frame;
pub mod kernel;
pub mod lease;
pub mod part;
pub mod pixel;
pub mod pool;
pub mod port;
#[cfg(windows)]
mod qpc;
pub mod ramp;
pub mod source;
pub mod target;
pub mod thread;
pub mod time;
pub mod transport;
pub mod wake;

pub use audio::{AudioBlock, AudioRead, AudioSource, AudioTarget, CHANNELS, SAMPLE_RATE};
pub use audio_port::AudioPort;
pub use clock::{Clock, ManualClock};
pub use color::{ColorSpace, Matrix, Range, Siting};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventKind, EventReader, Events};
pub use frame::{Frame, FrameId, FrameMap, FrameMut, FrameSpec, HostMemory, HostMemoryMut, Plane, PlaneMut};
pub use lease::{ClockId, ClockLease, LeaseGuard, Origin};
pub use part::{FramePart, PlanePart, SharedFrameMut};
pub use pixel::{AlphaKind, PixelFormat, Size};
pub use pool::FramePool;
pub use port::VideoPort;
pub use ramp::{RAMP, Ramp};
pub use source::{Exactness, Sample, Sampling, SourceState, Still, VideoSource};
pub use target::{Delivery, Offered, TargetStatistics, VideoTarget, VideoWish};
pub use time::{DUE_TOLERANCE, FrameRate, Timestamp};
pub use transport::Transport;
pub use wake::{Cancel, Wake};
