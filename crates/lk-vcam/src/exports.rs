// SPDX-License-Identifier: GPL-2.0-or-later
//! What COM and regsvr32 call.
#![allow(unsafe_code)] // the ABI of COM

use crate::{CLASS, filter, register};
use std::ffi::c_void;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use windows::Win32::Foundation::{
    CLASS_E_CLASSNOTAVAILABLE, CLASS_E_NOAGGREGATION, E_FAIL, E_POINTER, S_FALSE, S_OK,
};
use windows::Win32::System::Com::{IClassFactory, IClassFactory_Impl};
use windows_core::{BOOL, GUID, HRESULT, IUnknown, Interface, Ref, implement};

/// Filters and locks that are alive: the library stays loaded for as long.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts something that keeps the library loaded.
pub(crate) struct Alive;

impl Alive {
    pub fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Release);
    }
}

#[implement(IClassFactory)]
struct Factory;

impl IClassFactory_Impl for Factory_Impl {
    fn CreateInstance(
        &self,
        outer: Ref<IUnknown>,
        id: *const GUID,
        object: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        if id.is_null() || object.is_null() {
            return Err(E_POINTER.into());
        }
        if !outer.is_null() {
            return Err(CLASS_E_NOAGGREGATION.into());
        }
        let made = catch_unwind(filter::new).map_err(|_| windows_core::Error::from(E_FAIL))??;
        // SAFETY: both pointers were just checked, and the caller's promise is that they are good.
        unsafe { made.query(id, object).ok() }
    }

    fn LockServer(&self, lock: BOOL) -> windows_core::Result<()> {
        if lock.as_bool() {
            std::mem::forget(Alive::new());
        } else {
            drop(Alive);
        }
        Ok(())
    }
}

/// # Safety
/// As COM calls it: two readable numbers and a place for a pointer.
#[unsafe(no_mangle)]
unsafe extern "system" fn DllGetClassObject(
    class: *const GUID,
    id: *const GUID,
    object: *mut *mut c_void,
) -> HRESULT {
    if class.is_null() || id.is_null() || object.is_null() {
        return E_POINTER;
    }
    // SAFETY: checked above; the caller's promise is that they are good.
    unsafe {
        *object = std::ptr::null_mut();
        if *class != CLASS {
            return CLASS_E_CLASSNOTAVAILABLE;
        }
        IClassFactory::from(Factory).query(id, object)
    }
}

#[unsafe(no_mangle)]
extern "system" fn DllCanUnloadNow() -> HRESULT {
    if ALIVE.load(Ordering::Acquire) == 0 { S_OK } else { S_FALSE }
}

#[unsafe(no_mangle)]
extern "system" fn DllRegisterServer() -> HRESULT {
    code(catch_unwind(register::register))
}

#[unsafe(no_mangle)]
extern "system" fn DllUnregisterServer() -> HRESULT {
    code(catch_unwind(register::unregister))
}

fn code(done: std::thread::Result<windows_core::Result<()>>) -> HRESULT {
    match done {
        Ok(Ok(())) => S_OK,
        Ok(Err(error)) => error.code(),
        Err(_) => E_FAIL,
    }
}
