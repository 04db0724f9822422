// SPDX-License-Identifier: GPL-2.0-or-later
//! A stream of sound, in or out, whose blocks are filled or taken on the library's own real-time thread: nothing lies
//! between that and the device but the server's step.
#![allow(unsafe_code)]

use super::abi::{self, Buffer, Chunk, Data, ID_ANY, Stream as Raw, StreamEvents, Time};
use super::connection::{Connection, guard};
use super::formats;
use super::library::Library;
use super::nodes::Registry;
use super::raw_stream::{Condition, Heard as _, RawStream, ended};
use lk_media::clock::Deadline;
use lk_media::{CHANNELS, Clock, Error, ErrorKind, Result, SAMPLE_RATE, Timestamp};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The first version whose streams say how many frames they want.
const VERSION: (u32, u32, u32) = (0, 3, 50);
/// From this version on every client is given real-time threads by its usual settings; before it these are meant for
/// such.
const ALL_REAL_TIME: (u32, u32, u32) = (1, 4, 0);
const REAL_TIME: &str = "client-rt.conf";
/// How long the server may take to answer, and a session manager to link a stream.
const ANSWER: Duration = Duration::from_secs(2);
/// Bytes of a frame.
const FRAME: u32 = (CHANNELS * size_of::<f32>()) as u32;
/// The longest delay that is believed.
const LONGEST: Duration = Duration::from_secs(10);

/// What the classes of devices begin with.
const SPEAKERS: [&str; 2] = ["Audio/Sink", "Audio/Duplex"];
const MICROPHONES: [&str; 2] = ["Audio/Source", "Audio/Duplex"];
/// What a speaker's name is followed by where its monitor is meant.
const MONITOR: &str = ".monitor";

/// When a block is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// When it is asked for, or came.
    pub now: Timestamp,
    /// From then until its first frame is heard, or since its last one was.
    pub delay: Duration,
}

/// What is done with the blocks of a stream, on the library's thread for them: it neither waits nor takes memory.
pub(crate) enum Blocks {
    /// They are filled.
    Play(Fill),
    /// They are taken, as bytes of frames.
    Hear(Take),
}

pub(crate) type Fill = Box<dyn FnMut(&mut [f32], Moment) + Send>;
pub(crate) type Take = Box<dyn FnMut(&[u8], Moment) + Send>;

/// What stream is wanted.
pub(crate) struct SoundOptions<'a> {
    /// What mixers call it.
    pub title: &'a str,
    /// The device, by its node's name; a speaker's may be followed by ".monitor". None is the default one.
    pub device: Option<&'a str>,
    /// The server that has to be meant, by its number for itself.
    pub cookie: u32,
    /// Frames of a step, at most.
    pub step: u32,
}

/// What callbacks write down.
struct Heard {
    library: &'static Library,
    stream: NonNull<Raw>,
    /// Of the thread that has the connection.
    condition: Condition,
    // of the library's thread for blocks
    clock: Arc<dyn Clock>,
    blocks: UnsafeCell<Blocks>,
    /// Whether that thread is at it.
    busy: AtomicBool,
    /// Blocks so far.
    count: AtomicU64,
}

/// A stream of sound of 48 kHz, stereo, float, on a connection of its own.
pub(crate) struct SoundStream {
    // in this order: the stream goes before its connection
    raw: RawStream<Heard>,
    connection: Connection,
}

impl super::raw_stream::Heard for Heard {
    fn condition(&self) -> &Condition {
        &self.condition
    }
}

static EVENTS: StreamEvents = StreamEvents { process: Some(on_process), ..Heard::EVENTS };

unsafe extern "C" fn on_process(data: *mut c_void) {
    // SAFETY: the stream is gone from the library's thread before what it was made with.
    let heard = unsafe { &*data.cast::<Heard>() };
    if !heard.busy.swap(true, Ordering::Acquire) {
        guard(|| heard.process());
        heard.busy.store(false, Ordering::Release);
    }
}

impl Heard {
    fn process(&self) {
        // SAFETY: `busy` lets one in at a time.
        let blocks = unsafe { &mut *self.blocks.get() };
        let moment = Moment { now: self.clock.now(), delay: self.delay() };
        loop {
            // SAFETY: the stream is there while it calls back.
            let buffer = unsafe { (self.library.pw_stream_dequeue_buffer)(self.stream.as_ptr()) };
            let Some(buffer) = NonNull::new(buffer) else { return };
            // SAFETY: it was dequeued just now.
            let done = unsafe { with(buffer, blocks, moment) };
            self.count.fetch_add(u64::from(done), Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { (self.library.pw_stream_queue_buffer)(self.stream.as_ptr(), buffer.as_ptr()) };
            if matches!(blocks, Blocks::Play(_)) {
                return;
            }
        }
    }

    /// Between the stream and the device.
    fn delay(&self) -> Duration {
        let mut time = Time::default();
        // SAFETY: the stream is there; the structure has room for what newer versions add.
        let result = unsafe { (self.library.pw_stream_get_time)(self.stream.as_ptr(), &raw mut time) };
        let delay = u128::try_from(time.delay).unwrap_or(0);
        if result < 0 || time.denom == 0 {
            return Duration::ZERO;
        }
        let nanos = delay * u128::from(time.num) * 1_000_000_000 / u128::from(time.denom);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(LONGEST)
    }
}

/// Fills or takes a buffer; whether there was anything to do so with.
///
/// # Safety
/// The buffer was dequeued and not given back.
unsafe fn with(buffer: NonNull<Buffer>, blocks: &mut Blocks, moment: Moment) -> bool {
    // SAFETY: the library's structures are whole.
    let (data, requested) = unsafe {
        let inner = (*buffer.as_ptr()).buffer;
        if inner.is_null() || (*inner).datas_count == 0 || (*inner).datas.is_null() {
            return false;
        }
        (&*(*inner).datas, (*buffer.as_ptr()).requested)
    };
    if !is_ours(data) {
        return false;
    }
    let room = data.max_size / FRAME;
    match blocks {
        Blocks::Play(fill) => {
            let frames = if requested == 0 { room } else { room.min(requested.min(u64::from(room)) as u32) };
            // SAFETY: the block has room for so many frames, and is aligned.
            let out = unsafe {
                std::slice::from_raw_parts_mut(data.data.cast::<f32>(), frames as usize * CHANNELS)
            };
            fill(out, moment);
            // SAFETY: the chunk is there.
            unsafe {
                *data.chunk = Chunk { offset: 0, size: frames * FRAME, stride: FRAME as i32, flags: 0 }
            };
        }
        Blocks::Hear(take) => {
            // SAFETY: the chunk is there.
            let chunk = unsafe { *data.chunk };
            let offset = chunk.offset.min(data.max_size);
            let size = chunk.size.min(data.max_size - offset);
            // SAFETY: both lie in the block.
            let bytes = unsafe {
                std::slice::from_raw_parts(data.data.cast::<u8>().add(offset as usize), size as usize)
            };
            take(bytes, moment);
        }
    }
    true
}

/// Whether the memory of a block is this process's own, which nobody else can cut off: the library converts sound for
/// streams into such memory.
fn is_ours(data: &Data) -> bool {
    data.kind == abi::DATA_MEM_PTR
        && !data.data.is_null()
        && data.data.cast::<f32>().is_aligned()
        && !data.chunk.is_null()
}

/// A device that was found.
struct Target {
    serial: String,
    is_monitor: bool,
}

fn find(registry: &Registry<'_>, name: &str, is_heard: bool) -> Result<Target> {
    let target = |is_monitor| move |(_, serial)| Target { serial, is_monitor };
    let found = if is_heard {
        let monitor = || registry.sound(name.strip_suffix(MONITOR)?, &SPEAKERS);
        registry.sound(name, &MICROPHONES).map(target(false)).or_else(|| monitor().map(target(true)))
    } else {
        registry.sound(name, &SPEAKERS).map(target(false))
    };
    found.ok_or_else(|| {
        Error::new(ErrorKind::DeviceNotFound, format!("PipeWire has no sound device {name:?}"))
    })
}

impl SoundStream {
    /// Opens a stream and waits until its blocks flow. Errors: Device (no PipeWire, or none that will do),
    /// DeviceNotFound, DeviceLost, Deadline (it is linked to nothing).
    pub fn open(options: &SoundOptions<'_>, blocks: Blocks) -> Result<Self> {
        let deadline = Deadline::after(ANSWER);
        let library = Library::open()?;
        let version = library.version();
        if version < VERSION {
            let (major, minor, micro) = version;
            let message = format!("PipeWire's library {major}.{minor}.{micro} is too old for sound");
            return Err(Error::new(ErrorKind::Device, message));
        }
        let settings = (version < ALL_REAL_TIME).then_some(REAL_TIME);
        let connection = Connection::open_with(settings)?;
        let target = {
            let registry = Registry::new(&connection)?;
            connection.round_trip(deadline)?;
            if connection.cookie() != Some(options.cookie) {
                return Err(Error::new(ErrorKind::Device, "it is another server"));
            }
            let is_heard = matches!(blocks, Blocks::Hear(_));
            options.device.map(|name| find(&registry, name, is_heard)).transpose()?
        };
        let (direction, category) = match blocks {
            Blocks::Play(_) => (abi::DIRECTION_OUTPUT, "Playback"),
            Blocks::Hear(_) => (abi::DIRECTION_INPUT, "Capture"),
        };
        let latency = format!("{}/{SAMPLE_RATE}", options.step);
        let mut properties = vec![
            ("media.type", "Audio"),
            ("media.category", category),
            ("media.name", options.title),
            ("application.name", "LiveKit"),
            ("node.name", "LiveKit"),
            ("node.latency", &latency),
        ];
        if let Some(target) = &target {
            properties.push(("target.object", &target.serial));
            properties.extend(target.is_monitor.then_some(("stream.capture.sink", "true")));
        }
        let raw = RawStream::new(&connection, options.title, &properties, &EVENTS, |stream| Heard {
            library,
            stream,
            condition: Condition::new("the device is gone"),
            clock: <dyn Clock>::live(),
            blocks: UnsafeCell::new(blocks),
            busy: AtomicBool::new(false),
            count: AtomicU64::new(0),
        })?;
        let this = Self { raw, connection };
        let stay = if target.is_some() { abi::FLAG_DONT_RECONNECT } else { 0 };
        let flags = abi::FLAG_AUTOCONNECT | abi::FLAG_MAP_BUFFERS | abi::FLAG_RT_PROCESS | stay;
        this.raw.connect(direction, ID_ANY, flags, &[formats::sound(SAMPLE_RATE)])?;
        while this.count() == 0 {
            if deadline.has_passed() {
                return Err(Error::new(ErrorKind::Deadline, "PipeWire links the stream to nothing"));
            }
            this.turn(deadline.left(Duration::from_millis(5)))?;
        }
        Ok(this)
    }

    /// Blocks so far.
    pub fn count(&self) -> u64 {
        self.raw.heard().count.load(Ordering::Relaxed)
    }

    /// Hears the server for at most `limit`; an error of kind DeviceLost when the stream is over.
    pub fn turn(&self, limit: Duration) -> Result<()> {
        self.connection.turn(None, Some(limit))?;
        self.raw.heard().condition.error().map_or(Ok(()), |why| Err(ended(&why)))
    }
}

impl Drop for SoundStream {
    fn drop(&mut self) {
        // SAFETY: the stream is there. Once it is disconnected, the thread for its blocks has let it go.
        unsafe { (self.raw.library().pw_stream_disconnect)(self.raw.as_ptr()) };
    }
}
