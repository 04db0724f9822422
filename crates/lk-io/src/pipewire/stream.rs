// SPDX-License-Identifier: GPL-2.0-or-later
//! A stream of pictures, in or out: what its callbacks hear, and its buffers.
#![allow(unsafe_code)]

use super::abi::{self, Buffer, MetaHeader, Pod, Region, Stream as Raw, StreamEvents};
use super::buffers::{self, Access};
use super::connection::{Connection, bytes, guard};
use super::formats::{self, Agreed, FORMAT};
use super::library::Library;
use super::pod::{Built, Object};
use super::raw_stream::{Condition, Heard as _, RawStream, ended, pointers};
use lk_media::{Error, ErrorKind, Result};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Which way pictures go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To us.
    In,
    /// From us.
    Out,
}

/// What callbacks write down.
struct Heard {
    library: &'static Library,
    stream: NonNull<Raw>,
    direction: Direction,
    condition: Condition,
    agreed: Cell<Option<Agreed>>,
    /// A format was agreed on that is none of those asked for.
    refused: Cell<bool>,
    ready: Cell<bool>,
    access: RefCell<HashMap<usize, SmallVec<[Access; 4]>>>,
}

/// A stream of a connection's.
pub(super) struct Stream<'c> {
    raw: RawStream<Heard>,
    /// It must outlive the stream.
    _connection: PhantomData<&'c Connection>,
}

impl super::raw_stream::Heard for Heard {
    fn condition(&self) -> &Condition {
        &self.condition
    }
}

static EVENTS: StreamEvents = StreamEvents {
    param_changed: Some(on_param),
    add_buffer: Some(on_add_buffer),
    remove_buffer: Some(on_remove_buffer),
    process: Some(on_process),
    ..Heard::EVENTS
};

unsafe extern "C" fn on_param(data: *mut c_void, id: u32, pod: *const Pod) {
    // SAFETY: the listener is taken away before what it was made with; the parameter is the library's.
    let (heard, bytes) = unsafe { (&*data.cast::<Heard>(), bytes(pod)) };
    guard(|| {
        if id == FORMAT {
            let agreed = Object::read(bytes).as_ref().and_then(Agreed::read);
            heard.refused.set(agreed.is_none() && !bytes.is_empty());
            heard.agreed.set(agreed);
            if let Some(agreed) = agreed {
                heard.answer(&agreed);
            }
        }
    });
}

unsafe extern "C" fn on_add_buffer(data: *mut c_void, buffer: *mut Buffer) {
    // SAFETY: the listener is taken away before what it was made with; the buffer is new.
    let (heard, access) = unsafe { (&*data.cast::<Heard>(), buffers::access(buffer)) };
    guard(|| drop(heard.access.borrow_mut().insert(buffer.addr(), access)));
}

unsafe extern "C" fn on_remove_buffer(data: *mut c_void, buffer: *mut Buffer) {
    // SAFETY: the listener is taken away before what it was made with.
    let heard = unsafe { &*data.cast::<Heard>() };
    guard(|| drop(heard.access.borrow_mut().remove(&buffer.addr())));
}

unsafe extern "C" fn on_process(data: *mut c_void) {
    // SAFETY: the listener is taken away before what it was made with.
    unsafe { &*data.cast::<Heard>() }.ready.set(true);
}

impl Heard {
    /// Says which buffers are wanted for the format that was agreed on.
    fn answer(&self, agreed: &Agreed) {
        let kinds = [abi::DATA_MEM_PTR, abi::DATA_MEM_FD];
        let bytes = agreed
            .spec()
            .filter(|_| self.direction == Direction::Out)
            .map(|spec| buffers::usual_bytes(spec.format, spec.size));
        let params = [
            formats::buffers(&kinds, bytes),
            formats::meta(abi::META_HEADER, size_of::<MetaHeader>()),
            formats::meta(abi::META_VIDEO_CROP, size_of::<Region>()),
        ];
        let count = if self.direction == Direction::Out { 2 } else { 3 };
        let mut pods = pointers(&params[..count]);
        // SAFETY: the stream is there while it calls back; parameters are copied.
        let result = unsafe {
            (self.library.pw_stream_update_params)(self.stream.as_ptr(), pods.as_mut_ptr(), pods.len() as u32)
        };
        if result < 0 {
            tracing::debug!("PipeWire refuses the buffers: {}", std::io::Error::from_raw_os_error(-result));
        }
    }
}

impl<'c> Stream<'c> {
    /// A stream called `name`, not yet connected.
    pub fn new(
        connection: &'c Connection,
        name: &str,
        direction: Direction,
        properties: &[(&str, &str)],
    ) -> Result<Self> {
        let raw = RawStream::new(connection, name, properties, &EVENTS, |stream| Heard {
            library: connection.library(),
            stream,
            direction,
            condition: Condition::new("it was disconnected"),
            agreed: Cell::new(None),
            refused: Cell::new(false),
            ready: Cell::new(false),
            access: RefCell::default(),
        })?;
        Ok(Self { raw, _connection: PhantomData })
    }

    /// Connects it: an input to `target`, if that is a node's id; an output for whoever wants it.
    pub fn connect(&self, target: u32, formats: &[Built]) -> Result<()> {
        let (direction, flags) = match self.heard().direction {
            Direction::In => (abi::DIRECTION_INPUT, abi::FLAG_AUTOCONNECT | abi::FLAG_DONT_RECONNECT),
            Direction::Out => (abi::DIRECTION_OUTPUT, abi::FLAG_DRIVER),
        };
        self.raw.connect(direction, target, flags | abi::FLAG_MAP_BUFFERS, formats)
    }

    fn heard(&self) -> &Heard {
        self.raw.heard()
    }

    /// What was agreed on, if it has been.
    pub fn agreed(&self) -> Option<Agreed> {
        self.heard().agreed.get()
    }

    /// Whether pictures flow.
    pub fn is_streaming(&self) -> bool {
        self.heard().condition.state() == abi::STATE_STREAMING
    }

    /// Whether it is on the server's list.
    pub fn is_there(&self) -> bool {
        self.heard().condition.state() > 1
    }

    /// The server's number for its node.
    pub fn id(&self) -> u32 {
        // SAFETY: the stream is there.
        unsafe { (self.raw.library().pw_stream_get_node_id)(self.raw.as_ptr()) }
    }

    /// An error if it cannot go on.
    pub fn check(&self) -> Result<()> {
        if self.heard().refused.get() {
            return Err(unwanted("it gives pictures of a kind that was not asked for"));
        }
        match self.heard().condition.error() {
            Some(why) if why.contains("format") => Err(unwanted(&why)),
            Some(why) => Err(ended(&why)),
            None => Ok(()),
        }
    }

    /// Whether it has called for a turn with its buffers since this was asked last.
    pub fn take_ready(&self) -> bool {
        self.heard().ready.replace(false)
    }

    /// The next buffer, to be read or filled, and how its memory may be reached.
    pub fn dequeue(&self) -> Option<(NonNull<Buffer>, SmallVec<[Access; 4]>)> {
        // SAFETY: the stream is there.
        let buffer = unsafe { (self.raw.library().pw_stream_dequeue_buffer)(self.raw.as_ptr()) };
        let buffer = NonNull::new(buffer)?;
        let access = self.heard().access.borrow().get(&buffer.as_ptr().addr()).cloned();
        Some((buffer, access.unwrap_or_default()))
    }

    /// Gives a buffer back that was dequeued in this turn.
    pub fn queue(&self, buffer: NonNull<Buffer>) {
        // SAFETY: stream and buffer are there.
        unsafe { (self.raw.library().pw_stream_queue_buffer)(self.raw.as_ptr(), buffer.as_ptr()) };
    }

    /// Has what was queued go out.
    pub fn trigger(&self) {
        // SAFETY: the stream is there.
        unsafe { (self.raw.library().pw_stream_trigger_process)(self.raw.as_ptr()) };
    }
}

fn unwanted(why: &str) -> Error {
    Error::new(ErrorKind::Format, format!("PipeWire finds no format for both sides: {why}"))
        .with_hint("choose a size and a rate that the node offers")
}
