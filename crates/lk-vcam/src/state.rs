// SPDX-License-Identifier: GPL-2.0-or-later
//! What a filter, its pin and its thread share.

use crate::exports::Alive;
use crate::media_type::{Format, PIXELS};
use crate::stream::Streaming;
use lk_io::dshow::{Place, Shared};
use lk_io::virtual_camera::host::CameraSettings;
use lk_media::Result;
use parking_lot::Mutex;
use windows::Win32::Media::DirectShow::{IMemAllocator, IMemInputPin, IPin};

/// The pin at the other end, and where samples come from.
#[derive(Clone)]
pub(crate) struct Connected {
    pub pin: IPin,
    pub input: IMemInputPin,
    pub allocator: IMemAllocator,
    pub format: Format,
}

pub(crate) struct State {
    pub settings: CameraSettings,
    /// What is to be delivered from the next connection on.
    pub format: Mutex<Format>,
    pub connected: Mutex<Option<Shared<Connected>>>,
    pub streaming: Mutex<Option<Streaming>>,
    pub place: Place,
    _alive: Alive,
}

impl State {
    pub fn new() -> Result<Self> {
        // a program may list cameras while the settings are wrong: it then sees the usual one
        let settings = match CameraSettings::load() {
            Ok(Some(settings)) => settings,
            _ => CameraSettings::usual()?,
        };
        let format = Format { size: settings.size, rate: settings.fps, pixels: PIXELS[0] };
        Ok(Self {
            settings,
            format: Mutex::new(format),
            connected: Mutex::default(),
            streaming: Mutex::default(),
            place: Place::default(),
            _alive: Alive::new(),
        })
    }

    /// What can be delivered, what was asked for first.
    pub fn formats(&self) -> Vec<Format> {
        let first = *self.format.lock();
        let others = PIXELS.into_iter().filter(|pixels| *pixels != first.pixels);
        std::iter::once(first).chain(others.map(|pixels| Format { pixels, ..first })).collect()
    }
}
