// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound devices: what they hear, what they play, and devices of our own that other programs see.
//!
//! The session clock is the only master. Each device in use has a thread of its own that speaks with the sound
//! server, or with the device itself where there is none (`backend`); a line (`pace`) says which place of the session belongs to which frame of its stream, and sound is
//! resampled along it (`interpolate`): `taking` from a device, `giving` to one. Between that thread and all others
//! lies a ring of samples by their places (`place_ring`), so that it neither waits nor allocates.

#[cfg(target_os = "linux")]
mod alsa;
mod backend;
mod choice;
mod feeding;
mod giving;
mod interpolate;
mod link;
mod list;
mod microphone;
#[cfg(not(unix))]
mod no_modules;
mod pace;
#[cfg(target_os = "linux")]
mod pipewire;
mod place_ring;
#[cfg(unix)]
mod pulse;
mod repeater;
mod speaker;
mod taking;
mod virtual_device;
#[cfg(windows)]
mod wasapi;

pub use choice::DeviceChoice;
pub use feeding::Timing;
pub use list::{AudioDeviceWatch, microphones, sound_server, speakers};
pub use microphone::Microphone;
pub use repeater::{AudioRepeater, RepeaterEnd};
pub use speaker::Speaker;
pub use virtual_device::{VirtualMicrophone, VirtualSpeaker};

use serde::Serialize;
use std::sync::atomic::Ordering;

/// A sound device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AudioDevice {
    /// What the system calls it: the same after a restart.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its channels. Sound is stereo here, whatever it has.
    pub channels: u32,
    /// Its samples a second. Sound is at 48 kHz here, whatever it has.
    pub rate: u32,
    /// Whether it hears what a speaker plays.
    pub is_monitor: bool,
    /// Whether it is the one the user has chosen for everything.
    pub is_default: bool,
}

/// Counts of a device in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DeviceStatistics {
    /// Samples that a speaker wanted and that were not there in time.
    pub late_samples: u64,
    /// Times that the sound server or the device had nothing to play for a moment.
    pub underruns: u64,
    /// Times that sound was cut or stretched because the device had lost more than could be caught up with.
    pub jumps: u64,
    /// How far its clock is from ours, in millionths; positive if it is slow.
    pub drift_ppm: f64,
}

impl DeviceStatistics {
    fn of(told: &taking::Told, late_samples: u64, underruns: u64) -> Self {
        let drift_ppm = told.drift.load(Ordering::Relaxed) as f64 / 1e3;
        Self { late_samples, underruns, jumps: told.jumps.load(Ordering::Relaxed), drift_ppm }
    }
}
