// SPDX-License-Identifier: GPL-2.0-or-later
//! The camera as a process of its own that stays behind: Linux.

use super::service::{self, Started};
use crate::args::{RegisterArgs, VcamCommand};
use crate::failure::Failure;
use crate::output::{self, Output};
use livekit_studio::clock::Deadline;
use livekit_studio::virtual_camera::{CameraSettings, HostStatus, host_status, run_host};
use livekit_studio::{Cancel, Error, ErrorKind, IpcFolder, Wake};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the host may take to say how it is.
const BEGIN: Duration = Duration::from_secs(10);
/// How long it may take to end.
const END: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// Does one of the four.
pub(crate) fn command(
    command: &VcamCommand,
    program: &[String],
    output: Output,
    cancel: &Cancel,
) -> Result<(), Failure> {
    match command {
        VcamCommand::Register(args) => register(args, program, output, cancel),
        VcamCommand::Unregister => unregister(output, cancel),
        VcamCommand::Status => status(output),
        VcamCommand::Run => run(output, cancel),
    }
}

fn host() -> Result<Option<HostStatus>, Error> {
    host_status(&IpcFolder::default())
}

fn register(args: &RegisterArgs, program: &[String], output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let settings = CameraSettings {
        mapping_name: args.mapping.clone(),
        name: args.name.clone(),
        size: args.size,
        fps: args.fps,
        device: args.device.clone(),
    };
    let path = settings.save()?;
    end(cancel)?;
    let started = service::start(program)?;
    let status = begun(cancel)?;
    let device = status.device.clone().unwrap_or_default();
    let way = match &started {
        Started::Systemd { unit } => format!("started by systemd ({unit}), now and with every session"),
        Started::Direct { reason } => format!(
            "started directly, process {}, for this session: systemd would start it with every session, but {reason}",
            status.process
        ),
    };
    let there = match status.reason.as_ref() {
        Some(reason) => format!("there is no camera yet: {reason}"),
        None => format!("the camera {:?} is there ({device})", settings.name),
    };
    let text = format!(
        "{there}\nit shows what is shared as {:?}\n{way}\nsettings: {}",
        settings.mapping_name,
        path.display()
    );
    let systemd = matches!(started, Started::Systemd { .. });
    output.result(&json!({ "settings": settings, "path": path, "systemd": systemd, "host": status }), &text)
}

/// Waits until the host has said how it is.
fn begun(cancel: &Cancel) -> Result<HostStatus, Failure> {
    let mut status = None;
    let there = wait(cancel, BEGIN, || {
        status = host()?.filter(|s| !s.state.is_empty());
        Ok(status.is_some())
    })?;
    status.filter(|_| there).ok_or_else(|| {
        let log = service::log_path().map(|p| p.display().to_string()).unwrap_or_default();
        Error::new(ErrorKind::Deadline, "the camera's process does not begin")
            .with_hint(format!(
                "livekit-studio vcam run shows why; its log is {log} or journalctl --user -u {}",
                service::UNIT
            ))
            .into()
    })
}

/// Ends the host, if there is one.
fn end(cancel: &Cancel) -> Result<bool, Failure> {
    service::stop();
    let Some(status) = host()? else { return Ok(false) };
    if status.process != 0 {
        service::terminate(status.process)?;
    }
    if !wait(cancel, END, || Ok(host()?.is_none()))? {
        let message = format!("the camera's process {} does not end", status.process);
        return Err(Error::new(ErrorKind::Deadline, message).with_hint("end it by hand: kill -9").into());
    }
    Ok(true)
}

/// Waits until `done`; false if that takes longer than `limit`.
fn wait(
    cancel: &Cancel,
    limit: Duration,
    mut done: impl FnMut() -> Result<bool, Error>,
) -> Result<bool, Failure> {
    let (deadline, pause) = (Deadline::after(limit), Wake::new());
    while !done()? {
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled").into());
        }
        if deadline.has_passed() {
            return Ok(false);
        }
        cancel.wait(&pause, Deadline::after(LOOK));
    }
    Ok(true)
}

fn unregister(output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let ran = end(cancel)?;
    service::remove()?;
    let was = CameraSettings::remove()?;
    let text = match (was, ran) {
        (true, _) => "the camera is forgotten",
        (false, true) => "no camera was registered; its process was ended",
        (false, false) => "no camera was registered",
    };
    output.result(&json!({ "registered": was, "ran": ran }), text)
}

fn status(output: Output) -> Result<(), Failure> {
    let (settings, host) = (CameraSettings::load()?, host()?);
    let registered = match &settings {
        None => "not registered: livekit-studio vcam register".to_owned(),
        Some(s) => format!(
            "registered: {:?}, {} at {} frames a second, shows {:?}",
            s.name, s.size, s.fps, s.mapping_name
        ),
    };
    let text = format!("{registered}\n{}", host.as_ref().map_or("its process does not run".to_owned(), row));
    output.result(&json!({ "settings": settings, "host": host }), &text)
}

fn row(status: &HostStatus) -> String {
    let HostStatus { process, state, reason, backend, device, writer, frames } = status;
    let way = match (backend, device) {
        (Some(backend), Some(device)) => format!(", {device} ({backend})"),
        _ => String::new(),
    };
    let why = reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let who = writer.map_or_else(|| "nobody writes".to_owned(), |id| format!("process {id} writes"));
    format!("process {process} {state}{why}{way}; {who}, {frames} frames shown")
}

fn run(output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let settings = match CameraSettings::load()? {
        Some(settings) => settings,
        None => CameraSettings::usual()?,
    };
    let tell = |status: &HostStatus| {
        if output.json {
            // one line each: whoever reads it follows
            let _ = output::print(&Value::to_string(&json!(status)));
        } else if !output.quiet {
            let _ = output::print(&row(status));
        }
    };
    run_host(&settings, cancel, tell)?;
    Ok(())
}
