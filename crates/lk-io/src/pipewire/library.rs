// SPDX-License-Identifier: GPL-2.0-or-later
//! libpipewire, opened at first use: nothing is linked, and a machine without it is told what to install.
#![allow(unsafe_code)]

use super::abi::{Buffer, Context, Dict, Hook, Loop, Object, Pod, Properties, Stream, StreamEvents, Time};
use lk_media::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::ffi::{CStr, c_char, c_int, c_void};

const NAME: &str = "libpipewire-0.3.so.0";

macro_rules! functions {
    ($($name:ident($($of:ty),*) $(-> $gives:ty)?;)*) => {
        /// The functions of it that are called.
        pub(super) struct Library {
            $(pub $name: unsafe extern "C" fn($($of),*) $(-> $gives)?,)*
        }

        impl Library {
            /// # Safety
            /// The functions of that name are those of PipeWire's headers.
            unsafe fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    // SAFETY: the signatures are those of the headers.
                    $($name: unsafe { *library.get(concat!(stringify!($name), "\0").as_bytes())? },)*
                })
            }
        }
    };
}

functions! {
    pw_init(*mut c_int, *mut *mut *mut c_char);
    pw_get_library_version() -> *const c_char;
    pw_loop_new(*const Dict) -> *mut Loop;
    pw_loop_destroy(*mut Loop);
    pw_context_new(*mut Loop, *mut Properties, usize) -> *mut Context;
    pw_context_destroy(*mut Context);
    pw_context_connect(*mut Context, *mut Properties, usize) -> *mut Object;
    pw_context_connect_fd(*mut Context, c_int, *mut Properties, usize) -> *mut Object;
    pw_core_disconnect(*mut Object) -> c_int;
    pw_properties_new_dict(*const Dict) -> *mut Properties;
    pw_proxy_destroy(*mut Object);
    pw_stream_new(*mut Object, *const c_char, *mut Properties) -> *mut Stream;
    pw_stream_destroy(*mut Stream);
    pw_stream_add_listener(*mut Stream, *mut Hook, *const StreamEvents, *mut c_void);
    pw_stream_connect(*mut Stream, c_int, u32, c_int, *mut *const Pod, u32) -> c_int;
    pw_stream_disconnect(*mut Stream) -> c_int;
    pw_stream_get_time(*mut Stream, *mut Time) -> c_int;
    pw_stream_update_params(*mut Stream, *mut *const Pod, u32) -> c_int;
    pw_stream_get_node_id(*mut Stream) -> u32;
    pw_stream_dequeue_buffer(*mut Stream) -> *mut Buffer;
    pw_stream_queue_buffer(*mut Stream, *mut Buffer) -> c_int;
    pw_stream_trigger_process(*mut Stream) -> c_int;
}

impl Library {
    /// The library; an error of kind Device names the package that is missing.
    pub fn open() -> Result<&'static Self> {
        static OPEN: Mutex<Option<&'static Library>> = Mutex::new(None);
        let mut open = OPEN.lock();
        if let Some(library) = *open {
            return Ok(library);
        }
        // SAFETY: what it does when it is loaded is for everyone who links it.
        let loaded = unsafe { libloading::Library::new(NAME) }.map_err(missing)?;
        // SAFETY: it is the library that the name promises.
        let library = unsafe { Self::find(&loaded) }.map_err(missing)?;
        // it has threads and tables of its own: it is never unloaded
        std::mem::forget(loaded);
        // SAFETY: no arguments of a command line are given; it may be called again and again.
        unsafe { (library.pw_init)(std::ptr::null_mut(), std::ptr::null_mut()) };
        Ok(open.insert(Box::leak(Box::new(library))))
    }

    /// Its version; zero where it says what cannot be understood.
    pub fn version(&self) -> (u32, u32, u32) {
        // SAFETY: the answer is a string that stays.
        let text = unsafe { CStr::from_ptr((self.pw_get_library_version)()) }.to_string_lossy();
        version_of(&text)
    }
}

fn version_of(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

fn missing(error: libloading::Error) -> Error {
    Error::new(ErrorKind::Device, format!("PipeWire's library cannot be opened: {NAME}"))
        .with_hint(
            "install it: apt install libpipewire-0.3-0 libpipewire-0.3-modules libspa-0.2-modules pipewire",
        )
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("0.3.65"), (0, 3, 65));
        assert_eq!(version_of("1.4.2-rc1"), (1, 4, 2));
        assert_eq!(version_of("new"), (0, 0, 0));
    }
}
