// SPDX-License-Identifier: GPL-2.0-or-later
//! Who is at the other end of a socket: the kernel knows.
#![allow(unsafe_code)] // one system call that rustix gives no sound answer for

use lk_media::{Error, ErrorKind, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A process at the other end.
pub(super) struct Peer {
    /// Readable once the process has ended; None where it cannot be watched, then the socket's hang-up is all.
    pub process: Option<OwnedFd>,
    /// Whether it has ended already: somebody who inherited its descriptors keeps the socket open.
    pub is_gone: bool,
}

/// Who that is; an error unless it is the same user.
pub(super) fn of(socket: impl AsFd) -> Result<Peer> {
    let (pid, uid) = credentials(socket).map_err(|e| super::failed(ErrorKind::Stream, "a socket", e))?;
    let own = rustix::process::geteuid().as_raw();
    if uid != own {
        return Err(another_user(uid));
    }
    // 0: it lives in a container whose processes cannot be seen from here
    let Some(pid) = Pid::from_raw(pid) else { return Ok(Peer { process: None, is_gone: false }) };
    Ok(match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Peer { is_gone: has_ended(&process), process: Some(process) },
        Err(errno) => Peer { process: None, is_gone: errno == Errno::SRCH },
    })
}

/// The error about things of somebody else.
pub(super) fn another_user(uid: u32) -> Error {
    Error::new(ErrorKind::Stream, format!("it belongs to another user (number {uid})"))
        .with_errno(Errno::PERM.raw_os_error())
        .with_hint("pictures are shared between programs of the same user only")
}

fn has_ended(process: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|n| n > 0)
}

/// Process and user. The process may be 0, which rustix's type for it cannot say.
fn credentials(socket: impl AsFd) -> std::result::Result<(i32, u32), Errno> {
    let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    let into = (&raw mut found).cast();
    // SAFETY: an open socket; the structure and its length live through the call, which writes no more than that.
    if unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, into, &raw mut len) } != 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok((found.pid, found.uid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    #[test]
    fn we_are_our_own_peer_and_alive() {
        let (a, _b) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let peer = of(&a).unwrap();
        assert!(peer.process.is_some() && !peer.is_gone);
    }
}
