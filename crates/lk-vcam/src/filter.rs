// SPDX-License-Identifier: GPL-2.0-or-later
//! The filter: one pin, and states that the graph puts it into.
#![allow(unsafe_code)] // structures that COM hands about

use crate::CLASS;
use crate::lists::Pins;
use crate::pin::Pin;
use crate::state::{Shared, State};
use crate::stream::Streaming;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use windows::Win32::Foundation::{E_FAIL, E_NOTIMPL, E_POINTER};
use windows::Win32::Media::DirectShow::{
    FILTER_INFO, FILTER_STATE, IBaseFilter, IBaseFilter_Impl, IEnumPins, IFilterGraph, IMediaFilter_Impl,
    IPin, State_Paused, State_Running, State_Stopped, VFW_E_NOT_FOUND,
};
use windows::Win32::Media::IReferenceClock;
use windows::Win32::System::Com::IPersist_Impl;
use windows_core::{ComObject, GUID, Interface, PCWSTR, PWSTR, Ref, Result, implement};

/// Makes one, as whoever asked for it wants it.
pub(crate) fn new() -> Result<IBaseFilter> {
    let state = Arc::new(State::new().map_err(|_| windows_core::Error::from(E_FAIL))?);
    let pin = ComObject::new(Pin(state.clone())).into_interface::<IPin>();
    let filter: IBaseFilter = ComObject::new(Filter { state: state.clone(), pin }).into_interface();
    *state.filter.lock() = Some(Shared(filter.downgrade()?));
    Ok(filter)
}

#[implement(IBaseFilter)]
struct Filter {
    state: Arc<State>,
    pin: IPin,
}

impl Drop for Filter {
    fn drop(&mut self) {
        let streaming = self.state.streaming.lock().take();
        drop(streaming);
        self.state.connected.lock().take();
    }
}

/// Copies text into room for it, cut where it is too long.
pub(crate) fn write_name(room: &mut [u16; 128], name: &str) {
    room.fill(0);
    room.iter_mut().take(127).zip(name.encode_utf16()).for_each(|(to, unit)| *to = unit);
}

impl IPersist_Impl for Filter_Impl {
    fn GetClassID(&self) -> Result<GUID> {
        Ok(CLASS)
    }
}

impl IMediaFilter_Impl for Filter_Impl {
    fn Stop(&self) -> Result<()> {
        *self.state.run.lock() = State_Stopped;
        // no lock is held while its thread ends
        let streaming = self.state.streaming.lock().take();
        drop(streaming);
        Ok(())
    }

    fn Pause(&self) -> Result<()> {
        *self.state.run.lock() = State_Paused;
        let connected = self.state.connected.lock().as_ref().map(|c| c.0.clone());
        let mut streaming = self.state.streaming.lock();
        if let (Some(connected), None) = (connected, &*streaming) {
            *streaming = Some(
                Streaming::start(&self.state, connected).map_err(|_| windows_core::Error::from(E_FAIL))?,
            );
        }
        Ok(())
    }

    fn Run(&self, start: i64) -> Result<()> {
        self.state.start.store(start, Ordering::Release);
        self.Pause()?;
        *self.state.run.lock() = State_Running;
        Ok(())
    }

    fn GetState(&self, _limit: u32) -> Result<FILTER_STATE> {
        Ok(*self.state.run.lock())
    }

    fn SetSyncSource(&self, clock: Ref<IReferenceClock>) -> Result<()> {
        *self.state.clock.lock() = clock.cloned().map(Shared);
        Ok(())
    }

    fn GetSyncSource(&self) -> Result<IReferenceClock> {
        // without one the answer is a null pointer and no error, which is how an empty error is told
        self.state.clock.lock().as_ref().map(|c| c.0.clone()).ok_or_else(windows_core::Error::empty)
    }
}

impl IBaseFilter_Impl for Filter_Impl {
    fn EnumPins(&self) -> Result<IEnumPins> {
        Ok(Pins::new(self.pin.clone()).into())
    }

    fn FindPin(&self, id: &PCWSTR) -> Result<IPin> {
        // SAFETY: null, or text that ends in a zero, by the contract of the method.
        let is_ours = !id.is_null() && unsafe { id.to_string() }.is_ok_and(|id| id == crate::pin::NAME);
        if is_ours { Ok(self.pin.clone()) } else { Err(VFW_E_NOT_FOUND.into()) }
    }

    fn QueryFilterInfo(&self, info: *mut FILTER_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        let Some(info) = (unsafe { info.as_mut() }) else { return Err(E_POINTER.into()) };
        write_name(&mut info.achName, &self.state.graph.lock().1);
        info.pGraph = ManuallyDrop::new(self.state.graph());
        Ok(())
    }

    fn JoinFilterGraph(&self, graph: Ref<IFilterGraph>, name: &PCWSTR) -> Result<()> {
        // SAFETY: null, or text that ends in a zero, by the contract of the method.
        let name =
            if name.is_null() { String::new() } else { unsafe { name.to_string() }.unwrap_or_default() };
        let graph = graph.as_ref().map_or(std::ptr::null_mut(), Interface::as_raw);
        *self.state.graph.lock() = (graph, name);
        Ok(())
    }

    fn QueryVendorInfo(&self) -> Result<PWSTR> {
        Err(E_NOTIMPL.into())
    }
}
