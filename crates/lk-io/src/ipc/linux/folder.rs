// SPDX-License-Identifier: GPL-2.0-or-later
//! The folder of names: each is the socket of a running writer.

use super::socket::Connection;
use super::{Waited, failed, peer};
use crate::ipc::of_kind;
use lk_media::clock::Deadline;
use lk_media::thread::Process;
use lk_media::{Error, ErrorKind, Result, Wake};
use rustix::fs::{
    FileType, FlockOperation, Mode, OFlags, Stat, flock, inotify, lstat, mkdir, open, rename, unlink,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};
use rustix::process::geteuid;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest name, in bytes.
const MAX_NAME: usize = 64;
/// The longest path of a socket, in bytes: the system's limit.
const MAX_PATH: usize = 107;
/// What a socket is called before it has its name.
const NEW: &str = ".new";
/// Readers that may wait to be let in.
const WAITING: i32 = 64;
/// How long another writer of this folder may take to begin.
const PATIENCE: Duration = Duration::from_secs(2);

/// The folder in which the programs of a user meet.
#[derive(Clone, Debug)]
pub(in crate::ipc) struct Folder(PathBuf);

/// The answer of [`Folder::connect`].
pub(in crate::ipc) enum Reached {
    /// Nobody writes under this name.
    Nobody,
    /// Somebody does, but too many others want to read at this moment.
    Crowded,
    /// A writer.
    Writer(Connection),
}

impl Folder {
    /// The folder of this user, made if needed: `livekit` in XDG_RUNTIME_DIR, else in /run/user/UID, else
    /// /tmp/livekit-UID.
    pub fn of_user() -> Result<Self> {
        let uid = geteuid().as_raw();
        let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let usual = PathBuf::from(format!("/run/user/{uid}"));
        let ours = |path: &PathBuf| {
            path.is_absolute()
                && lstat(path).is_ok_and(|s| is_kind(&s, FileType::Directory) && s.st_uid == uid)
        };
        match named.into_iter().chain([usual]).find(ours) {
            Some(runtime) => Self::at(&runtime.join("livekit")),
            None => Self::at(Path::new(&format!("/tmp/livekit-{uid}"))),
        }
    }

    /// That folder, made if needed; an error unless it is ours alone.
    pub fn at(path: &Path) -> Result<Self> {
        let fail = |e| failed(ErrorKind::Output, format_args!("the folder {}", path.display()), e);
        match mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(fail(e)),
        }
        let there = lstat(path).map_err(fail)?;
        let problem = if !is_kind(&there, FileType::Directory) {
            Some("it is not a folder")
        } else if there.st_uid != geteuid().as_raw() {
            Some("it belongs to another user")
        } else if there.st_mode & 0o077 != 0 {
            Some("others than its owner may use it")
        } else {
            None
        };
        match problem {
            None => Ok(Self(path.to_owned())),
            Some(problem) => {
                Err(Error::new(ErrorKind::Output, format!("the folder {}: {problem}", path.display()))
                    .with_errno(Errno::PERM.raw_os_error())
                    .with_hint("it must be yours alone (mode 0700); XDG_RUNTIME_DIR says where it lies"))
            }
        }
    }

    /// Where a name lies; an error for what cannot be one.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let problem = if name.is_empty() {
            Some("a name cannot be empty")
        } else if name.contains('/') {
            Some("a name cannot have a slash in it")
        } else if name.starts_with('.') || name.chars().any(char::is_control) {
            Some("a name cannot begin with a dot or hold control characters")
        } else if name.len() > MAX_NAME {
            Some("a name cannot be longer than 64 bytes")
        } else {
            None
        };
        if let Some(problem) = problem {
            let short: String = name.chars().take(40).collect();
            return Err(Error::parameter(format!("{short:?} cannot be shared: {problem}"))
                .with_hint("use a short name such as \"cam1\""));
        }
        let path = self.0.join(name);
        if path.as_os_str().len() > MAX_PATH {
            let message = format!("{} is too long for a socket", path.display());
            return Err(
                Error::parameter(message).with_hint("use a shorter name, or a shorter XDG_RUNTIME_DIR")
            );
        }
        Ok(path)
    }

    /// The path of a file that lies here besides; its name begins with a dot, which no shared one does.
    pub fn hidden(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}"))
    }

    /// Takes a name for a writer; Busy if it has one. What a dead writer left behind is replaced.
    pub fn claim(&self, name: &str) -> Result<Listener> {
        let path = self.path(name)?;
        let fail =
            |e| failed(ErrorKind::Output, format_args!("the name {name:?} in {}", self.0.display()), e);
        let _turn = self.lock().map_err(fail)?;
        match self.connect(name) {
            Ok(Reached::Nobody) => {}
            Ok(_) => {
                return Err(Error::new(ErrorKind::Busy, format!("the name {name:?} has a writer already"))
                    .with_hint("use another name, or end that program (livekit-studio ipc list shows it)"));
            }
            Err(e) => return Err(of_kind(ErrorKind::Output, e)),
        }
        // it appears under its name when it can be connected to, in place of what may lie there; only whose turn it is
        // uses the other name
        let fresh = self.0.join(NEW);
        let _ = unlink(&fresh);
        let made = || -> std::result::Result<(OwnedFd, Stat), Errno> {
            let socket = new_socket()?;
            bind(&socket, &SocketAddrUnix::new(&fresh)?)?;
            let there = lstat(&fresh)?;
            listen(&socket, WAITING)?;
            rename(&fresh, &path)?;
            Ok((socket, there))
        };
        let (socket, there) = made().map_err(|e| {
            let _ = unlink(&fresh);
            fail(e)
        })?;
        Ok(Listener { socket, path, file: (there.st_dev, there.st_ino), process: Process::here() })
    }

    /// Connects to the writer of a name, without waiting.
    pub fn connect(&self, name: &str) -> Result<Reached> {
        let path = self.path(name)?;
        let fail = |e| failed(ErrorKind::Stream, format_args!("{}", path.display()), e);
        let there = match lstat(&path) {
            Err(Errno::NOENT) => return Ok(Reached::Nobody),
            there => there.map_err(fail)?,
        };
        if there.st_uid != geteuid().as_raw() {
            return Err(peer::another_user(there.st_uid).context(path.display()));
        }
        if !is_kind(&there, FileType::Socket) {
            return Err(Error::new(ErrorKind::Stream, format!("{} is not a socket", path.display()))
                .with_hint("remove it, or use another name"));
        }
        let socket = new_socket().map_err(fail)?;
        match connect(&socket, &SocketAddrUnix::new(&path).map_err(fail)?) {
            Ok(()) => {}
            Err(Errno::CONNREFUSED | Errno::NOENT) => return Ok(Reached::Nobody),
            Err(Errno::AGAIN) => return Ok(Reached::Crowded),
            Err(e) => return Err(fail(e)),
        }
        let connection = Connection::new(socket).map_err(|e| e.context(path.display()))?;
        Ok(connection.map_or(Reached::Nobody, Reached::Writer))
    }

    /// Readable whenever a name has appeared; to be renewed after each time.
    pub fn watch(&self) -> std::result::Result<Watch, Errno> {
        inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).map(Watch)
    }

    /// Takes what a watch has to say and watches (again), also where the folder was made anew.
    pub fn renew(&self, Watch(watch): &Watch) -> Result<()> {
        let mut events = [0u8; 4096];
        while rustix::io::read(watch, &mut events).is_ok_and(|n| n > 0) {}
        Self::at(&self.0)?;
        let kinds = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::DELETE_SELF;
        inotify::add_watch(watch, &self.0, kinds | inotify::WatchFlags::ONLYDIR)
            .map(|_| ())
            .map_err(|e| failed(ErrorKind::Stream, format_args!("the folder {}", self.0.display()), e))
    }

    /// All names, those of dead writers too.
    pub fn names(&self) -> Result<Vec<String>> {
        let fail = |e: std::io::Error| {
            let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
            failed(ErrorKind::Stream, format_args!("the folder {}", self.0.display()), errno)
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(fail)? {
            names.extend(entry.map_err(fail)?.file_name().into_string().ok().filter(|n| !n.starts_with('.')));
        }
        names.sort();
        Ok(names)
    }

    /// Removes a name whose writer has died.
    pub fn forget(&self, name: &str) {
        let Ok(path) = self.path(name) else { return };
        let Ok(_turn) = self.lock() else { return };
        let is_socket = lstat(&path).is_ok_and(|s| is_kind(&s, FileType::Socket));
        if is_socket && matches!(self.connect(name), Ok(Reached::Nobody)) {
            let _ = unlink(&path);
        }
    }

    /// One writer begins at a time. The kernel lets go of the lock of a process that dies; one that is stopped
    /// meanwhile is waited for a little.
    fn lock(&self) -> std::result::Result<OwnedFd, Errno> {
        let folder = open(&self.0, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let (deadline, pause) = (Deadline::after(PATIENCE), Wake::new());
        loop {
            match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::AGAIN | Errno::INTR) if !deadline.has_passed() => {
                    pause.wait(Duration::from_millis(2));
                }
                done => return done.map(|()| folder),
            }
        }
    }
}

fn is_kind(file: &Stat, kind: FileType) -> bool {
    FileType::from_raw_mode(file.st_mode) == kind
}

fn new_socket() -> std::result::Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

/// A name with us as its writer, until dropped.
pub(in crate::ipc) struct Listener {
    socket: OwnedFd,
    path: PathBuf,
    file: (u64, u64),
    process: Process,
}

/// Sees names appear.
pub(in crate::ipc) struct Watch(OwnedFd);

impl Watch {
    pub fn waited(&self) -> Waited<'_> {
        self.0.as_fd()
    }
}

impl Listener {
    /// Ready when a reader has connected.
    pub fn waited(&self) -> Waited<'_> {
        self.socket.as_fd()
    }

    /// The next reader that has connected; `Ok(None)` if there is none, or it was not one to be let in.
    pub fn accept(&self) -> Result<Option<Connection>> {
        match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(socket) => Connection::new(socket),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
            Err(e) => Err(failed(ErrorKind::Output, "a reader cannot be let in", e)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // not in a forked child; and while we listen nobody else can have taken the name
        if self.process.is_this() && lstat(&self.path).is_ok_and(|s| (s.st_dev, s.st_ino) == self.file) {
            let _ = unlink(&self.path);
        }
    }
}
