// SPDX-License-Identifier: GPL-2.0-or-later
//! Devices that other programs see: those programs record from them and play into them.

use super::media::{self, ffmpeg, has_ffmpeg};
use super::session::{Session, pactl, pass, recorded, until};
use super::tone::{AMPLITUDE, Tone, listen, whole};
use lk_io::audio_device::{Timing, VirtualMicrophone, VirtualSpeaker};
use lk_media::{CHANNELS, ErrorKind, SourceState};
use std::process::{Command, Stdio};
use std::sync::Arc;

fn samples_of(file: &str) -> Vec<f32> {
    let bytes =
        ffmpeg(&["-i", file, "-f", "f32le", "-c:a", "pcm_f32le", "-ac", "2", "-ar", "48000", "-"], &[]);
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The middle of a recording: programs take a moment until they run.
fn middle(samples: &[f32]) -> &[f32] {
    let first = samples.iter().position(|s| s.abs() > 0.05).unwrap_or(0) / CHANNELS + 24_000;
    let last = samples.len() / CHANNELS - 12_000;
    &samples[first.min(last) * CHANNELS..last * CHANNELS]
}

#[test]
fn a_virtual_microphone_is_recorded_by_other_programs() {
    let Some(mut session) = Session::start().filter(|_| has_ffmpeg()) else { return };
    let studio = VirtualMicrophone::hearing("Studio mic", Arc::new(Tone), Timing::Ahead).unwrap();
    let there = || pactl(&["list", "sources"]).contains("Description: Studio mic\n");
    until("it is listed", there);
    assert_eq!(VirtualMicrophone::new("Studio mic").err().map(|e| e.kind()), Some(ErrorKind::DeviceBusy));
    assert_eq!(VirtualMicrophone::new("''").err().map(|e| e.kind()), Some(ErrorKind::Parameter));
    pass(1.0);
    let id = "livekit.studio_mic";

    let file = media::place("heard.wav").to_string_lossy().into_owned();
    whole("pw-record", 2.0, || {
        let options = ["--target", id, "--rate", "48000", "--channels", "2", "--format", "f32"];
        recorded(&[&["pw-record"], &options[..], &[&file]].concat(), 4.0);
        middle(&samples_of(&file)).to_vec()
    });
    if pulse_in_ffmpeg() {
        let options = ["-sample_rate", "48000", "-channels", "2", "-i", id, "-t", "4", "-c:a", "pcm_f32le"];
        whole("ffmpeg -f pulse", 2.0, || {
            ffmpeg(&[&["-f", "pulse"], &options[..], &[&file]].concat(), &[]);
            middle(&samples_of(&file)).to_vec()
        });
    } else {
        media::skip("this ffmpeg has no pulse input");
    }

    session.kill_servers();
    session.start_servers();
    until("it is made again", there);
    until("it is fed again", || matches!(studio.speaker().state(), SourceState::Live));
    drop(studio);
    until("it is gone", || !pactl(&["list", "short", "modules"]).contains("livekit"));
    std::fs::remove_file(file).unwrap();
}

fn pulse_in_ffmpeg() -> bool {
    let output = Command::new("ffmpeg").args(["-hide_banner", "-devices"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains("pulse")
}

#[test]
fn a_virtual_speaker_hears_what_other_programs_play() {
    let Some(_session) = Session::start().filter(|_| has_ffmpeg()) else { return };
    let studio = VirtualSpeaker::new("Studio in").unwrap();
    assert!(pactl(&["list", "sinks"]).contains("Description: Studio in\n"));
    let file = media::place("played.wav").to_string_lossy().into_owned();
    let source = format!("aevalsrc={AMPLITUDE}*sin(2*PI*1000*t)|{AMPLITUDE}*sin(2*PI*1000*t):s=48000:d=18");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-c:a", "pcm_f32le", &file], &[]);
    let mut player = Command::new("timeout")
        .args(["40", "paplay", "--device", "livekit.studio_in", &file])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    pass(2.0);
    whole("paplay", 3.0, || listen(&studio, 3.0).0);
    assert!(player.wait().unwrap().success());
    studio.close();
    until("it is gone", || !pactl(&["list", "short", "modules"]).contains("livekit"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn what_killed_programs_left_behind_is_taken_away() {
    let Some(_session) = Session::start() else { return };
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let arguments = format!("sink_properties=\"device.description='Old' livekit.process={}\"", gone.id());
    pactl(&["load-module", "module-null-sink", "sink_name=livekit.old", &arguments]);
    assert!(pactl(&["list", "short", "modules"]).contains("livekit.old"));
    let new = VirtualSpeaker::new("New").unwrap();
    let modules = pactl(&["list", "short", "modules"]);
    assert!(!modules.contains("livekit.old") && modules.contains("livekit.new"), "{modules}");
    drop(new);
}
