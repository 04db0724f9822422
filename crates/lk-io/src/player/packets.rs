// SPDX-License-Identifier: GPL-2.0-or-later
//! What lies between the demuxer and the decoders: two bounded queues of packets, and where to read next.

use crate::av::decode::Decoder;
use crate::av::demux::MediaPacket;
use crate::av::input::Medium;
use lk_media::Wake;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// The demuxer rests when every queue holds so much time,
const ENOUGH_NANOS: i64 = 4_000_000_000;
/// or all together so many bytes,
const MOST_BYTES: usize = 64 << 20;
/// or one of them so many packets.
const MOST_PACKETS: usize = 8192;

/// A place the demuxer is sent to. Every going there has a serial number of its own, higher than all before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) serial: u64,
    /// Media time in nanoseconds.
    pub(super) to: i64,
    /// How often something too late was found there.
    pub(super) attempt: usize,
}

/// Where packets that follow come from.
pub(super) enum Start {
    /// They go on where the decoders were primed.
    Primed,
    /// From somewhere at or before the place of that attempt.
    Sought(usize),
    /// From the start of the media, opened again: with the new decoder of the sound.
    Opened(Option<Decoder>),
}

/// What waits in a queue.
pub(super) enum Item {
    /// A lap of the media begins; laps count from each going to a place.
    Begin {
        lap: i64,
        start: Start,
    },
    Packet(MediaPacket),
    /// The lap is over.
    End,
}

/// The answer to a decoder that wants something.
pub(super) enum Popped {
    Item(Item),
    /// There is nothing yet.
    Empty,
    /// The place is another by now.
    Moved,
}

#[derive(Default)]
struct Lane {
    used: bool,
    items: VecDeque<Item>,
    /// Times of the packet taken last and the one that came last.
    span: Option<(i64, i64)>,
}

#[derive(Default)]
struct State {
    serial: u64,
    command: Option<Place>,
    lanes: [Lane; 2],
    bytes: usize,
}

/// The queues.
pub(super) struct Packets {
    state: Mutex<State>,
    /// Rung for the demuxer, the pictures and the sound.
    pub(super) demuxer: Wake,
    wakes: [Wake; 2],
}

fn index(medium: Medium) -> usize {
    match medium {
        Medium::Video => 0,
        Medium::Audio => 1,
    }
}

impl Lane {
    fn nanos(&self) -> i64 {
        self.span.map_or(0, |(from, to)| to - from)
    }

    fn has_packets(&self) -> bool {
        self.items.iter().any(|i| matches!(i, Item::Packet(_)))
    }
}

impl Packets {
    pub(super) fn new(video: bool, audio: bool) -> Self {
        let mut state = State { serial: 1, ..State::default() };
        (state.lanes[0].used, state.lanes[1].used) = (video, audio);
        let (wakes, demuxer) = (Default::default(), Wake::new());
        Self { state: Mutex::new(state), demuxer, wakes }
    }

    /// What is rung for the decoder of `medium`.
    pub(super) fn wake(&self, medium: Medium) -> &Wake {
        &self.wakes[index(medium)]
    }

    /// Wakes everybody.
    pub(super) fn ring(&self) {
        self.demuxer.ring();
        self.wakes.iter().for_each(Wake::ring);
    }

    /// Sends the demuxer to `place`, unless it was sent elsewhere later. What waited is gone.
    pub(super) fn go_to(&self, place: Place) {
        let mut state = self.state.lock();
        if place.serial > state.serial {
            state.serial = place.serial;
            state.command = Some(place);
            state.bytes = 0;
            for lane in &mut state.lanes {
                lane.items.clear();
                lane.span = None;
            }
        }
        drop(state);
        self.ring();
    }

    /// Where to go, if that changed.
    pub(super) fn take_command(&self) -> Option<Place> {
        self.state.lock().command.take()
    }

    /// Puts an item into the queue of `medium`; not if the demuxer is wanted elsewhere or nobody wants the medium.
    /// `at` is the time of a packet from the first lap's start, in nanoseconds.
    pub(super) fn push(&self, serial: u64, medium: Medium, item: Item, at: Option<i64>) {
        let mut state = self.state.lock();
        let current = serial == state.serial;
        let lane = &mut state.lanes[index(medium)];
        if !lane.used || !current {
            return;
        }
        if let (Item::Packet(_), Some(at)) = (&item, at) {
            lane.span = Some(lane.span.map_or((at, at), |(from, to)| (from, to.max(at))));
        }
        let bytes = if let Item::Packet(packet) = &item { packet.bytes() } else { 0 };
        lane.items.push_back(item);
        state.bytes += bytes;
        drop(state);
        self.wake(medium).ring();
    }

    /// Whether there is enough for now.
    pub(super) fn is_full(&self) -> bool {
        let state = self.state.lock();
        let mut used = state.lanes.iter().filter(|l| l.used);
        state.bytes >= MOST_BYTES
            || state.lanes.iter().any(|l| l.items.len() >= MOST_PACKETS)
            || used.all(|l| l.nanos() >= ENOUGH_NANOS)
    }

    /// Takes the next item for `medium` at the place of `serial`; `lap_nanos` is where its lap begins.
    pub(super) fn pop(&self, serial: u64, medium: Medium, lap_nanos: i64) -> Popped {
        let mut state = self.state.lock();
        if state.serial != serial {
            return Popped::Moved;
        }
        let lane = &mut state.lanes[index(medium)];
        let Some(item) = lane.items.pop_front() else { return Popped::Empty };
        let mut bytes = 0;
        if let Item::Packet(packet) = &item {
            bytes = packet.bytes();
            if let (Some(at), Some((from, to))) = (packet.at, lane.span) {
                lane.span = Some((from.max(at.saturating_add(lap_nanos)).min(to), to));
            }
            if !lane.has_packets() {
                lane.span = None;
            }
        }
        state.bytes -= bytes.min(state.bytes);
        drop(state);
        self.demuxer.ring();
        Popped::Item(item)
    }

    /// How much time waits for the decoder of `medium`, in nanoseconds.
    pub(super) fn nanos(&self, medium: Medium) -> i64 {
        self.state.lock().lanes[index(medium)].nanos()
    }

    /// Bytes and packets that wait.
    pub(super) fn fill(&self) -> (u64, [u64; 2]) {
        let state = self.state.lock();
        (state.bytes as u64, [0, 1].map(|n: usize| state.lanes[n].items.len() as u64))
    }
}
