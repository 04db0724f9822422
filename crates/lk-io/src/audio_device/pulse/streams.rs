// SPDX-License-Identifier: GPL-2.0-or-later
//! Streams of sound to and from the server: 48 kHz stereo float, whatever the device has; the server converts.

use super::connection::{Connection, Message, PATIENCE, lost, text};
use crate::audio_device::backend::{Giver, Hearing, Playing, Taker, Wanted};
use crate::audio_device::link::HangUp;
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, Clock, Result, SAMPLE_RATE};
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, Command, CreatePlaybackStreamReply, CreateRecordStreamReply, FormatEncoding, FormatInfo,
    LatencyParams, PlaybackLatency, PlaybackStreamParams, Prop, Props, RecordLatency, RecordStreamParams,
    SampleFormat, SampleSpec, SetPlaybackStreamBufferAttrParams, SetPlaybackStreamBufferAttrReply,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Bytes of a frame: a sample of each channel.
const FRAME: usize = size_of::<f32>() * CHANNELS;
/// The most frames given at a time.
const BLOCK: usize = 480;
/// So often the server is asked for its latency.
const ASK: Duration = Duration::from_millis(500);
/// And so often until it is known.
const ASK_FIRST: Duration = Duration::from_millis(10);
/// A buffer that was too short is made longer by this, up to that.
const LONGER: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(100);
/// Answers that differ by no more are the same.
const ALIKE: Duration = Duration::from_millis(5);
/// The longest wait for a message.
const LOOK: Duration = Duration::from_millis(50);

impl Wanted {
    fn bytes(&self, part: u32) -> u32 {
        let frames = self.buffer.as_micros() as u64 * u64::from(SAMPLE_RATE) / 1_000_000;
        (frames as u32 / part).max(64) * FRAME as u32
    }

    /// What the server is to keep for a speaker: playing does not wait, and goes on where sound is missing.
    fn kept(&self) -> BufferAttr {
        BufferAttr {
            target_length: self.bytes(1),
            pre_buffering: 0,
            minimum_request_length: self.bytes(4),
            ..BufferAttr::default()
        }
    }

    fn flags(&self) -> StreamFlags {
        StreamFlags { adjust_latency: true, no_move: self.device.is_some(), ..StreamFlags::default() }
    }

    fn props(&self) -> Props {
        let mut props = Props::new();
        props.set(Prop::MediaName, text(&self.title));
        props
    }
}

fn spec() -> SampleSpec {
    let format = if cfg!(target_endian = "big") { SampleFormat::Float32Be } else { SampleFormat::Float32Le };
    SampleSpec { format, channels: CHANNELS as u8, sample_rate: SAMPLE_RATE }
}

/// Asks for the latency of the device now and then; a server that does not answer is lost.
struct Asking {
    number: Option<u32>,
    since: Stopwatch,
    /// The latency, once it is known; and what was answered lately instead, and how often.
    latency: Option<Duration>,
    candidate: (Duration, u32),
}

impl Asking {
    fn new() -> Self {
        Self { number: None, since: Stopwatch::start(), latency: None, candidate: (Duration::ZERO, 0) }
    }

    fn step(
        &mut self,
        connection: &mut Connection,
        command: impl Fn(LatencyParams) -> Command,
        channel: u32,
    ) -> Result<()> {
        if self.number.is_some() && self.since.elapsed() > PATIENCE {
            return Err(lost("the sound server does not answer"));
        }
        let pause = if self.latency.is_some() { ASK } else { ASK_FIRST };
        if self.number.is_none() && self.since.elapsed() >= pause {
            let params = LatencyParams { channel, now: SystemTime::UNIX_EPOCH };
            (self.number, self.since) = (Some(connection.send(&command(params))?), Stopwatch::start());
        }
        Ok(())
    }

    fn is_answer(&mut self, number: u32) -> bool {
        let is = self.number == Some(number);
        if is {
            (self.number, self.since) = (None, Stopwatch::start());
        }
        is
    }

    /// Takes up an answer: what is known is left only for what has been answered three times on end.
    fn answered(&mut self, micros: u64) {
        let answer = Duration::from_micros(micros.min(10_000_000));
        let (candidate, count) = &mut self.candidate;
        *count = if candidate.abs_diff(answer) <= ALIKE { *count + 1 } else { 1 };
        *candidate = answer;
        if *count >= 3 && self.latency.is_none_or(|known| known.abs_diff(answer) > ALIKE) {
            self.latency = Some(answer);
        }
    }
}

/// A stream to a speaker.
pub(super) struct Playback {
    giver: Box<dyn Giver>,
    connection: Connection,
    clock: Arc<dyn Clock>,
    channel: u32,
    /// Frames wanted and given so far.
    wanted: i64,
    given: i64,
    /// What lies between a frame given and its being heard, but for the device.
    buffer: Duration,
    asking: Asking,
    terms: Wanted,
    /// The number of a command that asks for a longer buffer, and since when there was none.
    longer: Option<u32>,
    since: Stopwatch,
    block: Box<[f32; BLOCK * CHANNELS]>,
}

impl Playback {
    pub(super) fn open(wanted: &Wanted, giver: Box<dyn Giver>) -> Result<Self> {
        let mut connection = Connection::open("LiveKit")?;
        let params = PlaybackStreamParams {
            sample_spec: spec(),
            channel_map: ChannelMap::stereo(),
            sink_name: wanted.device.as_deref().map(text),
            buffer_attr: wanted.kept(),
            props: wanted.props(),
            formats: vec![FormatInfo::new(FormatEncoding::Pcm)],
            flags: wanted.flags(),
            ..PlaybackStreamParams::default()
        };
        let reply: CreatePlaybackStreamReply =
            connection.ask_for_stream(&Command::CreatePlaybackStream(params))?;
        Ok(Self {
            giver,
            connection,
            clock: <dyn Clock>::live(),
            channel: reply.channel,
            wanted: i64::from(reply.requested_bytes) / FRAME as i64,
            given: 0,
            buffer: duration(reply.buffer_attr.target_length),
            asking: Asking::new(),
            terms: wanted.clone(),
            longer: None,
            since: Stopwatch::start(),
            block: Box::new([0.0; BLOCK * CHANNELS]),
        })
    }
}

impl Playing for Playback {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        self.connection.hang_up().map(Some)
    }

    fn step(&mut self) -> Result<()> {
        while self.given < self.wanted {
            let frames = usize::try_from(self.wanted - self.given).unwrap_or(BLOCK).min(BLOCK);
            let block = &mut self.block[..frames * CHANNELS];
            self.giver.give(block);
            self.connection.send_data(self.channel, frames * FRAME, |out| {
                for (to, sample) in out.chunks_exact_mut(size_of::<f32>()).zip(&*block) {
                    to.copy_from_slice(&sample.to_ne_bytes());
                }
            })?;
            self.given += frames as i64;
        }
        self.asking.step(&mut self.connection, Command::GetPlaybackLatency, self.channel)?;
        match self.connection.receive(LOOK)? {
            Some(Message::Command(Command::Request(request))) if request.channel == self.channel => {
                self.wanted += i64::from(request.length) / FRAME as i64;
                if let Some(device) = self.asking.latency {
                    self.giver.wanted(self.wanted, self.clock.now(), self.buffer + device);
                }
            }
            Some(Message::Reply(number, range)) if self.asking.is_answer(number) => {
                self.asking.answered(self.connection.read::<PlaybackLatency>(range)?.sink_usec);
            }
            Some(Message::Reply(number, range)) if self.longer == Some(number) => {
                let reply: SetPlaybackStreamBufferAttrReply = self.connection.read(range)?;
                (self.longer, self.since) = (None, Stopwatch::start());
                let kept = duration(reply.buffer_attr.target_length);
                let before = std::mem::replace(&mut self.buffer, kept);
                // it is the server's choice, which may be less than it chose at first
                if kept <= before {
                    self.ask_for(self.terms.buffer + LONGER)?;
                }
            }
            Some(Message::Command(Command::Underflow(underflow))) if underflow.channel == self.channel => {
                self.giver.underrun();
                self.lengthen()?;
            }
            Some(Message::Command(Command::PlaybackStreamKilled(channel))) if channel == self.channel => {
                return Err(lost("the device is gone"));
            }
            Some(Message::Command(Command::PlaybackStreamMoved(moved))) => {
                self.buffer = duration(moved.buffer_attr.target_length);
            }
            Some(Message::Command(Command::PlaybackBufferAttrChanged(changed))) => {
                self.buffer = duration(changed.buffer_attr.target_length);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Playback {
    /// The device was given sound too late: from now on it is given more, up to a bound.
    fn lengthen(&mut self) -> Result<()> {
        if self.longer.is_some() || self.since.elapsed() < ASK {
            return Ok(());
        }
        self.ask_for(self.terms.buffer.max(self.buffer) + LONGER)
    }

    fn ask_for(&mut self, buffer: Duration) -> Result<()> {
        if buffer > LONGEST {
            return Ok(());
        }
        tracing::debug!(?buffer, kept = ?self.buffer, "the sound server is to keep more of {}", self.terms.title);
        self.terms.buffer = buffer;
        let params = SetPlaybackStreamBufferAttrParams {
            index: self.channel,
            buffer_attr: self.terms.kept(),
            adjust_latency: true,
            early_requests: false,
        };
        self.longer = Some(self.connection.send(&Command::SetPlaybackStreamBufferAttr(params))?);
        Ok(())
    }
}

fn duration(bytes: u32) -> Duration {
    Duration::from_nanos(u64::from(bytes) / FRAME as u64 * 1_000_000_000 / u64::from(SAMPLE_RATE))
}

/// A stream from a microphone.
pub(super) struct Capture {
    taker: Box<dyn Taker>,
    connection: Connection,
    clock: Arc<dyn Clock>,
    channel: u32,
    asking: Asking,
}

impl Capture {
    pub(super) fn open(wanted: &Wanted, taker: Box<dyn Taker>) -> Result<Self> {
        let mut connection = Connection::open("LiveKit")?;
        let params = RecordStreamParams {
            sample_spec: spec(),
            channel_map: ChannelMap::stereo(),
            source_name: wanted.device.as_deref().map(text),
            buffer_attr: BufferAttr { fragment_size: wanted.bytes(1), ..BufferAttr::default() },
            props: wanted.props(),
            formats: vec![FormatInfo::new(FormatEncoding::Pcm)],
            flags: wanted.flags(),
            ..RecordStreamParams::default()
        };
        let reply: CreateRecordStreamReply =
            connection.ask_for_stream(&Command::CreateRecordStream(params))?;
        Ok(Self {
            taker,
            connection,
            clock: <dyn Clock>::live(),
            channel: reply.channel,
            asking: Asking::new(),
        })
    }
}

impl Hearing for Capture {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        self.connection.hang_up().map(Some)
    }

    fn step(&mut self) -> Result<()> {
        self.asking.step(&mut self.connection, Command::GetRecordLatency, self.channel)?;
        match self.connection.receive(LOOK)? {
            Some(Message::Data(channel, range)) if channel == self.channel => {
                self.taker.take(self.connection.bytes(range), self.clock.now(), self.asking.latency);
            }
            Some(Message::Reply(number, range)) if self.asking.is_answer(number) => {
                self.asking.answered(self.connection.read::<RecordLatency>(range)?.source_usec);
            }
            Some(Message::Command(Command::RecordStreamKilled(channel))) if channel == self.channel => {
                return Err(lost("the device is gone"));
            }
            _ => {}
        }
        Ok(())
    }
}
