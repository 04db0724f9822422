// SPDX-License-Identifier: GPL-2.0-or-later
//! A connection to PipeWire and the loop it lives in. Everything of it belongs to one thread; its callbacks come while
//! that thread takes a turn of the loop, and only write down what they hear.
#![allow(unsafe_code)]

use super::abi::{Context, Loop, Properties};
use super::abi::{
    CoreEvents, CoreInfo, CoreMethods, Dict, DictItem, Hook, Interface, LoopControlMethods, Object, Pod,
};
use super::library::Library;
use crate::bell::{Bell, wait_for};
use lk_media::clock::Deadline;
use lk_media::{Error, ErrorKind, Result};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::time::Duration;

/// How long a server may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
/// Parameters longer than this are not read.
const LONGEST_POD: usize = 1 << 20;

/// What the server said, written down by callbacks.
struct Told {
    library: &'static Library,
    done: Cell<Option<c_int>>,
    cookie: Cell<Option<u32>>,
    error: RefCell<Option<Error>>,
}

/// A context of the library's in a loop of its own.
struct Bench {
    library: &'static Library,
    looped: NonNull<Loop>,
    context: NonNull<Context>,
}

impl Bench {
    /// One with settings of that name, if there are such; None takes the usual ones.
    fn new(settings: Option<&str>) -> Result<Self> {
        let library = Library::open()?;
        // SAFETY: no properties are given.
        let looped = unsafe { (library.pw_loop_new)(std::ptr::null()) };
        let looped = NonNull::new(looped).ok_or_else(|| incomplete("make a loop"))?;
        let context = |properties| {
            // SAFETY: the loop is there, and outlives the context; the properties are taken over.
            NonNull::new(unsafe { (library.pw_context_new)(looped.as_ptr(), properties, 0) })
        };
        let named = settings.and_then(|name| context(properties(library, &[("config.name", name)])));
        let Some(context) = named.or_else(|| context(std::ptr::null_mut())) else {
            let error = incomplete("make a context");
            // SAFETY: nobody else has the loop.
            unsafe { (library.pw_loop_destroy)(looped.as_ptr()) };
            return Err(error);
        };
        let bench = Self { library, looped, context };
        let (methods, data) = bench.control();
        // SAFETY: this thread takes all turns of the loop.
        unsafe { (methods.enter)(data) };
        Ok(bench)
    }

    fn control(&self) -> (&LoopControlMethods, *mut c_void) {
        // SAFETY: the loop is there, and this is the table of its control.
        unsafe { Interface::methods((*self.looped.as_ptr()).control) }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let (methods, data) = self.control();
        // SAFETY: what was made last goes first; connections borrow from this and are gone.
        unsafe {
            (methods.leave)(data);
            (self.library.pw_context_destroy)(self.context.as_ptr());
            (self.library.pw_loop_destroy)(self.looped.as_ptr());
        }
    }
}

/// A connection to the server.
pub(super) struct Connection {
    core: NonNull<Object>,
    hook: Box<Hook>,
    told: Box<Told>,
    // after the rest: fields are dropped in their order
    bench: Bench,
}

static CORE_EVENTS: CoreEvents = CoreEvents {
    version: 0,
    info: Some(on_info),
    done: Some(on_done),
    ping: None,
    error: Some(on_error),
    remove_id: None,
    bound_id: None,
    add_mem: None,
    remove_mem: None,
};

unsafe extern "C" fn on_info(data: *mut c_void, info: *const CoreInfo) {
    // SAFETY: the listener is taken away before what it was made with; the structure is the library's.
    let (told, info) = unsafe { (&*data.cast::<Told>(), info.as_ref()) };
    told.cookie.set(info.map(|info| info.cookie));
}

unsafe extern "C" fn on_done(data: *mut c_void, id: u32, seq: c_int) {
    // SAFETY: the listener is taken away before what it was made with.
    let told = unsafe { &*data.cast::<Told>() };
    if id == 0 {
        told.done.set(Some(seq));
    }
}

unsafe extern "C" fn on_error(data: *mut c_void, id: u32, _: c_int, result: c_int, message: *const c_char) {
    // SAFETY: as in `on_done`; the message is a string or null.
    let (told, message) = unsafe { (&*data.cast::<Told>(), text(message)) };
    guard(|| {
        let errno = result.saturating_neg();
        tracing::debug!(id, errno, "PipeWire: {message}");
        // others are about objects that went away meanwhile
        if id == 0 && told.error.borrow().is_none() {
            *told.error.borrow_mut() = Some(lost(&message, errno));
        }
    });
}

fn lost(message: &str, errno: i32) -> Error {
    let why = if errno == Errno::PIPE.raw_os_error() { "it ended or was restarted" } else { message };
    Error::new(ErrorKind::DeviceLost, format!("the connection to PipeWire is lost: {why}"))
        .with_hint("what is in use comes back by itself once PipeWire runs again")
        .with_errno(errno)
}

fn incomplete(what: &str) -> Error {
    let os = std::io::Error::last_os_error();
    Error::new(ErrorKind::Device, format!("PipeWire's library cannot {what}: {os}"))
        .with_hint(
            "its modules may be missing: apt install libpipewire-0.3-modules libspa-0.2-modules pipewire-bin",
        )
        .with_source(os)
}

fn not_running() -> Error {
    let os = std::io::Error::last_os_error();
    Error::new(ErrorKind::Device, format!("PipeWire is not running: {os}"))
        .with_hint(
            "start it: systemctl --user start pipewire wireplumber; or install it: apt install pipewire wireplumber",
        )
        .with_source(os)
}

impl Connection {
    /// Connects to the session's server, or to the one at the other end of `remote`.
    pub fn open(remote: Option<OwnedFd>) -> Result<Self> {
        Self::on(Bench::new(None)?, remote)
    }

    /// Connects to the session's server with the library's settings of that name, if there are such.
    pub fn open_with(settings: Option<&str>) -> Result<Self> {
        Self::on(Bench::new(settings)?, None)
    }

    fn on(bench: Bench, remote: Option<OwnedFd>) -> Result<Self> {
        let (library, context) = (bench.library, bench.context.as_ptr());
        let none = std::ptr::null_mut();
        let core = match remote {
            // SAFETY: the context is there, and takes the descriptor over.
            Some(fd) => unsafe { (library.pw_context_connect_fd)(context, fd.into_raw_fd(), none, 0) },
            // SAFETY: the context is there.
            None => unsafe { (library.pw_context_connect)(context, none, 0) },
        };
        let core = NonNull::new(core).ok_or_else(not_running)?;
        let told = Box::new(Told {
            library,
            done: Cell::new(None),
            cookie: Cell::new(None),
            error: RefCell::new(None),
        });
        let mut this = Self { core, hook: Box::new(Hook::new()), told, bench };
        // SAFETY: hook and data stay where they are until the hook is removed.
        unsafe {
            let (methods, object) = Interface::methods::<CoreMethods>(core.as_ptr());
            let data = std::ptr::from_ref(&*this.told).cast_mut().cast();
            (methods.add_listener)(object, &raw mut *this.hook, &raw const CORE_EVENTS, data);
        }
        Ok(this)
    }

    pub fn library(&self) -> &'static Library {
        self.told.library
    }

    /// The server's number for itself, which no other has, once it has answered.
    pub fn cookie(&self) -> Option<u32> {
        self.told.cookie.get()
    }

    pub fn core(&self) -> *mut Object {
        self.core.as_ptr()
    }

    /// The core's functions, and what to call them with.
    pub fn methods(&self) -> (&CoreMethods, *mut c_void) {
        // SAFETY: the core is there for as long as the connection.
        unsafe { Interface::methods(self.core.as_ptr()) }
    }

    /// Lets the server speak and callbacks hear: waits until it says something, `bell` rings, or `limit` has passed.
    /// An error of kind DeviceLost when the connection is no more.
    pub fn turn(&self, bell: Option<&Bell>, limit: Option<Duration>) -> Result<()> {
        let (methods, data) = self.bench.control();
        // SAFETY: the loop's descriptor is open for as long as the loop is there.
        let fd = unsafe { BorrowedFd::borrow_raw((methods.get_fd)(data)) };
        match bell {
            Some(bell) => bell.wait_beside(fd, limit).map(drop)?,
            None => wait_for(fd, limit)?,
        }
        // SAFETY: this thread entered the loop.
        let result = unsafe { (methods.iterate)(data, 0) };
        if let Some(error) = self.told.error.borrow().clone() {
            return Err(error);
        }
        if result < 0 && result != -Errno::INTR.raw_os_error() {
            return Err(lost("its loop failed", -result));
        }
        Ok(())
    }

    /// Waits until the server has answered everything that was asked so far.
    pub fn round_trip(&self, deadline: Deadline) -> Result<()> {
        self.told.done.set(None);
        let (methods, core) = self.methods();
        // SAFETY: the core is there.
        let asked = unsafe { (methods.sync)(core, 0, 0) };
        while self.told.done.get() != Some(asked) {
            if deadline.has_passed() {
                return Err(Error::new(ErrorKind::Deadline, "PipeWire does not answer")
                    .with_hint("it may be stopped or overloaded: systemctl --user restart pipewire"));
            }
            self.turn(None, Some(deadline.left(ANSWER)))?;
        }
        Ok(())
    }

    /// Properties for the library, which takes them over.
    pub fn properties(&self, all: &[(&str, &str)]) -> *mut Properties {
        properties(self.library(), all)
    }
}

fn properties(library: &Library, all: &[(&str, &str)]) -> *mut Properties {
    let plain = |s: &str| CString::new(s.replace('\0', " ")).unwrap_or_default();
    let strings: Vec<(CString, CString)> = all.iter().map(|(k, v)| (plain(k), plain(v))).collect();
    let items: Vec<DictItem> =
        strings.iter().map(|(k, v)| DictItem { key: k.as_ptr(), value: v.as_ptr() }).collect();
    let dict = Dict { flags: 0, count: items.len() as u32, items: items.as_ptr() };
    // SAFETY: the strings are copied.
    unsafe { (library.pw_properties_new_dict)(&raw const dict) }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the core is there; what was made with it borrows from this and is gone.
        unsafe {
            self.hook.remove();
            (self.library().pw_core_disconnect)(self.core.as_ptr());
        }
    }
}

/// Runs what a callback does; a panic must not go on into the library.
pub(super) fn guard(body: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        tracing::error!("a callback of PipeWire's panicked");
    }
}

/// A string of the library's; empty if there is none.
///
/// # Safety
/// It is null or ends with a zero.
pub(super) unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: it is a string that ends.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// A dictionary of the library's.
///
/// # Safety
/// It is null or a dictionary of strings.
pub(super) unsafe fn entries(dict: *const Dict) -> Vec<(String, String)> {
    // SAFETY: it is null or there.
    let Some(dict) = (unsafe { dict.as_ref() }) else { return Vec::new() };
    if dict.items.is_null() {
        return Vec::new();
    }
    // SAFETY: it says how many there are.
    let items = unsafe { std::slice::from_raw_parts(dict.items, dict.count as usize) };
    // SAFETY: keys and values are strings.
    items.iter().map(|item| unsafe { (text(item.key), text(item.value)) }).collect()
}

/// The bytes of a parameter; none if there is none.
///
/// # Safety
/// It is null or a parameter that the library has received.
pub(super) unsafe fn bytes<'a>(pod: *const Pod) -> &'a [u8] {
    if pod.is_null() {
        return &[];
    }
    // SAFETY: parameters begin with the number of the bytes that follow two numbers.
    unsafe {
        let size = pod.cast::<u32>().read_unaligned() as usize;
        std::slice::from_raw_parts(pod.cast(), (size + 8).min(LONGEST_POD))
    }
}
