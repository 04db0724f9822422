// SPDX-License-Identifier: GPL-2.0-or-later
//! One quality scale for all encoders: x264's CRF, put at the same place of each encoder's own scale.

use super::{EncoderInfo, VideoSettings};
use crate::av::encoder::options::plain;
use lk_media::{Error, Result};

/// The usual quality.
const USUAL: f64 = 23.0;
/// The worst.
const WORST: f64 = 51.0;
/// FF_QP2LAMBDA: FFmpeg's `global_quality` counts quantiser steps in parts of this.
const LAMBDA: f64 = 118.0;

/// The options that give what the settings ask; `crf_range` is the range of the encoder's option `crf`, if it
/// has one.
pub(super) fn options(
    settings: &VideoSettings,
    encoder: &EncoderInfo,
    crf_range: Option<(f64, f64)>,
    has_qp: bool,
) -> Result<Vec<(&'static str, String)>> {
    if let Some(quality) = settings.quality
        && !(0.0..=WORST).contains(&quality)
    {
        return Err(Error::parameter(format!("quality {quality} is not between 0 and {WORST}"))
            .with_hint("0 is the best, 18 looks like the original, 23 is usual, 51 is the worst"));
    }
    if settings.quality.is_some() && settings.bitrate.is_some() {
        return Err(Error::parameter("quality and bitrate contradict each other").with_hint(
            "give one of them; the options maxrate and bufsize put a limit on a constant quality",
        ));
    }
    if settings.bitrate == Some(0) {
        return Err(Error::parameter("bitrate is 0").with_hint("bits per second, such as 6000000"));
    }
    if encoder.lossless {
        return Ok(Vec::new());
    }
    if let Some(bitrate) = settings.bitrate {
        return Ok(vec![("b", bitrate.to_string())]);
    }
    const SAYS_SO: [&str; 13] = [
        "crf",
        "qp",
        "b",
        "qscale",
        "q",
        "global_quality",
        "cq",
        "cq-level",
        "lossless",
        "rc",
        "rc_mode",
        "maxrate",
        "quality",
    ];
    let said = settings.options.iter().any(|(name, _)| SAYS_SO.contains(&plain(name)));
    // these choose well by themselves
    let own = matches!(encoder.name.as_str(), "libx264" | "libx264rgb" | "libx265" | "gif" | "dnxhd")
        || encoder.name.starts_with("prores")
        || encoder.hardware;
    let quality = match settings.quality {
        Some(quality) => quality,
        None if said || own => return Ok(Vec::new()),
        None => USUAL,
    };
    Ok(match crf_range {
        // VP8 takes its bit rate for a ceiling even at a constant quality
        Some((_, max)) if encoder.name == "libvpx" => {
            let ceiling = settings.size.area() as f64 * settings.rate.as_f64() * 0.3;
            vec![("crf", scaled(quality, max)), ("b", format!("{ceiling:.0}"))]
        }
        Some((_, max)) if max <= 1000.0 => vec![("crf", scaled(quality, max)), ("b", "0".to_owned())],
        Some(_) => vec![("crf", format!("{quality}"))],
        None if has_qp && encoder.name == "librav1e" => vec![("qp", scaled(quality, 255.0))],
        None => qscale(step(quality)),
    })
}

/// The options for a constant quantiser of the MPEG-4 family, 1 to 31.
pub(super) fn qscale(step: f64) -> Vec<(&'static str, String)> {
    vec![("flags", "+qscale".to_owned()), ("global_quality", format!("{:.0}", step * LAMBDA))]
}

/// H.264's quantiser doubles every six; half a step of it (0.625 * 2^(q/6)) is what MPEG-4 counts.
fn step(quality: f64) -> f64 {
    (0.3125 * (quality / 6.0).exp2()).clamp(1.0, 31.0)
}

fn scaled(quality: f64, max: f64) -> String {
    format!("{:.0}", quality * max / WORST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::StreamKind;
    use lk_media::{FrameRate, Size};

    fn of(name: &str, quality: Option<f64>, range: Option<(f64, f64)>) -> Vec<(&'static str, String)> {
        let mut settings = VideoSettings::new(Size::new(64, 64), FrameRate::new(30, 1).unwrap());
        settings.quality = quality;
        let encoder = EncoderInfo {
            name: name.to_owned(),
            description: String::new(),
            codec: String::new(),
            kind: StreamKind::Video,
            hardware: false,
            experimental: false,
            lossless: name == "ffv1",
        };
        options(&settings, &encoder, range, false).unwrap()
    }

    #[test]
    fn the_same_place_of_each_scale() {
        assert_eq!(
            of("libx264", Some(18.5), Some((-1.0, f64::from(f32::MAX)))),
            [("crf", "18.5".to_owned())]
        );
        assert_eq!(of("libx264", None, Some((-1.0, f64::from(f32::MAX)))), []);
        assert_eq!(of("libvpx-vp9", Some(51.0), Some((-1.0, 63.0)))[0], ("crf", "63".to_owned()));
        assert_eq!(
            of("libvpx-vp9", None, Some((-1.0, 63.0))),
            [("crf", "28".to_owned()), ("b", "0".to_owned())]
        );
        assert_eq!(of("mpeg4", Some(0.0), None)[1], ("global_quality", "118".to_owned()));
        assert_eq!(of("mpeg4", Some(51.0), None)[1], ("global_quality", "3658".to_owned()));
        assert_eq!(of("ffv1", Some(20.0), None), []);
    }
}
