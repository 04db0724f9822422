// SPDX-License-Identifier: GPL-2.0-or-later
//! Finished pictures of layers that stand still. A picture is kept from the second job on in which the same
//! frame is shown in the same way, so that moving pictures never enter. The key holds the frame's identity,
//! which changes when the picture does: nothing kept is ever stale.

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
    /// The rows of a band and those around it.
    pub bands: (usize, usize),
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

    /// Where to keep a picture of `bytes` bytes in `bands` bands, if it is worth keeping.
    pub fn entry(&mut self, key: Key, bytes: usize, bands: usize) -> Option<Arc<Entry>> {
        if let Some((entry, used)) = self.entries.get_mut(&key) {
            *used = self.job;
            self.hits += 1;
            return Some(entry.clone());
        }
        let still = self.seen_before.contains(&key) || self.seen_now.contains(&key);
        if !still || bytes > self.limit / 2 {
            self.seen_now.insert(key);
            return None;
        }
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

    fn key(frame: &Frame, x: f64) -> Key {
        let layer = Layer { placement: Placement::moved(x, 0.0), ..Layer::new(SourceId::unique()) };
        let geometry = Geometry::resolve(&layer, Size::new(64, 64), frame.size()).unwrap();
        let family = Family::Rgb { alpha: false };
        let geometry = geometry.key();
        Key { frame: frame.id(), family, additive_yuv: false, rough: true, geometry, bands: (64, 0) }
    }

    fn frame() -> Frame {
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(1, 1));
        Frame::from_packed(spec, &[0; 3], Timestamp::ZERO).unwrap()
    }

    #[test]
    fn only_what_stands_still_is_kept() {
        let mut cache = Cache::new(1000);
        let f = frame();
        cache.begin_job();
        assert!(cache.entry(key(&f, 0.0), 100, 1).is_none());
        cache.begin_job();
        assert!(cache.entry(key(&f, 1.0), 100, 1).is_none(), "moved");
        assert!(cache.entry(key(&frame(), 0.0), 100, 1).is_none(), "another picture");
        assert!(cache.entry(key(&f.at(Timestamp::from_nanos(5)), 0.0), 100, 1).is_some(), "another time");
    }

    #[test]
    fn the_oldest_goes_when_room_is_needed() {
        let mut cache = Cache::new(1000);
        let frames: Vec<Frame> = (0..5).map(|_| frame()).collect();
        for f in &frames {
            cache.begin_job();
            cache.entry(key(f, 0.0), 300, 1);
            cache.begin_job();
            assert!(cache.entry(key(f, 0.0), 300, 1).is_some());
            assert!(cache.bytes <= 1000);
        }
        assert!(cache.entry(key(&frames[4], 0.0), 300, 1).is_some());
        assert!(cache.entry(key(&frames[0], 0.0), 300, 1).is_none());
        cache.begin_job();
        cache.begin_job();
        assert!(cache.entry(key(&frame(), 0.0), 501, 1).is_none(), "too large");
    }
}
