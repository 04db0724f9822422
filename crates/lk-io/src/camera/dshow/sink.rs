// SPDX-License-Identifier: GPL-2.0-or-later
//! The filter at the end of a camera's graph: one pin, which takes pictures of one type.
#![allow(unsafe_code)] // structures that COM hands about

use super::kinds::{self, Kind};
use crate::dshow::{self, Part, Place, Shared, pin_id, tell_pin};
use parking_lot::Mutex;
use std::sync::Arc;
use windows::Win32::Foundation::{E_NOTIMPL, E_POINTER, E_UNEXPECTED, S_FALSE, S_OK};
use windows::Win32::Media::DirectShow::{
    ALLOCATOR_PROPERTIES, IBaseFilter, IEnumMediaTypes, IMediaSample, IMemAllocator, IMemInputPin,
    IMemInputPin_Impl, IPin, IPin_Impl, PIN_DIRECTION, PIN_INFO, PINDIR_INPUT, State_Stopped,
    VFW_E_ALREADY_CONNECTED, VFW_E_NO_ALLOCATOR, VFW_E_NOT_CONNECTED, VFW_E_TYPE_NOT_ACCEPTED,
    VFW_E_WRONG_STATE,
};
use windows::Win32::Media::MediaFoundation::AM_MEDIA_TYPE;
use windows_core::{BOOL, ComObject, GUID, HRESULT, OutRef, PWSTR, Ref, Result, implement};

/// What is done with the bytes of a picture. Called on a thread of the camera's.
pub(super) type Taker = Box<dyn Fn(&[u8]) + Send + Sync>;

/// The filter and its pin, to be put into a graph.
pub(super) struct Sink {
    pub filter: IBaseFilter,
    pub pin: IPin,
    state: Arc<State>,
}

struct State {
    take: Taker,
    kind: Shared<Kind>,
    other: Mutex<Option<Shared<IPin>>>,
    place: Place,
}

impl Part for State {
    const CLASS: GUID = GUID::from_u128(0x4c4b5643_616d_4c69_7665_4b697453696e);
    const PIN: &'static str = "Input";

    fn place(&self) -> &Place {
        &self.place
    }

    fn disconnect(&self) {
        self.other.lock().take();
    }
}

impl Sink {
    pub fn new(take: Taker, kind: Kind) -> Result<Self> {
        let state =
            Arc::new(State { take, kind: Shared(kind), other: Mutex::default(), place: Place::default() });
        let pin = ComObject::new(Input(state.clone())).into_interface::<IPin>();
        let filter = dshow::filter(state.clone(), pin.clone())?;
        Ok(Self { filter, pin, state })
    }

    /// What it takes.
    pub fn kind(&self) -> *const AM_MEDIA_TYPE {
        self.state.kind.0.as_ptr()
    }
}

#[implement(IPin, IMemInputPin)]
struct Input(Arc<State>);

impl Input_Impl {
    fn accepts(&self, kind: *const AM_MEDIA_TYPE) -> bool {
        // SAFETY: null or good, by the contract of the methods that hand it over; the other is ours.
        unsafe { kind.as_ref().is_some_and(|kind| kinds::is_same(kind, &*self.0.kind.0.as_ptr())) }
    }

    fn take(&self, sample: &IMediaSample) -> Result<()> {
        if self.0.place.state() == State_Stopped {
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
        *connected = Some(Shared(other.ok()?.clone()));
        Ok(())
    }

    fn Disconnect(&self) -> Result<()> {
        let before = self.0.other.lock().take();
        if before.is_some() { Ok(()) } else { Err(S_FALSE.into()) }
    }

    fn ConnectedTo(&self) -> Result<IPin> {
        self.0.other.lock().as_ref().map(|pin| pin.0.clone()).ok_or_else(|| VFW_E_NOT_CONNECTED.into())
    }

    fn ConnectionMediaType(&self, _kind: *mut AM_MEDIA_TYPE) -> Result<()> {
        // nobody is behind us who would ask
        Err(E_NOTIMPL.into())
    }

    fn QueryPinInfo(&self, info: *mut PIN_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        unsafe { tell_pin(&*self.0, PINDIR_INPUT, info) }
    }

    fn QueryDirection(&self) -> Result<PIN_DIRECTION> {
        Ok(PINDIR_INPUT)
    }

    fn QueryId(&self) -> Result<PWSTR> {
        pin_id::<State>()
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
