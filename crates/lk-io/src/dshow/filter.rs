// SPDX-License-Identifier: GPL-2.0-or-later
//! A filter with one pin, in the states that its graph puts it into.
#![allow(unsafe_code)] // structures that COM hands about

use super::Shared;
use super::lists::Pins;
use parking_lot::Mutex;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use windows::Win32::Foundation::{E_NOTIMPL, E_POINTER};
use windows::Win32::Media::DirectShow::{
    FILTER_INFO, FILTER_STATE, IBaseFilter, IBaseFilter_Impl, IEnumPins, IFilterGraph, IMediaFilter_Impl,
    IPin, State_Paused, State_Running, State_Stopped, VFW_E_NOT_FOUND,
};
use windows::Win32::Media::IReferenceClock;
use windows::Win32::System::Com::IPersist_Impl;
use windows_core::{ComObject, GUID, Interface, PCWSTR, PWSTR, Ref, Result, Weak, implement};

/// What is particular to a filter.
pub trait Part: 'static {
    /// The filter's class.
    const CLASS: GUID;
    /// What its pin is called.
    const PIN: &'static str;

    /// What the graph has told it.
    fn place(&self) -> &Place;

    /// It is to be ready, or to run.
    fn pause(self: &Arc<Self>) -> Result<()> {
        Ok(())
    }

    /// It is to stop.
    fn stop(&self) {}

    /// The filter goes, and with it its connection.
    fn disconnect(&self);
}

/// Where a filter is: its graph and the graph's clock, and the state it was put into.
pub struct Place {
    run: Mutex<FILTER_STATE>,
    start: AtomicI64,
    clock: Mutex<Option<Shared<IReferenceClock>>>,
    /// The graph owns the filter, so the filter does not own the graph.
    graph: Mutex<(*mut std::ffi::c_void, String)>,
    filter: Mutex<Option<Shared<Weak<IBaseFilter>>>>,
}

// SAFETY: the one raw pointer, the graph, is only handed on as the object that it points to, which lives while it is
// there: DirectShow takes it back with JoinFilterGraph before the graph ends.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Default for Place {
    fn default() -> Self {
        Self {
            run: Mutex::new(State_Stopped),
            start: AtomicI64::new(0),
            clock: Mutex::default(),
            graph: Mutex::new((std::ptr::null_mut(), String::new())),
            filter: Mutex::default(),
        }
    }
}

impl Place {
    /// The state it was put into.
    pub fn state(&self) -> FILTER_STATE {
        *self.run.lock()
    }

    /// The time in the graph's stream, in units of 100 ns; None without a clock.
    pub fn stream_time(&self) -> Option<i64> {
        let clock = self.clock.lock().as_ref().map(|c| c.0.clone())?;
        // SAFETY: the graph's clock; asks for a number.
        let now = unsafe { clock.GetTime() }.ok()?;
        Some(now - self.start.load(Ordering::Acquire))
    }

    /// The filter itself, while it is there.
    pub fn filter(&self) -> Option<IBaseFilter> {
        self.filter.lock().as_ref().and_then(|weak| weak.0.upgrade())
    }

    fn graph(&self) -> Option<IFilterGraph> {
        let (graph, _) = &*self.graph.lock();
        // SAFETY: null, or a graph that lives (see above); the clone has a count of its own.
        unsafe { IFilterGraph::from_raw_borrowed(graph) }.cloned()
    }
}

/// Makes the filter of a part and its pin.
pub fn filter<P: Part>(part: Arc<P>, pin: IPin) -> Result<IBaseFilter> {
    let filter: IBaseFilter = ComObject::new(Filter { part: part.clone(), pin }).into_interface();
    *part.place().filter.lock() = Some(Shared(filter.downgrade()?));
    Ok(filter)
}

/// Copies text into room for it, cut where it is too long.
pub(super) fn write_name(room: &mut [u16; 128], name: &str) {
    room.fill(0);
    room.iter_mut().take(127).zip(name.encode_utf16()).for_each(|(to, unit)| *to = unit);
}

#[implement(IBaseFilter)]
struct Filter<P>
where
    P: Part,
{
    part: Arc<P>,
    pin: IPin,
}

impl<P: Part> Drop for Filter<P> {
    fn drop(&mut self) {
        self.part.stop();
        self.part.disconnect();
    }
}

impl<P: Part> IPersist_Impl for Filter_Impl<P> {
    fn GetClassID(&self) -> Result<GUID> {
        Ok(P::CLASS)
    }
}

impl<P: Part> IMediaFilter_Impl for Filter_Impl<P> {
    fn Stop(&self) -> Result<()> {
        *self.part.place().run.lock() = State_Stopped;
        self.part.stop();
        Ok(())
    }

    fn Pause(&self) -> Result<()> {
        *self.part.place().run.lock() = State_Paused;
        self.part.pause()
    }

    fn Run(&self, start: i64) -> Result<()> {
        let place = self.part.place();
        place.start.store(start, Ordering::Release);
        self.Pause()?;
        *place.run.lock() = State_Running;
        Ok(())
    }

    fn GetState(&self, _limit: u32) -> Result<FILTER_STATE> {
        Ok(self.part.place().state())
    }

    fn SetSyncSource(&self, clock: Ref<IReferenceClock>) -> Result<()> {
        *self.part.place().clock.lock() = clock.cloned().map(Shared);
        Ok(())
    }

    fn GetSyncSource(&self) -> Result<IReferenceClock> {
        // without one the answer is a null pointer and no error, which is how an empty error is told
        let clock = self.part.place().clock.lock();
        clock.as_ref().map(|c| c.0.clone()).ok_or_else(windows_core::Error::empty)
    }
}

impl<P: Part> IBaseFilter_Impl for Filter_Impl<P> {
    fn EnumPins(&self) -> Result<IEnumPins> {
        Ok(Pins::new(self.pin.clone()).into())
    }

    fn FindPin(&self, id: &PCWSTR) -> Result<IPin> {
        // SAFETY: null, or text that ends in a zero, by the contract of the method.
        let is_ours = !id.is_null() && unsafe { id.to_string() }.is_ok_and(|id| id == P::PIN);
        if is_ours { Ok(self.pin.clone()) } else { Err(VFW_E_NOT_FOUND.into()) }
    }

    fn QueryFilterInfo(&self, info: *mut FILTER_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        let Some(info) = (unsafe { info.as_mut() }) else { return Err(E_POINTER.into()) };
        let place = self.part.place();
        write_name(&mut info.achName, &place.graph.lock().1);
        info.pGraph = ManuallyDrop::new(place.graph());
        Ok(())
    }

    fn JoinFilterGraph(&self, graph: Ref<IFilterGraph>, name: &PCWSTR) -> Result<()> {
        let name = match name.is_null() {
            true => String::new(),
            // SAFETY: text that ends in a zero, by the contract of the method.
            false => unsafe { name.to_string() }.unwrap_or_default(),
        };
        let graph = graph.as_ref().map_or(std::ptr::null_mut(), Interface::as_raw);
        *self.part.place().graph.lock() = (graph, name);
        Ok(())
    }

    fn QueryVendorInfo(&self) -> Result<PWSTR> {
        Err(E_NOTIMPL.into())
    }
}
