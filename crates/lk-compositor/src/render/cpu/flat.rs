// SPDX-License-Identifier: GPL-2.0-or-later
//! The lowest layers drawn into one picture while they stand still and something above them does not.

use super::canvas::{Canvas, Family};
use super::damage::{Shown, ShownLayer};
use std::sync::{Arc, OnceLock};

/// Fewer layers are as soon drawn as copied.
const FEWEST: usize = 2;

/// A canvas of the background and some layers in bands, each drawn by the thread that needs it first.
pub(super) struct Flat {
    bands: Vec<OnceLock<Canvas>>,
}

impl Flat {
    /// Bytes of the bands drawn so far.
    fn bytes(&self) -> usize {
        self.bands.iter().filter_map(OnceLock::get).map(Canvas::bytes).sum()
    }

    pub fn band(&self, index: usize, draw: impl FnOnce() -> Canvas) -> &Canvas {
        self.bands[index].get_or_init(draw)
    }
}

/// The flat pictures of a renderer, one for each family that was drawn lately.
#[derive(Default)]
pub(super) struct Flats {
    kept: Vec<Kept>,
    job: u64,
}

struct Kept {
    family: Family,
    /// What was shown last.
    shown: Arc<Shown>,
    /// The lowest layers of it that the picture holds.
    layers: Vec<ShownLayer>,
    flat: Option<Arc<Flat>>,
    used: u64,
}

impl Flats {
    /// Bytes of all that is kept.
    pub fn bytes(&self) -> usize {
        self.kept.iter().filter_map(|k| k.flat.as_ref()).map(|flat| flat.bytes()).sum()
    }

    /// A new job begins; families that the last one did not draw are forgotten.
    pub fn begin_job(&mut self) {
        let job = self.job;
        self.kept.retain(|k| k.used == job);
        self.job += 1;
    }

    /// The picture of the lowest layers of `new`, and how many they are: those that stood still since the last job.
    pub fn get(&mut self, family: Family, new: &Arc<Shown>, bands: usize) -> Option<(Arc<Flat>, usize)> {
        let Some(kept) = self.kept.iter_mut().find(|k| k.family == family) else {
            let shown = new.clone();
            self.kept.push(Kept { family, shown, layers: Vec::new(), flat: None, used: self.job });
            return None;
        };
        let still = if new.halo > 0 { 0 } else { new.common_bottom(&kept.shown) };
        let same_canvas = (new.size, new.background) == (kept.shown.size, kept.shown.background);
        kept.used = self.job;
        kept.shown = new.clone();
        // what stands still now may be more, or less, than what was drawn
        let fits = same_canvas && new.layers.starts_with(&kept.layers) && kept.layers.len() == still;
        if still < FEWEST {
            (kept.flat, kept.layers) = (None, Vec::new());
        } else if !fits || kept.flat.is_none() {
            kept.layers = new.layers[..still].to_vec();
            let bands = (0..bands).map(|_| OnceLock::new()).collect();
            kept.flat = Some(Arc::new(Flat { bands }));
        }
        kept.flat.clone().map(|flat| (flat, kept.layers.len()))
    }
}
