// SPDX-License-Identifier: GPL-2.0-or-later
//! The writer's side of the memory: which slot comes next, and who is told.

use super::layout::{Layout, MAX_SLOTS, Picture, plan};
use super::memory::{Leases, Own};
use super::os::{self, Connection};
use lk_media::{Error, Frame, FrameId, FrameMut, FrameSpec, Result, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;

/// Pictures that stay readable for those who come late, if there is a slot that nobody needs.
const HISTORY: u64 = 4;

/// A reader.
pub(super) struct Link {
    pub connection: Arc<Connection>,
    leases: Leases,
}

/// All readers that are there.
pub(super) type Links = Mutex<Vec<Arc<Link>>>;

/// Memory, and what was written to it.
pub(super) struct Writing {
    memory: Arc<Own>,
    file: os::Memory,
    /// What is shared: format, size and, for pictures to come, the rest.
    pub nominal: FrameSpec,
    /// The number of the picture in each slot.
    shown: [u64; MAX_SLOTS],
    /// Which frame that was, for who renders something like it.
    frames: [Option<(FrameId, FrameSpec)>; MAX_SLOTS],
    newest: u64,
    /// Slots that were ever written: the others take no memory yet.
    touched: usize,
    retractions: u64,
    retracted_from: Timestamp,
}

impl Writing {
    /// Fresh memory for pictures of a size and format.
    pub fn new(nominal: FrameSpec) -> Result<Self> {
        let layout = Layout::of(nominal.format, nominal.size);
        let os::Shared { file, region } = os::pictures(&layout)?;
        Ok(Self {
            memory: Arc::new(Own::new(region, layout, nominal)),
            file,
            nominal,
            shown: [0; MAX_SLOTS],
            frames: [None; MAX_SLOTS],
            newest: 0,
            touched: 0,
            retractions: 0,
            retracted_from: Timestamp::ZERO,
        })
    }

    /// Lets a reader in: it gets the memory and a page for its leases. False if it does not take them.
    pub fn admit(&self, links: &Links, connection: Arc<Connection>) -> Result<bool> {
        let os::Shared { file, region } = os::lease_page()?;
        let link = Arc::new(Link { connection, leases: Leases::new(region) });
        // its leases count before it can take any
        links.lock().push(link.clone());
        let taken = link.connection.send_memory(&self.file, &file);
        if !taken {
            links.lock().retain(|other| !Arc::ptr_eq(other, &link));
        }
        Ok(taken)
    }

    /// A slot to write a picture into; None if this program itself holds all that readers leave.
    pub fn claim(&mut self, links: &Links, spec: FrameSpec) -> Option<FrameMut> {
        let held = |slot: usize| links.lock().iter().any(|link| link.leases.held() & (1 << slot) != 0);
        let leased = links.lock().iter().fold(0, |all, link| all | link.leases.held());
        let layout = self.memory.layout();
        let mut busy = leased & layout.leasable() | self.memory.held();
        loop {
            let slot = self.next_slot(&layout, busy)?;
            let in_use = || layout.can_be_leased(slot) && held(slot);
            let shows = self.frames[slot].filter(|(_, before)| *before == spec).map(|(id, _)| id);
            if let Some(frame) = self.memory.claim(slot, spec, shows, in_use) {
                self.shown[slot] = 0;
                self.frames[slot] = None;
                self.touched = self.touched.max(slot + 1);
                return Some(frame);
            }
            // a reader has just taken it
            busy |= 1 << slot;
        }
    }

    /// The slot with the oldest picture that nobody needs: first among those that were written before, so that no
    /// more memory is taken than needed, and at last among those that readers cannot hold.
    fn next_slot(&self, layout: &Layout, busy: u64) -> Option<usize> {
        let leasable = layout.slots - layout.copy_only;
        let oldest = |slots: std::ops::Range<usize>, history: u64| {
            let keep = |n: u64| n > 0 && n + history > self.newest;
            let free = slots.filter(|slot| busy & (1 << slot) == 0 && !keep(self.shown[*slot]));
            free.min_by_key(|slot| self.shown[*slot])
        };
        let touched = self.touched.min(leasable);
        oldest(0..touched, HISTORY)
            .or_else(|| oldest(touched..leasable, HISTORY))
            .or_else(|| oldest(0..leasable, 1))
            .or_else(|| oldest(leasable..layout.slots, 1))
    }

    /// The slot that a frame was rendered into, and whether it has yet to be shown.
    pub fn slot_of(&self, frame: &Frame) -> Option<(usize, bool)> {
        self.memory.slot_of(frame.map_native().plane(0).data.as_ptr())
    }

    /// Shows a frame that was written to `slot`, and tells the readers.
    pub fn publish(&mut self, links: &Links, slot: usize, frame: &Frame) {
        let (spec, timestamp) = (frame.spec(), frame.timestamp());
        let planes = plan(spec.format, spec.size).0;
        let (retractions, retracted_from) = (self.retractions, self.retracted_from);
        self.newest += 1;
        self.shown[slot] = self.newest;
        self.frames[slot] = Some((frame.id(), spec));
        self.memory.publish(
            slot,
            self.newest,
            Picture { spec, timestamp, planes, retractions, retracted_from },
        );
        links.lock().iter().for_each(|link| link.connection.send_number(self.newest));
    }

    /// Pictures shown so far that are not due at `from` are not to be shown: readers hear of it with the next one.
    pub fn retract(&mut self, from: Timestamp) {
        self.retractions += 1;
        self.retracted_from = from;
    }

    /// An error where the format and the size do not go together.
    pub fn check(spec: FrameSpec) -> Result<()> {
        lk_media::Size::checked(spec.size.width, spec.size.height)?;
        spec.format.check_even(spec.size)
    }
}

/// The error of a target without a slot.
pub(super) fn no_slot(name: &str) -> Error {
    Error::new(lk_media::ErrorKind::Memory, format!("this program holds all the memory of {name}"))
        .with_hint("let frames go that were made in it")
}
