// SPDX-License-Identifier: GPL-2.0-or-later
//! Recording a composition, or any source, live.

use crate::render::{files_of, place_of};
use crate::{
    AudioBlock, AudioSource, AudioTarget, Cancel, Clock, Compositor, Delivery, Error, ErrorKind, Frame,
    LiveOptions, MixId, Offered, Picture, Recorder, RecorderSettings, RecorderState, RecordingReport, Result,
    Sample, Sampling, Size, TargetStatistics, VideoSource, VideoTarget, VideoWish, Wake,
};
use lk_media::clock::Deadline;
use lk_media::thread::Process;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the first picture of a source is waited for, to know its size.
const FIRST_PICTURE: Duration = Duration::from_secs(5);

/// The size of a source's pictures; waits for the first one, at most 5 s, where it is not known before.
pub fn first_size(source: &dyn VideoSource, cancel: &Cancel) -> Result<Size> {
    let (wake, deadline) = (Wake::new(), Deadline::after(FIRST_PICTURE));
    source.wake_on_ready(&wake);
    loop {
        if let Some(size) = source.size() {
            return Ok(size);
        }
        match source.sample(<dyn Clock>::live().now(), Sampling::Live)? {
            Sample::Frame(frame) | Sample::Ended(Some(frame)) => return Ok(frame.size()),
            Sample::Ended(None) | Sample::Pending | Sample::Empty => {}
        }
        if cancel.is_cancelled() || deadline.has_passed() {
            let seconds = FIRST_PICTURE.as_secs();
            let message =
                format!("{} has shown nothing for {seconds} s: its size is not known", source.name());
            return Err(Error::new(ErrorKind::Deadline, message).with_hint("say the size of the recording"));
        }
        wake.wait(deadline.left(Duration::from_millis(20)));
    }
}

/// What is heard on a track.
#[derive(Clone)]
pub enum Heard {
    /// The mixed sound of the composition that is recorded.
    Mix,
    /// Another of its mixes.
    Track(MixId),
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
            Self::Mix | Self::Track(_) => None,
            Self::Source(source) => Some(source),
        }
    }
}

/// A recorder and what it records. Dropped, it ends the recording: the file is whole afterwards. In a forked child
/// it does nothing.
pub struct Recording {
    recorder: Arc<Recorder>,
    scene: Mutex<Option<Attached>>,
    place: Mutex<Option<Place>>,
    process: Process,
}

/// Files that are being recorded.
static PLACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file that is being recorded, until this is dropped.
struct Place(PathBuf);

impl Place {
    /// None for what is no file of its own: addresses, pipes, devices.
    fn take(name: &str) -> Result<Option<Self>> {
        let Some(path) = place_of(name).filter(|p| !p.exists() || p.is_file()) else { return Ok(None) };
        let mut places = PLACES.lock();
        if places.contains(&path) {
            return Err(Error::new(ErrorKind::Busy, format!("{name} is being recorded by another recorder"))
                .with_hint("stop that one first, or record into another file"));
        }
        places.push(path.clone());
        Ok(Some(Self(path)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        PLACES.lock().retain(|p| *p != self.0);
    }
}

struct Attached {
    scene: Compositor,
    video: Option<Arc<dyn VideoTarget>>,
    sounds: Vec<(MixId, Arc<dyn AudioTarget>)>,
}

impl Recording {
    /// Nothing is recorded yet: see [`Recording::connect`] and [`Recorder::start`].
    pub fn new(recorder: Recorder) -> Self {
        Self {
            recorder: Arc::new(recorder),
            scene: Mutex::default(),
            place: Mutex::default(),
            process: Process::here(),
        }
    }

    /// Opens the recorder as well. Busy if another recording of this process that was opened here goes to that file.
    pub fn open(name: &str, settings: RecorderSettings) -> Result<Self> {
        let place = Place::take(name)?;
        let made = Self::new(Recorder::open(name, settings)?);
        *made.place.lock() = place;
        Ok(made)
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
            let mix = match heard {
                Heard::Mix => MixId::MAIN,
                Heard::Track(mix) => mix,
                Heard::Source(sound) => {
                    own.push((index, sound));
                    continue;
                }
            };
            scene.mix(mix)?;
            attached.sounds.push((mix, Arc::new(Track(self.recorder.track(index)?))));
        }
        attached.video = fits.then(|| Arc::new(Pictures(self.recorder.clone())) as Arc<dyn VideoTarget>);
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
            let (scene, place) = (self.scene.lock().take(), self.place.lock().take());
            scene.iter().for_each(Attached::detach);
            drop(place);
        }
        report
    }

    /// The error that ended it.
    pub fn error(&self) -> Option<Error> {
        self.recorder.error()
    }
}

/// What a composition goes on giving while a recording ends is no error.
fn unless_over(offered: Result<Offered>) -> Result<Offered> {
    match offered {
        Err(e) if e.kind() == ErrorKind::Closed => Ok(Offered::Dropped),
        offered => offered,
    }
}

/// The recorder's pictures as a target of a composition.
struct Pictures(Arc<Recorder>);

impl VideoTarget for Pictures {
    fn name(&self) -> String {
        VideoTarget::name(&*self.0)
    }

    fn wish(&self) -> VideoWish {
        self.0.wish()
    }

    fn offer(&self, frame: &Frame, delivery: Delivery) -> Result<Offered> {
        unless_over(self.0.offer(frame, delivery))
    }

    fn wake_on_ready(&self, wake: &Wake) {
        self.0.wake_on_ready(wake);
    }

    fn error(&self) -> Option<Error> {
        self.0.error()
    }

    fn statistics(&self) -> TargetStatistics {
        VideoTarget::statistics(&*self.0)
    }
}

/// One of its tracks.
struct Track(Arc<dyn AudioTarget>);

impl AudioTarget for Track {
    fn name(&self) -> String {
        self.0.name()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        unless_over(self.0.offer_audio(block, delivery))
    }
}

impl Attached {
    fn attach(&self) {
        self.video.iter().for_each(|video| self.scene.add_target(video.clone()));
        for (mix, sound) in &self.sounds {
            if let Err(e) = self.scene.add_mix_target(*mix, sound.clone()) {
                tracing::warn!("{}: {e}", sound.name());
            }
        }
    }

    fn detach(&self) {
        self.video.iter().for_each(|video| self.scene.remove_target(video));
        self.sounds.iter().for_each(|(_, sound)| self.scene.remove_sound_target(sound));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.process.is_this() {
            std::mem::forget((self.scene.get_mut().take(), self.place.get_mut().take()));
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
