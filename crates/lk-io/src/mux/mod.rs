// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets to bytes: containers, and the thread that writes one output.

mod container;
pub(crate) mod path;

pub use container::{ContainerChoice, FormatInfo, formats};

use crate::av::output::Container;
use crate::encode::queue::{Load, Queue, Reader};
use crate::encode::{Packet, StreamInfo};
use lk_media::thread::{self, Thread};
use lk_media::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of packets that may wait for the disk.
const QUEUE_BYTES: u64 = 64 << 20;
/// Time of packets that may wait for the disk, for each stream.
const QUEUE_NANOS: u64 = 4_000_000_000;

/// How an output is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MuxerSettings {
    /// Options of the container ("movflags").
    pub options: Vec<(String, String)>,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
}

/// What a muxer has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MuxReport {
    /// Bytes of the file; of the packets where there is no file.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// One output and the thread that writes it. Streams are interleaved by decoding time.
pub struct Muxer {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    path: path::Target,
}

struct Shared {
    name: String,
    queue: Queue<(usize, Packet)>,
    error: Mutex<Option<Error>>,
    bytes: AtomicU64,
    packets: AtomicU64,
}

impl Muxer {
    /// Opens the output, a file's name or an address, and writes its header: what can be wrong with either is an
    /// error here.
    pub fn open(
        container: &ContainerChoice,
        name: &str,
        streams: &[StreamInfo],
        settings: &MuxerSettings,
    ) -> Result<Self> {
        for stream in streams {
            container.check(stream.kind(), stream.codec())?;
        }
        let target = path::Target::prepare(name, settings.overwrite, container.opens_itself())?;
        let opened = Container::open(container.format(), name, target.url(), streams, &settings.options);
        let output = opened.inspect_err(|_| target.discard())?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            queue: Queue::new(Load { units: QUEUE_NANOS * streams.len().max(1) as u64, bytes: QUEUE_BYTES }),
            error: Mutex::default(),
            bytes: AtomicU64::new(0),
            packets: AtomicU64::new(0),
        });
        let thread = {
            let shared = shared.clone();
            thread::spawn("lk-mux", move || shared.run(output))?
        };
        Ok(Self { shared, thread: Mutex::new(Some(thread)), path: target })
    }

    /// Hands over a packet of stream `stream`; waits while 4 s or 64 MB are not yet written. Fails when writing
    /// has failed, with that error.
    pub fn write(&self, stream: usize, packet: Packet) -> Result<()> {
        let load = Load { units: packet.duration().as_nanos() as u64, bytes: packet.len() as u64 };
        self.shared.queue.push((stream, packet), load).map_err(|_| {
            self.error().unwrap_or_else(|| {
                Error::new(ErrorKind::Closed, format!("{} takes no more packets", self.shared.name))
            })
        })
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.shared.error.lock().clone()
    }

    /// Writes all that waits and the end of the file. Further calls answer the same.
    pub fn finish(&self) -> Result<MuxReport> {
        self.shared.queue.close();
        let thread = self.thread.lock().take();
        if let Some(Err(e)) = thread.map(Thread::join) {
            self.shared.error.lock().get_or_insert(e);
        }
        if let Some(e) = self.error() {
            return Err(e);
        }
        let packets = self.shared.packets.load(Ordering::Relaxed);
        let bytes = self.path.len().unwrap_or_else(|| self.shared.bytes.load(Ordering::Relaxed));
        Ok(MuxReport { bytes, packets })
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        if let Err(e) = self.finish() {
            tracing::warn!("{}: {e}", self.shared.name);
        }
    }
}

impl Shared {
    fn run(&self, mut output: Container) {
        let reader = Reader(&self.queue);
        while let Some((stream, packet)) = reader.0.pop() {
            if let Err(e) = output.write(stream, &packet) {
                // before the queue closes, so that whoever is refused finds the reason
                *self.error.lock() = Some(e);
                return;
            }
            self.bytes.fetch_add(packet.len() as u64, Ordering::Relaxed);
            self.packets.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(e) = output.finish() {
            *self.error.lock() = Some(e);
        }
    }
}
