// SPDX-License-Identifier: GPL-2.0-or-later
//! Starting the camera's process: by systemd for the user where that works, else as a process that stays behind.

use crate::failure::Failure;
use livekit_studio::virtual_camera::{config_folder, write_whole};
use livekit_studio::{Error, ErrorKind};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The unit's name.
pub(super) const UNIT: &str = "livekit-vcam.service";

/// How it was started.
pub(super) enum Started {
    /// By systemd.
    Systemd {
        /// The unit.
        unit: &'static str,
    },
    /// As a process of its own.
    Direct {
        /// Why systemd did not.
        reason: String,
    },
}

/// Writes the unit and starts the process.
pub(super) fn start(program: &[String]) -> Result<Started, Failure> {
    write_whole(&unit_path()?, &unit(program))?;
    let reason = match systemctl(&["daemon-reload"]).and_then(|()| systemctl(&["enable", "--now", UNIT])) {
        Ok(()) => return Ok(Started::Systemd { unit: UNIT }),
        Err(reason) => reason,
    };
    spawn(program)?;
    Ok(Started::Direct { reason })
}

/// Has systemd stop it, if systemd started it.
pub(super) fn stop() {
    if unit_path().is_ok_and(|path| path.exists()) {
        // where it does not work, it started nothing
        let _ = systemctl(&["disable", "--now", UNIT]);
    }
}

/// Takes the unit away.
pub(super) fn remove() -> Result<(), Failure> {
    let path = unit_path()?;
    match std::fs::remove_file(&path) {
        Ok(()) => {
            let _ = systemctl(&["daemon-reload"]);
            Ok(())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::new(ErrorKind::Output, format!("{}: {e}", path.display())).into()),
    }
}

/// Asks a process to end; one that has ended already is as good.
pub(super) fn terminate(process: u32) -> Result<(), Failure> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    match pid.map(|pid| kill_process(pid, Signal::TERM)) {
        Some(Err(e)) if e != rustix::io::Errno::SRCH => {
            Err(Error::new(ErrorKind::Output, format!("process {process} cannot be ended: {e}")).into())
        }
        _ => Ok(()),
    }
}

fn unit_path() -> Result<PathBuf, Error> {
    Ok(config_folder()?.join("systemd").join("user").join(UNIT))
}

/// Where a process that was started directly writes what it has to say.
pub(super) fn log_path() -> Result<PathBuf, Error> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = named("XDG_STATE_HOME").or_else(|| named("HOME").map(|h| h.join(".local").join("state")));
    Ok(state.map_or_else(config_folder, Ok)?.join("livekit-studio").join("vcam.log"))
}

fn unit(program: &[String]) -> String {
    let words: Vec<String> = program.iter().map(|word| quoted(word)).collect();
    format!(
        "[Unit]\nDescription=LiveKit virtual camera\nAfter=pipewire.service\n\n[Service]\nExecStart={} vcam run\n\
         Restart=on-failure\nRestartSec=1\n\n[Install]\nWantedBy=default.target\n",
        words.join(" ")
    )
}

/// A word of a command line as systemd reads it.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

fn systemctl(args: &[&str]) -> Result<(), String> {
    let done = Command::new("systemctl")
        .arg("--user")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| format!("systemctl cannot be run: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("systemctl --user says: {}", said.lines().next().unwrap_or("nothing").trim()))
}

/// Starts the process so that it stays when this one and its terminal have gone.
fn spawn(program: &[String]) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt;
    let path = log_path()?;
    let fail =
        |what: &str, e: std::io::Error| Failure::from(Error::new(ErrorKind::Output, format!("{what}: {e}")));
    let folder = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(folder).map_err(|e| fail(&folder.display().to_string(), e))?;
    let log = File::create(&path).map_err(|e| fail(&path.display().to_string(), e))?;
    let Some((first, rest)) = program.split_first() else {
        return Err(Error::internal("no program to start").into());
    };
    let mut last = None;
    // a session of its own, where there is the program for it: no terminal that closes ends it
    for wrap in [Some("setsid"), None] {
        let mut command = Command::new(wrap.unwrap_or(first));
        if wrap.is_some() {
            command.arg(first);
        } else {
            command.process_group(0);
        }
        command.args(rest).args(["vcam", "run"]).current_dir("/").stdin(Stdio::null());
        let (out, err) = log
            .try_clone()
            .and_then(|out| Ok((out, log.try_clone()?)))
            .map_err(|e| fail(&path.display().to_string(), e))?;
        match command.stdout(out).stderr(err).spawn() {
            Ok(_) => return Ok(()),
            Err(e) => last = Some(e),
        }
    }
    last.map_or(Ok(()), |e| Err(fail(first, e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_quote_what_systemd_would_read_otherwise() {
        let text = unit(&["/opt/a b/py\"thon".to_owned(), "-m".to_owned(), "50%$x\\".to_owned()]);
        let line = text.lines().find(|l| l.starts_with("ExecStart=")).unwrap();
        assert_eq!(line, "ExecStart=\"/opt/a b/py\\\"thon\" \"-m\" \"50%%$$x\\\\\" vcam run");
    }
}
