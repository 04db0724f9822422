// SPDX-License-Identifier: GPL-2.0-or-later
//! Sound through devices: nothing lost, nothing repeated, as loud as it was, in time.

use super::media::{self, ffmpeg, has_ffmpeg};
use super::session::{Session, pactl, pass, until};
use super::tone::{AMPLITUDE, Clicks, Tone, all_whole, clicks_in, listen, look_at, whole};
use lk_io::Player;
use lk_io::audio_device::{AudioRepeater, DeviceChoice, Microphone, RepeaterEnd, Speaker, Timing};
use lk_io::encode::{AudioSettings, OutputSettings};
use lk_io::player::PlayerOptions;
use lk_io::record::{Recorder, RecorderSettings};
use lk_media::audio_port::sample_at;
use lk_media::thread;
use lk_media::{
    AudioBlock, AudioPort, AudioSource, AudioTarget, CHANNELS, Cancel, Clock, Delivery, SAMPLE_RATE,
    Sampling, Timestamp, VideoPort,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Samples of a step of the server.
const STEP: i64 = 1024;
/// What is heard after a device was opened, once it keeps time.
const SETTLE: f64 = 1.0;

fn tone_file(name: &str, seconds: f64) -> String {
    let path = media::place(name).to_string_lossy().into_owned();
    let source =
        format!("aevalsrc={AMPLITUDE}*sin(2*PI*1000*t)|{AMPLITUDE}*sin(2*PI*1000*t):s=48000:d={seconds}");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-c:a", "pcm_f32le", &path], &[]);
    path
}

/// A player to a speaker, the speaker's monitor to a recorder: the samples of the file.
fn player_to_recorder(seconds: f64) {
    let Some(_session) = Session::start().filter(|_| has_ffmpeg()) else { return };
    let path = tone_file("tone.wav", 6.0 * seconds + 20.0);
    let player =
        Player::open(&path, &PlayerOptions { play_video: false, ..PlayerOptions::default() }).unwrap();
    let speaker = Speaker::play(&"default".into(), player.sound().unwrap(), Timing::Ahead).unwrap();
    speaker.wait_ready();
    player.start();
    let monitor = Microphone::open(&"monitor of big".into()).unwrap();
    pass(SETTLE);
    let file = media::place("heard.wav").to_string_lossy().into_owned();
    all_whole("at the monitor and in a file", seconds, || {
        let output = OutputSettings {
            video: None,
            audio: Some(AudioSettings { codec: Some("pcm_f32le".to_owned()), ..AudioSettings::default() }),
            ..OutputSettings::default()
        };
        let settings = RecorderSettings { output, tracks: Vec::new(), durable: false };
        let recorder = Recorder::open(&file, settings).unwrap();
        recorder.record_source(None, vec![Arc::new(monitor.clone())], <dyn Clock>::live()).unwrap();
        recorder.start().unwrap();
        let (samples, late) = listen(&monitor, seconds);
        recorder.stop().unwrap();
        println!("{late} samples late, {:?}", speaker.statistics());
        let bytes = ffmpeg(&["-i", &file, "-f", "f32le", "-c:a", "pcm_f32le", "-"], &[]);
        let recorded = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        vec![samples, recorded.collect()]
    });
    std::fs::remove_file(path).unwrap();
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_tone_of_a_player_arrives_whole_at_the_monitor_and_in_a_recording() {
    player_to_recorder(10.0);
}

#[test]
#[ignore = "one of the long proofs: a minute"]
fn a_minute_of_a_tone_arrives_whole_at_the_monitor_and_in_a_recording() {
    player_to_recorder(60.0);
}

/// Ends a thread also when the test fails.
struct EndOnDrop(Cancel);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[test]
fn a_mix_arrives_whole_at_its_place() {
    let Some(_session) = Session::start() else { return };
    let speaker = Speaker::open(&DeviceChoice::Index(0)).unwrap();
    let monitor = Microphone::open(&"Monitor of Big Speaker".into()).unwrap();
    let (clicks, cancel) = (Arc::new(AtomicBool::new(false)), Cancel::new());
    let mixing = {
        let (speaker, clicks, cancel) = (speaker.clone(), clicks.clone(), cancel.clone());
        let clock = <dyn Clock>::live();
        thread::spawn("mixing", move || {
            let mut next = sample_at(clock.now()) - 2880;
            let mut block = vec![0.0; 480 * CHANNELS];
            while !cancel.is_cancelled() {
                if sample_at(clock.now()) - 2880 < next + 480 {
                    pass(0.002);
                    continue;
                }
                let is_tone = !clicks.load(Ordering::Relaxed);
                let source: &dyn AudioSource = if is_tone { &Tone } else { &Clicks };
                source.read(next, &mut block, Sampling::Live).unwrap();
                let position = next.unsigned_abs();
                let block = AudioBlock { position, samples: block.as_slice().into() };
                speaker.offer_audio(&block, Delivery::Live).unwrap();
                next += 480;
            }
        })
    };
    let ending = EndOnDrop(cancel);
    pass(SETTLE);
    whole("a mix", 5.0, || listen(&monitor, 5.0).0);
    clicks.store(true, Ordering::Relaxed);
    pass(1.0);
    let begin = sample_at(<dyn Clock>::live().now());
    let heard = clicks_in(&listen(&monitor, 2.0).0);
    let latency = (speaker.latency().as_secs_f64() * f64::from(SAMPLE_RATE)).round() as i64;
    let off: Vec<i64> =
        heard.iter().map(|at| (begin + at - latency + 2400).rem_euclid(4800) - 2400).collect();
    println!("latency {:?}, clicks off by {off:?} samples, {:?}", speaker.latency(), speaker.statistics());
    // what the device does not tell of itself is a step of the server's, and how it waits for the next one
    assert!(off.len() >= 15 && off.iter().all(|off| off.abs() < 2 * STEP), "{off:?}");
    drop(ending);
    drop(mixing);
    assert!(
        speaker
            .offer_audio(&AudioBlock { position: 0, samples: Arc::from([0.0, 0.0]) }, Delivery::Lossless)
            .is_err()
    );
    assert!(speaker.set_volume(-1.0).is_err() && speaker.set_volume(f32::NAN).is_err());
}

#[test]
fn volume_mute_and_channels() {
    let Some(_session) = Session::start() else { return };
    let channel = AudioPort::channel(-5).unwrap();
    let tone: Arc<dyn AudioSource> = Arc::new(Tone);
    channel.attach(tone);
    let repeater = AudioRepeater::open(&(-5).into(), &RepeaterEnd::Device("Headphones".into())).unwrap();
    let back =
        AudioRepeater::open(&RepeaterEnd::Device("monitor of headphones".into()), &(-6).into()).unwrap();
    let heard = AudioPort::channel(-6).unwrap();
    pass(SETTLE);
    whole("a channel", 2.0, || listen(&*heard, 2.0).0);
    let speaker = repeater.speaker().unwrap();
    speaker.set_volume(0.5).unwrap();
    pass(0.5);
    let half = look_at(&listen(&*heard, 1.0).0);
    assert!((half.level + 26.02).abs() < 0.2, "{half:?}");
    speaker.set_muted(true);
    pass(0.5);
    let samples = listen(&*heard, 0.5).0;
    assert!(samples.iter().all(|s| *s == 0.0));
    drop(back);
    assert!(AudioRepeater::open(&(-5).into(), &(-5).into()).is_err());
}

/// A flash and a beep of a clip, played to a port and to a device, for so many seconds: how far apart they were at
/// most, in milliseconds.
fn flash_and_beep(seconds: f64) {
    let Some(_session) = Session::start().filter(|_| has_ffmpeg()) else { return };
    let beeps = "aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.02):s=48000:d=10";
    let mut arguments = vec!["-f", "lavfi", "-i", beeps, "-map", "0:v", "-map", "1:a", "-c:a", "pcm_s16le"];
    arguments.extend(media::H264);
    let path = media::clip("beeps.mkv", 300, "30", &arguments);
    let options = PlayerOptions { looping: true, ..PlayerOptions::default() };
    let player = Player::open(&path, &options).unwrap();
    let port = Arc::new(VideoPort::new());
    player.add_target(port.clone()).unwrap();
    let speaker = Speaker::play(&"default".into(), player.sound().unwrap(), Timing::Ahead).unwrap();
    let monitor = Microphone::open(&"Monitor of Big Speaker".into()).unwrap();
    speaker.wait_ready();
    pass(SETTLE);
    player.start();
    let clock = <dyn Clock>::live();
    let end = clock.now() + std::time::Duration::from_secs_f64(seconds);
    let (mut flashes, mut beeps) = (Vec::<Timestamp>::new(), Vec::<i64>::new());
    let (mut next, mut block) = (sample_at(clock.now()), [0.0; 480 * CHANNELS]);
    while clock.now() < end {
        if let Some(frame) = port.at(clock.now())
            && media::number(&frame).is_multiple_of(30)
            && flashes.last() != Some(&frame.timestamp())
        {
            flashes.push(frame.timestamp());
        }
        while next + 480 + 2880 < sample_at(clock.now()) {
            monitor.read(next, &mut block, Sampling::Live).unwrap();
            let loud = block.chunks(CHANNELS).position(|f| f[0].abs() > 0.05);
            if let Some(at) = loud.filter(|_| beeps.last().is_none_or(|b| next - b > 4800)) {
                beeps.push(next + at as i64);
            }
            next += 480;
        }
        pass(0.004);
    }
    // a beep that fell into a gap on a busy machine is none; those that are heard are in time
    let apart: Vec<f64> = flashes
        .iter()
        .filter_map(|flash| {
            let flash = sample_at(*flash);
            beeps.iter().map(|b| (b - flash) as f64 / 48.0).find(|ms| ms.abs() < 500.0)
        })
        .collect();
    let worst = apart.iter().fold(0.0f64, |w, ms| if ms.abs() > w.abs() { *ms } else { w });
    let (found, of) = (apart.len(), flashes.len());
    println!("{found} of {of} flashes with a beep: at most {worst:.2} ms apart; {:?}", speaker.statistics());
    assert!(found as f64 > 0.7 * (seconds - 2.0) && worst.abs() < 33.3, "{apart:?}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_flash_and_a_beep_stay_together() {
    flash_and_beep(8.0);
}

#[test]
#[ignore = "one of the long proofs: ten minutes"]
fn a_flash_and_a_beep_stay_together_for_ten_minutes() {
    flash_and_beep(600.0);
}

#[test]
fn devices_of_any_rate_and_number_of_channels() {
    let Some(_session) = Session::start() else { return };
    for (rate, channels, map) in [
        (44_100, 1, "mono"),
        (96_000, 6, "front-left,front-right,rear-left,rear-right,front-center,lfe"),
        (22_050, 2, "left,right"),
    ] {
        let arguments = [
            "load-module",
            "module-null-sink",
            &format!("sink_name=odd{rate}"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            &format!("channel_map={map}"),
        ];
        let module = pactl(&arguments);
        assert!(!module.is_empty(), "no sink of {rate} Hz and {channels} channels");
        let speaker =
            Speaker::play(&format!("odd{rate}").as_str().into(), Arc::new(Tone), Timing::Ahead).unwrap();
        let monitor = Microphone::open(&format!("odd{rate}.monitor").as_str().into()).unwrap();
        assert_eq!((speaker.device().rate, speaker.device().channels), (rate, channels));
        pass(SETTLE);
        // several channels are mixed down, louder; the shape is what counts
        whole(&format!("{rate} Hz, {channels} channels"), 2.0, || {
            let samples = listen(&monitor, 2.0).0;
            let level = look_at(&samples).level;
            assert!(level > -30.0 && level < -10.0, "{rate} Hz: {level} dB");
            let factor = 10f64.powf((-20.0 - level) / 20.0) as f32;
            samples.iter().map(|s| s * factor).collect()
        });
        drop((speaker, monitor));
        pactl(&["unload-module", module.trim()]);
        until("the device is gone", || !pactl(&["list", "short", "sinks"]).contains("odd"));
    }
}
