// SPDX-License-Identifier: GPL-2.0-or-later
//! A composition as a source: what it shows can be viewed, recorded, and put into another composition.

use crate::compositor::Compositor;
use crate::offline::{OfflineOptions, OfflineRun};
use lk_media::{
    AlphaKind, Clock, ClockId, Delivery, Error, ErrorKind, Exactness, Frame, FrameSpec, LeaseGuard, Offered,
    PixelFormat, Result, Sample, Sampling, Size, SourceState, TargetStatistics, Timestamp, VideoPort,
    VideoSource, VideoTarget, VideoWish, Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long after its last reading frames are still made for it.
const WANTED: Duration = Duration::from_secs(1);

/// The frames of live runs for whoever reads them; made only while somebody does.
#[derive(Default)]
pub(crate) struct Output {
    port: VideoPort,
    wanted_until: AtomicI64,
}

impl Output {
    /// Whether somebody reads at session time `t`.
    pub(crate) fn is_wanted(&self, t: Timestamp) -> bool {
        self.wanted_until.load(Ordering::Relaxed) >= t.as_nanos()
    }

    fn want(&self) {
        let until = <dyn Clock>::live().now() + WANTED;
        self.wanted_until.store(until.as_nanos(), Ordering::Relaxed);
    }
}

impl VideoTarget for Output {
    fn name(&self) -> String {
        "the composition's readers".to_owned()
    }

    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(PixelFormat::Bgra), ..VideoWish::default() }
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        self.port.offer(frame, delivery)
    }

    fn statistics(&self) -> TargetStatistics {
        self.port.statistics()
    }
}

/// What a composition shows, as a source. Live it is one frame behind the composition; read by another composition
/// it runs with it. Offline it is exact where its own sources are.
pub struct Picture {
    compositor: Compositor,
    offline: Mutex<Option<OfflineRun>>,
}

impl Picture {
    /// What `compositor` shows.
    pub fn of(compositor: &Compositor) -> Self {
        Self { compositor: compositor.clone(), offline: Mutex::default() }
    }

    fn exact(&self, at: Timestamp) -> Result<Sample> {
        let rate = self.compositor.rate();
        let index = rate.index_at(at + lk_media::DUE_TOLERANCE);
        let mut held = self.offline.lock();
        if held.as_ref().is_none_or(|run| run.next_index() > index + 1) {
            *held = None;
            let background = self.compositor.scene().background;
            let alpha = if background.is_opaque() { AlphaKind::Opaque } else { AlphaKind::Straight };
            let spec = FrameSpec::of(PixelFormat::Bgra, self.compositor.size()).with_alpha(alpha);
            let options = OfflineOptions { outputs: vec![spec], sound: false, ..OfflineOptions::default() };
            *held = Some(OfflineRun::new(&self.compositor, options)?);
        }
        let run = held.as_mut().ok_or_else(|| Error::internal("a run that was just made is gone"))?;
        while run.next_index() <= index {
            run.step()?;
        }
        Ok(run.last_frame().map_or(Sample::Empty, |f| Sample::Frame(f.at(rate.time_of(index)))))
    }
}

impl VideoSource for Picture {
    fn name(&self) -> String {
        "a composition".to_owned()
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        if sampling == Sampling::Exact {
            return self.exact(at);
        }
        let output = self.compositor.output();
        output.want();
        Ok(output.port.at(at - self.compositor.rate().period()).map_or(Sample::Empty, Sample::Frame))
    }

    fn exactness(&self) -> Exactness {
        let commit = self.compositor.committed();
        let mut visible = commit.scene.layers.values().filter(|l| l.visible && l.offline.is_none());
        let live = visible.find_map(|l| match commit.sources.get(&l.source)?.exactness() {
            Exactness::LiveOnly(why) => Some(why),
            Exactness::Exact => None,
        });
        live.map_or(Exactness::Exact, Exactness::LiveOnly)
    }

    fn size(&self) -> Option<Size> {
        Some(self.compositor.size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        VideoSource::wake_on_ready(&self.compositor.output().port, wake);
    }

    fn state(&self) -> SourceState {
        if !self.compositor.is_running() {
            return SourceState::Ended;
        }
        match self.compositor.output().port.newest() {
            Some(_) => SourceState::Live,
            None => SourceState::Starting,
        }
    }

    fn claim(&self, _clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        // a live run takes it along
        if start > Timestamp::ZERO {
            match self.compositor.start(crate::LiveOptions::default()) {
                Err(e) if e.kind() != ErrorKind::Busy => return Err(e),
                _ => self.compositor.output().want(),
            }
        }
        Ok(None)
    }
}

/// The frames the port of a run keeps, for [`Compositor::frame`].
pub(crate) fn newest(output: &Arc<Output>) -> Option<Frame> {
    output.want();
    output.port.newest()
}
