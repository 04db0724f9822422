// SPDX-License-Identifier: GPL-2.0-or-later
//! The settings in the registry, where the camera's filter reads them: HKEY_CURRENT_USER\Software\LiveKitVCam\Video.
#![allow(unsafe_code)] // calls of the system

use super::settings::{CAMERA_MAPPING, CameraSettings, Written};
use lk_media::{Error, ErrorKind, Result};
use std::io;
use std::path::PathBuf;
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS, WIN32_ERROR};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CLASSES_ROOT, HKEY_CURRENT_USER, REG_DWORD, REG_SZ, RRF_RT_REG_DWORD, RRF_RT_REG_SZ,
    RegDeleteTreeW, RegGetValueW, RegSetKeyValueW,
};

const KEY: &str = r"Software\LiveKitVCam\Video";

pub(super) fn path() -> Result<PathBuf> {
    Ok(PathBuf::from(format!(r"HKEY_CURRENT_USER\{KEY}")))
}

/// Programs that set this up before had three values; what is missing is the usual.
pub(super) fn load() -> Result<Option<Written>> {
    let number = |name| number(KEY, name);
    let (Some(width), Some(height)) = (number("width")?, number("height")?) else { return Ok(None) };
    let text =
        |name, usual: &str| Ok(text(HKEY_CURRENT_USER, KEY, name)?.unwrap_or_else(|| usual.to_owned()));
    Ok(Some(Written {
        mapping_name: text("mapping_name", CAMERA_MAPPING)?,
        name: text("name", "LiveKit")?,
        width,
        height,
        fps: text("fps", "30")?,
        device: String::new(),
    }))
}

pub(super) fn save(settings: &CameraSettings) -> Result<()> {
    set_text("mapping_name", &settings.mapping_name)?;
    set_text("name", &settings.name)?;
    set_text("fps", &settings.fps.to_string())?;
    set_number("width", settings.size.width)?;
    set_number("height", settings.size.height)
}

pub(super) fn remove() -> Result<bool> {
    let key = wide(r"Software\LiveKitVCam");
    // SAFETY: the name ends in a zero and lives through the call.
    match unsafe { RegDeleteTreeW(HKEY_CURRENT_USER, key.as_ptr()) } {
        ERROR_SUCCESS => Ok(true),
        ERROR_FILE_NOT_FOUND => Ok(false),
        code => Err(failed(code)),
    }
}

/// The library that a class is registered with.
pub(super) fn library_of(class: &str) -> Result<Option<PathBuf>> {
    let key = format!(r"CLSID\{class}\InprocServer32");
    Ok(text(HKEY_CLASSES_ROOT, &key, "")?.map(PathBuf::from))
}

fn text(root: HKEY, key: &str, name: &str) -> Result<Option<String>> {
    let (key, name) = (wide(key), wide(name));
    let mut room = [0_u16; 1024];
    let mut bytes = size_of_val(&room) as u32;
    // SAFETY: the names end in a zero; as many bytes may be written as are said to be there.
    let code = unsafe {
        RegGetValueW(
            root,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            room.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    match code {
        ERROR_SUCCESS => {
            let words = &room[..(bytes as usize / 2).min(room.len())];
            Ok(Some(String::from_utf16_lossy(words).trim_end_matches('\0').to_owned()))
        }
        ERROR_FILE_NOT_FOUND => Ok(None),
        code => Err(failed(code)),
    }
}

fn number(key: &str, name: &str) -> Result<Option<u32>> {
    let (key, name) = (wide(key), wide(name));
    let (mut value, mut bytes) = (0_u32, size_of::<u32>() as u32);
    // SAFETY: the names end in a zero; a number of this size is written.
    let code = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_DWORD,
            null_mut(),
            (&raw mut value).cast(),
            &raw mut bytes,
        )
    };
    match code {
        ERROR_SUCCESS => Ok(Some(value)),
        ERROR_FILE_NOT_FOUND => Ok(None),
        code => Err(failed(code)),
    }
}

fn set_text(name: &str, value: &str) -> Result<()> {
    let value = wide(value);
    set(name, REG_SZ, value.as_ptr().cast(), size_of_val(value.as_slice()))
}

fn set_number(name: &str, value: u32) -> Result<()> {
    set(name, REG_DWORD, (&raw const value).cast(), size_of::<u32>())
}

fn set(name: &str, kind: u32, value: *const std::ffi::c_void, bytes: usize) -> Result<()> {
    let (key, name) = (wide(KEY), wide(name));
    // SAFETY: the names end in a zero; the callers hand over as many bytes as they say.
    let code =
        unsafe { RegSetKeyValueW(HKEY_CURRENT_USER, key.as_ptr(), name.as_ptr(), kind, value, bytes as u32) };
    if code == ERROR_SUCCESS { Ok(()) } else { Err(failed(code)) }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn failed(code: WIN32_ERROR) -> Error {
    let error = io::Error::from_raw_os_error(code.cast_signed());
    Error::new(ErrorKind::Output, format!(r"HKEY_CURRENT_USER\{KEY}: {error}"))
}
