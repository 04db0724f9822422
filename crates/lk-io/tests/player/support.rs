// SPDX-License-Identifier: GPL-2.0-or-later
//! A player on a clock that is moved by hand.

use super::media::{H264, clip, number};
use lk_io::Player;
use lk_io::player::PlayerOptions;
use lk_media::clock::Deadline;
use lk_media::{AudioSource, CHANNELS, ManualClock, Sampling, Timestamp, VideoPort, Wake};
use std::sync::Arc;
use std::time::Duration;

/// Nothing here takes so long; what does hangs.
pub const HANG: Duration = Duration::from_secs(60);

/// Waits until `done`; panics with `what` if that takes for ever.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let (deadline, wake) = (Deadline::after(HANG), Wake::new());
    while !done() {
        assert!(!deadline.has_passed(), "never: {what}");
        wake.wait(Duration::from_millis(1));
    }
}

/// A clip of numbered frames with a sound whose level tells its place.
pub fn clip_with_sound(name: &str, frames: usize, rate: &str, codec: &[&str]) -> String {
    let fps = rate.parse::<lk_media::FrameRate>().unwrap().as_f64();
    let source = format!("aevalsrc='0.5*sin(300*t*t)|0.4*sin(2*PI*440*t)':s=48000:d={}", frames as f64 / fps);
    let mut args = vec!["-f", "lavfi", "-i", &source, "-map", "0:v", "-map", "1:a"];
    args.extend(H264);
    args.extend(codec);
    clip(name, frames, rate, &args)
}

pub struct Stage {
    pub clock: Arc<ManualClock>,
    pub player: Player,
    pub ports: [Arc<VideoPort>; 2],
}

impl Stage {
    /// A player with two ports on a clock that stands at `now`.
    pub fn new(path: &str, options: &PlayerOptions, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new());
        clock.set(now);
        let player = Player::open_on(path, options, clock.clone()).unwrap();
        let ports = [Arc::new(VideoPort::new()), Arc::new(VideoPort::new())];
        for port in &ports {
            player.add_target(port.clone()).unwrap();
        }
        Self { clock, player, ports }
    }

    /// The number shown at `t` by both ports and the player's own source.
    pub fn shown(&self, t: Timestamp) -> Option<usize> {
        let own = self.player.video();
        let lk_media::Sample::Frame(own) = own.sample(t, Sampling::Live).unwrap() else { return None };
        let ports = self.ports.iter().map(|p| p.at(t).map(|f| number(&f)));
        let own = number(&own);
        ports.into_iter().all(|n| n == Some(own)).then_some(own)
    }

    /// Moves the clock to `t` and waits until the frame with the number `n` is shown.
    pub fn expect(&self, t: Timestamp, n: usize) {
        self.clock.set(t);
        let deadline = Deadline::after(Duration::from_secs(20));
        let wake = Wake::new();
        while self.shown(t) != Some(n) {
            let found = self.ports.each_ref().map(|p| p.at(t).map(|f| (number(&f), f.timestamp())));
            assert!(
                !deadline.has_passed(),
                "at {t} {found:?} is shown, not {n}; position {}, {:?}, {:?}",
                self.player.position(),
                self.player.state(),
                self.player.statistics()
            );
            wake.wait(Duration::from_millis(1));
        }
    }
}

/// Samples of `sound` from `first` on, as soon as none of them is late.
pub fn heard(sound: &dyn AudioSource, first: i64, count: usize) -> Vec<f32> {
    let mut out = vec![0.0; count * CHANNELS];
    until("sound in time", || {
        !matches!(sound.read(first, &mut out, Sampling::Live).unwrap(), lk_media::AudioRead::Late(_))
    });
    out
}
