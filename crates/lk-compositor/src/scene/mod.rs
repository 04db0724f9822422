// SPDX-License-Identifier: GPL-2.0-or-later
//! The scene: a plain value that says which sources are shown where. Handles in other crates edit a draft of
//! it; a commit publishes it; undo is an older value.

mod color;
mod layer;
mod placement;

pub use color::Color;
pub use layer::{Blend, Crop, Flip, Layer, LayerId, OfflinePolicy, SourceId};
pub use placement::{Anchor, Fit, Placed, Placement, Point, RectF};

use crate::mix::MixerSettings;
use lk_media::{Error, ErrorKind, Result, Size};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A composition: a canvas, layers in slots, and the mixer's settings. Higher slots lie on top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The canvas in pixels.
    pub size: Size,
    /// What is seen where no layer is; may be transparent.
    pub background: Color,
    /// The layers by slot; slot order is z-order.
    pub layers: BTreeMap<u32, Layer>,
    /// What is heard, and how loud.
    pub mixer: MixerSettings,
}

impl Scene {
    /// The highest slot there is.
    pub const MAX_SLOT: u32 = 65_535;

    /// An empty scene on opaque black.
    pub fn new(size: Size) -> Result<Self> {
        Size::checked(size.width, size.height)?;
        Ok(Self { size, background: Color::BLACK, layers: BTreeMap::new(), mixer: MixerSettings::default() })
    }

    /// The slot and layer with identity `id`.
    pub fn find(&self, id: LayerId) -> Option<(u32, &Layer)> {
        self.layers.iter().find(|(_, l)| l.id == id).map(|(s, l)| (*s, l))
    }

    /// The layer with identity `id`, to be edited.
    pub fn find_mut(&mut self, id: LayerId) -> Option<&mut Layer> {
        self.layers.values_mut().find(|l| l.id == id)
    }

    /// The layer called `name`.
    pub fn find_named(&self, name: &str) -> Option<(u32, &Layer)> {
        self.layers.iter().find(|(_, l)| l.name.as_deref() == Some(name)).map(|(s, l)| (*s, l))
    }

    /// The first free slot above every layer.
    pub fn top_slot(&self) -> u32 {
        self.layers.keys().next_back().map_or(0, |s| s.saturating_add(1))
    }

    /// Puts `layer` directly over slot `below` (or under everything: None), moving layers above up by as few
    /// slots as it takes.
    pub fn insert_above(&mut self, below: Option<u32>, layer: Layer) -> Result<u32> {
        let slot = below.map_or(0, |s| s + 1);
        let mut free = slot;
        while self.layers.contains_key(&free) {
            free += 1;
        }
        if free > Self::MAX_SLOT {
            return Err(Error::new(ErrorKind::Index, format!("there is no slot above {}", Self::MAX_SLOT)));
        }
        for s in (slot..free).rev() {
            if let Some(moved) = self.layers.remove(&s) {
                self.layers.insert(s + 1, moved);
            }
        }
        self.layers.insert(slot, layer);
        Ok(slot)
    }

    /// An error if any value in the scene is out of its range.
    pub fn validate(&self) -> Result<()> {
        Size::checked(self.size.width, self.size.height)?;
        for (slot, layer) in &self.layers {
            if *slot > Self::MAX_SLOT {
                return Err(Error::new(
                    ErrorKind::Index,
                    format!("slot {slot} is not between 0 and {}", Self::MAX_SLOT),
                ));
            }
            layer.validate()?;
        }
        self.mixer.validate()
    }
}
