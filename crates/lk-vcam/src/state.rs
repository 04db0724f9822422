// SPDX-License-Identifier: GPL-2.0-or-later
//! What a filter, its pin and its thread share.
#![allow(unsafe_code)] // pointers to objects of COM cross threads

use crate::exports::Alive;
use crate::media_type::{Format, PIXELS};
use crate::stream::Streaming;
use lk_io::virtual_camera::host::CameraSettings;
use lk_media::Result;
use parking_lot::Mutex;
use std::sync::atomic::AtomicI64;
use windows::Win32::Media::DirectShow::{
    FILTER_STATE, IBaseFilter, IFilterGraph, IMemAllocator, IMemInputPin, IPin, State_Stopped,
};
use windows::Win32::Media::IReferenceClock;
use windows_core::Weak;

/// Objects of COM that are reached from several threads. DirectShow's are made for that: filters live in no apartment.
pub(crate) struct Shared<T>(pub T);

// SAFETY: see above: the interfaces of filters, pins, allocators and clocks may be called from any thread.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

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
    pub run: Mutex<FILTER_STATE>,
    /// Stream time zero, in units of 100 ns of the graph's clock.
    pub start: AtomicI64,
    pub clock: Mutex<Option<Shared<IReferenceClock>>>,
    /// The graph owns the filter, so the filter does not own the graph.
    pub graph: Mutex<(*mut std::ffi::c_void, String)>,
    pub filter: Mutex<Option<Shared<Weak<IBaseFilter>>>>,
    _alive: Alive,
}

// SAFETY: the one raw pointer, the graph, is only handed on as the object that it points to, which lives while it is
// there: DirectShow takes it back with JoinFilterGraph before the graph ends.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

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
            run: Mutex::new(State_Stopped),
            start: AtomicI64::new(0),
            clock: Mutex::default(),
            graph: Mutex::new((std::ptr::null_mut(), String::new())),
            filter: Mutex::default(),
            _alive: Alive::new(),
        })
    }

    /// What can be delivered, what was asked for first.
    pub fn formats(&self) -> Vec<Format> {
        let first = *self.format.lock();
        let others = PIXELS.into_iter().filter(|pixels| *pixels != first.pixels);
        std::iter::once(first).chain(others.map(|pixels| Format { pixels, ..first })).collect()
    }

    pub fn graph(&self) -> Option<IFilterGraph> {
        let (graph, _) = &*self.graph.lock();
        // SAFETY: null, or a graph that lives (see above); the clone has a count of its own.
        unsafe { windows_core::Interface::from_raw_borrowed(graph) }.cloned()
    }
}
