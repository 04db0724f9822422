// SPDX-License-Identifier: GPL-2.0-or-later
//! Waiting for the engine without holding the GIL, and leaving at once when the user presses Ctrl-C.

use crate::error::{Raise, raise};
use crate::service;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select};
use livekit_studio::clock::Deadline;
use livekit_studio::thread::Process;
use livekit_studio::{Cancel, Error, ErrorKind, thread};
use pyo3::prelude::*;
use std::time::Duration;

/// The process an object was made in. A forked child has the parent's objects but none of their threads: using
/// one there is an error, dropping it does nothing.
#[derive(Clone, Copy)]
pub(crate) struct Born(Process);

impl Born {
    /// In this process.
    pub(crate) fn here() -> Self {
        service::current().start();
        Self(Process::here())
    }

    /// Whether that is the process that runs.
    pub(crate) fn is_here(self) -> bool {
        self.0.is_this()
    }

    /// Ends `it`, made in that process, without the GIL, since its threads are waited for. In any other process it is
    /// the parent's, who goes on with it, and so are perhaps locks that nobody will open here.
    pub(crate) fn end<T: Send>(self, it: T) {
        if !self.is_here() {
            std::mem::forget(it);
            return;
        }
        let mut it = Some(it);
        Python::try_attach(|py| py.detach(|| drop(it.take())));
    }

    /// An error in any other process.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.0.is_this() {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Closed, "this object was made before the process was forked");
        Err(raise(
            error.with_hint("make it in the child, or start the child with multiprocessing's \"spawn\""),
        ))
    }
}

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of the engine and waits for it without the GIL. Every 50 ms `tick` is called with the
/// GIL and signals are looked for; an exception from either cancels the work, waits for its end and is raised.
pub(crate) fn blocking<T: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    tick: impl FnMut(Python<'_>) -> PyResult<()>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    attending(py, cancel, tick, |_, ()| Ok(()), |_| work())
}

/// How work asks something of the thread that waits for it.
pub(crate) struct Asking<A>(Sender<A>, Receiver<()>);

impl<A: Send> Asking<A> {
    /// Waits for the answer; an error when there will be none.
    pub(crate) fn ask(&self, what: A) -> Result<(), Error> {
        let answered = self.0.send(what).is_ok() && self.1.recv().is_ok();
        let given_up = || Error::new(ErrorKind::Cancelled, "nobody waits for this any more");
        if answered { Ok(()) } else { Err(given_up()) }
    }
}

/// The same; what the work asks is answered by `answer`, with the GIL, on the thread that called.
pub(crate) fn attending<T: Send + 'static, A: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    mut tick: impl FnMut(Python<'_>) -> PyResult<()>,
    mut answer: impl FnMut(Python<'_>, A) -> PyResult<()>,
    work: impl FnOnce(Asking<A>) -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = bounded(1);
    let ((ask, asked), (answers, answered)) = (bounded(1), bounded(1));
    let worker =
        thread::spawn("lk-call", move || drop(sender.send(work(Asking(ask, answered))))).or_raise()?;
    let (mut asked, mut look) = (Some(asked), Deadline::after(LOOK));
    let outcome = loop {
        let event = py.detach(|| Event::next(&receiver, asked.as_ref()));
        let interrupted = match event {
            Event::Done(value) => break Ok(value),
            Event::Gone => break Err(raise(Error::internal("a call into the engine panicked"))),
            Event::NothingMore => {
                asked = None;
                Ok(())
            }
            Event::Asked(what) => py.check_signals().and_then(|()| answer(py, what)).and_then(|()| {
                // it may have given up meanwhile
                let _ = answers.try_send(());
                if !look.has_passed() {
                    return Ok(());
                }
                look = Deadline::after(LOOK);
                tick(py)
            }),
            Event::Nothing => py.check_signals().and_then(|()| tick(py)),
        };
        if let Err(interrupt) = interrupted {
            cancel.cancel();
            break Err(interrupt);
        }
    };
    drop((asked, answers));
    py.detach(|| worker.join()).or_raise()?;
    outcome
}

/// What the one who waits hears of.
enum Event<T, A> {
    Done(T),
    Gone,
    Asked(A),
    NothingMore,
    Nothing,
}

impl<T, A> Event<T, A> {
    fn next(done: &Receiver<T>, asked: Option<&Receiver<A>>) -> Self {
        let never = never();
        select! {
            recv(done) -> value => value.map_or(Self::Gone, Self::Done),
            recv(asked.unwrap_or(&never)) -> what => what.map_or(Self::NothingMore, Self::Asked),
            default(LOOK) => Self::Nothing,
        }
    }
}

/// The same for work that returns the engine's results and needs no ticks.
pub(crate) fn wait_for<T: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> PyResult<T> {
    blocking(py, cancel, |_| Ok(()), work)?.or_raise()
}

/// Runs `work` like [`blocking`]; when a signal comes, its exception is raised at once and the work goes on by itself.
pub(crate) fn leaving<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = bounded(1);
    let worker = thread::spawn("lk-call", move || drop(sender.send(work()))).or_raise()?;
    loop {
        match py.detach(|| receiver.recv_timeout(LOOK)) {
            Ok(value) => return py.detach(|| worker.join()).or_raise().map(|()| value),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(raise(Error::internal("a call into the engine panicked")));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(interrupt) = py.check_signals() {
                    worker.detach();
                    return Err(interrupt);
                }
            }
        }
    }
}

/// Something whose end may take a while: it is dropped without the GIL.
pub(crate) struct Released<T: Send>(Option<T>);

impl<T: Send> Released<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> std::ops::Deref for Released<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send> Drop for Released<T> {
    fn drop(&mut self) {
        let mut value = self.0.take();
        // where the interpreter is gone already, it is dropped as things are
        Python::try_attach(|py| py.detach(|| drop(value.take())));
    }
}
