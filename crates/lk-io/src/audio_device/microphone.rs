// SPDX-License-Identifier: GPL-2.0-or-later
//! What a device hears, as a source.

use super::backend::{self, Hearing, Taker, Wanted};
use super::choice::DeviceChoice;
use super::link::{Link, Step};
use super::place_ring::PlaceRing;
use super::taking::{Taking, Told};
use super::{AudioDevice, DeviceStatistics};
use lk_media::thread::Thread;
use lk_media::{
    AudioRead, AudioSource, EventKind, Events, Exactness, Result, Sampling, SourceState,
    audio_port::not_exact,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sound gathered before it comes.
const FRAGMENT: Duration = Duration::from_millis(10);
/// The same where every millisecond counts.
const SHORT: Duration = Duration::from_millis(5);

/// A microphone, a line, or the monitor of a speaker ("what is heard").
///
/// Its sound lies where it was heard on the live time line, at most 30 ms back, and follows the device's clock by
/// resampling. A lost device is silence and an event, and comes back by itself. Clones are the same microphone; it
/// is closed when the last one is dropped.
#[derive(Clone)]
pub struct Microphone(Arc<Inner>);

struct Inner {
    device: AudioDevice,
    link: Arc<Link>,
    ring: Arc<PlaceRing>,
    told: Arc<Told>,
    thread: Mutex<Option<Thread>>,
}

impl Microphone {
    /// Opens a device that hears: DeviceNotFound, DeviceBusy or Device where that is not possible.
    pub fn open(choice: &DeviceChoice) -> Result<Self> {
        Self::open_with(choice, FRAGMENT, false)
    }

    /// The same with less sound gathered at a time.
    pub(super) fn open_short(choice: &DeviceChoice) -> Result<Self> {
        Self::open_with(choice, SHORT, true)
    }

    fn open_with(choice: &DeviceChoice, buffer: Duration, soon: bool) -> Result<Self> {
        let (backend, device) = backend::microphone(choice)?;
        let name = if *choice == DeviceChoice::Default { None } else { Some(device.id.clone()) };
        let wanted = Wanted { title: format!("LiveKit hears {}", device.name), device: name, buffer, soon };
        let link = Link::new(device.name.clone(), EventKind::SourceState);
        let (ring, told) = (Arc::new(PlaceRing::new()), Arc::new(Told::default()));
        let open = {
            let (ring, told) = (ring.clone(), told.clone());
            let taking = move || Box::new(Taking::new(ring.clone(), told.clone())) as Box<dyn Taker>;
            move || backend.hear(&wanted, &taking)
        };
        let step = |step: Step<'_, Box<dyn Hearing>>| match step {
            Step::Serve(capture) => capture.step(),
            Step::Begin | Step::End(_) => Ok(()),
        };
        let thread = link.serve("lk-microphone", open, step).map_err(|e| e.context(&device.name))?;
        Ok(Self(Arc::new(Inner { device, link, ring, told, thread: Mutex::new(Some(thread)) })))
    }

    /// The device it was opened on.
    pub fn device(&self) -> &AudioDevice {
        &self.0.device
    }

    /// Tells of changes of its state.
    pub fn events(&self) -> &Events {
        self.0.link.events()
    }

    /// Counts so far.
    pub fn statistics(&self) -> DeviceStatistics {
        DeviceStatistics::of(&self.0.told, 0, 0)
    }

    /// Lets the device go; from now on it is silent.
    pub fn close(&self) {
        self.0.close();
    }

    pub(super) fn ring(&self) -> &Arc<PlaceRing> {
        &self.0.ring
    }
}

impl Inner {
    fn close(&self) {
        self.link.end();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl AudioSource for Microphone {
    fn name(&self) -> String {
        self.0.device.name.clone()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        if sampling == Sampling::Exact {
            return Err(not_exact(&self.0.device.name));
        }
        let missing = self.0.ring.read(first, out);
        // a device that is lost is silent, not late
        let late = missing > 0 && self.0.link.is_live() && self.0.told.settled.load(Ordering::Relaxed);
        Ok(if late { AudioRead::Late(missing) } else { AudioRead::Filled })
    }

    fn exactness(&self) -> Exactness {
        Exactness::LiveOnly("a device hears what there is to hear now")
    }

    fn state(&self) -> SourceState {
        self.0.link.state()
    }

    fn tell(&self, events: &Events) {
        self.0.link.tell(events);
    }
}
