// SPDX-License-Identifier: GPL-2.0-or-later
//! Finished pictures of layers that stand still, or move without changing. A picture is kept from the second job on in
//! which the same frame is shown in the same way, so that moving pictures never enter. The key holds the frame's
//! identity, which changes when the picture does: nothing kept is ever stale.

use super::canvas::Family;
use super::geometry::GeometryKey;
use super::plan::Parts;
use lk_media::FrameId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// What a finished picture depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub frame: FrameId,
    pub family: Family,
    /// Whether it is R'G'B' for a YUV canvas.
    pub additive_yuv: bool,
    /// Whether it may have been rounded before it was resampled.
    pub rough: bool,
    pub geometry: GeometryKey,
    /// The rows of a band and those around it; none of a picture that is whole and may lie elsewhere.
    pub bands: (usize, usize),
}

/// Where the finished picture of a layer is kept.
pub(super) enum Kept {
    /// In the bands of the canvas.
    Still(Arc<Entry>),
    /// Whole, as it lay when it was made.
    Moving(Arc<Entry>),
}

/// A finished picture in bands, each made by the thread that needs it first.
pub(super) struct Entry {
    bands: Vec<OnceLock<Parts>>,
    bytes: usize,
}

impl Entry {
    pub fn band(&self, index: usize, make: impl FnOnce() -> Parts) -> &Parts {
        self.bands[index].get_or_init(make)
    }

    /// The picture of one that is kept whole.
    pub fn whole(&self) -> Option<&Parts> {
        self.bands.first()?.get()
    }
}

/// Pictures kept, at most so many bytes; the one not used for longest goes first.
pub(super) struct Cache {
    entries: HashMap<Key, (Arc<Entry>, u64)>,
    seen_before: HashSet<Key>,
    seen_now: HashSet<Key>,
    job: u64,
    bytes: usize,
    limit: usize,
    /// How often a picture was found.
    pub hits: u64,
}

impl Cache {
    pub fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            seen_before: HashSet::new(),
            seen_now: HashSet::new(),
            job: 0,
            bytes: 0,
            limit,
            hits: 0,
        }
    }

    /// Bytes of what is kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A new job begins.
    pub fn begin_job(&mut self) {
        self.job += 1;
        std::mem::swap(&mut self.seen_before, &mut self.seen_now);
        self.seen_now.clear();
    }

    /// Where to keep a picture of `bytes` bytes, if it is worth keeping: `still` for where it lies now, in `bands` bands,
    /// and `moving` for wherever it lies.
    pub fn entry(&mut self, still: Key, moving: Option<Key>, bytes: usize, bands: usize) -> Option<Kept> {
        let found = self.find(&still).map(Kept::Still);
        let found = found.or_else(|| self.find(moving.as_ref()?).map(Kept::Moving));
        let made = found.or_else(|| {
            if bytes > self.limit / 2 {
                return None;
            }
            if self.seen_before.contains(&still) || self.seen_now.contains(&still) {
                return self.make(still.clone(), bytes, bands).map(Kept::Still);
            }
            // one picture at two places in one job is none that moves
            let moving = moving.as_ref().filter(|key| self.seen_before.contains(key))?;
            self.make(moving.clone(), bytes, 1).map(Kept::Moving)
        });
        self.seen_now.insert(still);
        self.seen_now.extend(moving);
        made
    }

    fn find(&mut self, key: &Key) -> Option<Arc<Entry>> {
        let (entry, used) = self.entries.get_mut(key)?;
        *used = self.job;
        self.hits += 1;
        Some(entry.clone())
    }

    /// Room for a picture; None if there is none.
    fn make(&mut self, key: Key, bytes: usize, bands: usize) -> Option<Arc<Entry>> {
        while self.bytes + bytes > self.limit {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used)?.0.clone();
            if let Some((entry, _)) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
        self.bytes += bytes;
        let bands = (0..bands).map(|_| OnceLock::new()).collect();
        let entry = Arc::new(Entry { bands, bytes });
        self.entries.insert(key, (entry.clone(), self.job));
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Geometry;
    use super::*;
    use crate::scene::{Layer, Placement, SourceId};
    use lk_media::{Frame, FrameSpec, PixelFormat, Size, Timestamp};

    /// Asks for a picture at `x`: whether it is kept, and for wherever it lies.
    fn ask(cache: &mut Cache, frame: &Frame, x: f64, bytes: usize) -> Option<bool> {
        let layer = Layer { placement: Placement::moved(x, 0.0), ..Layer::new(SourceId::unique()) };
        let canvas = Size::new(64, 64);
        let own = Geometry::resolve(&layer, canvas, frame.size()).unwrap();
        let (frame, family) = (frame.id(), Family::Rgb { alpha: false });
        let key = |geometry, bands| Key { frame, family, additive_yuv: false, rough: true, geometry, bands };
        let moving = own.key_anywhere(canvas).map(|geometry| key(geometry, (0, 0)));
        let kept = cache.entry(key(own.key(), (64, 0)), moving, bytes, 1);
        kept.map(|kept| matches!(kept, Kept::Moving(_)))
    }

    fn frame() -> Frame {
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(1, 1));
        Frame::from_packed(spec, &[0; 3], Timestamp::ZERO).unwrap()
    }

    #[test]
    fn only_what_comes_again_is_kept() {
        let mut cache = Cache::new(1000);
        let f = frame();
        cache.begin_job();
        assert_eq!(ask(&mut cache, &f, 0.0, 100), None);
        cache.begin_job();
        assert_eq!(ask(&mut cache, &f, 1.0, 100), None, "between the samples it lay on");
        assert_eq!(ask(&mut cache, &frame(), 0.0, 100), None, "another picture");
        assert_eq!(ask(&mut cache, &f.at(Timestamp::from_nanos(5)), 0.0, 100), Some(false), "another time");
        cache.begin_job();
        assert_eq!(ask(&mut cache, &f, 1.0, 100), Some(false));
    }

    #[test]
    fn what_moves_without_changing_is_kept_once() {
        let mut cache = Cache::new(1000);
        let f = frame();
        let kept = [4.0, 4.0, 6.0, 6.0, 8.0, 8.5, 10.5].map(|x| {
            cache.begin_job();
            ask(&mut cache, &f, x, 100)
        });
        assert_eq!(kept, [None, Some(false), Some(true), Some(true), Some(true), None, Some(true)]);
        assert_eq!(cache.bytes(), 300);
        cache.begin_job();
        assert_eq!(ask(&mut cache, &f, 63.5, 100), None, "half of it is not seen");
        // twice in one job and never again
        let g = frame();
        assert_eq!([0.0, 20.0].map(|x| ask(&mut cache, &g, x, 100)), [None, None]);
    }

    #[test]
    fn the_oldest_goes_when_room_is_needed() {
        let mut cache = Cache::new(1000);
        let frames: Vec<Frame> = (0..5).map(|_| frame()).collect();
        for f in &frames {
            cache.begin_job();
            ask(&mut cache, f, 0.0, 300);
            cache.begin_job();
            assert!(ask(&mut cache, f, 0.0, 300).is_some());
            assert!(cache.bytes <= 1000);
        }
        assert!(ask(&mut cache, &frames[4], 0.0, 300).is_some());
        cache.begin_job();
        cache.begin_job();
        assert!(ask(&mut cache, &frames[0], 0.0, 300).is_none());
        let large = frame();
        ask(&mut cache, &large, 0.0, 501);
        cache.begin_job();
        assert!(ask(&mut cache, &large, 0.0, 501).is_none(), "too large");
    }
}
