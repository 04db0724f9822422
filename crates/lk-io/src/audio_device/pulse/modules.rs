// SPDX-License-Identifier: GPL-2.0-or-later
//! Modules of the server: devices that exist only as long as this program.

use super::connection::{Connection, Message, lost, text};
use lk_media::Result;
use pulseaudio::protocol::{Command, LoadModuleParams, ModuleInfoList};
use std::time::Duration;

/// A property of our modules that says which process they belong to.
const OWNER: &str = "livekit.process";

/// Modules, unloaded when this is dropped.
pub(in crate::audio_device) struct Modules {
    connection: Connection,
    loaded: Vec<u32>,
}

/// `value` as the value of a property inside the arguments of a module: without what would end it.
pub(in crate::audio_device) fn quoted(value: &str) -> String {
    value.chars().filter(|c| !c.is_control() && !matches!(c, '\'' | '"' | '\\')).collect()
}

impl Modules {
    /// Connects, and takes away what processes left behind that were killed.
    pub(in crate::audio_device) fn open() -> Result<Self> {
        let mut connection = Connection::open("LiveKit")?;
        let modules: ModuleInfoList = connection.ask(&Command::GetModuleInfoList)?;
        for module in modules {
            let argument = module.argument.as_ref().map(|a| a.to_string_lossy()).unwrap_or_default();
            if owner(&argument).is_some_and(|process| !is_running(process)) {
                connection.command(&Command::UnloadModule(module.index))?;
            }
        }
        Ok(Self { connection, loaded: Vec::new() })
    }

    /// Loads a module; its properties go into the argument called `properties`.
    pub(in crate::audio_device) fn load(
        &mut self,
        name: &str,
        arguments: &str,
        properties: (&str, &str),
    ) -> Result<()> {
        let owner = std::process::id();
        let arguments = format!("{arguments} {}=\"{} {OWNER}={owner}\"", properties.0, properties.1);
        let params = LoadModuleParams { name: text(name), arguments: Some(text(&arguments)) };
        let index = self.connection.ask_number(&Command::LoadModule(params))?;
        self.loaded.push(index);
        Ok(())
    }

    /// Waits at most `limit`; an error when the server is gone.
    pub(in crate::audio_device) fn wait(&mut self, limit: Duration) -> Result<()> {
        match self.connection.receive(limit)? {
            Some(Message::Command(Command::Exit)) => Err(lost("the sound server ends")),
            _ => Ok(()),
        }
    }

    /// Takes them away.
    pub(in crate::audio_device) fn unload(&mut self) {
        for index in std::mem::take(&mut self.loaded).into_iter().rev() {
            if let Err(e) = self.connection.command(&Command::UnloadModule(index)) {
                tracing::debug!("a module of the sound server stays: {e}");
            }
        }
    }
}

fn owner(arguments: &str) -> Option<i32> {
    let (_, rest) = arguments.split_once(OWNER)?;
    let digits = rest.strip_prefix('=')?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn is_running(process: i32) -> bool {
    let Some(process) = rustix::process::Pid::from_raw(process) else { return false };
    // not allowed to signal it: it is there
    rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_in_the_arguments() {
        assert_eq!(owner("sink_name=a sink_properties=\"x=1 livekit.process=17\""), Some(17));
        assert_eq!(owner("sink_name=a"), None);
        assert!(is_running(std::process::id() as i32));
        assert_eq!(quoted("Tom's \"mic\"\n"), "Toms mic");
    }
}
