// SPDX-License-Identifier: GPL-2.0-or-later
//! A layer: one source, shown in one way.

use super::Placement;
use lk_media::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Names a layer for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerId(u64);

/// Names a source within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl LayerId {
    /// A name never given before.
    pub fn unique() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl SourceId {
    /// A name never given before.
    pub fn unique() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Pixels cut from each edge of the source before it is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crop {
    /// From the left.
    pub left: u32,
    /// From the top.
    pub top: u32,
    /// From the right.
    pub right: u32,
    /// From the bottom.
    pub bottom: u32,
}

/// Mirroring, after the crop and before scaling and rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// Left and right change places.
    pub horizontal: bool,
    /// Top and bottom change places.
    pub vertical: bool,
}

/// How a layer joins what is below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Blend {
    /// Covers by its alpha (Porter-Duff over).
    #[default]
    Normal,
    /// Adds light (Porter-Duff plus, clamped).
    Additive,
}

/// What an offline run does with a source that cannot be exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfflinePolicy {
    /// Shows what the source showed when the run began, or first has to show.
    Freeze,
    /// Leaves the layer out.
    Skip,
    /// Shows what is newest at each frame; repeatable only if the caller pushes between frames itself.
    Latest,
}

/// One source shown in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its identity.
    pub id: LayerId,
    /// Its name, unique in the scene.
    pub name: Option<String>,
    /// What it shows.
    pub source: SourceId,
    /// Where.
    pub placement: Placement,
    /// What is cut from the source first.
    pub crop: Crop,
    /// Mirroring.
    pub flip: Flip,
    /// Degrees clockwise around the centre of its rectangle.
    pub rotation: f64,
    /// 0.0 (not seen) to 1.0.
    pub opacity: f64,
    /// How it joins what is below.
    pub blend: Blend,
    /// Whether it is shown at all.
    pub visible: bool,
    /// How long after the run, or after it came into one, it begins: it shows nothing before, and its clip from the
    /// beginning then. Part of how its source is read: it holds from when the source is set.
    pub start: Duration,
    /// What is shown while the source has nothing to show, or is lost. Whoever asks the sources heeds it; a renderer is told
    /// what each layer shows.
    pub fallback: Option<SourceId>,
    /// What an offline run does if the source cannot be exact; None makes that an error.
    pub offline: Option<OfflinePolicy>,
    /// The mixer input that belongs to this layer and goes with it.
    pub sound: Option<u64>,
}

impl Default for Layer {
    /// A layer of a source that [`Layer::source`] does not name yet.
    fn default() -> Self {
        Self::new(SourceId::unique())
    }
}

impl Layer {
    /// A layer with every property at its default.
    pub fn new(source: SourceId) -> Self {
        Self {
            id: LayerId::unique(),
            name: None,
            source,
            placement: Placement::default(),
            crop: Crop::default(),
            flip: Flip::default(),
            rotation: 0.0,
            opacity: 1.0,
            blend: Blend::Normal,
            visible: true,
            start: Duration::ZERO,
            fallback: None,
            offline: None,
            sound: None,
        }
    }

    /// An error if a value is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(Error::parameter(format!("opacity {} is not between 0 and 1", self.opacity)));
        }
        if !self.rotation.is_finite() {
            return Err(Error::parameter(format!("rotation {} is not a number of degrees", self.rotation)));
        }
        self.placement.validate()
    }
}
