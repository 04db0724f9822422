// SPDX-License-Identifier: GPL-2.0-or-later
//! A handle on a scene: edits go into a draft and are published whole, by commits.

use lk_compositor::{Layer, LayerId, MixerInput, Scene, SourceId};
use lk_media::{
    AudioSource, ClockId, ClockLease, Error, ErrorKind, FrameRate, LeaseGuard, Result, Size, VideoSource,
    VideoTarget,
};
use parking_lot::{Mutex, RwLock};
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
struct Draft {
    scene: Scene,
    sources: HashMap<SourceId, Arc<dyn VideoSource>>,
    sounds: BTreeMap<SoundId, Arc<dyn AudioSource>>,
    next_sound: SoundId,
}

struct Shared {
    rate: FrameRate,
    draft: Mutex<(Draft, usize)>,
    committed: RwLock<Arc<Commit>>,
    targets: Mutex<Vec<Arc<dyn VideoTarget>>>,
    lease: ClockLease,
}

/// A handle on a composition; clones are the same composition. Every edit is checked and published at once, or,
/// within a [`Compositor::batch`], with the others of the batch. A run never waits for an edit.
#[derive(Clone)]
pub struct Compositor(Arc<Shared>);

impl Compositor {
    /// An empty composition on opaque black.
    pub fn new(size: Size, rate: FrameRate) -> Result<Self> {
        let scene = Scene::new(size)?;
        let draft = Draft { scene, sources: HashMap::new(), sounds: BTreeMap::new(), next_sound: 1 };
        let commit = Arc::new(Commit {
            revision: 0,
            scene: draft.scene.clone(),
            sources: HashMap::new(),
            sounds: BTreeMap::new(),
        });
        Ok(Self(Arc::new(Shared {
            rate,
            draft: Mutex::new((draft, 0)),
            committed: RwLock::new(commit),
            targets: Mutex::default(),
            lease: ClockLease::default(),
        })))
    }

    /// Frames a second.
    pub fn rate(&self) -> FrameRate {
        self.0.rate
    }

    /// The canvas.
    pub fn size(&self) -> Size {
        self.0.draft.lock().0.scene.size
    }

    /// The draft as it stands: what the last edits wrote, committed or not.
    pub fn scene(&self) -> Scene {
        self.0.draft.lock().0.scene.clone()
    }

    /// The newest commit.
    pub fn committed(&self) -> Arc<Commit> {
        self.0.committed.read().clone()
    }

    /// Edits the scene. When `change` or the check after it fails, nothing has happened.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Scene) -> Result<T>) -> Result<T> {
        self.change(|draft| change(&mut draft.scene))
    }

    /// Edits one layer.
    pub fn edit_layer<T>(&self, id: LayerId, change: impl FnOnce(&mut Layer) -> Result<T>) -> Result<T> {
        self.edit(|scene| change(scene.find_mut(id).ok_or_else(gone)?))
    }

    /// One layer as it stands.
    pub fn layer(&self, id: LayerId) -> Result<(u32, Layer)> {
        self.0.draft.lock().0.scene.find(id).map(|(s, l)| (s, l.clone())).ok_or_else(gone)
    }

    /// The source a layer shows.
    pub fn source_of(&self, id: LayerId) -> Result<Arc<dyn VideoSource>> {
        let (_, layer) = self.layer(id)?;
        self.0.draft.lock().0.sources.get(&layer.source).cloned().ok_or_else(gone)
    }

    /// Adds a layer that shows `source`, with its sound if there is one. `layer.source`, `layer.fallback` and
    /// `layer.sound` are filled in here.
    pub fn add(
        &self,
        source: Arc<dyn VideoSource>,
        fallback: Option<Arc<dyn VideoSource>>,
        sound: Option<Arc<dyn AudioSource>>,
        mut layer: Layer,
        place: Where,
    ) -> Result<LayerId> {
        let id = layer.id;
        self.change(|draft| {
            if let Some(name) = &layer.name
                && let Some((slot, _)) = draft.scene.find_named(name)
                && place != Where::Slot(slot)
            {
                return Err(Error::parameter(format!("there is already a layer called {name:?}")).with_hint(
                    "names are unique in a scene; remove the other layer or choose another name",
                ));
            }
            layer.source = draft.source_id(source);
            layer.fallback = fallback.map(|f| draft.source_id(f));
            layer.sound = sound.map(|s| draft.add_sound(s));
            draft.place(layer, place)
        })?;
        Ok(id)
    }

    /// Lets a layer show another source.
    pub fn set_source(&self, id: LayerId, source: Arc<dyn VideoSource>) -> Result<()> {
        self.change(|draft| {
            let source = draft.source_id(source);
            draft.scene.find_mut(id).ok_or_else(gone)?.source = source;
            Ok(())
        })
    }

    /// Removes a layer and the sound that came with it.
    pub fn remove(&self, id: LayerId) -> Result<()> {
        self.change(|draft| {
            let slot = draft.scene.find(id).ok_or_else(gone)?.0;
            draft.remove_slot(slot);
            Ok(())
        })
    }

    /// Removes what is in a slot, if anything.
    pub fn remove_slot(&self, slot: u32) -> Result<()> {
        self.change(|draft| {
            draft.remove_slot(slot);
            Ok(())
        })
    }

    /// Adds a sound that belongs to no layer.
    pub fn add_sound(&self, sound: Arc<dyn AudioSource>, input: MixerInput) -> Result<SoundId> {
        self.change(|draft| {
            let id = draft.add_sound(sound);
            draft.scene.mixer.inputs.insert(id, input);
            Ok(id)
        })
    }

    /// Removes a sound.
    pub fn remove_sound(&self, id: SoundId) -> Result<()> {
        self.edit(|scene| scene.mixer.inputs.remove(&id).map(|_| ()).ok_or_else(no_sound))
    }

    /// How a sound is heard.
    pub fn sound(&self, id: SoundId) -> Result<MixerInput> {
        self.0.draft.lock().0.scene.mixer.inputs.get(&id).copied().ok_or_else(no_sound)
    }

    /// Edits how a sound is heard.
    pub fn edit_sound<T>(&self, id: SoundId, change: impl FnOnce(&mut MixerInput) -> T) -> Result<T> {
        self.edit(|scene| Ok(change(scene.mixer.inputs.get_mut(&id).ok_or_else(no_sound)?)))
    }

    /// The sounds, by number.
    pub fn sounds(&self) -> BTreeMap<SoundId, Arc<dyn AudioSource>> {
        self.0.draft.lock().0.sounds.clone()
    }

    /// Gathers edits until the guard is dropped or committed; they are published as one. Batches nest.
    pub fn batch(&self) -> Batch {
        let mut held = self.0.draft.lock();
        held.1 += 1;
        let before = held.0.clone();
        drop(held);
        Batch { compositor: self.clone(), before: Some(before) }
    }

    /// Has every run write its frames to `target` too.
    pub fn add_target(&self, target: Arc<dyn VideoTarget>) {
        self.0.targets.lock().push(target);
    }

    /// The targets every run writes to.
    pub fn targets(&self) -> Vec<Arc<dyn VideoTarget>> {
        self.0.targets.lock().clone()
    }

    /// Takes the composition for a run; Busy while another runs.
    pub(crate) fn claim(&self, clock: ClockId) -> Result<LeaseGuard> {
        self.0.lease.take(clock, "this compositor").map(|(guard, _)| guard)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Draft) -> Result<T>) -> Result<T> {
        let mut held = self.0.draft.lock();
        let mut draft = held.0.clone();
        let result = change(&mut draft)?;
        draft.scene.validate()?;
        draft.forget_unused();
        held.0 = draft;
        if held.1 == 0 {
            self.publish(&held.0);
        }
        Ok(result)
    }

    fn publish(&self, draft: &Draft) {
        let mut committed = self.0.committed.write();
        *committed = Arc::new(Commit {
            revision: committed.revision + 1,
            scene: draft.scene.clone(),
            sources: draft.sources.clone(),
            sounds: draft.sounds.clone(),
        });
    }

    fn end_batch(&self, rollback: Option<Draft>) {
        let mut held = self.0.draft.lock();
        if let Some(before) = rollback {
            held.0 = before;
        }
        held.1 = held.1.saturating_sub(1);
        if held.1 == 0 {
            self.publish(&held.0);
        }
    }
}

impl Draft {
    fn source_id(&mut self, source: Arc<dyn VideoSource>) -> SourceId {
        let known =
            self.sources.iter().find(|(_, s)| std::ptr::addr_eq(Arc::as_ptr(s), Arc::as_ptr(&source)));
        if let Some((id, _)) = known {
            return *id;
        }
        let id = SourceId::unique();
        self.sources.insert(id, source);
        id
    }

    fn add_sound(&mut self, sound: Arc<dyn AudioSource>) -> SoundId {
        let id = self.next_sound;
        self.next_sound += 1;
        self.sounds.insert(id, sound);
        self.scene.mixer.inputs.insert(id, MixerInput::default());
        id
    }

    fn place(&mut self, layer: Layer, place: Where) -> Result<()> {
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

    fn remove_slot(&mut self, slot: u32) {
        if let Some(sound) = self.scene.layers.remove(&slot).and_then(|l| l.sound) {
            self.scene.mixer.inputs.remove(&sound);
        }
    }

    fn forget_unused(&mut self) {
        let layers = &self.scene.layers;
        self.sources.retain(|id, _| layers.values().any(|l| l.source == *id || l.fallback == Some(*id)));
        let inputs = &self.scene.mixer.inputs;
        self.sounds.retain(|id, _| inputs.contains_key(id));
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Index, "this layer is no longer in the scene")
}

fn no_sound() -> Error {
    Error::new(ErrorKind::Index, "this sound is no longer in the mixer")
}

/// Edits gathered into one commit, published when this is dropped.
pub struct Batch {
    compositor: Compositor,
    before: Option<Draft>,
}

impl Batch {
    /// Undoes every edit since the batch began.
    pub fn rollback(mut self) {
        let before = self.before.take();
        self.compositor.end_batch(before);
        std::mem::forget(self);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.compositor.end_batch(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_compositor::Placement;
    use lk_media::{VideoPort, VideoSource};

    fn compositor() -> Compositor {
        Compositor::new(Size::new(64, 32), FrameRate::new(30, 1).unwrap()).unwrap()
    }

    fn add(c: &Compositor, place: Where) -> LayerId {
        let source: Arc<dyn VideoSource> = Arc::new(VideoPort::new());
        c.add(source, None, None, Layer::new(SourceId::unique()), place).unwrap()
    }

    #[test]
    fn a_batch_is_one_commit_and_a_rollback_none_of_it() {
        let c = compositor();
        let first = add(&c, Where::Top);
        let revision = c.committed().revision;
        let batch = c.batch();
        let second = add(&c, Where::Top);
        c.edit_layer(first, |l| {
            l.opacity = 0.5;
            Ok(())
        })
        .unwrap();
        assert_eq!(c.committed().revision, revision);
        assert_eq!(c.layer(first).unwrap().1.opacity, 0.5);
        drop(batch);
        assert_eq!(c.committed().revision, revision + 1);
        assert_eq!(c.committed().scene.layers.len(), 2);

        let batch = c.batch();
        c.remove(second).unwrap();
        batch.rollback();
        assert!(c.layer(second).is_ok());
        assert_eq!(c.committed().scene, c.scene());
    }

    #[test]
    fn a_refused_edit_changes_nothing() {
        let c = compositor();
        let id = add(&c, Where::Top);
        let before = c.scene();
        assert!(
            c.edit_layer(id, |l| {
                l.placement = Placement::moved(1.0, 1.0);
                l.opacity = 7.0;
                Ok(())
            })
            .is_err()
        );
        assert_eq!(c.scene(), before);
    }

    #[test]
    fn layers_go_where_they_are_told() {
        let c = compositor();
        let a = add(&c, Where::Slot(0));
        let b = add(&c, Where::Above(a));
        let under = add(&c, Where::Below(a));
        let between = add(&c, Where::Above(a));
        let order: Vec<LayerId> = c.scene().layers.values().map(|l| l.id).collect();
        assert_eq!(order, [under, a, between, b]);
        let top = add(&c, Where::Slot(3));
        assert_eq!(c.layer(b).err().map(|e| e.kind()), Some(ErrorKind::Index));
        assert_eq!(c.layer(top).unwrap().0, 3);
        assert_eq!(c.committed().sources.len(), 4);
    }
}
