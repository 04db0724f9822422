// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound of one stream as 48 kHz stereo, each piece at its exact place.
//!
//! Samples are counted. Timestamps only decide where a run of samples begins, and are looked at afterwards to
//! find gaps and jumps: differences up to 1 ms are rounding and change nothing.

use super::decode::{Decoder, Received};
use super::input::{Input, JUMP_NANOS, Medium};
use super::resample::{Resampler, SoundShape};
use crate::media_file::OpenOptions;
use ffmpeg_next::frame;
use lk_media::{CHANNELS, Result, SAMPLE_RATE, Timestamp};
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

/// Reads sound.
pub(crate) struct SoundReader {
    input: Input,
    stream: usize,
    decoder: Decoder,
    run: Option<Run>,
    held: Option<(frame::Audio, i64)>,
    raster: Raster,
    doubt: Doubt,
    from_start: bool,
    ready: VecDeque<Piece>,
    over: bool,
    draining: bool,
    latest: i64,
    first: i64,
}

impl SoundReader {
    /// Opens the sound of `name`; Media if there is none that can be decoded.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        let mut input = Input::open(name, options)?;
        let Some(stream) = input.choose(Medium::Audio)? else {
            return Err(input.media_error("no sound in it").with_hint("MediaInfo tells what there is"));
        };
        input.read_only(stream);
        let decoder = Decoder::open(&input, stream)?;
        let latest = input.latest_believed();
        let mut reader = Self {
            input,
            stream,
            decoder,
            run: None,
            held: None,
            raster: Raster::default(),
            doubt: Doubt::default(),
            from_start: true,
            ready: VecDeque::new(),
            over: false,
            draining: false,
            latest,
            first: 0,
        };
        let Some(first) = reader.next()? else {
            return Err(reader.input.media_error("no sound in it can be decoded"));
        };
        reader.first = first.at;
        reader.ready.push_front(first);
        Ok(reader)
    }

    /// The file, for names and lengths.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The place of the first sample.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// Where the sound ends, by what the container says.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.input.stream_end(self.stream).map(Timestamp::from_nanos).or_else(|| self.input.duration())
    }

    /// The next piece, None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.over {
                return Ok(None);
            }
            let mut raw = frame::Audio::empty();
            match self.decoder.receive(&mut raw)? {
                Received::Frame => self.take(raw)?,
                Received::Hungry if !self.draining => match self.input.read()? {
                    Some(packet) if packet.stream() == self.stream => self.decoder.send(Some(&packet))?,
                    Some(_) => {}
                    None => {
                        self.draining = true;
                        self.decoder.send(None)?;
                    }
                },
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

    /// Goes to somewhere at or before `to`; false if the container cannot. The decoder needs a moment until it
    /// is right again: go there early enough.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<bool> {
        if !self.input.seek(self.stream, to)? {
            return Ok(false);
        }
        self.forget();
        self.from_start = false;
        Ok(true)
    }

    /// Goes to the first sample, by opening the file again: priming is only skipped there.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        self.input.reopen()?;
        if self.stream >= self.input.stream_count() || self.input.medium(self.stream) != Some(Medium::Audio) {
            return Err(self.input.media_error("it has changed: its sound is gone"));
        }
        self.input.read_only(self.stream);
        self.decoder = Decoder::open(&self.input, self.stream)?;
        self.forget();
        self.raster = Raster::default();
        self.from_start = true;
        Ok(())
    }

    fn forget(&mut self) {
        self.decoder.flush();
        (self.run, self.held) = (None, None);
        self.ready.clear();
        (self.over, self.draining) = (false, false);
    }

    fn take(&mut self, raw: frame::Audio) -> Result<()> {
        let ticks = raw.pts().or_else(|| raw.timestamp());
        let stated = ticks.map(|ticks| self.input.media_time(self.stream, ticks).as_nanos());
        let stated = stated.filter(|s| *s <= self.latest);
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
        run.resampler.convert(Some(raw), &mut out).map_err(|e| e.context(self.input.label()))?;
        run.next_in += samples;
        self.give(out);
        Ok(())
    }

    /// The place a piece really has, if the stated one is off by the rounding of the container's clock.
    fn on_raster(&self, at: i64, samples: i64, shape: SoundShape) -> i64 {
        let base = self.input.time_base(self.stream);
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
        let resampler = Resampler::new(shape, silence).map_err(|e| e.context(self.input.label()))?;
        self.run = Some(Run { resampler, next_in: at, next_out });
        Ok(())
    }

    fn end_run(&mut self) -> Result<()> {
        let mut out = Vec::new();
        if let Some(run) = &mut self.run {
            run.resampler.convert(None, &mut out).map_err(|e| e.context(self.input.label()))?;
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
