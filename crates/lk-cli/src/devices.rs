// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio devices`: what this machine sees, hears and plays with.

use crate::failure::Failure;
use crate::lists::columns;
use crate::output::Output;
use livekit_studio::{AudioDevice, CameraInfo, CameraMode, cameras, microphones, sound_server, speakers};
use serde_json::{Value, json};

/// Lists cameras and sound devices; says why there are none.
pub(crate) fn command(output: Output) -> Result<(), Failure> {
    let (cameras, seen) = match cameras() {
        Ok(cameras) => (json!(cameras), camera_table(&cameras)),
        Err(e) => (json!([]), format!("  none: {e}")),
    };
    let (sound, heard) = sound()?;
    output.result(&json!({ "cameras": cameras, "sound": sound }), &format!("cameras\n{seen}\n\n{heard}"))
}

/// The sound devices, or why there are none.
fn sound() -> Result<(Value, String), Failure> {
    let server = match sound_server() {
        Ok(server) => server,
        Err(e) => {
            let told = json!({ "server": null, "error": e.message(), "hint": e.hint(), "microphones": [],
                               "speakers": [] });
            return Ok((told, format!("sound: {e}")));
        }
    };
    let (microphones, speakers) = (microphones()?, speakers()?);
    let text = format!(
        "sound server: {server}\n\nmicrophones (the monitor of a speaker hears what it plays)\n{}\n\nspeakers\n{}",
        table(&microphones),
        table(&speakers)
    );
    Ok((json!({ "server": server, "microphones": microphones, "speakers": speakers }), text))
}

fn camera_table(cameras: &[CameraInfo]) -> String {
    if cameras.is_empty() {
        return "  none".to_owned();
    }
    let rows = cameras.iter().enumerate().map(|(index, camera)| {
        let name = format!("{}  ({})  {}", camera.name, camera.id, sizes(&camera.modes));
        [format!("  {index}"), camera.address.clone(), name]
    });
    columns(rows.collect())
}

/// The sizes a camera has, each with its fastest rate.
fn sizes(modes: &[CameraMode]) -> String {
    let mut sizes: Vec<&CameraMode> = Vec::new();
    for mode in modes {
        match sizes.iter_mut().find(|m| m.size == mode.size) {
            Some(known) if known.rate.as_f64() < mode.rate.as_f64() => *known = mode,
            Some(_) => {}
            None => sizes.push(mode),
        }
    }
    if sizes.is_empty() {
        return "may not be opened".to_owned();
    }
    let words: Vec<String> = sizes.iter().map(|m| format!("{}@{:.0}", m.size, m.rate.as_f64())).collect();
    words.join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;
    use livekit_studio::{CameraFormat, FrameRate, PixelFormat, Size};

    #[test]
    fn sizes_are_told_with_their_fastest_rate() {
        let mode = |width, height, fps, format| CameraMode {
            size: Size::new(width, height),
            rate: FrameRate::new(fps, 1).expect("a rate"),
            format,
        };
        let yuyv = CameraFormat::Raw(PixelFormat::Yuy2);
        let modes =
            [mode(1280, 720, 10, yuyv), mode(1280, 720, 60, CameraFormat::Mjpeg), mode(640, 480, 30, yuyv)];
        assert_eq!(sizes(&modes), "1280x720@60 640x480@30");
        assert_eq!(sizes(&[]), "may not be opened");
    }
}
