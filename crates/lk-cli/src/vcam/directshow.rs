// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera as a DirectShow filter, which programs load themselves: Windows.

use crate::args::{RegisterArgs, VcamCommand};
use crate::failure::Failure;
use crate::output::Output;
use livekit_studio::virtual_camera::{CameraSettings, filter, run_host};
use livekit_studio::{Cancel, Error, ErrorKind};
use serde_json::json;

/// Does one of the four.
pub(crate) fn command(
    command: &VcamCommand,
    _program: &[String],
    output: Output,
    cancel: &Cancel,
) -> Result<(), Failure> {
    match command {
        VcamCommand::Register(args) => register(args, output),
        VcamCommand::Unregister => unregister(output),
        VcamCommand::Status => status(output),
        // says why not
        VcamCommand::Run => run_host(&CameraSettings::usual()?, cancel, |_| {}).map_err(Failure::from),
    }
}

fn register(args: &RegisterArgs, output: Output) -> Result<(), Failure> {
    if !args.device.is_empty() {
        return Err(Error::new(
            ErrorKind::Parameter,
            "cameras on Windows are DirectShow filters: there is no device to choose",
        )
        .with_hint("leave --device out")
        .into());
    }
    let settings = CameraSettings {
        mapping_name: args.mapping.clone(),
        name: args.name.clone(),
        size: args.size,
        fps: args.fps,
        device: String::new(),
    };
    let library = filter::library()?;
    let path = settings.save()?;
    filter::register(&library)?;
    let text = format!(
        "the camera {:?} is there\nit shows what is shared as {:?}\nfilter: {}\nsettings: {}",
        settings.name,
        settings.mapping_name,
        library.display(),
        path.display()
    );
    output.result(&json!({ "settings": settings, "path": path, "filter": library }), &text)
}

fn unregister(output: Output) -> Result<(), Failure> {
    let known = filter::registered()?;
    if let Some(library) = &known {
        filter::unregister(library)?;
    }
    let was = CameraSettings::remove()?;
    let text = if was || known.is_some() { "the camera is forgotten" } else { "no camera was registered" };
    output.result(&json!({ "registered": was, "filter": known }), text)
}

fn status(output: Output) -> Result<(), Failure> {
    let (settings, library) = (CameraSettings::load()?, filter::registered()?);
    let text = match (&settings, &library) {
        (Some(s), Some(library)) => format!(
            "registered: {:?}, {} at {} frames a second, shows {:?}\nfilter: {}",
            s.name,
            s.size,
            s.fps,
            s.mapping_name,
            library.display()
        ),
        _ => "not registered: livekit-studio vcam register".to_owned(),
    };
    output.result(&json!({ "settings": settings, "filter": library }), &text)
}
