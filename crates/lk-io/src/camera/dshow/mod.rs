// SPDX-License-Identifier: GPL-2.0-or-later
//! The cameras of Windows, by DirectShow: those that have drivers, and those that programs register.
#![allow(unsafe_code)] // calls of the system

mod kinds;
mod sink;
mod stream;

use super::backend::{Backend, Found, Stream, Watch};
use super::mode::modes;
use super::{CameraInfo, CameraOptions};
use crate::com::Com;
use lk_media::clock::Stopwatch;
use lk_media::{Error, ErrorKind, Result};
use std::time::Duration;
use windows::Win32::Foundation::{E_ACCESSDENIED, ERROR_BUSY, ERROR_NO_SYSTEM_RESOURCES};
use windows::Win32::Media::DirectShow::{IBaseFilter, ICreateDevEnum};
use windows::Win32::Media::MediaFoundation::{CLSID_SystemDeviceEnum, CLSID_VideoInputDeviceCategory};
use windows::Win32::System::Com::StructuredStorage::IPropertyBag;
use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance, CoTaskMemFree, IMoniker};
use windows::Win32::System::Variant::{VARIANT, VT_BSTR};
use windows::core::{HRESULT, PCWSTR, w};

/// What is registered as a camera.
pub(super) struct DirectShow;

const NAME: &str = "DirectShow";
/// How often it is looked for cameras that came or went.
const LOOK: Duration = Duration::from_secs(2);

/// What the system said of the camera called `name`.
fn failed(name: &str, error: &windows::core::Error) -> Error {
    let code = error.code();
    let made = |kind| Error::new(kind, format!("{name}: {} (0x{:08x})", error.message(), code.0));
    // what drivers answer when another program has the camera
    let is_busy = [ERROR_BUSY, ERROR_NO_SYSTEM_RESOURCES].iter().any(|e| HRESULT::from_win32(e.0) == code);
    if is_busy {
        made(ErrorKind::DeviceBusy).with_hint("close it in other programs; one at a time can have a camera")
    } else if code == E_ACCESSDENIED {
        made(ErrorKind::Device).with_hint("allow it in Settings, Privacy, Camera")
    } else {
        made(ErrorKind::DeviceLost).with_hint("plug it in again, at another socket if it keeps happening")
    }
}

/// What is registered as a camera, in the system's order.
fn monikers() -> Result<Vec<IMoniker>> {
    let fail = |e| failed("the list of cameras", &e).with_hint("DirectShow is not there");
    let mut all = None;
    // SAFETY: an object of the system's, which writes a list or none, if there is nothing to list.
    unsafe {
        let list: ICreateDevEnum =
            CoCreateInstance(&CLSID_SystemDeviceEnum, None, CLSCTX_INPROC_SERVER).map_err(fail)?;
        list.CreateClassEnumerator(&CLSID_VideoInputDeviceCategory, &raw mut all, 0).map_err(fail)?;
    }
    let Some(all) = all else { return Ok(Vec::new()) };
    let next = || {
        let mut one = [None];
        // SAFETY: room for one.
        let _ = unsafe { all.Next(&mut one, None) };
        one[0].take()
    };
    Ok(std::iter::from_fn(next).collect())
}

/// What a camera is known by: the same after a restart.
fn id_of(moniker: &IMoniker) -> Option<String> {
    // SAFETY: text that is made for us and given back.
    unsafe {
        let name = moniker.GetDisplayName(None, None).ok()?;
        let copy = name.to_string().ok();
        CoTaskMemFree(Some(name.0.cast_const().cast()));
        copy
    }
}

fn property(moniker: &IMoniker, name: PCWSTR) -> Option<String> {
    let mut value = VARIANT::default();
    // SAFETY: the value is looked at as what it says it is, and gives its text back itself.
    unsafe {
        let bag: IPropertyBag = moniker.BindToStorage(None, None).ok()?;
        bag.Read(name, &raw mut value, None).ok()?;
        let inner = &value.Anonymous.Anonymous;
        (inner.vt == VT_BSTR).then(|| inner.Anonymous.bstrVal.to_string())
    }
}

fn filter_of(moniker: &IMoniker) -> windows::core::Result<IBaseFilter> {
    // SAFETY: makes the object that the moniker names.
    unsafe { moniker.BindToObject(None, None) }
}

impl Backend for DirectShow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cameras(&self) -> Result<Vec<Found>> {
        let _com = Com::enter();
        let mut found = Vec::new();
        for moniker in monikers()? {
            let Some(id) = id_of(&moniker) else { continue };
            let name = property(&moniker, w!("FriendlyName")).unwrap_or_else(|| id.clone());
            // one that cannot be opened now is there all the same
            let offers = filter_of(&moniker).map(|filter| kinds::offers(&filter)).unwrap_or_default();
            let plain: Vec<_> = offers.into_iter().map(|(offer, _)| offer).collect();
            let address = property(&moniker, w!("DevicePath")).unwrap_or_else(|| id.clone());
            let info = CameraInfo { id: id.clone(), name, address, backend: NAME, modes: modes(&plain) };
            found.push(Found { info, node: None, place: id });
        }
        Ok(found)
    }

    fn open(&self, camera: &Found, options: &CameraOptions) -> Result<Box<dyn Stream>> {
        stream::open(camera, options).map(|stream| Box::new(stream) as _)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(Looking { known: ids(), since: Stopwatch::start() })
    }
}

fn ids() -> Vec<String> {
    let _com = Com::enter();
    let all = monikers().unwrap_or_default();
    all.iter().filter_map(id_of).collect()
}

struct Looking {
    known: Vec<String>,
    since: Stopwatch,
}

impl Watch for Looking {
    fn changed(&mut self) -> bool {
        if self.since.elapsed() < LOOK {
            return false;
        }
        self.since = Stopwatch::start();
        let now = ids();
        std::mem::replace(&mut self.known, now.clone()) != now
    }
}
