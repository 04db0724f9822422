// SPDX-License-Identifier: GPL-2.0-or-later
//! The demuxer's thread: the only one that waits for files and peers.

use super::packets::{Item, Place, Start};
use super::shared::{Shared, count};
use crate::av::demux::{Demuxer, MediaPacket};
use crate::av::input::Medium;
use lk_media::{ErrorKind, Result, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How far before the place asked for reading begins, try after try: some containers land too late.
const BACK_NANOS: [i64; 5] = [0, 1_000_000_000, 5_000_000_000, 20_000_000_000, 60_000_000_000];
/// Sound is decoded from so much earlier on, until its decoder is right.
const SOUND_NANOS: i64 = 250_000_000;
/// How often it looks whether anything changed although nobody rang.
const LOOK: Duration = Duration::from_millis(500);

pub(super) struct Reading {
    shared: Arc<Shared>,
    demuxer: Demuxer,
    serial: u64,
    lap: i64,
    /// Packets in this lap.
    packets: u64,
    over: bool,
}

impl Reading {
    /// Goes on after the packets that were `gathered` while opening.
    pub(super) fn new(shared: Arc<Shared>, demuxer: Demuxer, gathered: Vec<(Medium, MediaPacket)>) -> Self {
        let mut reading = Self { shared, demuxer, serial: 1, lap: 0, packets: 1, over: false };
        reading.begin(|| Start::Primed, None);
        for (medium, packet) in gathered {
            reading.push(medium, packet);
        }
        reading
    }

    /// Reads until told to stop.
    pub(super) fn run(mut self) {
        while !self.shared.cancel.is_cancelled() {
            if let Err(error) = self.step() {
                if error.kind() == ErrorKind::Cancelled {
                    return;
                }
                self.over = true;
                self.shared.fail(error);
            }
        }
    }

    fn step(&mut self) -> Result<()> {
        let shared = self.shared.clone();
        if let Some(place) = shared.packets.take_command() {
            return self.go_to(place);
        }
        if self.over && self.packets > 0 && shared.timeline.lock().is_looping() {
            return self.next_lap();
        }
        if self.over || shared.packets.is_full() {
            shared.packets.demuxer.wait(LOOK);
            return Ok(());
        }
        match self.demuxer.read()? {
            Some((medium, packet)) => self.push(medium, packet),
            None => {
                self.over = true;
                self.end();
            }
        }
        Ok(())
    }

    fn go_to(&mut self, place: Place) -> Result<()> {
        (self.serial, self.lap, self.packets, self.over) = (place.serial, 0, 0, false);
        let sound = if self.demuxer.has_sound() { SOUND_NANOS } else { 0 };
        if let Some(back) = BACK_NANOS.get(place.attempt) {
            let to = place.to - back - sound;
            if to > 0 && self.demuxer.seek(Timestamp::from_nanos(to))? {
                self.begin(|| Start::Sought(place.attempt), None);
                return Ok(());
            }
        }
        self.open_again()
    }

    fn next_lap(&mut self) -> Result<()> {
        count(&self.shared.counts.laps);
        (self.lap, self.packets, self.over) = (self.lap + 1, 0, false);
        self.open_again()
    }

    fn open_again(&mut self) -> Result<()> {
        let mut decoder = self.demuxer.reopen()?;
        self.begin(|| Start::Opened(None), decoder.take().map(|d| Start::Opened(Some(d))));
        Ok(())
    }

    fn begin(&mut self, start: impl Fn() -> Start, sound: Option<Start>) {
        let lap = self.lap;
        let packets = &self.shared.packets;
        packets.push(self.serial, Medium::Video, Item::Begin { lap, start: start() }, None);
        let start = sound.unwrap_or_else(start);
        packets.push(self.serial, Medium::Audio, Item::Begin { lap, start }, None);
    }

    fn push(&mut self, medium: Medium, packet: MediaPacket) {
        self.packets += 1;
        let lap_start = self.shared.map().lap_start(self.lap);
        let at = packet.at.map(|at| at.saturating_add(lap_start));
        self.shared.packets.push(self.serial, medium, Item::Packet(packet), at);
    }

    fn end(&self) {
        self.shared.packets.push(self.serial, Medium::Video, Item::End, None);
        self.shared.packets.push(self.serial, Medium::Audio, Item::End, None);
    }
}
