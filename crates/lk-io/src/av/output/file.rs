// SPDX-License-Identifier: GPL-2.0-or-later
//! A file that we write and not FFmpeg, so that what is in it can be decoded at any moment.

use super::{Format, StreamInfo};
use crate::mux::mp4::Fragmented;
use crate::mux::storage::{Direct, Gather, Storage};
use ffmpeg_next::format::context::StreamIo;
use ffmpeg_next::packet::Ref;
use ffmpeg_next::{Packet, Rational, ffi};
use std::io;
use std::time::Duration;

/// Media time after which a file begins although a stream is missing.
const PATIENCE_NANOS: i64 = 2_000_000_000;
/// A stream that is further behind the others than this stands still, and says nothing of what is safe.
const STILL_NANOS: i64 = 1_000_000_000;

/// Bytes after which a fragment ends early: what a full disk takes away at once.
const FRAGMENT_BYTES: u32 = 1 << 20;

/// How a file is written that must be decodable at any moment.
pub(crate) struct Safe {
    pub(crate) storage: Box<dyn Storage>,
    /// Media time between two handings over to the system.
    pub(crate) fragment: Duration,
    /// Whether what was handed over also survives a power loss.
    pub(crate) durable: bool,
    /// Whether it comes in real time.
    pub(crate) live: bool,
}

/// A file being written.
pub(crate) struct File {
    way: Way,
    fragment: Duration,
    durable: bool,
    live: bool,
    time_bases: Vec<Rational>,
    /// Media time FFmpeg has given out, before the last packet.
    given_out: i64,
    safe_until: i64,
    synced: i64,
    first: Option<i64>,
    newest: i64,
}

enum Way {
    /// An MP4 in fragments.
    Fragments { gather: Gather, file: Fragmented },
    /// Anything that can be read from the front; `clusters` if it is Matroska.
    Direct { file: Direct, clusters: bool },
}

/// Whether one of the options says how an MP4 is laid out: then it is as they say.
pub(crate) fn is_layout(format: Format, options: &[(String, String)]) -> bool {
    const LAYOUT: [&str; 8] = [
        "movflags",
        "frag_duration",
        "frag_size",
        "min_frag_duration",
        "frag_interleave",
        "moov_size",
        "use_editlist",
        "ism_lookahead",
    ];
    format.is_fragmented() && options.iter().any(|(name, _)| LAYOUT.contains(&name.trim_start_matches('-')))
}

impl File {
    /// What FFmpeg writes to, and what becomes of it.
    pub(super) fn open(
        safe: Safe,
        format: Format,
        streams: &[StreamInfo],
    ) -> Result<(Self, StreamIo), ffmpeg_next::Error> {
        let (way, io) = if format.is_fragmented() {
            let units: Vec<_> = streams.iter().map(unit).collect();
            let file = Fragmented::new(safe.storage, safe.durable, safe.live, &units);
            let gather = Gather::default();
            (Way::Fragments { gather: gather.clone(), file }, StreamIo::from_write(gather)?)
        } else {
            let file = Direct::new(safe.storage);
            let clusters = matches!(format.info().name.as_str(), "matroska" | "webm");
            (Way::Direct { file: file.clone(), clusters }, StreamIo::from_write_seek(file)?)
        };
        let file = Self {
            way,
            fragment: safe.fragment,
            durable: safe.durable,
            live: safe.live,
            time_bases: Vec::new(),
            given_out: i64::MIN,
            safe_until: i64::MIN,
            synced: i64::MIN,
            first: None,
            newest: i64::MIN,
        };
        Ok((file, io))
    }

    /// The container's options that make it so.
    pub(super) fn options(&self) -> Vec<(&'static str, String)> {
        match &self.way {
            Way::Fragments { .. } => vec![
                ("movflags", "empty_moov+delay_moov+default_base_moof+frag_keyframe+skip_trailer".to_owned()),
                ("frag_duration", self.fragment.as_micros().max(1).to_string()),
                ("frag_size", FRAGMENT_BYTES.to_string()),
            ],
            Way::Direct { clusters: true, .. } => {
                vec![("cluster_time_limit", self.fragment.as_millis().max(1).to_string())]
            }
            Way::Direct { .. } => Vec::new(),
        }
    }

    /// Empties the file: the header comes.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        match &mut self.way {
            Way::Fragments { file, .. } => file.clear(),
            Way::Direct { file, .. } => file.clear(),
        }
    }

    /// The header is written; these are the streams' units of time.
    pub(super) fn begin(&mut self, time_bases: Vec<Rational>) {
        self.time_bases = time_bases;
    }

    /// Notes a packet that goes to FFmpeg, in the container's unit.
    pub(super) fn expect(&mut self, stream: usize, packet: &Packet) {
        let Some(dts) = packet.dts().or(packet.pts()) else { return };
        let at = super::nanos(dts, self.time_bases[stream]);
        self.first.get_or_insert(at);
        self.newest = self.newest.max(at);
        if let Way::Fragments { file, .. } = &mut self.way {
            file.expect(stream, dts, packet.pts().unwrap_or(dts), is_disposable(packet));
        }
    }

    /// Whether FFmpeg should be made to begin although a stream is missing: after a while when live, else once the
    /// interleaver is `crowded`, so that what is in the file does not depend on which thread was faster.
    pub(super) fn waits_too_long(&self, crowded: bool) -> bool {
        let Way::Fragments { gather, file } = &self.way else { return false };
        let late = self.live && self.first.is_some_and(|first| self.newest - first > PATIENCE_NANOS);
        (late || crowded) && !file.has_begun() && gather.is_empty()
    }

    /// Brings what FFmpeg has written to the file. It has given out all packets before `given_out`, in nanoseconds.
    pub(super) fn settle(&mut self, given_out: i64) -> io::Result<()> {
        match &mut self.way {
            Way::Fragments { gather, file } => {
                let bytes = gather.take();
                if bytes.is_empty() {
                    return Ok(());
                }
                file.write(bytes)?;
                let bases = self.time_bases.iter().enumerate();
                let ends: Vec<i64> =
                    bases.filter_map(|(n, base)| Some(super::nanos(file.reached(n)?, *base))).collect();
                let furthest = ends.iter().copied().max().unwrap_or(i64::MIN);
                let moving = ends.into_iter().filter(|end| furthest - end <= STILL_NANOS);
                self.safe_until = self.safe_until.max(moving.min().unwrap_or(i64::MIN));
            }
            Way::Direct { file, .. } => {
                // what came with the last packet may still wait for its cluster to end
                if file.take_written() {
                    let reached = self.given_out;
                    let due = reached.saturating_sub(self.synced) >= self.fragment.as_nanos() as i64;
                    if self.durable && (due || given_out == i64::MAX) {
                        file.sync()?;
                        self.synced = reached;
                    }
                    if !self.durable || self.synced == reached {
                        self.safe_until = self.safe_until.max(reached);
                    }
                }
                let still = self.newest.saturating_sub(STILL_NANOS);
                self.given_out = if given_out == i64::MAX { self.newest } else { given_out.max(still) };
            }
        }
        Ok(())
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        match &self.way {
            Way::Fragments { file, .. } => file.len(),
            Way::Direct { file, .. } => file.len(),
        }
    }

    /// Nanoseconds of the recording that are in the file and can be decoded.
    pub(super) fn safe_until(&self) -> Option<i64> {
        (self.safe_until != i64::MIN).then_some(self.safe_until)
    }

    /// Ends it, once FFmpeg has. The answer is what one should know of it.
    pub(super) fn finish(&mut self, failed: bool) -> io::Result<Option<String>> {
        match &mut self.way {
            Way::Fragments { file, .. } => {
                let why = file.finish()?;
                Ok(why.map(|why| format!("the file plays, but stays in fragments: {why}")))
            }
            Way::Direct { file, .. } => {
                if (self.durable || self.live) && !failed {
                    file.sync()?;
                }
                Ok(None)
            }
        }
    }
}

/// Bytes of a sample, for sound of which a packet holds many.
#[allow(unsafe_code)]
fn unit(stream: &StreamInfo) -> Option<u32> {
    let parameters = stream.parameters.lock();
    // SAFETY: the parameters live as long as the lock is held.
    let (bits, frame, block) = unsafe {
        let raw = parameters.as_ptr();
        (ffi::av_get_bits_per_sample((*raw).codec_id), (*raw).frame_size, (*raw).block_align)
    };
    let raw_sound = stream.kind == super::StreamKind::Audio && bits > 0 && frame <= 1;
    raw_sound.then(|| u32::try_from(block).ok()).flatten()
}

#[allow(unsafe_code)]
fn is_disposable(packet: &Packet) -> bool {
    // SAFETY: the packet is whole.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISPOSABLE != 0 }
}
