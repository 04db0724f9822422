// SPDX-License-Identifier: GPL-2.0-or-later
//! One error type for the whole engine: a kind that says what the caller can do next, a message for people,
//! a hint with the way out.

use std::fmt;
use std::sync::Arc;

/// Shorthand for results of this workspace.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not media we can read: broken, empty, or of an unknown kind. Use another file.
    Media,
    /// The file or address does not exist. Correct the name.
    MediaNotFound,
    /// An encoder, muxer or one of their options is unknown or refused its settings. Change the settings.
    Encoder,
    /// A picture or sound of the wrong shape, type or format. Change what is passed.
    Format,
    /// A parameter is out of its range or contradicts another. Change the parameter.
    Parameter,
    /// A slot, layer or index that is not there.
    Index,
    /// The output cannot be written: no permission, no such folder, broken pipe.
    Output,
    /// The disk is full. Free space; what was written stays.
    DiskFull,
    /// A network peer refused, vanished or spoke another protocol. Try again later.
    Stream,
    /// Something did not answer within its deadline. Try again or give it more time.
    Deadline,
    /// There is no display to show a window on or to capture from, or it went away. Start one, or go without.
    Display,
    /// A live source was asked to be exact. Give the layer an `offline` policy or use a file.
    LiveSource,
    /// There is no way to the devices of this kind on this machine: a server or a library is missing. Install or
    /// start what the hint names.
    Device,
    /// No device or window of this name or number. Choose one that is listed.
    DeviceNotFound,
    /// Another program has the device to itself. Close that program.
    DeviceBusy,
    /// The device or its server went away. It comes back by itself where it is in use.
    DeviceLost,
    /// The object was closed.
    Closed,
    /// The object is in use by another run. Wait for it or use a second object.
    Busy,
    /// The caller cancelled the operation.
    Cancelled,
    /// Memory set aside for frames is used up. Raise the limit or hold fewer frames.
    Memory,
    /// User code (a callback, a subclass) failed.
    Callback,
    /// Our own bug. Please report it.
    Internal,
}

/// An error with its kind, its message and, where there is one, the way out.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    errno: Option<i32>,
    source: Option<Arc<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// A new error; `message` starts in lower case and names the thing that failed.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, errno: None, source: None }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Adds the operating system's error number.
    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.errno = Some(errno);
        self
    }

    /// Puts `context` and a colon before the message.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// What went wrong, by what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The operating system's error number, where there is one.
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// Adds the POSIX number of what the system said, where there is one: Windows has numbers of its own.
    #[must_use]
    pub fn with_errno_of(self, error: &std::io::Error) -> Self {
        match posix(error) {
            Some(errno) => self.with_errno(errno),
            None => self,
        }
    }

    /// A broken promise inside this workspace.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
            .with_hint("this is a bug in LiveKit; please report it with the output of the program")
    }

    /// A parameter out of its range.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parameter, message)
    }

    /// A picture or sound of the wrong shape or format.
    pub fn format(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Format, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

/// The POSIX number of an error of the system's.
pub fn posix(error: &std::io::Error) -> Option<i32> {
    #[cfg(unix)]
    return error.raw_os_error();
    #[cfg(not(unix))]
    {
        use std::io::ErrorKind as E;
        error.raw_os_error().map(|_| match error.kind() {
            E::NotFound => 2,
            E::PermissionDenied => 13,
            E::ResourceBusy => 16,
            E::AlreadyExists => 17,
            E::NotADirectory => 20,
            E::IsADirectory => 21,
            E::InvalidInput | E::InvalidFilename => 22,
            E::StorageFull => 28,
            E::ReadOnlyFilesystem => 30,
            _ => 5,
        })
    }
}
