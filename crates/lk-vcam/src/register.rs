// SPDX-License-Identifier: GPL-2.0-or-later
//! What the registry says of the filter: its class and the library, and its entry among the cameras. For all users
//! where we may write that, else for this one, which needs no rights.
#![allow(unsafe_code)] // calls of the system

use crate::CLASS;
use lk_io::virtual_camera::host::CameraSettings;
use windows::Win32::Foundation::{E_FAIL, ERROR_FILE_NOT_FOUND, ERROR_SUCCESS, WIN32_ERROR};
use windows::Win32::Media::DirectShow::{
    IFilterMapper2, MERIT_DO_NOT_USE, REGFILTER2, REGFILTER2_0, REGFILTER2_0_0, REGFILTERPINS, REGPINTYPES,
};
use windows::Win32::Media::MediaFoundation::{
    CLSID_FilterMapper2, CLSID_VideoInputDeviceCategory, MEDIASUBTYPE_YUY2, MEDIATYPE_Video,
};
use windows::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, COINIT_APARTMENTTHREADED, CoCreateInstance, CoInitializeEx,
};
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW,
};
use windows::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, REG_SZ, RegDeleteTreeW, RegSetKeyValueW,
};
use windows_core::{BOOL, HSTRING, PCWSTR, PWSTR, w};

const CLASSES: &str = r"Software\Classes\CLSID";

fn class_key() -> String {
    format!(r"{CLASSES}\{{{CLASS:?}}}")
}

/// This library.
fn library() -> windows_core::Result<String> {
    let mut module = Default::default();
    let mut path = [0_u16; 1024];
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let here = library as fn() -> windows_core::Result<String>;
    // SAFETY: the address is that of a function of this library, which stays loaded while it runs.
    let len = unsafe {
        GetModuleHandleExW(flags, PCWSTR(here as *const u16), &raw mut module)?;
        GetModuleFileNameW(Some(module), &mut path)
    };
    Ok(String::from_utf16_lossy(&path[..len as usize]))
}

fn set(root: HKEY, key: &str, name: &str, value: &str) -> WIN32_ERROR {
    let (key, name, value) = (HSTRING::from(key), HSTRING::from(name), HSTRING::from(value));
    let bytes = (value.len() + 1) * 2;
    // SAFETY: texts that end in a zero and live through the call, and the length of the last with it.
    unsafe { RegSetKeyValueW(root, &key, &name, REG_SZ.0, Some(value.as_ptr().cast()), bytes as u32) }
}

/// The class: which library it is in.
fn write_class(root: HKEY, name: &str, library: &str) -> WIN32_ERROR {
    let (class, server) = (class_key(), format!(r"{}\InprocServer32", class_key()));
    let writes = [(&class, "", name), (&server, "", library), (&server, "ThreadingModel", "Both")];
    let failed = writes
        .into_iter()
        .map(|(key, value, text)| set(root, key, value, text))
        .find(|e| *e != ERROR_SUCCESS);
    failed.unwrap_or(ERROR_SUCCESS)
}

fn mapper() -> windows_core::Result<IFilterMapper2> {
    // SAFETY: COM is made ready for this thread first; that it was already is no error that matters.
    unsafe {
        let _ = CoInitializeEx(None, COINIT_APARTMENTTHREADED);
        CoCreateInstance(&CLSID_FilterMapper2, None, CLSCTX_INPROC_SERVER)
    }
}

pub(crate) fn register() -> windows_core::Result<()> {
    let name =
        CameraSettings::load().ok().flatten().map_or_else(|| "LiveKit".to_owned(), |settings| settings.name);
    let library = library()?;
    if write_class(HKEY_LOCAL_MACHINE, &name, &library) != ERROR_SUCCESS {
        write_class(HKEY_CURRENT_USER, &name, &library).ok()?;
    }
    if among_cameras(&name).is_err() {
        // the mapper writes for all users only; what it writes for cameras is these two values
        let entry = format!(r"{CLASSES}\{{{CLSID_VideoInputDeviceCategory:?}}}\Instance\{{{CLASS:?}}}");
        set(HKEY_CURRENT_USER, &entry, "FriendlyName", &name).ok()?;
        set(HKEY_CURRENT_USER, &entry, "CLSID", &format!("{{{CLASS:?}}}")).ok()?;
    }
    Ok(())
}

fn among_cameras(name: &str) -> windows_core::Result<()> {
    let kind = REGPINTYPES { clsMajorType: &MEDIATYPE_Video, clsMinorType: &MEDIASUBTYPE_YUY2 };
    let pin = REGFILTERPINS {
        strName: PWSTR(w!("Capture").0.cast_mut()),
        bOutput: BOOL::from(true),
        nMediaTypes: 1,
        lpMediaType: &raw const kind,
        ..REGFILTERPINS::default()
    };
    let about = REGFILTER2 {
        dwVersion: 1,
        dwMerit: MERIT_DO_NOT_USE.0 as u32,
        Anonymous: REGFILTER2_0 { Anonymous1: REGFILTER2_0_0 { cPins: 1, rgPins: &raw const pin } },
    };
    // SAFETY: everything that is pointed at lives through the call.
    unsafe {
        mapper()?.RegisterFilter(
            &CLASS,
            &HSTRING::from(name),
            None,
            &CLSID_VideoInputDeviceCategory,
            PCWSTR::null(),
            &raw const about,
        )
    }
}

pub(crate) fn unregister() -> windows_core::Result<()> {
    if let Ok(mapper) = mapper() {
        // SAFETY: numbers that live for ever, and no text. Where only the user's entry is there it finds nothing.
        let _ = unsafe { mapper.UnregisterFilter(&CLSID_VideoInputDeviceCategory, PCWSTR::null(), &CLASS) };
    }
    let entry = format!(r"{CLASSES}\{{{CLSID_VideoInputDeviceCategory:?}}}\Instance\{{{CLASS:?}}}");
    let keys =
        [(HKEY_LOCAL_MACHINE, class_key()), (HKEY_CURRENT_USER, class_key()), (HKEY_CURRENT_USER, entry)];
    let removed = keys.map(|(root, key)| {
        // SAFETY: a text that ends in a zero and lives through the call.
        unsafe { RegDeleteTreeW(root, &HSTRING::from(key)) }
    });
    // whoever may not write for all users has nothing there to take away
    match removed[1..].iter().all(|code| matches!(*code, ERROR_SUCCESS | ERROR_FILE_NOT_FOUND)) {
        true => Ok(()),
        false => Err(E_FAIL.into()),
    }
}
