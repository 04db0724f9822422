// SPDX-License-Identifier: GPL-2.0-or-later
//! The writer: a target whose pictures other processes can read.

use super::fit::{self, IpcFit};
use super::os::{self, Bell, Listener};
use super::writing::{Link, Links, Writing};
use super::{IpcFolder, writing};
use crate::av::resize::Resizer;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{
    Delivery, Error, ErrorKind, Frame, FrameMut, FrameSpec, Offered, PixelFormat, Result, Size,
    TargetStatistics, Timestamp, VideoTarget, VideoWish,
};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long readers wait outside when one could not be let in for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What is shared, besides name and size.
#[derive(Clone, Debug)]
pub struct IpcTargetOptions {
    /// The format of the pictures: BGR, BGRA, I420 or NV12.
    pub format: PixelFormat,
    /// How pictures of another size are scaled; None: not at all, they are centred.
    pub fit: Option<IpcFit>,
    /// Where the name lies.
    pub folder: IpcFolder,
}

impl Default for IpcTargetOptions {
    fn default() -> Self {
        Self { format: PixelFormat::Bgr, fit: None, folder: IpcFolder::default() }
    }
}

/// Counts of a target since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IpcTargetStatistics {
    /// Pictures shared.
    pub frames: u64,
    /// Those of them that were rendered in shared memory; the others were copied into it.
    pub in_place: u64,
    /// Pictures that found no memory, because this program itself holds all of it.
    pub dropped: u64,
    /// Readers now.
    pub readers: usize,
}

#[derive(Default)]
struct Counts {
    frames: AtomicU64,
    in_place: AtomicU64,
    dropped: AtomicU64,
}

struct Shared {
    name: String,
    fit: Option<IpcFit>,
    // locked before `links`
    writing: Mutex<Writing>,
    links: Links,
    resizer: Mutex<Resizer>,
    counts: Counts,
    stop: Bell,
    closed: AtomicBool,
}

/// Shares pictures with other processes of the user under a name. The newest picture wins: a reader that is slow
/// misses some, and nobody ever waits for a reader. A picture is written once, by whoever renders it, into the memory
/// that readers look at; only what is not of the shared format and size is converted or centred on the way.
///
/// The name is free again when this is dropped or closed, or when the process ends in whatever way.
pub struct IpcTarget {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
}

impl IpcTarget {
    /// Shares pictures of `size` as `name`. Busy if the name has a writer.
    pub fn open(name: &str, size: Size, options: &IpcTargetOptions) -> Result<Self> {
        if !matches!(
            options.format,
            PixelFormat::Bgr | PixelFormat::Bgra | PixelFormat::I420 | PixelFormat::Nv12
        ) {
            return Err(Error::format(format!("{} pictures cannot be shared", options.format))
                .with_hint("one of bgr24, bgra, yuv420p, nv12"));
        }
        let nominal = FrameSpec::of(options.format, size);
        Writing::check(nominal)?;
        let folder = options.folder.open()?;
        folder.path(name)?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            fit: options.fit,
            writing: Mutex::new(Writing::new(nominal)?),
            links: Links::default(),
            resizer: Mutex::default(),
            counts: Counts::default(),
            stop: Bell::new(ErrorKind::Output)?,
            closed: AtomicBool::new(false),
        });
        let listener = folder.claim(name)?;
        let serving = shared.clone();
        let thread = thread::spawn("lk-ipc-target", move || serve(&serving, &listener))?;
        if let Some(advice) = crate::virtual_camera::advice(name) {
            tracing::warn!("ipc:{name}: {advice}");
        }
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// The size of what is shared.
    pub fn size(&self) -> Size {
        self.shared.writing.lock().nominal.size
    }

    /// The format of what is shared.
    pub fn format(&self) -> PixelFormat {
        self.shared.writing.lock().nominal.format
    }

    /// Shares pictures of another size from now on; readers follow with the next picture.
    pub fn set_size(&self, size: Size) -> Result<()> {
        let mut writing = self.shared.writing.lock();
        let nominal = FrameSpec { size, ..writing.nominal };
        if nominal == writing.nominal {
            return Ok(());
        }
        Writing::check(nominal)?;
        let fresh = Writing::new(FrameSpec::of(nominal.format, size))?;
        let links = std::mem::take(&mut *self.shared.links.lock());
        for link in links {
            // one that does not take it is let go, and may come again
            if let Err(e) = fresh.admit(&self.shared.links, link.connection.clone()) {
                tracing::warn!("{}: {e}", self.shared.name);
            }
        }
        *writing = fresh;
        Ok(())
    }

    /// The counts so far.
    pub fn counts(&self) -> IpcTargetStatistics {
        let Counts { frames, in_place, dropped } = &self.shared.counts;
        let [frames, in_place, dropped] = [frames, in_place, dropped].map(|c| c.load(Ordering::Relaxed));
        IpcTargetStatistics { frames, in_place, dropped, readers: self.shared.links.lock().len() }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Gives the name back and lets all readers go; they keep the last picture. What is offered later is dropped.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.stop.ring();
        let thread = self.thread.lock().take();
        drop(thread);
        self.shared.links.lock().clear();
    }
}

impl Drop for IpcTarget {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows a frame that lies in one of the slots. The answer is no for any other, and for one that was shown
    /// before and is to be shown again.
    fn show(&self, frame: &Frame) -> bool {
        let mut writing = self.writing.lock();
        match writing.slot_of(frame) {
            Some((slot, true)) if frame.size() == writing.nominal.size => {
                writing.publish(&self.links, slot, frame);
                true
            }
            _ => false,
        }
    }

    /// The frame as it is shared, written into a slot.
    fn written(&self, frame: &Frame) -> Result<Option<Frame>> {
        let nominal = self.writing.lock().nominal;
        let map = frame.map(nominal.format)?;
        let fitted = fit::scaled(&mut self.resizer.lock(), map.frame(), self.fit, nominal.size)?;
        let spec = FrameSpec { size: nominal.size, ..fitted.spec() };
        let Some(mut slot) = self.writing.lock().claim(&self.links, spec) else { return Ok(None) };
        fit::place(&fitted.map_native(), &mut slot);
        Ok(Some(slot.publish(frame.timestamp())))
    }
}

impl VideoTarget for IpcTarget {
    fn name(&self) -> String {
        format!("ipc:{}", self.shared.name)
    }

    fn wish(&self) -> VideoWish {
        let nominal = self.shared.writing.lock().nominal;
        VideoWish { format: Some(nominal.format), color: None, size: Some(nominal.size) }
    }

    fn offer(&self, frame: &Frame, _delivery: Delivery) -> Result<Offered> {
        if self.is_closed() {
            return Ok(Offered::Dropped);
        }
        let counts = &self.shared.counts;
        if self.shared.show(frame) {
            Shared::count(&counts.in_place);
        } else {
            match self.shared.written(frame)? {
                // the size may have been changed meanwhile: the next one fits
                Some(written) if self.shared.show(&written) => {}
                _ => {
                    Shared::count(&counts.dropped);
                    tracing::debug!("{}", writing::no_slot(&self.shared.name));
                    return Ok(Offered::Dropped);
                }
            }
        }
        Shared::count(&counts.frames);
        Ok(Offered::Taken)
    }

    fn allocate(&self, spec: FrameSpec) -> Option<FrameMut> {
        let mut writing = self.shared.writing.lock();
        let fits = (spec.format, spec.size) == (writing.nominal.format, writing.nominal.size);
        if !fits || self.is_closed() {
            return None;
        }
        writing.claim(&self.shared.links, spec)
    }

    fn retract(&self, from: Timestamp) {
        self.shared.writing.lock().retract(from);
    }

    fn statistics(&self) -> TargetStatistics {
        let counts = self.counts();
        TargetStatistics { frames: counts.frames, dropped: counts.dropped }
    }
}

/// Lets readers in and sees to those that have gone, until the target is closed.
fn serve(shared: &Shared, listener: &Listener) {
    let mut pause: Option<Deadline> = None;
    while !shared.closed.load(Ordering::Acquire) {
        let links: Vec<Arc<Link>> = shared.links.lock().clone();
        let open = pause.is_none_or(|p| p.has_passed()) && links.len() < os::MAX_READERS;
        let stop = shared.stop.waited();
        let mut waited = vec![stop, if open { listener.waited() } else { stop }];
        for Link { connection, .. } in links.iter().map(|link| &**link) {
            waited.push(connection.messages());
            waited.push(connection.process().unwrap_or(connection.messages()));
        }
        let ready = os::wait(&waited, (!open).then_some(PAUSE));
        for (link, ready) in links.iter().zip(ready[2..].chunks(2)) {
            // a reader has nothing to say: whatever comes from it means that it has gone, or is none
            if ready[1] && link.connection.process().is_some() || ready[0] && !link.connection.is_silent() {
                shared.links.lock().retain(|other| !Arc::ptr_eq(&other.connection, &link.connection));
            }
        }
        if open && ready[1] {
            let admitted = listener.accept().and_then(|connection| match connection {
                Some(connection) => shared.writing.lock().admit(&shared.links, Arc::new(connection)),
                None => Ok(false),
            });
            pause = admitted.err().map(|e| {
                tracing::warn!("ipc:{}: {e}", shared.name);
                Deadline::after(PAUSE)
            });
        }
    }
}
