// SPDX-License-Identifier: GPL-2.0-or-later
//! A window that needs no program around it: shown until it is closed, with keys.

use crate::viewer::open_viewer;
use lk_io::player::Player;
use lk_io::viewer::{Key, ViewerOptions};
use lk_media::clock::Deadline;
use lk_media::{Cancel, Result, Size, Timestamp, VideoSource};
use std::sync::Arc;
use std::time::Duration;

/// The size of a window whose picture has none yet.
const USUAL: Size = Size::new(1280, 720);
/// Windows are not opened larger than this.
const LARGEST: Size = Size::new(1600, 900);
/// What an arrow to the side goes by.
const STEP_NANOS: i64 = 5_000_000_000;
/// What an arrow up or down changes, in dB.
const LOUDER: f32 = 2.0;

/// How something is shown.
#[derive(Clone, Debug, Default)]
pub struct ShowOptions {
    /// What stands over the window.
    pub title: String,
    /// The inside of the window; None is the picture's own size, if that fits on most screens.
    pub size: Option<Size>,
    /// Closes the window then.
    pub limit: Option<Duration>,
    /// Closes the window once a player has come to its end.
    pub until_end: bool,
}

/// Shows a source until its window is closed: f fills the screen, q and Escape close. With a `player` the keys are
/// its own too: space stops and starts it, arrows go to another place and change how loud it is, m mutes it. Returns
/// when `cancel` is cancelled as well.
pub fn show(
    source: Arc<dyn VideoSource>,
    player: Option<&Player>,
    options: &ShowOptions,
    cancel: &Cancel,
) -> Result<()> {
    let size = options.size.unwrap_or_else(|| source.size().map_or(USUAL, fitted));
    let viewer = open_viewer(ViewerOptions::new(size, options.title.as_str()))?;
    viewer.set_source(Some(source));
    let deadline = options.limit.map_or(Deadline::NEVER, Deadline::after);
    let over = || options.until_end && player.is_some_and(Player::is_eof_reached);
    while !cancel.is_cancelled() && !deadline.has_passed() && !over() && viewer.draw()? {
        for key in viewer.keys() {
            match (key, player) {
                (Key::Char('f'), _) => viewer.set_fullscreen(!viewer.is_fullscreen()),
                (Key::Char('q') | Key::Escape, _) => viewer.close(),
                (key, Some(player)) => press(player, key),
                _ => {}
            }
        }
    }
    viewer.error().map_or(Ok(()), Err)
}

/// What a key does to a player.
fn press(player: &Player, key: Key) {
    match key {
        Key::Char(' ') if player.is_playing() => player.stop(),
        Key::Char(' ') => player.start(),
        Key::Left | Key::Right => {
            let by = if key == Key::Left { -STEP_NANOS } else { STEP_NANOS };
            player.set_position(player.position().offset(by).max(Timestamp::ZERO));
        }
        Key::Up | Key::Down => {
            let by = if key == Key::Up { LOUDER } else { -LOUDER };
            // past the loudest there is, it stays as it is
            let _ = player.set_gain_db(player.gain_db() + by);
        }
        Key::Char('m') => player.set_muted(!player.is_muted()),
        _ => {}
    }
}

/// The size itself, or one of its shape that fits on most screens.
fn fitted(size: Size) -> Size {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let scale = (f64::from(LARGEST.width) / width).min(f64::from(LARGEST.height) / height).min(1.0);
    let side = |length: f64| (length * scale).round().max(1.0) as u32;
    Size::new(side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_io::player::PlayerOptions;

    #[test]
    fn windows_fit_on_screens() {
        assert_eq!(fitted(Size::new(640, 480)), Size::new(640, 480));
        assert_eq!(fitted(Size::new(3840, 2160)), Size::new(1600, 900));
        assert_eq!(fitted(Size::new(16384, 1)), Size::new(1600, 1));
    }

    /// Removes a file when dropped.
    struct Removed(std::path::PathBuf);

    impl Drop for Removed {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// A player of twenty seconds of silence, and its file, which is opened again to begin again.
    fn player() -> (Player, Removed) {
        const RATE: u32 = 8000;
        const BYTES: u32 = 20 * RATE;
        let mut wav =
            [b"RIFF".as_slice(), &(36 + BYTES).to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
        wav.extend(
            [1, 0, 1, 0].iter().chain(&RATE.to_le_bytes()).chain(&RATE.to_le_bytes()).chain(&[1, 0, 8, 0]),
        );
        wav.extend([b"data".as_slice(), &BYTES.to_le_bytes(), &[128; BYTES as usize]].concat());
        let file = std::env::temp_dir().join(format!("lk-keys-{}.wav", std::process::id()));
        std::fs::write(&file, wav).expect("there is room");
        let removed = Removed(file.clone());
        let player = Player::open(&file.display().to_string(), &PlayerOptions::default()).expect("it plays");
        (player, removed)
    }

    #[test]
    fn keys_of_a_player() {
        let (player, _file) = player();
        let is_at =
            |seconds: i64| assert_eq!(player.position(), Timestamp::from_nanos(seconds * 1_000_000_000));
        is_at(0);
        press(&player, Key::Right);
        press(&player, Key::Right);
        is_at(10);
        press(&player, Key::Left);
        is_at(5);
        press(&player, Key::Left);
        press(&player, Key::Left);
        is_at(0);
        for (key, gain) in [(Key::Up, 2.0), (Key::Up, 4.0), (Key::Down, 2.0)] {
            press(&player, key);
            assert!((player.gain_db() - gain).abs() < 0.01, "{}", player.gain_db());
        }
        for is_muted in [true, false] {
            press(&player, Key::Char('m'));
            assert_eq!(player.is_muted(), is_muted);
        }
        for is_playing in [true, false] {
            press(&player, Key::Char(' '));
            assert_eq!(player.is_playing(), is_playing);
        }
        // others say nothing to it
        press(&player, Key::Char('x'));
        assert!(!player.is_playing() && !player.is_muted());
    }
}
