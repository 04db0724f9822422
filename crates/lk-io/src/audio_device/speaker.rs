// SPDX-License-Identifier: GPL-2.0-or-later
//! A device that plays, as a target or reading a source.

use super::backend::{self, Giver, Playing, Wanted};
use super::choice::DeviceChoice;
use super::feeding::{self, Timing};
use super::giving::{Controls, Distance, Giving};
use super::link::{Link, Step};
use super::microphone::Microphone;
use super::place_ring::PlaceRing;
use super::{AudioDevice, DeviceStatistics};
use lk_media::clock::Deadline;
use lk_media::thread::Thread;
use lk_media::{
    AudioBlock, AudioSource, AudioTarget, Delivery, Error, ErrorKind, EventKind, Events, Offered, Result,
    SAMPLE_RATE, SourceState,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sound the server keeps for the device.
const BUFFER: Duration = Duration::from_millis(40);
/// The same where that costs nothing, and for devices of our own: short buffers make the server work in short steps,
/// which other programs pay for.
const LONG: Duration = Duration::from_millis(80);
/// The same where every millisecond counts.
const SHORT: Duration = Duration::from_millis(11);
/// Blocks of a mix come 60 ms after their time, are 10 ms long, and may be late by as much again.
const MIXED: i64 = 9 * SAMPLE_RATE as i64 / 100;
/// How long a device is waited for that has just been opened.
const SETTLE: Duration = Duration::from_millis(500);
/// The loudest factor.
const LOUDEST: f32 = 16.0;

/// A speaker, headphones, or whatever else plays.
///
/// As a target it plays the blocks of one mix at their places, a constant time later ([`Speaker::latency`]);
/// otherwise it reads a source. It follows the device's clock by resampling, at most 500 millionths; no device drives
/// anything else. A lost device is an event and comes back by itself; what belongs to the time between is not played
/// later. Clones are the same speaker; it is closed when the last one is dropped.
#[derive(Clone)]
pub struct Speaker(Arc<Inner>);

struct Inner {
    device: AudioDevice,
    link: Arc<Link>,
    ring: Arc<PlaceRing>,
    controls: Arc<Controls>,
    /// Held by whoever writes blocks.
    writing: Mutex<()>,
    threads: Mutex<Vec<Thread>>,
}

impl Speaker {
    /// Opens a device for the blocks of a mix: DeviceNotFound, DeviceBusy or Device where that is not possible.
    pub fn open(choice: &DeviceChoice) -> Result<Self> {
        Self::fed(choice, None, BUFFER)
    }

    /// Opens a device and plays `source` on it, read by a thread of its own, until it is closed.
    pub fn play(choice: &DeviceChoice, source: Arc<dyn AudioSource>, timing: Timing) -> Result<Self> {
        // what is there ahead of its time may go to the server ahead of it as well
        let buffer = if timing == Timing::Ahead { LONG } else { BUFFER };
        Self::fed(choice, Some((source, timing)), buffer)
    }

    /// The same for a device that only hands sound on, which nobody hears at once.
    pub(super) fn open_calm(
        choice: &DeviceChoice,
        source: Option<(Arc<dyn AudioSource>, Timing)>,
    ) -> Result<Self> {
        Self::fed(choice, source, LONG)
    }

    fn fed(
        choice: &DeviceChoice,
        source: Option<(Arc<dyn AudioSource>, Timing)>,
        buffer: Duration,
    ) -> Result<Self> {
        let ring = Arc::new(PlaceRing::new());
        let distance = source.as_ref().map_or(Distance::Behind(MIXED), |(_, timing)| timing.distance());
        let this = Self::open_with(choice, ring.clone(), distance, buffer)?;
        if let Some((source, timing)) = source {
            let (link, controls) = (this.0.link.clone(), this.0.controls.clone());
            this.0.threads.lock().push(feeding::start(link, controls, ring, source, timing)?);
        }
        Ok(this)
    }

    /// Opens a device and plays what a microphone hears, as soon as goes well.
    pub(super) fn repeat(choice: &DeviceChoice, microphone: &Microphone) -> Result<Self> {
        Self::open_with(choice, microphone.ring().clone(), Distance::Close, SHORT)
    }

    fn open_with(
        choice: &DeviceChoice,
        ring: Arc<PlaceRing>,
        distance: Distance,
        buffer: Duration,
    ) -> Result<Self> {
        let (backend, device) = backend::speaker(choice)?;
        let name = if *choice == DeviceChoice::Default { None } else { Some(device.id.clone()) };
        let soon = matches!(distance, Distance::Close);
        let wanted =
            Wanted { title: format!("LiveKit plays on {}", device.name), device: name, buffer, soon };
        let link = Link::new(device.name.clone(), EventKind::TargetState);
        let controls = Arc::new(Controls::default());
        let open = {
            let (ring, controls) = (ring.clone(), controls.clone());
            let giving =
                move || Box::new(Giving::new(ring.clone(), controls.clone(), distance)) as Box<dyn Giver>;
            move || backend.play(&wanted, &giving)
        };
        let step = |step: Step<'_, Box<dyn Playing>>| match step {
            Step::Serve(playback) => playback.step(),
            Step::Begin | Step::End(_) => Ok(()),
        };
        let thread = link.serve("lk-speaker", open, step).map_err(|e| e.context(&device.name))?;
        let (writing, threads) = (Mutex::default(), Mutex::new(vec![thread]));
        Ok(Self(Arc::new(Inner { device, link, ring, controls, writing, threads })))
    }

    /// Waits until the device keeps time: what is written from now on is heard whole. Half a second at most.
    pub fn wait_ready(&self) {
        let deadline = Deadline::after(SETTLE);
        while !self.0.controls.told.settled.load(Ordering::Relaxed) && !deadline.has_passed() {
            if !self.0.link.pause(Duration::from_millis(2)) {
                return;
            }
        }
    }

    /// The device it was opened on.
    pub fn device(&self) -> &AudioDevice {
        &self.0.device
    }

    /// Plays `volume` times as loud from now on, by a ramp of at most 10 ms: 0 to 16.
    pub fn set_volume(&self, volume: f32) -> Result<()> {
        if !(0.0..=LOUDEST).contains(&volume) {
            return Err(Error::parameter(format!("a volume of {volume} is not between 0 and {LOUDEST}"))
                .with_hint("1 is unchanged, 0.5 half"));
        }
        self.0.controls.volume.store(volume.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// The factor it plays with.
    pub fn volume(&self) -> f32 {
        f32::from_bits(self.0.controls.volume.load(Ordering::Relaxed))
    }

    /// Silences it, or lets it be heard again.
    pub fn set_muted(&self, muted: bool) {
        self.0.controls.muted.store(muted, Ordering::Relaxed);
    }

    /// Whether it is silenced.
    pub fn is_muted(&self) -> bool {
        self.0.controls.muted.load(Ordering::Relaxed)
    }

    /// The time from a sample's own moment until it is heard, as far as the device tells.
    pub fn latency(&self) -> Duration {
        duration(self.0.controls.delay.load(Ordering::Relaxed))
    }

    /// The part of it that lies in the device and its server.
    pub fn device_latency(&self) -> Duration {
        duration(self.0.controls.lead.load(Ordering::Relaxed))
    }

    /// Where it stands.
    pub fn state(&self) -> SourceState {
        self.0.link.state()
    }

    /// Tells of changes of its state.
    pub fn events(&self) -> &Events {
        self.0.link.events()
    }

    /// Tells `events` too of changes of its state.
    pub fn tell(&self, events: &Events) {
        self.0.link.tell(events);
    }

    /// Counts so far.
    pub fn statistics(&self) -> DeviceStatistics {
        let get = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        let controls = &self.0.controls;
        DeviceStatistics::of(&controls.told, get(&controls.late), get(&controls.underruns))
    }

    /// Falls silent softly, and lets the device go.
    pub fn close(&self) {
        if self.0.link.is_here() && self.0.link.is_live() {
            self.set_muted(true);
            // the ramp has to come through what the server keeps
            self.0.link.pause(self.device_latency().min(Duration::from_millis(100)));
        }
        self.0.close();
    }
}

fn duration(samples: i64) -> Duration {
    Duration::from_nanos(samples.max(0).unsigned_abs() * 1_000_000_000 / u64::from(SAMPLE_RATE))
}

impl Inner {
    fn close(&self) {
        self.link.end();
        let threads = std::mem::take(&mut *self.threads.lock());
        drop(threads);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl AudioTarget for Speaker {
    fn name(&self) -> String {
        self.0.device.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        if self.0.link.is_cancelled() {
            return Err(Error::new(ErrorKind::Closed, format!("{} is closed", self.0.device.name)));
        }
        if delivery == Delivery::Lossless {
            return Err(Error::new(
                ErrorKind::LiveSource,
                format!("{} plays in real time: an offline run cannot wait for it", self.0.device.name),
            )
            .with_hint("start the scene, or render into a file"));
        }
        let _one_at_a_time = self.0.writing.lock();
        self.0.ring.write(i64::try_from(block.position).unwrap_or(i64::MAX), &block.samples);
        Ok(Offered::Taken)
    }
}
