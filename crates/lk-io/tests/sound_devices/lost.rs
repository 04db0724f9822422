// SPDX-License-Identifier: GPL-2.0-or-later
//! Devices that are lost, with their server or alone, and come back.

use super::media::{self, ffmpeg, has_ffmpeg};
use super::session::{HANG, Session, pactl, pass, until};
use super::tone::{Tone, listen, whole};
use lk_io::audio_device::{Microphone, Speaker, Timing};
use lk_io::encode::{AudioSettings, OutputSettings};
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::clock::Stopwatch;
use lk_media::{AudioSource, CHANNELS, Clock, SourceState};
use std::sync::Arc;

#[test]
fn a_server_killed_while_playing_and_recording() {
    let Some(mut session) = Session::start().filter(|_| has_ffmpeg()) else { return };
    let speaker = Speaker::play(&"Big Speaker".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    let monitor = Microphone::open(&"Monitor of Big Speaker".into()).unwrap();
    let file = media::place("killed.wav").to_string_lossy().into_owned();
    let output = OutputSettings {
        video: None,
        audio: Some(AudioSettings { codec: Some("pcm_f32le".to_owned()), ..AudioSettings::default() }),
        ..OutputSettings::default()
    };
    let recorder =
        Recorder::open(&file, RecorderSettings { output, tracks: Vec::new(), durable: false }).unwrap();
    recorder.record_source(None, vec![Arc::new(monitor.clone())], <dyn Clock>::live()).unwrap();
    let (news, told) = (speaker.events().reader(), recorder.events().reader());
    pass(1.0);
    recorder.start().unwrap();
    let length = Stopwatch::start();
    pass(1.5);
    session.kill_servers();
    until("the speaker is lost", || matches!(speaker.state(), SourceState::Reconnecting));
    until("the microphone is lost", || matches!(monitor.state(), SourceState::Reconnecting));
    let silent = listen(&monitor, 0.5);
    assert!(silent.1 == 0 && silent.0[4800 * CHANNELS..].iter().all(|s| *s == 0.0));
    session.start_servers();
    let back = Stopwatch::start();
    until("both are back", || {
        matches!((speaker.state(), monitor.state()), (SourceState::Live, SourceState::Live))
    });
    println!("back {:.2} s after the server", back.elapsed().as_secs_f64());
    pass(1.0);
    whole("after the server came back", 2.0, || listen(&monitor, 2.0).0);
    let length = length.elapsed().as_secs_f64();
    recorder.stop().unwrap();
    let words: Vec<String> =
        std::iter::from_fn(|| news.next(std::time::Duration::ZERO)).map(|e| e.new).collect();
    assert_eq!(words, ["reconnecting", "live"]);
    let lost = std::iter::from_fn(|| told.next(std::time::Duration::ZERO)).find(|e| e.new == "reconnecting");
    assert!(lost.is_some_and(|e| e.source == "Monitor of Big Speaker" && e.reason.is_some()));
    let bytes = ffmpeg(&["-i", &file, "-f", "f32le", "-c:a", "pcm_f32le", "-"], &[]);
    let recorded = bytes.len() as f64 / (4 * CHANNELS * 48_000) as f64;
    println!("recorded {recorded:.3} s in {length:.3} s");
    assert!((recorded - length).abs() < 0.4, "{recorded} s recorded in {length} s");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_device_that_is_unplugged_and_plugged_in_again() {
    let Some(_session) = Session::start() else { return };
    let plug = || pactl(&["load-module", "module-null-sink", "sink_name=usb"]);
    let module = plug();
    let speaker = Speaker::play(&"usb".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    let monitor = Microphone::open(&"usb.monitor".into()).unwrap();
    let news = monitor.events().reader();
    pass(0.5);
    pactl(&["unload-module", module.trim()]);
    let event = news.next(HANG).unwrap();
    assert_eq!((event.old.as_str(), event.new.as_str()), ("live", "reconnecting"));
    until("the speaker is lost", || matches!(speaker.state(), SourceState::Reconnecting));
    pass(0.5);
    plug();
    until("both are back", || {
        matches!((speaker.state(), monitor.state()), (SourceState::Live, SourceState::Live))
    });
    pass(1.0);
    whole("after it was plugged in", 1.5, || listen(&monitor, 1.5).0);
}

#[test]
fn dropped_in_any_order_and_closed_twice() {
    let Some(_session) = Session::start() else { return };
    for turn in 0..10 {
        let speaker = Speaker::play(&"default".into(), Arc::new(Tone), Timing::Behind).unwrap();
        let microphone = Microphone::open(&"default".into()).unwrap();
        let reader = speaker.events().reader();
        if turn % 2 == 0 {
            speaker.close();
            speaker.close();
            drop(microphone);
        } else {
            drop(microphone);
            drop(speaker);
        }
        until("the events end", || reader.next(HANG).is_none());
    }
    until("no stream is left", || pactl(&["list", "short", "sink-inputs"]).is_empty());
}
