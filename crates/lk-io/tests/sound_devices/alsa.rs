// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound cards without a sound server: an ALSA loop, where what is played to device 0 is heard by device 1. They are
//! run in a guest kernel that has one (tests/guest), about ten times slower than here: what is judged is the level of
//! the tone, and that it is whole for seconds on end, not for ever.

use super::media::{self, skip};
use super::memory::taken_in;
use super::session::{HANG, pass, until};
use super::tone::{AMPLITUDE, Heard, Tone, assert_whole, listen, look_at};
use lk_io::Player;
use lk_io::audio_device::{
    AudioDeviceWatch, DeviceChoice, Microphone, Speaker, Timing, VirtualSpeaker, microphones, sound_server,
    speakers,
};
use lk_io::encode::{AudioSettings, OutputSettings};
use lk_io::player::PlayerOptions;
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::{CHANNELS, Clock, ErrorKind, SourceState};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const DRIVER: &str = "/sys/bus/platform/drivers/snd_aloop";

/// Whether there is a loop, and no server; says so if the test is skipped.
fn has_loop() -> bool {
    let there =
        Path::new("/proc/asound/Loopback").exists() && !sound_server().is_ok_and(|s| !s.contains("ALSA"));
    if !there {
        skip("there is no ALSA loop here: tests/guest/run.sh runs this in a guest kernel");
    }
    there
}

/// One of the loop's pairs: where to play and where it is heard.
fn pair(number: usize) -> (String, String) {
    (format!("hw:Loopback,0,{number}"), format!("hw:Loopback,1,{number}"))
}

fn play(device: &str) -> Speaker {
    let speaker = Speaker::play(&device.into(), Arc::new(Tone), Timing::Ahead).unwrap();
    speaker.wait_ready();
    speaker
}

/// The longest stretch without a gap, and how many pieces there were.
fn longest(samples: &[f32]) -> (&[f32], usize) {
    let blocks: Vec<&[f32]> = samples.chunks_exact(240 * CHANNELS).collect();
    let joined = |n: usize| {
        let two = &samples[n * 240 * CHANNELS..(n + 2) * 240 * CHANNELS];
        let heard = look_at(two);
        heard.breaks == 0 && heard.rest < -40.0 && (heard.level + 20.0).abs() < 1.0
    };
    let (mut best, mut start, mut pieces) = (0..0, 0, 1);
    for n in 0..blocks.len().saturating_sub(1) {
        if !joined(n) {
            pieces += usize::from(n > start);
            start = n + 1;
        } else if n + 2 - start > best.len() {
            best = start..n + 2;
        }
    }
    (&samples[best.start * 240 * CHANNELS..best.end * 240 * CHANNELS], pieces)
}

/// The tone in `samples`, which has to be whole for so many seconds on end.
fn whole_for(what: &str, seconds: f64, samples: &[f32]) {
    let (stretch, pieces) = longest(samples);
    let (all, heard): (Heard, Heard) = (look_at(samples), look_at(stretch));
    println!(
        "{what}: {:.2} s, {pieces} pieces, the longest {:.2} s: {heard:?}; all: {all:?}",
        samples.len() as f64 / 96_000.0,
        stretch.len() as f64 / 96_000.0
    );
    assert_whole(&heard, seconds);
}

/// Begins to record with `arecord`, into a file.
fn arecord(device: &str, format: &str, rate: u32, channels: u32, seconds: u32) -> (Child, PathBuf) {
    let file = media::place(&format!("{format}.raw"));
    let child = Command::new("arecord")
        .args(["-q", "-D", device, "-t", "raw", "-f", format, "--buffer-time=500000"])
        .args([format!("-r{rate}"), format!("-c{channels}"), format!("-d{seconds}")])
        .arg(&file)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let used = device.rsplit(',').next().unwrap();
    until("arecord has the device", || {
        std::fs::read_to_string(format!("/proc/asound/Loopback/pcm1c/sub{used}/status"))
            .is_ok_and(|status| status.contains("RUNNING"))
    });
    (child, file)
}

/// What it has recorded, once it is through.
fn output((mut child, file): (Child, PathBuf)) -> Vec<u8> {
    assert!(child.wait().unwrap().success());
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    bytes
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
#[ignore = "in the guest kernel"]
fn cards_are_listed_and_wrong_names_are_not_found() {
    if !has_loop() {
        return;
    }
    assert!(sound_server().unwrap().starts_with("ALSA 1."));
    for devices in [microphones().unwrap(), speakers().unwrap()] {
        println!("{devices:?}");
        let ids: Vec<&str> = devices.iter().map(|d| d.id.as_str()).collect();
        assert_eq!(ids, ["default", "hw:CARD=Loopback,DEV=0", "hw:CARD=Loopback,DEV=1"]);
        let defaults: Vec<bool> = devices.iter().map(|d| d.is_default).collect();
        assert_eq!(defaults, [true, false, false]);
        assert!(devices[1].name != devices[2].name && devices[1].name.starts_with("Loopback"));
        assert!(devices[1].channels >= 2 && devices[1].rate == 48_000 && !devices[1].is_monitor);
    }
    let error = Speaker::open(&"Lopback: Loopback PCM".into()).err().unwrap();
    assert!(
        error.kind() == ErrorKind::DeviceNotFound && error.to_string().contains("did you mean"),
        "{error}"
    );
    let error = Microphone::open(&"hw:Nothing,0".into()).err().unwrap();
    assert!(
        error.kind() == ErrorKind::DeviceNotFound && error.to_string().contains("hw:Nothing,0"),
        "{error}"
    );
    let error = VirtualSpeaker::new("Studio in").err().unwrap();
    assert!(error.kind() == ErrorKind::Device && error.to_string().contains("pipewire-pulse"), "{error}");
}

#[test]
#[ignore = "in the guest kernel"]
fn a_device_in_use_is_busy() {
    if !has_loop() {
        return;
    }
    let (to, _) = pair(7);
    let _speaker = Speaker::open(&to.as_str().into()).unwrap();
    // the default is another part of the card
    let _default = Speaker::open(&DeviceChoice::Default).unwrap();
    let error = Speaker::open(&to.as_str().into()).err().unwrap();
    println!("{error}");
    assert!(error.kind() == ErrorKind::DeviceBusy && error.to_string().contains(&to), "{error}");
}

#[test]
#[ignore = "in the guest kernel, by another user"]
fn without_permission_the_group_is_named() {
    if !has_loop() || rustix::process::getuid().is_root() {
        return;
    }
    let error = Speaker::open(&DeviceChoice::Default).err().unwrap();
    println!("{error}");
    assert_eq!(error.kind(), ErrorKind::Device);
    assert!(error.to_string().contains("audio") && error.to_string().contains("may not use"), "{error}");
    assert!(speakers().unwrap().is_empty());
}

#[test]
#[ignore = "in the guest kernel"]
fn a_tone_is_heard_by_another_program() {
    if !has_loop() {
        return;
    }
    let (to, from) = pair(0);
    let recording = arecord(&from, "FLOAT_LE", 48_000, 2, 7);
    let speaker = play(&to);
    pass(2.0);
    assert_eq!(taken_in(1.0), 0);
    let samples = floats(&output(recording));
    println!("{:?}, {:?}", speaker.statistics(), speaker.latency());
    whole_for("arecord", 1.0, &samples);
}

#[test]
#[ignore = "in the guest kernel"]
fn a_tone_of_another_program_is_heard() {
    if !has_loop() {
        return;
    }
    let (to, from) = pair(1);
    let file = tone_file("aplay.wav", 8);
    let mut aplay =
        Command::new("aplay").args(["-q", "-D", &to, "--buffer-time=500000", &file]).spawn().unwrap();
    until("aplay has the device", || {
        std::fs::read_to_string("/proc/asound/Loopback/pcm0p/sub1/status")
            .is_ok_and(|s| s.contains("RUNNING"))
    });
    let microphone = Microphone::open(&from.as_str().into()).unwrap();
    pass(1.0);
    let (samples, late) = listen(&microphone, 4.0);
    println!("{late} late, {:?}", microphone.statistics());
    assert_eq!(taken_in(0.5), 0);
    aplay.kill().unwrap();
    aplay.wait().unwrap();
    std::fs::remove_file(file).unwrap();
    whole_for("aplay", 1.0, &samples);
}

#[test]
#[ignore = "in the guest kernel"]
fn devices_of_any_rate_format_and_number_of_channels() {
    if !has_loop() {
        return;
    }
    for (number, format, rate, channels) in [
        (2, "S16_LE", 44_100, 1),
        (3, "S32_LE", 96_000, 6),
        (4, "S24_3LE", 22_050, 2),
        (5, "S24_LE", 48_000, 2),
    ] {
        let (to, from) = pair(number);
        // the loop is as who comes first wants it
        let recording = arecord(&from, format, rate, channels, 4);
        let speaker = play(&to);
        let bytes = output(recording);
        let size = bytes.len() / (rate * channels * 4) as usize;
        let sample = |b: &[u8]| match size {
            2 => f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0,
            3 => f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]])) / 2_147_483_648.0,
            _ if format == "S24_LE" => f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]])) / 2_147_483_648.0,
            _ => f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])) / 2_147_483_648.0,
        };
        let left: Vec<f64> = bytes.chunks_exact(size * channels as usize).map(sample).collect();
        // the loudest half second: what is before the tone, and a gap, are not
        let half = rate as usize / 2;
        let level = |s: &[f64]| 10.0 * (2.0 * s.iter().map(|x| x * x).sum::<f64>() / s.len() as f64).log10();
        let loudest = left.chunks_exact(half).max_by(|a, b| level(a).total_cmp(&level(b))).unwrap();
        let crossings = loudest.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        println!(
            "{format} {rate} Hz {channels}: {:.2} dB, {crossings} waves in half a second",
            level(loudest)
        );
        assert!(
            (level(loudest) + 20.0).abs() < 0.5 && crossings.abs_diff(500) <= 3,
            "{format} {rate} {channels}"
        );
        println!("{:?}", speaker.statistics());
    }
}

/// A tone as a file of floats.
fn tone_file(name: &str, seconds: u32) -> String {
    let path = media::place(name).to_string_lossy().into_owned();
    let data = seconds * 48_000 * 8;
    let mut wav = b"RIFF".to_vec();
    wav.extend((data + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x03\0\x02\0\x80\xbb\0\0\0\xdc\x05\0\x08\0\x20\0data");
    wav.extend(data.to_le_bytes());
    for n in 0..seconds * 48_000 {
        let sample = (AMPLITUDE * (TAU * f64::from(n) / 48.0).sin()) as f32;
        (0..2).for_each(|_| wav.extend(sample.to_le_bytes()));
    }
    std::fs::write(&path, wav).unwrap();
    path
}

/// The samples of such a file.
fn samples_of(path: &str) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|w| w == b"data").unwrap() + 8;
    floats(&bytes[data..])
}

#[test]
#[ignore = "in the guest kernel"]
fn a_player_is_heard_by_a_recorder() {
    if !has_loop() {
        return;
    }
    let (to, from) = pair(6);
    let tone = tone_file("player.wav", 12);
    let player =
        Player::open(&tone, &PlayerOptions { play_video: false, ..PlayerOptions::default() }).unwrap();
    let speaker = Speaker::play(&to.as_str().into(), player.sound().unwrap(), Timing::Ahead).unwrap();
    let microphone = Microphone::open(&from.as_str().into()).unwrap();
    speaker.wait_ready();
    player.start();
    pass(2.0);
    let file = media::place("heard.wav").to_string_lossy().into_owned();
    let output = OutputSettings {
        video: None,
        audio: Some(AudioSettings { codec: Some("pcm_f32le".to_owned()), ..AudioSettings::default() }),
        ..OutputSettings::default()
    };
    let recorder =
        Recorder::open(&file, RecorderSettings { output, tracks: Vec::new(), durable: false }).unwrap();
    recorder.record_source(None, vec![Arc::new(microphone.clone())], <dyn Clock>::live()).unwrap();
    recorder.start().unwrap();
    pass(5.0);
    recorder.stop().unwrap();
    println!("{:?} {:?}", speaker.statistics(), microphone.statistics());
    let samples = samples_of(&file);
    std::fs::remove_file(tone).unwrap();
    std::fs::remove_file(file).unwrap();
    whole_for("player to recorder", 1.0, &samples);
}

#[test]
#[ignore = "in the guest kernel"]
fn a_card_that_is_unplugged_and_plugged_in_again() {
    if !has_loop() {
        return;
    }
    let watch = AudioDeviceWatch::new().unwrap();
    let news = watch.events().reader();
    let speaker = Speaker::play(&"hw:CARD=Loopback,DEV=0".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    let microphone = Microphone::open(&"hw:CARD=Loopback,DEV=1".into()).unwrap();
    let changes = speaker.events().reader();
    pass(1.0);
    std::fs::write(format!("{DRIVER}/unbind"), "snd_aloop.0").unwrap();
    until("both are lost", || {
        let lost = |s: SourceState| matches!(s, SourceState::Reconnecting);
        lost(speaker.state()) && lost(lk_media::AudioSource::state(&microphone))
    });
    let event = changes.next(HANG).unwrap();
    assert_eq!((event.old.as_str(), event.new.as_str()), ("live", "reconnecting"));
    println!("{:?}", event.reason);
    until("the card is gone", || {
        news.next(HANG).is_some_and(|e| e.new == "gone" && e.source.contains("Loopback"))
    });
    assert_eq!(listen(&microphone, 0.5).1, 0);
    std::fs::write(format!("{DRIVER}/bind"), "snd_aloop.0").unwrap();
    until("both are back", || {
        let live = |s: SourceState| matches!(s, SourceState::Live);
        live(speaker.state()) && live(lk_media::AudioSource::state(&microphone))
    });
    until("it is listed", || {
        news.next(HANG).is_some_and(|e| e.new == "present" && e.source.contains("Loopback"))
    });
    speaker.wait_ready();
    pass(2.0);
    whole_for("after it was plugged in", 0.5, &listen(&microphone, 3.0).0);
}
