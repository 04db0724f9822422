// SPDX-License-Identifier: GPL-2.0-or-later
//! How the portal is asked, and what it grants.
#![allow(unsafe_code)] // waiting for a descriptor

use super::PortalInfo;
use super::answers::{granted, node, text};
use super::bus::{Bus, Named, PATH, Results};
use super::errors::{nonsense, of_bus};
use crate::bell::Bell;
use futures_lite::{StreamExt, future};
use lk_media::{Error, ErrorKind, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zbus::MessageStream;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedFd as SentFd, Value};

const SCREENS: &str = "org.freedesktop.portal.ScreenCast";
const REQUEST: &str = "org.freedesktop.portal.Request";
const SESSION: &str = "org.freedesktop.portal.Session";

const MONITOR: u32 = 1;
const WINDOW: u32 = 2;

const HIDDEN: u32 = 1;
const EMBEDDED: u32 = 2;

const WHILE_RUNNING: u32 = 1;
const UNTIL_REVOKED: u32 = 2;
/// The version of the portal's that keeps what was allowed.
const KEEPS: u32 = 4;

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// A window, where the desktop offers them; else a screen.
    pub window: bool,
    /// The mouse pointer in the picture.
    pub pointer: bool,
    /// What was allowed before.
    pub token: Option<String>,
    /// That what is allowed now holds for later runs of the program.
    pub lasting: bool,
}

/// What may be read.
pub(crate) struct Grant {
    /// The node to be read.
    pub node: u32,
    /// The connection to PipeWire, which shows nothing else.
    pub remote: OwnedFd,
    /// What to ask with the next time, if the desktop keeps what was allowed; it holds once.
    pub token: Option<String>,
}

/// The portal's name for what is shared, and its word when that ends.
pub(super) struct Session {
    path: String,
    closed: MessageStream,
}

/// What there is to be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// The user or the desktop has ended it.
    Ended,
    /// The portal went away, or the bus.
    Lost,
}

impl Session {
    pub async fn news(&mut self, bell: &Bell, limit: Option<Duration>) -> Result<News> {
        let told = async {
            match self.closed.next().await {
                Some(Ok(_)) => Ok(News::Ended),
                _ => Ok(News::Lost),
            }
        };
        let rung = async {
            // SAFETY: the bell is borrowed for as long as this waits, and keeps its descriptor open and the same.
            let fd = unsafe { AsyncFd::register_with_interest(bell.as_fd(), Interest::READABLE) };
            let waited = match fd {
                Ok(fd) => fd.readable().await.map(drop),
                Err(e) => Err(e.into()),
            };
            bell.clear();
            waited.map_err(|e| Error::internal("cannot wait for the session's bus").with_source(e))?;
            Ok(News::None)
        };
        let passed = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => future::pending().await,
            }
            Ok(News::None)
        };
        future::or(told, future::or(rung, passed)).await
    }
}

/// What the portal offers.
pub(super) async fn info(bus: &Bus) -> Result<PortalInfo> {
    let version = bus.number(SCREENS, "version").await?;
    let kinds = bus.number(SCREENS, "AvailableSourceTypes").await?;
    let (windows, screens) = (kinds & WINDOW != 0, kinds & MONITOR != 0);
    Ok(PortalInfo { version, windows, screens, backends: bus.backends().await? })
}

/// Has the portal ask the user; None for a no.
pub(super) async fn ask(bus: &Bus, wish: &Wish) -> Result<Option<(Grant, Session)>> {
    let version = bus.number(SCREENS, "version").await?;
    let offered = bus.number(SCREENS, "AvailableSourceTypes").await?;
    let wanted = if wish.window && offered & WINDOW != 0 { WINDOW } else { MONITOR };
    if offered & wanted == 0 {
        return Err(Error::new(ErrorKind::Display, "the desktop's portal does not offer whole screens")
            .with_hint("capture a window: lk.WindowCapture(title=\"Choose a window...\")"));
    }
    let pointers = if version < 2 { 0 } else { bus.number(SCREENS, "AvailableCursorModes").await? };

    let mut talk = Talk { bus, answers: bus.signals(REQUEST, "Response", PATH).await? };
    let mut options = talk.options();
    options.insert("session_handle_token", bus.name());
    let Some(made) = talk.request("CreateSession", &(options,)).await? else { return Ok(None) };
    let session = text(&made, "session_handle").ok_or_else(|| nonsense("its session has no name"))?;
    let path = ObjectPath::try_from(session.as_str()).map_err(|e| of_bus(e.into()))?;
    // from here on it may be ended
    let closed = bus.signals(SESSION, "Closed", &session).await?;

    let pointer = if wish.pointer { EMBEDDED } else { HIDDEN };
    let choice = |token: Option<&str>, mut options: Named<'static>| {
        options.extend([("types", Value::from(wanted)), ("multiple", Value::from(false))]);
        if pointers & pointer != 0 {
            options.insert("cursor_mode", pointer.into());
        }
        if version >= KEEPS {
            let mode = if wish.lasting { UNTIL_REVOKED } else { WHILE_RUNNING };
            options.insert("persist_mode", mode.into());
            options.extend(token.map(|token| ("restore_token", Value::from(token.to_owned()))));
        }
        (&path, options)
    };
    // some ask the user here, some when it starts
    let token = wish.token.as_deref();
    let chosen = match talk.request("SelectSources", &choice(token, talk.options())).await {
        // what is no token to the portal is as good as none
        Err(error) if token.is_some() => {
            tracing::debug!("asked again without what was remembered: {error}");
            talk.request("SelectSources", &choice(None, talk.options())).await?
        }
        chosen => chosen?,
    };
    if chosen.is_none() {
        return Ok(None);
    }
    let options = talk.options();
    let Some(started) = talk.request("Start", &(&path, "", options)).await? else { return Ok(None) };
    let node = node(&started)?;
    let opened = bus.call(PATH, SCREENS, "OpenPipeWireRemote", &(&path, Named::new())).await?;
    let remote: SentFd = opened.body().deserialize().map_err(of_bus)?;
    let token = text(&started, "restore_token");
    Ok(Some((Grant { node, remote: remote.into(), token }, Session { path: session.clone(), closed })))
}

/// Ends what is shared.
pub(super) async fn end(bus: &Bus, session: Session) -> Result<()> {
    bus.call(&session.path, SESSION, "Close", &()).await.map(drop)
}

/// Questions, and the answers that come by and by.
struct Talk<'b> {
    bus: &'b Bus,
    answers: MessageStream,
}

impl Talk<'_> {
    /// The options of the next question: first of all its name.
    fn options(&self) -> Named<'static> {
        Named::from([("handle_token", self.bus.name())])
    }

    /// Calls a function and waits for the user's answer to it; None for a no.
    async fn request<A>(&mut self, function: &str, arguments: &A) -> Result<Option<Results>>
    where
        A: serde::Serialize + DynamicType,
    {
        let called = self.bus.call(PATH, SCREENS, function, arguments).await?;
        let body = called.body();
        let handle: ObjectPath<'_> = body.deserialize().map_err(of_bus)?;
        loop {
            let Some(answer) = self.answers.next().await.transpose().map_err(of_bus)? else {
                return Err(nonsense("it says nothing more"));
            };
            if answer.header().path() == Some(&handle) {
                return granted(answer.body().deserialize().map_err(of_bus)?);
            }
        }
    }
}
