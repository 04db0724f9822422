// SPDX-License-Identifier: GPL-2.0-or-later
//! The session's message bus.

use super::ANSWER;
use super::errors::{no_bus, of_bus};
use futures_lite::future;
use lk_media::Result;
use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;
use zbus::connection::Builder;
use zbus::message::{Flags, Type};
use zbus::zvariant::{DynamicType, OwnedValue, Value};
use zbus::{Connection, MatchRule, Message, MessageStream};

/// Who answers for the portal.
pub(super) const PORTAL: &str = "org.freedesktop.portal.Desktop";
/// Where.
pub(super) const PATH: &str = "/org/freedesktop/portal/desktop";
/// How the programs that show its dialogs are called, before their own names.
pub(super) const BACKENDS: &str = "org.freedesktop.impl.portal.desktop.";

const BUS: &str = "org.freedesktop.DBus";
/// Signals that wait to be looked at; the bus waits when there are more.
const MOST: usize = 16;
/// How long an answer may take before backends are nudged.
const NUDGE: Duration = Duration::from_secs(1);

/// Named values, as the portal takes and gives them.
pub(super) type Named<'a> = HashMap<&'static str, Value<'a>>;
/// The same, received.
pub(super) type Results = HashMap<String, OwnedValue>;

/// A connection to the bus.
pub(super) struct Bus {
    connection: Connection,
    named: Cell<u32>,
}

impl Bus {
    pub async fn open() -> Result<Self> {
        let builder = Builder::session().map_err(no_bus)?;
        let builder = builder.max_queued(MOST).method_timeout(ANSWER);
        let connection = builder.build().await.map_err(no_bus)?;
        Ok(Self { connection, named: Cell::new(0) })
    }

    /// A name that this connection has not used yet.
    pub fn name(&self) -> Value<'static> {
        self.named.set(self.named.get() + 1);
        format!("livekit{}", self.named.get()).into()
    }

    /// Calls a function of the portal's.
    pub async fn call<B: serde::Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        function: &str,
        arguments: &B,
    ) -> Result<Message> {
        let call = self.connection.call_method(Some(PORTAL), path, Some(interface), function, arguments);
        future::or(async { call.await.map_err(of_bus) }, self.nudge()).await
    }

    /// Says something to the backends each second, and never ends: xdg-desktop-portal-wlr 0.7 overlooks what it was
    /// asked while it began, which the portal waits for, until it is told something more.
    async fn nudge<T>(&self) -> T {
        loop {
            tokio::time::sleep(NUDGE).await;
            for backend in self.backends().await.unwrap_or_default() {
                let ping = || {
                    let call = Message::method_call("/", "Ping")?.interface("org.freedesktop.DBus.Peer")?;
                    let call = call.destination(format!("{BACKENDS}{backend}"))?;
                    call.with_flags(Flags::NoReplyExpected)?.build(&())
                };
                match ping() {
                    Ok(ping) => drop(self.connection.send(&ping).await),
                    Err(error) => tracing::debug!("{backend}: {error}"),
                }
            }
        }
    }

    /// A number that the portal tells of itself.
    pub async fn number(&self, interface: &str, name: &str) -> Result<u32> {
        let got = self.call(PATH, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
        let value: OwnedValue = got.body().deserialize().map_err(of_bus)?;
        u32::try_from(value).map_err(|e| of_bus(e.into()))
    }

    /// Signals of one kind from objects at or below `path`.
    pub async fn signals(&self, interface: &str, member: &str, path: &str) -> Result<MessageStream> {
        let rule = || -> zbus::Result<MatchRule<'_>> {
            let rule = MatchRule::builder().msg_type(Type::Signal);
            Ok(rule.interface(interface)?.member(member)?.path_namespace(path)?.build())
        };
        let rule = rule().map_err(of_bus)?.into_owned();
        MessageStream::for_match_rule(rule, &self.connection, Some(MOST)).await.map_err(of_bus)
    }

    /// Whether somebody has the name, or would be started if called.
    pub async fn is_known(&self, name: &str) -> Result<bool> {
        let mut known = self.names("ListNames").await?;
        if !known.iter().any(|n| n == name) {
            known = self.names("ListActivatableNames").await?;
        }
        Ok(known.iter().any(|n| n == name))
    }

    /// The programs that show the portal's dialogs and are running.
    pub async fn backends(&self) -> Result<Vec<String>> {
        let names = self.names("ListNames").await?;
        Ok(names.iter().filter_map(|n| n.strip_prefix(BACKENDS)).map(str::to_owned).collect())
    }

    async fn names(&self, function: &str) -> Result<Vec<String>> {
        let call = self.connection.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), function, &());
        call.await.map_err(of_bus)?.body().deserialize().map_err(of_bus)
    }
}
