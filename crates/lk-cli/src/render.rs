// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio render`: arguments to a composition, the composition to a file.

use crate::args::RenderArgs;
use crate::audio_spec::AudioSpec;
use crate::failure::Failure;
use crate::layer_spec::LayerSpec;
use crate::output::Output;
use crate::progress::Follower;
use crate::spec::label;
use livekit_studio::{
    self as lk, Cancel, Compositor, EncodeOptions, Error, ErrorKind, Length, OpenOptions, RenderOptions,
    RunStatistics, Where,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Runs it and says how it went.
pub(crate) fn command(args: &RenderArgs, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let layers = args.layer.iter().map(|s| LayerSpec::parse(s)).collect::<Result<Vec<_>, _>>()?;
    let sounds = args.audio.iter().map(|s| AudioSpec::parse(s)).collect::<Result<Vec<_>, _>>()?;
    let slots = slots(&layers)?;
    if let Some(threads) = args.threads {
        lk::thread::set_budget(threads as usize)?;
    }

    let scene = Compositor::new(args.size, args.fps)?;
    scene.edit(|s| {
        s.background = args.background;
        Ok(())
    })?;
    let opener = Opener { args, cancel };
    for (spec, slot) in layers.into_iter().zip(slots) {
        opener.add(&scene, spec, slot)?;
    }
    for spec in &sounds {
        let sound = lk::open_sound(&spec.file, &opener.options(spec.looping))?;
        scene.add_sound(sound, spec.input)?;
    }
    let length = length(args, &scene)?;

    let follower = Follower::new(!output.json && !output.quiet);
    let watching = follower.clone();
    let options = RenderOptions {
        encode: encode_options(args),
        cancel: cancel.clone(),
        progress: Some(Arc::new(move |progress| watching.note(progress))),
        ..RenderOptions::new(length)
    };
    let done = lk::render(&scene, vec![lk::Output::file(args.out.as_str())], options);
    follower.finish();
    let statistics = done.map_err(|error| explain(error, &args.out, follower.counts()))?;
    report(args, output, &statistics)
}

/// The slot of each layer: the one it asks for, or the next above those before it.
fn slots(layers: &[LayerSpec]) -> Result<Vec<u32>, Failure> {
    let mut taken: BTreeMap<u32, &LayerSpec> = BTreeMap::new();
    let mut slots = Vec::with_capacity(layers.len());
    for layer in layers {
        let top = taken.keys().next_back().map_or(0, |s| s + 1);
        let slot = layer.slot.unwrap_or(top);
        if let Some(other) = taken.insert(slot, layer) {
            return Err(Failure::usage(
                format!("--layer {}: slot {slot} has {} in it", label(&layer.file), label(&other.file)),
                "a slot holds one layer; without slot= a layer lies above those before it",
            ));
        }
        slots.push(slot);
    }
    Ok(slots)
}

/// Opens inputs as the arguments say.
struct Opener<'a> {
    args: &'a RenderArgs,
    cancel: &'a Cancel,
}

impl Opener<'_> {
    fn options(&self, looping: bool) -> OpenOptions {
        OpenOptions {
            timeout: self.args.timeout,
            cancel: self.cancel.clone(),
            looping,
            ..OpenOptions::default()
        }
    }

    fn add(&self, scene: &Compositor, spec: LayerSpec, slot: u32) -> Result<(), Failure> {
        let open = if spec.audio { lk::open } else { lk::open_pictures };
        let opened = open(&spec.file, &self.options(spec.looping))?;
        let name = label(&spec.file);
        let video = opened.video.ok_or_else(|| {
            Error::new(ErrorKind::Media, format!("--layer {name}: it has no pictures"))
                .with_hint("sound alone is heard with --audio")
        })?;
        let sound = opened.sound;
        if spec.input.is_some() && sound.is_none() {
            return Err(Failure::usage(
                format!("--layer {name}: it has no sound for gain, mute, pan, mono or sync-offset"),
                "leave these keys out, or add a sound with --audio",
            ));
        }
        let id = scene.add(video, None, sound, spec.layer, Where::Slot(slot))?;
        if let (Some(input), Some(sound)) = (spec.input, scene.layer(id)?.1.sound) {
            scene.edit_sound(sound, |i| *i = input)?;
        }
        Ok(())
    }
}

fn length(args: &RenderArgs, scene: &Compositor) -> Result<Length, Failure> {
    if let Some(frames) = args.frames {
        return Ok(Length::Frames(frames));
    }
    if let Some(seconds) = args.seconds {
        return Ok(Length::Seconds(seconds));
    }
    let commit = scene.committed();
    let ends = commit.sources.values().any(|s| s.duration().is_some())
        || commit.sounds.values().any(|s| s.duration().is_some());
    if ends {
        Ok(Length::Natural)
    } else {
        let message = "nothing here ends by itself, so there is no telling how long this is";
        Err(Failure::usage(message, "say how long: --seconds 10 or --frames 300"))
    }
}

fn encode_options(args: &RenderArgs) -> EncodeOptions {
    EncodeOptions {
        video_codec: args.video_codec.clone(),
        quality: args.quality,
        bitrate: args.bitrate,
        audio_codec: args.audio_codec.clone(),
        options: args.options.clone(),
        format: args.format.clone(),
        keep_existing: args.no_overwrite,
    }
}

/// The error in the words of this program.
fn explain(error: Error, out: &str, (done, total): (u64, u64)) -> Failure {
    let is_cancel = error.kind() == ErrorKind::Cancelled;
    let mut failure = Failure::from(error);
    if is_cancel && total > 0 {
        failure.message = format!("cancelled after {done} of {total} frames");
        failure.hint = Some(format!("{} is whole and holds them", label(out)));
    }
    failure
}

fn report(args: &RenderArgs, output: Output, statistics: &RunStatistics) -> Result<(), Failure> {
    let bytes = std::fs::metadata(&args.out).ok().map(|m| m.len());
    let elapsed = statistics.elapsed.as_secs_f64();
    let seconds = args.fps.time_of(statistics.frames).as_secs_f64();
    let speed = if elapsed > 0.0 { statistics.frames as f64 / elapsed } else { 0.0 };
    let json = json!({
        "output": args.out,
        "bytes": bytes,
        "frames": statistics.frames,
        "samples": statistics.samples,
        "seconds": seconds,
        "width": args.size.width,
        "height": args.size.height,
        "rate": args.fps.to_string(),
        "elapsed": elapsed,
        "cpu": statistics.cpu.as_secs_f64(),
        "compositing": statistics.compositing().as_secs_f64(),
        "sampling": statistics.parts.sampling.as_secs_f64(),
        "rendering": statistics.parts.rendering.as_secs_f64(),
        "delivering": statistics.parts.delivering.as_secs_f64(),
        "mixing": statistics.parts.mixing.as_secs_f64(),
        "fps": speed,
    });
    if output.quiet && !output.json {
        return Ok(());
    }
    let size = bytes.map(|b| format!(", {}", crate::output::bytes(b))).unwrap_or_default();
    let plural = if statistics.frames == 1 { "" } else { "s" };
    let text = format!(
        "{}: {} frame{plural}, {seconds:.3} s, {} at {} a second{size}; took {elapsed:.1} s ({speed:.1} frames a second)",
        label(&args.out),
        statistics.frames,
        args.size,
        args.fps,
    );
    output.result(&json, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(specs: &[&str]) -> Vec<LayerSpec> {
        specs.iter().map(|s| LayerSpec::parse(s).expect(s)).collect()
    }

    #[test]
    fn layers_pile_up_unless_told_otherwise() {
        assert_eq!(slots(&layers(&["a", "b", "c"])), Ok(vec![0, 1, 2]));
        assert_eq!(slots(&layers(&["a,slot=5", "b", "c,slot=0"])), Ok(vec![5, 6, 0]));
        let failure = slots(&layers(&["a", "b,slot=0"])).expect_err("both in one slot");
        assert!(failure.message.contains("slot 0 has a in it"), "{failure:?}");
    }

    #[test]
    fn a_cancelled_render_says_what_there_is() {
        let failure = explain(Error::new(ErrorKind::Cancelled, "the run was cancelled"), "out.mp4", (3, 10));
        assert_eq!(
            (failure.message.as_str(), failure.status),
            ("cancelled after 3 of 10 frames", crate::CANCELLED)
        );
        let failure = explain(Error::new(ErrorKind::DiskFull, "the disk is full"), "out.mp4", (3, 10));
        assert_eq!((failure.message.as_str(), failure.kind.as_str()), ("the disk is full", "disk_full"));
    }
}
