// SPDX-License-Identifier: GPL-2.0-or-later
//! Lists that DirectShow walks through.
#![allow(unsafe_code)] // arrays that COM hands about

use std::sync::atomic::{AtomicUsize, Ordering};
use windows::Win32::Foundation::{E_POINTER, S_FALSE, S_OK};
use windows::Win32::Media::DirectShow::{IEnumPins, IEnumPins_Impl, IPin};
use windows_core::{HRESULT, Result, implement};

/// Hands out the next of `len` things, at most `wanted` of them, and counts on: `put` has the place and the index.
///
/// # Safety
/// `fetched` is null or a place for a number.
pub unsafe fn hand_out(
    at: &AtomicUsize,
    len: usize,
    wanted: u32,
    fetched: *mut u32,
    mut put: impl FnMut(usize, usize) -> Result<()>,
) -> HRESULT {
    let first = at.load(Ordering::Relaxed).min(len);
    let count = (wanted as usize).min(len - first);
    for index in 0..count {
        if let Err(error) = put(index, first + index) {
            return error.code();
        }
    }
    at.store(first + count, Ordering::Relaxed);
    if !fetched.is_null() {
        // SAFETY: a place for a number, as the caller says.
        unsafe { fetched.write(count as u32) };
    }
    if count == wanted as usize { S_OK } else { S_FALSE }
}

/// Leaves out the next `count` of `len` things.
pub fn skip(at: &AtomicUsize, len: usize, count: u32) -> Result<()> {
    let before = at.fetch_add(count as usize, Ordering::Relaxed);
    if before + count as usize <= len { Ok(()) } else { Err(S_FALSE.into()) }
}

/// The one pin of a filter, as a list.
#[implement(IEnumPins)]
pub(super) struct Pins {
    pin: IPin,
    at: AtomicUsize,
}

impl Pins {
    pub fn new(pin: IPin) -> Self {
        Self { pin, at: AtomicUsize::new(0) }
    }
}

impl IEnumPins_Impl for Pins_Impl {
    fn Next(&self, wanted: u32, pins: *mut Option<IPin>, fetched: *mut u32) -> HRESULT {
        if pins.is_null() {
            return E_POINTER;
        }
        // SAFETY: room for as many pins as are wanted, by the contract of the method; what is there is no object yet.
        unsafe {
            hand_out(&self.at, 1, wanted, fetched, |place, _| {
                pins.add(place).write(Some(self.pin.clone()));
                Ok(())
            })
        }
    }

    fn Skip(&self, count: u32) -> Result<()> {
        skip(&self.at, 1, count)
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
