// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio record`: whatever a name opens, live, into a file.

use crate::args::RecordArgs;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::spec::label;
use livekit_studio::clock::Deadline;
use livekit_studio::{
    AudioSource, Cancel, FrameRate, OpenOptions, Recorded, RecorderSettings, Recording, RecordingReport,
    Size, SourceState, VideoSource, Wake, first_size, open, open_pictures, open_sound,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How often Ctrl-C, the end of the source and a full disk are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// The word for no sound.
const NO_SOUND: &str = "none";

/// Records until Ctrl-C, the end of the source or of the time asked for.
pub(crate) fn command(args: &RecordArgs, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let options = OpenOptions { timeout: args.timeout, cancel: cancel.clone(), ..OpenOptions::default() };
    let own_sound = args.audio.is_empty();
    let opened = if own_sound { open } else { open_pictures }(&args.source, &options)?;
    let video = opened.video()?;
    let sounds = if own_sound { opened.sound.into_iter().collect() } else { heard(&args.audio, &options)? };
    let size = match args.size {
        Some(size) => size,
        None => even(first_size(&*video, cancel)?),
    };
    let report = record(args, size, video, sounds, cancel)?;
    say(args, size, output, &report)
}

/// The sounds of `--audio`, a track each.
fn heard(names: &[String], options: &OpenOptions) -> Result<Vec<Arc<dyn AudioSource>>, Failure> {
    if names.iter().any(|n| n == NO_SOUND) {
        if names.len() > 1 {
            let message = "--audio none is said beside other sounds";
            return Err(Failure::usage(message, "leave it out to record them"));
        }
        return Ok(Vec::new());
    }
    names.iter().map(|name| Ok(open_sound(name, options)?)).collect()
}

/// The largest size of whole 2x2 blocks in it, which is what most encoders take.
fn even(size: Size) -> Size {
    Size::new((size.width & !1).max(2), (size.height & !1).max(2))
}

fn settings(args: &RecordArgs, size: Size, sounds: &[Arc<dyn AudioSource>]) -> RecorderSettings {
    let mut settings = RecorderSettings::new(size, args.fps, !sounds.is_empty());
    let output = &mut settings.output;
    output.overwrite = !args.no_overwrite;
    if let Some(video) = &mut output.video {
        video.codec.clone_from(&args.video_codec);
        (video.quality, video.bitrate) = (args.quality, args.bitrate);
    }
    output.sort_options(&args.out, &args.options);
    let audio = output.audio.clone().unwrap_or_default();
    sounds.iter().skip(1).fold(settings, |s, sound| s.with_track(sound.name(), audio.clone()))
}

fn record(
    args: &RecordArgs,
    size: Size,
    video: Arc<dyn VideoSource>,
    sounds: Vec<Arc<dyn AudioSource>>,
    cancel: &Cancel,
) -> Result<RecordingReport, Failure> {
    let settings = settings(args, size, &sounds);
    let what = Recorded::Sources(Some(video.clone()), sounds);
    what.check_name(&args.out)?;
    let recording = Recording::open(&args.out, settings)?;
    recording.connect(what)?;
    let recorder = recording.recorder();
    let length = args.seconds.map(Duration::from_secs_f64);
    let is_long_enough = || length.is_some_and(|length| recorder.statistics().duration >= length);
    // a disk that takes nothing any more must not make it wait for frames that never count
    let limit = length.map_or(Deadline::NEVER, |length| Deadline::after(length + Duration::from_secs(10)));
    let wake = Wake::new();
    video.wake_on_ready(&wake);
    recorder.start()?;
    while !cancel.is_cancelled()
        && !is_long_enough()
        && !limit.has_passed()
        && recorder.error().is_none()
        && !matches!(video.state(), SourceState::Ended | SourceState::Failed(_))
    {
        wake.wait(LOOK);
    }
    Ok(recording.stop()?)
}

fn say(args: &RecordArgs, size: Size, output: Output, report: &RecordingReport) -> Result<(), Failure> {
    let counts = &report.statistics;
    let frames = counts.frames + counts.repeated;
    if let Some(warning) = &report.warning {
        output::complain(&format!("warning: {warning}"));
    }
    if output.quiet && !output.json {
        return Ok(());
    }
    let json = json!({
        "output": args.out,
        "source": args.source,
        "bytes": report.bytes,
        "format": report.format,
        "frames": frames,
        "repeated": counts.repeated,
        "dropped": counts.dropped,
        "seconds": counts.duration.as_secs_f64(),
        "width": size.width,
        "height": size.height,
        "rate": args.fps.to_string(),
        "tracks": counts.tracks.iter().map(|t| &t.name).collect::<Vec<_>>(),
        "warning": report.warning,
    });
    if report.bytes == 0 {
        return output
            .result(&json, &format!("{}: nothing was recorded, there is no file", label(&args.out)));
    }
    output.result(&json, &line(args.fps, &args.out, size, frames, report))
}

fn line(rate: FrameRate, out: &str, size: Size, frames: u64, report: &RecordingReport) -> String {
    let counts = &report.statistics;
    let plural = if frames == 1 { "" } else { "s" };
    let dropped = if counts.dropped > 0 { format!(", {} dropped", counts.dropped) } else { String::new() };
    format!(
        "{}: {frames} frame{plural}, {:.3} s, {size} at {rate} a second, {}{dropped}",
        label(out),
        counts.duration.as_secs_f64(),
        output::bytes(report.bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_odd_sizes_are_recorded_a_pixel_smaller() {
        assert_eq!(even(Size::new(641, 480)), Size::new(640, 480));
        assert_eq!(even(Size::new(1, 3)), Size::new(2, 2));
    }

    #[test]
    fn no_sound_and_sounds_exclude_each_other() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(heard(&names(&["none"]), &OpenOptions::default()).is_ok_and(|s| s.is_empty()));
        let failure = heard(&names(&["none", "default"]), &OpenOptions::default()).err();
        assert_eq!(failure.map(|f| f.status), Some(crate::USAGE));
    }
}
