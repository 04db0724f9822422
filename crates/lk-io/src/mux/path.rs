// SPDX-License-Identifier: GPL-2.0-or-later
//! Where an output goes: checked before FFmpeg is asked, since its error codes say less than the system's.

use lk_media::{Error, ErrorKind, Result};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file or an address that can be written, as far as one can know.
pub(crate) struct Target {
    url: String,
    /// The file, if it is one.
    file: Option<PathBuf>,
    /// Whether it was made by `prepare`.
    created: bool,
}

impl Target {
    /// Checks that `name` can be written, making an empty file of it if there is none. `opens_itself`: the name is
    /// a pattern or a list that the muxer makes files of.
    pub(crate) fn prepare(name: &str, overwrite: bool, opens_itself: bool) -> Result<Self> {
        if is_url(name) {
            return Ok(Self { url: name.to_owned(), file: None, created: false });
        }
        let path = Path::new(name);
        // a scheme of our own in front, so that "a:b" and "-x" are names of files
        let mut target = Self { url: format!("file:{name}"), file: None, created: false };
        if name.is_empty() {
            return Err(
                Error::new(ErrorKind::Output, "the name of the output is empty").with_hint("such as out.mp4")
            );
        }
        if opens_itself {
            return match path.parent().filter(|p| !p.as_os_str().is_empty()).map(fs::metadata) {
                Some(Err(e)) => Err(refused(path, &e)),
                _ => Ok(target),
            };
        }
        match fs::metadata(path) {
            Ok(known) if known.is_dir() => {
                return Err(Error::new(ErrorKind::Output, format!("{name} is a folder"))
                    .with_errno(IS_A_FOLDER)
                    .with_hint(format!("give a file name, such as {}", path.join("out.mp4").display())));
            }
            Ok(_) if !overwrite => {
                return Err(Error::new(ErrorKind::Output, format!("{name} exists"))
                    .with_errno(EXISTS)
                    .with_hint("choose another name, or allow overwriting"));
            }
            // pipes, sockets and devices are opened once
            Ok(known) if !known.is_file() => return Ok(target),
            Ok(_) => {
                OpenOptions::new().write(true).open(path).map_err(|e| refused(path, &e))?;
            }
            Err(_) => {
                OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| refused(path, &e))?;
                target.created = true;
            }
        }
        target.file = Some(path.to_owned());
        Ok(target)
    }

    /// What FFmpeg is given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The file, open for writing and as it was; None if it is none.
    pub(super) fn open(&self) -> Result<Option<File>> {
        let Some(path) = &self.file else { return Ok(None) };
        let opened = OpenOptions::new().write(true).open(path);
        opened.map(Some).map_err(|e| {
            self.discard();
            refused(path, &e)
        })
    }

    /// Bytes of the file; None if it is none.
    pub(crate) fn len(&self) -> Option<u64> {
        fs::metadata(self.file.as_ref()?).ok().map(|m| m.len())
    }

    /// Takes away the empty file that was made for an output that then failed to open.
    pub(crate) fn discard(&self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.created)
            && let Err(e) = fs::remove_file(file)
        {
            tracing::debug!("cannot remove {}: {e}", file.display());
        }
    }
}

const EXISTS: i32 = 17;
const IS_A_FOLDER: i32 = 21;
const NO_SPACE: i32 = 28;

/// `scheme://rest`, with a scheme of more than one letter (a single one is a drive).
fn is_url(name: &str) -> bool {
    name.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    })
}

fn refused(path: &Path, error: &io::Error) -> Error {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let errno = lk_media::error::posix(error);
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => {
            let folder = folder.map_or_else(String::new, |f| format!(" {}", f.display()));
            (ErrorKind::Output, format!("the folder{folder} does not exist; make it first"))
        }
        io::ErrorKind::PermissionDenied => (ErrorKind::Output, "no permission to write there".to_owned()),
        _ if errno == Some(NO_SPACE) => (ErrorKind::DiskFull, "free some space".to_owned()),
        _ => (ErrorKind::Output, "choose another place".to_owned()),
    };
    Error::new(kind, format!("cannot write {}: {error}", path.display())).with_hint(hint).with_errno_of(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names() {
        assert!(is_url("rtmp://host/app") && is_url("srt+x://h"));
        assert!(!is_url("C://x.mp4") && !is_url("a b://c.mp4") && !is_url("x.mp4") && !is_url("://"));
    }

    #[test]
    fn what_cannot_be_written() {
        let error = |name: &str, overwrite| Target::prepare(name, overwrite, false).err().unwrap();
        let folder = std::env::temp_dir();
        let e = error(&folder.to_string_lossy(), true);
        assert_eq!((e.kind(), e.errno()), (ErrorKind::Output, Some(21)));
        let e = error("/no/such/folder/x.mp4", true);
        assert_eq!((e.kind(), e.errno()), (ErrorKind::Output, Some(2)));
        assert!(e.hint().unwrap().contains("/no/such/folder"));
        assert_eq!(error("", true).kind(), ErrorKind::Output);
        assert_eq!(error("/dev/null", false).errno(), Some(17));
    }
}
