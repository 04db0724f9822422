// SPDX-License-Identifier: GPL-2.0-or-later
//! A bell that wakes a thread that waits for its display.

use lk_media::{Error, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Rung by others to wake a thread that waits for its display.
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Error::internal("cannot make an event descriptor").with_source(e))?;
        Ok(Self(fd))
    }

    pub fn ring(&self) {
        // full means that it has been rung
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Waits for it, at most `limit`.
    pub fn wait(&self, limit: Duration) {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut fds, Some(&timespec(limit))).is_ok_and(|rung| rung > 0) {
            self.clear();
        }
    }

    /// Waits until `display` has something to say, the bell rings, or `limit` has passed. True if the display has.
    pub fn wait_beside(&self, display: BorrowedFd<'_>, limit: Option<Duration>) -> Result<bool> {
        let mut fds = [PollFd::from_borrowed_fd(display, PollFlags::IN), PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, limit.map(timespec).as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(false),
            Err(e) => return Err(Error::internal("cannot wait for the display").with_source(e)),
        }
        if !fds[1].revents().is_empty() {
            self.clear();
        }
        Ok(!fds[0].revents().is_empty())
    }

    fn clear(&self) {
        let _ = rustix::io::read(self.0.as_fd(), &mut [0; 8]);
    }
}

fn timespec(limit: Duration) -> Timespec {
    Timespec { tv_sec: limit.as_secs().min(3600) as i64, tv_nsec: i64::from(limit.subsec_nanos()) }
}
