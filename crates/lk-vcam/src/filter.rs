// SPDX-License-Identifier: GPL-2.0-or-later
//! The filter: a pin, and a thread that delivers to it while the graph runs.

use crate::CLASS;
use crate::pin::Pin;
use crate::state::State;
use crate::stream::Streaming;
use lk_io::dshow::{self, Part, Place};
use std::sync::Arc;
use windows::Win32::Foundation::E_FAIL;
use windows::Win32::Media::DirectShow::{IBaseFilter, IPin};
use windows_core::{ComObject, Error, GUID, Result};

/// Makes one, as whoever asked for it wants it.
pub(crate) fn new() -> Result<IBaseFilter> {
    let state = Arc::new(State::new().map_err(|_| Error::from(E_FAIL))?);
    let pin = ComObject::new(Pin(state.clone())).into_interface::<IPin>();
    dshow::filter(state, pin)
}

impl Part for State {
    const CLASS: GUID = CLASS;
    const PIN: &'static str = "Capture";

    fn place(&self) -> &Place {
        &self.place
    }

    fn pause(self: &Arc<Self>) -> Result<()> {
        let connected = self.connected.lock().as_ref().map(|c| c.0.clone());
        let mut streaming = self.streaming.lock();
        if let (Some(connected), None) = (connected, &*streaming) {
            let started = Streaming::start(self, connected);
            *streaming = Some(started.map_err(|_| Error::from(E_FAIL))?);
        }
        Ok(())
    }

    fn stop(&self) {
        // no lock is held while its thread ends
        let streaming = self.streaming.lock().take();
        drop(streaming);
    }

    fn disconnect(&self) {
        self.connected.lock().take();
    }
}
