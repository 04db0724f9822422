// SPDX-License-Identifier: GPL-2.0-or-later
//! The socket to an X server, with as few calls of the system as it takes: it is waited for only where there is
//! something to wait for, and not read again when there was less than asked for.

use std::io::{ErrorKind, IoSlice, Result};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::reexports::x11rb_protocol::xauth::get_auth;
use x11rb::rust_connection::{ConnectError, DefaultStream, PollMode, RustConnection, Stream};
use x11rb::utils::RawFdContainer;

/// A connection to an X server.
pub(crate) type Conn = RustConnection<Socket>;

/// Connects to the display called `name`: the connection, and the number of its screen.
pub(super) fn connect(name: &str) -> std::result::Result<(Conn, usize), ConnectError> {
    let display = parse_display(Some(name))?;
    let screen = usize::from(display.screen);
    let mut error = ConnectError::InvalidScreen;
    for address in display.connect_instruction() {
        match DefaultStream::connect(&address) {
            Ok((stream, (family, peer))) => {
                // a display that wants to know who we are says so
                let known = get_auth(family, &peer, display.display).ok().flatten();
                let (way, secret) = known.unwrap_or_default();
                let socket =
                    Socket { stream, is_full: AtomicBool::new(false), is_empty: AtomicBool::new(false) };
                let conn = RustConnection::connect_to_stream_with_auth_info(socket, screen, way, secret)?;
                return Ok((conn, screen));
            }
            Err(e) => error = e.into(),
        }
    }
    Err(error)
}

/// The socket.
pub(crate) struct Socket {
    stream: DefaultStream,
    /// The last write found no room.
    is_full: AtomicBool,
    /// The last read took all there was, and nobody has waited for more since.
    is_empty: AtomicBool,
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Socket {
    /// Has it read again: somebody has waited for more.
    pub fn look_again(&self) {
        self.is_empty.store(false, Ordering::Relaxed);
    }

    /// Notes whether there was room.
    fn written(&self, result: Result<usize>) -> Result<usize> {
        let is_full = result.as_ref().is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
        self.is_full.store(is_full, Ordering::Relaxed);
        result
    }
}

impl Stream for Socket {
    fn poll(&self, mode: PollMode) -> Result<()> {
        // what is to be written is written, and waited for when that has failed
        if mode.writable() && !self.is_full.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.look_again();
        self.stream.poll(mode)
    }

    fn read(&self, buf: &mut [u8], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        if self.is_empty.load(Ordering::Relaxed) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.stream.read(buf, fds)?;
        self.is_empty.store(count > 0 && count < buf.len(), Ordering::Relaxed);
        Ok(count)
    }

    fn write(&self, buf: &[u8], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.written(self.stream.write(buf, fds))
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.written(self.stream.write_vectored(bufs, fds))
    }
}
