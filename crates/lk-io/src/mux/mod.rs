// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets to bytes: containers, and the thread that writes one output.

mod container;
pub(crate) mod mp4;
pub(crate) mod path;
pub(crate) mod storage;

#[cfg(test)]
mod tests;

pub use container::{ContainerChoice, FormatInfo, formats};

use crate::av::output::{Container, Safe, is_layout};
use crate::encode::queue::{Load, Queue, Reader, Refused};
use crate::encode::{Packet, StreamInfo, StreamKind};
use lk_media::thread::{self, Thread};
use lk_media::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use storage::Storage;

/// Bytes of packets that may wait for the disk.
const QUEUE_BYTES: u64 = 64 << 20;
/// Time of packets that may wait for the disk, for each stream.
const QUEUE_NANOS: u64 = 4_000_000_000;
/// Bytes kept free for sound when pictures are dropped.
const SOUND_BYTES: u64 = 16 << 20;

/// How an output is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MuxerSettings {
    /// Options of the container ("movflags").
    pub options: Vec<(String, String)>,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
    /// Whether a file can be played at any moment while it is written; None: as the container usually is, which
    /// for MP4 and MOV means not before its end. Without effect on addresses and devices, and on an MP4 whose
    /// layout is given by `options` ("movflags").
    pub crash_safe: Option<CrashSafe>,
    /// Whether packets come in real time: then writing never waits for the disk and drops pictures instead, and a
    /// stream that stands still holds the others up for 500 ms at most.
    pub live: bool,
}

/// How a file is written that can be played at any moment.
///
/// An MP4 or MOV is written in fragments and becomes an ordinary one at the end, in place. Its index is in memory
/// until then: about 4 MB for an hour of 60 fps with sound, 100 MB for a day. Matroska is written in short
/// clusters; everything else packet by packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashSafe {
    /// The media time between two handings over to the system: what is lost if the process is killed.
    pub fragment: Duration,
    /// Whether each fragment is on the disk before the next is written: survives a power loss.
    pub durable: bool,
}

impl Default for CrashSafe {
    fn default() -> Self {
        Self { fragment: Duration::from_millis(250), durable: false }
    }
}

/// What a muxer has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MuxReport {
    /// Bytes of the file; of the packets where there is no file.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets that were dropped because the disk was too slow for a live recording.
    pub dropped: u64,
    /// What one should know of the file, which plays nevertheless.
    pub warning: Option<String>,
}

/// One output and the thread that writes it. Streams are interleaved by decoding time.
pub struct Muxer {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
    path: path::Target,
    kinds: Vec<StreamKind>,
    live: Option<Mutex<Gates>>,
}

/// For each stream of a live recording, whether packets are dropped until the next key frame.
type Gates = Vec<bool>;

struct Shared {
    name: String,
    queue: Queue<(usize, Packet)>,
    error: Mutex<Option<Error>>,
    /// The output after an error, until it is ended.
    broken: Mutex<Option<Container>>,
    warning: Mutex<Option<String>>,
    /// Packets in the queue.
    waiting_nanos: AtomicU64,
    waiting_bytes: AtomicU64,
    bytes: AtomicU64,
    packets: AtomicU64,
    dropped: AtomicU64,
    /// Nanoseconds, i64::MIN for none.
    safe_until: AtomicI64,
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
        let storage = match settings.crash_safe {
            Some(_) if !is_layout(container.format(), &settings.options) => target.open()?,
            _ => None,
        };
        let storage = storage.map(|file| Box::new(file) as Box<dyn Storage>);
        Self::open_on(container, name, streams, settings, target, storage)
    }

    fn open_on(
        container: &ContainerChoice,
        name: &str,
        streams: &[StreamInfo],
        settings: &MuxerSettings,
        target: path::Target,
        storage: Option<Box<dyn Storage>>,
    ) -> Result<Self> {
        let safe = storage.map(|storage| {
            let CrashSafe { fragment, durable } = settings.crash_safe.unwrap_or_default();
            Safe { storage, fragment, durable, live: settings.live }
        });
        let opened =
            Container::open(container.format(), name, target.url(), streams, &settings.options, safe);
        let output = opened.inspect_err(|_| target.discard())?;
        let limit = match settings.live {
            true => Load { units: u64::MAX, bytes: QUEUE_BYTES + SOUND_BYTES },
            false => Load { units: QUEUE_NANOS * streams.len().max(1) as u64, bytes: QUEUE_BYTES },
        };
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            queue: Queue::new(limit),
            error: Mutex::default(),
            broken: Mutex::default(),
            warning: Mutex::default(),
            waiting_nanos: AtomicU64::new(0),
            waiting_bytes: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            packets: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            safe_until: AtomicI64::new(i64::MIN),
        });
        let thread = {
            let shared = shared.clone();
            thread::spawn("lk-mux", move || shared.run(output))?
        };
        let live = settings.live.then(|| Mutex::new(vec![false; streams.len()]));
        let kinds = streams.iter().map(StreamInfo::kind).collect();
        Ok(Self { shared, thread: Mutex::new(Some(thread)), path: target, kinds, live })
    }

    /// Hands over a packet of stream `stream`. While 4 s or 64 MB are not yet written it waits; in a live recording
    /// pictures are dropped instead, up to the next key frame, and sound only when 16 MB of it wait besides. Fails
    /// when writing has failed, with that error.
    pub fn write(&self, stream: usize, packet: Packet) -> Result<()> {
        let load = Load { units: packet.duration().as_nanos() as u64, bytes: packet.len() as u64 };
        if let Some(gates) = &self.live
            && !self.lets_in(&mut gates.lock(), stream, &packet)
        {
            // an error is said also when nothing would be written
            return self.error().map_or(Ok(()), Err);
        }
        self.shared.waiting_nanos.fetch_add(load.units, Ordering::Relaxed);
        self.shared.waiting_bytes.fetch_add(load.bytes, Ordering::Relaxed);
        let pushed = match &self.live {
            Some(_) => self.shared.queue.try_push((stream, packet), load),
            None => self.shared.queue.push((stream, packet), load).map_err(Refused::Closed),
        };
        let Err(refused) = pushed else { return Ok(()) };
        self.shared.taken_out(load);
        match refused {
            Refused::Full(_) => {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Refused::Closed(_) => Err(self.error().unwrap_or_else(|| {
                Error::new(ErrorKind::Closed, format!("{} takes no more packets", self.shared.name))
            })),
        }
    }

    /// Whether a packet of a live recording is taken; counts it if not.
    fn lets_in(&self, gates: &mut Gates, stream: usize, packet: &Packet) -> bool {
        if self.kinds.get(stream) != Some(&StreamKind::Video) {
            return true;
        }
        let Some(gate) = gates.get_mut(stream) else { return true };
        let most = QUEUE_NANOS * self.kinds.len() as u64;
        let full = self.shared.waiting_nanos.load(Ordering::Relaxed) > most
            || self.shared.waiting_bytes.load(Ordering::Relaxed) + packet.len() as u64 > QUEUE_BYTES;
        *gate = full || (*gate && !packet.is_key());
        if *gate {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        !*gate
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.shared.error.lock().clone()
    }

    /// Media time up to which everything is in the file and can be decoded, even if the process is killed now (if
    /// the power fails, where that was asked for). None before anything is, and where nobody can say: without
    /// `crash_safe`, and for addresses and devices.
    pub fn safe_until(&self) -> Option<Duration> {
        let nanos = self.shared.safe_until.load(Ordering::Relaxed);
        (nanos != i64::MIN).then(|| Duration::from_nanos(nanos.max(0) as u64))
    }

    /// Bytes written so far: of the file where it is crash-safe, of the packets elsewhere.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Packets dropped because the disk was too slow for a live recording.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Writes all that waits and the end of the file. Further calls answer the same. After an error the file is
    /// made as whole as it can be, and the answer is that error.
    pub fn finish(&self) -> Result<MuxReport> {
        self.shared.queue.close();
        let mut thread = self.thread.lock();
        if let Some(Err(e)) = thread.take().map(Thread::join) {
            self.shared.error.lock().get_or_insert(e);
        }
        if let Some(output) = self.shared.broken.lock().take() {
            self.shared.end(output);
        }
        drop(thread);
        if let Some(e) = self.error() {
            return Err(e);
        }
        Ok(MuxReport {
            bytes: self.path.len().unwrap_or_else(|| self.bytes()),
            packets: self.shared.packets.load(Ordering::Relaxed),
            dropped: self.dropped(),
            warning: self.shared.warning.lock().clone(),
        })
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
            self.taken_out(Load { units: packet.duration().as_nanos() as u64, bytes: packet.len() as u64 });
            if let Err(e) = output.write(stream, &packet) {
                // before the queue closes, so that whoever is refused finds the reason
                *self.error.lock() = Some(e);
                *self.broken.lock() = Some(output);
                return;
            }
            match output.bytes() {
                Some(bytes) => self.bytes.store(bytes, Ordering::Relaxed),
                None => _ = self.bytes.fetch_add(packet.len() as u64, Ordering::Relaxed),
            }
            self.safe_until.store(output.safe_until().unwrap_or(i64::MIN), Ordering::Relaxed);
            self.packets.fetch_add(1, Ordering::Relaxed);
        }
        self.end(output);
    }

    fn taken_out(&self, load: Load) {
        self.waiting_nanos.fetch_sub(load.units, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(load.bytes, Ordering::Relaxed);
    }

    /// Ends the output; an error that came before stays the one that is told.
    fn end(&self, output: Container) {
        match output.finish() {
            Ok(None) => {}
            Ok(Some(warning)) => {
                tracing::warn!("{}: {warning}", self.name);
                *self.warning.lock() = Some(warning);
            }
            Err(e) => _ = self.error.lock().get_or_insert(e),
        }
    }
}
