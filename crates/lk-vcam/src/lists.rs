// SPDX-License-Identifier: GPL-2.0-or-later
//! What can be delivered, as a list that DirectShow walks through.
#![allow(unsafe_code)] // arrays that COM hands about

use crate::media_type::Format;
use lk_io::dshow::{hand_out, skip};
use std::sync::atomic::{AtomicUsize, Ordering};
use windows::Win32::Foundation::E_POINTER;
use windows::Win32::Media::DirectShow::{IEnumMediaTypes, IEnumMediaTypes_Impl};
use windows::Win32::Media::MediaFoundation::AM_MEDIA_TYPE;
use windows_core::{HRESULT, Result, implement};

#[implement(IEnumMediaTypes)]
pub(crate) struct Types {
    formats: Vec<Format>,
    at: AtomicUsize,
}

impl Types {
    pub fn new(formats: Vec<Format>) -> Self {
        Self { formats, at: AtomicUsize::new(0) }
    }
}

impl IEnumMediaTypes_Impl for Types_Impl {
    fn Next(&self, wanted: u32, types: *mut *mut AM_MEDIA_TYPE, fetched: *mut u32) -> HRESULT {
        if types.is_null() {
            return E_POINTER;
        }
        // SAFETY: room for as many pointers as are wanted, by the contract of the method.
        unsafe {
            hand_out(&self.at, self.formats.len(), wanted, fetched, |place, index| {
                types.add(place).write(self.formats[index].told_at()?);
                Ok(())
            })
        }
    }

    fn Skip(&self, count: u32) -> Result<()> {
        skip(&self.at, self.formats.len(), count)
    }

    fn Reset(&self) -> Result<()> {
        self.at.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn Clone(&self) -> Result<IEnumMediaTypes> {
        let at = AtomicUsize::new(self.at.load(Ordering::Relaxed));
        Ok(Types { formats: self.formats.clone(), at }.into())
    }
}
