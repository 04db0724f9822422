// SPDX-License-Identifier: GPL-2.0-or-later
//! From what people call a codec to the encoder that is used.

use super::{EncoderInfo, StreamKind, suggest};
use crate::av;
use crate::av::encoder::options::plain;
use lk_media::{Error, ErrorKind, Result};

/// Words for codecs, the codec's name, and its software encoders in order of preference. A name that is also
/// that of an encoder (`opus` is FFmpeg's own experimental one) means the codec.
const PREFERRED: &[(&[&str], &str, &[&str])] = &[
    (&["h264", "h.264", "avc", "x264"], "h264", &["libx264", "libopenh264"]),
    (&["hevc", "h265", "h.265", "x265"], "hevc", &["libx265", "libkvazaar"]),
    (&["vp9"], "vp9", &["libvpx-vp9"]),
    (&["vp8"], "vp8", &["libvpx"]),
    (&["av1"], "av1", &["libsvtav1", "libaom-av1", "librav1e"]),
    (&["mpeg4", "xvid"], "mpeg4", &["mpeg4", "libxvid"]),
    (&["prores"], "prores", &["prores_ks", "prores"]),
    (&["aac"], "aac", &["aac", "libfdk_aac"]),
    (&["opus"], "opus", &["libopus"]),
    (&["vorbis"], "vorbis", &["libvorbis"]),
    (&["mp3"], "mp3", &["libmp3lame", "libshine"]),
    (&["pcm", "wav"], "pcm_s16le", &["pcm_s16le"]),
];

/// The encoder for what was asked. Hardware and experimental ones are taken only by their own name.
pub(crate) fn encoder_for(
    asked: &str,
    kind: StreamKind,
    options: &[(String, String)],
) -> Result<&'static EncoderInfo> {
    let all = av::encoder::all();
    let of_kind = || all.iter().filter(move |e| e.kind == kind);
    let named = |name: &str| of_kind().find(|e| e.name.eq_ignore_ascii_case(name));
    let asked = asked.trim();
    let lower = asked.to_ascii_lowercase();
    let other_kind = |codec: &str| all.iter().any(|e| e.kind != kind && e.codec == codec);
    let word =
        PREFERRED.iter().find(|(words, codec, _)| words.contains(&lower.as_str()) && !other_kind(codec));
    let wants_experiments = options.iter().any(|(name, _)| plain(name) == "strict");
    let codec = word.map_or(lower.as_str(), |(_, codec, _)| codec);

    let preferred = || word.and_then(|(.., names)| names.iter().find_map(|n| named(n)));
    let exact = || named(asked).filter(|e| word.is_none() || wants_experiments || !e.experimental);
    let any = || of_kind().find(|e| e.codec == codec && !e.hardware && !e.experimental);
    let found = if wants_experiments { exact().or_else(preferred) } else { preferred().or_else(exact) };
    if let Some(found) = found.or_else(any) {
        return Ok(found);
    }

    let what = if kind == StreamKind::Video { "picture" } else { "sound" };
    let same: Vec<&str> = of_kind().filter(|e| e.codec == codec).map(|e| e.name.as_str()).collect();
    if !same.is_empty() {
        let message = format!("this FFmpeg has no software encoder for {asked}");
        return Err(Error::new(ErrorKind::Encoder, message)
            .with_hint(format!("it has {}; name one of them", suggest::or_list(&same))));
    }
    if word.is_some() {
        return Err(Error::new(ErrorKind::Encoder, format!("this FFmpeg has no encoder for {asked}"))
            .with_hint(format!("its {what} encoders are {}", usual(kind))));
    }
    let names = of_kind().flat_map(|e| [e.name.as_str(), e.codec.as_str()]);
    let words = PREFERRED.iter().filter(|(_, codec, _)| of_kind().any(|e| e.codec == *codec));
    let near = suggest::nearest(asked, names.chain(words.flat_map(|(words, ..)| words.iter().copied())));
    let other = other_kind(&lower) || all.iter().any(|e| e.kind != kind && e.name == lower);
    let mut hint = match (near.is_empty(), other) {
        (_, true) => format!("{asked} is not for a {what}; "),
        (false, _) => format!("did you mean {}? ", suggest::or_list(&near)),
        (true, _) => String::new(),
    };
    hint.push_str(&format!("{what} encoders there are: {}", usual(kind)));
    Err(Error::new(ErrorKind::Encoder, format!("there is no {what} encoder {asked:?}")).with_hint(hint))
}

/// The encoders there are: those of the codecs people know first.
fn usual(kind: StreamKind) -> String {
    let all = av::encoder::all();
    let mut names: Vec<&str> = Vec::new();
    for (_, codec, preferred) in PREFERRED {
        let of_codec = all.iter().filter(|e| e.kind == kind && e.codec == *codec);
        names.extend(of_codec.map(|e| e.name.as_str()).filter(|n| preferred.contains(n)));
    }
    for extra in all.iter().filter(|e| e.kind == kind && !e.hardware && !e.experimental) {
        if !names.contains(&extra.name.as_str()) {
            names.push(&extra.name);
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names() {
        let name = |asked, kind| encoder_for(asked, kind, &[]).map(|e| e.name.as_str());
        for (asked, codec) in [("H264", "h264"), ("ffv1", "ffv1"), ("mpeg4", "mpeg4"), ("gif", "gif")] {
            if let Ok(found) = encoder_for(asked, StreamKind::Video, &[]) {
                assert_eq!(found.codec, codec);
                assert!(!found.hardware);
            } else {
                println!("skipped: this FFmpeg cannot encode {asked}");
            }
        }
        assert_eq!(name("aac", StreamKind::Audio).unwrap(), "aac");
        assert_eq!(name("pcm_s24le", StreamKind::Audio).unwrap(), "pcm_s24le");
        if let Ok(found) = name("opus", StreamKind::Audio) {
            assert_eq!(found, "libopus");
        }
    }

    #[test]
    fn unknown_names_list_what_there_is() {
        let error = |asked, kind| encoder_for(asked, kind, &[]).err().unwrap();
        let e = error("mpg4", StreamKind::Video);
        assert_eq!(e.kind(), ErrorKind::Encoder);
        assert!(e.message().contains("mpg4"));
        assert!(e.hint().unwrap().contains("did you mean mpeg4"), "{e}");
        assert!(e.hint().unwrap().contains("ffv1"), "{e}");
        let e = error("aac", StreamKind::Video);
        assert!(e.hint().unwrap().contains("aac is not for a picture"), "{e}");
    }
}
