// SPDX-License-Identifier: GPL-2.0-or-later
//! Mapped memory, and pictures in it. All unsafe code of shared memory is here.
#![allow(unsafe_code)]

use super::layout::{Layout, PAGE, PICTURE_WORDS, Picture, Planes, header, size_word};
use super::layout::{MAGIC, VERSION, format_word, plan};
use super::os;
use super::slots;
use lk_media::frame::{HostMemory, HostMemoryMut, PlaneLayout, PlanesMut};
use lk_media::kernel;
use lk_media::thread::Process;
use lk_media::{FrameId, FrameMut, FramePool, FrameSpec, Result, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that another process maps too. Its length cannot change while it is mapped (the file is sealed).
pub(super) struct Region(os::Map);

impl Region {
    /// Mapped memory, page-aligned; of a file that cannot shrink.
    pub fn new(map: os::Map) -> Self {
        Self(map)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The word at a byte offset, which is ours to choose: a multiple of 8 within the memory.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.len(), "a word outside the memory");
        // SAFETY: within the mapping and aligned as just checked (mappings begin at a page). Everybody reaches these
        // words by atomic operations only; where the mapping is read-only, only loads are made.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().add(offset).cast()) }
    }

    fn check(&self, offset: usize, len: usize) {
        assert!(offset.checked_add(len).is_some_and(|end| end <= self.len()), "bytes outside the memory");
    }

    /// Bytes of a picture that nobody writes: a lease, or being the writer, sees to that. A writer that breaks the
    /// protocol changes what the bytes are, which no reader relies on.
    fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        self.check(offset, len);
        // SAFETY: within the mapping as just checked, which lives as long as the borrow.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(offset), len) }
    }

    /// Bytes of a picture, to write.
    ///
    /// # Safety
    /// The mapping is writable, and the caller alone reaches these bytes in this process.
    #[allow(clippy::mut_from_ref)] // that is what the contract is for
    unsafe fn bytes_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        self.check(offset, len);
        // SAFETY: within the mapping as just checked; writable and exclusive as the caller says.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().add(offset), len) }
    }

    /// Copies bytes that may be written meanwhile; what comes out is checked by their sequence afterwards.
    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        self.check(offset, to.len());
        // SAFETY: within the mapping as just checked, and private memory on the other side. Bytes written meanwhile
        // by another process give a mixture of bytes, which is thrown away.
        unsafe { kernel::copy_from(self.0.as_ptr().add(offset), to) };
    }

    fn is_within(&self, pointer: *const u8) -> Option<usize> {
        let offset = (pointer as usize).checked_sub(self.0.as_ptr() as usize)?;
        (offset < self.len()).then_some(offset)
    }
}

/// The memory as its writer has it.
pub(super) struct Own {
    region: Region,
    layout: Layout,
    /// Slots whose memory is in use in this process, a bit each.
    held: AtomicU64,
}

impl Own {
    /// Writes the header of fresh memory, which is as long as the layout says and zero.
    pub fn new(region: Region, layout: Layout, nominal: FrameSpec) -> Self {
        let put = |offset, value: u64| region.word(offset).store(value, Ordering::Relaxed);
        put(header::VERSION, VERSION);
        put(header::SLOTS, layout.slots as u64);
        put(header::COPY_ONLY, layout.copy_only as u64);
        put(header::SLOT_BYTES, layout.slot_bytes as u64);
        put(header::DATA, layout.data(0) as u64);
        put(header::PROCESS, u64::from(std::process::id()));
        put(header::SIZE, size_word(nominal.size));
        put(header::FORMAT, format_word(nominal));
        region.word(header::MAGIC).store(MAGIC, Ordering::Release);
        Self { region, layout, held: AtomicU64::new(0) }
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Slots whose memory is in use in this process.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Acquire)
    }

    /// Claims a slot that is not in use here; `leased` looks at the readers.
    /// `shows` is the picture in it, if it is one of `spec`.
    pub fn claim(
        self: &Arc<Self>,
        slot: usize,
        spec: FrameSpec,
        shows: Option<FrameId>,
        leased: impl FnOnce() -> bool,
    ) -> Option<FrameMut> {
        let sequence = self.region.word(self.layout.entry(slot));
        if self.held() & (1 << slot) != 0 || !slots::claim(sequence, leased) {
            return None;
        }
        self.held.fetch_or(1 << slot, Ordering::AcqRel);
        let (planes, _) = plan(spec.format, spec.size);
        let memory = OwnSlot { memory: self.clone(), slot, planes, shows };
        FrameMut::new(spec, Box::new(memory)).ok()
    }

    /// The slot a picture lies in, and whether it has yet to be shown.
    pub fn slot_of(&self, pointer: *const u8) -> Option<(usize, bool)> {
        let offset = self.region.is_within(pointer)?.checked_sub(self.layout.data(0))?;
        let slot = offset / self.layout.slot_bytes;
        let sequence = self.region.word(self.layout.entry(slot)).load(Ordering::Relaxed);
        Some((slot, slots::number_of(sequence).is_none()))
    }

    /// Shows the picture in a slot that was claimed.
    pub fn publish(&self, slot: usize, number: u64, picture: Picture) {
        let entry = self.layout.entry(slot);
        for (index, word) in picture.to_words().into_iter().enumerate() {
            self.region.word(entry + 8 + 8 * index).store(word, Ordering::Relaxed);
        }
        slots::publish(self.region.word(entry), number);
        self.region.word(header::NEWEST).store(number << 8 | slot as u64, Ordering::Release);
    }
}

/// A slot in the hands of its writer.
struct OwnSlot {
    memory: Arc<Own>,
    slot: usize,
    planes: Planes,
    shows: Option<FrameId>,
}

impl OwnSlot {
    fn range(&self, plane: usize) -> (usize, usize) {
        let (offset, layout) = self.planes[plane];
        (self.memory.layout.data(self.slot) + offset, layout.stride * layout.rows)
    }
}

impl HostMemory for OwnSlot {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.planes[plane].1
    }

    fn plane(&self, plane: usize) -> &[u8] {
        let (offset, len) = self.range(plane);
        self.memory.region.bytes(offset, len)
    }
}

impl HostMemoryMut for OwnSlot {
    fn plane_mut(&mut self, plane: usize) -> &mut [u8] {
        let (offset, len) = self.range(plane);
        // SAFETY: the writer's mapping is writable; the slot's bit in `held` gives its bytes to this value alone, of
        // which the caller has the exclusive borrow.
        unsafe { self.memory.region.bytes_mut(offset, len) }
    }

    fn planes_mut(&mut self) -> PlanesMut<'_> {
        let planes = (0..self.planes.len()).map(|plane| self.range(plane)).filter(|(_, len)| *len > 0);
        // SAFETY: as in `plane_mut`; planes do not overlap.
        planes.map(|(offset, len)| unsafe { self.memory.region.bytes_mut(offset, len) }).collect()
    }

    fn shows(&self) -> Option<FrameId> {
        self.shows
    }
}

impl Drop for OwnSlot {
    fn drop(&mut self) {
        self.memory.held.fetch_and(!(1 << self.slot), Ordering::AcqRel);
    }
}

/// The memory as a reader has it, with its page of leases.
pub(super) struct Seen {
    region: Region,
    layout: Layout,
    leases: Region,
    /// Slots we hold leases on.
    held: AtomicU64,
    process: Process,
}

impl Seen {
    /// None if the memory is not laid out as it has to be.
    pub fn new(region: Region, leases: Region) -> Option<Self> {
        if leases.len() < PAGE || region.len() < 2 * PAGE {
            return None;
        }
        let word = |offset| region.word(offset).load(Ordering::Acquire);
        let layout = Layout::read(word, region.len())?;
        Some(Self { region, layout, leases, held: AtomicU64::new(0), process: Process::here() })
    }

    /// What pictures will be, if the writer says so.
    pub fn nominal(&self) -> Option<FrameSpec> {
        let word = |offset| self.region.word(offset).load(Ordering::Relaxed);
        super::layout::spec_of(word(header::SIZE), word(header::FORMAT))
    }

    /// The writer's process by its own account.
    pub fn process(&self) -> u64 {
        self.region.word(header::PROCESS).load(Ordering::Relaxed)
    }

    /// The number of the newest picture; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.region.word(header::NEWEST).load(Ordering::Acquire) >> 8
    }

    /// Leases that we have.
    pub fn held(&self) -> u32 {
        self.held.load(Ordering::Relaxed).count_ones()
    }

    /// Pictures with numbers above `number` and their slots, the oldest first.
    pub fn since(&self, number: u64) -> Vec<(u64, usize)> {
        let sequence = |slot| self.region.word(self.layout.entry(slot)).load(Ordering::Acquire);
        let all = (0..self.layout.slots).filter_map(|slot| Some((slots::number_of(sequence(slot))?, slot)));
        let mut found: Vec<_> = all.filter(|(n, _)| *n > number).collect();
        found.sort_unstable();
        found
    }

    fn picture(&self, slot: usize) -> Option<Picture> {
        let entry = self.layout.entry(slot);
        let mut words = [0; PICTURE_WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.region.word(entry + 8 + 8 * index).load(Ordering::Relaxed);
        }
        Picture::from_words(&words, self.layout.slot_bytes)
    }

    /// When picture `number` is due; None if it is gone or makes no sense.
    pub fn timestamp(&self, slot: usize, number: u64) -> Option<Timestamp> {
        let sequence = self.region.word(self.layout.entry(slot));
        slots::copy(sequence, number, || self.picture(slot)).flatten().map(|picture| picture.timestamp)
    }

    /// Picture `number` in its slot, kept there for as long as the memory is held. None if it is gone, makes no
    /// sense, or cannot be leased.
    pub fn lease(self: &Arc<Self>, slot: usize, number: u64) -> Option<(Picture, Box<dyn HostMemory>)> {
        let bit = 1 << slot;
        if !self.layout.can_be_leased(slot) || self.held.load(Ordering::Acquire) & bit != 0 {
            return None;
        }
        let sequence = self.region.word(self.layout.entry(slot));
        if !slots::lease(sequence, self.leases.word(0), bit, number) {
            return None;
        }
        self.held.fetch_or(bit, Ordering::Relaxed);
        // what is made here gives the lease back
        let mut memory = SeenSlot { memory: self.clone(), slot, planes: plan_of_nothing() };
        let picture = self.picture(slot)?;
        memory.planes = picture.planes;
        Some((picture, Box::new(memory)))
    }

    /// A copy of picture `number`; `Ok(None)` if it is gone or makes no sense.
    pub fn copy(&self, slot: usize, number: u64) -> Result<Option<(Picture, FrameMut)>> {
        let sequence = self.region.word(self.layout.entry(slot));
        let Some(Some(picture)) = slots::copy(sequence, number, || self.picture(slot)) else {
            return Ok(None);
        };
        let mut frame = FramePool::shared().frame(picture.spec)?;
        let whole = slots::copy(sequence, number, || {
            for (plane, (offset, layout)) in frame.planes_mut().iter_mut().zip(picture.planes) {
                let start = self.layout.data(slot) + offset;
                if plane.stride == layout.stride {
                    self.region.copy_out(start, plane.data);
                    continue;
                }
                for y in 0..plane.rows {
                    self.region.copy_out(start + y * layout.stride, plane.row_mut(y));
                }
            }
        });
        Ok(whole.map(|()| (picture, frame)))
    }
}

fn plan_of_nothing() -> Planes {
    [(0, PlaneLayout { stride: 0, rows: 0 }); 3]
}

/// A slot that a reader has leased.
struct SeenSlot {
    memory: Arc<Seen>,
    slot: usize,
    planes: Planes,
}

impl HostMemory for SeenSlot {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.planes[plane].1
    }

    fn plane(&self, plane: usize) -> &[u8] {
        let (offset, layout) = self.planes[plane];
        self.memory.region.bytes(self.memory.layout.data(self.slot) + offset, layout.stride * layout.rows)
    }
}

impl Drop for SeenSlot {
    fn drop(&mut self) {
        // a forked child has the mapping too, but the lease is its parent's
        if self.memory.process.is_this() {
            slots::release(self.memory.leases.word(0), 1 << self.slot);
            self.memory.held.fetch_and(!(1 << self.slot), Ordering::Release);
        }
    }
}

/// The page of leases of a reader, as the writer has it. What is in it is the reader's doing.
pub(super) struct Leases(Region);

impl Leases {
    /// A page.
    pub fn new(page: Region) -> Self {
        Self(page)
    }

    /// The slots the reader holds.
    pub fn held(&self) -> u64 {
        slots::leases(self.0.word(0))
    }
}
