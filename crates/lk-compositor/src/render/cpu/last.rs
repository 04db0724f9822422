// SPDX-License-Identifier: GPL-2.0-or-later
//! The frames made last, to be handed out again while nothing changes.

use super::frame_of;
use crate::render::{Frames, OutputRequest, RenderJob};
use crate::scene::Scene;
use lk_media::{Frame, FrameId, FrameSpec};
use smallvec::SmallVec;

/// The kinds of frames a job asks for.
pub(super) type Specs = SmallVec<[FrameSpec; 4]>;

/// The frames of a job and all that they depend on. Input frames are remembered by identity alone, so none is
/// held back from its pool.
pub(super) struct Last {
    scene: Scene,
    /// The picture each layer showed.
    shown: Vec<Option<FrameId>>,
    specs: Specs,
    frames: Frames,
    valid: bool,
}

impl Last {
    /// The frames that `job` asks for, if it shows what they show. Memory brought must be written: no frame
    /// made before answers that.
    pub fn answer(&self, job: &RenderJob<'_>) -> Option<Frames> {
        let same = self.valid
            && self.specs.len() == job.outputs.len()
            && job.outputs.iter().zip(&self.specs).all(|(o, spec)| o.buffer.is_none() && o.spec == *spec)
            && shown(job).eq(self.shown.iter().copied())
            && self.scene == *job.scene;
        same.then(|| self.frames.iter().map(|f| f.at(job.time)).collect())
    }

    /// Lets the frames go; nothing is answered until new ones are kept.
    pub fn forget(&mut self) {
        self.frames.clear();
        self.specs.clear();
        self.shown.clear();
        self.valid = false;
    }

    /// Remembers what `job`, which asked for `specs`, was answered with. Memory is used again.
    pub fn keep(last: &mut Option<Self>, job: &RenderJob<'_>, specs: Specs, frames: &Frames) {
        match last {
            Some(last) => {
                follow(&mut last.scene, job.scene);
                last.shown.extend(shown(job));
                (last.specs, last.frames, last.valid) = (specs, frames.clone(), true);
            }
            None => {
                let (scene, shown) = (job.scene.clone(), shown(job).collect());
                *last = Some(Self { scene, shown, specs, frames: frames.clone(), valid: true });
            }
        }
    }

    /// The kinds of frames asked for; None if some must be written into memory of their own, which is not ours
    /// to hand out again.
    pub fn specs(outputs: &[OutputRequest]) -> Option<Specs> {
        outputs.iter().map(|o| o.buffer.is_none().then_some(o.spec)).collect()
    }
}

/// Makes `last` equal to `scene`; layers that stay in their slots are written over.
fn follow(last: &mut Scene, scene: &Scene) {
    if !last.layers.keys().eq(scene.layers.keys()) || last.mixer != scene.mixer {
        return *last = scene.clone();
    }
    (last.size, last.background) = (scene.size, scene.background);
    for (old, new) in last.layers.values_mut().zip(scene.layers.values()).filter(|(old, new)| old != new) {
        old.clone_from(new);
    }
}

/// The picture of each layer that can be seen.
fn shown<'a>(job: &'a RenderJob<'_>) -> impl Iterator<Item = Option<FrameId>> + 'a {
    let layers = job.scene.layers.values().filter(|l| l.visible);
    layers.map(|layer| frame_of(layer, job).map(Frame::id))
}
