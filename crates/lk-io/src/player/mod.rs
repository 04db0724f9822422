// SPDX-License-Identifier: GPL-2.0-or-later
//! Media played in real time on threads of its own.
//!
//! One thread reads packets (`reading`), one decodes pictures and publishes each frame a little before it is due
//! (`pictures`), one decodes sound and writes it at its place on the clock's time line (`hearing`). Which place of
//! the media belongs to which moment says one straight line (`timeline`), so that pictures and sound cannot part.
//! Sent to another place, the three start afresh under a new serial number; what is late from the old place is
//! recognised by its number and dropped.

mod hearing;
mod loudness;
mod options;
mod packets;
mod pictures;
mod reading;
mod shared;
mod source;
mod timeline;

pub use options::{PlayerOptions, PlayerStatistics};

use crate::av::demux::{Demuxer, Opened};
use crate::media_file::{MediaInfo, OpenOptions};
use hearing::Hearing;
use lk_media::audio_port::sample_at;
use lk_media::clock::Deadline;
use lk_media::thread::{Process, Thread, spawn};
use lk_media::{
    AudioSource, Cancel, Clock, Delivery, Error, ErrorKind, Events, Result, SourceState, Timestamp,
    VideoSource, VideoTarget, Wake,
};
use loudness::Loudness;
use packets::Packets;
use parking_lot::Mutex;
use pictures::Pictures;
use reading::Reading;
use shared::{Shared, is_same};
use source::{Link, Pulled, Sound, Video};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use timeline::{Facts, Timeline};

/// How long an interrupted read may take to return; one stuck in the kernel is left behind.
const INTERRUPTED: Duration = Duration::from_millis(500);
/// How much longer than its own deadline opening is waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Plays a file, an address or a pipe in real time.
///
/// It is created standing at its beginning, whose picture is there at once, and plays from [`Player::start`] on.
/// Frames go to every target and are there as a source ([`Player::video`]); sound is a source ([`Player::sound`]).
/// The first picture after a start falls on the grid of the clip's own frame rate, counted from the clock's zero:
/// played at that rate, every frame is seen exactly once.
///
/// Files can also be asked for exact frames and samples, by offline runs; that leaves what plays alone. A pipe or a
/// stream without a length is a live input: it cannot be gone back in and may stall without hurting anyone.
///
/// Clones are the same player. It stops when the last one and the last source of it are dropped.
#[derive(Clone)]
pub struct Player(Arc<Inner>);

pub(crate) struct Inner {
    shared: Arc<Shared>,
    info: MediaInfo,
    opened_as: String,
    options: PlayerOptions,
    file: Option<PathBuf>,
    live: bool,
    has_video: bool,
    has_sound: bool,
    looping: AtomicBool,
    loudness: Loudness,
    pulled: Pulled,
    decoders: Mutex<Vec<Thread>>,
    demuxer: Mutex<Option<Thread>>,
    /// Rung when the demuxer's thread is through.
    done: Wake,
    process: Process,
}

impl Player {
    /// Opens a file, an address or a pipe and decodes its first picture and sound; errors say what is wrong.
    pub fn open(name: &str, options: &PlayerOptions) -> Result<Self> {
        Self::open_on(name, options, <dyn Clock>::live())
    }

    /// The same on another clock.
    pub fn open_on(name: &str, options: &PlayerOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        options.check()?;
        let (cancel, done) = (Cancel::new(), Wake::new());
        let (to_demuxer, from_player) = crossbeam_channel::bounded::<Reading>(1);
        let (to_player, from_demuxer) = crossbeam_channel::bounded::<Result<Opened>>(1);
        let demuxer = {
            let (name, options, done) = (name.to_owned(), options.clone(), done.clone());
            let open = options.to_open(cancel.clone());
            spawn("lk-demux", move || {
                let opened = Demuxer::open(&name, &open, options.play_video, options.play_audio);
                let is_open = opened.is_ok();
                // whoever asked may have given up meanwhile
                if to_player.send(opened).is_ok()
                    && is_open
                    && let Ok(reading) = from_player.recv()
                {
                    reading.run();
                }
                done.ring();
            })?
        };
        let opened = match from_demuxer.recv_timeout(options.timeout + GRACE) {
            Ok(opened) => opened,
            Err(_) => {
                // it is stuck where nothing can interrupt it
                cancel.cancel();
                demuxer.detach();
                let message = format!("{name}: no answer within {:.1} s", options.timeout.as_secs_f64());
                return Err(Error::new(ErrorKind::Deadline, message).with_hint(
                    "the disk or the other side is silent: try again, or give it a longer timeout",
                ));
            }
        };
        let opened = opened?;
        let inner = Inner::new(name, options, clock, cancel, done, &opened);
        *inner.demuxer.lock() = Some(demuxer);
        inner.start_threads(opened, to_demuxer)?;
        inner.shared.wait_ready(Deadline::after(options.timeout));
        Ok(Self(Arc::new(inner)))
    }

    /// What is in it.
    pub fn info(&self) -> &MediaInfo {
        &self.0.info
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.0.shared.name
    }

    /// Whether pictures are played.
    pub fn has_video(&self) -> bool {
        self.0.has_video
    }

    /// Whether sound is played.
    pub fn has_sound(&self) -> bool {
        self.0.has_sound
    }

    /// Whether it is a live input: a pipe, or a stream without a length.
    pub fn is_live(&self) -> bool {
        self.0.live
    }

    /// Plays on from where it stands, or from the beginning if it had reached the end.
    pub fn start(&self) {
        self.0.start_at(None);
    }

    /// The same, but so that its place belongs to the moment `t` of its clock.
    pub fn start_at(&self, t: Timestamp) {
        self.0.start_at(Some(t));
    }

    /// Stands still where it is: the last frame stays, and it is silent.
    pub fn stop(&self) {
        self.0.shared.update(Timeline::stop);
    }

    /// Goes to media time `position`, playing or not. A live input cannot.
    pub fn set_position(&self, position: Timestamp) {
        if self.0.live {
            tracing::warn!("{}: a live input has no places to go to", self.name());
            return;
        }
        let mut media = position.as_nanos().max(0);
        if let Some(period) = self.0.info.duration().filter(|_| self.0.looping.load(Ordering::Relaxed)) {
            media %= period.as_nanos().max(1);
        }
        self.0.shared.go_to(media);
    }

    /// The media time it stands at.
    pub fn position(&self) -> Timestamp {
        self.0.shared.timeline.lock().position(self.0.shared.now())
    }

    /// The length in media time, if it is known.
    pub fn duration(&self) -> Option<Timestamp> {
        self.0.info.duration()
    }

    /// Whether it plays: started, not stopped and not at the end.
    pub fn is_playing(&self) -> bool {
        self.0.shared.timeline.lock().is_playing()
    }

    /// Whether picture and sound of its place are decoded: after opening and after going somewhere, time stands
    /// until they are.
    pub fn is_ready(&self) -> bool {
        self.0.shared.timeline.lock().is_ready()
    }

    /// Whether it has played to the end.
    pub fn is_eof_reached(&self) -> bool {
        self.0.shared.timeline.lock().is_ended()
    }

    /// Plays `rate` media seconds a second from now on, 1/64 to 64. Sound changes its pitch with it.
    pub fn set_rate(&self, rate: f64) -> Result<()> {
        PlayerOptions { rate, ..self.0.options.clone() }.check()?;
        self.0.shared.update(|timeline, now| timeline.set_rate(now, rate));
        Ok(())
    }

    /// Media seconds a second.
    pub fn rate(&self) -> f64 {
        self.0.shared.map().rate
    }

    /// Begins again at the end from now on, or plays to the end of this lap. Media without a length play once.
    pub fn set_looping(&self, looping: bool) {
        self.0.looping.store(looping, Ordering::Relaxed);
        self.0.shared.update(|timeline, now| timeline.set_looping(now, looping));
    }

    /// Whether it begins again at the end.
    pub fn is_looping(&self) -> bool {
        self.0.looping.load(Ordering::Relaxed)
    }

    /// Makes the sound louder or softer by so many decibels than it is in the media.
    pub fn set_gain_db(&self, gain: f32) -> Result<()> {
        if !(-200.0..=60.0).contains(&gain) {
            return Err(Error::parameter(format!("a gain of {gain} dB is not between -200 and 60")));
        }
        self.0.set_loudness(|old, _| *old = gain);
        Ok(())
    }

    /// The gain in decibels.
    pub fn gain_db(&self) -> f32 {
        self.0.loudness.get().0
    }

    /// Silences its sound, which goes on, or lets it be heard again.
    pub fn set_muted(&self, muted: bool) {
        self.0.set_loudness(|_, old| *old = muted);
    }

    /// Whether its sound is silenced.
    pub fn is_muted(&self) -> bool {
        self.0.loudness.get().1
    }

    /// Gives every frame to `target` from now on, the one that is shown at once. The target does not keep the
    /// player alive.
    pub fn add_target(&self, target: Arc<dyn VideoTarget>) -> Result<()> {
        {
            let mut targets = self.0.shared.targets.lock();
            if targets.iter().any(|t| is_same(t, &target)) {
                return Ok(());
            }
            targets.push(target.clone());
        }
        let (player, name) = (Arc::downgrade(&self.0), self.0.shared.name.clone());
        target.set_upstream(Some(Arc::new(Link { player, name })));
        if let Some(frame) = self.0.shared.port.at(self.0.shared.now()) {
            target.offer(&frame, Delivery::Live)?;
        }
        Ok(())
    }

    /// Gives `target` no more frames; whether it was given any.
    pub fn remove_target(&self, target: &Arc<dyn VideoTarget>) -> bool {
        let mut targets = self.0.shared.targets.lock();
        let before = targets.len();
        targets.retain(|t| !is_same(t, target));
        let removed = targets.len() < before;
        drop(targets);
        if removed {
            target.set_upstream(None);
        }
        removed
    }

    /// Who is given the frames.
    pub fn targets(&self) -> Vec<Arc<dyn VideoTarget>> {
        self.0.shared.targets.lock().clone()
    }

    /// Ends its threads and closes the file: it stands still for good, its last frame stays with its readers.
    pub fn close(&self) {
        self.stop();
        self.0.close();
    }

    /// Its pictures as a source; keeps the player alive.
    pub fn video(&self) -> Arc<dyn VideoSource> {
        Arc::new(Video(self.0.clone()))
    }

    /// Its sound as a source, if it has any; keeps the player alive.
    pub fn sound(&self) -> Option<Arc<dyn AudioSource>> {
        self.0.has_sound.then(|| Arc::new(Sound(self.0.clone())) as _)
    }

    /// Tells of changes of its state.
    pub fn events(&self) -> &Events {
        &self.0.shared.events
    }

    /// Where it stands. A player that was stopped is Live: its frame is there.
    pub fn state(&self) -> SourceState {
        self.0.shared.state()
    }

    /// Counts, and how full its queues are.
    pub fn statistics(&self) -> PlayerStatistics {
        self.0.shared.statistics()
    }
}

impl Inner {
    fn new(
        name: &str,
        options: &PlayerOptions,
        clock: Arc<dyn Clock>,
        cancel: Cancel,
        done: Wake,
        opened: &Opened,
    ) -> Self {
        let demuxer = &opened.demuxer;
        let (info, live) = (demuxer.info(), demuxer.is_live());
        let (has_video, has_sound) = (opened.pictures.is_some(), opened.sound.is_some());
        let facts = Facts {
            video: has_video,
            sound: has_sound,
            live,
            rate: if has_video { info.video_fps() } else { None },
            first: opened.pictures.as_ref().map_or(0, |p| p.first().as_nanos()),
            period: demuxer.duration().map(Timestamp::as_nanos).filter(|_| !live),
        };
        let now = clock.now();
        let timeline = Timeline::new(facts, options.looping, options.rate, now);
        let packets = Packets::new(has_video, has_sound);
        let shared = Arc::new(Shared::new(demuxer.name(), clock, cancel, timeline, packets));
        Self {
            shared,
            info,
            opened_as: name.to_owned(),
            options: options.clone(),
            file: demuxer.file(),
            live,
            has_video,
            has_sound,
            looping: AtomicBool::new(options.looping),
            loudness: Loudness::new(),
            pulled: Pulled::default(),
            decoders: Mutex::default(),
            demuxer: Mutex::default(),
            done,
            process: Process::here(),
        }
    }

    fn start_threads(&self, opened: Opened, to: crossbeam_channel::Sender<Reading>) -> Result<()> {
        let Opened { mut demuxer, pictures, sound, gathered } = opened;
        demuxer.be_patient();
        let remote = demuxer.is_remote();
        let alone = pictures.is_none();
        let reading = Reading::new(self.shared.clone(), demuxer, gathered);
        let mut threads = self.decoders.lock();
        if let Some(decoder) = pictures {
            let pictures = Pictures::new(self.shared.clone(), decoder, remote);
            threads.push(spawn("lk-pictures", move || pictures.run())?);
        }
        if let Some(decoder) = sound {
            let hearing = Hearing::new(self.shared.clone(), decoder, alone);
            threads.push(spawn("lk-sound", move || hearing.run())?);
        }
        to.send(reading).map_err(|_| Error::internal("the demuxer's thread is gone"))
    }

    fn start_at(&self, at: Option<Timestamp>) {
        if self.shared.update(|timeline, now| timeline.start(now, at)) && !self.live {
            self.shared.go_to(0);
        }
    }

    fn set_loudness(&self, change: impl FnOnce(&mut f32, &mut bool)) {
        self.loudness.change(sample_at(self.shared.now()), change);
    }

    /// How the pulled readers are opened.
    fn exact_options(&self) -> OpenOptions {
        OpenOptions {
            looping: self.looping.load(Ordering::Relaxed),
            rate: self.shared.map().rate,
            ..self.options.to_open(self.shared.cancel.clone())
        }
    }
}

impl Inner {
    fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.shared.cancel.cancel();
        self.shared.packets.ring();
        let targets = std::mem::take(&mut *self.shared.targets.lock());
        targets.iter().for_each(|t| t.set_upstream(None));
        let decoders = std::mem::take(&mut *self.decoders.lock());
        drop(decoders);
        let demuxer = self.demuxer.lock().take();
        if let Some(demuxer) = demuxer {
            if demuxer.is_finished() || self.done.wait(INTERRUPTED) {
                return;
            }
            tracing::warn!("{}: a read does not return; its thread is left behind", self.shared.name);
            demuxer.detach();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
