// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio windows`, `view` and `play`: what there is on the desktop, and windows of our own.

use crate::args::{PlayArgs, ViewArgs};
use crate::failure::Failure;
use crate::lists::columns;
use crate::output::Output;
use livekit_studio::{
    Cancel, Key, OpenOptions, Player, PlayerOptions, Size, Timestamp, Viewer, ViewerOptions, WindowInfo,
    open_pictures, open_viewer,
};
use serde_json::json;

/// The size of a window whose picture has none yet.
const USUAL: Size = Size::new(1280, 720);
/// Windows are not opened larger than this.
const LARGEST: Size = Size::new(1600, 900);
/// What an arrow to the side goes by.
const STEP_NANOS: i64 = 5_000_000_000;
/// What an arrow up or down changes, in dB.
const LOUDER: f32 = 2.0;

/// Lists the windows of the desktop.
pub(crate) fn windows(output: Output) -> Result<(), Failure> {
    let windows = livekit_studio::windows(None)?;
    let row = |w: &WindowInfo| {
        let pid = w.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        [format!("0x{:x}", w.id), w.application.clone(), format!("{:?} {}{pid}", w.title, w.size)]
    };
    output.result(&json!({ "windows": windows }), &columns(windows.iter().map(row).collect()))
}

/// Shows a source until its window is closed.
pub(crate) fn view(args: &ViewArgs, cancel: &Cancel) -> Result<(), Failure> {
    let options = OpenOptions { cancel: cancel.clone(), ..OpenOptions::default() };
    let source = open_pictures(&args.name, &options)?.video()?;
    let viewer = window(&args.name, args.size, source.size())?;
    viewer.set_source(Some(source));
    attend(&viewer, cancel, |_| {})
}

/// Plays a file in a window.
pub(crate) fn play(args: &PlayArgs, cancel: &Cancel) -> Result<(), Failure> {
    let options = PlayerOptions { looping: args.r#loop, ..PlayerOptions::default() };
    let player = Player::open(&args.name, &options)?;
    let video = player.video();
    let viewer = window(&args.name, args.size, video.size())?;
    viewer.set_source(Some(video));
    player.start();
    attend(&viewer, cancel, |key| press(&player, key))
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

/// Draws until the window is closed; f fills the screen, q and Escape close.
fn attend(viewer: &Viewer, cancel: &Cancel, mut press: impl FnMut(Key)) -> Result<(), Failure> {
    while !cancel.is_cancelled() && viewer.draw()? {
        for key in viewer.keys() {
            match key {
                Key::Char('f') => viewer.set_fullscreen(!viewer.is_fullscreen()),
                Key::Char('q') | Key::Escape => viewer.close(),
                key => press(key),
            }
        }
    }
    viewer.error().map_or(Ok(()), |error| Err(error.into()))
}

fn window(title: &str, asked: Option<Size>, picture: Option<Size>) -> Result<Viewer, Failure> {
    let size = asked.unwrap_or_else(|| picture.map_or(USUAL, fitted));
    Ok(open_viewer(ViewerOptions::new(size, title))?)
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

    #[test]
    fn windows_fit_on_screens() {
        assert_eq!(fitted(Size::new(640, 480)), Size::new(640, 480));
        assert_eq!(fitted(Size::new(3840, 2160)), Size::new(1600, 900));
        assert_eq!(fitted(Size::new(16384, 1)), Size::new(1600, 1));
    }
}
