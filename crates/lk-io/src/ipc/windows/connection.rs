// SPDX-License-Identifier: GPL-2.0-or-later
//! What a writer and a reader say to each other. Nothing here waits.
//!
//! The writer says two things: here is the memory (numbers in the reader's entry), and there is a new picture (an
//! event). The reader says that it goes (an event); a process that has ended is noticed anyway.

use super::Waited;
use super::door::{Door, Word};
use super::mapping::Memory;
use super::object::Event;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::sync::atomic::{AtomicU64, Ordering};

/// One end of a connection, and the process at the other.
pub(in crate::ipc) struct Connection {
    pub(super) door: Door,
    pub(super) entry: usize,
    /// The number in the names of the events.
    pub(super) reader: u64,
    pub(super) is_writer: bool,
    /// What we wait for, and what the other side waits for.
    pub(super) messages: Event,
    pub(super) other: Event,
    pub(super) process: Option<OwnedHandle>,
    /// Of the memory that we have heard of.
    pub(super) generation: AtomicU64,
}

/// What came from a writer.
pub(in crate::ipc) enum Received {
    /// The memory, and the page for our leases.
    Memory(Memory, Memory),
    /// There are new pictures.
    #[allow(dead_code)] // the memory itself says that
    Pictures,
    /// Nothing (more) for now.
    Nothing,
    /// The other end has gone, or talks nonsense.
    Closed(Option<&'static str>),
}

impl Connection {
    /// Ready when there is a message, or the other end has hung up.
    pub fn messages(&self) -> Waited<'_> {
        self.messages.waited()
    }

    /// Ready once the process at the other end has ended; None where that cannot be watched.
    pub fn process(&self) -> Option<Waited<'_>> {
        self.process.as_ref().map(AsHandle::as_handle)
    }

    fn is_ours(&self) -> bool {
        self.door.read(self.entry, Word::Reader) == self.reader
    }

    /// Writer: hands the memory out; false if the reader does not take it.
    pub fn send_memory(&self, pictures: &Memory, leases: &Memory) -> bool {
        if !self.is_ours() {
            return false;
        }
        let generation = self.generation.fetch_add(2, Ordering::Relaxed) + 2;
        self.door.write(self.entry, Word::Generation, generation - 1);
        self.door.write(self.entry, Word::Pictures, pictures.id);
        self.door.write(self.entry, Word::Leases, leases.id);
        self.door.write(self.entry, Word::Generation, generation);
        self.other.set();
        true
    }

    /// Writer: says that there is a picture.
    pub fn send_number(&self, _number: u64) {
        self.other.set();
    }

    /// Writer: whether the reader is still there.
    pub fn is_silent(&self) -> bool {
        self.is_ours() && !self.messages.is_set()
    }

    /// Reader: the next message.
    pub fn receive(&self) -> Received {
        let read = |word| self.door.read(self.entry, word);
        let generation = read(Word::Generation);
        let (pictures, leases) = (read(Word::Pictures), read(Word::Leases));
        if !self.is_ours() || self.door.writer().is_none() {
            return Received::Closed(None);
        }
        let is_whole = generation % 2 == 0 && read(Word::Generation) == generation;
        if !is_whole || generation == self.generation.load(Ordering::Relaxed) {
            // what is being written is followed by an event
            return Received::Nothing;
        }
        self.generation.store(generation, Ordering::Relaxed);
        Received::Memory(Memory::of(pictures), Memory::of(leases))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.is_writer && self.is_ours() {
            self.door.free(self.entry);
        }
        self.other.set();
    }
}
