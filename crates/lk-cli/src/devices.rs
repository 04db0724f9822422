// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio devices`: what this machine hears and plays with.

use crate::failure::Failure;
use crate::lists::columns;
use crate::output::Output;
use livekit_studio::{AudioDevice, microphones, sound_server, speakers};
use serde_json::json;

/// Lists the sound devices; says why there are none.
pub(crate) fn command(output: Output) -> Result<(), Failure> {
    let server = match sound_server() {
        Ok(server) => server,
        Err(e) => {
            let told = json!({ "sound": { "server": null, "error": e.message(), "hint": e.hint(),
                                          "microphones": [], "speakers": [] } });
            return output.result(&told, &format!("sound: {e}"));
        }
    };
    let (microphones, speakers) = (microphones()?, speakers()?);
    let text = format!(
        "sound server: {server}\n\nmicrophones (the monitor of a speaker hears what it plays)\n{}\n\nspeakers\n{}",
        table(&microphones),
        table(&speakers)
    );
    let told = json!({ "sound": { "server": server, "microphones": microphones, "speakers": speakers } });
    output.result(&told, &text)
}

fn table(devices: &[AudioDevice]) -> String {
    if devices.is_empty() {
        return "  none".to_owned();
    }
    let rows = devices.iter().enumerate().map(|(index, device)| {
        let notes = [(device.is_default, "default"), (device.is_monitor, "monitor")];
        let notes: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
        let shape = format!("{} ch, {} Hz", device.channels, device.rate);
        let notes = if notes.is_empty() { String::new() } else { format!(" [{}]", notes.join(", ")) };
        [format!("  {index}"), shape, format!("{}{notes}  ({})", device.name, device.id)]
    });
    columns(rows.collect())
}
