// SPDX-License-Identifier: GPL-2.0-or-later
//! What encoders are set to when pictures come in real time: fast enough, and few of them held back.

use super::{EncoderInfo, VideoSettings};
use crate::av::encoder::options::plain;

/// Frame threads hold a picture each, and x264 looks five ahead: more threads, and more than seven pictures are
/// inside.
const MOST_THREADS: u32 = 3;
/// A key frame at least so often, in seconds: what a player seeks to, and what is lost with a damaged one.
const KEY_SECONDS: f64 = 2.0;

/// The settings for a live encoder that may use `threads` threads. What the user's options say stays.
pub(crate) fn tuned(mut settings: VideoSettings, encoder: &EncoderInfo, threads: usize) -> VideoSettings {
    let threads = u32::try_from(threads).unwrap_or(MOST_THREADS).clamp(1, MOST_THREADS);
    settings.threads = threads;
    let gop = (settings.rate.as_f64() * KEY_SECONDS).round().max(1.0).to_string();
    let user = std::mem::take(&mut settings.options);
    let said = |name: &str| user.iter().any(|(n, _)| plain(n) == name);
    let mut ours: Vec<(&str, String)> = vec![("g", gop)];
    let mut set = |name, value: &str| ours.push((name, value.to_owned()));
    // which list of the encoder's own settings holds those that have no option of FFmpeg's
    let mut list: Option<(&str, &str)> = None;
    match encoder.name.as_str() {
        "libx264" | "libx264rgb" => {
            set("preset", "veryfast");
            if !said("tune") {
                set("rc-lookahead", "4");
                set("bf", "2");
                set("b_strategy", "0");
            }
            list = Some(("x264-params", "sync-lookahead=0"));
        }
        "libx265" => {
            set("preset", "superfast");
            if !said("tune") {
                list = Some(("x265-params", "rc-lookahead=4:bframes=2:b-adapt=0"));
            }
        }
        "libvpx" | "libvpx-vp9" => {
            set("deadline", "realtime");
            set("cpu-used", "8");
            set("lag-in-frames", "0");
        }
        "libaom-av1" => {
            set("usage", "realtime");
            set("cpu-used", "8");
            set("lag-in-frames", "0");
        }
        "libsvtav1" => set("preset", "12"),
        "librav1e" => set("speed", "10"),
        _ => {}
    }
    let mut options: Vec<(String, String)> =
        ours.into_iter().filter(|(n, _)| !said(n)).map(|(n, v)| (n.to_owned(), v)).collect();
    if let Some((name, value)) = list.filter(|(name, _)| !said(name)) {
        options.push((name.to_owned(), value.to_owned()));
    }
    // the user's own list comes after ours in the same option, since the last one wins
    options.extend(user.into_iter().map(|(n, v)| match list {
        Some((name, ours)) if plain(&n) == name => (n, format!("{ours}:{v}")),
        _ => (n, v),
    }));
    settings.options = options;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Packet, StreamKind, VideoEncoder, choose};
    use lk_media::{Frame, FramePool, FrameRate, Result, Size, Timestamp};

    fn x264() -> Option<&'static EncoderInfo> {
        choose::encoder_for("libx264", StreamKind::Video, &[]).ok()
    }

    fn settings() -> VideoSettings {
        VideoSettings::new(Size::new(64, 64), FrameRate::new(30, 1).unwrap())
    }

    #[test]
    fn what_the_user_says_stays() {
        let Some(encoder) = x264() else { return println!("SKIPPED: this FFmpeg has no libx264") };
        let given = settings()
            .with_option("preset:v", "slow")
            .with_option("g", "7")
            .with_option("x264-params", "aq-mode=0");
        let tuned = tuned(given, encoder, 64);
        let value = |name: &str| {
            let mut found = tuned.options.iter().filter(|(n, _)| plain(n) == name).map(|(_, v)| v.as_str());
            (found.next(), found.next())
        };
        assert_eq!(value("preset"), (Some("slow"), None));
        assert_eq!(value("g"), (Some("7"), None));
        assert_eq!(value("x264-params"), (Some("sync-lookahead=0:aq-mode=0"), None));
        assert_eq!((value("bf"), tuned.threads), ((Some("2"), None), 3));
    }

    #[test]
    fn at_most_seven_frames_are_inside() {
        let Some(encoder) = x264() else { return println!("SKIPPED: this FFmpeg has no libx264") };
        for threads in [1, 2, 4, 16] {
            let mut video = VideoEncoder::open(&tuned(settings(), encoder, threads), true).unwrap();
            let picture = FramePool::shared().frame(video.wish()).unwrap().publish(Timestamp::ZERO);
            let mut out = 0;
            let mut most = 0;
            for n in 0..90u64 {
                let mut sink = |_: Packet| -> Result<()> {
                    out += 1;
                    Ok(())
                };
                let frame: &Frame = &picture;
                video.encode(frame, n, &mut sink).unwrap();
                most = most.max(n + 1 - out);
            }
            assert!((1..=7).contains(&most), "{most} frames with {threads} threads");
        }
    }
}
