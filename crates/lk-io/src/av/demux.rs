// SPDX-License-Identifier: GPL-2.0-or-later
//! One container read once, its packets handed out to decoders on other threads.

use super::decode::Decoder;
use super::input::{Input, Medium};
use super::picture_decoder::{PictureDecoder, Step};
use super::sound_decoder::SoundDecoder;
use crate::media_file::{MediaInfo, OpenOptions};
use ffmpeg_next::Packet;
use lk_media::{Result, Timestamp};
use std::path::PathBuf;

/// While the first sound is looked for, so many packets of pictures may gather: bytes and nanoseconds.
const MOST_GATHERED: (usize, i64) = (32 << 20, 3_000_000_000);

/// A packet of a known stream.
pub(crate) struct MediaPacket {
    packet: Packet,
    /// Media time in nanoseconds, of decoding if that is stated.
    pub(crate) at: Option<i64>,
}

impl MediaPacket {
    /// For the decoder of its stream.
    pub(crate) fn packet(&self) -> &Packet {
        &self.packet
    }

    /// The memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.packet.size() + 256
    }
}

/// Reads the packets of at most one stream of pictures and one of sound.
pub(crate) struct Demuxer {
    input: Input,
    video: Option<usize>,
    audio: Option<usize>,
    /// How far before a place reading must begin for the pictures there to be right.
    lead: i64,
    /// Seeking is of no use.
    untimed: bool,
}

/// A demuxer at work: decoders that have their first picture and sound, and the packets that came in between.
pub(crate) struct Opened {
    pub(crate) demuxer: Demuxer,
    pub(crate) pictures: Option<PictureDecoder>,
    pub(crate) sound: Option<SoundDecoder>,
    pub(crate) gathered: Vec<(Medium, MediaPacket)>,
}

impl Demuxer {
    /// Opens `name`, its pictures and its sound as far as they are wanted. A Media error if nothing wanted can be
    /// decoded; what cannot be beside something that can is left out with a warning.
    pub(crate) fn open(name: &str, options: &OpenOptions, video: bool, audio: bool) -> Result<Opened> {
        let mut input = Input::open_any(name, options)?;
        let video = if video { input.choose(Medium::Video)? } else { None };
        let audio = if audio { input.choose(Medium::Audio)? } else { None };
        let streams: Vec<usize> = video.into_iter().chain(audio).collect();
        if streams.is_empty() {
            return Err(input.media_error("nothing in it to be played").with_hint(
                "it has neither pictures nor sound, or they are switched off; MediaInfo tells what there is",
            ));
        }
        input.read_only(&streams);
        let mut pictures = video.map(|s| PictureDecoder::open(&input, s)).transpose();
        let mut sound = audio.map(|s| SoundDecoder::open(&input, s)).transpose();
        match (&pictures, &sound) {
            (Err(e), Ok(Some(_))) => {
                tracing::warn!("{e}; only its sound is played");
                pictures = Ok(None);
            }
            (Ok(Some(_)), Err(e)) => {
                tracing::warn!("{e}; only its pictures are played");
                sound = Ok(None);
            }
            _ => {}
        }
        let (pictures, sound) = (pictures?, sound?);
        let demuxer = Self { input, video, audio, lead: 0, untimed: false };
        Opened { demuxer, pictures, sound, gathered: Vec::new() }.prime()
    }

    /// What is in it.
    pub(crate) fn info(&self) -> MediaInfo {
        MediaInfo::of(&self.input)
    }

    /// Its name for messages.
    pub(crate) fn name(&self) -> String {
        self.input.short_name()
    }

    /// The file being read, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.input.file()
    }

    /// The length that pictures and sound loop at.
    pub(crate) fn duration(&self) -> Option<Timestamp> {
        self.input.duration()
    }

    /// Whether it comes as it is made, from a pipe or a peer, and cannot be gone back in.
    pub(crate) fn is_live(&self) -> bool {
        self.input.is_live()
    }

    /// Whether what is not read in time is lost anyway: a live peer, not a pipe.
    pub(crate) fn is_remote(&self) -> bool {
        self.input.is_remote()
    }

    /// Whether there is sound to be read.
    pub(crate) fn has_sound(&self) -> bool {
        self.audio.is_some()
    }

    /// Waits for data for as long as it takes from now on; only the caller's cancel ends that.
    pub(crate) fn be_patient(&mut self) {
        self.input.be_patient();
    }

    /// The next packet, None at the end.
    pub(crate) fn read(&mut self) -> Result<Option<(Medium, MediaPacket)>> {
        while let Some(packet) = self.input.read()? {
            let stream = packet.stream();
            let medium = match () {
                () if Some(stream) == self.video => Medium::Video,
                () if Some(stream) == self.audio => Medium::Audio,
                () => continue,
            };
            let at = packet.dts().or_else(|| packet.pts());
            let at = at.map(|ticks| self.input.media_time(stream, ticks).as_nanos());
            return Ok(Some((medium, MediaPacket { packet, at })));
        }
        Ok(None)
    }

    /// Goes to a place at or before `to`; false if that is not possible: then open it again.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<bool> {
        let Some(stream) = self.video.or(self.audio) else { return Ok(false) };
        Ok(!self.untimed && self.input.seek(stream, to.offset(-self.lead))?)
    }

    /// Opens it again at its start; the new decoder for the sound, whose priming is only skipped there.
    pub(crate) fn reopen(&mut self) -> Result<Option<Decoder>> {
        self.input.reopen()?;
        if let Some(stream) = self.video {
            self.input.check_stream(stream, Medium::Video)?;
        }
        if let Some(stream) = self.audio {
            self.input.check_stream(stream, Medium::Audio)?;
        }
        let streams: Vec<usize> = self.video.into_iter().chain(self.audio).collect();
        self.input.read_only(&streams);
        self.audio.map(|stream| Decoder::open(&self.input, stream)).transpose()
    }
}

impl Opened {
    /// Reads until both decoders have something to show for it.
    fn prime(mut self) -> Result<Self> {
        let (mut first_picture, mut first_piece) = (None, None);
        let (mut bytes, mut begin, mut over) = (0, None, false);
        loop {
            if let (Some(pictures), None) = (&mut self.pictures, &first_picture)
                && let Step::Got(picture) = pictures.next()?
            {
                first_picture = Some(picture);
            }
            if let (Some(sound), None) = (&mut self.sound, &first_piece)
                && let Step::Got(piece) = sound.next()?
            {
                first_piece = Some(piece);
            }
            let wants_picture = self.pictures.is_some() && first_picture.is_none();
            let wants_piece = self.sound.is_some() && first_piece.is_none();
            if over || !wants_picture && !wants_piece {
                break;
            }
            match self.demuxer.read()? {
                Some((Medium::Video, packet)) if wants_picture => {
                    self.feed_pictures(Some(packet.packet()))?
                }
                Some((Medium::Audio, packet)) if wants_piece => self.feed_sound(Some(packet.packet()))?,
                Some((medium, packet)) => {
                    bytes += packet.bytes();
                    let at = packet.at.unwrap_or(0);
                    let begin = *begin.get_or_insert(at);
                    self.gathered.push((medium, packet));
                    if bytes > MOST_GATHERED.0 || at - begin > MOST_GATHERED.1 {
                        break;
                    }
                }
                None => {
                    over = true;
                    if wants_picture {
                        self.feed_pictures(None)?;
                    }
                    if wants_piece {
                        self.feed_sound(None)?;
                    }
                }
            }
        }
        self.settle(first_picture, first_piece, over)
    }

    fn settle(
        mut self,
        first_picture: Option<super::picture_decoder::Picture>,
        first_piece: Option<super::sound_decoder::Piece>,
        over: bool,
    ) -> Result<Self> {
        if let (Some(pictures), Some(first)) = (&mut self.pictures, first_picture) {
            pictures.begin_with(first);
            (self.demuxer.lead, self.demuxer.untimed) =
                (pictures.lead_nanos() - pictures.late_nanos(), pictures.is_untimed());
        } else if self.pictures.take().is_some() {
            self.demuxer.video = None;
        }
        if let (Some(sound), Some(first)) = (&mut self.sound, first_piece) {
            sound.begin_with(first);
        } else if over {
            // a sound stream that has not begun yet may still; one of a file read to its end cannot
            self.sound = None;
        }
        if self.sound.is_none() {
            self.demuxer.audio = None;
        }
        if self.pictures.is_none() && self.sound.is_none() {
            return Err(self.demuxer.input.media_error("nothing in it can be decoded"));
        }
        self.gathered.retain(|(medium, _)| match medium {
            Medium::Video => self.pictures.is_some(),
            Medium::Audio => self.sound.is_some(),
        });
        Ok(self)
    }

    fn feed_pictures(&mut self, packet: Option<&Packet>) -> Result<()> {
        self.pictures.as_mut().map_or(Ok(()), |p| p.feed(packet))
    }

    fn feed_sound(&mut self, packet: Option<&Packet>) -> Result<()> {
        self.sound.as_mut().map_or(Ok(()), |s| s.feed(packet))
    }
}
