// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording a composition, or any source, live.

use crate::{
    AudioSource, AudioTarget, Clock, Compositor, Error, LiveOptions, Picture, Recorder, RecordingReport,
    Result, VideoSource, VideoTarget,
};
use parking_lot::Mutex;
use std::sync::Arc;

/// What is recorded.
pub enum Recorded {
    /// A composition with its sound, which is started if it is not running: one tick, one frame. A recorder of another
    /// size or rate than the composition's records what it shows as it would any other source.
    Scene(Compositor),
    /// A source on the recorder's own grid, and a sound for each of its tracks.
    Sources(Option<Arc<dyn VideoSource>>, Vec<Arc<dyn AudioSource>>),
}

/// A recorder and what it records. Dropped, it ends the recording: the file is whole afterwards.
pub struct Recording {
    recorder: Arc<Recorder>,
    scene: Mutex<Option<Attached>>,
}

struct Attached {
    scene: Compositor,
    video: Arc<dyn VideoTarget>,
    sound: Option<Arc<dyn AudioTarget>>,
}

impl Recording {
    /// Nothing is recorded yet: see [`Recording::connect`] and [`Recorder::start`].
    pub fn new(recorder: Recorder) -> Self {
        Self { recorder: Arc::new(recorder), scene: Mutex::default() }
    }

    /// The recorder.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Says what is recorded from now on. A composition may be exchanged for another; other sources stay for good.
    pub fn connect(&self, what: Recorded) -> Result<()> {
        match what {
            Recorded::Sources(video, sounds) => {
                self.recorder.record_source(video, sounds, <dyn Clock>::live())
            }
            Recorded::Scene(scene) if self.fits(&scene) => self.attach(scene),
            Recorded::Scene(scene) => {
                scene.start(LiveOptions::default())?;
                let sounds = (0..self.recorder.tracks()).map(|_| scene.sound_port() as Arc<dyn AudioSource>);
                let picture: Arc<dyn VideoSource> = Arc::new(Picture::of(&scene));
                self.recorder.record_source(Some(picture), sounds.collect(), <dyn Clock>::live())
            }
        }
    }

    fn fits(&self, scene: &Compositor) -> bool {
        self.recorder.size() == Some(scene.size()) && self.recorder.rate() == Some(scene.rate())
    }

    fn attach(&self, scene: Compositor) -> Result<()> {
        let video: Arc<dyn VideoTarget> = self.recorder.clone();
        let sound = if self.recorder.tracks() > 0 { Some(self.recorder.track(0)?) } else { None };
        scene.add_target(video.clone());
        sound.iter().for_each(|sound| scene.add_sound_target(sound.clone()));
        let started = scene.start(LiveOptions::default());
        let attached = Attached { scene, video, sound };
        if started.is_err() {
            attached.detach();
            return started;
        }
        let before = self.scene.lock().replace(attached);
        before.iter().for_each(Attached::detach);
        Ok(())
    }

    /// Ends the recording, as [`Recorder::stop`] does, and lets go of the composition.
    pub fn stop(&self) -> Result<RecordingReport> {
        // the composition goes on giving sound until that of the last frame is there
        let report = self.recorder.stop();
        let scene = self.scene.lock().take();
        scene.iter().for_each(Attached::detach);
        report
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.recorder.error()
    }
}

impl Attached {
    fn detach(&self) {
        self.scene.remove_target(&self.video);
        self.sound.iter().for_each(|sound| self.scene.remove_sound_target(sound));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // here and not where the last reference goes, which may be on the tick
        if let Err(e) = self.stop() {
            tracing::warn!("{}: {e}", VideoTarget::name(&*self.recorder));
        }
    }
}
