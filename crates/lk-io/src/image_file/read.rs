// SPDX-License-Identifier: GPL-2.0-or-later
//! The bytes of a file, or an error that says what to do.

use lk_media::{Error, ErrorKind, Result};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Files larger than this are not pictures.
const MAX_BYTES: u64 = 1 << 30;

/// Reads a regular file whole.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    // looked at before it is opened: opening a pipe would wait for its other end
    let about = std::fs::metadata(path).map_err(|error| failed(path, error))?;
    check(path, &about)?;
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let mut bytes = Vec::with_capacity(about.len() as usize);
    // the limit holds for files that grow while they are read, too
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(path, error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(path));
    }
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Media, format!("{shown} is empty"))
            .with_hint("whatever wrote it did not finish; write or copy it again"));
    }
    Ok(bytes)
}

fn check(path: &Path, about: &Metadata) -> Result<()> {
    let shown = path.display();
    if about.is_dir() {
        return Err(Error::new(ErrorKind::Media, format!("{shown} is a folder, not a picture"))
            .with_hint("name a file in it"));
    }
    if !about.is_file() {
        return Err(Error::new(ErrorKind::Media, format!("{shown} is not a regular file"))
            .with_hint("pictures are read from ordinary files; pipes and devices are not"));
    }
    if about.len() > MAX_BYTES {
        return Err(too_large(path));
    }
    Ok(())
}

fn too_large(path: &Path) -> Error {
    let message = format!("{} is larger than {} MB", path.display(), MAX_BYTES >> 20);
    Error::new(ErrorKind::Media, message).with_hint("open clips as video; pictures are limited in size")
}

fn failed(path: &Path, error: io::Error) -> Error {
    let shown = path.display();
    let (kind, message, hint) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            let hint = match std::env::current_dir() {
                Ok(folder) if path.is_relative() => {
                    format!("check the name; relative names start in {}", folder.display())
                }
                _ => "check the name".to_owned(),
            };
            (ErrorKind::MediaNotFound, format!("{shown} does not exist"), hint)
        }
        io::ErrorKind::PermissionDenied => {
            let hint = "make the file and its folders readable for this user".to_owned();
            (ErrorKind::Media, format!("{shown} may not be read"), hint)
        }
        _ => (ErrorKind::Media, format!("{shown} cannot be read: {error}"), "check the disk".to_owned()),
    };
    Error::new(kind, message).with_hint(hint).with_errno_of(&error).with_source(error)
}
