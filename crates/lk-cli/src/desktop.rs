// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio windows`, `view` and `play`: what there is on the desktop, and windows of our own.

use crate::args::{PlayArgs, ViewArgs};
use crate::failure::Failure;
use crate::lists::columns;
use crate::output::Output;
use livekit_studio::{
    Audible, AudioOutput, Cancel, OpenOptions, Player, PlayerOptions, ShowOptions, Size, WindowInfo,
    open_pictures, show,
};
use serde_json::json;

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
    Ok(show(source, None, &window(&args.name, args.size), cancel)?)
}

/// Plays a file in a window, and on the default speaker if there is one.
pub(crate) fn play(args: &PlayArgs, cancel: &Cancel) -> Result<(), Failure> {
    let options = PlayerOptions { looping: args.r#loop, ..PlayerOptions::default() };
    let player = Player::open(&args.name, &options)?;
    let audible = Audible::new(player.sound(), player.events(), AudioOutput::from(0))?;
    audible.open()?;
    player.start();
    Ok(show(player.video(), Some(&player), &window(&args.name, args.size), cancel)?)
}

fn window(title: &str, size: Option<Size>) -> ShowOptions {
    ShowOptions { title: title.to_owned(), size, ..ShowOptions::default() }
}
