// SPDX-License-Identifier: GPL-2.0-or-later
//! The file under a muxer: written at places, synced, cut. Tests put a log of writes in its place.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use parking_lot::Mutex;

/// A file as a muxer needs it.
pub(crate) trait Storage: Send {
    /// Writes all of `bytes` at byte `at`. After an error some of them may be there.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns once what was written survives a power loss.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

impl Storage for File {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// A storage that is written front to back with an occasional step back, as most containers are. What is written
/// goes to the kernel at once. Clones are the same file.
#[derive(Clone)]
pub(crate) struct Direct(Arc<Mutex<State>>);

struct State {
    storage: Box<dyn Storage>,
    at: u64,
    length: u64,
    /// Whether something was written since it was last asked.
    written: bool,
}

impl Direct {
    pub(crate) fn new(storage: Box<dyn Storage>) -> Self {
        Self(Arc::new(Mutex::new(State { storage, at: 0, length: 0, written: false })))
    }

    /// Empties the file.
    pub(crate) fn clear(&self) -> io::Result<()> {
        self.0.lock().storage.truncate(0)
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.0.lock().length
    }

    /// Whether something was written since the last call.
    pub(crate) fn take_written(&self) -> bool {
        std::mem::take(&mut self.0.lock().written)
    }

    /// Returns once what was written survives a power loss.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.lock().storage.sync()
    }
}

impl Write for Direct {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        let at = state.at;
        state.storage.write_at(at, bytes)?;
        state.at += bytes.len() as u64;
        state.length = state.length.max(state.at);
        state.written = true;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Direct {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut state = self.0.lock();
        let wanted = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => state.at.checked_add_signed(by),
            SeekFrom::End(by) => state.length.checked_add_signed(by),
        };
        state.at = wanted.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(state.at)
    }
}

/// Collects what is written, for whoever takes it. Clones are the same collection.
#[derive(Clone, Default)]
pub(crate) struct Gather(Arc<Mutex<Vec<u8>>>);

impl Gather {
    /// Whether nothing was written since it was last taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// What was written since the last call.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Write for Gather {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
