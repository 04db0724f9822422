// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera of our own: a node that any program finds among the cameras.
#![allow(unsafe_code)]

use super::abi::{ID_ANY, MetaHeader};
use super::buffers;
use super::connection::{ANSWER, Connection};
use super::formats::{self, Encoding};
use super::nodes::Registry;
use super::stream::{Direction, Stream};
use crate::bell::Bell;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Process, Thread};
use lk_media::{
    Cancel, Clock, Error, ErrorKind, Frame, FrameRate, FrameSpec, PixelFormat, Result, Size, TargetStatistics,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// So often a server that went away is looked for.
const AGAIN: Duration = Duration::from_millis(250);

/// What a node is to be.
#[derive(Clone, Debug)]
pub struct OutputOptions {
    /// The name programs know it by: the same every time.
    pub name: String,
    /// What people call it.
    pub description: String,
    /// The size of its pictures.
    pub size: Size,
    /// How many come in a second.
    pub rate: FrameRate,
    /// What they may be, the best first; who reads chooses. See [`OutputOptions::FORMATS`].
    pub formats: Vec<PixelFormat>,
}

impl OutputOptions {
    /// Formats that between them every program takes.
    pub const FORMATS: [PixelFormat; 7] = [
        PixelFormat::Yuy2,
        PixelFormat::I420,
        PixelFormat::Nv12,
        PixelFormat::Bgra,
        PixelFormat::Rgba,
        PixelFormat::Rgb,
        PixelFormat::Bgr,
    ];

    fn check(&self) -> Result<()> {
        Size::checked(self.size.width, self.size.height)?;
        if self.name.trim().is_empty() {
            return Err(Error::parameter("a camera has a name that is not empty"));
        }
        if self.formats.is_empty() {
            return Err(Error::parameter("a camera offers at least one format"));
        }
        Ok(())
    }
}

/// How a node is.
#[derive(Clone, Debug)]
pub enum OutputState {
    /// Programs can find it.
    There,
    /// The server went away, for this reason; it is there again once the server is.
    Lost(Error),
}

struct Shared {
    options: OutputOptions,
    next: Mutex<Option<Frame>>,
    state: Mutex<OutputState>,
    statistics: Mutex<TargetStatistics>,
    format: Mutex<Option<PixelFormat>>,
    consumers: AtomicUsize,
    cancel: Cancel,
    bell: Bell,
}

/// A node that gives pictures to whoever reads it: nobody, one, several, come and gone as they like. It is made anew
/// when the server was restarted, and gone when this is dropped.
///
/// A picture goes out when it is shown: the rhythm is the caller's. Programs that read it at a time get pictures of one
/// format, the first's.
pub struct Output {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

impl Output {
    /// Makes the node; other programs find it from then on. An error of kind Device where there is no PipeWire.
    pub fn open(options: OutputOptions) -> Result<Self> {
        options.check()?;
        let shared = Arc::new(Shared {
            options,
            next: Mutex::default(),
            state: Mutex::new(OutputState::There),
            statistics: Mutex::default(),
            format: Mutex::default(),
            consumers: AtomicUsize::new(0),
            cancel: Cancel::new(),
            bell: Bell::new()?,
        });
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let thread = {
            let shared = shared.clone();
            thread::spawn("lk-pw-output", move || {
                let mut first = Some(sender);
                while !shared.cancel.is_cancelled() {
                    let mut opened = || {
                        *shared.state.lock() = OutputState::There;
                        first.take().into_iter().for_each(|sender| drop(sender.send(Ok(()))));
                    };
                    let Err(error) = give(&shared, &mut opened) else { continue };
                    shared.consumers.store(0, Ordering::Relaxed);
                    *shared.format.lock() = None;
                    if let Some(sender) = first.take() {
                        drop(sender.send(Err(error)));
                        return;
                    }
                    let was_there = matches!(*shared.state.lock(), OutputState::There);
                    if was_there {
                        tracing::warn!("{}: {error}", shared.options.description);
                        *shared.state.lock() = OutputState::Lost(error);
                    }
                    if !shared.cancel.is_cancelled() {
                        shared.bell.wait(AGAIN);
                    }
                }
            })?
        };
        let this = Self { shared, thread: Mutex::new(Some(thread)), process: Process::here() };
        receiver.recv().map_err(|_| Error::internal("a PipeWire stream was not opened"))??;
        Ok(this)
    }

    /// What it is.
    pub fn options(&self) -> &OutputOptions {
        &self.shared.options
    }

    /// Shows a picture of its size to whoever reads; of any format, converted if it has to be, once. Never waits: a
    /// picture that comes before the last one went out replaces it, and is counted as dropped, as is one that no reader
    /// had room for. Nothing is done while nobody reads.
    pub fn show(&self, picture: &Frame) -> Result<()> {
        let shared = &self.shared;
        if shared.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Closed, format!("{} is closed", shared.options.description)));
        }
        if picture.size() != shared.options.size {
            return Err(Error::format(format!(
                "{} shows pictures of {}, not of {}",
                shared.options.description,
                shared.options.size,
                picture.size()
            )));
        }
        if self.format().is_none() {
            return Ok(());
        }
        let before = shared.next.lock().replace(picture.clone());
        shared.statistics.lock().dropped += u64::from(before.is_some());
        shared.bell.ring();
        Ok(())
    }

    /// What pictures are to be, while somebody reads them.
    pub fn format(&self) -> Option<PixelFormat> {
        *self.shared.format.lock()
    }

    /// How many programs read it.
    pub fn consumers(&self) -> usize {
        self.shared.consumers.load(Ordering::Relaxed)
    }

    /// Whether programs can find it.
    pub fn state(&self) -> OutputState {
        self.shared.state.lock().clone()
    }

    /// Pictures that went out, and those that did not.
    pub fn statistics(&self) -> TargetStatistics {
        *self.shared.statistics.lock()
    }

    /// Takes the node away.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.shared.cancel.cancel();
        self.shared.bell.ring();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.close();
    }
}

/// Keeps the node until it is told to end, or the server goes away.
fn give(shared: &Shared, opened: &mut impl FnMut()) -> Result<()> {
    let deadline = Deadline::after(ANSWER);
    let options = &shared.options;
    let connection = Connection::open(None)?;
    let registry = Registry::new(&connection)?;
    let properties = [
        ("media.class", "Video/Source"),
        ("media.type", "Video"),
        ("media.role", "Camera"),
        ("node.name", options.name.as_str()),
        ("node.description", options.description.as_str()),
        ("node.virtual", "true"),
    ];
    let stream = Stream::new(&connection, &options.description, Direction::Out, &properties)?;
    let offers: Vec<_> = options
        .formats
        .iter()
        .map(|format| formats::wanted(Encoding::opaque(*format), Some(options.size), Some(options.rate)))
        .collect();
    stream.connect(ID_ANY, &offers)?;
    while !(stream.is_there() && registry.has(stream.id())) {
        if deadline.has_passed() {
            return Err(Error::new(ErrorKind::Deadline, "PipeWire does not take the camera").with_hint(
                "it may be stopped or overloaded: systemctl --user restart pipewire wireplumber",
            ));
        }
        if shared.cancel.is_cancelled() {
            return Ok(());
        }
        connection.turn(Some(&shared.bell), Some(deadline.left(ANSWER)))?;
        stream.check()?;
    }
    let mut sequence = 0;
    opened();
    while !shared.cancel.is_cancelled() {
        connection.turn(Some(&shared.bell), None)?;
        stream.check()?;
        shared.consumers.store(registry.links_from(stream.id()), Ordering::Relaxed);
        let spec = stream.agreed().filter(|_| stream.is_streaming()).and_then(|agreed| agreed.spec());
        *shared.format.lock() = spec.map(|spec| spec.format);
        let next = shared.next.lock().take();
        if let (Some(spec), Some(frame)) = (spec, next) {
            let went = send(&stream, &frame, spec, sequence).inspect_err(|e| tracing::debug!("{e}"));
            let mut statistics = shared.statistics.lock();
            if went.unwrap_or(false) {
                sequence += 1;
                statistics.frames += 1;
            } else {
                statistics.dropped += 1;
            }
        }
    }
    Ok(())
}

/// Has a picture go out; false if no buffer is free.
fn send(stream: &Stream, frame: &Frame, spec: FrameSpec, sequence: u64) -> Result<bool> {
    let picture = frame.convert(spec)?;
    let Some((buffer, access)) = stream.dequeue() else { return Ok(false) };
    let map = picture.map_native();
    let planes: Vec<_> = (0..spec.format.planes()).map(|index| map.plane(index)).collect();
    let pts = <dyn Clock>::live().now().as_nanos();
    let header = MetaHeader { flags: 0, offset: 0, pts, dts_offset: 0, seq: sequence };
    // SAFETY: the buffer was dequeued, and the access was found when it was added.
    let filled = unsafe { buffers::fill(buffer.as_ptr(), &access, &spec, &planes, header) };
    stream.queue(buffer);
    if filled {
        stream.trigger();
    }
    Ok(filled)
}
