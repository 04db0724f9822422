// SPDX-License-Identifier: GPL-2.0-or-later
//! The desktop's portal: it asks the user which window or screen may be seen, and lets us read pictures of it over
//! PipeWire. [`Portal`] is a connection to it, driven by whichever thread calls it; [`Token`] is what was allowed
//! before.

mod answers;
mod bus;
mod errors;
mod sharing;
mod token;

pub(crate) use sharing::{Grant, News, Wish};
pub(crate) use token::Token;

use crate::bell::Bell;
use bus::Bus;
use futures_lite::future;
use lk_media::clock::Deadline;
use lk_media::{Cancel, Error, ErrorKind, Result};
use sharing::Session;
use std::fmt;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long what needs no user may take; the portal may have to be started first.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the end may take.
const END: Duration = Duration::from_millis(500);
/// How often it is looked whether the caller has given up.
const LOOK: Duration = Duration::from_millis(50);

/// What is known of the portal without asking anybody anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortalInfo {
    /// Of its interface for screens; what was allowed can be kept from 4 on.
    pub version: u32,
    /// Whether its dialog offers windows.
    pub windows: bool,
    /// Whether its dialog offers whole screens.
    pub screens: bool,
    /// The programs that show its dialogs and were started so far ("gnome", "wlr").
    pub backends: Vec<String>,
}

impl fmt::Display for PortalInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.version)?;
        if !self.backends.is_empty() {
            write!(f, " with {}", self.backends.join(", "))?;
        }
        f.write_str(match (self.windows, self.screens) {
            (true, true) => ": windows and screens",
            (true, false) => ": windows",
            (false, true) => ": screens",
            (false, false) => ": nothing to be seen",
        })
    }
}

/// Who gives up, and when.
pub(crate) struct Patience<'a> {
    /// Any of these.
    pub cancels: [&'a Cancel; 2],
    /// The last moment.
    pub deadline: Deadline,
}

impl Patience<'_> {
    fn is_cancelled(&self) -> bool {
        self.cancels.iter().any(|cancel| cancel.is_cancelled())
    }
}

/// The portal, over a connection to the session's bus.
pub(crate) struct Portal {
    session: Option<Session>,
    bus: Bus,
    runtime: Runtime,
}

impl Portal {
    /// Connects to the session's bus. Errors: Display (there is none).
    pub fn open() -> Result<Self> {
        let runtime = runtime()?;
        let bus = runtime.block_on(within(ANSWER, Bus::open()))?;
        Ok(Self { session: None, bus, runtime })
    }

    /// What the portal offers. Errors: Display (there is no portal, or it has no backend).
    pub fn info(&self) -> Result<PortalInfo> {
        self.runtime.block_on(within(ANSWER, sharing::info(&self.bus)))
    }

    /// Has the portal ask the user, who may take as long as `patience` does; asks nobody where `wish` brings a token
    /// that still holds. None if the user says no. Errors: Display (the hint says what to do), Deadline, Cancelled.
    pub fn ask(&mut self, wish: &Wish, patience: &Patience<'_>) -> Result<Option<Grant>> {
        let given_up = async {
            while !patience.is_cancelled() && !patience.deadline.has_passed() {
                tokio::time::sleep(patience.deadline.left(LOOK)).await;
            }
            if patience.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "nothing was chosen: it was cancelled"));
            }
            Err(Error::new(ErrorKind::Deadline, "nobody has chosen in the desktop's dialog what may be seen")
                .with_hint("choose a window or a screen there, or allow more time: timeout="))
        };
        let answer = self.runtime.block_on(future::or(sharing::ask(&self.bus, wish), given_up))?;
        Ok(answer.map(|(grant, session)| {
            self.session = Some(session);
            grant
        }))
    }

    /// Waits until the portal has news of what it granted, `bell` rings, or `limit` has passed.
    pub fn wait(&mut self, bell: &Bell, limit: Option<Duration>) -> Result<News> {
        let Some(session) = &mut self.session else { return Ok(News::Lost) };
        self.runtime.block_on(session.news(bell, limit))
    }

    /// Tells the portal that nothing is read any more, so that the desktop stops saying so.
    pub fn end(&mut self) {
        let Some(session) = self.session.take() else { return };
        let ended = self.runtime.block_on(within(END, sharing::end(&self.bus, session)));
        if let Err(error) = ended {
            tracing::debug!("the portal was not told of the end: {error}");
        }
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        // who listens to signals tells the bus at its end, by a task of the runtime's
        let _entered = self.runtime.enter();
        self.session = None;
    }
}

fn runtime() -> Result<Runtime> {
    let built = Builder::new_current_thread().enable_io().enable_time().build();
    built.map_err(|e| Error::internal("cannot wait for the session's bus").with_source(e))
}

/// Whether there is a portal to ask, as far as the session's bus knows; nothing is started. Never waits for long.
pub(crate) fn is_there() -> bool {
    const SHORT: Duration = Duration::from_secs(1);
    let found = runtime().and_then(|runtime| {
        runtime.block_on(within(SHORT, async { Bus::open().await?.is_known(bus::PORTAL).await }))
    });
    found.unwrap_or_else(|error| {
        tracing::debug!("no portal: {error}");
        false
    })
}

/// What the portal of this session offers. Errors: Display (no bus, no portal, no backend).
pub(crate) fn portal_info() -> Result<PortalInfo> {
    Portal::open()?.info()
}

/// The same with a limit, for what needs no user.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    future::or(work, async {
        tokio::time::sleep(limit).await;
        Err(errors::no_answer())
    })
    .await
}
