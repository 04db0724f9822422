// SPDX-License-Identifier: GPL-2.0-or-later
//! What devices there are, which is meant, and what is said where there are none.

use super::session::{HANG, Session, pactl, pass, until};
use lk_io::audio_device::{
    AudioDeviceWatch, DeviceChoice, Microphone, Speaker, VirtualSpeaker, microphones, sound_server, speakers,
};
use lk_media::{AudioSource, AudioTarget, ErrorKind};

#[test]
fn devices_are_listed_with_the_default_first() {
    let Some(_session) = Session::start() else { return };
    assert!(sound_server().unwrap().contains("PipeWire"));
    let (heard, played) = (microphones().unwrap(), speakers().unwrap());
    let names = |devices: &[lk_io::audio_device::AudioDevice]| -> Vec<String> {
        devices.iter().map(|d| d.name.clone()).collect()
    };
    assert_eq!(names(&played), ["Big Speaker", "Headphones"]);
    assert!(played[0].is_default && !played[1].is_default && played[0].id == "speaker");
    assert_eq!((played[0].channels, played[0].rate), (2, 48_000));
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(|d| d.is_monitor) && heard[0].is_default, "{heard:?}");
    // the same after a restart of everything
    assert!(heard.iter().any(|d| d.id == "phones.monitor"));

    let speaker = Speaker::open(&DeviceChoice::Index(1)).unwrap();
    assert_eq!(
        (AudioTarget::name(&speaker), speaker.device().id.as_str()),
        ("Headphones".to_owned(), "phones")
    );
    assert_eq!(AudioSource::name(&Microphone::open(&"phones".into()).unwrap()), "Monitor of Headphones");
    let kind = |choice: DeviceChoice| Speaker::open(&choice).err().map(|e| (e.kind(), e.to_string()));
    let (kind_of, text) = kind("Hedphones".into()).unwrap();
    assert!(kind_of == ErrorKind::DeviceNotFound && text.contains("did you mean \"Headphones\""), "{text}");
    let (kind_of, text) = kind(DeviceChoice::Index(7)).unwrap();
    assert!(kind_of == ErrorKind::DeviceNotFound && text.contains("0 \"Big Speaker\""), "{text}");
}

#[test]
fn devices_that_come_and_go_are_told_of() {
    let Some(mut session) = Session::start() else { return };
    let watch = AudioDeviceWatch::new().unwrap();
    let news = watch.events().reader();
    pass(0.3);
    let next = |what: &str, word: &str| {
        loop {
            let event = news.next(HANG).unwrap_or_else(|| panic!("never: {what} {word}"));
            println!("{} {} -> {}", event.source, event.old, event.new);
            if event.source.contains(what) && event.new == word {
                return;
            }
        }
    };
    let module = pactl(&["load-module", "module-null-sink", "sink_name=usb"]);
    next("usb", "present");
    // the server may have chosen the new one already
    pactl(&["set-default-sink", "phones"]);
    until("another default", || {
        speakers().is_ok_and(|d| d.iter().any(|d| d.is_default && d.name == "Headphones"))
    });
    pass(0.5);
    pactl(&["set-default-sink", "usb"]);
    next("usb", "default");
    pactl(&["unload-module", module.trim()]);
    next("usb", "gone");
    session.kill_servers();
    next("Big Speaker", "gone");
    session.start_servers();
    next("Headphones", "present");
}

#[test]
#[allow(unsafe_code)]
fn without_a_server_there_is_nothing_and_a_reason() {
    let Some(mut session) = Session::start() else { return };
    session.kill_servers();
    until("no devices", || {
        microphones().is_ok_and(|d| d.is_empty()) && speakers().is_ok_and(|d| d.is_empty())
    });
    for error in [
        Speaker::open(&DeviceChoice::Default).err().unwrap(),
        Microphone::open(&"Headset".into()).err().unwrap(),
        VirtualSpeaker::new("Studio in").err().unwrap(),
        sound_server().err().unwrap(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Device, "{error}");
        assert!(error.to_string().contains("pipewire-pulse"), "{error}");
    }
    // SAFETY: tests with a session take turns, and no thread of an earlier one is left.
    unsafe { std::env::set_var("PULSE_SERVER", "tcp:nowhere") };
    assert!(sound_server().unwrap_err().to_string().contains("PULSE_SERVER"));
}
