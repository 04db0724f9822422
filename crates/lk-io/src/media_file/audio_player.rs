// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound of a file, pulled.

use super::play::{Play, Track, transport_methods};
use super::{MediaInfo, OpenOptions};
use crate::av::sound::{Piece, SoundReader};
use lk_media::{
    AudioRead, AudioSource, CHANNELS, Clock, ClockId, Error, ErrorKind, Exactness, LeaseGuard, Result,
    SAMPLE_RATE, Sampling, SourceState, Timestamp,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Samples kept behind the reading, for readers that step back a little: 200 ms.
const KEEP_BEHIND: i64 = SAMPLE_RATE as i64 / 5;
/// Jumps ahead up to this are decoded through.
const NEAR: i64 = 2 * SAMPLE_RATE as i64;
/// After a seek, decoders are right again after this much.
const SETTLE: i64 = SAMPLE_RATE as i64 / 10;
/// How far before the target decoding begins, try after try.
const BACK: [i64; 4] =
    [SAMPLE_RATE as i64 / 4, SAMPLE_RATE as i64, 5 * SAMPLE_RATE as i64, 20 * SAMPLE_RATE as i64];
/// Samples read at a time where all are wanted: a second.
const PART: usize = SAMPLE_RATE as usize;
/// Samples interpolation looks at before and after its range.
const MARGIN: i64 = 2;

/// A file's sound at 48 kHz in stereo, exact to the sample and without threads of its own: it decodes on the
/// thread that asks.
///
/// Sample k lies at k / 48000 s of media time, which starts with the container; encoder priming is left out,
/// gaps are silent. Mono goes to both sides at -3 dB, surround is mixed down by libswresample. At a rate
/// other than 1 the pitch changes with the speed. The rules of [`super::LazyPlayer`] for clocks, loops and the
/// user's place hold here too; a loop is as long as the container.
pub struct FileAudio {
    name: String,
    info: MediaInfo,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    window: Window,
    play: Play,
    failed: Option<Error>,
}

/// Decoded samples around the reading.
struct Window {
    reader: SoundReader,
    /// From here to `start` is silence.
    quiet: i64,
    start: i64,
    samples: VecDeque<f32>,
    /// The piece after a gap that the reading has not crossed yet.
    ahead: Option<Piece>,
    over: bool,
    lost: bool,
}

impl FileAudio {
    /// Opens the sound of a file or address. A file without sound is a Media error: [`MediaInfo`] tells
    /// beforehand.
    pub fn open(name: &str, options: &OpenOptions) -> Result<Self> {
        Self::open_on(name, options, <dyn Clock>::live())
    }

    /// The same with another clock for unclaimed live readings' `position`.
    pub fn open_on(name: &str, options: &OpenOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let reader = SoundReader::open(name, options)?;
        let info = MediaInfo::of(reader.input());
        let play = Play::new(options.looping, options.rate, reader.input().duration(), clock);
        let name = reader.input().short_name();
        let start = reader.first();
        let samples = VecDeque::new();
        let window = Window { reader, quiet: start, start, samples, ahead: None, over: false, lost: false };
        let state = Mutex::new(State { window, play, failed: None });
        Ok(Self { name, info, timeout: options.timeout, state })
    }

    /// What is in the file.
    pub fn info(&self) -> &MediaInfo {
        &self.info
    }

    /// The file's own samples from `first` on, whatever is playing. Silence before the start and after the end,
    /// which is when the answer is Ended.
    pub fn samples_at(&self, first: i64, out: &mut [f32]) -> Result<AudioRead> {
        check_length(out)?;
        let mut state = self.state.lock();
        let ended = state.window.fill(first, out);
        state.failed = ended.as_ref().err().cloned();
        Ok(if ended? { AudioRead::Ended } else { AudioRead::Filled })
    }

    /// The file's own samples from `first` on, whatever is playing: so many (per channel), or all there are. Fewer where
    /// the sound ends before.
    pub fn samples_from(&self, first: i64, count: Option<usize>) -> Result<Vec<f32>> {
        let mut state = self.state.lock();
        if count.is_none() && state.window.reader.input().is_live() {
            return Err(Error::new(ErrorKind::LiveSource, format!("the sound of {} has no end", self.name))
                .with_hint("say how much of it is wanted"));
        }
        let mut samples = Vec::new();
        loop {
            let before = samples.len();
            let part = count.map_or(PART, |count| PART.min(count - before / CHANNELS)) * CHANNELS;
            if part == 0 {
                return Ok(samples);
            }
            samples.try_reserve(part).map_err(|_| {
                Error::new(ErrorKind::Memory, format!("no memory for all the sound of {}", self.name))
                    .with_hint("read it in parts")
            })?;
            samples.resize(before + part, 0.0);
            let from = first.saturating_add((before / CHANNELS) as i64);
            if state.window.fill(from, &mut samples[before..])? {
                let length = state.window.end().saturating_sub(first).max(0) as usize;
                samples.truncate(length.saturating_mul(CHANNELS));
                return Ok(samples);
            }
        }
    }
}

transport_methods!(FileAudio);

fn check_length(out: &[f32]) -> Result<()> {
    if out.len().is_multiple_of(CHANNELS) {
        return Ok(());
    }
    Err(Error::format(format!("{} values are no whole number of stereo samples", out.len())))
}

fn to_samples(nanos: i64) -> i64 {
    let samples = i128::from(nanos) * i128::from(SAMPLE_RATE);
    (2 * samples + 1_000_000_000).div_euclid(2_000_000_000) as i64
}

fn to_nanos(samples: i64) -> i64 {
    let nanos = i128::from(samples) * 1_000_000_000;
    (2 * nanos + i128::from(SAMPLE_RATE)).div_euclid(2 * i128::from(SAMPLE_RATE)) as i64
}

impl State {
    fn read(&mut self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<bool> {
        let at = Timestamp::from_nanos(to_nanos(first));
        let (track, now) = self.play.at(at, sampling);
        // unclaimed live readings are on the live clock, whatever they count from
        let first = if now == at { first } else { to_samples(now.as_nanos()) };
        if !track.is_playing() {
            out.fill(0.0);
            return Ok(false);
        }
        let ended = self.play_through(&track, first, out)?;
        self.play.note_ended(ended);
        Ok(ended)
    }

    /// Fills `out` lap by lap.
    fn play_through(&mut self, track: &Track, first: i64, out: &mut [f32]) -> Result<bool> {
        let (anchor, position) = track.origin();
        let elapsed = first - to_samples(anchor.as_nanos());
        let place = |n: i64| to_samples(position.as_nanos()) as f64 + (elapsed + n) as f64 * track.rate();
        let Some(period) = track.period() else {
            return self.span(place(0), track.rate(), out);
        };
        let period = period.as_nanos() as f64 * f64::from(SAMPLE_RATE) / 1e9;
        let (mut done, count) = (0, (out.len() / CHANNELS) as i64);
        while done < count {
            let now = place(done);
            // before the anchor nothing plays yet
            // the lap begins at a whole sample, like the picture's at its own time
            let begin = |lap: f64| (lap * period).round();
            let near = (now / period).round().max(0.0);
            let lap = if now < begin(near) { (near - 1.0).max(0.0) } else { near };
            let (start, end) = (begin(lap), begin(lap + 1.0));
            let here = (((end - now) / track.rate()).ceil() as i64).clamp(1, count - done);
            let part = &mut out[done as usize * CHANNELS..(done + here) as usize * CHANNELS];
            self.span(now - start, track.rate(), part)?;
            done += here;
        }
        Ok(false)
    }

    /// Fills `out` from media sample `from` on in steps of `rate`; whether everything after it is silence.
    fn span(&mut self, from: f64, rate: f64, out: &mut [f32]) -> Result<bool> {
        if rate == 1.0 {
            return self.window.fill(from.round() as i64, out);
        }
        let count = (out.len() / CHANNELS) as f64;
        let (first, last) = (from.floor() as i64 - MARGIN, (from + count * rate).ceil() as i64 + MARGIN);
        let mut source = vec![0.0; (last - first) as usize * CHANNELS];
        let ended = self.window.fill(first, &mut source)?;
        for (n, sample) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let x = from + n as f64 * rate;
            let whole = x.floor();
            let index = (whole as i64 - first) as usize;
            for (channel, value) in sample.iter_mut().enumerate() {
                let at = |offset: usize| source[(index + offset - 1) * CHANNELS + channel];
                *value = cubic([at(0), at(1), at(2), at(3)], (x - whole) as f32);
            }
        }
        Ok(ended)
    }
}

/// The cubic through the two middle values with their neighbours' slopes, at `t` between them.
pub(crate) fn cubic(p: [f32; 4], t: f32) -> f32 {
    let (left, right) = ((p[2] - p[0]) * 0.5, (p[3] - p[1]) * 0.5);
    let rise = p[1] - p[2];
    ((((2.0 * rise + left + right) * t) - (3.0 * rise + 2.0 * left + right)) * t + left) * t + p[1]
}

impl Window {
    fn end(&self) -> i64 {
        self.start + (self.samples.len() / CHANNELS) as i64
    }

    /// Fills `out` with the file's samples from `first` on; whether everything after is silence.
    fn fill(&mut self, first: i64, out: &mut [f32]) -> Result<bool> {
        let last = first.saturating_add((out.len() / CHANNELS) as i64);
        let back = first < self.quiet && self.quiet > self.reader.first();
        let far = !self.over && self.ahead.is_none() && first.saturating_sub(self.end()) > NEAR;
        let past = self.ahead.as_ref().is_some_and(|p| first.saturating_sub(p.at) > NEAR);
        if self.lost || (back && last > self.reader.first()) || far || past {
            // lost until it is done: a cancelled jump leaves the reader anywhere
            self.lost = true;
            self.jump(first)?;
            self.lost = false;
        }
        // one piece more than asked for, to know whether something follows
        while self.end() <= last && !self.over {
            match self.ahead.take().map_or_else(|| self.reader.next(), |p| Ok(Some(p)))? {
                Some(piece) if piece.at > last && piece.at - self.end() > NEAR => {
                    self.ahead = Some(piece);
                    break;
                }
                Some(piece) => self.append(piece.at, &piece.samples, first),
                None => self.over = true,
            }
        }
        out.fill(0.0);
        let (from, to) = (first.max(self.start), last.min(self.end()));
        if from < to {
            let target = &mut out[(from - first) as usize * CHANNELS..(to - first) as usize * CHANNELS];
            let source = (from - self.start) as usize * CHANNELS..(to - self.start) as usize * CHANNELS;
            target.iter_mut().zip(self.samples.range(source)).for_each(|(t, s)| *t = *s);
        }
        Ok(self.over && last >= self.end())
    }

    /// Adds a piece: silence where one is missing, what overlaps is left out. Forgets what lies far behind.
    fn append(&mut self, at: i64, samples: &[f32], reading: i64) {
        if self.samples.is_empty() {
            (self.quiet, self.start) = (at, at);
        }
        if at - self.end() > NEAR {
            // a long gap is remembered, not stored
            self.quiet = self.end();
            self.samples.clear();
            self.start = at;
        }
        let silence = (at - self.end()).max(0) as usize;
        self.samples.extend(std::iter::repeat_n(0.0, silence * CHANNELS));
        let skip = ((self.end() - at).max(0) as usize * CHANNELS).min(samples.len());
        self.samples.extend(&samples[skip..]);
        let behind = (reading - KEEP_BEHIND - self.start).clamp(0, self.end() - self.start);
        if behind > 0 && self.end() - behind > self.start {
            self.samples.drain(..behind as usize * CHANNELS);
            self.start += behind;
            self.quiet = self.start;
        }
    }

    fn jump(&mut self, first: i64) -> Result<()> {
        self.samples.clear();
        (self.over, self.ahead) = (false, None);
        for back in BACK {
            let target = first.saturating_sub(back);
            if target <= self.reader.first() || !self.reader.seek(Timestamp::from_nanos(to_nanos(target)))? {
                break;
            }
            if let Some(piece) = self.reader.next()?
                && piece.at <= first - SETTLE
            {
                self.append(piece.at, &piece.samples, first);
                return Ok(());
            }
        }
        self.reader.rewind()?;
        (self.quiet, self.start) = (self.reader.first(), self.reader.first());
        Ok(())
    }
}

impl AudioSource for FileAudio {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        check_length(out)?;
        let mut state = self.state.lock();
        let ended = state.read(first, out, sampling);
        state.failed = ended.as_ref().err().cloned();
        Ok(if ended? { AudioRead::Ended } else { AudioRead::Filled })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }

    fn duration(&self) -> Option<Duration> {
        let state = self.state.lock();
        let end = state.window.reader.end()?;
        state.play.remaining(end)
    }

    fn state(&self) -> SourceState {
        let state = self.state.lock();
        match (&state.failed, state.play.is_eof_reached()) {
            (Some(error), _) => SourceState::Failed(error.clone()),
            (None, true) => SourceState::Ended,
            (None, false) => SourceState::Live,
        }
    }

    fn file(&self) -> Option<PathBuf> {
        self.state.lock().window.reader.input().file()
    }

    fn claim(&self, clock: ClockId, start: Timestamp) -> Result<Option<LeaseGuard>> {
        self.state.lock().play.claim(clock, start, &self.name).map(Some)
    }

    fn may_block(&self) -> bool {
        true
    }
}
