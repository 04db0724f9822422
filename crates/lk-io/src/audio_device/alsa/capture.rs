// SPDX-License-Identifier: GPL-2.0-or-later
//! A stream from a microphone.

use super::library::Code;
use super::pcm::{Direction, Pcm, Shape};
use super::trouble::{PATIENCE, Trouble};
use crate::audio_device::backend::{Hearing, Taker, Wanted};
use crate::av::RateConverter;
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, Clock, Result, SAMPLE_RATE};
use std::sync::Arc;
use std::time::Duration;

/// The most frames of the device taken at a time.
const BLOCK: usize = 480;
/// The longest wait.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Capture {
    taker: Box<dyn Taker>,
    pcm: Pcm,
    shape: Shape,
    trouble: Trouble,
    clock: Arc<dyn Clock>,
    rate: Option<RateConverter>,
    /// Whether it runs.
    running: bool,
    /// Since when the device has given nothing.
    idle: Stopwatch,
    bytes: Box<[u8]>,
    block: Box<[f32; BLOCK * CHANNELS]>,
    converted: Box<[f32]>,
    out: Box<[u8]>,
}

impl Capture {
    pub(super) fn open(name: &str, wanted: &Wanted, taker: Box<dyn Taker>) -> Result<Self> {
        let (mut pcm, shape) = Pcm::open(name, Direction::Capture, wanted.buffer)?;
        let rate = (shape.rate != SAMPLE_RATE).then(|| RateConverter::new(shape.rate, SAMPLE_RATE, BLOCK));
        let rate = rate.transpose()?;
        let most = rate.as_ref().map_or(BLOCK, |rate| rate.most_of(BLOCK));
        let fragment = shape.frames(wanted.buffer).min(shape.buffer / 2);
        pcm.wake_at(fragment)
            .and_then(|()| pcm.prepare())
            .map_err(|e| e.error(&format!("sound device {name}")))?;
        Ok(Self {
            taker,
            pcm,
            shape,
            trouble: Trouble::default(),
            clock: <dyn Clock>::live(),
            rate,
            running: false,
            idle: Stopwatch::start(),
            bytes: vec![0; BLOCK * shape.frame()].into(),
            block: Box::new([0.0; BLOCK * CHANNELS]),
            converted: vec![0.0; most * CHANNELS].into(),
            out: vec![0; most * CHANNELS * size_of::<f32>()].into(),
        })
    }

    fn serve(&mut self) -> Result<(), Code> {
        if !self.running {
            self.pcm.start()?;
            self.running = true;
        }
        self.pcm.wait(LOOK)?;
        let (avail, delay) = self.pcm.places()?;
        let (now, mut left) = (self.clock.now(), avail);
        while left > 0 {
            let frames = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let read = self.pcm.read(&mut self.bytes[..frames * self.shape.frame()])?;
            if read == 0 {
                break;
            }
            self.idle = Stopwatch::start();
            left -= read as i64;
            let block = &mut self.block[..read * CHANNELS];
            self.shape.format.read(&self.bytes[..read * self.shape.frame()], self.shape.channels, block);
            let made: &[f32] = match &mut self.rate {
                Some(rate) => {
                    let made = rate.convert(block, &mut self.converted);
                    &self.converted[..made * CHANNELS]
                }
                None => block,
            };
            let out = &mut self.out[..size_of_val(made)];
            for (to, sample) in out.chunks_exact_mut(size_of::<f32>()).zip(made) {
                to.copy_from_slice(&sample.to_ne_bytes());
            }
            // what was there when it was asked belongs together: the last of it tells the time
            let held = self.rate.as_ref().map_or(0, |rate| rate.held(self.shape.rate));
            let age = (left <= 0).then(|| self.shape.duration(delay - avail + held));
            self.taker.take(out, now, age);
        }
        if self.idle.elapsed() > PATIENCE {
            return Err(Code(libc::ETIMEDOUT));
        }
        Ok(())
    }
}

impl Hearing for Capture {
    fn step(&mut self) -> Result<()> {
        let Err(code) = self.serve() else { return Ok(()) };
        self.running = false;
        self.trouble.mend(&mut self.pcm, code)
    }
}
