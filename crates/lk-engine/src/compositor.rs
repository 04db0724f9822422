// SPDX-License-Identifier: GPL-2.0-or-later
//! A handle on a scene: edits go into a draft and are published whole, by commits.

use crate::draft::{Commit, Draft, Starts, Where, gone};
use crate::later;
use crate::live::{Live, LiveOptions, LiveStatistics, Output, Stepped};
use crate::sound::SoundTargets;
use lk_compositor::{Layer, LayerId, Levels, Scene};
use lk_media::{
    AudioSource, AudioTarget, ClockId, ClockLease, Error, Event, EventKind, Events, Frame, FrameRate,
    LeaseGuard, Result, Size, Timestamp, VideoSource, VideoTarget,
};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What a composition's handles and the threads of its runs share.
pub(crate) struct Shared {
    pub(crate) rate: FrameRate,
    pub(crate) draft: Mutex<(Draft, usize)>,
    committed: RwLock<Arc<Commit>>,
    targets: Mutex<Vec<Arc<dyn VideoTarget>>>,
    pub(crate) sound_targets: SoundTargets,
    failures: Mutex<Vec<Error>>,
    pub(crate) lease: ClockLease,
    pub(crate) events: Events,
    output: Arc<Output>,
    pub(crate) levels: Mutex<Levels>,
    pub(crate) reset_meters: AtomicBool,
    live: Mutex<Option<Live>>,
    last_live: Mutex<Option<LiveStatistics>>,
}

impl Shared {
    /// The newest commit.
    pub(crate) fn committed(&self) -> Arc<Commit> {
        self.committed.read().clone()
    }

    /// The targets runs write to.
    pub(crate) fn targets(&self) -> Vec<Arc<dyn VideoTarget>> {
        self.targets.lock().clone()
    }

    /// The targets of the frame at `time` in a live run.
    pub(crate) fn live_targets(&self, time: Timestamp) -> Vec<Arc<dyn VideoTarget>> {
        let mut targets = self.targets();
        if self.output.is_wanted(time) {
            targets.push(self.output.clone());
        }
        targets
    }

    /// Takes a target that has failed away, and tells of it.
    pub(crate) fn target_failed(&self, target: &Arc<dyn VideoTarget>, error: Error) {
        self.targets.lock().retain(|t| !Arc::ptr_eq(t, target));
        self.failed(target.name(), error);
    }

    /// The same for a target of sound.
    pub(crate) fn sound_target_failed(&self, target: &Arc<dyn AudioTarget>, error: Error) {
        self.sound_targets.remove(target);
        self.failed(target.name(), error);
    }

    fn failed(&self, name: String, error: Error) {
        tracing::error!("{name}: {error}");
        self.events.emit(Event::now(EventKind::TargetState, name, "live", "failed").because(&error));
        self.failures.lock().push(error);
    }
}

/// A handle on a composition; clones are the same composition. Every edit is checked and published at once, or,
/// within a [`Compositor::batch`], with the others of the batch. A run never waits for an edit.
#[derive(Clone)]
pub struct Compositor(pub(crate) Arc<Shared>);

impl Compositor {
    /// An empty composition on opaque black.
    pub fn new(size: Size, rate: FrameRate) -> Result<Self> {
        let draft = Draft::new(Scene::new(size)?);
        let nothing = Commit {
            revision: 0,
            scene: draft.scene.clone(),
            sources: draft.sources.clone(),
            sounds: draft.sounds.clone(),
            ports: draft.ports.clone(),
            starts: Starts::default(),
        };
        Ok(Self(Arc::new(Shared {
            rate,
            draft: Mutex::new((draft, 0)),
            committed: RwLock::new(Arc::new(nothing)),
            targets: Mutex::default(),
            sound_targets: SoundTargets::default(),
            failures: Mutex::default(),
            lease: ClockLease::default(),
            events: Events::new(),
            output: Arc::default(),
            levels: Mutex::default(),
            reset_meters: AtomicBool::default(),
            live: Mutex::default(),
            last_live: Mutex::default(),
        })))
    }

    /// Whether the two are handles on the same composition.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
        self.0.committed()
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
            layer.source = draft.source_id(later::pictures(source, layer.start));
            layer.fallback = fallback.map(|f| draft.source_id(later::pictures(f, layer.start)));
            layer.sound = sound.map(|s| draft.add_sound(later::sound(s, layer.start)));
            draft.place(layer, place)
        })?;
        Ok(id)
    }

    /// Lets a layer show another source.
    pub fn set_source(&self, id: LayerId, source: Arc<dyn VideoSource>) -> Result<()> {
        self.change(|draft| {
            let start = draft.scene.find(id).ok_or_else(gone)?.1.start;
            let source = draft.source_id(later::pictures(source, start));
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

    /// Lets runs write no more to `target`.
    pub fn remove_target(&self, target: &Arc<dyn VideoTarget>) {
        self.0.targets.lock().retain(|t| !Arc::ptr_eq(t, target));
    }

    /// Starts a live run, if none is going on: a frame at the time of each index, and the sound 60 ms behind, until
    /// [`Compositor::stop`] or the last handle is dropped. Busy while an offline run is going on, or another run
    /// has one of the sources.
    pub fn start(&self, options: LiveOptions) -> Result<()> {
        let mut held = self.0.live.lock();
        if held.as_ref().is_some_and(|live| !live.run().is_over()) {
            return Ok(());
        }
        self.end(held.take());
        self.0.failures.lock().clear();
        *held = Some(Live::start(&self.0, options)?);
        Ok(())
    }

    /// Begins a live run that is stepped by hand, on a clock of its own.
    pub fn start_stepped(&self, options: LiveOptions) -> Result<Stepped> {
        Stepped::start(&self.0, options)
    }

    /// Ends the live run with the frame that is due and waits until its sound is mixed, at most a second.
    pub fn stop(&self) {
        let live = self.0.live.lock().take();
        self.end(live);
    }

    fn end(&self, live: Option<Live>) {
        if let Some(live) = live {
            live.stop();
            *self.0.last_live.lock() = Some(live.run().statistics());
        }
    }

    /// Whether a live run is going on.
    pub fn is_running(&self) -> bool {
        self.0.live.lock().as_ref().is_some_and(|live| !live.run().is_over())
    }

    /// Ends the live run after `frames` frames from its first.
    pub fn limit_frames(&self, frames: u64) {
        if let Some(live) = &*self.0.live.lock() {
            live.limit(frames);
        }
    }

    /// Waits until the live run is over, at most `limit`; whether it is.
    pub fn wait(&self, limit: Duration) -> bool {
        let run = self.0.live.lock().as_ref().map(|live| live.run().clone());
        run.is_none_or(|run| Live::wait(&run, limit))
    }

    /// What the live run did so far, or what the last one did.
    pub fn live_statistics(&self) -> Option<LiveStatistics> {
        let now = self.0.live.lock().as_ref().map(|live| live.run().statistics());
        now.or_else(|| self.0.last_live.lock().clone())
    }

    /// What happens to it, its sources and its targets during live runs.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// The errors of targets that failed since the live run began, taken away.
    pub fn take_failures(&self) -> Vec<Error> {
        std::mem::take(&mut *self.0.failures.lock())
    }

    /// The sources of visible layers that have not shown anything yet.
    pub fn starting(&self) -> Vec<String> {
        let commit = self.committed();
        let visible = commit.scene.layers.values().filter(|l| l.visible);
        let sources = visible.filter_map(|l| commit.sources.get(&l.source));
        let starting = sources.filter(|s| matches!(s.state(), lk_media::SourceState::Starting));
        starting.map(|s| s.name()).collect()
    }

    /// The newest frame of the live run, once there is one: BGRA, straight alpha.
    pub fn newest_frame(&self) -> Option<Frame> {
        crate::live::newest(&self.0.output)
    }

    pub(crate) fn output(&self) -> &Arc<Output> {
        &self.0.output
    }

    /// Takes the composition for a run; Busy while another runs.
    pub(crate) fn claim(&self, clock: ClockId) -> Result<LeaseGuard> {
        self.0.lease.take(clock, "this compositor").map(|(guard, _)| guard)
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Draft) -> Result<T>) -> Result<T> {
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
        let start = self.0.live.try_lock().and_then(|live| live.as_ref().map(|l| l.run().entry()));
        // only who holds the draft publishes; runs wait for no more than an exchange
        let next = Arc::new(Commit::after(&self.committed(), draft, start));
        let before = std::mem::replace(&mut *self.0.committed.write(), next);
        drop(before);
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
    use lk_compositor::{Placement, SourceId};
    use lk_media::{ErrorKind, VideoPort, VideoSource};

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
