// SPDX-License-Identifier: GPL-2.0-or-later
//! The functions of `libasound.so.2` that are used, opened when the first of them is.
#![allow(unsafe_code)] // a foreign library

use lk_media::{Error, ErrorKind, Result};
use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::sync::OnceLock;

/// What is printed goes here instead of to the terminal. The arguments after the fourth are a format and a
/// `va_list`, whose shape depends on the machine: they are not looked at.
type Handler = unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_int, *const c_char, *mut c_void);

/// One of the library's objects.
pub(super) type Object = *mut c_void;

macro_rules! library {
    ($($name:ident($($argument:ty),*) -> $answer:ty;)*) => {
        /// Its functions, by their names.
        pub(super) struct Library {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> $answer,)*
            /// Keeps it in memory.
            _library: libloading::Library,
        }

        impl Library {
            fn load() -> Result<Self, libloading::Error> {
                // SAFETY: the library of this name has no initialisers that do anything, and its functions have
                // had these shapes since it got that name (ALSA 0.9 to 1.1.2).
                unsafe {
                    let library = libloading::Library::new(NAME)?;
                    Ok(Self {
                        $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?,)*
                        _library: library,
                    })
                }
            }
        }
    };
}

library! {
    snd_asoundlib_version() -> *const c_char;
    snd_strerror(c_int) -> *const c_char;
    snd_lib_error_set_local(Option<Handler>) -> Option<Handler>;
    snd_config_update_free_global() -> c_int;

    snd_ctl_open(*mut Object, *const c_char, c_int) -> c_int;
    snd_ctl_close(Object) -> c_int;
    snd_ctl_card_info(Object, Object) -> c_int;
    snd_ctl_card_info_malloc(*mut Object) -> c_int;
    snd_ctl_card_info_free(Object) -> ();
    snd_ctl_card_info_get_id(Object) -> *const c_char;
    snd_ctl_card_info_get_name(Object) -> *const c_char;
    snd_ctl_pcm_next_device(Object, *mut c_int) -> c_int;
    snd_ctl_pcm_info(Object, Object) -> c_int;
    snd_pcm_info_malloc(*mut Object) -> c_int;
    snd_pcm_info_free(Object) -> ();
    snd_pcm_info_set_device(Object, c_uint) -> ();
    snd_pcm_info_set_subdevice(Object, c_uint) -> ();
    snd_pcm_info_set_stream(Object, c_int) -> ();
    snd_pcm_info_get_name(Object) -> *const c_char;

    snd_pcm_open(*mut Object, *const c_char, c_int, c_int) -> c_int;
    snd_pcm_close(Object) -> c_int;
    snd_pcm_hw_params_malloc(*mut Object) -> c_int;
    snd_pcm_hw_params_free(Object) -> ();
    snd_pcm_hw_params_any(Object, Object) -> c_int;
    snd_pcm_hw_params_set_access(Object, Object, c_int) -> c_int;
    snd_pcm_hw_params_set_format(Object, Object, c_int) -> c_int;
    snd_pcm_hw_params_set_channels_near(Object, Object, *mut c_uint) -> c_int;
    snd_pcm_hw_params_set_rate_near(Object, Object, *mut c_uint, *mut c_int) -> c_int;
    snd_pcm_hw_params_set_period_size_near(Object, Object, *mut c_ulong, *mut c_int) -> c_int;
    snd_pcm_hw_params_set_buffer_size_near(Object, Object, *mut c_ulong) -> c_int;
    snd_pcm_hw_params_get_channels_max(Object, *mut c_uint) -> c_int;
    snd_pcm_hw_params(Object, Object) -> c_int;
    snd_pcm_sw_params_malloc(*mut Object) -> c_int;
    snd_pcm_sw_params_free(Object) -> ();
    snd_pcm_sw_params_current(Object, Object) -> c_int;
    snd_pcm_sw_params_set_start_threshold(Object, Object, c_ulong) -> c_int;
    snd_pcm_sw_params_set_avail_min(Object, Object, c_ulong) -> c_int;
    snd_pcm_sw_params(Object, Object) -> c_int;

    snd_pcm_prepare(Object) -> c_int;
    snd_pcm_start(Object) -> c_int;
    snd_pcm_resume(Object) -> c_int;
    snd_pcm_wait(Object, c_int) -> c_int;
    snd_pcm_avail_delay(Object, *mut c_long, *mut c_long) -> c_int;
    snd_pcm_readi(Object, *mut c_void, c_ulong) -> c_long;
    snd_pcm_writei(Object, *const c_void, c_ulong) -> c_long;
}

const NAME: &str = "libasound.so.2";

/// The library; an error of kind Device where it is not installed.
pub(super) fn library() -> Result<&'static Library> {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let library = Library::load().map_err(|e| {
        Error::new(ErrorKind::Device, format!("ALSA cannot be used: {e}")).with_hint(
            "for sound cards without a sound server apt install libasound2 (libasound2t64 on newer systems)",
        )
    })?;
    Ok(LIBRARY.get_or_init(|| library))
}

/// The text at `text`, which may be null.
pub(super) fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the library's strings end with a zero and live longer than this call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// While it lives, the library prints nothing from this thread: errors are ours to tell.
pub(super) struct Quiet(&'static Library, Option<Handler>);

impl Quiet {
    pub(super) fn new(library: &'static Library) -> Self {
        unsafe extern "C" fn nothing(
            _: *const c_char,
            _: c_int,
            _: *const c_char,
            _: c_int,
            _: *const c_char,
            _: *mut c_void,
        ) {
        }
        // SAFETY: the handler is a function, and only this thread's is changed.
        let before = unsafe { (library.snd_lib_error_set_local)(Some(nothing)) };
        Self(library, before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: it is what the library gave.
        unsafe { (self.0.snd_lib_error_set_local)(self.1) };
    }
}

/// Calls a function of the library; an answer below zero is the error.
pub(super) fn check(answer: c_int) -> std::result::Result<c_int, Code> {
    if answer < 0 { Err(Code(-answer)) } else { Ok(answer) }
}

/// An error of the library: a number of the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) c_int);

impl Code {
    /// What `what` has met.
    pub(super) fn error(self, what: &str) -> Error {
        let errno = self.0;
        let why = library().map(|l| {
            // SAFETY: it takes any number and answers with a string that stays.
            text(unsafe { (l.snd_strerror)(errno) })
        });
        let why = why.map(|why| why.to_lowercase()).unwrap_or_default();
        let (kind, message, hint) = match errno {
            libc::EBUSY => (
                ErrorKind::DeviceBusy,
                format!("another program uses {what}"),
                "close it; a sound server (apt install pipewire-pulse wireplumber) lets programs share devices",
            ),
            libc::EACCES | libc::EPERM => (
                ErrorKind::Device,
                format!("this user may not use {what}"),
                "add the user to the group audio (sudo usermod -aG audio USER) and log in again",
            ),
            libc::ENOENT | libc::ENXIO | libc::ENODEV => (
                ErrorKind::DeviceNotFound,
                format!("there is no {what}"),
                "it may have been unplugged just now; livekit-studio devices lists what there is",
            ),
            _ => (ErrorKind::Device, format!("{what}: {why}"), "see what `dmesg` says of the sound card"),
        };
        Error::new(kind, message).with_hint(hint).with_errno(errno)
    }
}
