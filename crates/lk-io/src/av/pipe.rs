// SPDX-License-Identifier: GPL-2.0-or-later
//! Pipes (FIFOs): opened without waiting for a writer, and read without getting stuck in the kernel.

use super::interrupt::Interrupt;
use lk_media::Result;

#[cfg(unix)]
pub(crate) use unix::Pipe;

#[cfg(unix)]
mod unix {
    use super::{Interrupt, Result};
    use lk_media::{Error, ErrorKind};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    /// How often giving up is looked for, in nanoseconds.
    const TICK: i64 = 50_000_000;

    /// The reading end of a pipe. FFmpeg's own `pipe:` protocol reads from it; since it does not block, that
    /// protocol asks the interrupt every millisecond while there is nothing to read.
    pub(crate) struct Pipe(File);

    impl Pipe {
        /// Opens the pipe and waits until somebody has written to it.
        pub(crate) fn open(path: &str, interrupt: &Interrupt) -> Result<Self> {
            let failed = |e: std::io::Error| {
                Error::new(ErrorKind::Media, format!("{path}: {e}"))
                    .with_errno(e.raw_os_error().unwrap_or(0))
                    .with_source(e)
            };
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
            loop {
                // before its first writer a pipe reads as ended, but is not ready
                let mut fds = [PollFd::new(&file, PollFlags::IN)];
                match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: TICK })) {
                    Ok(n) if n > 0 => return Ok(Self(file)),
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(failed(e.into())),
                }
                if let Some(error) = interrupt.error() {
                    return Err(error.context(path));
                }
            }
        }

        /// What FFmpeg opens.
        pub(crate) fn url(&self) -> String {
            format!("pipe:{}", self.0.as_raw_fd())
        }
    }
}

/// There are no pipes with names on other systems.
#[cfg(not(unix))]
pub(crate) struct Pipe;

#[cfg(not(unix))]
impl Pipe {
    pub(crate) fn open(path: &str, _interrupt: &Interrupt) -> Result<Self> {
        Err(lk_media::Error::new(lk_media::ErrorKind::Media, format!("{path}: pipes cannot be read here")))
    }

    pub(crate) fn url(&self) -> String {
        String::new()
    }
}
