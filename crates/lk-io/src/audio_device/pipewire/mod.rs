// SPDX-License-Identifier: GPL-2.0-or-later
//! PipeWire's own streams, for sound that must be soon: between device and us lies one step of the server, where the
//! protocol of PulseAudio needs several, and threads that have no hurry. What devices there are says that protocol
//! (`pulse`), whose names are those of PipeWire's nodes; that both mean the same server, its number for itself.

use super::backend::{Hearing, MakeGiver, MakeTaker, Playing, Wanted};
use super::pulse::Identity;
use crate::pipewire::{Blocks, Moment, SoundOptions, SoundStream};
use lk_media::clock::Stopwatch;
use lk_media::{CHANNELS, Error, ErrorKind, Result, SAMPLE_RATE};
use std::time::Duration;

/// Frames of a step that are asked for: 5.3 ms.
const STEP: u32 = 256;
/// The longest wait.
const LOOK: Duration = Duration::from_millis(50);
/// A stream without a block for so long is lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// A stream, and the blocks it had when it was looked at last.
struct Stream {
    stream: SoundStream,
    count: u64,
    since: Stopwatch,
}

impl Stream {
    fn open(wanted: &Wanted, server: &Identity, blocks: Blocks) -> Result<Self> {
        let options = SoundOptions {
            title: &wanted.title,
            device: wanted.device.as_deref(),
            cookie: server.cookie,
            step: STEP,
        };
        Ok(Self { stream: SoundStream::open(&options, blocks)?, count: 0, since: Stopwatch::start() })
    }

    fn step(&mut self) -> Result<()> {
        self.stream.turn(LOOK)?;
        let count = self.stream.count();
        if count != self.count {
            (self.count, self.since) = (count, Stopwatch::start());
        } else if self.since.elapsed() > PATIENCE {
            return Err(Error::new(ErrorKind::DeviceLost, "the sound server asks for nothing any more"));
        }
        Ok(())
    }
}

impl Playing for Stream {
    fn step(&mut self) -> Result<()> {
        self.step()
    }
}

impl Hearing for Stream {
    fn step(&mut self) -> Result<()> {
        self.step()
    }
}

fn length(frames: usize) -> Duration {
    Duration::from_nanos(frames as u64 * 1_000_000_000 / u64::from(SAMPLE_RATE))
}

/// Opens a stream to a speaker.
pub(super) fn play(wanted: &Wanted, server: &Identity, giver: &MakeGiver) -> Result<Box<dyn Playing>> {
    let (mut giver, mut given) = (giver(), 0);
    let fill = move |out: &mut [f32], moment: Moment| {
        let frames = out.len() / CHANNELS;
        giver.wanted(given + frames as i64, moment.now, moment.delay + length(frames));
        giver.give(out);
        given += frames as i64;
    };
    Ok(Box::new(Stream::open(wanted, server, Blocks::Play(Box::new(fill)))?))
}

/// Opens a stream from a microphone.
pub(super) fn hear(wanted: &Wanted, server: &Identity, taker: &MakeTaker) -> Result<Box<dyn Hearing>> {
    if wanted.device.is_none() && server.hears_a_monitor {
        return Err(Error::new(ErrorKind::DeviceNotFound, "there is no microphone: a speaker is heard"));
    }
    let mut taker = taker();
    let take = move |frames: &[u8], moment: Moment| taker.take(frames, moment.now, Some(moment.delay));
    Ok(Box::new(Stream::open(wanted, server, Blocks::Hear(Box::new(take)))?))
}
