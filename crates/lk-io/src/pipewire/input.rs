// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures from a node: a camera, a screen that the desktop's portal lets us see, another program.
#![allow(unsafe_code)]

use super::abi::ID_ANY;
use super::buffers::{Reader, producer_time};
use super::connection::{ANSWER, Connection};
use super::formats::{self, Agreed, Encoding};
use super::nodes::{Registry, VideoNode};
use super::stamps::Stamps;
use super::stream::{Direction, Stream};
use crate::bell::Bell;
use crate::encode::suggest::nearest;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Process, Thread};
use lk_media::{Cancel, Clock, Error, ErrorKind, Frame, FrameRate, Result, Size, Timestamp};
use parking_lot::Mutex;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// How long a session manager may take to link a stream at first: it is asked anew then, for it may have begun only now,
/// or have taken our node for one that went away. It may take twice as long each time, up to `LONGEST_LINK`.
const LINK: Duration = Duration::from_secs(1);
const LONGEST_LINK: Duration = Duration::from_secs(4);

/// Which node is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeChoice {
    /// By the name it has.
    Name(String),
    /// By the server's number for it, which no other node gets: [`VideoNode::serial`].
    Serial(u64),
    /// By the number that the portal gave for it.
    Id(u32),
}

/// What is read, and how.
pub struct InputOptions {
    /// A connection that the portal opened; None for the session's server.
    pub remote: Option<OwnedFd>,
    /// The node.
    pub node: NodeChoice,
    /// How pictures may come, the best first; see [`Encoding::all`].
    pub encodings: Vec<Encoding>,
    /// Their size; None takes the node's, also when it changes.
    pub size: Option<Size>,
    /// Their rate; None takes the node's.
    pub rate: Option<FrameRate>,
    /// What they are wanted for: "Camera", "Screen".
    pub role: &'static str,
}

impl InputOptions {
    /// Whatever a node of the session's server gives.
    pub fn of(node: NodeChoice) -> Self {
        Self { remote: None, node, encodings: Encoding::all(), size: None, rate: None, role: "Camera" }
    }

    /// Whatever a node gives that the portal has opened a connection for.
    pub fn portal(remote: OwnedFd, node: u32) -> Self {
        Self { remote: Some(remote), role: "Screen", ..Self::of(NodeChoice::Id(node)) }
    }
}

/// What an input has to tell.
#[derive(Debug)]
pub enum InputEvent {
    /// A format was agreed on, at first or anew.
    Format(Agreed),
    /// A picture, due when it was taken.
    Frame(Frame),
    /// A picture as a JPEG file, and when it was taken; not looked into.
    Jpeg(Vec<u8>, Timestamp),
    /// Pictures flow, or not for now.
    Flowing(bool),
    /// The session manager has not linked it to the node yet; it is asked anew.
    Unlinked,
    /// It is over: the node or the server went away, or there is no format for both sides. Nothing follows.
    Lost(Error),
}

/// Pictures from a node until it goes away or this is dropped. A node that comes back is opened anew, by whoever wants
/// that.
pub struct Input {
    cancel: Cancel,
    bell: Arc<Bell>,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

impl Input {
    /// Connects to the node and calls `tell` from a thread of its own with everything that happens. Errors: Device (no
    /// PipeWire), DeviceNotFound (no such node; the hint says which there are), Deadline (no answer).
    pub fn open(options: InputOptions, tell: impl FnMut(InputEvent) + Send + 'static) -> Result<Self> {
        let (cancel, bell) = (Cancel::new(), Arc::new(Bell::new()?));
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let thread = {
            let (cancel, bell) = (cancel.clone(), bell.clone());
            thread::spawn("lk-pw-input", move || {
                let mut tell = tell;
                let mut opened = |result| drop(sender.send(result));
                match read(options, &cancel, &bell, &mut tell, &mut opened) {
                    Ok(()) => {}
                    // before it was open the error goes there; later nobody takes it any more
                    Err(error) => {
                        opened(Err(error.clone()));
                        tell(InputEvent::Lost(error));
                    }
                }
            })?
        };
        let this = Self { cancel, bell, thread: Mutex::new(Some(thread)), process: Process::here() };
        receiver.recv().map_err(|_| Error::internal("a PipeWire stream was not opened"))??;
        Ok(this)
    }

    /// Reads no more; its thread has ended then.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.cancel.cancel();
        self.bell.ring();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.close();
    }
}

fn not_found(choice: &str, nodes: &[VideoNode]) -> Error {
    let names: Vec<&str> = nodes.iter().map(|n| n.description.as_str()).collect();
    let hint = match nearest(choice, names.iter().copied()).first() {
        Some(name) => format!("did you mean {name:?}?"),
        None if names.is_empty() => "there is none".to_owned(),
        None => format!("there are {}", names.join(", ")),
    };
    Error::new(ErrorKind::DeviceNotFound, format!("PipeWire has no camera {choice:?}")).with_hint(hint)
}

/// Finds the node: its serial number where it is known, and its id.
fn find(choice: &NodeChoice, nodes: &[VideoNode]) -> Result<(Option<u64>, u32)> {
    let (found, called) = match choice {
        NodeChoice::Id(id) => return Ok((nodes.iter().find(|n| n.id == *id).map(|n| n.serial), *id)),
        NodeChoice::Name(name) => (nodes.iter().find(|n| n.name == *name), name.clone()),
        NodeChoice::Serial(serial) => (nodes.iter().find(|n| n.serial == *serial), serial.to_string()),
    };
    found.map(|n| (Some(n.serial), n.id)).ok_or_else(|| not_found(&called, nodes))
}

fn read(
    options: InputOptions,
    cancel: &Cancel,
    bell: &Bell,
    tell: &mut impl FnMut(InputEvent),
    opened: &mut impl FnMut(Result<()>),
) -> Result<()> {
    let connection = Connection::open(options.remote)?;
    let registry = Registry::new(&connection)?;
    if let NodeChoice::Id(id) = options.node {
        // it may go away while the list is read
        registry.watch(id);
    }
    registry.gather(Deadline::after(ANSWER))?;
    let (serial, id) = find(&options.node, &registry.nodes())?;
    registry.watch(id);
    let serial = serial.map(|serial| serial.to_string());
    let by_id = matches!(options.node, NodeChoice::Id(_));
    let mut properties =
        vec![("media.type", "Video"), ("media.category", "Capture"), ("media.role", options.role)];
    // its id alone may mean to a session manager another node that had it before
    properties.extend(serial.as_deref().map(|serial| ("target.object", serial)));
    let wanted: Vec<_> =
        options.encodings.iter().map(|e| formats::wanted(*e, options.size, options.rate)).collect();
    let connect = || -> Result<Stream<'_>> {
        let stream = Stream::new(&connection, "LiveKit", Direction::In, &properties)?;
        stream.connect(if by_id { id } else { ID_ANY }, &wanted)?;
        Ok(stream)
    };
    let mut stream = connect()?;
    opened(Ok(()));

    // set until a format is agreed on for the first time
    let (mut patience, mut link) = (LINK, Some(Deadline::after(LINK)));
    let (mut agreed, mut flowing) = (None, false);
    let (mut reader, mut stamps) = (Reader::default(), Stamps::default());
    while !cancel.is_cancelled() {
        connection.turn(Some(bell), link.map(|link| link.left(LONGEST_LINK)))?;
        link = link.filter(|_| stream.agreed().is_none());
        if link.is_some_and(|link| link.has_passed()) {
            tracing::debug!("PipeWire links the stream to nothing: it is made anew");
            tell(InputEvent::Unlinked);
            // while the old one is there, so that it gets another number
            stream = connect()?;
            patience = (patience * 2).min(LONGEST_LINK);
            link = Some(Deadline::after(patience));
        }
        if registry.is_gone() {
            return Err(Error::new(ErrorKind::DeviceLost, "the camera is gone from PipeWire")
                .with_hint("plug it in again, or start the program again that gives its pictures"));
        }
        stream.check()?;
        if stream.agreed() != agreed {
            agreed = stream.agreed();
            stamps.forget();
            agreed.into_iter().for_each(|agreed| tell(InputEvent::Format(agreed)));
        }
        if stream.take_ready() {
            while let Some((buffer, access)) = stream.dequeue() {
                let picture = agreed.map(|agreed| {
                    // SAFETY: the buffer was dequeued, and the access was found when it was added.
                    unsafe { take(&mut reader, buffer.as_ptr(), &access, &agreed, &mut stamps) }
                });
                stream.queue(buffer);
                match picture {
                    Some(Ok(Some(event))) => tell(event),
                    Some(Err(error)) => tracing::debug!("a picture is left out: {error}"),
                    _ => {}
                }
            }
        }
        if stream.is_streaming() != flowing {
            flowing = !flowing;
            tell(InputEvent::Flowing(flowing));
        }
    }
    Ok(())
}

/// The picture in a buffer, if there is one.
///
/// # Safety
/// The buffer is one of a stream's that was dequeued, and `access` is what was found when it was added.
unsafe fn take(
    reader: &mut Reader,
    buffer: *const super::abi::Buffer,
    access: &[super::buffers::Access],
    agreed: &Agreed,
    stamps: &mut Stamps,
) -> Result<Option<InputEvent>> {
    // SAFETY: as promised by the caller.
    let Ok(time) = (unsafe { producer_time(buffer) }) else { return Ok(None) };
    let time = stamps.place(time, <dyn Clock>::live().now());
    let Some(spec) = agreed.spec() else {
        // SAFETY: as promised by the caller.
        let bytes = unsafe { reader.bytes(buffer, access) };
        return Ok(bytes.map(|bytes| InputEvent::Jpeg(bytes, time)));
    };
    // SAFETY: as promised by the caller.
    let frame = unsafe { reader.frame(buffer, access, spec)? };
    Ok(frame.map(|frame| InputEvent::Frame(frame.publish(time))))
}
