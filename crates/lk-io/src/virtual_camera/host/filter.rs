// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera's DirectShow filter: a library that programs load, and that registers itself as regsvr32 has it do.
#![allow(unsafe_code)] // calls into a library

use super::registry;
use lk_media::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The filter's class: lk-vcam has the same.
const CLASS: &str = "{4C4B5643-616D-4C69-7665-4B6974564331}";
/// The library, beside the program or the module that is running.
const LIBRARY: &str = "livekit_vcam.dll";
/// The variable that names another.
const VARIABLE: &str = "LIVEKIT_VCAM_DLL";

/// Where the library is.
pub fn library() -> Result<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from);
    let path = match named {
        Some(path) => path,
        None => beside()?.join(LIBRARY),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::new(ErrorKind::Device, format!("the camera's filter is not at {}", path.display()))
        .with_hint(format!("it belongs beside the program; {VARIABLE} names another place")))
}

/// The folder of the module that this is part of.
fn beside() -> Result<PathBuf> {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
        GetModuleFileNameW, GetModuleHandleExW,
    };
    let mut module = std::ptr::null_mut();
    let mut path = [0_u16; 1024];
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    // SAFETY: the address is that of a function of this module, which stays loaded while it runs; no more words are
    // written than there are.
    let len = unsafe {
        GetModuleHandleExW(flags, (beside as fn() -> Result<PathBuf>) as *const u16, &raw mut module);
        GetModuleFileNameW(module, path.as_mut_ptr(), path.len() as u32)
    };
    let path = PathBuf::from(String::from_utf16_lossy(&path[..len as usize]));
    path.parent().map(Path::to_owned).ok_or_else(|| Error::internal("a module without a folder"))
}

/// The library that is registered; None if none is.
pub fn registered() -> Result<Option<PathBuf>> {
    registry::library_of(CLASS)
}

/// Registers the library: for all users where we may, else for this one.
pub fn register(library: &Path) -> Result<()> {
    call(library, b"DllRegisterServer\0")
}

/// Takes it out again.
pub fn unregister(library: &Path) -> Result<()> {
    call(library, b"DllUnregisterServer\0")
}

fn call(library: &Path, name: &[u8]) -> Result<()> {
    let failed = |what: String| {
        Error::new(ErrorKind::Device, format!("{}: {what}", library.display()))
            .with_hint("regsvr32 may say more; the file must be that of a 64-bit LiveKit")
    };
    // SAFETY: a library of ours; what it does when it is loaded needs nothing of us.
    let loaded = unsafe { libloading::Library::new(library) }.map_err(|e| failed(e.to_string()))?;
    // SAFETY: functions of these names have this type in every COM library.
    let function =
        unsafe { loaded.get::<extern "system" fn() -> i32>(name) }.map_err(|e| failed(e.to_string()))?;
    match function() {
        0.. => Ok(()),
        code => Err(failed(format!("it cannot be registered (0x{code:08x})"))),
    }
}
