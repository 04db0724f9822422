// SPDX-License-Identifier: GPL-2.0-or-later
//! What a pin says of itself, whichever way it goes.
#![allow(unsafe_code)] // structures that COM hands about

use super::filter::{Part, write_name};
use std::mem::ManuallyDrop;
use windows::Win32::Foundation::{E_OUTOFMEMORY, E_POINTER};
use windows::Win32::Media::DirectShow::{PIN_DIRECTION, PIN_INFO};
use windows::Win32::System::Com::CoTaskMemAlloc;
use windows_core::{PWSTR, Result};

/// Says which filter the pin of a part is of, its way and its name.
///
/// # Safety
/// `info` is null, or a place for the structure.
pub unsafe fn tell_pin<P: Part>(part: &P, way: PIN_DIRECTION, info: *mut PIN_INFO) -> Result<()> {
    // SAFETY: as the caller says.
    let Some(info) = (unsafe { info.as_mut() }) else { return Err(E_POINTER.into()) };
    info.pFilter = ManuallyDrop::new(part.place().filter());
    info.dir = way;
    write_name(&mut info.achName, P::PIN);
    Ok(())
}

/// What a graph finds the pin of a part by, in memory that whoever gets it gives back.
pub fn pin_id<P: Part>() -> Result<PWSTR> {
    let name: Vec<u16> = P::PIN.encode_utf16().chain([0]).collect();
    // SAFETY: memory of that size, or none.
    let place = unsafe { CoTaskMemAlloc(size_of_val(name.as_slice())) }.cast::<u16>();
    if place.is_null() {
        return Err(E_OUTOFMEMORY.into());
    }
    // SAFETY: just made, and large enough.
    unsafe { place.copy_from_nonoverlapping(name.as_ptr(), name.len()) };
    Ok(PWSTR(place))
}
