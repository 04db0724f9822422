// SPDX-License-Identifier: GPL-2.0-or-later
//! A thread that reads a source for a speaker.

use super::giving::{Controls, Distance};
use super::link::Link;
use super::place_ring::PlaceRing;
use lk_media::audio_port::sample_at;
use lk_media::thread::{self, Thread};
use lk_media::{AudioSource, CHANNELS, Clock, ClockId, Result, SAMPLE_RATE, Sampling};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Samples read at a time.
const BLOCK: i64 = 480;
/// Samples are written so long before the device asks for them.
const MARGIN: i64 = 8 * SAMPLE_RATE as i64 / 100;
/// A player has written so far ahead of its time, less the margin.
const WRITTEN: i64 = 15 * SAMPLE_RATE as i64 / 100;
/// How late this thread may be without harm, where sound is read behind its time.
const LATE: i64 = 2 * SAMPLE_RATE as i64 / 100;
/// How far behind its time other sound is read: a mix is 60 ms behind, in blocks of 10 ms.
const BEHIND: i64 = SAMPLE_RATE as i64 / 10;
/// After standing still for longer than this, reading goes on at the present.
const LOST: i64 = SAMPLE_RATE as i64;
/// The longest wait.
const LOOK: Duration = Duration::from_millis(20);

/// When a source has its sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// A quarter of a second before its time, as players do: it is heard exactly at its time.
    Ahead,
    /// Up to 100 ms after its time, as mixes and microphones do: it is heard a constant time later.
    Behind,
}

impl Timing {
    pub(super) fn distance(self) -> Distance {
        match self {
            Self::Ahead => Distance::Ahead(WRITTEN),
            Self::Behind => Distance::Behind(BEHIND + BLOCK + LATE),
        }
    }
}

/// Reads `source` into `ring` until `link` ends.
pub(super) fn start(
    link: Arc<Link>,
    controls: Arc<Controls>,
    ring: Arc<PlaceRing>,
    source: Arc<dyn AudioSource>,
    timing: Timing,
) -> Result<Thread> {
    let clock = <dyn Clock>::live();
    // a player is started by who plays it
    let lease = match timing {
        Timing::Ahead => None,
        Timing::Behind => source.claim(ClockId::unique(), clock.now())?,
    };
    thread::spawn("lk-speaker-feed", move || {
        thread::ask_for_priority();
        let _lease = lease;
        let mut out = [0.0; BLOCK as usize * CHANNELS];
        let (mut next, mut failing) = (None::<i64>, false);
        while !link.is_cancelled() {
            let now = sample_at(clock.now());
            let until = match timing {
                Timing::Behind => now - BEHIND,
                Timing::Ahead => {
                    let get = |n: &std::sync::atomic::AtomicI64| n.load(Ordering::Relaxed);
                    now + (get(&controls.lead) - get(&controls.delay)).clamp(0, WRITTEN) + MARGIN
                }
            };
            let first = match next {
                Some(next) if until - next <= LOST => next,
                _ => until - BLOCK,
            };
            if until - first < BLOCK {
                next = Some(first);
                let wait = (first + BLOCK - until).unsigned_abs() * 1_000_000_000 / u64::from(SAMPLE_RATE);
                link.pause(Duration::from_nanos(wait).min(LOOK));
                continue;
            }
            match source.read(first, &mut out, Sampling::Live) {
                Ok(_) => failing = false,
                Err(e) => {
                    out.fill(0.0);
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!("{} plays nothing: {}: {e}", link.name(), source.name());
                    }
                }
            }
            ring.write(first, &out);
            next = Some(first + BLOCK);
        }
    })
}
