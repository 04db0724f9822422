// SPDX-License-Identifier: GPL-2.0-or-later
//! Containers: by extension or name, what they usually hold and what they can.

use crate::av;
use crate::av::output::Format;
use crate::encode::{StreamKind, encoder_for, suggest};
use lk_media::{Error, ErrorKind, Result};
use serde::Serialize;
use std::path::Path;

/// A container format of the FFmpeg this runs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormatInfo {
    /// What to ask for: "mp4".
    pub name: String,
    /// What FFmpeg says of it.
    pub description: String,
    /// The extensions of its files, without the dot.
    pub extensions: Vec<String>,
    /// The codec FFmpeg puts pictures in, if it holds any.
    pub video: Option<String>,
    /// The codec FFmpeg puts sound in, if it holds any.
    pub audio: Option<String>,
}

/// Every container there is.
pub fn formats() -> Vec<FormatInfo> {
    Format::all().iter().map(|f| f.info().clone()).collect()
}

/// What people write, where FFmpeg's name is another.
const ALIASES: [(&str, &str); 5] =
    [("mkv", "matroska"), ("ts", "mpegts"), ("m2ts", "mpegts"), ("m4a", "ipod"), ("quicktime", "mov")];
/// Those named in errors.
const USUAL: &str = "mp4, mkv, mov, webm, flv, ts, avi, gif, wav, mp3, m4a, ogg, flac";

/// Which codecs a container is filled with when nobody says, best first: (FFmpeg's names of containers,
/// pictures, sound).
const FILLED_WITH: &[(&[&str], &[&str], &[&str])] = &[
    (
        &["mp4", "mov", "ipod", "matroska", "flv", "mpegts", "psp", "ismv", "hls", "f4v", "rtsp"],
        &["h264"],
        &["aac"],
    ),
    (&["webm"], &["vp9", "vp8"], &["opus", "vorbis"]),
    (&["gif"], &["gif"], &[]),
    (&["wav", "w64", "rf64"], &[], &["pcm_s16le"]),
    // FFmpeg's pictures in these are covers of albums
    (&["mp3"], &[], &["mp3"]),
    (&["flac"], &[], &["flac"]),
    (&["aiff"], &[], &["pcm_s16be"]),
    (&["oga"], &[], &["flac"]),
    (&["ogg"], &["theora"], &["opus", "vorbis", "flac"]),
];
/// Extensions that promise sound alone, although the container could hold pictures.
const SOUND_ONLY: [&str; 6] = ["m4a", "m4b", "mka", "oga", "ogg", "opus"];

/// The container of an output.
#[derive(Clone)]
pub struct ContainerChoice {
    format: Format,
    sound_only: bool,
}

impl ContainerChoice {
    /// The container called `format`, or the one that the extension of `name` stands for.
    pub fn of(name: &str, format: Option<&str>) -> Result<Self> {
        let extension = Path::new(name).extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if let Some(asked) = format {
            let lower = asked.trim().trim_start_matches('.').to_ascii_lowercase();
            let alias = ALIASES.iter().find(|(alias, _)| *alias == lower).map(|(_, real)| *real);
            let found = alias.and_then(Format::named).or_else(|| Format::named(&lower));
            let found = found.or_else(|| Format::of_file(&format!("a.{lower}")));
            let found = found.ok_or_else(|| unknown(format!("there is no container {asked:?}"), &lower))?;
            return Ok(Self { format: found, sound_only: SOUND_ONLY.contains(&lower.as_str()) });
        }
        let by_scheme =
            name.split_once("://").and_then(|(scheme, _)| match scheme.to_ascii_lowercase().as_str() {
                "rtmp" | "rtmps" | "rtmpt" => Some("flv"),
                "srt" | "udp" | "tcp" | "rist" => Some("mpegts"),
                "rtsp" | "rtsps" => Some("rtsp"),
                _ => None,
            });
        if let Some(found) = by_scheme.and_then(Format::named) {
            return Ok(Self { format: found, sound_only: false });
        }
        let Some(extension) = extension else {
            return Err(Error::new(
                ErrorKind::Encoder,
                format!("{name:?} has no extension that names a container"),
            )
            .with_hint(format!("end it in one of {USUAL}, or name a format")));
        };
        let found = Format::of_file(name)
            .ok_or_else(|| unknown(format!("no container has the extension {extension:?}"), &extension))?;
        Ok(Self { format: found, sound_only: SOUND_ONLY.contains(&extension.as_str()) })
    }

    /// What it is.
    pub fn info(&self) -> &'static FormatInfo {
        self.format.info()
    }

    /// Whether headers stand beside the packets: encoders have to know.
    pub fn wants_global_header(&self) -> bool {
        self.format.wants_global_header()
    }

    /// Whether [`super::CrashSafe`] means fragments: MP4 and its relatives.
    pub fn is_fragmented(&self) -> bool {
        self.format.is_fragmented()
    }

    /// The codec for pictures or sound when none was named; None if it holds none.
    pub fn usual_codec(&self, kind: StreamKind) -> Option<String> {
        if self.sound_only && kind == StreamKind::Video {
            return None;
        }
        let info = self.info();
        let names = |list: &[&str]| list.iter().any(|n| info.name.split(',').any(|own| own == *n));
        if let Some((_, pictures, sounds)) = FILLED_WITH.iter().find(|(list, ..)| names(list)) {
            let codecs = if kind == StreamKind::Video { pictures } else { sounds };
            let can = |codec: &&&str| encoder_for(codec, kind, &[]).is_ok();
            return codecs.iter().find(can).or(codecs.first()).map(|c| (*c).to_owned());
        }
        if kind == StreamKind::Video { info.video.clone() } else { info.audio.clone() }
    }

    /// An error that names what it can hold, if it cannot hold `codec`.
    pub fn check(&self, kind: StreamKind, codec: &str) -> Result<()> {
        if self.format.holds(codec, true) != Some(false) {
            return Ok(());
        }
        let mut can: Vec<&str> = Vec::new();
        let software = av::encoder::all().iter().filter(|e| e.kind == kind && !e.hardware);
        for codec in software.map(|e| e.codec.as_str()) {
            if !can.contains(&codec) && self.format.holds(codec, false) == Some(true) {
                can.push(codec);
            }
        }
        let what = if kind == StreamKind::Video { "pictures" } else { "sound" };
        let hint = match can.is_empty() {
            true => format!("it holds no {what}: use another container, such as mkv"),
            false => format!("its {what} can be {}", can.join(", ")),
        };
        Err(Error::new(ErrorKind::Encoder, format!("the container {} cannot hold {codec}", self.info().name))
            .with_hint(hint))
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn opens_itself(&self) -> bool {
        self.format.opens_itself()
    }
}

fn unknown(message: String, wrong: &str) -> Error {
    let all = Format::all();
    let names = all.iter().map(|f| f.info()).flat_map(|i| {
        let own = i.name.split(',');
        own.chain(i.extensions.iter().map(String::as_str))
    });
    let near = suggest::nearest(wrong, names);
    let near =
        if near.is_empty() { String::new() } else { format!("did you mean {}? ", suggest::or_list(&near)) };
    Error::new(ErrorKind::Encoder, message).with_hint(format!("{near}usual ones are {USUAL}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> ContainerChoice {
        ContainerChoice::of(name, None).unwrap()
    }

    #[test]
    fn by_extension_and_by_name() {
        assert_eq!(of("a.MP4").info().name, "mp4");
        assert_eq!(of("a b/c.d/x.mkv").info().name, "matroska");
        assert_eq!(of("x.ts").info().name, "mpegts");
        assert_eq!(of("rtmp://host/app/key").info().name, "flv");
        assert_eq!(ContainerChoice::of("x", Some("mkv")).unwrap().info().name, "matroska");
        assert_eq!(ContainerChoice::of("x.mp4", Some("flv")).unwrap().info().name, "flv");
    }

    #[test]
    fn what_they_are_filled_with() {
        use StreamKind::{Audio, Video};
        assert_eq!(of("x.mp4").usual_codec(Video).as_deref(), Some("h264"));
        assert_eq!(of("x.flv").usual_codec(Audio).as_deref(), Some("aac"));
        assert_eq!(of("x.gif").usual_codec(Audio), None);
        assert_eq!(of("x.m4a").usual_codec(Video), None);
        assert_eq!(of("x.wav").usual_codec(Audio).as_deref(), Some("pcm_s16le"));
        assert!(of("x.webm").usual_codec(Video).unwrap().starts_with("vp"));
        assert!(of("x.mp4").wants_global_header() && !of("x.ts").wants_global_header());
    }

    #[test]
    fn errors_name_what_there_is() {
        let error = |name, format| ContainerChoice::of(name, format).err().unwrap();
        assert!(error("x.mp44", None).hint().unwrap().contains("did you mean mp4"));
        assert!(error("x", None).hint().unwrap().contains("mkv"));
        assert!(error("x.mp4", Some("matroshka")).hint().unwrap().contains("matroska"));
        let e = of("x.webm").check(StreamKind::Video, "h264").err().unwrap();
        assert!(e.kind() == ErrorKind::Encoder && e.hint().unwrap().contains("vp8"), "{e}");
        assert!(of("x.wav").check(StreamKind::Video, "h264").is_err());
        assert!(of("x.mp4").check(StreamKind::Audio, "aac").is_ok());
    }
}
