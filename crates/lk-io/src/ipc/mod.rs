// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures between processes: [`IpcTarget`] shares what it is given under a name, any number of [`IpcSource`]s read
//! it, with no copy more than needed.
//!
//! The pictures lie in slots of shared memory ([`layout`], [`memory`]). A reader that shows a picture holds a lease
//! on its slot, which the writer leaves alone ([`slots`]); no lock is involved that a dead process could hold, and
//! nothing that the other side wrote is believed without a look at it. [`linux`] and `windows` are all that depends on the
//! operating system. `docs/ipc-format.md` tells the format to others.

pub(crate) mod fit;
mod layout;
#[cfg(target_os = "linux")]
mod linux;
mod memory;
mod reading;
mod slots;
mod source;
#[cfg(feature = "media")]
mod target;
#[cfg(windows)]
mod windows;
mod writing;

#[cfg(target_os = "linux")]
use linux as os;
#[cfg(windows)]
use windows as os;

pub use fit::IpcFit;
pub use source::{IpcSource, IpcSourceStatistics};
#[cfg(feature = "media")]
pub use target::{IpcTarget, IpcTargetOptions, IpcTargetStatistics};

use lk_media::{Error, ErrorKind, FrameSpec, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Where the programs of a user find each other.
#[derive(Clone, Debug, Default)]
pub struct IpcFolder(Option<PathBuf>);

impl IpcFolder {
    /// A folder of one's own instead of the user's runtime folder; it is made if needed, and must be nobody else's.
    pub fn at(path: &Path) -> Self {
        Self(Some(path.to_owned()))
    }

    /// An error for names that nothing can be shared under.
    pub(crate) fn check_name(&self, name: &str) -> Result<()> {
        self.open()?.path(name).map(drop)
    }

    /// A file in the folder that is no name of anything shared.
    #[cfg(unix)]
    pub(crate) fn hidden(&self, name: &str) -> Result<PathBuf> {
        Ok(self.open()?.hidden(name))
    }

    fn open(&self) -> Result<os::Folder> {
        match &self.0 {
            None => os::Folder::of_user(),
            Some(path) => os::Folder::at(path),
        }
    }
}

/// Something that is shared now.
#[derive(Clone, Debug, Serialize)]
pub struct IpcListed {
    /// The name it is shared under.
    pub name: String,
    /// What its pictures are; None if the writer does not answer.
    pub pictures: Option<FrameSpec>,
    /// Pictures so far.
    pub frames: u64,
    /// The writer's process by its own account.
    pub process: Option<u64>,
}

/// What is shared by running programs of this user. What dead ones left behind is removed.
pub fn list(folder: &IpcFolder) -> Result<Vec<IpcListed>> {
    let folder = folder.open().map_err(as_source_error)?;
    let mut listed = Vec::new();
    for name in folder.names()? {
        match folder.connect(&name) {
            Ok(os::Reached::Nobody) => folder.forget(&name),
            Ok(os::Reached::Writer(connection)) => {
                let seen = reading::look(&connection);
                listed.push(IpcListed {
                    pictures: seen.as_ref().and_then(|s| s.nominal()),
                    frames: seen.as_ref().map_or(0, |s| s.newest()),
                    process: seen.as_ref().map(|s| s.process()),
                    name,
                });
            }
            Ok(os::Reached::Crowded) => {
                listed.push(IpcListed { name, pictures: None, frames: 0, process: None });
            }
            Err(e) => tracing::debug!("{e}"),
        }
    }
    Ok(listed)
}

/// What stands in the way of a source is no failed output.
fn as_source_error(error: Error) -> Error {
    if error.kind() == ErrorKind::Output { of_kind(ErrorKind::Stream, error) } else { error }
}

/// The same error, of another kind.
fn of_kind(kind: ErrorKind, error: Error) -> Error {
    let mut made = Error::new(kind, error.message());
    if let Some(hint) = error.hint() {
        made = made.with_hint(hint);
    }
    if let Some(errno) = error.errno() {
        made = made.with_errno(errno);
    }
    made
}
