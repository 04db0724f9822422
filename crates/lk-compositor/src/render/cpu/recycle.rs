// SPDX-License-Identifier: GPL-2.0-or-later
//! The frames a renderer made. When nobody else holds one any more its memory is used again together with what is
//! in it, so that only the difference has to be drawn.

use super::damage::Shown;
use lk_media::{Frame, FrameId, FrameMut, FramePool, FrameSpec, Result};
use std::collections::VecDeque;
use std::sync::Arc;

/// Frames remembered, most of them held by others (an encoder holds up to 17).
const MAX_FRAMES: usize = 32;
/// Frames of one kind that are held by nobody else.
const MAX_IDLE: usize = 3;
/// Jobs after which a frame that was not used again is let go.
const MAX_AGE: u64 = 150;

/// Frames made before, the newest last.
#[derive(Default)]
pub(super) struct Recycler {
    kept: Vec<Kept>,
    /// What frames showed that were drawn into the memory of others, the newest last: it may come back.
    lent: VecDeque<(FrameId, FrameSpec, Arc<Shown>)>,
    job: u64,
}

struct Kept {
    frame: Frame,
    shown: Arc<Shown>,
    made: u64,
}

impl Recycler {
    /// A new job begins; gives back what was not needed for long.
    pub fn begin_job(&mut self) {
        self.job += 1;
        let job = self.job;
        self.kept.retain(|k| k.made + MAX_AGE > job);
    }

    /// Memory for a frame, and what it shows if it was made here.
    pub fn take(&mut self, spec: FrameSpec) -> Result<(FrameMut, Option<Arc<Shown>>)> {
        // the newest differs least from what comes next
        while let Some(at) = self.kept.iter().rposition(|k| k.frame.spec() == spec && k.frame.is_unshared()) {
            let Kept { frame, shown, .. } = self.kept.remove(at);
            if let Ok(memory) = frame.try_reclaim() {
                return Ok((memory, Some(shown)));
            }
        }
        let frame = FramePool::shared().frame(spec).or_else(|_| {
            // there may be room without what lies idle here
            self.kept.clear();
            FramePool::shared().frame(spec)
        })?;
        Ok((frame, None))
    }

    /// What memory that is brought still shows, if it was drawn here.
    pub fn shown_in(&self, memory: &FrameMut) -> Option<Arc<Shown>> {
        let (id, spec) = (memory.shows()?, memory.spec());
        self.lent.iter().rfind(|l| (l.0, l.1) == (id, spec)).map(|l| l.2.clone())
    }

    /// Remembers what a frame shows that was drawn into memory that was brought.
    pub fn remember(&mut self, frame: &Frame, shown: &Arc<Shown>) {
        if self.lent.len() >= MAX_FRAMES {
            self.lent.pop_front();
        }
        self.lent.push_back((frame.id(), frame.spec(), shown.clone()));
    }

    /// Remembers a frame just made.
    pub fn keep(&mut self, frame: &Frame, shown: &Arc<Shown>) {
        let spec = frame.spec();
        let idle = |k: &Kept| k.frame.spec() == spec && k.frame.is_unshared();
        while self.kept.iter().filter(|k| idle(k)).count() >= MAX_IDLE {
            let Some(oldest) = self.kept.iter().position(idle) else { break };
            self.kept.remove(oldest);
        }
        if self.kept.len() >= MAX_FRAMES {
            self.kept.remove(0);
        }
        self.kept.push(Kept { frame: frame.clone(), shown: shown.clone(), made: self.job });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Color;
    use lk_media::{PixelFormat, Size, Timestamp};

    fn shown() -> Arc<Shown> {
        Arc::new(Shown { size: Size::new(8, 8), background: Color::BLACK, layers: Vec::new(), halo: 0 })
    }

    fn made(recycler: &mut Recycler, spec: FrameSpec) -> (Frame, bool) {
        recycler.begin_job();
        let (memory, before) = recycler.take(spec).unwrap();
        let frame = memory.publish(Timestamp::ZERO);
        recycler.keep(&frame, &shown());
        (frame, before.is_some())
    }

    #[test]
    fn only_frames_that_nobody_holds_are_used_again() {
        let mut recycler = Recycler::default();
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(8, 8));
        let (first, again) = made(&mut recycler, spec);
        assert!(!again);
        let (second, again) = made(&mut recycler, spec);
        assert!(!again, "the first is still held");
        let address = first.map_native().plane(0).data.as_ptr();
        drop(first);
        assert!(recycler.take(FrameSpec::of(PixelFormat::Rgb, spec.size)).unwrap().1.is_none());
        let (third, again) = made(&mut recycler, spec);
        assert!(again && third.map_native().plane(0).data.as_ptr() == address);
        drop((second, third));
    }

    #[test]
    fn what_is_kept_is_bounded_and_goes_when_it_is_not_used() {
        let mut recycler = Recycler::default();
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(8, 8));
        let held: Vec<Frame> = (0..100).map(|_| made(&mut recycler, spec).0).collect();
        assert!(recycler.kept.len() <= MAX_FRAMES);
        drop(held);
        made(&mut recycler, spec);
        assert!(recycler.kept.len() <= MAX_IDLE + 1, "{}", recycler.kept.len());
        (0..MAX_AGE).for_each(|_| recycler.begin_job());
        assert!(recycler.kept.is_empty());
    }
}
