// SPDX-License-Identifier: GPL-2.0-or-later
//! The filter at the end of a camera's graph: one pin, which takes pictures of one type.
#![allow(unsafe_code)] // structures that COM hands about

use super::kinds::{self, Kind};
use parking_lot::Mutex;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use windows::Win32::Foundation::{E_NOTIMPL, E_POINTER, E_UNEXPECTED, S_FALSE, S_OK};
use windows::Win32::Media::DirectShow::{
    ALLOCATOR_PROPERTIES, FILTER_INFO, FILTER_STATE, IBaseFilter, IBaseFilter_Impl, IEnumMediaTypes,
    IEnumPins, IEnumPins_Impl, IFilterGraph, IMediaFilter_Impl, IMediaSample, IMemAllocator, IMemInputPin,
    IMemInputPin_Impl, IPin, IPin_Impl, PIN_DIRECTION, PIN_INFO, PINDIR_INPUT, State_Paused, State_Running,
    State_Stopped, VFW_E_ALREADY_CONNECTED, VFW_E_NO_ALLOCATOR, VFW_E_NOT_CONNECTED, VFW_E_NOT_FOUND,
    VFW_E_TYPE_NOT_ACCEPTED, VFW_E_WRONG_STATE,
};
use windows::Win32::Media::IReferenceClock;
use windows::Win32::Media::MediaFoundation::AM_MEDIA_TYPE;
use windows::Win32::System::Com::IPersist_Impl;
use windows_core::{
    BOOL, ComObject, GUID, HRESULT, Interface, OutRef, PCWSTR, PWSTR, Ref, Result, Weak, implement,
};

/// What is done with the bytes of a picture. Called on a thread of the camera's.
pub(super) type Taker = Box<dyn Fn(&[u8]) + Send + Sync>;

const CLASS: GUID = GUID::from_u128(0x4c4b5643_616d_4c69_7665_4b697453696e);

/// The filter and its pin, to be put into a graph.
pub(super) struct Sink {
    pub filter: IBaseFilter,
    pub pin: IPin,
    state: Arc<State>,
}

struct State {
    take: Taker,
    kind: Kind,
    run: Mutex<FILTER_STATE>,
    other: Mutex<Option<IPin>>,
    clock: Mutex<Option<IReferenceClock>>,
    /// The graph owns the filter, so the filter does not own the graph.
    graph: AtomicPtr<std::ffi::c_void>,
    filter: Mutex<Option<Weak<IBaseFilter>>>,
}

impl Sink {
    pub fn new(take: Taker, kind: Kind) -> Result<Self> {
        let state = Arc::new(State {
            take,
            kind,
            run: Mutex::new(State_Stopped),
            other: Mutex::default(),
            clock: Mutex::default(),
            graph: AtomicPtr::default(),
            filter: Mutex::default(),
        });
        let pin = ComObject::new(Input(state.clone())).into_interface::<IPin>();
        let filter: IBaseFilter =
            ComObject::new(Filter { state: state.clone(), pin: pin.clone() }).into_interface();
        *state.filter.lock() = Some(filter.downgrade()?);
        Ok(Self { filter, pin, state })
    }

    /// What it takes.
    pub fn kind(&self) -> *const AM_MEDIA_TYPE {
        self.state.kind.as_ptr()
    }
}

#[implement(IBaseFilter)]
struct Filter {
    state: Arc<State>,
    pin: IPin,
}

impl IPersist_Impl for Filter_Impl {
    fn GetClassID(&self) -> Result<GUID> {
        Ok(CLASS)
    }
}

impl IMediaFilter_Impl for Filter_Impl {
    fn Stop(&self) -> Result<()> {
        *self.state.run.lock() = State_Stopped;
        Ok(())
    }

    fn Pause(&self) -> Result<()> {
        *self.state.run.lock() = State_Paused;
        Ok(())
    }

    fn Run(&self, _start: i64) -> Result<()> {
        *self.state.run.lock() = State_Running;
        Ok(())
    }

    fn GetState(&self, _limit: u32) -> Result<FILTER_STATE> {
        Ok(*self.state.run.lock())
    }

    fn SetSyncSource(&self, clock: Ref<IReferenceClock>) -> Result<()> {
        *self.state.clock.lock() = clock.cloned();
        Ok(())
    }

    fn GetSyncSource(&self) -> Result<IReferenceClock> {
        self.state.clock.lock().clone().ok_or_else(windows_core::Error::empty)
    }
}

impl IBaseFilter_Impl for Filter_Impl {
    fn EnumPins(&self) -> Result<IEnumPins> {
        Ok(Pins { pin: self.pin.clone(), at: AtomicUsize::new(0) }.into())
    }

    fn FindPin(&self, _id: &PCWSTR) -> Result<IPin> {
        Err(VFW_E_NOT_FOUND.into())
    }

    fn QueryFilterInfo(&self, info: *mut FILTER_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        let Some(info) = (unsafe { info.as_mut() }) else { return Err(E_POINTER.into()) };
        info.achName.fill(0);
        let graph = self.state.graph.load(Ordering::Acquire);
        // SAFETY: null, or a graph that lives: it takes itself back before it ends. The clone has a count of its own.
        info.pGraph = ManuallyDrop::new(unsafe { IFilterGraph::from_raw_borrowed(&graph) }.cloned());
        Ok(())
    }

    fn JoinFilterGraph(&self, graph: Ref<IFilterGraph>, _name: &PCWSTR) -> Result<()> {
        let graph = graph.as_ref().map_or(std::ptr::null_mut(), Interface::as_raw);
        self.state.graph.store(graph, Ordering::Release);
        Ok(())
    }

    fn QueryVendorInfo(&self) -> Result<PWSTR> {
        Err(E_NOTIMPL.into())
    }
}

/// The one pin, as a list.
#[implement(IEnumPins)]
struct Pins {
    pin: IPin,
    at: AtomicUsize,
}

impl IEnumPins_Impl for Pins_Impl {
    fn Next(&self, wanted: u32, pins: *mut Option<IPin>, fetched: *mut u32) -> HRESULT {
        if pins.is_null() {
            return E_POINTER;
        }
        let is_left = wanted > 0 && self.at.swap(1, Ordering::Relaxed) == 0;
        // SAFETY: room for as many pins as are wanted, and for a number or none, by the contract of the method.
        unsafe {
            if is_left {
                pins.write(Some(self.pin.clone()));
            }
            if !fetched.is_null() {
                fetched.write(u32::from(is_left));
            }
        }
        if is_left && wanted == 1 { S_OK } else { S_FALSE }
    }

    fn Skip(&self, count: u32) -> Result<()> {
        let before = self.at.fetch_max(count.min(1) as usize, Ordering::Relaxed);
        if before + count as usize <= 1 { Ok(()) } else { Err(S_FALSE.into()) }
    }

    fn Reset(&self) -> Result<()> {
        self.at.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn Clone(&self) -> Result<IEnumPins> {
        let at = AtomicUsize::new(self.at.load(Ordering::Relaxed));
        Ok(Pins { pin: self.pin.clone(), at }.into())
    }
}

#[implement(IPin, IMemInputPin)]
struct Input(Arc<State>);

impl Input_Impl {
    fn accepts(&self, kind: *const AM_MEDIA_TYPE) -> bool {
        // SAFETY: null or good, by the contract of the methods that hand it over; the other is ours.
        unsafe { kind.as_ref().is_some_and(|kind| kinds::is_same(kind, &*self.0.kind.as_ptr())) }
    }

    fn take(&self, sample: &IMediaSample) -> Result<()> {
        if *self.0.run.lock() == State_Stopped {
            return Err(VFW_E_WRONG_STATE.into());
        }
        // SAFETY: the sample is there until we return, and its memory is as long as it says.
        let bytes = unsafe {
            let memory = sample.GetPointer()?;
            let len = sample.GetActualDataLength().min(sample.GetSize());
            if memory.is_null() {
                return Err(E_POINTER.into());
            }
            std::slice::from_raw_parts(memory.cast_const(), usize::try_from(len).unwrap_or(0))
        };
        (self.0.take)(bytes);
        Ok(())
    }
}

impl IPin_Impl for Input_Impl {
    fn Connect(&self, _other: Ref<IPin>, _kind: *const AM_MEDIA_TYPE) -> Result<()> {
        // it is an input
        Err(E_UNEXPECTED.into())
    }

    fn ReceiveConnection(&self, other: Ref<IPin>, kind: *const AM_MEDIA_TYPE) -> Result<()> {
        let mut connected = self.0.other.lock();
        if connected.is_some() {
            return Err(VFW_E_ALREADY_CONNECTED.into());
        }
        if !self.accepts(kind) {
            return Err(VFW_E_TYPE_NOT_ACCEPTED.into());
        }
        *connected = Some(other.ok()?.clone());
        Ok(())
    }

    fn Disconnect(&self) -> Result<()> {
        let before = self.0.other.lock().take();
        if before.is_some() { Ok(()) } else { Err(S_FALSE.into()) }
    }

    fn ConnectedTo(&self) -> Result<IPin> {
        self.0.other.lock().clone().ok_or_else(|| VFW_E_NOT_CONNECTED.into())
    }

    fn ConnectionMediaType(&self, _kind: *mut AM_MEDIA_TYPE) -> Result<()> {
        // nobody is behind us who would ask
        Err(E_NOTIMPL.into())
    }

    fn QueryPinInfo(&self, info: *mut PIN_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        let Some(info) = (unsafe { info.as_mut() }) else { return Err(E_POINTER.into()) };
        let filter = self.0.filter.lock().as_ref().and_then(Weak::upgrade);
        info.pFilter = ManuallyDrop::new(filter);
        info.dir = PINDIR_INPUT;
        info.achName.fill(0);
        Ok(())
    }

    fn QueryDirection(&self) -> Result<PIN_DIRECTION> {
        Ok(PINDIR_INPUT)
    }

    fn QueryId(&self) -> Result<PWSTR> {
        Err(E_NOTIMPL.into())
    }

    fn QueryAccept(&self, kind: *const AM_MEDIA_TYPE) -> HRESULT {
        if self.accepts(kind) { S_OK } else { S_FALSE }
    }

    fn EnumMediaTypes(&self) -> Result<IEnumMediaTypes> {
        Err(E_NOTIMPL.into())
    }

    fn QueryInternalConnections(&self, _pins: OutRef<IPin>, _count: *mut u32) -> Result<()> {
        Err(E_NOTIMPL.into())
    }

    fn EndOfStream(&self) -> Result<()> {
        Ok(())
    }

    fn BeginFlush(&self) -> Result<()> {
        Ok(())
    }

    fn EndFlush(&self) -> Result<()> {
        Ok(())
    }

    fn NewSegment(&self, _start: i64, _stop: i64, _rate: f64) -> Result<()> {
        Ok(())
    }
}

impl IMemInputPin_Impl for Input_Impl {
    fn GetAllocator(&self) -> Result<IMemAllocator> {
        // the camera has its own, or takes the system's
        Err(VFW_E_NO_ALLOCATOR.into())
    }

    fn NotifyAllocator(&self, _allocator: Ref<IMemAllocator>, _read_only: BOOL) -> Result<()> {
        Ok(())
    }

    fn GetAllocatorRequirements(&self) -> Result<ALLOCATOR_PROPERTIES> {
        Err(E_NOTIMPL.into())
    }

    fn Receive(&self, sample: Ref<IMediaSample>) -> Result<()> {
        self.take(sample.ok()?)
    }

    fn ReceiveMultiple(&self, samples: *const Option<IMediaSample>, count: i32) -> Result<i32> {
        let many = usize::try_from(count).unwrap_or(0);
        if samples.is_null() {
            return Err(E_POINTER.into());
        }
        // SAFETY: as many as are said to be there, by the contract of the method.
        let samples = unsafe { std::slice::from_raw_parts(samples, many) };
        samples.iter().flatten().try_for_each(|sample| self.take(sample))?;
        Ok(count)
    }

    fn ReceiveCanBlock(&self) -> Result<()> {
        // it does not
        Err(S_FALSE.into())
    }
}
