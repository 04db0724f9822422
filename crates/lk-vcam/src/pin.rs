// SPDX-License-Identifier: GPL-2.0-or-later
//! The pin: what it can deliver, and its connection.
#![allow(unsafe_code)] // structures that COM hands about

use crate::lists::Types;
use crate::media_type::{Format, given};
use crate::state::{Connected, State};
use lk_io::dshow::{Shared, pin_id, tell_pin};
use std::ffi::c_void;
use std::sync::Arc;
use windows::Win32::Foundation::{E_INVALIDARG, E_NOTIMPL, E_POINTER, E_UNEXPECTED, S_FALSE, S_OK, SIZE};
use windows::Win32::Media::DirectShow::{
    ALLOCATOR_PROPERTIES, AMPROPERTY_PIN_CATEGORY, IAMStreamConfig, IAMStreamConfig_Impl, IEnumMediaTypes,
    IMemAllocator, IMemInputPin, IPin, IPin_Impl, PIN_DIRECTION, PIN_INFO, PINDIR_OUTPUT, State_Stopped,
    VFW_E_ALREADY_CONNECTED, VFW_E_INVALIDMEDIATYPE, VFW_E_NO_ACCEPTABLE_TYPES, VFW_E_NOT_CONNECTED,
    VFW_E_NOT_STOPPED, VIDEO_STREAM_CONFIG_CAPS,
};
use windows::Win32::Media::KernelStreaming::{IKsPropertySet, IKsPropertySet_Impl};
use windows::Win32::Media::MediaFoundation::{
    AM_MEDIA_TYPE, AMPROPSETID_Pin, CLSID_MemoryAllocator, FORMAT_VideoInfo, PIN_CATEGORY_CAPTURE,
};
use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance};
use windows_core::{GUID, HRESULT, IUnknownImpl, Interface, OutRef, PWSTR, Ref, Result, implement};

/// Samples on their way at a time.
const SAMPLES: i32 = 4;
const E_PROP_SET_UNSUPPORTED: HRESULT = HRESULT(0x80070492_u32 as i32);
const E_PROP_ID_UNSUPPORTED: HRESULT = HRESULT(0x80070490_u32 as i32);
const KSPROPERTY_SUPPORT_GET: u32 = 1;

#[implement(IPin, IAMStreamConfig, IKsPropertySet)]
pub(crate) struct Pin(pub Arc<State>);

impl Pin_Impl {
    /// The first of what can be delivered that the other side takes.
    fn negotiate(&self, other: &IPin, asked: Option<&AM_MEDIA_TYPE>) -> Result<Format> {
        let this: IPin = self.to_object().to_interface();
        let mut refused = VFW_E_NO_ACCEPTABLE_TYPES;
        for format in self.0.formats() {
            if asked.is_some_and(|asked| !format.fits(asked)) {
                continue;
            }
            let format = asked.map_or(format, |asked| format.at_rate_of(asked));
            let told = Told(format.told()?);
            // SAFETY: both sides are pins of a graph that is stopped, and the type lives through the call.
            match unsafe { other.ReceiveConnection(&this, &raw const told.0) } {
                Ok(()) => return Ok(format),
                Err(error) => refused = error.code(),
            }
        }
        Err(refused.into())
    }

    /// Samples of the other side's making, else of the system's.
    fn allocate(&self, input: &IMemInputPin, format: Format) -> Result<IMemAllocator> {
        let request = |of: &IMemAllocator| {
            // SAFETY: asks the other side, which answers or does not.
            let wanted = unsafe { input.GetAllocatorRequirements() }.unwrap_or_default();
            let properties = ALLOCATOR_PROPERTIES {
                cBuffers: wanted.cBuffers.clamp(SAMPLES, 64),
                cbBuffer: i32::try_from(format.len()).map_err(|_| E_UNEXPECTED)?,
                cbAlign: wanted.cbAlign.max(1),
                cbPrefix: wanted.cbPrefix.max(0),
            };
            // SAFETY: the structure lives through the call.
            let actual = unsafe { of.SetProperties(&raw const properties) }?;
            if actual.cbBuffer < properties.cbBuffer {
                return Err(windows_core::Error::from(E_UNEXPECTED));
            }
            // SAFETY: the allocator is ready.
            unsafe { input.NotifyAllocator(of, false) }
        };
        // SAFETY: as above.
        if let Ok(theirs) = unsafe { input.GetAllocator() }
            && request(&theirs).is_ok()
        {
            return Ok(theirs);
        }
        // SAFETY: an object of the system's, in this process.
        let ours: IMemAllocator =
            unsafe { CoCreateInstance(&CLSID_MemoryAllocator, None, CLSCTX_INPROC_SERVER) }?;
        request(&ours)?;
        Ok(ours)
    }
}

/// A type that is given back at the end.
struct Told(AM_MEDIA_TYPE);

impl Drop for Told {
    fn drop(&mut self) {
        // SAFETY: made by `Format::told`, and nobody else gives it back.
        unsafe { windows::Win32::System::Com::CoTaskMemFree(Some(self.0.pbFormat.cast())) };
    }
}

impl IPin_Impl for Pin_Impl {
    fn Connect(&self, other: Ref<IPin>, asked: *const AM_MEDIA_TYPE) -> Result<()> {
        let other = other.ok()?;
        if self.0.place.state() != State_Stopped {
            return Err(VFW_E_NOT_STOPPED.into());
        }
        if self.0.connected.lock().is_some() {
            return Err(VFW_E_ALREADY_CONNECTED.into());
        }
        // SAFETY: null or good, by the contract of the method.
        let asked = unsafe { asked.as_ref() };
        let format = self.negotiate(other, asked)?;
        let input: IMemInputPin = other.cast()?;
        match self.allocate(&input, format) {
            Ok(allocator) => {
                *self.0.connected.lock() =
                    Some(Shared(Connected { pin: other.clone(), input, allocator, format }));
                Ok(())
            }
            Err(error) => {
                // SAFETY: the other side has just been connected.
                let _ = unsafe { other.Disconnect() };
                Err(error)
            }
        }
    }

    fn ReceiveConnection(&self, _other: Ref<IPin>, _kind: *const AM_MEDIA_TYPE) -> Result<()> {
        // it is an output
        Err(E_UNEXPECTED.into())
    }

    fn Disconnect(&self) -> Result<()> {
        if self.0.place.state() != State_Stopped {
            return Err(VFW_E_NOT_STOPPED.into());
        }
        let before = self.0.connected.lock().take();
        if before.is_some() { Ok(()) } else { Err(S_FALSE.into()) }
    }

    fn ConnectedTo(&self) -> Result<IPin> {
        self.0.connected.lock().as_ref().map(|c| c.0.pin.clone()).ok_or_else(|| VFW_E_NOT_CONNECTED.into())
    }

    fn ConnectionMediaType(&self, kind: *mut AM_MEDIA_TYPE) -> Result<()> {
        if kind.is_null() {
            return Err(E_POINTER.into());
        }
        let format = self.0.connected.lock().as_ref().map(|c| c.0.format);
        let told = format.ok_or(VFW_E_NOT_CONNECTED)?.told()?;
        // SAFETY: a place for the structure, by the contract of the method.
        unsafe { kind.write(told) };
        Ok(())
    }

    fn QueryPinInfo(&self, info: *mut PIN_INFO) -> Result<()> {
        // SAFETY: null, or a place for the structure, by the contract of the method.
        unsafe { tell_pin(&*self.0, PINDIR_OUTPUT, info) }
    }

    fn QueryDirection(&self) -> Result<PIN_DIRECTION> {
        Ok(PINDIR_OUTPUT)
    }

    fn QueryId(&self) -> Result<PWSTR> {
        pin_id::<State>()
    }

    fn QueryAccept(&self, kind: *const AM_MEDIA_TYPE) -> HRESULT {
        // SAFETY: null or good, by the contract of the method.
        let accepted = unsafe { given(kind) }.is_ok_and(|kind| self.0.formats().iter().any(|f| f.fits(kind)));
        if accepted { S_OK } else { S_FALSE }
    }

    fn EnumMediaTypes(&self) -> Result<IEnumMediaTypes> {
        Ok(Types::new(self.0.formats()).into())
    }

    fn QueryInternalConnections(&self, _pins: OutRef<IPin>, _count: *mut u32) -> Result<()> {
        Err(E_NOTIMPL.into())
    }

    fn EndOfStream(&self) -> Result<()> {
        Err(E_UNEXPECTED.into())
    }

    fn BeginFlush(&self) -> Result<()> {
        Err(E_UNEXPECTED.into())
    }

    fn EndFlush(&self) -> Result<()> {
        Err(E_UNEXPECTED.into())
    }

    fn NewSegment(&self, _start: i64, _stop: i64, _rate: f64) -> Result<()> {
        Ok(())
    }
}

impl IAMStreamConfig_Impl for Pin_Impl {
    fn SetFormat(&self, kind: *const AM_MEDIA_TYPE) -> Result<()> {
        if self.0.connected.lock().is_some() {
            return Err(VFW_E_ALREADY_CONNECTED.into());
        }
        // SAFETY: null or good, by the contract of the method.
        let kind = unsafe { given(kind) }?;
        let found = self.0.formats().into_iter().find(|format| format.fits(kind));
        *self.0.format.lock() = found.ok_or(VFW_E_INVALIDMEDIATYPE)?.at_rate_of(kind);
        Ok(())
    }

    fn GetFormat(&self) -> Result<*mut AM_MEDIA_TYPE> {
        let connected = self.0.connected.lock().as_ref().map(|c| c.0.format);
        connected.unwrap_or(*self.0.format.lock()).told_at()
    }

    fn GetNumberOfCapabilities(&self, count: *mut i32, size: *mut i32) -> Result<()> {
        if count.is_null() || size.is_null() {
            return Err(E_POINTER.into());
        }
        // SAFETY: places for numbers, by the contract of the method.
        unsafe {
            count.write(self.0.formats().len() as i32);
            size.write(size_of::<VIDEO_STREAM_CONFIG_CAPS>() as i32);
        }
        Ok(())
    }

    fn GetStreamCaps(&self, index: i32, kind: *mut *mut AM_MEDIA_TYPE, caps: *mut u8) -> Result<()> {
        if kind.is_null() || caps.is_null() {
            return Err(E_POINTER.into());
        }
        let formats = self.0.formats();
        let found = usize::try_from(index).map_err(|_| windows_core::Error::from(E_INVALIDARG))?;
        let Some(format) = formats.get(found) else { return Err(S_FALSE.into()) };
        let size = SIZE { cx: format.size.width as i32, cy: format.size.height as i32 };
        let bits = format.len() as i64 * 8 * 10_000_000 / format.period().max(1);
        let about = VIDEO_STREAM_CONFIG_CAPS {
            guid: FORMAT_VideoInfo,
            InputSize: size,
            MinCroppingSize: size,
            MaxCroppingSize: size,
            CropGranularityX: 1,
            CropGranularityY: 1,
            MinOutputSize: size,
            MaxOutputSize: size,
            OutputGranularityX: 1,
            OutputGranularityY: 1,
            MinFrameInterval: format.period(),
            MaxFrameInterval: format.period(),
            MinBitsPerSecond: i32::try_from(bits).unwrap_or(i32::MAX),
            MaxBitsPerSecond: i32::try_from(bits).unwrap_or(i32::MAX),
            ..VIDEO_STREAM_CONFIG_CAPS::default()
        };
        // SAFETY: places for a pointer and for the structure, by the contract of the method.
        unsafe {
            kind.write(format.told_at()?);
            caps.cast::<VIDEO_STREAM_CONFIG_CAPS>().write_unaligned(about);
        }
        Ok(())
    }
}

impl IKsPropertySet_Impl for Pin_Impl {
    fn Set(&self, _: *const GUID, _: u32, _: *const c_void, _: u32, _: *const c_void, _: u32) -> Result<()> {
        Err(E_NOTIMPL.into())
    }

    /// One question is answered: what kind of pin it is.
    fn Get(
        &self,
        set: *const GUID,
        property: u32,
        _: *const c_void,
        _: u32,
        data: *mut c_void,
        len: u32,
        returned: *mut u32,
    ) -> Result<()> {
        self.QuerySupported(set, property)?;
        if data.is_null() && returned.is_null() {
            return Err(E_POINTER.into());
        }
        // SAFETY: each null or a place of the size that is said, by the contract of the method.
        unsafe {
            if !returned.is_null() {
                returned.write(size_of::<GUID>() as u32);
            }
            if !data.is_null() {
                if (len as usize) < size_of::<GUID>() {
                    return Err(E_UNEXPECTED.into());
                }
                data.cast::<GUID>().write_unaligned(PIN_CATEGORY_CAPTURE);
            }
        }
        Ok(())
    }

    fn QuerySupported(&self, set: *const GUID, property: u32) -> Result<u32> {
        // SAFETY: null or good, by the contract of the method.
        match unsafe { set.as_ref() } {
            Some(set) if *set != AMPROPSETID_Pin => Err(E_PROP_SET_UNSUPPORTED.into()),
            Some(_) if property != AMPROPERTY_PIN_CATEGORY.0 as u32 => Err(E_PROP_ID_UNSUPPORTED.into()),
            Some(_) => Ok(KSPROPERTY_SUPPORT_GET),
            None => Err(E_POINTER.into()),
        }
    }
}
