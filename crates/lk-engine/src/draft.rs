// SPDX-License-Identifier: GPL-2.0-or-later
//! The draft that edits go into, and the commits that runs take up.

use lk_compositor::{Layer, LayerId, MixId, MixerInput, Scene, SourceId};
use lk_media::{AudioPort, AudioSource, Error, ErrorKind, Result, Timestamp, VideoSource};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The number of a mixer input; inputs are summed in this order.
pub type SoundId = u64;

/// A published scene with the sources it names. Runs take the newest at each frame; it never changes.
pub struct Commit {
    /// Counts commits of this compositor, from 0.
    pub revision: u64,
    /// The scene.
    pub scene: Scene,
    /// The sources its layers show.
    pub sources: HashMap<SourceId, Arc<dyn VideoSource>>,
    /// The sounds its mixer hears.
    pub sounds: BTreeMap<SoundId, Arc<dyn AudioSource>>,
    /// Where each of its mixes is heard.
    pub ports: BTreeMap<MixId, Arc<AudioPort>>,
    /// The session time at which sources that came in during a live run begin.
    pub(crate) starts: Starts,
}

/// When sources begin that came in during a live run; the others begin with the run.
#[derive(Clone, Default)]
pub(crate) struct Starts {
    pub(crate) pictures: HashMap<SourceId, Timestamp>,
    pub(crate) sounds: BTreeMap<SoundId, Timestamp>,
}

impl Commit {
    /// The draft as a commit after `before`; what is new in it begins at `start`.
    pub(crate) fn after(before: &Commit, draft: &Draft, start: Option<Timestamp>) -> Self {
        let mut starts = before.starts.clone();
        starts.pictures.retain(|id, _| draft.sources.contains_key(id));
        starts.sounds.retain(|id, _| draft.sounds.contains_key(id));
        if let Some(start) = start {
            let pictures = draft.sources.keys().filter(|id| !before.sources.contains_key(id));
            starts.pictures.extend(pictures.map(|id| (*id, start)));
            let sounds = draft.sounds.keys().filter(|id| !before.sounds.contains_key(id));
            starts.sounds.extend(sounds.map(|id| (*id, start)));
        }
        Self {
            revision: before.revision + 1,
            scene: draft.scene.clone(),
            sources: draft.sources.clone(),
            sounds: draft.sounds.clone(),
            ports: draft.ports.clone(),
            starts,
        }
    }
}

/// Where in the pile of layers a new one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Above everything.
    Top,
    /// Into this slot, in place of what is there.
    Slot(u32),
    /// Directly above a layer.
    Above(LayerId),
    /// Directly below a layer.
    Below(LayerId),
}

#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) scene: Scene,
    pub(crate) sources: HashMap<SourceId, Arc<dyn VideoSource>>,
    pub(crate) sounds: BTreeMap<SoundId, Arc<dyn AudioSource>>,
    pub(crate) ports: BTreeMap<MixId, Arc<AudioPort>>,
    pub(crate) next_sound: SoundId,
}

impl Draft {
    pub(crate) fn new(scene: Scene) -> Self {
        let mut draft = Self {
            scene,
            sources: HashMap::new(),
            sounds: BTreeMap::new(),
            ports: BTreeMap::new(),
            next_sound: 1,
        };
        draft.fit_ports();
        draft
    }

    pub(crate) fn source_id(&mut self, source: Arc<dyn VideoSource>) -> SourceId {
        let known =
            self.sources.iter().find(|(_, s)| std::ptr::addr_eq(Arc::as_ptr(s), Arc::as_ptr(&source)));
        if let Some((id, _)) = known {
            return *id;
        }
        let id = SourceId::unique();
        self.sources.insert(id, source);
        id
    }

    pub(crate) fn add_sound(&mut self, sound: Arc<dyn AudioSource>) -> SoundId {
        let id = self.next_sound;
        self.next_sound += 1;
        self.sounds.insert(id, sound);
        self.scene.mixer.inputs.insert(id, MixerInput::default());
        id
    }

    pub(crate) fn place(&mut self, layer: Layer, place: Where) -> Result<()> {
        match place {
            Where::Top => {
                let slot = self.scene.top_slot();
                self.scene.layers.insert(slot, layer);
            }
            Where::Slot(slot) => {
                self.remove_slot(slot);
                self.scene.layers.insert(slot, layer);
            }
            Where::Above(other) => {
                let slot = self.scene.find(other).ok_or_else(gone)?.0;
                self.scene.insert_above(Some(slot), layer)?;
            }
            Where::Below(other) => {
                let slot = self.scene.find(other).ok_or_else(gone)?.0;
                self.scene.insert_above(slot.checked_sub(1), layer)?;
            }
        }
        Ok(())
    }

    pub(crate) fn remove_slot(&mut self, slot: u32) {
        if let Some(sound) = self.scene.layers.remove(&slot).and_then(|l| l.sound) {
            self.scene.mixer.inputs.remove(&sound);
        }
    }

    pub(crate) fn forget_unused(&mut self) {
        let layers = &self.scene.layers;
        self.sources.retain(|id, _| layers.values().any(|l| l.source == *id || l.fallback == Some(*id)));
        let inputs = &self.scene.mixer.inputs;
        self.sounds.retain(|id, _| inputs.contains_key(id));
        self.fit_ports();
    }

    fn fit_ports(&mut self) {
        let mixes = &self.scene.mixer.mixes;
        self.ports.retain(|id, _| mixes.contains_key(id));
        for (id, mix) in mixes {
            let port = || Arc::new(AudioPort::named(format!("the mix {:?} of a composition", mix.name)));
            self.ports.entry(*id).or_insert_with(port);
        }
    }
}

pub(crate) fn gone() -> Error {
    Error::new(ErrorKind::Index, "this layer is no longer in the scene")
}

pub(crate) fn no_sound() -> Error {
    Error::new(ErrorKind::Index, "this sound is no longer in the mixer")
}

pub(crate) fn no_mix() -> Error {
    Error::new(ErrorKind::Index, "this mix is no longer in the mixer")
}
