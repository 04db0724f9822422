// SPDX-License-Identifier: GPL-2.0-or-later
//! What devices the server has, and news of them.

use super::connection::{Connection, Message};
use crate::audio_device::AudioDevice;
use crate::audio_device::backend::{Lists, Watching};
use lk_media::clock::Deadline;
use lk_media::{ErrorKind, Result, Wake};
use pulseaudio::protocol::{
    Command, ServerInfo, SinkInfoList, SourceInfoList, SubscriptionEventFacility, SubscriptionMask,
};
use std::ffi::{CStr, CString};
use std::time::Duration;

/// Lists that were read while something changed are read again so often.
const TRIES: usize = 3;

/// Asks for the devices there are now.
pub(super) fn lists() -> Result<Lists> {
    let mut tries = 0;
    loop {
        tries += 1;
        match Connection::open("LiveKit").and_then(|mut connection| read(&mut connection)) {
            Err(e) if e.kind() == ErrorKind::DeviceLost && tries < TRIES => {
                Wake::new().wait(Duration::from_millis(50));
            }
            answer => return answer,
        }
    }
}

fn read(connection: &mut Connection) -> Result<Lists> {
    let server: ServerInfo = connection.ask(&Command::GetServerInfo)?;
    let sinks: SinkInfoList = connection.ask(&Command::GetSinkInfoList)?;
    let sources: SourceInfoList = connection.ask(&Command::GetSourceInfoList)?;
    let is_default = |name: &CString, default: &Option<CString>| default.as_ref() == Some(name);
    let mut outputs: Vec<AudioDevice> = sinks
        .iter()
        .map(|sink| AudioDevice {
            id: words(&sink.name),
            name: described(sink.description.as_deref(), &sink.name),
            channels: u32::from(sink.sample_spec.channels),
            rate: sink.sample_spec.sample_rate,
            is_monitor: false,
            is_default: is_default(&sink.name, &server.default_sink_name),
        })
        .collect();
    let mut inputs: Vec<AudioDevice> = sources
        .iter()
        .map(|source| AudioDevice {
            id: words(&source.name),
            name: described(source.description.as_deref(), &source.name),
            channels: u32::from(source.sample_spec.channels),
            rate: source.sample_spec.sample_rate,
            is_monitor: source.monitor_of_sink_name.is_some(),
            is_default: is_default(&source.name, &server.default_source_name),
        })
        .collect();
    outputs.sort_by_key(|d| !d.is_default);
    inputs.sort_by_key(|d| (!d.is_default, d.is_monitor));
    let part = |part: Option<&CString>| part.map(|p| words(p)).unwrap_or_default();
    let server = format!("{} {}", part(server.server_name.as_ref()), part(server.server_version.as_ref()));
    Ok(Lists { server: server.trim().to_owned(), inputs, outputs })
}

/// What tells one server from another.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // asked for only there
pub(in crate::audio_device) struct Identity {
    /// Its number for itself, that of PipeWire where it is in front of that.
    pub(in crate::audio_device) cookie: u32,
    /// Whether the default microphone is the monitor of a speaker.
    pub(in crate::audio_device) hears_a_monitor: bool,
}

/// Asks for it.
#[cfg(target_os = "linux")]
pub(super) fn identity() -> Result<Identity> {
    let server: ServerInfo = Connection::open("LiveKit")?.ask(&Command::GetServerInfo)?;
    let hears_a_monitor = server.default_source_name.is_some_and(|name| words(&name).ends_with(".monitor"));
    Ok(Identity { cookie: server.cookie, hears_a_monitor })
}

fn words(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

fn described(description: Option<&CStr>, name: &CStr) -> String {
    description.map(words).filter(|d| !d.is_empty()).unwrap_or_else(|| words(name))
}

/// Hears when devices come and go.
pub(super) struct Subscription(Connection);

impl Subscription {
    pub(super) fn open() -> Result<Self> {
        let mut connection = Connection::open("LiveKit")?;
        let mask = SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER;
        connection.command(&Command::Subscribe(mask))?;
        Ok(Self(connection))
    }
}

impl Watching for Subscription {
    fn wait(&mut self, limit: Duration) -> Result<bool> {
        let deadline = Deadline::after(limit);
        while let Some(message) = self.0.receive(deadline.left(limit))? {
            if let Message::Command(Command::SubscribeEvent(event)) = message
                && matches!(
                    event.event_facility,
                    SubscriptionEventFacility::Sink
                        | SubscriptionEventFacility::Source
                        | SubscriptionEventFacility::Server
                )
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
