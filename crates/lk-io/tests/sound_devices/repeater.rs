// SPDX-License-Identifier: GPL-2.0-or-later
//! A repeater: whole, soon, by either way to the server, and back when a device or the server was gone.

use super::session::{HANG, Session, pactl, pass, until};
use super::tone::{Clicks, Tone, clicks_in, listen, look_at, whole};
use lk_io::audio_device::{AudioRepeater, Microphone, RepeaterEnd, Speaker, Timing};
use lk_media::audio_port::sample_at;
use lk_media::{AudioSource, CHANNELS, Clock, Events, SAMPLE_RATE, Sampling, SourceState};
use std::sync::Arc;

fn device(name: &str) -> RepeaterEnd {
    RepeaterEnd::Device(name.into())
}

fn open() -> AudioRepeater {
    AudioRepeater::open(&device("Monitor of Big Speaker"), &device("Headphones")).unwrap()
}

/// Streams of programs, to speakers and from microphones, and how many of them speak the protocol of PulseAudio.
fn streams() -> (usize, usize) {
    let all = pactl(&["list", "sink-inputs"]) + &pactl(&["list", "source-outputs"]);
    (all.matches("media.name = \"LiveKit").count(), all.matches("client.api = \"pipewire-pulse\"").count())
}

fn is_live(repeater: &AudioRepeater) -> bool {
    matches!(repeater.state(), SourceState::Live)
}

/// What is heard behind a repeater for so many seconds, during which it comes no closer and steps not back.
fn steady(repeater: &AudioRepeater, to: &Microphone, seconds: f64) -> Vec<f32> {
    for _ in 0..10 {
        let before = repeater.latency();
        let samples = listen(to, seconds).0;
        if repeater.latency() == before {
            return samples;
        }
    }
    panic!("it never keeps its distance: {:?}", repeater.statistics());
}

/// A repeater hears a tone, which `heard` looks at, and then clicks; how much later than in its microphone each click is
/// played, in ms.
fn repeat(settle: f64, heard: impl Fn(&AudioRepeater, &Microphone)) -> Vec<f64> {
    let repeater = open();
    let from = Microphone::open(&"Monitor of Big Speaker".into()).unwrap();
    let to = Microphone::open(&"Monitor of Headphones".into()).unwrap();
    let tone = Speaker::play(&"Big Speaker".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    // it comes as close as goes well, and steps back where that was too close
    pass(settle);
    heard(&repeater, &to);
    let lead = repeater.speaker().unwrap().device_latency();
    println!("{:?}, {:?}, of which the speaker's {lead:?}", repeater.statistics(), repeater.latency());
    drop(tone);
    let _clicks = Speaker::play(&"Big Speaker".into(), Arc::new(Clicks), Timing::Ahead).unwrap();
    pass(1.0);
    let clock = <dyn Clock>::live();
    let begin = sample_at(clock.now());
    pass(2.2);
    let clicks = |source: &Microphone| {
        let mut samples = vec![0.0; 2 * SAMPLE_RATE as usize * CHANNELS];
        source.read(begin, &mut samples, Sampling::Live).unwrap();
        clicks_in(&samples)
    };
    let (first, second) = (clicks(&from), clicks(&to));
    let later: Vec<f64> =
        first.iter().filter_map(|a| second.iter().find(|b| *b > a).map(|b| (b - a) as f64 / 48.0)).collect();
    println!("microphone to monitor: {later:.1?} ms, stated {:?}", repeater.latency());
    assert!(later.len() >= 15, "only {} clicks", later.len());
    later
}

#[test]
fn a_repeater_is_whole() {
    let Some(_session) = Session::start() else { return };
    repeat(4.0, |repeater, to| whole("repeated", 5.0, || steady(repeater, to, 5.0)));
}

#[test]
fn a_repeater_is_whole_where_only_the_protocol_of_pulseaudio_is_spoken() {
    let Some(session) = Session::start() else { return };
    session.hide_pipewire();
    repeat(4.0, |repeater, to| {
        assert_eq!(streams().0, streams().1);
        whole("repeated", 5.0, || {
            println!("{:?}, {:?}", repeater.statistics(), repeater.latency());
            steady(repeater, to, 5.0)
        });
    });
}

/// The shortest way is taken, and only by who needs it.
#[test]
fn a_repeater_has_streams_of_pipewires_own() {
    let Some(session) = Session::start() else { return };
    let repeater = open();
    assert_eq!(streams(), (2, 0));
    drop(repeater);
    until("no stream is left", || streams().0 == 0);
    let default = device("default");
    // the default microphone is a monitor, which nobody else calls a microphone
    let repeater = AudioRepeater::open(&default, &default).unwrap();
    assert_eq!(streams(), (2, 1));
    drop(repeater);
    pactl(&["load-module", "module-null-sink", "media.class=Audio/Source/Virtual", "sink_name=mic"]);
    pactl(&["set-default-source", "mic"]);
    until("a microphone", || pactl(&["info"]).contains("Default Source: mic"));
    let repeater = AudioRepeater::open(&default, &default).unwrap();
    assert_eq!(streams(), (2, 0));
    assert!(repeater.name().starts_with("mic ") && repeater.name().ends_with(" to Big Speaker"));
    drop(repeater);
    until("no stream is left", || streams().0 == 0);
    session.hide_pipewire();
    let repeater = open();
    assert_eq!(streams(), (2, 2));
    drop(repeater);
    until("no stream is left", || streams().0 == 0);
}

#[test]
fn a_repeater_comes_back_with_the_server() {
    let Some(mut session) = Session::start() else { return };
    let repeater = open();
    let events = Events::new();
    let news = events.reader();
    repeater.tell(&events);
    let _tone = Speaker::play(&"Big Speaker".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    let to = Microphone::open(&"Monitor of Headphones".into()).unwrap();
    pass(1.0);
    session.kill_servers();
    let event = news.next(HANG).unwrap();
    assert_eq!((event.old.as_str(), event.new.as_str()), ("live", "reconnecting"));
    until("it is lost", || !is_live(&repeater));
    session.start_servers();
    until("it is back", || is_live(&repeater) && matches!(to.state(), SourceState::Live));
    pass(4.0);
    whole("after the server came back", 2.0, || steady(&repeater, &to, 2.0));
}

#[test]
fn either_end_of_a_repeater_is_unplugged_and_plugged_in_again() {
    let Some(_session) = Session::start() else { return };
    let plug = |name: &str| pactl(&["load-module", "module-null-sink", &format!("sink_name={name}")]);
    let modules = [plug("usb1"), plug("usb2")];
    let repeater = AudioRepeater::open(&device("usb1.monitor"), &device("usb2")).unwrap();
    let _tone = Speaker::play(&"usb1".into(), Arc::new(Tone), Timing::Ahead).unwrap();
    let to = Microphone::open(&"usb2.monitor".into()).unwrap();
    for (name, module) in ["usb1", "usb2"].iter().zip(modules) {
        pactl(&["unload-module", module.trim()]);
        until("it is lost", || !is_live(&repeater));
        pass(0.5);
        assert!(!is_live(&repeater));
        plug(name);
        until("it is back", || is_live(&repeater) && matches!(to.state(), SourceState::Live));
        pass(4.0);
        whole("after it was plugged in", 1.5, || steady(&repeater, &to, 1.5));
    }
}

#[test]
fn repeaters_are_opened_and_dropped_again_and_again() {
    let Some(_session) = Session::start() else { return };
    for turn in 0..10 {
        let repeater = open();
        pass(0.05 * f64::from(turn % 3));
        if turn % 2 == 0 {
            repeater.close();
            repeater.close();
        }
    }
    until("no stream is left", || streams().0 == 0);
}

/// Prints its latency, which is this machine's: docs/sound.md says which one was seen.
#[test]
#[ignore = "a measurement: the latency of a repeater where the server works in steps of 5 ms"]
fn a_repeater_is_soon() {
    let Some(session) = Session::start_short() else { return };
    let measure = |way: &str, runs: usize| {
        let mut all: Vec<f64> = (0..runs)
            .map(|_| {
                let later = repeat(10.0, |_, to| println!("repeated: {:?}", look_at(&listen(to, 5.0).0)));
                later.into_iter().fold(0.0f64, f64::max)
            })
            .collect();
        all.sort_by(f64::total_cmp);
        let median = all[all.len() / 2];
        println!(
            "{way}: a repeater adds {:.1} to {:.1} ms at most, median {median:.1}",
            all[0],
            all[runs - 1]
        );
        until("no stream is left", || streams().0 == 0);
    };
    let runs = std::env::var("LK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    measure("PipeWire's own streams", runs);
    session.hide_pipewire();
    measure("the protocol of PulseAudio", runs);
}
