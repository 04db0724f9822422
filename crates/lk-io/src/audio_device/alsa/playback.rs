// SPDX-License-Identifier: GPL-2.0-or-later
//! A stream to a speaker.

use super::library::Code;
use super::pcm::{Direction, Pcm, Shape};
use super::trouble::{PATIENCE, Trouble};
use crate::audio_device::backend::{Giver, Playing, Wanted};
use crate::av::RateConverter;
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, Clock, Result, SAMPLE_RATE};
use std::sync::Arc;
use std::time::Duration;

/// The most frames given at a time.
const BLOCK: usize = 480;
/// A buffer that was too short is made longer by this, up to that, not more often than this.
const LONGER: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Playback {
    giver: Box<dyn Giver>,
    pcm: Pcm,
    shape: Shape,
    trouble: Trouble,
    clock: Arc<dyn Clock>,
    rate: Option<RateConverter>,
    /// Whether it runs.
    running: bool,
    /// Frames given so far, at 48 kHz.
    given: i64,
    /// Frames of the device that are kept in it, and the most that lay behind them.
    target: i64,
    behind: i64,
    /// Since when the buffer is as long as it is, and since when the device has taken nothing.
    since: Stopwatch,
    idle: Stopwatch,
    block: Box<[f32; BLOCK * CHANNELS]>,
    converted: Box<[f32]>,
    /// Bytes for the device, and which of them it has not taken yet.
    bytes: Box<[u8]>,
    left: std::ops::Range<usize>,
}

impl Playback {
    pub(super) fn open(name: &str, wanted: &Wanted, giver: Box<dyn Giver>) -> Result<Self> {
        let (pcm, shape) = Pcm::open(name, Direction::Playback, wanted.buffer / 4)?;
        let rate = (shape.rate != SAMPLE_RATE).then(|| RateConverter::new(SAMPLE_RATE, shape.rate, BLOCK));
        let rate = rate.transpose()?;
        let most = rate.as_ref().map_or(BLOCK, |rate| rate.most_of(BLOCK));
        let mut this = Self {
            giver,
            pcm,
            shape,
            trouble: Trouble::default(),
            clock: <dyn Clock>::live(),
            rate,
            running: false,
            given: 0,
            target: 0,
            behind: 0,
            since: Stopwatch::start(),
            idle: Stopwatch::start(),
            block: Box::new([0.0; BLOCK * CHANNELS]),
            converted: vec![0.0; most * CHANNELS].into(),
            bytes: vec![0; most * shape.frame()].into(),
            left: 0..0,
        };
        this.keep(shape.frames(wanted.buffer))
            .and_then(|()| this.pcm.prepare())
            .map_err(|e| e.error(&format!("sound device {name}")))?;
        Ok(this)
    }

    /// From now on so many frames are kept in the device, if it has room for them and a step besides.
    fn keep(&mut self, frames: i64) -> Result<(), Code> {
        self.target = frames.clamp(32, self.shape.buffer * 3 / 4);
        let (step, room) = (self.target / 4, self.shape.buffer - self.target);
        self.pcm.wake_at(room + step)
    }

    /// Frames at 48 kHz for frames of the device.
    fn ours(&self, frames: i64) -> i64 {
        frames * i64::from(SAMPLE_RATE) / i64::from(self.shape.rate)
    }

    /// Gives the device what it has room for, until so many frames are kept in it.
    fn fill(&mut self, mut queued: i64) -> Result<(), Code> {
        let frame = self.shape.frame();
        loop {
            if self.left.is_empty() {
                let frames = self.ours(self.target - queued).clamp(0, BLOCK as i64) as usize;
                if frames == 0 {
                    return Ok(());
                }
                let block = &mut self.block[..frames * CHANNELS];
                self.giver.give(block);
                self.given += frames as i64;
                let made: &[f32] = match &mut self.rate {
                    Some(rate) => {
                        let made = rate.convert(block, &mut self.converted);
                        &self.converted[..made * CHANNELS]
                    }
                    None => block,
                };
                self.left = 0..made.len() / CHANNELS * frame;
                self.shape.format.write(made, self.shape.channels, &mut self.bytes[self.left.clone()]);
                continue;
            }
            let taken = self.pcm.write(&self.bytes[self.left.clone()])?;
            if taken == 0 {
                return Ok(());
            }
            self.idle = Stopwatch::start();
            self.left.start += taken * frame;
            queued += taken as i64;
        }
    }

    fn serve(&mut self) -> Result<(), Code> {
        if !self.running {
            self.fill(0)?;
            self.pcm.start()?;
            self.running = true;
        }
        let (avail, delay) = self.pcm.places()?;
        let now = self.clock.now();
        let queued = self.shape.buffer - avail;
        if queued < self.target - self.target / 8 && self.left.is_empty() {
            self.behind = self.behind.max((delay - queued).clamp(0, self.shape.buffer));
            let held = self.rate.as_ref().map_or(0, |rate| rate.held(SAMPLE_RATE));
            let lead = self.ours(self.target + self.behind) + held;
            let total = self.given + lead - self.ours(delay) - held;
            self.giver.wanted(
                total,
                now,
                Duration::from_nanos(lead.unsigned_abs() * 1_000_000_000 / u64::from(SAMPLE_RATE)),
            );
        }
        self.fill(queued)?;
        if self.idle.elapsed() > PATIENCE {
            return Err(Code(libc::ETIMEDOUT));
        }
        self.pcm.wait(self.shape.duration(self.target / 4).min(LOOK))
    }
}

impl Playing for Playback {
    fn step(&mut self) -> Result<()> {
        let Err(code) = self.serve() else { return Ok(()) };
        if code == Code(libc::EPIPE) {
            self.giver.underrun();
        }
        self.running = false;
        self.left = 0..0;
        self.trouble.mend(&mut self.pcm, code)?;
        if code == Code(libc::EPIPE)
            && self.since.elapsed() > PAUSE
            && self.target < self.shape.frames(LONGEST)
        {
            self.since = Stopwatch::start();
            self.keep(self.target + self.shape.frames(LONGER)).map_err(|e| e.error("the speaker"))?;
        }
        Ok(())
    }
}
