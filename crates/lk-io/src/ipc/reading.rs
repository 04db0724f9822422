// SPDX-License-Identifier: GPL-2.0-or-later
//! The reader's side of the memory: new pictures are taken one after the other, each once.

use super::layout::Picture;
use super::memory::Seen;
use super::os::{self, Connection, Received};
use lk_media::clock::Deadline;
use lk_media::{Frame, Result, Timestamp, VideoPort, VideoTarget};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Leases that a reader takes at a time: what a port keeps, and a few views of the user's. With more it copies, so
/// that nobody who hoards takes the slots of all.
const MAX_LEASES: u32 = 12;
/// Pictures that were there before us and are taken.
const CATCH_UP: usize = 8;
/// Timestamps further from now than this are of another clock (an offline run); such pictures are due at once.
const FAR: Duration = Duration::from_secs(10);
/// How long a writer that is only looked at may take to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// Counts of a source.
#[derive(Default)]
pub(super) struct Counts {
    pub frames: AtomicU64,
    pub copied: AtomicU64,
    pub lost: AtomicU64,
    pub writers: AtomicU64,
}

/// Maps what a writer hands out.
pub(super) fn open(pictures: &os::Memory, leases: &os::Memory) -> Result<Seen, String> {
    let open = || Ok((os::open_pictures(pictures)?, os::open_leases(leases)?));
    let (pictures, leases) = open().map_err(|e: lk_media::Error| e.message().to_owned())?;
    Seen::new(pictures, leases)
        .ok_or_else(|| "what the writer hands out is laid out in another way".to_owned())
}

/// The memory of a writer, to see what it shares.
pub(super) fn look(connection: &Connection) -> Option<Seen> {
    let deadline = Deadline::after(ANSWER);
    loop {
        match connection.receive() {
            Received::Memory(pictures, leases) => return open(&pictures, &leases).ok(),
            Received::Closed(_) => return None,
            Received::Pictures => {}
            Received::Nothing if deadline.has_passed() => return None,
            Received::Nothing => drop(os::wait(&[connection.messages()], Some(deadline.left(ANSWER)))),
        }
    }
}

/// Where a reader stands in a writer's memory.
pub(super) struct Reading {
    seen: Arc<Seen>,
    /// The number of the last picture taken or lost.
    last: u64,
    retractions: Option<u64>,
}

impl Reading {
    pub fn new(seen: Arc<Seen>) -> Self {
        Self { seen, last: 0, retractions: None }
    }

    /// Takes what is new into `port`; how many pictures that were. `now` is the live clock.
    pub fn take(&mut self, port: &VideoPort, counts: &Counts, now: Timestamp) -> u64 {
        let mut taken = 0;
        // what is overwritten before it is taken has a successor; a writer in a frenzy is not followed for ever
        for _ in 0..4 {
            let new = self.seen.since(self.last);
            if new.is_empty() {
                break;
            }
            let first = if self.last == 0 { self.first_due(&new, now) } else { 0 };
            for (number, slot) in &new[first.max(new.len().saturating_sub(CATCH_UP))..] {
                let got = self.frame(*slot, *number, now, counts);
                let missed = if self.last == 0 { 0 } else { number - self.last - 1 };
                counts.lost.fetch_add(missed + u64::from(got.is_none()), Ordering::Relaxed);
                self.last = *number;
                let Some((picture, frame)) = got else { continue };
                if self.retractions.is_some_and(|n| n != picture.retractions) {
                    port.retract(near(picture.retracted_from, now));
                }
                self.retractions = Some(picture.retractions);
                // who sees it finds it counted
                counts.frames.fetch_add(1, Ordering::Relaxed);
                port.publish(frame);
                taken += 1;
            }
        }
        taken
    }

    /// Who comes late begins with the newest picture that is due: older ones would only be seen for a moment.
    fn first_due(&self, pictures: &[(u64, usize)], now: Timestamp) -> usize {
        let is_due = |(number, slot): &(u64, usize)| {
            self.seen.timestamp(*slot, *number).is_some_and(|time| near(time, now).is_due(now))
        };
        pictures.iter().rposition(is_due).unwrap_or(0)
    }

    fn frame(&self, slot: usize, number: u64, now: Timestamp, counts: &Counts) -> Option<(Picture, Frame)> {
        if self.seen.held() < MAX_LEASES
            && let Some((picture, memory)) = self.seen.lease(slot, number)
        {
            let frame = Frame::from_memory(picture.spec, memory, near(picture.timestamp, now)).ok()?;
            return Some((picture, frame));
        }
        match self.seen.copy(slot, number) {
            Ok(Some((picture, frame))) => {
                counts.copied.fetch_add(1, Ordering::Relaxed);
                Some((picture, frame.publish(near(picture.timestamp, now))))
            }
            Ok(None) => None,
            Err(e) => {
                tracing::debug!("a shared picture is left out: {e}");
                None
            }
        }
    }
}

/// A time on the live clock, if it can be one; else now.
fn near(time: Timestamp, now: Timestamp) -> Timestamp {
    if time.nanos_since(now).unsigned_abs() > FAR.as_nanos() as u64 { now } else { time }
}
