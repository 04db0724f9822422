// SPDX-License-Identifier: GPL-2.0-or-later
//! The page under a name: who writes, and an entry for every reader. `docs/ipc-format.md` says the same for people.
//! Readers write to it too, so nothing in it is believed without a look.

use super::PREFIX;
use super::mapping::{self, Map};
use super::object::{Event, Who};
use crate::ipc::layout::VERSION;
use crate::ipc::memory::Region;
use std::io;
use std::os::windows::io::OwnedHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MAGIC: u64 = u64::from_le_bytes(*b"LKDOOR\0\0");
const LEN: usize = 4096;
const FIRST: usize = 64;
const ENTRY: usize = 64;
/// How many readers have room.
pub(super) const ENTRIES: usize = 62;

const WORD_MAGIC: usize = 0;
const WORD_VERSION: usize = 8;
const WORD_PROCESS: usize = 16;
const WORD_BEGUN: usize = 24;
/// Another number for every writer of the name; 0 when there is none.
const WORD_TURN: usize = 32;

/// Words of an entry.
#[derive(Clone, Copy)]
pub(super) enum Word {
    /// The reader's process; 0 in a free entry.
    Process = 0,
    Begun = 8,
    /// The number in the names of the reader's events; 0 until all else is written.
    Reader = 16,
    /// Which turn of the writer the reader came in.
    Turn = 24,
    /// By the writer: the reader's number once it was let in.
    Accepted = 32,
    /// By the writer: grows when the memory below is another, odd while that changes.
    Generation = 40,
    Pictures = 48,
    Leases = 56,
}

/// The page, mapped.
#[derive(Clone)]
pub(super) struct Door(Arc<Region>);

/// Where the objects of a name are.
pub(super) fn name(folder: &str, name: &str, what: &str) -> String {
    format!("{PREFIX}{folder}{name}{what}")
}

/// The event that wakes a reader, and the one by which it says that it goes.
pub(super) fn events(reader: u64) -> [String; 2] {
    [format!("{PREFIX}news.{reader:016x}"), format!("{PREFIX}gone.{reader:016x}")]
}

impl Door {
    /// The writer's: made, or taken over from one that has died and whose readers have not noticed.
    pub fn create(name: &str) -> io::Result<(OwnedHandle, Self)> {
        let (handle, map, _) = mapping::named(name, LEN)?;
        Ok((handle, Self::of(map)?))
    }

    /// A reader's.
    pub fn open(name: &str) -> io::Result<Self> {
        Self::of(mapping::open(name, true)?)
    }

    fn of(map: Map) -> io::Result<Self> {
        if map.len() < LEN {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "another kind of memory has the name"));
        }
        Ok(Self(Arc::new(Region::new(map))))
    }

    fn get(&self, offset: usize) -> u64 {
        self.0.word(offset).load(Ordering::Acquire)
    }

    fn put(&self, offset: usize, value: u64) {
        self.0.word(offset).store(value, Ordering::Release);
    }

    /// Writer: opens it. Whoever read before is out.
    pub fn begin(&self, who: Who, turn: u64) {
        self.end();
        (0..ENTRIES).for_each(|entry| self.free(entry));
        self.put(WORD_VERSION, VERSION);
        self.put(WORD_PROCESS, u64::from(who.process));
        self.put(WORD_BEGUN, who.begun);
        self.put(WORD_MAGIC, MAGIC);
        self.put(WORD_TURN, turn);
    }

    /// Writer: nobody writes any more.
    pub fn end(&self) {
        self.put(WORD_TURN, 0);
    }

    /// Whether it is of a version we know; one that was never opened is.
    pub fn is_known(&self) -> bool {
        matches!((self.get(WORD_MAGIC), self.get(WORD_VERSION)), (0, _) | (MAGIC, VERSION))
    }

    /// The writer, and its turn; None if there is none.
    pub fn writer(&self) -> Option<(Who, u64)> {
        let turn = Some(self.get(WORD_TURN)).filter(|turn| *turn != 0)?;
        let who = Who { process: self.get(WORD_PROCESS) as u32, begun: self.get(WORD_BEGUN) };
        Some((who, turn))
    }

    pub fn word(&self, entry: usize, word: Word) -> &AtomicU64 {
        self.0.word(FIRST + entry * ENTRY + word as usize)
    }

    pub fn read(&self, entry: usize, word: Word) -> u64 {
        self.word(entry, word).load(Ordering::Acquire)
    }

    pub fn write(&self, entry: usize, word: Word, value: u64) {
        self.word(entry, word).store(value, Ordering::Release);
    }

    /// Reader: an entry of its own; None if all are taken.
    pub fn enter(&self, who: Who, reader: u64, turn: u64) -> Option<usize> {
        let process = u64::from(who.process);
        let free = |entry: &usize| {
            let word = self.word(*entry, Word::Process);
            word.compare_exchange(0, process, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let entry = (0..ENTRIES).find(free)?;
        self.write(entry, Word::Begun, who.begun);
        self.write(entry, Word::Turn, turn);
        self.write(entry, Word::Reader, reader);
        Some(entry)
    }

    /// Writer: lets an entry be another reader's.
    pub fn free(&self, entry: usize) {
        for word in [Word::Reader, Word::Accepted, Word::Generation, Word::Pictures, Word::Leases, Word::Turn]
        {
            self.write(entry, word, 0);
        }
        self.write(entry, Word::Begun, 0);
        self.write(entry, Word::Process, 0);
    }

    /// Who has an entry.
    pub fn who(&self, entry: usize) -> Who {
        Who { process: self.read(entry, Word::Process) as u32, begun: self.read(entry, Word::Begun) }
    }
}

/// Makes the event of that name or opens it.
pub(super) fn bell(name: &str) -> io::Result<Event> {
    Event::create(Some(name), false).map(|(event, _)| event)
}
