// SPDX-License-Identifier: GPL-2.0-or-later
//! What streams of pictures and of sound have in common: they are made and connected alike, and tell of their states
//! alike.
#![allow(unsafe_code)]

use super::abi::{self, Hook, Pod, Stream as Raw, StreamEvents};
use super::connection::{Connection, guard, text};
use super::library::Library;
use super::pod::Built;
use lk_media::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::NonNull;

/// Where a stream stands, as the thread that has its connection hears.
pub(super) struct Condition {
    state: Cell<c_int>,
    error: RefCell<Option<String>>,
    /// What it means that the server takes the node away.
    gone: &'static str,
}

impl Condition {
    pub fn new(gone: &'static str) -> Self {
        Self { state: Cell::new(abi::STATE_UNCONNECTED), error: RefCell::default(), gone }
    }

    /// The state, one of the library's.
    pub fn state(&self) -> c_int {
        self.state.get()
    }

    /// Why it is over, if it is.
    pub fn error(&self) -> Option<String> {
        self.error.borrow().clone()
    }

    fn hear(&self, before: c_int, state: c_int, error: String) {
        tracing::trace!(before, state, "a stream of PipeWire's");
        self.state.set(state);
        let mut known = self.error.borrow_mut();
        match state {
            abi::STATE_ERROR => *known = Some(error),
            abi::STATE_UNCONNECTED if known.is_none() && before > abi::STATE_UNCONNECTED => {
                *known = Some(self.gone.to_owned());
            }
            _ => {}
        }
    }
}

/// The error of a stream that is over.
pub(super) fn ended(why: &str) -> Error {
    Error::new(ErrorKind::DeviceLost, format!("PipeWire ended the stream: {why}"))
}

/// What the callbacks of a stream write to.
pub(super) trait Heard: Sized {
    /// Where the stream stands.
    fn condition(&self) -> &Condition;

    /// A table of callbacks, all of which get what is heard as their data, in which states are told of. Others are for
    /// the user to add.
    const EVENTS: StreamEvents = StreamEvents {
        version: 2,
        destroy: None,
        state_changed: Some(on_state::<Self>),
        control_info: None,
        io_changed: None,
        param_changed: None,
        add_buffer: None,
        remove_buffer: None,
        process: None,
        drained: None,
        command: None,
        trigger_done: None,
    };
}

unsafe extern "C" fn on_state<H: Heard>(
    data: *mut c_void,
    before: c_int,
    state: c_int,
    error: *const c_char,
) {
    // SAFETY: the listener is taken away before what it was made with; the error is a string or null.
    let (heard, error) = unsafe { (&*data.cast::<H>(), text(error)) };
    guard(|| heard.condition().hear(before, state, error));
}

/// A stream of the library's and what is heard of it. It must be dropped before its connection.
pub(super) struct RawStream<H> {
    library: &'static Library,
    raw: NonNull<Raw>,
    hook: Box<Hook>,
    heard: Box<H>,
}

impl<H: Heard> RawStream<H> {
    /// A stream called `name`, not yet connected, whose callbacks are `events`; `heard` makes what they write to.
    pub fn new(
        connection: &Connection,
        name: &str,
        properties: &[(&str, &str)],
        events: &'static StreamEvents,
        heard: impl FnOnce(NonNull<Raw>) -> H,
    ) -> Result<Self> {
        let library = connection.library();
        let title = CString::new(name.replace('\0', " ")).unwrap_or_default();
        let properties = connection.properties(properties);
        // SAFETY: the core is there; the properties are taken over.
        let raw = unsafe { (library.pw_stream_new)(connection.core(), title.as_ptr(), properties) };
        let raw = NonNull::new(raw).ok_or_else(|| {
            Error::internal("PipeWire makes no stream").with_source(std::io::Error::last_os_error())
        })?;
        let mut this = Self { library, raw, hook: Box::new(Hook::new()), heard: Box::new(heard(raw)) };
        let data = std::ptr::from_ref(&*this.heard).cast_mut().cast();
        // SAFETY: hook and data stay where they are until the hook is removed.
        unsafe { (library.pw_stream_add_listener)(raw.as_ptr(), &raw mut *this.hook, events, data) };
        Ok(this)
    }

    /// Connects it: to `target`, if that is a node's id, offering `formats`.
    pub fn connect(&self, direction: c_int, target: u32, flags: c_int, formats: &[Built]) -> Result<()> {
        let mut pods = pointers(formats);
        let (connect, count) = (self.library.pw_stream_connect, pods.len() as u32);
        // SAFETY: the stream is there; parameters are copied.
        let result =
            unsafe { connect(self.raw.as_ptr(), direction, target, flags, pods.as_mut_ptr(), count) };
        if result < 0 {
            let os = std::io::Error::from_raw_os_error(-result);
            return Err(Error::new(ErrorKind::Device, format!("PipeWire connects no stream: {os}")));
        }
        Ok(())
    }
}

impl<H> RawStream<H> {
    pub fn library(&self) -> &'static Library {
        self.library
    }

    pub fn as_ptr(&self) -> *mut Raw {
        self.raw.as_ptr()
    }

    pub fn heard(&self) -> &H {
        &self.heard
    }
}

impl<H> Drop for RawStream<H> {
    fn drop(&mut self) {
        // SAFETY: the stream is there, and nobody has it after this.
        unsafe {
            self.hook.remove();
            (self.library.pw_stream_destroy)(self.raw.as_ptr());
        }
    }
}

/// Pods as the library takes them.
pub(super) fn pointers(params: &[Built]) -> Vec<*const Pod> {
    params.iter().map(|built| built.as_ptr().cast()).collect()
}
