// SPDX-License-Identifier: GPL-2.0-or-later
//! Packets of one stream to 48 kHz stereo, each piece at its exact place.
//!
//! Samples are counted. Timestamps only decide where a run of samples begins, and are looked at afterwards to
//! find gaps and jumps: differences up to 1 ms are rounding and change nothing.

use super::decode::{Decoder, Received};
use super::input::{Input, JUMP_NANOS, StreamFacts};
use super::picture_decoder::Step;
use super::resample::{Resampler, SoundShape};
use ffmpeg_next::{Packet, frame};
use lk_media::{CHANNELS, Result, SAMPLE_RATE};
use std::collections::VecDeque;

/// A run of samples.
pub(crate) struct Piece {
    /// The place of the first one in the file's sound, counted from media time 0.
    pub(crate) at: i64,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
}

fn to_nanos(samples: i64, rate: i64) -> i64 {
    (i128::from(samples) * 1_000_000_000 / i128::from(rate.max(1))) as i64
}

/// Where the run being decoded stands.
struct Run {
    resampler: Resampler,
    /// The index, in the stream's own rate, of the input sample to come.
    next_in: i64,
    /// The place of the output sample to come.
    next_out: i64,
}

/// The raster of codec frames, to find exact places again after seeking in containers with coarse clocks.
#[derive(Default)]
struct Raster {
    end: Option<i64>,
    size: Option<i64>,
    odd: bool,
    broken: bool,
}

/// How long stated times have differed from the count of samples. Containers' clocks are coarse, and Ogg's are wrong
/// for a packet wherever Vorbis changes its block size: a small difference counts only when it lasts.
#[derive(Default)]
struct Doubt {
    samples: i64,
}

impl Doubt {
    /// Whether a difference of `off` samples, stated with a piece of `samples`, is a real gap or overlap: at once
    /// beyond 100 ms, after 200 ms beyond 1 ms, never below.
    fn is_real(&mut self, off: i64, samples: i64, rate: i64) -> bool {
        if off.abs() * 1000 <= rate {
            self.samples = 0;
            return false;
        }
        self.samples += samples;
        let real = off.abs() * 10 > rate || self.samples * 5 > rate;
        if real {
            self.samples = 0;
        }
        real
    }
}

/// Decodes and resamples sound.
pub(crate) struct SoundDecoder {
    facts: StreamFacts,
    decoder: Decoder,
    run: Option<Run>,
    held: Option<(frame::Audio, i64)>,
    raster: Raster,
    doubt: Doubt,
    from_start: bool,
    ready: VecDeque<Piece>,
    over: bool,
    draining: bool,
    first: i64,
}

impl SoundDecoder {
    /// For `stream` of an input at its start.
    pub(crate) fn open(input: &Input, stream: usize) -> Result<Self> {
        Ok(Self {
            facts: input.facts(stream),
            decoder: Decoder::open(input, stream)?,
            run: None,
            held: None,
            raster: Raster::default(),
            doubt: Doubt::default(),
            from_start: true,
            ready: VecDeque::new(),
            over: false,
            draining: false,
            first: 0,
        })
    }

    /// Takes note of the first piece of all, which goes back to be given out again.
    pub(crate) fn begin_with(&mut self, first: Piece) {
        self.first = first.at;
        self.ready.push_front(first);
    }

    /// The place of the first sample.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// Damaged packets so far.
    pub(crate) fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// The next piece, if the packets so far have one.
    pub(crate) fn next(&mut self) -> Result<Step<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Step::Got(piece));
            }
            if self.over {
                return Ok(Step::Over);
            }
            let mut raw = frame::Audio::empty();
            match self.decoder.receive(&mut raw)? {
                Received::Frame => self.take(raw)?,
                Received::Hungry if !self.draining => return Ok(Step::Hungry),
                Received::Hungry | Received::End => {
                    self.over = true;
                    if let Some((held, at)) = self.held.take() {
                        self.accept(&held, self.run.is_none().then_some(at))?;
                    }
                    self.end_run()?;
                }
            }
        }
    }

    /// Gives it the next packet of its stream, asked for by Hungry; None: no more come.
    pub(crate) fn feed(&mut self, packet: Option<&Packet>) -> Result<()> {
        if packet.is_none() && std::mem::replace(&mut self.draining, true) {
            return Ok(());
        }
        self.decoder.send(packet)
    }

    /// Forgets everything: packets from somewhere follow.
    pub(crate) fn restart_sought(&mut self) {
        self.forget();
        self.from_start = false;
    }

    /// Forgets everything: packets from the start of the file, opened again, follow for a new decoder. Priming is
    /// only skipped so.
    pub(crate) fn restart_with(&mut self, decoder: Decoder) {
        self.decoder = decoder;
        self.forget();
        self.raster = Raster::default();
        self.from_start = true;
    }

    fn forget(&mut self) {
        self.decoder.flush();
        (self.run, self.held) = (None, None);
        self.ready.clear();
        (self.over, self.draining) = (false, false);
    }

    fn take(&mut self, raw: frame::Audio) -> Result<()> {
        let ticks = raw.pts().or_else(|| raw.timestamp());
        let stated = ticks.map(|ticks| self.facts.media_time(ticks).as_nanos());
        let stated = stated.filter(|s| *s <= self.facts.latest);
        if let Some((held, at)) = self.held.take() {
            // time went on from there: the jump was real
            let real = stated.is_some_and(|s| s >= at && s - at < JUMP_NANOS);
            let length = to_nanos(held.samples() as i64, i64::from(held.rate()));
            let other = if self.run.is_none() { stated.map(|s| s - length) } else { None };
            self.accept(&held, if real { Some(at) } else { other })?;
        }
        let before = match &self.run {
            Some(run) => Some(to_nanos(run.next_out, i64::from(SAMPLE_RATE))),
            None => self.from_start.then_some(0),
        };
        match (stated, before) {
            (Some(at), Some(before)) if at.saturating_sub(before).saturating_abs() > JUMP_NANOS => {
                self.held = Some((raw, at));
            }
            _ => self.accept(&raw, stated)?,
        }
        Ok(())
    }

    fn accept(&mut self, raw: &frame::Audio, stated: Option<i64>) -> Result<()> {
        let samples = raw.samples() as i64;
        let Some(shape) = SoundShape::of(raw).filter(|_| samples > 0) else { return Ok(()) };
        let stated = stated.map(|nanos| {
            let nanos = i128::from(nanos) * i128::from(shape.rate);
            ((2 * nanos + 1_000_000_000).div_euclid(2_000_000_000)) as i64
        });
        let at = match (&self.run, stated) {
            (Some(run), Some(stated)) if run.resampler.shape() == shape => {
                if self.doubt.is_real(stated - run.next_in, samples, shape.rate) {
                    Err(stated)
                } else {
                    Ok(())
                }
            }
            (Some(run), None) if run.resampler.shape() == shape => Ok(()),
            (Some(run), None) => Err(run.next_out * shape.rate / i64::from(SAMPLE_RATE)),
            (_, Some(stated)) => Err(stated),
            (None, None) => Err(0),
        };
        if let Err(at) = at {
            let at = if self.from_start { at } else { self.on_raster(at, samples, shape) };
            self.begin_run(at, shape)?;
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        if self.from_start {
            self.raster.note(run.next_in + samples, samples, self.decoder.frame_samples());
        }
        let mut out = Vec::new();
        run.resampler.convert(Some(raw), &mut out).map_err(|e| e.context(&self.facts.label))?;
        run.next_in += samples;
        self.give(out);
        Ok(())
    }

    /// The place a piece really has, if the stated one is off by the rounding of the container's clock.
    fn on_raster(&self, at: i64, samples: i64, shape: SoundShape) -> i64 {
        let base = self.facts.time_base;
        let coarse = i64::from(base.num) * shape.rate > i64::from(base.den);
        let (Some(end), Some(size)) = (self.raster.end, self.raster.size) else { return at };
        if !coarse || self.raster.broken || size != samples {
            return at;
        }
        let off = (at + samples - end + size / 2).rem_euclid(size) - size / 2;
        if off.abs() * 1000 <= shape.rate { at - off } else { at }
    }

    fn begin_run(&mut self, at: i64, shape: SoundShape) -> Result<()> {
        self.end_run()?;
        // begin where an input and an output sample coincide, so that every start gives the same samples
        let silence = at.rem_euclid(shape.cycle());
        let rate = i128::from(shape.rate);
        let next_out = (i128::from(at - silence) * i128::from(SAMPLE_RATE)).div_euclid(rate) as i64;
        let resampler = Resampler::new(shape, silence).map_err(|e| e.context(&self.facts.label))?;
        self.run = Some(Run { resampler, next_in: at, next_out });
        Ok(())
    }

    fn end_run(&mut self) -> Result<()> {
        let mut out = Vec::new();
        if let Some(run) = &mut self.run {
            run.resampler.convert(None, &mut out).map_err(|e| e.context(&self.facts.label))?;
        }
        self.give(out);
        self.run = None;
        Ok(())
    }

    fn give(&mut self, samples: Vec<f32>) {
        if let Some(run) = &mut self.run
            && !samples.is_empty()
        {
            let at = run.next_out;
            run.next_out += (samples.len() / CHANNELS) as i64;
            self.ready.push_back(Piece { at, samples });
        }
    }
}

impl Raster {
    /// Notes a piece that was reached from the start: where it ends and how long it is.
    fn note(&mut self, end: i64, samples: i64, usual: Option<i64>) {
        // a single odd piece is the last one, cut at its end
        self.broken |= self.odd;
        if self.end.is_none() {
            // the first may be cut at its front by the encoder's priming, never at its end
            self.end = Some(end);
            self.size = usual;
        } else if self.size.is_none() {
            self.size = Some(samples);
        } else {
            self.odd = self.size != Some(samples);
        }
    }
}
