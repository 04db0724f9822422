// SPDX-License-Identifier: GPL-2.0-or-later
//! Offline runs: the same graph on a manual clock, as fast as it goes, the same every time.

use crate::compositor::Compositor;
use crate::draft::{Commit, SoundId};
use crate::mixing::{self, Mixing};
use crate::outputs;
use crate::sampling::{self, Asked, Given};
use crate::sound::SoundTarget;
use crate::statistics::RunStatistics;
use lk_compositor::render::Frames;
use lk_compositor::{CpuRenderer, LayerId, MixId, OfflinePolicy, RenderJob, Renderer, Sampled, SourceId};
use lk_media::clock::{Deadline, Stopwatch, process_cpu_time, thread_cpu_time};
use lk_media::{
    AudioBlock, AudioRead, AudioSource, Cancel, ClockId, Delivery, Error, ErrorKind, Exactness, Frame,
    FrameSpec, LeaseGuard, Offered, Result, SAMPLE_RATE, Sample, Sampling, Timestamp, VideoSource,
    VideoTarget, Wake, thread,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a target may answer Busy before the run gives up.
const TARGET_PATIENCE: Duration = Duration::from_secs(120);
/// How long the rest of a tick may take to go out after a cancel.
const GRACE: Duration = Duration::from_secs(2);

/// How an offline run is to go.
#[derive(Clone)]
pub struct OfflineOptions {
    /// The frames wanted at each tick.
    pub outputs: Vec<FrameSpec>,
    /// Whether sound is mixed.
    pub sound: bool,
    /// Render threads, the calling one included.
    pub threads: usize,
    /// Ends the run early, with an error of kind Cancelled.
    pub cancel: Cancel,
    /// The index of the first frame.
    pub first: u64,
}

impl Default for OfflineOptions {
    fn default() -> Self {
        Self { outputs: Vec::new(), sound: true, threads: thread::budget(), cancel: Cancel::new(), first: 0 }
    }
}

/// What one step made.
pub struct Tick {
    /// The frame index.
    pub index: u64,
    /// Its time: round(index / rate).
    pub time: Timestamp,
    /// One frame for each output.
    pub frames: Frames,
    /// The sound of the main mix that begins within this frame.
    pub sound: Vec<AudioBlock>,
    /// That of the other mixes, the monitor left out.
    pub tracks: Vec<(MixId, AudioBlock)>,
    /// Whether everything that ends by itself (and there is such a thing) was over before this frame.
    pub over: bool,
}

impl Tick {
    /// What a mix has at the place of this block of the main mix: silence if it is gone.
    fn block(&self, mix: MixId, main: &AudioBlock) -> AudioBlock {
        let is_it = |(other, block): &&(MixId, AudioBlock)| *other == mix && block.position == main.position;
        match self.tracks.iter().find(is_it) {
            Some((_, block)) => block.clone(),
            None if mix == MixId::MAIN => main.clone(),
            None => AudioBlock { position: main.position, samples: vec![0.0; main.samples.len()].into() },
        }
    }
}

/// Counts of things that end by themselves.
#[derive(Clone, Copy, Default)]
struct Left {
    going: usize,
    ended: usize,
}

impl Left {
    fn count(&mut self, ends: bool, ended: bool) {
        match (ends, ended) {
            (_, true) => self.ended += 1,
            (true, false) => self.going += 1,
            (false, false) => {}
        }
    }
}

/// A run that is stepped frame by frame.
pub struct OfflineRun {
    compositor: Compositor,
    options: OfflineOptions,
    clock: ClockId,
    _claim: LeaseGuard,
    source_claims: HashMap<SourceId, Option<LeaseGuard>>,
    sound_claims: HashMap<SoundId, Option<LeaseGuard>>,
    revision: Option<u64>,
    renderer: CpuRenderer,
    mixing: Mixing,
    frozen: HashMap<LayerId, Frame>,
    wake: Wake,
    next: u64,
    last: Option<Frame>,
    started: Stopwatch,
    cpu_before: Duration,
    statistics: RunStatistics,
    /// Sources that end by themselves and had not ended at this tick, and those that had.
    pictures_left: Left,
    /// The same of sounds, at the last block, and at what was read ahead of it.
    sounds_left: Left,
    sounds_ahead: Left,
}

impl OfflineRun {
    /// Prepares a run: checks that every visible layer's source can be exact or has an offline policy, and takes
    /// the sources. Busy if the compositor or one of its sources is running already.
    pub fn new(compositor: &Compositor, options: OfflineOptions) -> Result<Self> {
        let clock = ClockId::unique();
        let first = options.first;
        let mut run = Self {
            _claim: compositor.claim(clock)?,
            compositor: compositor.clone(),
            clock,
            source_claims: HashMap::new(),
            sound_claims: HashMap::new(),
            revision: None,
            renderer: CpuRenderer::new(options.threads.max(1))?,
            mixing: Mixing::new(compositor.rate().sample_of(first, SAMPLE_RATE)),
            frozen: HashMap::new(),
            wake: Wake::new(),
            next: first,
            last: None,
            started: Stopwatch::start(),
            cpu_before: process_cpu_time(),
            statistics: RunStatistics::default(),
            pictures_left: Left::default(),
            sounds_left: Left::default(),
            sounds_ahead: Left::default(),
            options,
        };
        run.take_up(&compositor.committed())?;
        Ok(run)
    }

    /// Says which frames each step makes and whether it mixes sound.
    pub fn set_outputs(&mut self, outputs: Vec<FrameSpec>, sound: bool) {
        self.options.outputs = outputs;
        self.options.sound = sound;
    }

    /// The index of the frame the next step makes.
    pub(crate) fn next_index(&self) -> u64 {
        self.next
    }

    /// The first frame of the last step.
    pub(crate) fn last_frame(&self) -> Option<&Frame> {
        self.last.as_ref()
    }

    /// The number of frames until everything that ends has ended; None if nothing ends by itself.
    pub fn natural_length(&self) -> Option<u64> {
        let commit = self.compositor.committed();
        let pictures = commit.sources.values().filter_map(|s| s.duration());
        let sounds = commit.sounds.iter().filter_map(|(id, s)| {
            let offset = commit.scene.mixer.inputs.get(id).map_or(0.0, |i| i.sync_offset);
            s.duration().map(|d| Duration::from_secs_f64((d.as_secs_f64() + offset).max(0.0)))
        });
        let longest = pictures.chain(sounds).max()?;
        Some(self.compositor.rate().frames_in(longest.as_secs_f64()).max(1))
    }

    /// Makes the next frame and the sound that begins with it.
    pub fn step(&mut self) -> Result<Tick> {
        self.step_for(&[])
    }

    /// The same for targets that get the frame next ([`OfflineRun::deliver`]): what only one of them wants is made
    /// in its own memory if it offers some.
    pub fn step_for(&mut self, videos: &[(usize, Arc<dyn VideoTarget>)]) -> Result<Tick> {
        if self.options.cancel.is_cancelled() {
            return Err(cancelled());
        }
        let commit = self.compositor.committed();
        self.take_up(&commit)?;
        let index = self.next;
        let rate = self.compositor.rate();
        let time = rate.time_of(index);

        self.pictures_left = Left::default();
        let watch = Stopwatch::start();
        let inputs = self.sample_all(&commit, time)?;
        self.statistics.parts.sampling += watch.elapsed();

        let (watch, cpu) = (Stopwatch::start(), thread_cpu_time());
        let outputs = outputs::requests(&self.options.outputs, videos);
        self.renderer.submit(RenderJob { index, time, scene: &commit.scene, inputs: &inputs, outputs })?;
        let rendered = self
            .renderer
            .poll()
            .ok_or_else(|| Error::internal("the renderer did not give the frame it was given"))?;
        self.statistics.parts.rendering += watch.elapsed();
        self.statistics.tick_cpu += thread_cpu_time().saturating_sub(cpu);

        let (mut sound, mut tracks) = (Vec::new(), Vec::new());
        if self.options.sound {
            let watch = Stopwatch::start();
            let end = rate.sample_of(index + 1, SAMPLE_RATE);
            while self.mixing.next() < end {
                self.mix_block(&commit)?;
                sound.extend(self.mixing.last(MixId::MAIN));
                for mix in commit.scene.mixer.mixes.keys().filter(|mix| !mix.is_fixed()) {
                    tracks.extend(self.mixing.last(*mix).map(|block| (*mix, block)));
                }
            }
            self.statistics.parts.mixing += watch.elapsed();
        }
        self.next += 1;
        self.last = rendered.frames.first().cloned();
        self.statistics.frames += 1;
        let heard = self.options.sound || commit.sounds.is_empty();
        let (pictures, sounds) = (self.pictures_left, self.sounds_left);
        let over = heard && pictures.going + sounds.going == 0 && pictures.ended + sounds.ended > 0;
        Ok(Tick { index, time, frames: rendered.frames, sound, tracks, over })
    }

    /// Hands a tick to targets, waiting for those that are busy. `videos` are pairs of an output's number and the
    /// target that wants it, `sounds` of a mix and its target. Sound past the end of frame `last` is cut off.
    pub fn deliver(
        &mut self,
        tick: &Tick,
        videos: &[(usize, Arc<dyn VideoTarget>)],
        sounds: &[SoundTarget],
        last: u64,
    ) -> Result<()> {
        let watch = Stopwatch::start();
        let wake = self.wake.clone();
        let mut begun = false;
        for (output, target) in videos {
            target.wake_on_ready(&wake);
            self.until_taken(&target.name(), begun, || {
                target.offer(&tick.frames[*output], Delivery::Lossless)
            })?;
            begun = true;
        }
        let end = self.compositor.rate().sample_of(last + 1, SAMPLE_RATE);
        for main in &tick.sound {
            let main = &mixing::cut(main.clone(), end);
            self.statistics.samples += main.len() as u64;
            for (mix, target) in sounds {
                let block = mixing::cut(tick.block(*mix, main), end);
                self.until_taken(&target.name(), begun, || target.offer_audio(&block, Delivery::Lossless))?;
                begun = true;
            }
        }
        self.statistics.parts.delivering += watch.elapsed();
        Ok(())
    }

    /// The counts so far.
    pub fn statistics(&self) -> RunStatistics {
        RunStatistics {
            elapsed: self.started.elapsed(),
            cpu: process_cpu_time().saturating_sub(self.cpu_before),
            render: self.renderer.statistics(),
            ..self.statistics.clone()
        }
    }

    /// Offers until it is taken. Once a tick has `begun` to go out, a cancel lets the rest of it follow for a
    /// while: pictures and sound, and the counts told of them, stay together.
    fn until_taken(&self, name: &str, begun: bool, mut offer: impl FnMut() -> Result<Offered>) -> Result<()> {
        let deadline = Deadline::after(TARGET_PATIENCE);
        let mut grace = None;
        while offer()? == Offered::Busy {
            // a short look now and then covers targets that cannot ring
            self.wake.wait(deadline.left(Duration::from_millis(20)));
            if self.options.cancel.is_cancelled()
                && (!begun || grace.get_or_insert_with(|| Deadline::after(GRACE)).has_passed())
            {
                return Err(cancelled());
            }
            if deadline.has_passed() {
                return Err(Error::new(
                    ErrorKind::Deadline,
                    format!("{name} took no frame for {TARGET_PATIENCE:?}"),
                )
                .with_hint("its encoder or its disk is stuck"));
            }
        }
        Ok(())
    }

    /// Claims the sources of a new commit and lets those go that are gone.
    fn take_up(&mut self, commit: &Commit) -> Result<()> {
        if self.revision == Some(commit.revision) {
            return Ok(());
        }
        for (slot, layer) in &commit.scene.layers {
            let Some(source) = commit.sources.get(&layer.source) else { continue };
            if let Exactness::LiveOnly(why) = source.exactness()
                && layer.visible
                && layer.offline.is_none()
            {
                let name =
                    layer.name.as_ref().map_or_else(|| format!("in slot {slot}"), |n| format!("{n:?}"));
                return Err(Error::new(
                    ErrorKind::LiveSource,
                    format!("the layer {name} shows {}, which cannot be rendered offline: {why}", source.name()),
                )
                .with_hint(
                    "give the layer offline=\"freeze\", \"latest\" or \"skip\", or use a file or a FunctionSource",
                ));
            }
        }
        self.source_claims.retain(|id, _| commit.sources.contains_key(id));
        let mixing = &self.mixing;
        self.sound_claims.retain(|id, _| commit.sounds.contains_key(id) || mixing.hears(*id));
        for (id, source) in &commit.sources {
            if !self.source_claims.contains_key(id) {
                source.wake_on_ready(&self.wake);
                self.source_claims.insert(*id, source.claim(self.clock, Timestamp::ZERO)?);
            }
        }
        for (id, sound) in &commit.sounds {
            if !self.sound_claims.contains_key(id) {
                if let Exactness::LiveOnly(why) = sound.exactness() {
                    return Err(Error::new(
                        ErrorKind::LiveSource,
                        format!("the sound of {} cannot be rendered offline: {why}", sound.name()),
                    )
                    .with_hint("remove it from the mixer for offline renders"));
                }
                sound.wake_on_ready(&self.wake);
                self.sound_claims.insert(*id, sound.claim(self.clock, Timestamp::ZERO)?);
            }
        }
        self.frozen.retain(|id, _| commit.scene.find(*id).is_some());
        self.revision = Some(commit.revision);
        Ok(())
    }

    fn sample_all(&mut self, commit: &Commit, time: Timestamp) -> Result<Vec<Sampled>> {
        let mut asked = Asked::default();
        sampling::shown(&commit.scene, |layer, id| {
            let Some(source) = commit.sources.get(&id) else { return Ok(Given::default()) };
            let (own, begun) = (id == layer.source, (Timestamp::ZERO + layer.start).is_due(time));
            if !begun && !own {
                return Ok(Given::default());
            }
            if source.exactness() == Exactness::Exact {
                return asked.once(id, || self.exact(&**source, time).map(Given::of));
            }
            let policy = match (begun, own) {
                (false, _) => Some(OfflinePolicy::Skip),
                (true, true) => layer.offline,
                (true, false) => Some(OfflinePolicy::Latest),
            };
            let mut newest = || asked.once(id, || newest(&**source).map(Given::of));
            match policy {
                Some(OfflinePolicy::Latest) => newest(),
                Some(OfflinePolicy::Freeze) => {
                    if let Some(frame) = self.frozen.get(&layer.id) {
                        return Ok(Given::of(Some(frame.clone())));
                    }
                    let given = newest()?;
                    given.frame.iter().for_each(|f| drop(self.frozen.insert(layer.id, f.clone())));
                    Ok(given)
                }
                Some(OfflinePolicy::Skip) | None => Ok(Given::default()),
            }
        })
    }

    fn exact(&mut self, source: &dyn VideoSource, time: Timestamp) -> Result<Option<Frame>> {
        let deadline = Deadline::after(source.deadline());
        loop {
            let (frame, ended) =
                match source.sample(time, Sampling::Exact).map_err(|e| e.context(source.name()))? {
                    Sample::Frame(frame) => (Some(frame), false),
                    Sample::Ended(last) => (last, true),
                    Sample::Empty => (None, false),
                    Sample::Pending => {
                        wait(&self.options.cancel, &self.wake, deadline, &source.name())?;
                        continue;
                    }
                };
            self.pictures_left.count(source.duration().is_some(), ended);
            return Ok(frame);
        }
    }

    fn mix_block(&mut self, commit: &Commit) -> Result<()> {
        let mut left = Left::default();
        let (cancel, wake) = (&self.options.cancel, &self.wake);
        self.mixing.block(commit, |_, source, first, out| {
            let ended = read(cancel, wake, source, first, out)?;
            left.count(source.duration().is_some(), ended);
            Ok(0)
        })?;
        let mixing = &self.mixing;
        self.sound_claims.retain(|id, _| mixing.hears(*id));
        let before = std::mem::replace(&mut self.sounds_ahead, left);
        self.sounds_left = if self.mixing.looks_ahead() { before } else { left };
        Ok(())
    }
}

/// Fills `out`; whether the sound is over at its first sample already.
fn read(cancel: &Cancel, wake: &Wake, source: &dyn AudioSource, first: i64, out: &mut [f32]) -> Result<bool> {
    let deadline = Deadline::after(source.deadline());
    loop {
        match source.read(first, out, Sampling::Exact).map_err(|e| e.context(source.name()))? {
            AudioRead::Filled | AudioRead::Late(_) => return Ok(false),
            AudioRead::Ended => return Ok(out.iter().all(|s| *s == 0.0)),
            AudioRead::Pending => wait(cancel, wake, deadline, &source.name())?,
        }
    }
}

fn wait(cancel: &Cancel, wake: &Wake, deadline: Deadline, name: &str) -> Result<()> {
    if cancel.wait(wake, deadline) {
        return Ok(());
    }
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    Err(Error::new(ErrorKind::Deadline, format!("{name} gave no frame or sound in time"))
        .with_hint("it is stuck, or needs a longer timeout"))
}

fn newest(source: &dyn VideoSource) -> Result<Option<Frame>> {
    // live sources are on the live clock, which this run is not; whatever they have is due
    Ok(match source.sample(Timestamp::from_nanos(i64::MAX), Sampling::Live)? {
        Sample::Frame(frame) => Some(frame),
        Sample::Ended(last) => last,
        Sample::Pending | Sample::Empty => None,
    })
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the run was cancelled")
}
