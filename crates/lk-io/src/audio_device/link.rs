// SPDX-License-Identifier: GPL-2.0-or-later
//! A device in use: what it is called, how it is, and the thread that serves it and finds it again when it is lost.

use lk_media::clock::Deadline;
use lk_media::thread::{self, Process, Thread};
use lk_media::{Cancel, Error, Event, EventKind, Events, Result, SourceState, Wake};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// So often a lost device is looked for.
const AGAIN: Duration = Duration::from_millis(250);

/// What all threads know of a device in use.
pub(super) struct Link {
    name: String,
    kind: EventKind,
    state: Mutex<SourceState>,
    events: Events,
    /// Who hears of it besides.
    others: Mutex<Vec<Events>>,
    cancel: Cancel,
    wake: Wake,
    /// Ends the connection, and with it a wait for it.
    hang_up: Mutex<Option<HangUp>>,
    process: Process,
}

/// An open stream or whatever else the connection is for. It stays on the thread that opened it.
pub(super) trait Served: Sized + 'static {
    /// What ends a wait for it, if its waits are not short anyway.
    fn hang_up(&self) -> Result<Option<HangUp>>;
}

/// Ends the connection to a device from another thread.
pub(super) type HangUp = Box<dyn FnOnce() + Send>;

impl Link {
    pub(super) fn new(name: String, kind: EventKind) -> Arc<Self> {
        Arc::new(Self {
            name,
            kind,
            state: Mutex::new(SourceState::Starting),
            events: Events::new(),
            others: Mutex::default(),
            cancel: Cancel::new(),
            wake: Wake::new(),
            hang_up: Mutex::default(),
            process: Process::here(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn state(&self) -> SourceState {
        self.state.lock().clone()
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(*self.state.lock(), SourceState::Live)
    }

    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// Tells `events` too from now on.
    pub(super) fn tell(&self, events: &Events) {
        self.others.lock().push(events.clone());
    }

    pub(super) fn is_here(&self) -> bool {
        self.process.is_this()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Waits at most `limit`; false if it is to end.
    pub(super) fn pause(&self, limit: Duration) -> bool {
        let deadline = Deadline::after(limit);
        while !self.cancel.is_cancelled() && !deadline.has_passed() {
            self.wake.wait(deadline.left(limit));
        }
        !self.cancel.is_cancelled()
    }

    fn enter(&self, state: SourceState, why: Option<&Error>) {
        let old = std::mem::replace(&mut *self.state.lock(), state.clone());
        if old.word() == state.word() {
            return;
        }
        let mut event = Event::now(self.kind, &*self.name, old.word(), state.word());
        if let Some(why) = why {
            event = event.because(why.message());
        }
        self.others.lock().iter().for_each(|others| others.emit(event.clone()));
        self.events.emit(event);
    }

    /// Ends its thread's waiting; nothing in a forked child, where neither thread nor connection is ours.
    pub(super) fn end(&self) {
        if !self.is_here() {
            return;
        }
        self.cancel.cancel();
        self.wake.ring();
        if let Some(hang_up) = self.hang_up.lock().take() {
            hang_up();
        }
        self.enter(SourceState::Ended, None);
        self.events.close();
        self.others.lock().clear();
    }

    fn attach<S: Served>(&self, served: &S) -> Result<()> {
        *self.hang_up.lock() = served.hang_up()?;
        Ok(())
    }

    /// Serves what `open` gives, and what it gives again when that is lost, on a thread of its own: `step` again and
    /// again. Waits for the first; its error is one of this.
    pub(super) fn serve<S: Served>(
        self: &Arc<Self>,
        thread_name: &str,
        mut open: impl FnMut() -> Result<S> + Send + 'static,
        mut step: impl FnMut(Step<'_, S>) -> Result<()> + Send + 'static,
    ) -> Result<Thread> {
        let this = self.clone();
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let thread = thread::spawn(thread_name, move || {
            thread::ask_for_priority();
            let mut served = match open().and_then(|first| this.attach(&first).map(|()| first)) {
                Ok(first) => {
                    this.enter(SourceState::Live, None);
                    drop(sender.send(Ok(())));
                    Some(first)
                }
                Err(error) => return drop(sender.send(Err(error))),
            };
            while !this.is_cancelled() {
                let failed = match &mut served {
                    Some(stream) => step(Step::Serve(stream)).err(),
                    None => this.again(&mut open, &mut served, &mut step),
                };
                if let Some(error) = failed.filter(|_| !this.is_cancelled()) {
                    if served.take().is_some() {
                        tracing::warn!("{}: {error}", this.name);
                    }
                    this.enter(SourceState::Reconnecting, Some(&error));
                }
            }
            if let Some(mut stream) = served {
                drop(step(Step::End(&mut stream)));
            }
        })?;
        receiver.recv().map_err(|_| Error::internal("a device was not opened"))??;
        Ok(thread)
    }

    fn again<S: Served>(
        &self,
        open: &mut impl FnMut() -> Result<S>,
        served: &mut Option<S>,
        step: &mut impl FnMut(Step<'_, S>) -> Result<()>,
    ) -> Option<Error> {
        if !self.pause(AGAIN) {
            return None;
        }
        match open().and_then(|stream| self.attach(&stream).map(|()| stream)) {
            Ok(stream) => {
                let begun = step(Step::Begin).err();
                *served = Some(stream);
                self.enter(SourceState::Live, None);
                begun
            }
            Err(error) => Some(error),
        }
    }
}

/// What is to be done with a connection.
pub(super) enum Step<'a, S> {
    /// It is new: what came before is over.
    Begin,
    /// It is served for a moment.
    Serve(&'a mut S),
    /// It is given up.
    End(&'a mut S),
}
