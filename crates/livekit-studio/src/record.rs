// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording a composition, or any source, live.

use crate::render::{files_of, place_of};
use crate::{
    AudioSource, AudioTarget, Clock, Compositor, Error, LiveOptions, Picture, Recorder, RecorderState,
    RecordingReport, Result, VideoSource, VideoTarget,
};
use lk_media::thread::Process;
use parking_lot::Mutex;
use std::sync::Arc;

/// What is heard on a track.
#[derive(Clone)]
pub enum Heard {
    /// The mixed sound of the composition that is recorded.
    Mix,
    /// A sound of its own.
    Source(Arc<dyn AudioSource>),
}

/// What is recorded.
#[derive(Clone)]
pub enum Recorded {
    /// A composition, which is started if it is not running, and what is heard on each track: one tick, one frame. A
    /// recorder of another size or rate than the composition's records what it shows as it would any other source.
    Scene(Compositor, Vec<Heard>),
    /// A source on the recorder's own grid, and a sound for each of its tracks.
    Sources(Option<Arc<dyn VideoSource>>, Vec<Arc<dyn AudioSource>>),
}

impl Recorded {
    /// An error if recording it into the file called `name` would overwrite what it goes on reading.
    pub fn check_name(&self, name: &str) -> Result<()> {
        let mut read = match self {
            Self::Scene(scene, _) => files_of(scene),
            Self::Sources(video, _) => video.iter().filter_map(|v| v.file()?.canonicalize().ok()).collect(),
        };
        let sounds: Vec<&Arc<dyn AudioSource>> = match self {
            Self::Sources(_, sounds) => sounds.iter().collect(),
            Self::Scene(_, heard) => heard.iter().filter_map(Heard::source).collect(),
        };
        read.extend(sounds.iter().filter_map(|s| s.file()?.canonicalize().ok()));
        match place_of(name) {
            Some(place) if read.contains(&place) => {
                Err(Error::parameter(format!("{name} is what is recorded, and would be overwritten"))
                    .with_hint("record into another file"))
            }
            _ => Ok(()),
        }
    }
}

impl Heard {
    fn source(&self) -> Option<&Arc<dyn AudioSource>> {
        match self {
            Self::Mix => None,
            Self::Source(source) => Some(source),
        }
    }
}

/// A recorder and what it records. Dropped, it ends the recording: the file is whole afterwards. In a forked child
/// it does nothing.
pub struct Recording {
    recorder: Arc<Recorder>,
    scene: Mutex<Option<Attached>>,
    process: Process,
}

struct Attached {
    scene: Compositor,
    video: Option<Arc<dyn VideoTarget>>,
    sounds: Vec<Arc<dyn AudioTarget>>,
}

impl Recording {
    /// Nothing is recorded yet: see [`Recording::connect`] and [`Recorder::start`].
    pub fn new(recorder: Recorder) -> Self {
        Self { recorder: Arc::new(recorder), scene: Mutex::default(), process: Process::here() }
    }

    /// The recorder.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Says what is recorded from now on. A composition may be exchanged for another of the recorder's size and rate;
    /// other sources stay for good, and so do sounds that are no mix.
    pub fn connect(&self, what: Recorded) -> Result<()> {
        match what {
            Recorded::Sources(video, sounds) => {
                self.recorder.record_source(video, sounds, <dyn Clock>::live())
            }
            Recorded::Scene(scene, heard) => self.attach(scene, heard),
        }
    }

    fn fits(&self, scene: &Compositor) -> bool {
        self.recorder.size() == Some(scene.size()) && self.recorder.rate() == Some(scene.rate())
    }

    fn attach(&self, scene: Compositor, heard: Vec<Heard>) -> Result<()> {
        let fits = self.fits(&scene);
        let mut attached = Attached { scene: scene.clone(), video: None, sounds: Vec::new() };
        let mut own = Vec::new();
        for (index, heard) in heard.into_iter().enumerate().take(self.recorder.tracks()) {
            match heard {
                Heard::Mix => attached.sounds.push(self.recorder.track(index)?),
                Heard::Source(sound) => own.push((index, sound)),
            }
        }
        attached.video = fits.then(|| self.recorder.clone() as Arc<dyn VideoTarget>);
        // first, since it may be the same one
        let before = self.scene.lock().take();
        before.iter().for_each(Attached::detach);
        attached.attach();
        let outcome = scene.start(LiveOptions::default()).and_then(|()| {
            let picture = (!fits && self.recorder.size().is_some())
                .then(|| Arc::new(Picture::of(&scene)) as Arc<dyn VideoSource>);
            // sounds of their own stay when a composition takes another's place
            if picture.is_none() && (own.is_empty() || before.is_some()) {
                return Ok(());
            }
            self.recorder.record_with(picture, own, <dyn Clock>::live())
        });
        if outcome.is_err() {
            attached.detach();
            before.iter().for_each(Attached::attach);
        }
        *self.scene.lock() = if outcome.is_ok() { Some(attached) } else { before };
        outcome
    }

    /// Ends the recording, as [`Recorder::stop`] does, and lets go of the composition.
    pub fn stop(&self) -> Result<RecordingReport> {
        // the composition goes on giving sound until that of the last frame is there
        let report = self.recorder.stop();
        if self.process.is_this() {
            let scene = self.scene.lock().take();
            scene.iter().for_each(Attached::detach);
        }
        report
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.recorder.error()
    }
}

impl Attached {
    fn attach(&self) {
        self.video.iter().for_each(|video| self.scene.add_target(video.clone()));
        self.sounds.iter().for_each(|sound| self.scene.add_sound_target(sound.clone()));
    }

    fn detach(&self) {
        self.video.iter().for_each(|video| self.scene.remove_target(video));
        self.sounds.iter().for_each(|sound| self.scene.remove_sound_target(sound));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.process.is_this() {
            std::mem::forget(self.scene.get_mut().take());
            return;
        }
        let is_over = matches!(self.recorder.state(), RecorderState::Stopped);
        // here and not where the last reference goes, which may be on the tick
        if let Err(e) = self.stop()
            && !is_over
        {
            tracing::warn!("{}: {e}", VideoTarget::name(&*self.recorder));
        }
    }
}
