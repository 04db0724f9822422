// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound of a composition: its inputs, its mixes, and who hears them.

use crate::compositor::Compositor;
use crate::draft::{SoundId, no_mix, no_sound};
use crate::playing::Playing;
use lk_compositor::{Levels, MixId, MixSettings, MixerInput};
use lk_media::{
    AudioPort, AudioRead, AudioSource, AudioTarget, Error, Exactness, Result, SAMPLE_RATE, Sampling,
    SourceState, Wake,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A target and the mix it is given.
pub type SoundTarget = (MixId, Arc<dyn AudioTarget>);

/// The targets of a composition's sound, by mix. Reading them takes no memory.
#[derive(Default)]
pub(crate) struct SoundTargets(Mutex<Arc<Vec<SoundTarget>>>);

impl SoundTargets {
    pub(crate) fn all(&self) -> Arc<Vec<SoundTarget>> {
        self.0.lock().clone()
    }

    fn add(&self, mix: MixId, target: Arc<dyn AudioTarget>) {
        let mut targets = self.0.lock();
        let all = Arc::make_mut(&mut targets);
        let index = all.partition_point(|(other, _)| *other <= mix);
        all.insert(index, (mix, target));
    }

    fn retain(&self, keep: impl Fn(&SoundTarget) -> bool) {
        let mut targets = self.0.lock();
        let kept = targets.iter().filter(|target| keep(target)).cloned().collect();
        let before = std::mem::replace(&mut *targets, Arc::new(kept));
        drop(targets);
        drop(before);
    }

    pub(crate) fn remove(&self, target: &Arc<dyn AudioTarget>) {
        self.retain(|(_, other)| !Arc::ptr_eq(other, target));
    }

    pub(crate) fn contains(&self, target: &Arc<dyn AudioTarget>) -> bool {
        self.0.lock().iter().any(|(_, other)| Arc::ptr_eq(other, target))
    }
}

/// The least that a mix is heard later in another scene: that scene reads no block before it is written.
const LEAST_DELAY: i64 = SAMPLE_RATE as i64 / 50;

/// A mix as a sound of other scenes: later by a frame, as are the pictures.
struct MixSource {
    port: Arc<AudioPort>,
    delay: i64,
}

impl AudioSource for MixSource {
    fn name(&self) -> String {
        AudioSource::name(&*self.port)
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        self.port.read(first - self.delay, out, sampling)
    }

    fn exactness(&self) -> Exactness {
        self.port.exactness()
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.port.wake_on_ready(wake);
    }

    fn state(&self) -> SourceState {
        self.port.state()
    }
}

impl Compositor {
    /// Adds a sound that belongs to no layer.
    pub fn add_sound(&self, sound: Arc<dyn AudioSource>, input: MixerInput) -> Result<SoundId> {
        self.change(|draft| {
            let id = draft.add_sound(sound);
            draft.scene.mixer.inputs.insert(id, input);
            Ok(id)
        })
    }

    /// Removes a sound, which fades within 10 ms.
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

    /// Adds a mix that nothing goes to yet.
    pub fn add_mix(&self, settings: MixSettings) -> Result<MixId> {
        self.edit(|scene| scene.mixer.add_mix(settings))
    }

    /// Removes a mix, also from the inputs that go to it and from its targets.
    pub fn remove_mix(&self, id: MixId) -> Result<()> {
        if id.is_fixed() {
            return Err(Error::parameter("the main mix and the monitor cannot be removed")
                .with_hint("mute it, or take inputs out of it"));
        }
        self.edit(|scene| if scene.mixer.remove_mix(id) { Ok(()) } else { Err(no_mix()) })?;
        self.0.sound_targets.retain(|(mix, _)| *mix != id);
        Ok(())
    }

    /// How a mix is put out.
    pub fn mix(&self, id: MixId) -> Result<MixSettings> {
        self.0.draft.lock().0.scene.mixer.mixes.get(&id).cloned().ok_or_else(no_mix)
    }

    /// Edits how a mix is put out.
    pub fn edit_mix<T>(&self, id: MixId, change: impl FnOnce(&mut MixSettings) -> T) -> Result<T> {
        self.edit(|scene| Ok(change(scene.mixer.mixes.get_mut(&id).ok_or_else(no_mix)?)))
    }

    /// A mix of live runs as a sound of another scene: like [`crate::Picture`], a frame behind, at least 20 ms.
    pub fn mix_source(&self, id: MixId) -> Result<Arc<dyn AudioSource>> {
        let delay = self.rate().sample_of(1, SAMPLE_RATE) as i64;
        Ok(Arc::new(MixSource { port: self.mix_port(id)?, delay: delay.max(LEAST_DELAY) }))
    }

    /// What live runs mix, at its place; it is there 60 ms later.
    pub fn mix_port(&self, id: MixId) -> Result<Arc<AudioPort>> {
        self.0.draft.lock().0.ports.get(&id).cloned().ok_or_else(no_mix)
    }

    /// The same of the main mix.
    pub fn sound_port(&self) -> Arc<AudioPort> {
        self.0.draft.lock().0.ports[&MixId::MAIN].clone()
    }

    /// Has live runs write a mix to `target`, on the mixer's thread: it must not block.
    pub fn add_mix_target(&self, id: MixId, target: Arc<dyn AudioTarget>) -> Result<()> {
        self.mix(id)?;
        self.0.sound_targets.add(id, target);
        Ok(())
    }

    /// Has live runs write the main mix to `target`, on the mixer's thread: it must not block.
    pub fn add_sound_target(&self, target: Arc<dyn AudioTarget>) {
        self.0.sound_targets.add(MixId::MAIN, target);
    }

    /// Lets live runs write no more sound to `target`.
    pub fn remove_sound_target(&self, target: &Arc<dyn AudioTarget>) {
        self.0.sound_targets.remove(target);
    }

    /// Has live runs play a mix to `target`, on a thread of its own behind 200 ms of sound: one that is slower loses
    /// the oldest and holds nobody up. It goes on until it is stopped, also when the result is dropped.
    pub fn play_to(&self, id: MixId, target: Arc<dyn AudioTarget>) -> Result<Playing> {
        self.mix(id)?;
        let playing = Playing::new(target, Arc::downgrade(&self.0))?;
        self.0.sound_targets.add(id, playing.target());
        Ok(playing)
    }

    /// How loud the live run is.
    pub fn levels(&self) -> Levels {
        self.0.levels.lock().clone()
    }

    /// Lets all meters begin again.
    pub fn reset_meters(&self) {
        *self.0.levels.lock() = Levels::default();
        self.0.reset_meters.store(true, Ordering::Release);
    }
}
