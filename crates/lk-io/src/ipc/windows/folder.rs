// SPDX-License-Identifier: GPL-2.0-or-later
//! Names: each has a page in memory that leads to its writer, and a file in the user's folder, which is there for as
//! long as its writer lives and is only looked for, never read.
#![allow(unsafe_code)] // watching a folder

use super::connection::Connection;
use super::door::{self, Door, ENTRIES, Word};
use super::object::{Event, Who, is_missing, is_signalled, unique, wide};
use super::{Waited, failed};
use lk_media::{Clock, Error, ErrorKind, Result};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{BorrowedHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_DELETE_ON_CLOSE, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FindCloseChangeNotification, FindFirstChangeNotificationW, FindNextChangeNotification,
};

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// The folder in which the programs of a user meet.
#[derive(Clone, Debug)]
pub(in crate::ipc) struct Folder {
    path: PathBuf,
    /// What stands before names of this folder; nothing in the user's own.
    mark: String,
}

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
    /// The folder of this user: `LiveKit\shared` in LOCALAPPDATA.
    pub fn of_user() -> Result<Self> {
        let local = std::env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|p| p.is_absolute());
        let Some(local) = local else {
            return Err(Error::new(ErrorKind::Output, "there is no folder for the names of what is shared")
                .with_hint("set LOCALAPPDATA"));
        };
        Ok(Self { mark: String::new(), ..Self::at(&local.join("LiveKit").join("shared"))? })
    }

    /// That folder, made if needed.
    pub fn at(path: &Path) -> Result<Self> {
        let fail =
            |e: io::Error| failed(ErrorKind::Output, format_args!("the folder {}", path.display()), &e);
        std::fs::create_dir_all(path).map_err(fail)?;
        let whole = std::fs::canonicalize(path).map_err(fail)?;
        // FNV-1a: short, and the same for every process
        let hash =
            whole.to_string_lossy().to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Ok(Self { path: path.to_owned(), mark: format!("{hash:016x}.") })
    }

    /// Where a name lies; an error for what cannot be one.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let problem = if name.is_empty() {
            Some("a name cannot be empty")
        } else if name.contains(['/', '\\']) {
            Some("a name cannot have a slash in it")
        } else if name.starts_with('.') || name.chars().any(char::is_control) {
            Some("a name cannot begin with a dot or hold control characters")
        } else if name.contains(['<', '>', ':', '"', '|', '?', '*']) || name.ends_with(['.', ' ']) {
            Some("on Windows a name cannot hold any of <>:\"|?* or end in a dot or a space")
        } else if name.len() > MAX_NAME {
            Some("a name cannot be longer than 64 bytes")
        } else {
            None
        };
        match problem {
            None => Ok(self.path.join(name)),
            Some(problem) => {
                let short: String = name.chars().take(40).collect();
                Err(Error::parameter(format!("{short:?} cannot be shared: {problem}"))
                    .with_hint("use a short name such as \"cam1\""))
            }
        }
    }

    fn object(&self, name: &str, what: &str) -> String {
        // files do not care for case
        door::name(&self.mark, &name.to_lowercase(), what)
    }

    /// Takes a name for a writer; Busy if it has one.
    pub fn claim(&self, name: &str) -> Result<Listener> {
        let path = self.path(name)?;
        let fail = |e: &io::Error| {
            failed(ErrorKind::Output, format_args!("the name {name:?} in {}", self.path.display()), e)
        };
        // only writers ever open it, so it is there for as long as one lives
        let (turn, taken) = Event::create(Some(&self.object(name, ".writer")), true).map_err(|e| fail(&e))?;
        if taken {
            return Err(Error::new(ErrorKind::Busy, format!("the name {name:?} has a writer already"))
                .with_hint("use another name, or end that program (livekit-studio ipc list shows it)"));
        }
        let bell = door::bell(&self.object(name, ".bell")).map_err(|e| fail(&e))?;
        let (page, door) = Door::create(&self.object(name, "")).map_err(|e| fail(&e))?;
        let now = <dyn Clock>::live().now().as_nanos().unsigned_abs();
        // another than before, also of the same process
        let number = (now ^ unique().rotate_left(40)).max(1);
        door.begin(Who::we(), number);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(&path)
            .map_err(|e| fail(&e))?;
        Ok(Listener { door, bell, turn: number, _file: file, _page: page, _taken: turn })
    }

    /// Connects to the writer of a name, without waiting.
    pub fn connect(&self, name: &str) -> Result<Reached> {
        self.path(name)?;
        let fail = |e: io::Error| failed(ErrorKind::Stream, format_args!("the name {name:?}"), &e);
        let door = match Door::open(&self.object(name, "")) {
            Err(e) if is_missing(&e) => return Ok(Reached::Nobody),
            door => door.map_err(fail)?,
        };
        if !door.is_known() {
            return Err(Error::new(
                ErrorKind::Stream,
                format!("the writer of {name:?} is of another version"),
            )
            .with_hint("run the same version on both sides"));
        }
        let Some((who, turn)) = door.writer() else { return Ok(Reached::Nobody) };
        let Ok(process) = who.watch() else { return Ok(Reached::Nobody) };
        let bell = match Event::open(&self.object(name, ".bell")) {
            Err(e) if is_missing(&e) => return Ok(Reached::Nobody),
            bell => bell.map_err(fail)?,
        };
        let reader = unique();
        let [news, gone] = door::events(reader);
        let (messages, _) = Event::create(Some(&news), false).map_err(fail)?;
        let (other, _) = Event::create(Some(&gone), true).map_err(fail)?;
        let Some(entry) = door.enter(Who::we(), reader, turn) else { return Ok(Reached::Crowded) };
        bell.set();
        let generation = AtomicU64::new(0);
        let connection =
            Connection { door, entry, reader, is_writer: false, messages, other, process, generation };
        Ok(Reached::Writer(connection))
    }

    /// Ready whenever a name has appeared; to be renewed after each time.
    pub fn watch(&self) -> io::Result<Watch> {
        Watch::new(&self.path)
    }

    /// Takes what a watch has to say and watches again.
    pub fn renew(&self, watch: &Watch) -> Result<()> {
        watch
            .renew()
            .map_err(|e| failed(ErrorKind::Stream, format_args!("the folder {}", self.path.display()), &e))
    }

    /// All names, those of dead writers too.
    pub fn names(&self) -> Result<Vec<String>> {
        let fail =
            |e: io::Error| failed(ErrorKind::Stream, format_args!("the folder {}", self.path.display()), &e);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(fail)? {
            names.extend(entry.map_err(fail)?.file_name().into_string().ok().filter(|n| !n.starts_with('.')));
        }
        names.sort();
        Ok(names)
    }

    /// Removes a name whose writer has died.
    pub fn forget(&self, name: &str) {
        if let Ok(path) = self.path(name)
            && matches!(self.connect(name), Ok(Reached::Nobody))
        {
            // one that a writer has just made is not let go of while it is open
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A name with us as its writer, until dropped.
pub(in crate::ipc) struct Listener {
    door: Door,
    bell: Event,
    turn: u64,
    // let go in this order: nobody finds the name before it can be taken again
    _file: File,
    _page: OwnedHandle,
    _taken: Event,
}

impl Listener {
    /// Ready when a reader has connected.
    pub fn waited(&self) -> Waited<'_> {
        self.bell.waited()
    }

    /// The next reader that has connected; `Ok(None)` if there is none, or it was not one to be let in.
    pub fn accept(&self) -> Result<Option<Connection>> {
        let new = |entry: usize| {
            let reader = self.door.read(entry, Word::Reader);
            (reader != 0 && self.door.read(entry, Word::Accepted) != reader).then_some((entry, reader))
        };
        let mut waiting = (0..ENTRIES).filter_map(new);
        let Some((entry, reader)) = waiting.next() else {
            self.tidy();
            return Ok(None);
        };
        if waiting.next().is_some() {
            self.bell.set();
        }
        self.door.write(entry, Word::Accepted, reader);
        let [news, gone] = door::events(reader);
        let opened = Event::open(&news).and_then(|news| Ok((news, Event::open(&gone)?)));
        let is_current = self.door.read(entry, Word::Turn) == self.turn;
        match (opened, self.door.who(entry).watch()) {
            (Ok((other, messages)), Ok(process)) if is_current => {
                let (door, generation) = (self.door.clone(), AtomicU64::new(0));
                Ok(Some(Connection {
                    door,
                    entry,
                    reader,
                    is_writer: true,
                    messages,
                    other,
                    process,
                    generation,
                }))
            }
            _ => {
                self.door.free(entry);
                Ok(None)
            }
        }
    }

    /// Frees the entries of readers that died while they wrote them.
    fn tidy(&self) {
        for entry in 0..ENTRIES {
            let who = self.door.who(entry);
            if who.process != 0
                && self.door.read(entry, Word::Reader) == 0
                && who.begun != 0
                && who.watch().is_err()
            {
                self.door.free(entry);
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.door.end();
    }
}

/// Sees names appear.
pub(in crate::ipc) struct Watch(HANDLE);

// SAFETY: a handle to an object of the system's, which any thread may use.
unsafe impl Send for Watch {}

impl Watch {
    fn new(folder: &Path) -> io::Result<Self> {
        let path = wide(&folder.to_string_lossy());
        // SAFETY: the path ends in a zero and lives through the call.
        let handle = unsafe { FindFirstChangeNotificationW(path.as_ptr(), 0, FILE_NOTIFY_CHANGE_FILE_NAME) };
        if handle == INVALID_HANDLE_VALUE { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }

    fn renew(&self) -> io::Result<()> {
        if !is_signalled(self.waited()) {
            return Ok(());
        }
        // SAFETY: an open handle of this kind.
        match unsafe { FindNextChangeNotification(self.0) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    pub fn waited(&self) -> Waited<'_> {
        // SAFETY: open for as long as `self`.
        unsafe { BorrowedHandle::borrow_raw(self.0) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: opened by `new`, and closed but here.
        unsafe { FindCloseChangeNotification(self.0) };
    }
}
