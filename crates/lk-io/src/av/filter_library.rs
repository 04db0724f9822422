// SPDX-License-Identifier: GPL-2.0-or-later
//! libavfilter, opened at first use: few clips need it, and on a usual system a dozen other libraries come with it, which
//! is a quarter of what importing would take. A build that brings its own FFmpeg links it (build.rs).
#![allow(unsafe_code)]

use ffmpeg_next::ffi::{self, AVFilter, AVFilterContext, AVFilterGraph, AVFilterInOut, AVFrame, AVRational};
use lk_media::Result;
use std::ffi::{c_char, c_int, c_uint, c_void};

macro_rules! functions {
    ($($name:ident($($of:ty),*) $(-> $gives:ty)?;)*) => {
        /// The functions of it that are called.
        pub(super) struct Filters {
            $(pub $name: unsafe extern "C" fn($($of),*) $(-> $gives)?,)*
        }

        impl Filters {
            /// Where it is linked. Where it is not, the compiler still checks the table against the headers here.
            #[cfg_attr(not(linked_filters), allow(dead_code))]
            fn linked() -> Self {
                Self { $($name: ffi::$name,)* }
            }

            /// # Safety
            /// The library is the libavfilter of the headers.
            #[cfg(not(linked_filters))]
            unsafe fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    // SAFETY: the signatures are those of the headers: `linked` compiles.
                    $($name: unsafe { *library.get(concat!(stringify!($name), "\0").as_bytes())? },)*
                })
            }
        }
    };
}

functions! {
    avfilter_version() -> c_uint;
    avfilter_get_by_name(*const c_char) -> *const AVFilter;
    avfilter_graph_alloc() -> *mut AVFilterGraph;
    avfilter_graph_create_filter(*mut *mut AVFilterContext, *const AVFilter, *const c_char, *const c_char, *mut c_void,
        *mut AVFilterGraph) -> c_int;
    avfilter_graph_parse_ptr(*mut AVFilterGraph, *const c_char, *mut *mut AVFilterInOut, *mut *mut AVFilterInOut,
        *mut c_void) -> c_int;
    avfilter_graph_config(*mut AVFilterGraph, *mut c_void) -> c_int;
    avfilter_graph_free(*mut *mut AVFilterGraph);
    avfilter_inout_alloc() -> *mut AVFilterInOut;
    avfilter_inout_free(*mut *mut AVFilterInOut);
    av_buffersrc_add_frame_flags(*mut AVFilterContext, *mut AVFrame, c_int) -> c_int;
    av_buffersink_get_frame(*mut AVFilterContext, *mut AVFrame) -> c_int;
    av_buffersink_get_time_base(*const AVFilterContext) -> AVRational;
}

impl Filters {
    /// The library.
    #[cfg(linked_filters)]
    pub(super) fn get() -> Result<&'static Self> {
        static LINKED: std::sync::LazyLock<Filters> = std::sync::LazyLock::new(Filters::linked);
        Ok(&LINKED)
    }

    /// The library; an error names the package that is missing.
    #[cfg(not(linked_filters))]
    pub(super) fn get() -> Result<&'static Self> {
        static OPEN: parking_lot::Mutex<Option<&'static Filters>> = parking_lot::Mutex::new(None);
        let mut open = OPEN.lock();
        if let Some(filters) = *open {
            return Ok(filters);
        }
        let version = ffi::LIBAVFILTER_VERSION_MAJOR;
        let missing = |error| {
            lk_media::Error::new(
                lk_media::ErrorKind::Media,
                format!("FFmpeg's filters, which turn and deinterlace pictures, cannot be opened: libavfilter.so.{version}"),
            )
            .with_hint(format!("install them: apt install libavfilter{version}"))
            .with_source(error)
        };
        // SAFETY: what it does when it is loaded is for everyone who links it.
        let loaded =
            unsafe { libloading::Library::new(format!("libavfilter.so.{version}")) }.map_err(missing)?;
        // SAFETY: it is the library that the name promises, of the version of the headers.
        let filters = unsafe { Self::find(&loaded) }.map_err(missing)?;
        // it keeps tables that graphs point to: it is never unloaded
        std::mem::forget(loaded);
        Ok(open.insert(Box::leak(Box::new(filters))))
    }
}
