// SPDX-License-Identifier: GPL-2.0-or-later
//! Messages between a writer and a reader, and waiting for them. Nothing here blocks but [`wait`].
//!
//! The writer says two things: here is the memory (16 bytes and two descriptors), and there is a new picture (8
//! bytes). Readers say nothing. Both ends have a socket of their own, so neither can make the other wait: with an
//! eventfd, which is one object for both, a reader could.

use super::{Memory, Waited, failed, peer};
use crate::ipc::layout::{MAGIC, VERSION};
use lk_media::{ErrorKind, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, send, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// One end of a connection, and the process at the other.
pub(in crate::ipc) struct Connection {
    socket: OwnedFd,
    process: Option<OwnedFd>,
}

/// What came from a writer.
pub(in crate::ipc) enum Received {
    /// The memory, and the page for our leases.
    Memory(Memory, Memory),
    /// There are new pictures.
    Pictures,
    /// Nothing (more) for now.
    Nothing,
    /// The other end has gone, or talks nonsense.
    Closed(Option<&'static str>),
}

impl Connection {
    /// Checks who is there; None if that process has ended.
    pub fn new(socket: OwnedFd) -> Result<Option<Self>> {
        let peer = peer::of(&socket)?;
        Ok((!peer.is_gone).then_some(Self { socket, process: peer.process }))
    }

    /// Ready when there is a message, or the other end has hung up.
    pub fn messages(&self) -> Waited<'_> {
        self.socket.as_fd()
    }

    /// Ready once the process at the other end has ended; None where that cannot be watched.
    pub fn process(&self) -> Option<Waited<'_>> {
        self.process.as_ref().map(AsFd::as_fd)
    }

    /// Writer: hands the memory out; false if the reader does not take it.
    pub fn send_memory(&self, pictures: &Memory, leases: &Memory) -> bool {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        let fds = [pictures.as_fd(), leases.as_fd()];
        if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
            return false;
        }
        let words = [MAGIC.to_ne_bytes(), VERSION.to_ne_bytes()].concat();
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(&self.socket, &[IoSlice::new(&words)], &mut control, flags).is_ok()
    }

    /// Writer: says that there is a picture. A reader whose queue is full knows already.
    pub fn send_number(&self, number: u64) {
        // one that has gone is noticed by its hang-up
        let _ = send(&self.socket, &number.to_ne_bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }

    /// Writer: whether the reader is still there and silent, as it should be.
    pub fn is_silent(&self) -> bool {
        matches!(recv(&self.socket, &mut [0u8; 1], RecvFlags::DONTWAIT), Err(Errno::AGAIN | Errno::INTR))
    }

    /// Reader: the next message.
    pub fn receive(&self) -> Received {
        let mut words = [0; 16];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let got = recvmsg(&self.socket, &mut [IoSliceMut::new(&mut words)], &mut control, flags);
        let mut files: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                files.extend(fds);
            }
        }
        let got = match got {
            Ok(got) => got,
            Err(Errno::AGAIN | Errno::INTR) => return Received::Nothing,
            Err(_) => return Received::Closed(None),
        };
        let (magic, version) = (&words[..8], &words[8..]);
        match (got.bytes, files.len()) {
            (0, _) => Received::Closed(None),
            (8, 0) => Received::Pictures,
            (16, _) if magic != MAGIC.to_ne_bytes() => Received::Closed(Some("the writer is something else")),
            (16, _) if version != VERSION.to_ne_bytes() => {
                Received::Closed(Some("the writer is of another version"))
            }
            (16, 2) => {
                let leases = files.pop();
                match (files.pop(), leases) {
                    (Some(pictures), Some(leases)) => Received::Memory(pictures, leases),
                    _ => Received::Closed(None),
                }
            }
            (16, _) if got.flags.contains(ReturnFlags::CTRUNC) => {
                Received::Closed(Some("this process has too many files open: raise ulimit -n, or close some"))
            }
            _ => Received::Closed(Some("the writer talks nonsense")),
        }
    }
}

/// Ends a [`wait`] from another thread.
pub(in crate::ipc) struct Bell(OwnedFd);

impl Bell {
    pub fn new(kind: ErrorKind) -> Result<Self> {
        let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        made.map(Self).map_err(|e| failed(kind, "a bell", e))
    }

    /// Rings for good.
    pub fn ring(&self) {
        // it can only fail when it rings already
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub fn waited(&self) -> Waited<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of `waited` is readable or hung up, at most `limit`; which of them are.
pub(in crate::ipc) fn wait(waited: &[Waited<'_>], limit: Option<Duration>) -> Vec<bool> {
    let mut polled: Vec<PollFd<'_>> =
        waited.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let limit = limit.map(|l| Timespec { tv_sec: l.as_secs() as i64, tv_nsec: i64::from(l.subsec_nanos()) });
    // an interrupted wait is a short one
    let ready = poll(&mut polled, limit.as_ref()).is_ok();
    polled.iter().map(|fd| ready && !fd.revents().is_empty()).collect()
}
